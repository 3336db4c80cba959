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
    /// What is told, where the page shows it.
    pub shown: Option<&'static str>,
    /// Files that lie beside the examples: names and texts.
    pub files: Vec<(&'static str, &'static str)>,
    /// What has run before the others, where they need it.
    pub before: Option<&'static str>,
    /// What has the error.
    pub failing: Example,
    /// The same without it; of a console it comes after the failing one, in the same directory.
    pub fixed: Example,
}

/// What brings an error about, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// A file.
    Sql(&'static str),
    /// Lines `$ command`, each with what is shown then. A line `…` stands for others.
    Console(&'static str),
}

impl Example {
    pub fn text(&self) -> &'static str {
        match self {
            Example::Sql(text) | Example::Console(text) => text,
        }
    }
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
    let blocks = || rest.split("```").skip(1).step_by(2).filter_map(|b| b.split_once('\n'));
    let block = |wanted: &str| blocks().find(|(label, _)| *label == wanted).map(|(_, text)| text.trim_end());
    let example = |which: &str| match block(&format!("console {which}")) {
        Some(text) => Example::Console(text),
        None => Example::Sql(block(&format!("sql {which}")).unwrap_or_default()),
    };
    let file = |(label, text): (&'static str, &'static str)| Some((label.strip_prefix("sql ").filter(|name| name.contains('.'))?, text.trim_end()));
    Entry {
        code,
        title,
        text: rest.split_once("\n```").map_or(rest, |(text, _)| text).trim(),
        shown: block("text"),
        files: blocks().filter_map(file).collect(),
        before: block("sql before"),
        failing: example("fails"),
        fixed: example("works"),
    }
}

/// A code's page, for a terminal.
///
/// # Errors
/// `Config` for what is no code, with the nearest there are.
pub fn explain(code: &str) -> Result<String> {
    let entry = entry(code).ok_or_else(|| unknown(code))?;
    let mut out = format!("{}: {}\n\n{}\n", entry.code, entry.title, entry.text);
    let mut block = |heading: &str, text: &str| {
        let _ = write!(out, "\n{heading}:\n\n");
        for line in text.lines() {
            let _ = writeln!(out, "{}", format!("    {line}").trim_end());
        }
    };
    if let Some(text) = entry.shown {
        block("What is told", text);
    }
    for (name, text) in &entry.files {
        block(&format!("With {name}"), text);
    }
    if let Some(text) = entry.before {
        block("After this", text);
    }
    block("This fails", entry.failing.text());
    block("This works", entry.fixed.text());
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
