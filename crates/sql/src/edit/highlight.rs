//! What the parts of a text are, to show each in its way.

use super::words::{KEYWORDS, TYPES, WINDOWS, is_function, is_one_of};
use super::{Kind, Piece, pieces};
use std::ops::Range;

/// What a stretch of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Keyword,
    Name,
    Function,
    Type,
    Text,
    Number,
    Comment,
    Sign,
    /// A bracket without its partner.
    Unmatched,
    Space,
}

/// A stretch of a text, by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlight {
    pub range: Range<usize>,
    pub part: Part,
}

/// The parts of a text, without gaps.
///
/// - `at`: where the cursor is; a bracket that is open there is not reported, its partner is still to come
pub fn highlight(text: &str, at: usize) -> Vec<Highlight> {
    let pieces = pieces(text);
    let significant: Vec<usize> = (0..pieces.len()).filter(|i| !matches!(pieces[*i].kind, Kind::Space | Kind::Comment)).collect();
    let mut parts = Vec::with_capacity(pieces.len());
    for piece in &pieces {
        parts.push(match piece.kind {
            Kind::Word => Part::Name,
            Kind::Quoted => Part::Name,
            Kind::Text => Part::Text,
            Kind::Number => Part::Number,
            Kind::Comment => Part::Comment,
            Kind::Space => Part::Space,
            Kind::Sign => Part::Sign,
        });
    }
    for (n, &i) in significant.iter().enumerate() {
        if pieces[i].kind == Kind::Word {
            let before = n.checked_sub(1).map(|n| &pieces[significant[n]]);
            let after = significant.get(n + 1).map(|i| &pieces[*i]);
            parts[i] = word(&pieces[i], before, after);
        }
    }
    for i in unmatched(&pieces, at) {
        parts[i] = Part::Unmatched;
    }
    let stretch = |(piece, part): (&Piece<'_>, Part)| Highlight {
        range: piece.start..piece.end(),
        part,
    };
    pieces.iter().zip(parts).map(stretch).collect()
}

fn word(word: &Piece<'_>, before: Option<&Piece<'_>>, after: Option<&Piece<'_>>) -> Part {
    let called = after.is_some_and(|p| p.is("("));
    match () {
        // A part of a longer name.
        () if before.is_some_and(|p| p.is(".")) => Part::Name,
        () if called && (is_function(word.text) || is_one_of(word.text, WINDOWS)) => Part::Function,
        () if is_one_of(word.text, KEYWORDS) => Part::Keyword,
        // A column may have the name of a type.
        () if is_one_of(word.text, TYPES) && !before.is_some_and(|p| p.is("(") || p.is("SELECT")) => Part::Type,
        () => Part::Name,
    }
}

/// The brackets without a partner, by the numbers of their pieces; statements end at `;`.
fn unmatched(pieces: &[Piece<'_>], at: usize) -> Vec<usize> {
    let mut wrong = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (i, piece) in pieces.iter().enumerate().filter(|(_, p)| p.kind == Kind::Sign) {
        let partner = match piece.text {
            "(" | "[" | "{" => {
                open.push(i);
                continue;
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            ";" => {
                wrong.append(&mut open);
                continue;
            }
            _ => continue,
        };
        match open.last() {
            Some(last) if pieces[*last].text == partner => {
                open.pop();
            }
            _ => wrong.push(i),
        }
    }
    // What is being written is not wrong.
    if at < pieces.last().map_or(0, Piece::end) {
        wrong.append(&mut open);
    }
    wrong
}
