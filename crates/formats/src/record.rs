//! What record decoders have in common.

use millstream_dataflow::BadRecord;

/// Longest record taken.
pub(crate) const RECORD_BYTES_MAX: usize = 64 << 20;

/// A bad record.
pub(crate) fn bad(reason: &'static str, message: impl Into<String>) -> BadRecord {
    BadRecord {
        reason,
        message: message.into(),
    }
}

/// # Errors
/// A record that is too long to be one.
pub(crate) fn check_bytes(record: &[u8]) -> Result<(), BadRecord> {
    if record.len() <= RECORD_BYTES_MAX {
        return Ok(());
    }
    Err(bad(
        "too-large",
        format!("the record has {} bytes, at most {RECORD_BYTES_MAX} are taken", record.len()),
    ))
}
