//! Bytes to rows and back.

use crate::{Batch, Result, RowKind};
use arrow_array::RecordBatch;

/// Why a record could not become a row. It costs itself only, never its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// A bounded set of short names for counters: `malformed`, `type`, `missing-field`, `extra-field`, `too-deep`, `too-large`, `utf8`, `null-rowtime`, `future-rowtime`,
    /// `computed`, `partition`, `schema`.
    pub reason: &'static str,
    /// What was wrong and at which field or byte; never the payload itself.
    pub message: String,
}

/// Decodes records of a row format (JSON, CSV, …) straight into Arrow columns.
///
/// One per subtask, called by the subtask's thread only. The schema is that of the table's physical columns that the
/// plan needs, in that order.
pub trait Decoder: Send {
    /// Appends the rows of one record (usually one; a top-level JSON array gives several, an empty record may give none).
    ///
    /// What is not the record's fault, such as a registry of schemas that does not answer, is kept for [`Decoder::finish`]: this record and
    /// those after it give no rows then.
    ///
    /// # Errors
    /// The record's fault. Nothing of it stays behind: the rows before and after are untouched.
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord>;
    /// Appends the rows of a record without a value, what Kafka calls a tombstone: none, unless the format has a row for it.
    ///
    /// # Errors
    /// As those of `decode`.
    fn decode_null(&mut self) -> Result<usize, BadRecord> {
        Ok(0)
    }
    /// Rows decoded since the last `finish`.
    fn rows(&self) -> usize;
    /// What the rows do to their table that the next `finish` gives, to be asked for before it; `None`: all are inserts.
    fn kinds(&mut self) -> Option<Vec<RowKind>> {
        None
    }
    /// Takes the rows decoded so far.
    ///
    /// # Errors
    /// What kept records from being decoded. The rows are gone, and the same records may be decoded again.
    fn finish(&mut self) -> Result<RecordBatch>;
}

/// Encodes batches of a table into one file or message stream.
///
/// Deterministic: the same batches give the same bytes.
pub trait Encoder: Send {
    /// Appends what is ready of a batch; formats with row groups may keep some of it.
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()>;
    /// Bytes kept back so far, so that files can roll by size.
    fn buffered(&self) -> usize;
    /// Appends the rest and the footer, if any. The encoder is then ready for a new file.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()>;
}

/// Encoded records, one after another.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Records {
    /// All of them.
    pub bytes: Vec<u8>,
    /// Where each ends. A record without bytes is not the same as none.
    pub ends: Vec<usize>,
}

impl Records {
    /// Ends the record that `bytes` was appended to.
    pub fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }
    /// Each record's bytes.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }
    /// Forgets all records and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Encodes rows as records of a message log: what a [`Decoder`] takes, without anything between them.
///
/// Deterministic: the same rows give the same bytes, however they are cut into batches.
pub trait RecordEncoder: Send {
    /// Appends one record for each row.
    ///
    /// # Errors
    /// `Data` for a value that the format cannot hold.
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()>;
}
