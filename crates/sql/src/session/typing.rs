//! What is wrong in a text that is still being written.

use super::{OnError, Session};
use crate::compile::CompileOptions;
use crate::edit::{Kind, Piece, pieces};
use crate::relation::NO_FROM;
use millstream_dataflow::{Error, Location, Span};

/// What is wrong however the statement goes on: names, types and options that do not exist.
const TOLD: [&str; 9] = ["E0201", "E0202", "E0203", "E0207", "E0301", "E0501", "E0502", "E0504", "E0509"];

impl Session {
    /// The places that are wrong in a text whose last statement is being written. Nothing runs, nothing is changed.
    pub fn wrong_so_far(&self, text: &str, options: &CompileOptions<'_>) -> Vec<Span> {
        let finished = end_of_finished(text);
        let is_finished = |e: &Error| e.span.is_some_and(|span| span.end <= finished);
        let is_told = |e: &Error| {
            let is_wrong = e.code.is_some_and(|code| TOLD.contains(&code)) && e.hint.as_deref() != Some(NO_FROM);
            (is_wrong || is_finished(e)).then_some(e.span).flatten()
        };
        let mut as_it_is = None;
        for text in completions(text) {
            let errors = self
                .clone()
                .compile(&text, options, OnError::Stop)
                .map_or_else(|failed| failed.errors, |_| Vec::new());
            if errors.iter().all(|e| e.code != Some("E0102") || is_finished(e)) {
                return errors.iter().filter_map(is_told).collect();
            }
            as_it_is.get_or_insert(errors);
        }
        as_it_is.iter().flatten().filter_map(is_told).collect()
    }
}

/// Where the last `;` ends.
fn end_of_finished(text: &str) -> Location {
    let end = pieces(text).iter().rfind(|p| p.is(";")).map_or(0, Piece::end);
    let before = text.get(..end).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    Location {
        line: before.matches('\n').count() as u64 + 1,
        column: line.chars().count() as u64 + 1,
    }
}

/// The text, and with what could end it: what is open closed, a value where one is missing.
fn completions(text: &str) -> Vec<String> {
    let pieces = pieces(text);
    let mut end = String::from("\n");
    match pieces.last().filter(|p| p.open).map(|p| p.kind) {
        None => {}
        Some(Kind::Text) => end.insert(0, '\''),
        Some(Kind::Quoted) => end.insert(0, '`'),
        Some(_) => return vec![text.to_string()],
    }
    let mut open = String::new();
    for piece in pieces.iter().filter(|p| p.kind == Kind::Sign) {
        match piece.text {
            "(" => open.push(')'),
            "[" => open.push(']'),
            ")" | "]" => drop(open.pop()),
            ";" => open.clear(),
            _ => {}
        }
    }
    let closed: String = open.chars().rev().collect();
    vec![text.to_string(), format!("{text}{end}{closed}"), format!("{text}{end}NULL{closed}")]
}

#[cfg(test)]
mod tests {
    use super::{completions, end_of_finished};

    #[test]
    fn what_is_open_is_closed() {
        assert_eq!(completions("SELECT f(a[1")[1..], ["SELECT f(a[1\n])", "SELECT f(a[1\nNULL])"]);
        assert_eq!(
            completions("SELECT ((a); SELECT 'b")[1..],
            ["SELECT ((a); SELECT 'b'\n", "SELECT ((a); SELECT 'b'\nNULL"]
        );
        assert_eq!(completions("SELECT /* b").len(), 1);
        let end = end_of_finished("SELECT 1;\nSELECT é; SELECT ';");
        assert_eq!((end.line, end.column), (2, 10));
    }
}
