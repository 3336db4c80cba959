//! What an editor wants to know of a text that is being written: whether it is finished, and what its parts are.
//!
//! Nothing here fails: a text that is not SQL yet has parts all the same.

mod highlight;
mod pieces;
pub(crate) mod words;

pub use highlight::{Highlight, Part, highlight};
pub(crate) use pieces::{Kind, Piece, pieces};

/// Whether nothing is left to write: every statement has its `;`, and no quote, comment or statement set is open. A text without
/// statements is finished.
pub fn is_finished(text: &str) -> bool {
    match crate::parse::ends_in_statement(text) {
        Some(within) => !within,
        // A sign that no token begins with is for the parser to refuse; what is open waits for its end.
        None => !pieces(text).last().is_some_and(|p| p.open && p.kind != Kind::Sign) && text.trim_end().ends_with(';'),
    }
}

/// The bytes of a place in a text.
pub fn range_of(text: &str, span: millstream_dataflow::Span) -> std::ops::Range<usize> {
    let byte = |at: millstream_dataflow::Location| {
        let line = text.split_inclusive('\n').nth(at.line.saturating_sub(1) as usize).unwrap_or_default();
        let before: usize = text.split_inclusive('\n').take(at.line.saturating_sub(1) as usize).map(str::len).sum();
        let column = line.char_indices().nth(at.column.saturating_sub(1) as usize);
        before + column.map_or(line.trim_end_matches('\n').len(), |(i, _)| i)
    };
    let start = byte(span.start);
    start..byte(span.end).max(start)
}

#[cfg(test)]
mod tests;
