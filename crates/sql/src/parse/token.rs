//! The token pre-pass: statements apart, `>>` in two, hints beside the statements.

use super::FlinkDialect;
use millstream_dataflow::{Error, Result, Span};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

/// The span of sqlparser as ours; both count characters from 1.
pub(crate) fn span_of(span: sqlparser::tokenizer::Span) -> Span {
    Span::new((span.start.line, span.start.column), (span.end.line, span.end.column))
}

/// All tokens of a text, without comments and white space at the ends of statements.
pub(super) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    let dialect = FlinkDialect;
    // What some editors write at the start of a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tokens = Tokenizer::new(&dialect, text).tokenize_with_location().map_err(|e| {
        let at = (e.location.line, e.location.column);
        let message = e
            .message
            .replace("unexpected EOF while", "the text ends")
            .replace("before EOF.", "before the end of the text");
        Error::sql(lower_first(&message)).code("E0102").span(Span::new(at, (at.0, at.1 + 1)))
    })?;
    let mut split = Vec::with_capacity(tokens.len());
    for token in tokens {
        match &token.token {
            // sqlparser has one token for what closes two type brackets; Flink SQL has no shift operator.
            Token::ShiftRight => {
                let middle = Location {
                    line: token.span.start.line,
                    column: token.span.start.column + 1,
                };
                split.push(TokenWithSpan::new(
                    Token::Gt,
                    sqlparser::tokenizer::Span {
                        start: token.span.start,
                        end: middle,
                    },
                ));
                split.push(TokenWithSpan::new(
                    Token::Gt,
                    sqlparser::tokenizer::Span {
                        start: middle,
                        end: token.span.end,
                    },
                ));
            }
            _ => split.push(token),
        }
    }
    Ok(split)
}

/// The comments of a text that are no hints, without their marks, and where they begin. None if the text is not Flink SQL.
pub(crate) fn comments(text: &str) -> Vec<(millstream_dataflow::Location, String)> {
    let tokens = tokenize(text).unwrap_or_default();
    let comment = |token: TokenWithSpan| match token.token {
        Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) => Some((span_of(token.span).start, comment)),
        Token::Whitespace(Whitespace::MultiLineComment(comment)) if !comment.starts_with('+') => Some((span_of(token.span).start, comment)),
        _ => None,
    };
    tokens.into_iter().filter_map(comment).collect()
}

/// A comment that is a hint, and where what it stands behind ends.
pub(super) struct HintText {
    pub(super) text: String,
    pub(super) span: Span,
    pub(super) after: Option<millstream_dataflow::Location>,
}

/// The tokens of each statement: cut at `;`, but `BEGIN … END` stays one. Hints are put aside.
pub(super) fn statements(tokens: Vec<TokenWithSpan>) -> (Vec<Vec<TokenWithSpan>>, Vec<HintText>) {
    let (mut statements, rest, hints) = cut(tokens);
    statements.push(rest);
    statements.retain(|s| !s.is_empty());
    (statements, hints)
}

/// Whether something stands behind the last `;` of a text; `None` if it cannot be cut into tokens.
pub(crate) fn ends_in_statement(text: &str) -> Option<bool> {
    tokenize(text).ok().map(|tokens| !cut(tokens).1.is_empty())
}

/// The statements that have their `;`, what stands behind the last one, and the hints.
fn cut(tokens: Vec<TokenWithSpan>) -> (Vec<Vec<TokenWithSpan>>, Vec<TokenWithSpan>, Vec<HintText>) {
    let mut statements = Vec::new();
    let mut hints = Vec::new();
    let mut current: Vec<TokenWithSpan> = Vec::new();
    let mut in_set = false;
    for token in tokens {
        match &token.token {
            Token::Whitespace(Whitespace::MultiLineComment(comment)) if comment.starts_with('+') => {
                let named = current.last().filter(|t| matches!(t.token, Token::Word(_)));
                hints.push(HintText {
                    text: comment[1..].to_string(),
                    span: span_of(token.span),
                    after: named.map(|t| span_of(t.span).end),
                });
                continue;
            }
            Token::Whitespace(_) | Token::EOF => continue,
            Token::SemiColon if !in_set || is_word(current.last(), "END") => {
                statements.push(std::mem::take(&mut current));
                in_set = false;
                continue;
            }
            _ => {}
        }
        // `EXPLAIN EXECUTE STATEMENT SET BEGIN`, `EXECUTE STATEMENT SET BEGIN`, `BEGIN STATEMENT SET`.
        let last = &current[current.len().saturating_sub(3)..];
        in_set |= is_word(Some(&token), "BEGIN") && last.len() == 3 && is_word(last.last(), "SET") && is_word(last.get(1), "STATEMENT")
            || is_word(Some(&token), "SET") && is_word(last.last(), "STATEMENT") && last.len() >= 2 && is_word(last.get(last.len() - 2), "BEGIN");
        current.push(token);
    }
    (statements, current, hints)
}

/// Whether a token is this bare word (upper case), whatever its own case.
pub(super) fn is_word(token: Option<&TokenWithSpan>, word: &str) -> bool {
    matches!(token.map(|t| &t.token), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// Words that end a type in a column list.
const AFTER_TYPE: [&str; 13] = [
    "FIRST",
    "AFTER",
    "METADATA",
    "COMMENT",
    "PRIMARY",
    "CONSTRAINT",
    "AS",
    "DEFAULT",
    "UNIQUE",
    "CHECK",
    "REFERENCES",
    "GENERATED",
    "VIRTUAL",
];

/// Takes the tokens of a type, up to `,`, `)` or a word that cannot be part of one, and gives its text.
pub(super) fn type_text(parser: &mut Parser) -> Result<String, ParserError> {
    let mut text = String::new();
    let mut depth = 0;
    loop {
        let token = parser.peek_token_ref();
        match &token.token {
            Token::EOF | Token::SemiColon => break,
            Token::Comma | Token::RParen if depth == 0 => break,
            Token::Word(_) if depth == 0 && AFTER_TYPE.iter().any(|w| is_word(Some(token), w)) => break,
            Token::LParen | Token::Lt => depth += 1,
            Token::RParen | Token::Gt => depth -= 1,
            // `ROW<>` and friends.
            Token::Neq => {}
            _ => {}
        }
        if !text.is_empty() && !matches!(token.token, Token::LParen | Token::RParen | Token::Lt | Token::Gt | Token::Comma) && !text.ends_with(['(', '<']) {
            text.push(' ');
        }
        text += &token.token.to_string();
        parser.next_token();
    }
    Ok(text)
}

/// sqlparser's messages start with a capital; ours do not.
pub(super) fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => message.to_string(),
    }
}

/// sqlparser's error as ours: its text ends in ` at Line: n, Column: m`.
pub(super) fn parse_error(e: ParserError, end: Span) -> Error {
    let message = match e {
        ParserError::TokenizerError(m) | ParserError::ParserError(m) => m,
        ParserError::RecursionLimitExceeded => {
            return Error::sql("the statement is nested too deeply")
                .code("E0103")
                .hint("split it with WITH or views")
                .span(end);
        }
    };
    let (text, span) = match message.rsplit_once(" at Line: ").and_then(|(text, at)| {
        let (line, column) = at.split_once(", Column: ")?;
        let at = (line.trim().parse().ok()?, column.trim().parse::<u64>().ok()?);
        Some((text.to_string(), Span::new(at, (at.0, at.1 + 1))))
    }) {
        Some(found) => found,
        None => (message, end),
    };
    let text = text
        .strip_prefix("sql parser error: ")
        .unwrap_or(&text)
        .replace("found: EOF", "found the end of the statement");
    let text = match text.strip_prefix("No infix parser for token ") {
        Some(token) => format!("{} is no operator", sign(token)),
        None => lower_first(&text),
    };
    Error::sql(text).code("E0102").span(span)
}

/// What sqlparser's name of a token stands for.
fn sign(token: &str) -> String {
    let sign = match token {
        "ShiftLeft" => "<<",
        "ShiftRight" => ">>",
        "ExclamationMark" => "!",
        "Sharp" => "#",
        "Tilde" => "~",
        "Ampersand" => "&",
        "Pipe" => "|",
        "Caret" => "^",
        "AtSign" => "@",
        "Question" => "?",
        "Backslash" => "\\",
        _ => return "this sign".to_string(),
    };
    format!("\"{sign}\"")
}
