//! What is wrong with a test that ran.

use super::cell::Cell;
use super::diff::Diff;
use millstream_dataflow::{Error, ErrorKind, Span};
use millstream_sql::test_file::{JobPlace, JobPlaces};

/// Something that a test expects and that is not so.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its step, or the head of the test.
    pub span: Option<Span>,
    /// Where the job has failed.
    pub failed_at: Option<JobPlace>,
    pub kind: ErrorKind,
    pub code: &'static str,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// Rows that are missing, and those that are not expected.
    pub diff: Option<Diff>,
    /// What is to stand in the place of the expected rows, and where these are.
    pub update: Option<(Span, String)>,
    /// In which cells; empty if it has nothing to do with any.
    pub cells: Vec<Cell>,
}

impl Finding {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Finding {
            span: None,
            failed_at: None,
            kind: ErrorKind::Data,
            code: "E0804",
            message: message.into(),
            detail: None,
            hint: None,
            diff: None,
            update: None,
            cells: Vec::new(),
        }
    }
    pub(super) fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }
    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
    /// That a job has failed.
    pub(super) fn failed(e: &Error, places: &JobPlaces) -> Self {
        let causes: String = e.causes().iter().map(|c| format!(": {c}")).collect();
        Finding {
            kind: e.kind,
            failed_at: e.span.map(|span| places.place(span)),
            code: e.code.unwrap_or("E0804"),
            detail: e.detail.clone(),
            hint: e.hint.clone(),
            ..Finding::new(format!("the job has failed: {}{causes}", e.message))
        }
    }
    /// Whether it is the same in another cell.
    pub(super) fn is_same(&self, other: &Finding) -> bool {
        let what = |f: &Self| (f.span, f.failed_at, f.message.clone(), f.detail.clone());
        what(self) == what(other) && self.diff == other.diff
    }
    /// As an error of the test file.
    pub fn error(&self) -> Error {
        let mut e = Error::new(self.kind, self.message.clone()).code(self.code);
        if let Some(span) = self.span {
            e = e.span(span);
        }
        if let Some(detail) = &self.detail {
            e = e.detail(detail.clone());
        }
        match &self.hint {
            Some(hint) => e.hint(hint.clone()),
            None => e,
        }
    }
}
