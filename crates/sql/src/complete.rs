//! What may stand at the cursor of a statement that is being written.
//!
//! Works on tokens, since what is being written does not parse: [`tree`](tree) makes brackets of them, [`statement`](statement) finds the
//! clause by what stands before the cursor, [`scope`](scope) the columns by what stands around it.

mod columns;
mod options;
mod query;
mod scope;
mod statement;
mod tree;
mod window;

use crate::edit::words::{KEYWORDS, TYPES, is_one_of};
use crate::edit::{Kind, Piece, pieces};
use crate::known::Known;
use millstream_dataflow::Registry;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SuggestionKind {
    Column,
    Table,
    View,
    /// A name of WITH or AS.
    Alias,
    Function,
    Type,
    Keyword,
    Database,
    Catalog,
    OptionKey,
    OptionValue,
    /// What [`Wanted`] asks for.
    Outside,
}

/// One thing that may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What replaces [`Completion::replace`].
    pub text: String,
    /// What is shown and compared with what has been typed.
    pub label: String,
    pub kind: SuggestionKind,
    /// A type, a signature, what an option does.
    pub detail: String,
}

/// Names that stand outside the session; whoever knows them adds those that begin as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Files and directories.
    Path { typed: String },
    /// Topics of the brokers in a table's options.
    Topic { typed: String, options: BTreeMap<String, String> },
    /// Subjects of the schema registry in the options of a format.
    Subject {
        typed: String,
        format: String,
        options: BTreeMap<String, String>,
    },
}

/// What may stand at the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// The bytes that a suggestion replaces, up to the cursor.
    pub replace: Range<usize>,
    /// The likeliest first.
    pub suggestions: Vec<Suggestion>,
    pub wanted: Option<Wanted>,
}

/// Suggestions for a text with the cursor at a byte of it.
pub fn complete(text: &str, cursor: usize, known: &Known, registry: &dyn Registry) -> Completion {
    let pieces = pieces(text);
    let cursor = cursor.min(text.len());
    let at = pieces.iter().find(|p| p.start < cursor && cursor <= p.end() && is_written(p, cursor));
    if at.is_some_and(|p| matches!(p.kind, Kind::Comment | Kind::Number)) {
        return Completion {
            replace: cursor..cursor,
            ..Completion::default()
        };
    }
    let significant: Vec<Piece<'_>> = pieces.iter().filter(|p| !matches!(p.kind, Kind::Comment | Kind::Space)).copied().collect();
    let before = significant.iter().take_while(|p| p.end() <= cursor && Some(*p) != at).count();
    let after = before + usize::from(at.is_some());
    let start = significant[..before].iter().rposition(|p| p.is(";")).map_or(0, |i| i + 1);
    let end = significant[after..].iter().position(|p| p.is(";")).map_or(significant.len(), |i| after + i);
    // Without what is being written.
    let statement: Vec<Piece<'_>> = significant[start..before].iter().chain(&significant[after..end]).copied().collect();
    let nodes = tree::tree(&statement, before - start);
    let begin = at.map_or(cursor, |p| p.start);
    let mut answer = Answer {
        known,
        registry,
        typed: text.get(begin..cursor).unwrap_or_default().trim_start_matches(['\'', '`']),
        quote: match at.map(|p| p.kind) {
            Some(Kind::Text) => Quote::Text {
                // The quote is to be closed if the rest of the line is not the text's.
                closes: at.is_some_and(|p| p.open) && text[cursor..].lines().next().is_none_or(|rest| rest.trim().is_empty()),
            },
            Some(Kind::Quoted) => Quote::Name,
            _ => Quote::None,
        },
        found: Vec::new(),
        wanted: None,
    };
    statement::statement(&mut answer, &nodes, in_set(&significant[..start]));
    let inside = matches!(answer.quote, Quote::Text { .. });
    Completion {
        replace: begin + usize::from(inside)..cursor,
        wanted: answer.wanted.take(),
        suggestions: answer.ranked(),
    }
}

/// Whether a piece that the cursor touches is one that is being written.
fn is_written(piece: &Piece<'_>, cursor: usize) -> bool {
    match piece.kind {
        Kind::Word | Kind::Number => true,
        Kind::Text | Kind::Quoted => piece.open || cursor < piece.end(),
        Kind::Comment => piece.open || cursor < piece.end() || piece.text.starts_with("--") && !piece.text.ends_with('\n'),
        Kind::Space | Kind::Sign => false,
    }
}

/// Whether a statement set is open behind these pieces, which end in `;`.
fn in_set(pieces: &[Piece<'_>]) -> bool {
    let begun = pieces
        .windows(3)
        .rposition(|w| w[0].is("STATEMENT") && w[1].is("SET") && (w[2].is("BEGIN") || w[2].is(";")));
    begun.is_some_and(|at| !pieces[at..].windows(2).any(|w| w[0].is("END") && w[1].is(";")))
}

/// The quotes that the cursor stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    /// `` ` ``
    Name,
    Text {
        /// Whether a suggestion closes them.
        closes: bool,
    },
}

/// Suggestions as they are found.
struct Answer<'a> {
    known: &'a Known,
    registry: &'a dyn Registry,
    typed: &'a str,
    quote: Quote,
    found: Vec<(u8, Suggestion)>,
    wanted: Option<Wanted>,
}

impl Answer<'_> {
    fn add(&mut self, label: &str, text: String, kind: SuggestionKind, detail: impl Into<String>) {
        let Some(rank) = rank(label, self.typed) else { return };
        let suggestion = Suggestion {
            text,
            label: label.to_string(),
            kind,
            detail: detail.into(),
        };
        self.found.push((rank, suggestion));
    }
    /// Keywords, functions and types are written as what has been typed of them.
    fn word(&mut self, label: &str, text: &str, kind: SuggestionKind, detail: impl Into<String>) {
        if self.quote == Quote::None {
            let lower = self.typed.chars().any(char::is_lowercase) && !self.typed.chars().any(char::is_uppercase);
            let text = if lower { text.to_lowercase() } else { text.to_string() };
            self.add(label, text, kind, detail);
        }
    }
    fn keywords(&mut self, words: &[&str]) {
        for word in words {
            self.word(word, word, SuggestionKind::Keyword, "");
        }
    }
    /// A name, in quotes if it needs them.
    fn name(&mut self, name: &str, kind: SuggestionKind, detail: impl Into<String>) {
        match self.quote {
            Quote::None if is_plain(name) => self.add(name, name.to_string(), kind, detail),
            Quote::None | Quote::Name => self.add(name, crate::show::quoted(name), kind, detail),
            Quote::Text { .. } => {}
        }
    }
    /// An expression that is more than a name.
    fn qualified(&mut self, label: &str, text: String, kind: SuggestionKind, detail: impl Into<String>) {
        if self.quote == Quote::None {
            self.add(label, text, kind, detail);
        }
    }
    /// A text, with the quotes that are missing; `then` follows it.
    fn text(&mut self, value: &str, then: &str, kind: SuggestionKind, detail: impl Into<String>) {
        let inside = value.replace('\'', "''");
        let text = match self.quote {
            Quote::None => format!("'{inside}'{then}"),
            Quote::Text { closes: true } => format!("{inside}'{then}"),
            Quote::Text { closes: false } => inside,
            Quote::Name => return,
        };
        self.add(value, text, kind, detail);
    }
    /// The likeliest first; each once.
    fn ranked(mut self) -> Vec<Suggestion> {
        self.found.sort_by_key(|(rank, _)| *rank);
        let mut once: Vec<Suggestion> = Vec::with_capacity(self.found.len());
        for (_, suggestion) in self.found {
            if !once.iter().any(|s| s.text == suggestion.text) {
                once.push(suggestion);
            }
        }
        once
    }
}

/// How well a label goes with what has been typed: 0 if it begins so, 1 if a part of it does.
fn rank(label: &str, typed: &str) -> Option<u8> {
    let (label, typed) = (label.to_lowercase(), typed.to_lowercase());
    if label.starts_with(&typed) {
        return Some(0);
    }
    let parts = label.match_indices(['.', '-', '_', ' ']);
    parts.map(|(i, _)| &label[i + 1..]).any(|part| part.starts_with(&typed)).then_some(1)
}

/// Whether a name can be written without quotes.
fn is_plain(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !is_one_of(name, KEYWORDS)
        && !is_one_of(name, TYPES)
}

#[cfg(test)]
mod tests;
