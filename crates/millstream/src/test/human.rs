//! Results for people.

use millstream_server::testing::{Cell, FileReport, Finding, TestReport};
use millstream_sql::{Palette, render};
use std::fmt::Write;

/// A file's tests: a line for each, and what is wrong with it.
pub(super) fn file(report: &FileReport) -> String {
    let mut out = String::new();
    for error in &report.errors {
        out += &render(error, &report.text, &report.path);
    }
    for test in &report.tests {
        let ways = match test.cells {
            0 | 1 => String::new(),
            n => format!(", {n} ways"),
        };
        let verdict = if test.has_passed() { "ok    " } else { "FAILED" };
        let _ = writeln!(out, "{verdict} {}: {} ({:.1} s{ways})", report.path, test.name, test.seconds);
        out += &wrong(test, report);
    }
    out
}

/// What is wrong with a test.
pub(super) fn wrong(test: &TestReport, report: &FileReport) -> String {
    let mut out = String::new();
    for error in &test.job_errors {
        out += &test.job.render(error, &Palette::PLAIN);
    }
    for error in &test.errors {
        out += &render(error, &report.text, &report.path);
    }
    for finding in &test.findings {
        let (told, file) = test.placed(finding, report);
        out += &told.render(&file.text, &file.name, &Palette::PLAIN);
        if let Some(diff) = &finding.diff {
            let _ = write!(out, "{diff}");
        }
        out += &ways(finding, test, report);
    }
    out
}

/// In which cells, and how to run one of them alone.
fn ways(finding: &Finding, test: &TestReport, report: &FileReport) -> String {
    let Some(first) = finding.cells.first() else { return String::new() };
    let command = format!("millstream test '{}' {} {first}", test.name.replace('\'', "'\\''"), report.path);
    match (finding.cells.len(), test.cells) {
        (_, 1) => String::new(),
        (all, of) if all == of => format!(" in all {of} ways; this one alone: {command}\n"),
        (some, of) => format!(" in {some} of {of} ways:{}\n this one alone: {command}\n", which(&finding.cells, of)),
    }
}

/// Some ways, by what they have in common if that is all.
fn which(cells: &[Cell], of: usize) -> String {
    let [first, others @ ..] = cells else { return String::new() };
    if others.is_empty() {
        return format!(" {first}");
    }
    let same = |what: fn(&Cell) -> String| {
        let value = what(first);
        Some(value).filter(|v| cells.iter().all(|c| what(c) == *v))
    };
    let parts = [
        same(|c| format!("--parallelism {}", c.parallelism)),
        same(|c| format!("--batch-size {}", c.batch)),
        same(|c| if c.restore { "--restore".to_string() } else { "no --restore".to_string() }),
        same(|c| c.seed.map_or("no --seed".to_string(), |s| format!("--seed {s}"))),
    ];
    let common: Vec<String> = parts.into_iter().flatten().collect();
    // Each thing in common halves the ways.
    if !common.is_empty() && cells.len() << common.len() == of {
        return format!(" all with {}", common.join(", "));
    }
    cells.iter().map(|c| format!("\n   {c}")).collect()
}

pub(super) fn summary(reports: &[FileReport]) -> String {
    let tests = || reports.iter().flat_map(|r| &r.tests);
    let failed = tests().filter(|t| !t.has_passed()).count();
    let broken = reports.iter().filter(|r| !r.errors.is_empty()).count();
    let mut out = format!("{} passed, {failed} failed", tests().count() - failed);
    if broken > 0 {
        let _ = write!(out, ", {broken} file{} not understood", if broken == 1 { "" } else { "s" });
    }
    out + "\n"
}
