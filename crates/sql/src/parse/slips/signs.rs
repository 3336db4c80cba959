//! Signs of other languages, and signs that only editors make.

use super::{CLAUSES, is_any, wrong};
use crate::parse::token::{is_word, span_of};
use millstream_dataflow::{Error, Result, Span};
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Signs that other languages have and Flink SQL has not.
///
/// # Errors
/// `Sql` at the first of them, with what is written instead.
pub(in crate::parse) fn check(tokens: &[TokenWithSpan]) -> Result<()> {
    for (i, token) in tokens.iter().enumerate() {
        let (next, before) = (tokens.get(i + 1), i.checked_sub(1).and_then(|b| tokens.get(b)));
        let at = span_of(token.span);
        let touches = next.filter(|n| n.span.start == token.span.end);
        let (pair, apart) = (touches.map_or(at, |n| both(token, n)), next.map_or(at, |n| both(token, n)));
        let no_operator = |sign: &str, hint: &str, span| Err(wrong(format!("\"{sign}\" is no operator"), hint, span));
        match (&token.token, next.map(|n| &n.token)) {
            (Token::DoubleEq, _) => return no_operator("==", "use =", at),
            (Token::DoubleColon, _) => return no_operator("::", "use CAST(value AS type)", at),
            (Token::Spaceship, _) => return no_operator("<=>", "use IS NOT DISTINCT FROM", at),
            (Token::Overlap, _) => return no_operator("&&", "use AND", at),
            (Token::Arrow, _) => return no_operator("->", "use JSON_QUERY(text, '$.key')", at),
            (Token::LongArrow, _) => return no_operator("->>", "use JSON_VALUE(text, '$.key')", at),
            (Token::Tilde | Token::TildeAsterisk, _) => {
                return no_operator(&token.token.to_string(), "use REGEXP(text, pattern), LIKE or SIMILAR TO", at);
            }
            (Token::RArrow, _) => match before.map(|b| &b.token) {
                Some(Token::SingleQuotedString(_)) => return no_operator("=>", "use =", at),
                // `SIZE => INTERVAL '1' MINUTE`
                Some(Token::Word(_)) if i >= 2 && matches!(tokens[i - 2].token, Token::LParen | Token::Comma) => {}
                _ => return no_operator("=>", "use >=", at),
            },
            (Token::Eq, Some(Token::ExclamationMark)) if touches.is_some() => return no_operator("=!", "use <>", pair),
            (Token::Eq, Some(Token::Lt)) if touches.is_some() => return no_operator("=<", "use <=", pair),
            (Token::ExclamationMark, Some(Token::Eq)) => return no_operator("! =", "use <>", apart),
            (Token::ExclamationMark, Some(Token::Word(_) | Token::LParen)) if i > 0 => return no_operator("!", "use NOT", at),
            (Token::Mul, Some(Token::Mul)) if touches.is_some() => return no_operator("**", "use POWER(base, exponent)", pair),
            (Token::Div, Some(Token::Div)) if touches.is_some() => {
                return Err(wrong("\"//\" begins no comment", "use -- or /* … */", pair));
            }
            (Token::Sharp, _) => return Err(wrong("\"#\" begins no comment", "use -- or /* … */", at)),
            (Token::SingleQuotedString(_), Some(Token::SingleQuotedString(_))) if in_select_list(&tokens[..i]) => {
                let at = next.map_or(at, |n| span_of(n.span));
                let hint = "|| joins texts; a name for a column stands in back-quotes: 'a text' AS `a name`";
                return Err(wrong("a comma or AS is missing in front of this text", hint, at));
            }
            (Token::SingleQuotedString(text), _) if is_any(before, &["AS"]) && in_select_list(&tokens[..i]) => {
                let name = format!("`{}`", text.replace('`', "``"));
                return Err(wrong(format!("'{text}' is a text, and no name"), format!("a name stands in back-quotes: {name}"), at).replaced_by(name));
            }
            // What stands in them is not repeated: it may be a secret.
            (Token::DoubleQuotedString(_), _) => {
                return Err(wrong(
                    "double quotes mean nothing here",
                    "a text stands in single quotes: '…', a name in back-quotes: `…`",
                    at,
                ));
            }
            (Token::LBracket, Some(Token::Word(w)))
                if tokens.get(i + 2).is_some_and(|t| t.token == Token::RBracket)
                    && (before.is_some_and(|b| matches!(b.token, Token::Comma | Token::LParen | Token::Period))
                        || is_any(before, &["SELECT", "FROM", "AS", "JOIN", "BY", "WHERE", "TABLE"])) =>
            {
                let span = both(token, &tokens[i + 2]);
                return Err(wrong("square brackets are not for names", format!("use back-quotes: `{}`", w.value), span));
            }
            // `A?` of a pattern is Flink's.
            (Token::Placeholder(sign), _) if sign != "?" || !tokens.iter().any(|t| is_word(Some(t), "MATCH_RECOGNIZE")) => {
                return Err(wrong(
                    // Not the whole: it may be a secret.
                    format!("what begins with \"{}\" stands for no value", sign.chars().next().unwrap_or('?')),
                    "a variable is ${NAME}, and gets its value from -D NAME=value",
                    at,
                ));
            }
            (Token::Char(sign), _) => return Err(odd(*sign, at)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether what comes behind these tokens stands in the list of a SELECT, and in no brackets there.
fn in_select_list(tokens: &[TokenWithSpan]) -> bool {
    let mut closed = 0_usize;
    for token in tokens.iter().rev() {
        match (&token.token, closed) {
            (Token::RParen, _) => closed += 1,
            (Token::LParen, 0) => return false,
            (Token::LParen, _) => closed -= 1,
            (Token::Word(_), 0) if is_word(Some(token), "SELECT") => return true,
            (Token::Word(_), 0) if is_any(Some(token), &CLAUSES) => return false,
            _ => {}
        }
    }
    false
}

/// A sign that no keyboard has, but that editors and web pages make.
fn odd(sign: char, at: Span) -> Error {
    match sign {
        '“' | '”' | '„' | '«' | '»' => wrong(format!("{sign} is no quote"), "use ' around a text, and ` around a name", at),
        '‘' | '’' | '‚' | '´' => wrong(format!("{sign} is no quote"), "use '", at),
        '–' | '—' | '−' | '‐' | '‑' => wrong(format!("{sign} is no minus sign"), "use -", at),
        '，' => wrong(format!("{sign} is no comma"), "use ,", at),
        '；' => wrong(format!("{sign} is no semicolon"), "use ;", at),
        c if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}') => {
            wrong(format!("an invisible sign, U+{:04X}, stands here", u32::from(c)), "remove it", at)
        }
        c => Error::sql(format!("{c} means nothing here")).code("E0102").span(at),
    }
}

fn both(a: &TokenWithSpan, b: &TokenWithSpan) -> Span {
    Span {
        start: span_of(a.span).start,
        end: span_of(b.span).end,
    }
}
