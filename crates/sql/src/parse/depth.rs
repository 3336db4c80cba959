//! How deep the tree of a statement can become, told by its tokens: what works on the tree later needs stack for each level.

use super::token::{is_word, span_of};
use millstream_dataflow::{Error, Result};
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Most tokens between two commas (or other words that begin a part of its own): each may be a level. An expression of some thousand
/// operators is far below it.
const CHAIN_MAX: usize = 10_000;
/// Queries joined to one by UNION ALL and the like.
const SETS_MAX: usize = 500;
/// Prefixes in a row, such as `NOT NOT NOT`: a parser takes each within the one before.
const PREFIXES_MAX: usize = 200;

/// `ARRAY[` within each other: where something in it is wrong, a parser tries each level again in another way.
const BRACKETS_MAX: usize = 12;

/// Words after which something begins that is no part of what stood before it.
const PARTS: [&str; 12] = [
    "SELECT", "FROM", "WHERE", "GROUP", "HAVING", "BY", "ON", "WHEN", "THEN", "ELSE", "VALUES", "INSERT",
];
/// Words that make one query of two.
const SETS: [&str; 4] = ["UNION", "INTERSECT", "EXCEPT", "MINUS"];

#[derive(Default)]
struct Level {
    /// Tokens of the part that is open.
    open: usize,
    /// The longest part.
    longest: usize,
    /// Queries that were joined to one.
    sets: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.open.max(self.longest) + self.sets
    }
    fn next_part(&mut self) {
        self.longest = self.longest.max(self.open);
        self.open = 0;
    }
}

/// What may follow INTERVAL: a text, with or without a sign, or the fields of a type. A parser that looks for more tries it in two ways,
/// and what stands in it again in two.
fn interval(token: &TokenWithSpan, after: &[TokenWithSpan]) -> Result<()> {
    const FIELDS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
    let text = |t: Option<&TokenWithSpan>| matches!(t.map(|t| &t.token), Some(Token::SingleQuotedString(_)));
    let signed = matches!(after.first().map(|t| &t.token), Some(Token::Plus | Token::Minus)) && text(after.get(1));
    if signed || text(after.first()) || FIELDS.iter().any(|f| is_word(after.first(), f)) {
        return Ok(());
    }
    Err(Error::sql("an interval that is no quoted literal is not supported yet")
        .code("E0101")
        .hint("as in INTERVAL '5' MINUTE; a column of this name needs back-quotes")
        .span(span_of(token.span)))
}

/// # Errors
/// `Sql` at the token that is too much.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut levels = vec![Level::default()];
    let (mut prefixes, mut brackets) = (0, 0usize);
    for (i, token) in tokens.iter().enumerate() {
        let is = |word: &str| is_word(Some(token), word);
        let inner = match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                brackets += usize::from(token.token == Token::LBracket);
                levels.push(Level::default());
                0
            }
            Token::RParen | Token::RBracket | Token::RBrace if levels.len() > 1 => levels.pop().map_or(0, |l| l.depth()),
            Token::Word(_) if is("CASE") => {
                levels.push(Level::default());
                0
            }
            Token::Word(_) if is("END") && levels.len() > 1 => levels.pop().map_or(0, |l| l.depth()),
            _ => 1,
        };
        brackets -= usize::from(token.token == Token::RBracket && brackets > 0);
        if brackets > BRACKETS_MAX {
            return Err(Error::sql("the statement is nested too deeply").code("E0103").span(span_of(token.span)));
        }
        if is("INTERVAL") {
            interval(token, &tokens[i + 1..])?;
        }
        let Some(level) = levels.last_mut() else { return Ok(()) };
        match &token.token {
            Token::Comma | Token::SemiColon => level.next_part(),
            Token::Word(_) if PARTS.iter().any(|w| is(w)) => level.next_part(),
            Token::Word(_) if SETS.iter().any(|w| is(w)) => level.sets += 1,
            _ => level.open += inner,
        }
        // The same word or sign again and again is a prefix of itself.
        prefixes = if i > 0 && tokens[i - 1].token == token.token && !matches!(token.token, Token::RParen | Token::RBracket | Token::RBrace | Token::Gt) {
            prefixes + 1
        } else {
            0
        };
        if level.depth() > CHAIN_MAX || level.sets > SETS_MAX || prefixes > PREFIXES_MAX {
            return Err(Error::sql("the statement chains too much")
                .code("E0103")
                .hint("split it with WITH or views, or use IN for many alternatives")
                .span(span_of(token.span)));
        }
    }
    Ok(())
}
