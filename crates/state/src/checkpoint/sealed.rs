//! The envelope of every JSON object: a head line with the format's version before it, length and checksum after it.
//!
//! ```text
//! millstream-checkpoint 1\n   {JSON}\n   <length of all before, 16 hex digits> <crc32c of it, 8 hex digits> end\n
//! ```

use millstream_dataflow::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

const VERSION: &str = "1";
/// Length of the last line.
const TRAILER: usize = 16 + 1 + 8 + 5;

/// - `what`: `checkpoint`, `generation`
pub(super) fn seal(what: &str, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = format!("millstream-{what} {VERSION}\n").into_bytes();
    serde_json::to_writer(&mut bytes, value).map_err(|e| Error::bug(format!("could not encode a {what} file")).source(e))?;
    bytes.push(b'\n');
    let trailer = trailer(&bytes);
    bytes.extend_from_slice(trailer.as_bytes());
    Ok(bytes)
}

/// # Errors
/// `Corrupt` if a byte is changed or missing, or if a newer release wrote it.
pub(super) fn open<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    let damaged = |how: &str| Error::corrupt(format!("a {what} file is damaged: {how}")).code("E0601");
    let (content, end) = bytes.split_at(bytes.len().checked_sub(TRAILER).ok_or_else(|| damaged("it is too short"))?);
    if end != trailer(content).as_bytes() {
        return Err(damaged("its checksum is wrong"));
    }
    let text = std::str::from_utf8(content).map_err(|e| damaged("it is not text").source(e))?;
    let head = text
        .strip_prefix("millstream-")
        .and_then(|t| t.strip_prefix(what))
        .and_then(|t| t.strip_prefix(' '));
    let (version, json) = head.and_then(|t| t.split_once('\n')).ok_or_else(|| damaged("it has no header"))?;
    if version != VERSION {
        let message = format!("a {what} file has format {version}, this release reads {VERSION}");
        return Err(Error::corrupt(message).code("E0601").hint("use the release that wrote it, or a newer one"));
    }
    serde_json::from_str(json).map_err(|e| damaged("its content does not fit").source(e))
}

pub(super) fn trailer(content: &[u8]) -> String {
    format!("{:016x} {:08x} end\n", content.len(), crc32c::crc32c(content))
}
