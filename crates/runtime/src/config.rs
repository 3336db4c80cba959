//! What a run of a job is told.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct JobConfig {
    pub name: String,
    /// Subtasks per node.
    pub parallelism: u32,
    /// Key groups.
    pub max_parallelism: u32,
    pub checkpoint_interval: Duration,
    pub checkpoint_timeout: Duration,
    /// At least 1.
    pub checkpoints_retained: usize,
    /// Failed checkpoints in a row before the job restarts.
    pub tolerable_failed_checkpoints: u32,
    /// Restarts in a row, without a completed checkpoint in between, before the job fails.
    pub restart_attempts: u32,
    pub restart_backoff: Duration,
    pub restart_backoff_max: Duration,
    /// Rows a channel between two subtasks holds before its sender stops.
    pub channel_rows: usize,
    /// Worker threads; 0 steps everything on the calling thread (tests, simulation).
    pub workers: usize,
    /// The serialised plan, without secrets: checkpoints keep it.
    pub plan: String,
}
