//! What every node between source and sink is.

use crate::{Batch, KeyGroupRange, Result, Snapshot, SnapshotPart, Watermark};

/// Number of an output port.
pub type Port = usize;

/// Whether a call is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// All output of the event is in `out`.
    Done,
    /// The output budget is used up: call `resume` until `Done` before any other event. No snapshot is taken in between.
    More,
}

/// A synchronous, single-threaded, deterministic transformation of batches.
///
/// Called by one thread, each call meant to take at most a millisecond at the default batch size. It reads no clock, does no
/// I/O, spawns nothing, and hash-map order never reaches its output: the same inputs in the same order give the same output.
/// After an error the instance is discarded; the job restarts from its last checkpoint or fails.
pub trait Operator: Send {
    /// A batch arrived on `input`. Rows that are late leave by [`Output::LATE`].
    fn on_batch(&mut self, input: usize, batch: Batch, out: &mut Output) -> Result<Step>;
    /// The minimum watermark over all inputs advanced. After `Done` the runtime forwards [`Operator::output_watermark`].
    fn on_watermark(&mut self, _watermark: Watermark, _out: &mut Output) -> Result<Step> {
        Ok(Step::Done)
    }
    /// A barrier follows: empty every buffer that is not keyed, split or singleton state.
    fn before_barrier(&mut self, _out: &mut Output) -> Result<Step> {
        Ok(Step::Done)
    }
    /// All inputs ended (after their final watermark).
    fn on_end(&mut self, _out: &mut Output) -> Result<Step> {
        Ok(Step::Done)
    }
    /// Goes on after [`Step::More`].
    fn resume(&mut self, _out: &mut Output) -> Result<Step> {
        Ok(Step::Done)
    }
    /// The watermark to forward when the input's is `time`.
    fn output_watermark(&self, time: i64) -> i64 {
        time
    }
    /// The state now. Called after `before_barrier` was `Done`; must not copy rows.
    fn snapshot(&mut self) -> Snapshot {
        Snapshot::default()
    }
    /// Fills a new instance; called once, before any event.
    fn restore(&mut self, _parts: &[SnapshotPart]) -> Result<()> {
        Ok(())
    }
    /// Bytes of state held, for metrics.
    fn state_bytes(&self) -> usize {
        0
    }
}

/// Which part of the job an instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtaskContext {
    /// Index of the subtask, from 0.
    pub subtask: u32,
    /// Number of subtasks of the node.
    pub parallelism: u32,
    /// The key groups this subtask owns.
    pub key_groups: KeyGroupRange,
    /// Number of key groups of the job.
    pub max_parallelism: u32,
}

/// Collects what an operator emits during one call.
#[derive(Debug)]
pub struct Output {
    batches: Vec<(Port, Batch)>,
    rows: usize,
    rows_max: usize,
    counts: Vec<(&'static str, u64)>,
}

impl Output {
    /// The port of ordinary output.
    pub const MAIN: Port = 0;
    /// The port of rows that came too late.
    pub const LATE: Port = 1;
    /// The port of rows that a policy rejected.
    pub const REJECTED: Port = 2;

    /// An output that is full after `rows_max` rows.
    pub fn new(rows_max: usize) -> Self {
        Output {
            batches: Vec::new(),
            rows: 0,
            rows_max,
            counts: Vec::new(),
        }
    }
    /// Emits on the main port.
    pub fn push(&mut self, batch: Batch) {
        self.push_to(Self::MAIN, batch);
    }
    /// Emits on a port. Empty batches vanish.
    pub fn push_to(&mut self, port: Port, batch: Batch) {
        if batch.num_rows() > 0 {
            self.rows += batch.num_rows();
            self.batches.push((port, batch));
        }
    }
    /// Adds to a counter; `reason` is one of a small fixed set (`late`, `late-after-idle`, …).
    pub fn count(&mut self, reason: &'static str, rows: u64) {
        match self.counts.iter_mut().find(|c| c.0 == reason) {
            Some(c) => c.1 += rows,
            None => self.counts.push((reason, rows)),
        }
    }
    /// True once the budget is used up: return [`Step::More`] soon.
    pub fn is_full(&self) -> bool {
        self.rows >= self.rows_max
    }
    /// Takes the batches, in the order they were emitted, and renews the budget.
    pub fn drain(&mut self) -> impl DoubleEndedIterator<Item = (Port, Batch)> + '_ {
        self.rows = 0;
        self.batches.drain(..)
    }
    /// Takes the counters.
    pub fn drain_counts(&mut self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counts.drain(..)
    }
}
