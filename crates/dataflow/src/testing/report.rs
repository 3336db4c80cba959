//! How a finding is told.

use crate::Error;
use std::collections::BTreeMap;

/// What a check found; the suite that runs it says where.
pub(super) type Found<T> = Result<T, String>;

/// An error as part of a finding.
pub(super) fn text(e: Error) -> String {
    format!("{:?} error: {e}", e.kind)
}

/// Ends the test.
#[allow(clippy::panic, reason = "the suites are test code: a finding is a failed test")]
pub(super) fn fail(message: &str) -> ! {
    panic!("{message}")
}

/// Ends the test if a check found something.
pub(super) fn settle<T>(what: &str, found: Found<T>) -> T {
    found.unwrap_or_else(|message| fail(&format!("{what}: {message}")))
}

/// Rows and how often each is there.
pub(super) type Multiset = BTreeMap<String, i64>;

pub(super) fn multiset<S: AsRef<str>>(rows: impl IntoIterator<Item = S>) -> Multiset {
    let mut all = Multiset::new();
    for row in rows {
        *all.entry(row.as_ref().to_string()).or_default() += 1;
    }
    all
}

/// Rows shown of each side of a difference.
const SHOWN_MAX: usize = 12;

/// Nothing if both hold the same rows, else a list of those that differ.
pub(super) fn same_rows(expected: &Multiset, actual: &Multiset) -> Found<()> {
    if expected == actual {
        return Ok(());
    }
    let surplus = |a: &Multiset, b: &Multiset| -> String {
        let rows: Vec<(&String, i64)> = a
            .iter()
            .map(|(row, n)| (row, n - b.get(row).copied().unwrap_or(0)))
            .filter(|(_, n)| *n > 0)
            .collect();
        let mut text: String = rows.iter().take(SHOWN_MAX).map(|(row, n)| format!("\n    {n} x {row}")).collect();
        if rows.len() > SHOWN_MAX {
            text += &format!("\n    and {} more", rows.len() - SHOWN_MAX);
        }
        if text.is_empty() { "\n    nothing".to_string() } else { text }
    };
    let count = |m: &Multiset| m.values().sum::<i64>();
    Err(format!(
        "rows differ ({} expected, {} actual)\n  expected, but missing:{}\n  there, but not expected:{}",
        count(expected),
        count(actual),
        surplus(expected, actual),
        surplus(actual, expected)
    ))
}

/// The message that a test ends with; empty if it passes.
#[cfg(test)]
pub(super) fn caught(test: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).err();
    panic.map_or(String::new(), |p| p.downcast_ref::<String>().cloned().unwrap_or_default())
}
