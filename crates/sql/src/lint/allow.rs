//! `-- lint: allow W0403`

use crate::diagnostic::Diagnostic;
use crate::parse::{Parsed, comments};
use millstream_dataflow::{Location, Span};

/// What comments of a text allow, and the statements that they belong to.
pub(crate) struct Allowed {
    /// Where a comment begins, and the codes in it.
    codes: Vec<(Location, Vec<String>)>,
    statements: Vec<Span>,
}

impl Allowed {
    /// - `above`: lines that the places of the statements are moved down by
    pub(crate) fn new(text: &str, parsed: &Parsed, above: u64) -> Self {
        let codes = |comment: &str| {
            let list = comment.trim().strip_prefix("lint:")?.trim_start().strip_prefix("allow ")?.to_string();
            let words = list.split(|c: char| c == ',' || c.is_whitespace()).map(str::to_uppercase);
            Some(words.take_while(|w| w.is_empty() || is_code(w)).filter(|w| !w.is_empty()).collect())
        };
        let down = |at: Location| Location { line: at.line + above, ..at };
        let codes = comments(text)
            .into_iter()
            .filter_map(|(at, comment)| Some((down(at), codes(&comment)?)))
            .collect();
        Allowed {
            codes,
            statements: parsed.statements.iter().flatten().map(|s| s.span).collect(),
        }
    }

    /// Whether a comment in or above the finding's statement allows it.
    pub(crate) fn allows(&self, finding: &Diagnostic) -> bool {
        let Some((span, code)) = finding.primary.zip(finding.code) else {
            return false;
        };
        let number = self.statements.partition_point(|s| s.end < span.start);
        let above = number.checked_sub(1).and_then(|n| self.statements.get(n)).map(|s| s.end);
        let end = self.statements.get(number).map(|s| s.end);
        self.codes.iter().any(|(at, codes)| {
            let is_here = above.is_none_or(|above| above <= *at) && end.is_none_or(|end| *at < end);
            is_here && codes.iter().any(|c| c == code)
        })
    }
}

fn is_code(word: &str) -> bool {
    word.strip_prefix('W').is_some_and(|n| n.len() == 4 && n.chars().all(|c| c.is_ascii_digit()))
}
