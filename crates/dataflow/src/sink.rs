//! Where rows leave: written before the barrier, visible only after the checkpoint.

use crate::{Batch, BoxFuture, Epoch, EventTime, Result, SubtaskContext};

/// What a writer hands over so that the committer can make it visible, also in another process after a crash.
/// The connector owns the encoding; it carries a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committable(pub Vec<u8>);

/// All committables of one epoch of one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochCommit {
    /// The epoch.
    pub epoch: Epoch,
    /// In subtask order.
    pub committables: Vec<Committable>,
}

/// An epoch of one sink that nobody has decided yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndecidedEpoch {
    /// The epoch.
    pub epoch: Epoch,
    /// That of the sink's input at the barrier: the minimum over its writers, those aside that are idle. `Watermark::END` after all input.
    pub watermark: EventTime,
    /// What the writers handed over, in subtask order. After a failed checkpoint those that were prepared for it come first.
    pub committables: Vec<Committable>,
}

/// A table rows are written to. `job` identity (incarnation) is given at creation by the connector registry.
pub trait Sink: Send + Sync {
    /// Makes the writer of one subtask. Called at each start; leftovers of an uncommitted epoch may exist and are not ours to trust.
    fn writer(&self, subtask: &SubtaskContext, incarnation: &str) -> Result<Box<dyn SinkWriter>>;
    /// Makes the one committer of this sink, or `None` for a sink that shows rows as they come (`print`, `blackhole`).
    fn committer(&self, incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>>;
    /// Some(1) if only one writer may exist.
    fn parallelism(&self) -> Option<u32> {
        None
    }
}

/// The writing half, stepped by its subtask's thread.
pub trait SinkWriter: Send {
    /// Encodes a batch. CPU work only: I/O is spawned on the rim by the sink.
    fn write(&mut self, batch: Batch) -> Result<()>;
    /// False while too many bytes are in flight: the runtime then holds the input back.
    fn is_ready(&self) -> bool {
        true
    }
    /// Ends the epoch: the future finishes all I/O and gives what the committer needs. Rows written later belong to the next epoch.
    /// Nothing of the epoch is visible to a plain reader yet.
    fn pre_commit(&mut self, epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>>;
    /// What this writer has written since it was made, for the final summary; `None` where that is nowhere.
    fn written(&self) -> Option<Written> {
        None
    }
}

/// What the writers of a sink have put where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Where they are.
    pub place: WrittenPlace,
}

/// Where written rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrittenPlace {
    /// Files or objects.
    Files {
        /// How many; `None` if others are made of them before they are seen.
        count: Option<u64>,
        /// A pattern that names them all: `file:///data/out/*.parquet`.
        pattern: String,
    },
    /// Topics of a message broker.
    Topics(Vec<String>),
}

impl Written {
    /// Adds what was written to the same place.
    ///
    /// # Errors
    /// The other, if it is in another place.
    pub fn add(&mut self, other: Written) -> std::result::Result<(), Written> {
        match (&mut self.place, &other.place) {
            (WrittenPlace::Files { count, pattern }, WrittenPlace::Files { count: more, pattern: same }) if pattern == same => {
                *count = count.zip(*more).map(|(a, b)| a + b);
            }
            (WrittenPlace::Topics(topics), WrittenPlace::Topics(same)) if topics == same => {}
            _ => return Err(other),
        }
        self.rows += other.rows;
        Ok(())
    }
}

/// The committing half; one per sink, run by the checkpoint coordinator.
pub trait SinkCommitter: Send {
    /// Called once at start, before everything else, if there is a decided epoch: its committables, committed or not. What a committer must
    /// know of the past is in them.
    fn restore(&mut self, _last: &EpochCommit) -> Result<()> {
        Ok(())
    }
    /// Called before the manifest of the epoch is created: gives what is to be committed. Nothing becomes visible, and the epoch may yet be
    /// given up or prepared again with a later one: a committer takes note of what it prepared only in `commit`.
    fn prepare(&mut self, undecided: UndecidedEpoch) -> BoxFuture<'_, Result<Vec<Committable>>> {
        Box::pin(async { Ok(undecided.committables) })
    }
    /// Makes an epoch visible. Called after the manifest that decides the epoch exists; **idempotent**: after a crash it is
    /// called again with the same committables, from another process.
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>>;
    /// Called once at start, after the last decided epoch was rolled forward and before anything is written: notes what undecided epochs left.
    fn survey(&mut self) -> BoxFuture<'_, Result<()>>;
    /// Called once, when the first epoch of this run is decided: removes what was noted, and nothing else. Not earlier, because a decision of
    /// the process before may still be on its way: it fails only when the place that it would take is taken.
    fn clear(&mut self) -> BoxFuture<'_, Result<()>>;
}
