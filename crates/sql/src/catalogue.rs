//! What each error code means: why it is an error, a text that has it, and one that has not. `docs/errors.md` is made of the same pages.

use millstream_dataflow::{Error, Result};
use std::fmt::Write;
use std::sync::LazyLock;

/// The pages, one per group: sections of a heading `## CODE title`, prose and blocks of code.
pub const PAGES: [&str; 9] = [
    include_str!("catalogue/E01-syntax.md"),
    include_str!("catalogue/E02-names.md"),
    include_str!("catalogue/E03-types.md"),
    include_str!("catalogue/E04-streaming.md"),
    include_str!("catalogue/E05-connectors.md"),
    include_str!("catalogue/E06-state.md"),
    include_str!("catalogue/E07-data.md"),
    include_str!("catalogue/E08-tests.md"),
    include_str!("catalogue/W-lints.md"),
];

/// A code of errors, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub code: &'static str,
    pub title: &'static str,
    /// Why it is an error and what to do, in Markdown.
    pub text: &'static str,
    /// What has run before the others, where they need it.
    pub before: Option<&'static str>,
    /// A file that has the error.
    pub failing: Option<&'static str>,
    /// The same without it.
    pub fixed: Option<&'static str>,
    /// What is told, where no file alone brings it about.
    pub shown: Option<&'static str>,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| PAGES.iter().flat_map(|page| page.split("\n## ").skip(1)).map(entry_of).collect());

/// All codes, in order.
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

/// A code's entry; small letters are taken, too.
pub fn entry(code: &str) -> Option<&'static Entry> {
    entries().iter().find(|e| e.code.eq_ignore_ascii_case(code))
}

fn entry_of(section: &'static str) -> Entry {
    let (heading, rest) = section.split_once('\n').unwrap_or((section, ""));
    let (code, title) = heading.split_once(' ').unwrap_or((heading, ""));
    let block = |kind: &str| {
        let (_, block) = rest.split_once(kind)?;
        block.split_once("```").map(|(text, _)| text.trim_end())
    };
    Entry {
        code,
        title,
        text: rest.split_once("\n```").map_or(rest, |(text, _)| text).trim(),
        before: block("```sql before\n"),
        failing: block("```sql fails\n"),
        fixed: block("```sql works\n"),
        shown: block("```text\n"),
    }
}

/// A code's page, for a terminal.
///
/// # Errors
/// `Config` for what is no code, with the nearest there are.
pub fn explain(code: &str) -> Result<String> {
    let entry = entry(code).ok_or_else(|| unknown(code))?;
    let mut out = format!("{}: {}\n\n{}\n", entry.code, entry.title, entry.text);
    let blocks = [
        ("What is told:", entry.shown),
        ("After this:", entry.before),
        ("This fails:", entry.failing),
        ("This works:", entry.fixed),
    ];
    for (heading, block) in blocks {
        let Some(block) = block else { continue };
        let _ = write!(out, "\n{heading}\n\n");
        for line in block.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    Ok(out)
}

fn unknown(code: &str) -> Error {
    const NEAREST: usize = 3;
    let e = Error::config(format!("there is no error code '{code}'"));
    let number = |code: &str| code.get(1..).and_then(|n| n.parse::<i64>().ok());
    let Some(wanted) = number(code) else {
        return e.hint("a code is a letter and four digits, such as E0402; docs/errors.md lists them all");
    };
    let mut near: Vec<(i64, &str)> = entries().iter().filter_map(|e| Some(((number(e.code)? - wanted).abs(), e.code))).collect();
    near.sort_unstable();
    near.truncate(NEAREST);
    let codes: Vec<&str> = near.into_iter().map(|(_, code)| code).collect();
    e.hint(format!("the nearest are {}", codes.join(", ")))
}

#[cfg(test)]
mod tests;
