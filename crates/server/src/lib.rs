//! Wires everything: a job file's text to running jobs, their state, their metrics.
//!
//! Start with [`run`].
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

mod catalogs;
mod check;
mod collect;
mod metrics;
mod resume;
mod run;

pub use catalogs::Catalogs;
pub use check::check;
pub use metrics::{METRICS, Metric, serve as serve_metrics};
pub use millstream_connectors::print::READER_LEFT;
pub use resume::{Resume, decide};
pub use run::{Event, Observer, RunOptions, run};
