//! Files that are compiled as one text: what the jobs of a project share, then the job's own file.

use crate::compile::{Checked, CompileOptions, Compiled};
use crate::diagnostic::{Diagnostic, Palette};
use crate::parse::{Missing, Statement, StatementKind, fill, parse_each};
use crate::session::{OnError, Session};
use millstream_dataflow::{Error, Label, Span, SqlText};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A text of several files. Places in it lead back to its files.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    text: String,
    files: Vec<SourceFile>,
    /// How many of them are shared.
    shared: usize,
}

/// A file, as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// As people know it.
    pub name: String,
    pub text: String,
    /// Lines of the whole text before it.
    above: u64,
}

/// Ends a statement that a file leaves open, so that it does not go on in the next one.
const BETWEEN: &str = "\n;\n";

impl Sources {
    /// - `shared`: names and texts of the files that come first
    /// - `own`: those of the job's file, if there is one
    pub fn new(shared: &[(String, String)], own: Option<(String, String)>) -> Sources {
        let mut all = Sources {
            shared: shared.len(),
            ..Sources::default()
        };
        for (name, text) in shared.iter().cloned().chain(own) {
            if !all.files.is_empty() {
                all.text += BETWEEN;
            }
            let above = all.text.matches('\n').count() as u64;
            all.text += &text;
            all.files.push(SourceFile { name, text, above });
        }
        all
    }

    /// The errors of files that are shared: what each job of the project would run.
    pub fn misplaced(&self) -> Vec<Error> {
        let Some(last) = self.shared.checked_sub(1).and_then(|last| self.files.get(last)) else {
            return Vec::new();
        };
        let end = last.above + last.text.matches('\n').count() as u64 + 1;
        let (substituted, _) = fill(&self.text, &BTreeMap::new(), Missing::Left);
        let statements = parse_each(&substituted.text, 0, &[]).statements.into_iter().flatten();
        let shared = statements.take_while(|s| s.span.start.line <= end);
        shared.filter_map(|s| misplaced(&s).map(|what| (what, s.span))).map(wrong).collect()
    }
    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The job's file.
    pub fn own(&self) -> Option<&SourceFile> {
        self.files.get(self.shared)
    }
    /// All files, those that are shared first.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The file that a place of the whole text is in; what has none is about the last one.
    fn file_of(&self, span: Option<Span>) -> Option<&SourceFile> {
        let starts_before = |f: &&SourceFile| span.is_none_or(|span| f.above < span.start.line);
        self.files.iter().rev().find(starts_before)
    }

    /// A finding with places in the whole text, as one with places in its file; and the file. Places in other files become notes.
    pub fn placed(&self, mut finding: Diagnostic) -> (Diagnostic, SourceFile) {
        if let Some(other) = finding.text.clone() {
            let SqlText { name, text } = other.as_ref().clone();
            finding.hide_secrets(&text);
            return (finding, SourceFile { name, text, above: 0 });
        }
        let Some(file) = self.file_of(finding.primary) else {
            return (finding, SourceFile::default());
        };
        let here = |span: Span| span.moved_up(file.above);
        finding.primary = finding.primary.map(here);
        for label in std::mem::take(&mut finding.labels) {
            match self.file_of(Some(label.span)) {
                Some(other) if other != file => {
                    let place = label.span.moved_up(other.above);
                    finding.notes.push(format!("{}:{place}: {}", other.name, label.text));
                }
                _ => finding.labels.push(Label {
                    span: here(label.span),
                    ..label
                }),
            }
        }
        finding.edits.iter_mut().for_each(|edit| edit.span = here(edit.span));
        finding.hide_secrets(&file.text);
        (finding, file.clone())
    }

    /// The findings in the job's file, with places in it. Those in shared files are for who looks at these.
    pub fn of_own(&self, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let placed = findings.into_iter().map(|f| self.placed(f));
        placed.filter(|(_, file)| Some(file) == self.own()).map(|(finding, _)| finding).collect()
    }

    /// An error with places in the whole text, as one with places in its file, which it brings along.
    pub(crate) fn with_text(&self, error: Error) -> Error {
        let Some(file) = self.file_of(error.span) else { return error };
        let text = SqlText {
            name: file.name.clone(),
            text: file.text.clone(),
        };
        error.moved(|span| span.moved_up(file.above)).in_text(Arc::new(text))
    }

    /// An error as text, with its lines.
    pub fn render(&self, error: &Error, palette: &Palette) -> String {
        let (finding, file) = self.placed(Diagnostic::from(error));
        finding.render(&file.text, &file.name, palette)
    }

    /// Compiles it, a session of its own.
    ///
    /// # Errors
    /// All that is wrong with its files, with places in the whole text.
    pub fn compile(&self, mut session: Session, options: &CompileOptions<'_>) -> Result<Compiled, Vec<Error>> {
        let mut wrong = self.misplaced();
        match session.compile(&self.text, options, OnError::Stop) {
            Ok(compiled) if wrong.is_empty() => Ok(compiled),
            Ok(_) => Err(wrong),
            Err(failed) => {
                // What is misplaced is told once, whatever else is wrong with it.
                let is_new = |e: &Error| !wrong.iter().any(|w| holds(w, e.span));
                let others: Vec<Error> = failed.errors.into_iter().filter(is_new).collect();
                wrong.extend(others);
                wrong.sort_by_key(|e| e.span.map(|span| span.start));
                Err(wrong)
            }
        }
    }

    /// All that is wrong with its files, and what lints say, with places in the whole text.
    pub fn check(&self, mut session: Session, options: &CompileOptions<'_>) -> Checked {
        let mut checked = session.check(&self.text, options);
        let misplaced = self.misplaced();
        checked.findings.retain(|f| !misplaced.iter().any(|m| holds(m, f.primary)));
        checked.findings.extend(misplaced.iter().map(Diagnostic::from));
        checked.findings.sort_by_key(|f| f.primary.map(|span| span.start));
        checked
    }
}

/// A single file, with its name first.
impl From<(&str, &str)> for Sources {
    fn from((name, text): (&str, &str)) -> Sources {
        Sources::new(&[], Some((name.to_string(), text.to_string())))
    }
}

fn wrong((what, span): (&str, Span)) -> Error {
    let e = Error::sql(format!("{what} in a file that all jobs of the project share"))
        .code("E0545")
        .span(span);
    e.hint("put it into the file of a job: here stand CREATE, ALTER, DROP, USE and SET")
}

/// Whether a place is within that of an error.
fn holds(e: &Error, place: Option<Span>) -> bool {
    e.span.zip(place).is_some_and(|(all, one)| all.start <= one.start && one.end <= all.end)
}

/// What a statement is called that does not only declare something.
fn misplaced(statement: &Statement) -> Option<&'static str> {
    use StatementKind as K;
    Some(match &statement.kind {
        K::Insert(_) => "INSERT",
        K::StatementSet(_) => "a statement set",
        K::Query(_) => "a query",
        K::Explain(_) => "EXPLAIN",
        K::Show(..) | K::ShowSettings => "a statement that shows something",
        K::CreateTable(create) if create.query.is_some() => "CREATE TABLE … AS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
