//! How journal objects are written: little-endian, behind a mark and a version, sealed with a checksum.

use bytes::Bytes;
use millstream_dataflow::{Error, Result};

/// Version of both forms. Persisted: pinned by a test.
const VERSION: u8 = 1;

/// Begins an object.
pub(super) fn begin(mark: [u8; 4]) -> Vec<u8> {
    let mut out = mark.to_vec();
    out.push(VERSION);
    out
}

/// Ends an object with the CRC-32C of all before.
pub(super) fn seal(mut out: Vec<u8>) -> Bytes {
    out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
    Bytes::from(out)
}

/// Appends bytes behind their length.
pub(super) fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn damaged() -> Error {
    Error::corrupt("an object of the journal is damaged").code("E0601")
}

/// Reads an object from its beginning to its end. What it gives shares the object's memory.
pub(super) struct Cursor {
    rest: Bytes,
}

impl Cursor {
    /// Behind the mark and the version of a sealed object.
    ///
    /// # Errors
    /// `Corrupt` for another kind of object, another version, or bytes that are not what was sealed.
    pub(super) fn new(mark: [u8; 4], mut object: Bytes) -> Result<Self> {
        if object.len() < mark.len() + 5 || object[..4] != mark {
            return Err(damaged());
        }
        let sealed = object.split_off(object.len() - 4);
        if sealed[..] != crc32c::crc32c(&object).to_le_bytes() {
            return Err(damaged());
        }
        match object[4] {
            VERSION => Ok(Cursor { rest: object.slice(5..) }),
            other => Err(Error::corrupt(format!("an object of the journal has version {other}, this release reads {VERSION}")).code("E0601")),
        }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
    pub(super) fn take(&mut self, n: usize) -> Result<Bytes> {
        match n <= self.rest.len() {
            true => Ok(self.rest.split_to(n)),
            false => Err(damaged()),
        }
    }
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?[..].try_into().map_err(|_| damaged())
    }
    pub(super) fn number(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    pub(super) fn bytes(&mut self) -> Result<Bytes> {
        let n = self.number()?;
        self.take(n as usize)
    }
    pub(super) fn text(&mut self) -> Result<String> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| damaged())
    }
}
