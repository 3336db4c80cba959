//! Lints: what runs, but hardly as it is meant, or could run better. Codes begin with W.
//!
//! Those of declarations and expressions look at statements ([`table`], [`query`]); those that need types are told where queries are
//! bound, through `JobGraph::findings`. `-- lint: allow W0501` in or above a statement silences one there.

mod allow;
mod expressions;
mod tables;

pub use allow::Allowed;
pub(crate) use expressions::{WITHOUT_ZONE, always_fails, query, without_zone};
pub(crate) use tables::{never_idle, table};

use crate::diagnostic::{Diagnostic, Severity};
use crate::relation::Relation;
use millstream_dataflow::Span;
use millstream_plan::Column;

/// Columns go into a table by their places, whatever they are called: two that look exchanged are told.
///
/// - `given`: of the query; `columns`: of the table, without a column list
pub(crate) fn exchanged(given: &Relation, columns: &[Column], table: &str, at: Span) -> Option<Diagnostic> {
    let place = |name: &str| columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    let (from, to) = given.columns.iter().zip(columns).find(|(from, to)| {
        // Another column of the table is called so, and what goes there is called otherwise, too.
        let meant = place(&from.name).filter(|_| !from.name.eq_ignore_ascii_case(&to.name));
        meant.is_some_and(|meant| given.columns.get(meant).is_some_and(|c| !c.name.eq_ignore_ascii_case(&from.name)))
    })?;
    let names = |names: Vec<&str>| names.join(", ");
    let message = format!(
        "the query's column \"{}\" goes into \"{}\" of \"{table}\", which has a column \"{0}\", too",
        from.name, to.name
    );
    let finding = Diagnostic::new(Severity::Warning, "W0201", at, message)
        .note("columns are matched by position, not by name")
        .help(format!(
            "say where they go: INSERT INTO {table} ({}), or rename the query's column with AS",
            names(given.columns.iter().map(|c| c.name.as_str()).collect())
        ));
    Some(finding)
}

/// Windows in which a row counts, from which on a HOP is told to be unusual.
const WINDOWS_USUAL: i64 = 1_000;

/// A HOP that puts each row into very many windows.
pub(crate) fn many_windows(slide_ms: i64, size_ms: i64, at: Span) -> Option<Diagnostic> {
    let windows = size_ms / slide_ms;
    (windows > WINDOWS_USUAL).then(|| {
        let message = format!("every row counts in {windows} windows of this HOP");
        Diagnostic::new(Severity::Warning, "W0404", at, message)
            .note(format!("a key that appears once gives {windows} rows"))
            .help("choose a longer slide: HOP(…, slide, size)")
    })
}

/// A table that nothing can be read from or written to, nor is it the base of another.
pub(crate) fn unserved(name: &str, at: Span) -> Diagnostic {
    Diagnostic::new(
        Severity::Warning,
        "W0504",
        at,
        format!("table \"{name}\" has no connector: nothing can read or write it"),
    )
    .help("add one, WITH ('connector' = 'kafka', …), or make tables of it: CREATE TABLE … WITH (…) LIKE it")
}

/// More subtasks were asked for than a table has partitions: the others read nothing.
///
/// - `partitions`: of that table of the job that has the most
pub fn idle_subtasks(parallelism: u32, table: &str, partitions: usize, at: Span) -> Option<Diagnostic> {
    let idle = (parallelism as usize).checked_sub(partitions).filter(|idle| *idle > 0)?;
    let has = match partitions {
        1 => "1 partition".to_string(),
        n => format!("{n} partitions"),
    };
    let message = format!("{idle} of {parallelism} subtasks have nothing to read: table \"{table}\" has {has}");
    let finding = Diagnostic::new(Severity::Advice, "W0506", at, message);
    Some(finding.help(format!(
        "set 'parallelism.default' to '{partitions}', unless what is done behind it needs more, or give the topic more partitions"
    )))
}

/// A SET that an argument overrules.
pub(crate) fn overruled(key: &str, fixed: &str, at: Span) -> Diagnostic {
    Diagnostic::new(
        Severity::Warning,
        "W0503",
        at,
        format!("SET '{key}' has no effect: it is '{fixed}' by an argument"),
    )
}
