//! Findings of several files, for people and for programs.

mod github;
mod json;
mod junit;
mod sarif;

use clap::ValueEnum;
use millstream_sql::{Diagnostic, Palette, Severity};
use std::collections::BTreeSet;

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// With the lines they stand in
    Human,
    /// One object: {"version":1,"diagnostics":[…],"summary":{…}}
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands of GitHub Actions, which mark the lines of a pull request
    Github,
    /// JUnit XML, a test case per file
    Junit,
}

/// A file and what was found in it.
#[derive(Debug)]
pub(crate) struct Checked {
    /// As people know it, with `/`.
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) findings: Vec<Diagnostic>,
    /// How many more errors it has.
    pub(crate) further: usize,
    /// Variables without a value: what they stand in was not checked.
    pub(crate) open_variables: BTreeSet<String>,
}

impl Checked {
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Error)
    }
}

/// How many findings of each severity there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) advice: usize,
}

impl Counts {
    pub(crate) fn of(checked: &[Checked]) -> Counts {
        let count = |severity| checked.iter().flat_map(|c| &c.findings).filter(|f| f.severity == severity).count();
        Counts {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            advice: count(Severity::Advice),
        }
    }
}

/// All findings as text that ends with a line break, or is empty.
pub(crate) fn write(checked: &[Checked], form: Form, palette: &Palette) -> String {
    match form {
        Form::Human => human(checked, palette),
        Form::Json => json::write(checked),
        Form::Sarif => sarif::write(checked),
        Form::Github => github::write(checked),
        Form::Junit => junit::write(checked),
    }
}

fn human(checked: &[Checked], palette: &Palette) -> String {
    let shown = checked.iter().flat_map(|c| c.findings.iter().map(|f| f.render(&c.text, &c.file, palette)));
    shown.map(|text| text + "\n").collect()
}

/// Message, notes and helps of a finding as one text.
fn whole_message(finding: &Diagnostic) -> String {
    let notes = finding.notes.iter().map(|note| format!("note: {note}"));
    let helps = finding.helps.iter().map(|help| format!("help: {help}"));
    std::iter::once(finding.message.clone())
        .chain(notes)
        .chain(helps)
        .collect::<Vec<_>>()
        .join("\n")
}
