//! Files of records that are compressed as a whole: told by the end of their names, read from their beginning.

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use millstream_dataflow::{Error, Result};
use std::io::Read;

/// Bytes that LZMA's dictionary may take: what `xz -9` writes needs 64 MB.
const XZ_MEMORY_KB: u32 = 128 << 10;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Bzip2,
    Deflate,
    Gzip,
    Xz,
    Zstd,
}

impl Codec {
    /// By the end of the file's name, as in Flink.
    pub(super) fn of(path: &str) -> Option<Codec> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "bz2" => Some(Codec::Bzip2),
            "deflate" => Some(Codec::Deflate),
            "gz" | "gzip" => Some(Codec::Gzip),
            "xz" => Some(Codec::Xz),
            "zst" => Some(Codec::Zstd),
            _ => None,
        }
    }
    const fn name(self) -> &'static str {
        match self {
            Codec::Bzip2 => "bzip2",
            Codec::Deflate => "deflate",
            Codec::Gzip => "gzip",
            Codec::Xz => "xz",
            Codec::Zstd => "zstd",
        }
    }
}

/// The text of a compressed file, from a place that only moves on. Held are the piece that is asked for and what the codec needs.
pub(super) struct Text {
    codec: Codec,
    stream: Box<dyn Read + Send>,
    /// What was decompressed and may be asked for, which stands at `at`.
    ahead: Vec<u8>,
    at: u64,
    is_whole: bool,
}

impl Text {
    /// - `file`: the compressed bytes
    ///
    /// # Errors
    /// `Data` for what is not compressed so.
    pub(super) fn open(codec: Codec, file: impl Read + Send + 'static) -> Result<Text> {
        let stream: Box<dyn Read + Send> = match codec {
            Codec::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(file)),
            Codec::Deflate => Box::new(ZlibDecoder::new(file)),
            Codec::Gzip => Box::new(MultiGzDecoder::new(file)),
            Codec::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, XZ_MEMORY_KB)),
            Codec::Zstd => Box::new(zstd::stream::read::Decoder::new(file).map_err(|e| damaged(codec, 0, e))?),
        };
        Ok(Text {
            codec,
            stream,
            ahead: Vec::new(),
            at: 0,
            is_whole: false,
        })
    }
    /// Whether a place was passed already, so that the file has to be read again for it.
    pub(super) fn is_past(&self, place: u64) -> bool {
        place < self.at
    }
    /// So many bytes at a place, fewer only at the end; and whether nothing follows them.
    ///
    /// # Errors
    /// `Data` for a damaged file; what reading it gives.
    pub(super) fn piece(&mut self, place: u64, length: usize) -> Result<(Bytes, bool)> {
        while self.at < place {
            let passed = usize::try_from(place - self.at).unwrap_or(usize::MAX).min(self.ahead.len());
            self.ahead.drain(..passed);
            self.at += passed as u64;
            if self.at < place && self.read(length)? == 0 {
                let e = Error::data("a compressed file has less text than it had").code("E0701");
                return Err(e.detail(format!("it ends at byte {}, read was up to byte {place}", self.at)));
            }
        }
        // One byte more tells whether there is more.
        while self.ahead.len() <= length && self.read(length + 1)? > 0 {}
        let bytes = Bytes::copy_from_slice(&self.ahead[..length.min(self.ahead.len())]);
        Ok((bytes, self.is_whole && self.ahead.len() <= length))
    }
    /// Appends to what was decompressed, until there are so many bytes.
    fn read(&mut self, enough: usize) -> Result<usize> {
        if self.is_whole {
            return Ok(0);
        }
        let had = self.ahead.len();
        let wanted = enough.saturating_sub(had).max(1) as u64;
        let read = (&mut self.stream).take(wanted).read_to_end(&mut self.ahead);
        let read = read.map_err(|e| damaged(self.codec, self.at + self.ahead.len() as u64, e))?;
        self.is_whole = (read as u64) < wanted;
        Ok(read)
    }
}

/// What went wrong while bytes were decompressed: reading them, or what they are.
fn damaged(codec: Codec, at: u64, e: std::io::Error) -> Error {
    let cut = e.kind() == std::io::ErrorKind::UnexpectedEof;
    let e = match e.downcast::<Error>() {
        Ok(reading) => return reading,
        Err(e) => e,
    };
    let what = if cut { "ends too early" } else { "is damaged, or none" };
    Error::data(format!("a {} file {what}", codec.name()))
        .code("E0700")
        .detail(format!("after {at} bytes of its text"))
        .hint("the end of a file's name says how it is compressed; write the file anew, or take it away")
        .source(e)
}

#[cfg(test)]
pub(super) mod tests;
