//! `U&'…' [UESCAPE 'c']`: texts whose characters may be written by their numbers, as Calcite reads them.

use super::token::{is_word, span_of};
use millstream_dataflow::{Error, Result};
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Stands before a character's number, if UESCAPE names no other.
pub(crate) const ESCAPE: &str = "\\";
/// Digits of a character's number.
const DIGITS: usize = 4;

/// Tokens with a `UnicodeStringLiteral` in the place of `U`, `&` and `'…'` that stand together.
pub(crate) fn join(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut joined: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for mut token in tokens {
        if let (Token::SingleQuotedString(raw), [.., word, sign]) = (&mut token.token, joined.as_slice())
            && is_word(Some(word), "U")
            && sign.token == Token::Ampersand
            && word.span.end == sign.span.start
            && sign.span.end == token.span.start
        {
            token.token = Token::UnicodeStringLiteral(std::mem::take(raw));
            token.span.start = word.span.start;
            joined.truncate(joined.len() - 2);
        }
        joined.push(token);
    }
    joined
}

/// A statement's tokens, without white space, with a plain text in the place of each such literal and its UESCAPE.
///
/// # Errors
/// `Sql` if one is wrong.
pub(super) fn read(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>> {
    let mut read: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(mut token) = tokens.next() {
        if let Token::UnicodeStringLiteral(raw) = &token.token {
            let mut escape = ESCAPE.to_string();
            if tokens.next_if(|t| is_word(Some(t), "UESCAPE")).is_some() {
                let given = tokens.next_if(|t| matches!(t.token, Token::SingleQuotedString(_)));
                token.span.end = given.as_ref().map_or(token.span.end, |t| t.span.end);
                escape = given.map_or(String::new(), |t| match t.token {
                    Token::SingleQuotedString(escape) => escape,
                    _ => String::new(),
                });
            }
            let text = decode(raw, &escape).map_err(|wrong| {
                let e = Error::sql(wrong).code("E0301").span(span_of(token.span));
                e.hint("as in U&'caf\\00e9', or U&'caf#00e9' UESCAPE '#'")
            })?;
            token.token = Token::SingleQuotedString(text);
        }
        read.push(token);
    }
    Ok(read)
}

/// The text between the quotes of such a literal.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn decode(raw: &str, escape: &str) -> Result<String, String> {
    let mut chars = escape.chars();
    let escape = match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_ascii_hexdigit() && !c.is_numeric() && !c.is_whitespace() && !matches!(c, '+' | '"') => c,
        _ => return Err("UESCAPE takes one character that is no hexadecimal digit, no white space, no + and no \"".to_string()),
    };
    let mut units = Vec::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != escape {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        let rest = chars.as_str();
        if rest.starts_with(escape) {
            chars.next();
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        let digits: String = chars.by_ref().take(DIGITS).collect();
        let is_number = digits.len() == DIGITS && digits.chars().all(|c| c.is_ascii_hexdigit());
        match u16::from_str_radix(&digits, 16) {
            Ok(unit) if is_number => units.push(unit),
            _ => {
                return Err(format!(
                    "{escape} stands before {DIGITS} hexadecimal digits, or is doubled; found \"{escape}{digits}\""
                ));
            }
        }
    }
    String::from_utf16(&units).map_err(|_| "half of a surrogate pair is no character".to_string())
}
