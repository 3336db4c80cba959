//! Every bound of this crate.

use std::time::Duration;

/// Rows an operator may emit in one call before it should yield.
pub(crate) const OUTPUT_ROWS: usize = 32 * 1024;
/// Rows a channel between two subtasks holds before its sender stops.
pub const CHANNEL_ROWS: usize = 64 * 1024;
/// Bytes a channel between two subtasks holds before its sender stops.
pub(crate) const CHANNEL_BYTES: usize = 16 << 20;
/// Bytes of undecoded chunks a source subtask holds before its reader stops.
pub(crate) const FEED_BYTES: usize = 8 << 20;
/// Chunks a source subtask holds before its reader stops.
pub(crate) const FEED_CHUNKS: usize = 256;
/// Bytes and chunks of paused splits that a source subtask holds beside those.
pub(crate) const HELD_BYTES: usize = 4 * FEED_BYTES;
pub(crate) const HELD_CHUNKS: usize = 4 * FEED_CHUNKS;
/// How long a reader waits for data in one call.
pub(crate) const FETCH_WAIT: Duration = Duration::from_millis(50);
/// How long a checkpoint waits for a source to take note of what it committed.
pub(crate) const SOURCE_COMMIT_WAIT: Duration = Duration::from_secs(1);
/// How long a source has, at the end of its job, to tell whoever waits for it.
pub(crate) const SOURCE_CLOSE_WAIT: Duration = Duration::from_secs(10);
/// How long a worker without work sleeps if nothing wakes it: the resolution of idle timeouts.
pub(crate) const PARK: Duration = Duration::from_millis(5);
/// How long all subtasks of one thread rest at most, if one thread steps them all.
pub const PARK_MAX: Duration = Duration::from_millis(640);
/// Works a subtask does in one step before it lets its neighbours run.
pub(crate) const STEP_WORKS: usize = 64;
/// Samples of bad or late records kept for the log and the summary, per reason.
pub(crate) const SAMPLES: u64 = 5;
