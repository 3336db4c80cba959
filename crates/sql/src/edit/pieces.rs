//! A text cut into pieces: the tokens of the parser, comments and white space among them, and what is not closed at the end.

use crate::parse::{FlinkDialect, join};
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    /// `` `name` ``
    Quoted,
    /// `'text'`, `U&'text'`
    Text,
    Number,
    Comment,
    Space,
    /// An operator, a bracket, a comma …
    Sign,
}

/// A piece of a text; all of them together are the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// The byte it begins at.
    pub(crate) start: usize,
    /// A quote or comment that the text ends in.
    pub(crate) open: bool,
}

impl Piece<'_> {
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }
    /// Whether it is this word or sign, whatever its case.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Sign) && self.text.eq_ignore_ascii_case(word)
    }
    /// The name that a word or quoted name stands for.
    pub(crate) fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_string()),
            Kind::Quoted => Some(self.inside().replace("``", "`")),
            _ => None,
        }
    }
    /// What stands between the quotes.
    pub(crate) fn inside(&self) -> &str {
        let rest = self.text.split_once(['\'', '`']).map_or("", |(_, rest)| rest);
        if self.open {
            rest
        } else {
            rest.get(..rest.len().saturating_sub(1)).unwrap_or_default()
        }
    }
}

/// The pieces of a text.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut tokens = Vec::new();
    // What stands before something that is not closed has been read.
    let whole = Tokenizer::new(&FlinkDialect, text).tokenize_with_location_into_buf(&mut tokens).is_ok();
    let tokens = join(tokens);
    let mut places = Places::new(text);
    let mut pieces: Vec<Piece<'_>> = Vec::with_capacity(tokens.len() + 1);
    let mut read = 0;
    for token in &tokens {
        let (start, end) = (places.byte(token.span.start), places.byte(token.span.end));
        if start < end {
            pieces.push(Piece {
                kind: kind(&token.token),
                text: &text[start..end],
                start,
                open: false,
            });
            read = end;
        }
    }
    if !whole && read < text.len() {
        let rest = &text[read..];
        let kind = match rest.chars().next() {
            Some('\'') => Kind::Text,
            Some('`') => Kind::Quoted,
            Some('/') => Kind::Comment,
            _ => Kind::Sign,
        };
        pieces.push(Piece {
            kind,
            text: rest,
            start: read,
            open: true,
        });
    }
    pieces
}

fn kind(token: &Token) -> Kind {
    match token {
        Token::Word(w) if w.quote_style.is_some() => Kind::Quoted,
        Token::Word(_) => Kind::Word,
        Token::SingleQuotedString(_) | Token::UnicodeStringLiteral(_) => Kind::Text,
        Token::Number(..) => Kind::Number,
        Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => Kind::Comment,
        Token::Whitespace(_) => Kind::Space,
        _ => Kind::Sign,
    }
}

/// Bytes of places, asked for in the order of the text.
struct Places<'a> {
    chars: std::str::CharIndices<'a>,
    at: (u64, u64),
    byte: usize,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        Places {
            chars: text.char_indices(),
            at: (1, 1),
            byte: 0,
        }
    }
    fn byte(&mut self, place: sqlparser::tokenizer::Location) -> usize {
        while self.at < (place.line, place.column)
            && let Some((byte, c)) = self.chars.next()
        {
            self.at = if c == '\n' { (self.at.0 + 1, 1) } else { (self.at.0, self.at.1 + 1) };
            self.byte = byte + c.len_utf8();
        }
        self.byte
    }
}
