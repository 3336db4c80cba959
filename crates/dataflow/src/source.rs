//! Where rows enter: readers on the rim, decoders in the subtask.

use crate::{BadRecord, Batch, BoxFuture, EventTime, Places, Result};
use arrow_array::{ArrayRef, Int64Array};
use std::any::Any;
use std::collections::BTreeSet;
use std::time::Duration;

/// A part of a source with its own order: a Kafka partition, a file, a generator's shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Stable name within the source: `topic/3`, `dir/a.json`. State is kept by it.
    pub id: String,
    /// Where to go on, in the connector's own versioned text form. Made by `discover`, moved on by `decode`.
    pub position: String,
}

/// A table rows are read from.
///
/// `discover`, `reader` run on the rim; the decoder runs in the subtask's thread.
pub trait Source: Send + Sync {
    /// The splits there are now. `known` holds the splits (with positions) of a restored checkpoint: they come back with these
    /// positions; new ones start where the options say (at a first start) or at their beginning (`known` not empty).
    /// A bounded source resolves its end here, so the end is part of the position.
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>>;
    /// Makes a reader for some splits. It owns its connections.
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>>;
    /// Makes the decoder of one subtask.
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>>;
    /// Whether the source ends by itself.
    fn bounded(&self) -> bool;
    /// How often `discover` is to be called while the job runs, for splits that have come; `None`: only at its start. With a new split the
    /// job goes on from a checkpoint that it takes for this.
    fn discovery_interval(&self) -> Option<Duration> {
        None
    }
    /// A checkpoint that covers these positions was committed (Kafka: group offsets for lag tools). Recovery does not depend on it:
    /// an error is told and the job goes on.
    fn committed<'a>(&'a self, _positions: &'a [Split]) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
    /// The job has ended, and nothing is read any more: others that wait for this source (an HTTP client for its answer) are told. A job
    /// that is killed does not call it, so nothing depends on it.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What `fetch` found.
#[derive(Debug)]
pub enum Fetch {
    /// Data.
    Chunk(Chunk),
    /// Nothing within the wait.
    Nothing,
    /// It was seen during this call that these splits, which may still grow, have nothing that was not handed over. To be told again every
    /// second or so: an idle split lets the others' event time go as far as it had come before such a call, and no further.
    EndOfData(Vec<String>),
    /// The event time of a split has come so far, whatever its rows tell; with the position behind this. For splits that know more than their
    /// rows.
    Watermark(Split, EventTime),
    /// A bounded split gave its last chunk.
    Finished(String),
}

/// Raw input of one split, in order, owned by whoever holds it.
#[derive(Debug)]
pub struct Chunk {
    /// [`Split::id`].
    pub split: String,
    /// Bytes held, for the queue's budget.
    pub bytes: usize,
    /// What the connector's own decoder understands.
    pub payload: Box<dyn Any + Send>,
}

/// Reads splits; lives on a rim thread of its own (production) or is stepped by the simulator.
pub trait SplitReader: Send {
    /// Waits at most `wait` for data of any split. Errors: `Unavailable` is retried from the last checkpoint.
    fn fetch(&mut self, wait: Duration) -> Result<Fetch>;
    /// Of these splits nothing is wanted for now, of all others everything: each call takes the place of the one before. What was already
    /// found may still be handed over. A reader that cannot do without a split leaves this out; its source then takes no alignment options.
    ///
    /// # Errors
    /// As those of `fetch`.
    fn pause(&mut self, _splits: &BTreeSet<String>) -> Result<()> {
        Ok(())
    }
    /// Whether whom it reads from answers. A reader that waits for a broker says no, and goes on by itself.
    fn is_connected(&self) -> bool {
        true
    }
    /// Records between our position and the end, per split, if known without asking anybody.
    fn lag(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
    /// Of a bounded source: how much is not handed over yet, over all splits, in a unit of its own (records, bytes); 0 at the end. `None` if
    /// it does not know.
    fn left(&self) -> Option<u64> {
        None
    }
}

/// Turns chunks into batches, in the subtask.
pub trait SplitDecoder: Send {
    /// Decodes a whole chunk into one batch (large chunks may be cut by the reader, not here).
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded>;
}

/// A decoded chunk.
#[derive(Debug)]
pub struct Decoded {
    /// The rows: the columns of the [`crate::TableSpec`], in order, no stamps yet.
    pub batch: Batch,
    /// The split with the position after the chunk.
    pub split: Split,
    /// Records read, good and bad.
    pub records: u64,
    /// Records that could not be decoded.
    pub bad: Vec<Rejected>,
    /// Records without a value that are no rows.
    pub tombstones: u64,
    /// Where each row of the batch stands.
    pub places: Places,
    /// The bytes of each row's record, BYTES, if [`crate::TableSpec::keep_records`] asks for them and there are any.
    pub raw: Option<ArrayRef>,
}

/// A record that is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its number in the split, as [`Places`] counts.
    pub number: u64,
    /// Its bytes, if [`crate::TableSpec::keep_records`] asks for them and there are any.
    pub record: Option<Vec<u8>>,
    /// Its event time, epoch ms, if it has one.
    pub event_time: Option<i64>,
    /// What is wrong with it.
    pub why: BadRecord,
}

/// What a source subtask does to a decoded batch before it flows: computed columns and the watermark expression.
/// Stateless; the runtime keeps the running maximum per split and stamps the rows.
pub trait Scan: Send {
    /// The batch in the table's scan schema and, for a table with a watermark, each row's watermark candidate.
    ///
    /// - `arrived_ms`: when the rows arrived, epoch ms
    fn scan(&mut self, batch: Batch, arrived_ms: i64) -> Result<Scanned>;
}

/// A batch ready to be stamped.
#[derive(Debug)]
pub struct Scanned {
    /// The rows.
    pub batch: Batch,
    /// Per row of `batch` the value of the watermark expression, epoch ms; a null moves nothing. `None` without `WATERMARK`.
    pub candidates: Option<Int64Array>,
    /// The event time of each row of `batch`, epoch ms; `None` without `WATERMARK`.
    pub event_times: Option<Int64Array>,
    /// Rows left out, with their number in the decoded batch: the record policy applies.
    pub bad: Vec<BadRow>,
}

/// A row that a scan left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its number in the decoded batch, in ascending order.
    pub row: usize,
    /// Its event time, epoch ms, if it has one.
    pub event_time: Option<i64>,
    /// What is wrong with it.
    pub why: BadRecord,
}
