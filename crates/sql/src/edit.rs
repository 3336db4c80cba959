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

#[cfg(test)]
mod tests;
