//! What the subtasks of one source know of each other's event time.

use millstream_dataflow::Watermark;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};

/// A split that stands at its end steps aside, so that the others' windows fire; but only as far as they had come when it was last seen
/// to have nothing more. What lay in it before that is never late for its sake, whatever is read first after a quiet time or an outage.
#[derive(Debug)]
pub(crate) struct SourceTime {
    /// The greatest watermark of any split.
    furthest: AtomicI64,
    /// Subtasks with a split that is not idle.
    awake: AtomicUsize,
    /// Whether the job has no other source. Then nobody waits for this one while it is idle.
    pub(crate) alone: bool,
}

impl SourceTime {
    pub(crate) fn new(alone: bool) -> Self {
        SourceTime {
            furthest: AtomicI64::new(Watermark::NONE),
            awake: AtomicUsize::new(0),
            alone,
        }
    }
    pub(crate) fn furthest(&self) -> i64 {
        self.furthest.load(SeqCst)
    }
    pub(crate) fn reached(&self, watermark: i64) {
        self.furthest.fetch_max(watermark, SeqCst);
    }
    pub(crate) fn wakes(&self) {
        self.awake.fetch_add(1, SeqCst);
    }
    pub(crate) fn rests(&self) {
        self.awake.fetch_sub(1, SeqCst);
    }
    pub(crate) fn all_rest(&self) -> bool {
        self.awake.load(SeqCst) == 0
    }
}
