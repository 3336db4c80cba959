//! Runs a graph: subtasks stepped by a scheduler, exchanges, aligned barriers, checkpoints, commit, restart.
//!
//! A subtask is a state machine ([`subtask::Subtask`]); [`worker`] steps the subtasks of one core on one thread. What touches the
//! outside world (readers, uploads, timers) stands on the rim and is injected by [`Rim`]. Start with [`Job`].
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

mod alignment;
mod attempt;
mod chain;
mod channel;
mod combined;
mod config;
mod constants;
mod coordinator;
mod exchange;
mod feed;
mod job;
mod letters;
pub mod metrics;
mod rim;
pub mod simulation;
mod source_head;
mod source_time;
pub mod subtask;
mod tap;
mod topology;
mod wake;
pub mod worker;

pub use config::JobConfig;
pub use constants::{CHANNEL_ROWS, PARK_MAX};
pub use job::{Control, Job, Outcome};
pub use metrics::JobMetrics;
pub use rim::{Rim, SystemClock, Timer, TokioTimer};
pub use tap::{Tap, Tapped};
