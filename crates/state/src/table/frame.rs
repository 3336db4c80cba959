//! The envelope of every chunk: magic, format version, kind, length, checksum.
//!
//! ```text
//! 0  "MSCH"   4  version u16   6  kind u16   8  body length u64   16  crc32c of bytes 0..16 and the body, u32   20  body
//! ```
//! Numbers are little-endian. Every changed or missing byte is found.

use bytes::Bytes;
use millstream_dataflow::{Error, Result};

const MAGIC: &[u8; 4] = b"MSCH";
const VERSION: u16 = 1;
const HEADER: usize = 20;

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An Arrow IPC stream of one batch.
    Table = 1,
    /// An operator's own bytes.
    Singleton = 2,
}

pub(super) fn seal(kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(kind as u16).to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes), body);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// # Errors
/// `Corrupt` if a byte is changed or missing, or if the kind or version is another one.
pub(super) fn open(kind: Kind, bytes: &Bytes) -> Result<Bytes> {
    let damaged = |what: &str| {
        Error::corrupt(format!("a state chunk is damaged: {what}"))
            .code("E0601")
            .hint("restore the file from a backup, or start with --fresh")
    };
    if bytes.len() < HEADER || &bytes[..4] != MAGIC {
        return Err(damaged("it has no header"));
    }
    let body = bytes.slice(HEADER..);
    if bytes[8..16] != (body.len() as u64).to_le_bytes() {
        return Err(damaged("its length is wrong"));
    }
    if bytes[16..20] != crc32c::crc32c_append(crc32c::crc32c(&bytes[..16]), &body).to_le_bytes() {
        return Err(damaged("its checksum is wrong"));
    }
    if bytes[4..6] != VERSION.to_le_bytes() {
        return Err(Error::corrupt("a state chunk has a format this release does not know")
            .code("E0601")
            .hint("use the release that wrote it, or a newer one"));
    }
    if bytes[6..8] != (kind as u16).to_le_bytes() {
        return Err(damaged("it is of another kind"));
    }
    Ok(body)
}
