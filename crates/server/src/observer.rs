//! What happens while texts run, for whoever shows it.

use millstream_dataflow::{Batch, Result, Schema};
use millstream_runtime::{JobMetrics, Outcome};
use millstream_sql::{Diagnostic, Severity};
use std::sync::Arc;

pub enum Event<'a> {
    /// A warning of the compiler.
    Warning(&'a Diagnostic),
    /// The file only declares and sets; so much of it was changed in stored catalogs.
    NothingToRun { changed: usize },
    /// The text of EXPLAIN.
    Explain(&'a str),
    /// The text of SHOW CREATE.
    Statement(&'a str),
    /// What SET without arguments lists.
    Settings(&'a [(String, String)]),
    /// A query's rows follow.
    QueryStarted {
        schema: &'a Schema,
        metrics: &'a Arc<JobMetrics>,
        /// Rows may be updates and deletions of earlier ones.
        changes: bool,
        /// They end by themselves.
        bounded: bool,
    },
    /// The rows that pass an operator of a job follow.
    TapOpened {
        schema: &'a Schema,
        metrics: &'a Arc<JobMetrics>,
        changes: bool,
    },
    /// There are no more rows, of a query or a tap.
    QueryEnded { end: QueryEnd },
    /// The INSERTs run as one job. `resumed` is the checkpoint it goes on from.
    JobStarted {
        name: &'a str,
        metrics: &'a Arc<JobMetrics>,
        resumed: Option<u64>,
        state: &'a str,
    },
    /// The job's bounded input was processed by an earlier run; epoch ms.
    JobFinishedBefore { name: &'a str, at_ms: i64 },
    JobEnded {
        name: &'a str,
        metrics: &'a Arc<JobMetrics>,
        outcome: Outcome,
        seconds: f64,
    },
}

/// Why there are no more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryEnd {
    /// The input has ended.
    Finished,
    /// The user has asked for it.
    Stopped,
    /// As many rows as were asked for are shown.
    Limit,
    /// The time is up.
    Time,
    /// The watermark is where it was waited for.
    Watermark,
    /// The error comes next.
    Failed,
}

/// Shows what happens; the binary's terminal, or a test.
///
/// An error ends what runs: rows that nobody can be shown.
pub trait Observer: Send + Sync {
    fn event(&self, event: Event<'_>) -> Result<()>;
    /// Rows of the running query.
    fn rows(&self, schema: &Schema, batch: &Batch) -> Result<()>;
}

/// Tells the warnings. Advice is for who asks: `millstream check`.
pub(crate) fn warn(findings: &[Diagnostic], observer: &dyn Observer) -> Result<()> {
    let mut warnings = findings.iter().filter(|f| f.severity == Severity::Warning);
    warnings.try_for_each(|f| observer.event(Event::Warning(f)))
}
