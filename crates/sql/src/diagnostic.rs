//! What is wrong with a text, or could be better: for people, and for programs.

mod render;
mod secrets;

pub use render::Palette;
pub use secrets::without_secrets;

use crate::parse::slice;
use crate::sources::Sources;
use millstream_dataflow::option::without_passwords;
use millstream_dataflow::{Error, ErrorKind, Label, Span, SqlText};
use std::sync::Arc;

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something to know; nothing is wrong.
    Advice,
    /// It runs, but hardly as it is meant.
    Warning,
    /// It does not run.
    Error,
}

impl Severity {
    /// As messages begin.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Advice => "advice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A finding in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// `E0402`, `W0401`: what [`catalogue`](crate::catalogue) explains. Errors of the machine around may have none.
    pub code: Option<&'static str>,
    /// One lower-case sentence without a full stop.
    pub message: String,
    /// Where it is; nowhere if it is not about a place of the text.
    pub primary: Option<Span>,
    /// The text its places are in, if that is not the one it was found in.
    pub text: Option<Arc<SqlText>>,
    /// Other places that have to do with it.
    pub labels: Vec<Label>,
    /// More about it, and what caused it.
    pub notes: Vec<String>,
    /// What can be done.
    pub helps: Vec<String>,
    /// What can be put into the text so that it is right.
    pub edits: Vec<Edit>,
    /// Of an error: what kind it is.
    pub kind: Option<ErrorKind>,
}

/// A change of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub replacement: String,
}

impl From<&Error> for Diagnostic {
    fn from(error: &Error) -> Self {
        let causes = error.causes().into_iter().map(|cause| format!("caused by: {cause}"));
        let shown = |text: &str| without_passwords(text).into_owned();
        let edit = error.span.zip(error.replacement.clone());
        Diagnostic {
            severity: Severity::Error,
            code: error.code,
            message: shown(&error.message),
            primary: error.span,
            text: error.text.clone(),
            labels: error.labels.clone(),
            notes: error.place().into_iter().chain(causes).map(|note| shown(&note)).collect(),
            helps: error.hint.iter().map(|hint| shown(hint)).collect(),
            edits: edit.map(|(span, replacement)| Edit { span, replacement }).into_iter().collect(),
            kind: Some(error.kind),
        }
    }
}

impl Diagnostic {
    /// A finding that keeps nothing from running.
    pub(crate) fn new(severity: Severity, code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic {
            severity,
            code: Some(code),
            message: message.into(),
            primary: Some(span),
            text: None,
            labels: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
            edits: Vec::new(),
            kind: None,
        }
    }
    /// What is shown of a secret in the text is not told in words either.
    pub(crate) fn hide_secrets(&mut self, text: &str) {
        let Some(span) = self.primary else { return };
        let hidden = without_secrets(text);
        let (there, shown) = (slice(text, span), slice(&hidden, span));
        if there != shown {
            let all = std::iter::once(&mut self.message).chain(&mut self.notes).chain(&mut self.helps);
            all.for_each(|words| *words = words.replace(there, shown));
        }
    }
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }
}

/// An error as text without colours; `file` is what its text is called.
pub fn render(error: &Error, text: &str, file: &str) -> String {
    Sources::from((file, text)).render(error, &Palette::PLAIN)
}

/// What is not there yet, and where.
pub(crate) fn unsupported(what: impl std::fmt::Display, span: Span) -> Error {
    Error::sql(format!("{what} is not supported yet")).code("E0101").span(span)
}
