//! Wires everything: a job file's text to running jobs, their state, their metrics.
//!
//! Start with [`run`] for a file, with [`Workbench`] for a session.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

mod catalogs;
mod check;
mod collect;
mod explain;
mod metrics;
mod observer;
mod online;
mod resume;
mod run;
mod runner;
mod sorter;
pub mod testing;
mod unspoken;
mod workbench;

pub use catalogs::Catalogs;
pub use check::check;
pub use explain::{ExplainForm, ExplainOptions, Explained, explain};
pub use metrics::{METRICS, Metric, Watched, serve as serve_metrics};
pub use millstream_connectors::Printer;
pub use observer::{Event, Observer, QueryEnd};
pub use online::ask;
pub use resume::{Life, Resume, decide};
pub use run::{RunOptions, run};
pub use runner::{Bounds, Output};
pub use workbench::{JobInfo, JobStatus, Listener, Notice, TextOptions, Workbench, WorkbenchOptions};
