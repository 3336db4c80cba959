//! How sources wait for each other: no split is read much further than the least watermark of its group.

use millstream_dataflow::{Alignment, Watermark};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Nothing to wait for: every split is idle or has ended.
pub(crate) const NOBODY: i64 = i64::MAX;

/// The source subtasks of one group, over all its tables.
#[derive(Debug, Default)]
pub(crate) struct AlignmentGroup {
    // A std mutex: held for a look at one number per member, by each of them once per step.
    /// The least watermark of each member.
    members: Mutex<Vec<i64>>,
}

impl AlignmentGroup {
    fn join(&self) -> usize {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.push(Watermark::NONE);
        members.len() - 1
    }
    /// Tells how far a member is, and finds out how far the last of all is.
    fn report(&self, member: usize, least: i64) -> i64 {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members[member] = least;
        members.iter().copied().min().unwrap_or(NOBODY)
    }
}

/// A source subtask as a member of its group.
#[derive(Debug)]
pub(crate) struct Member {
    group: Arc<AlignmentGroup>,
    index: usize,
    max_drift: i64,
    update_interval: Duration,
    /// The group's least watermark that splits are compared with, and when it was taken.
    least: i64,
    taken: Option<Duration>,
}

impl Member {
    pub(crate) fn new(group: &Arc<AlignmentGroup>, alignment: &Alignment) -> Member {
        Member {
            index: group.join(),
            group: Arc::clone(group),
            max_drift: i64::try_from(alignment.max_drift_ms).unwrap_or(i64::MAX),
            update_interval: Duration::from_millis(alignment.update_interval_ms),
            least: Watermark::NONE,
            taken: None,
        }
    }
    /// The watermark beyond which no split is read.
    ///
    /// It goes up once per interval: a consumer that is stopped and started anew forgets what it had fetched ahead. But it does not wait for
    /// that when the last have come closer by half the drift, or all would be read at a drift per interval (FLINK-37399).
    ///
    /// - `own`: the least watermark of the member's splits, [`NOBODY`] if none holds others back
    pub(crate) fn limit(&mut self, own: i64, now: Duration) -> i64 {
        let least = self.group.report(self.index, own);
        let due = self.taken.is_none_or(|taken| now.saturating_sub(taken) >= self.update_interval);
        if due || least < self.least || least >= self.least.saturating_add(self.max_drift / 2) {
            (self.least, self.taken) = (least, Some(now));
        }
        self.least.saturating_add(self.max_drift)
    }
}

#[cfg(test)]
mod tests;
