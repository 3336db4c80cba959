//! `-- lint: allow W0403`

use crate::catalogue;
use crate::diagnostic::{Diagnostic, Edit, Severity};
use crate::parse::{Parsed, comments};
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Location, Span};

/// What comments of a text allow, and the statements that they belong to.
#[derive(Debug, Default)]
pub struct Allowed {
    comments: Vec<Comment>,
    statements: Vec<Span>,
}

/// A comment that allows lints.
#[derive(Debug)]
struct Comment {
    /// Where it begins.
    at: Location,
    /// The codes in it, and where they stand.
    codes: Vec<(Span, String)>,
}

impl Allowed {
    /// - `above`: lines that the places of the statements are moved down by
    pub(crate) fn new(text: &str, parsed: &Parsed, above: u64) -> Self {
        let down = |at: Location| Location { line: at.line + above, ..at };
        Allowed {
            comments: comments(text).into_iter().filter_map(|(at, text)| Comment::new(down(at), &text)).collect(),
            statements: parsed.statements.iter().flatten().map(|s| s.span).collect(),
        }
    }

    /// Whether a comment in or above the finding's statement allows it.
    pub fn allows(&self, finding: &Diagnostic) -> bool {
        let Some((span, code)) = finding.primary.zip(finding.code) else {
            return false;
        };
        let number = self.statements.partition_point(|s| s.end < span.start);
        let above = number.checked_sub(1).and_then(|n| self.statements.get(n)).map(|s| s.end);
        let end = self.statements.get(number).map(|s| s.end);
        self.comments.iter().any(|Comment { at, codes }| {
            let is_here = above.is_none_or(|above| above <= *at) && end.is_none_or(|end| *at < end);
            is_here && codes.iter().any(|(_, c)| c == code)
        })
    }

    /// What is allowed, but is no lint.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = Diagnostic> {
        self.comments.iter().flat_map(|c| &c.codes).filter_map(|(at, code)| unknown(*at, code))
    }
}

impl Comment {
    /// The codes are those in front of what else is said: `lint: allow W0401, W0403 the clocks are right`. The first word is one, whatever
    /// it is.
    fn new(at: Location, text: &str) -> Option<Comment> {
        let list = text.trim_start().strip_prefix("lint:")?.trim_start().strip_prefix("allow")?;
        if !list.is_empty() && !list.starts_with(char::is_whitespace) {
            return None;
        }
        let skipped = text.len() - list.len();
        let mut codes = Vec::new();
        let mut end = 0;
        for word in list.split(|c: char| c == ',' || c.is_whitespace()) {
            let begin = end;
            end = begin + word.len() + 1;
            if word.is_empty() {
                continue;
            }
            if !codes.is_empty() && !is_meant_as_code(word) {
                break;
            }
            let place = |to: usize| after(at, &text[..skipped + to]);
            codes.push((
                Span {
                    start: place(begin),
                    end: place(begin + word.len()),
                },
                word.to_uppercase(),
            ));
        }
        Some(Comment { at, codes })
    }
}

/// The place behind the first part of a comment's text, which two characters stand before.
fn after(comment: Location, text: &str) -> Location {
    let lines = text.matches('\n').count() as u64;
    let last = text.rsplit('\n').next().unwrap_or("").chars().count() as u64;
    Location {
        line: comment.line + lines,
        column: if lines == 0 { comment.column + 2 + last } else { 1 + last },
    }
}

fn is_meant_as_code(word: &str) -> bool {
    word.strip_prefix(['W', 'w']).is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()))
}

fn unknown(at: Span, code: &str) -> Option<Diagnostic> {
    let lints = || catalogue::entries().iter().map(|e| e.code).filter(|c| c.starts_with('W'));
    if lints().any(|c| c == code) {
        return None;
    }
    let finding = Diagnostic::new(Severity::Warning, "W0101", at, format!("there is no lint {code}: nothing is allowed by it"));
    Some(match nearest(code, lints()) {
        Some(near) => Diagnostic {
            edits: vec![Edit {
                span: at,
                replacement: near.to_string(),
            }],
            ..finding.help(format!("did you mean {near}?"))
        },
        None if code.starts_with('E') => finding.help("errors cannot be allowed"),
        None => finding.help("docs/errors.md lists them, W0401 and others"),
    })
}
