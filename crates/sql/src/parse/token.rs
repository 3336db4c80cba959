//! The token pre-pass: statements apart, `>>` in two, `U&'…'` in one, hints beside the statements.

use super::{FlinkDialect, unicode};
use millstream_dataflow::{Error, Result, Span};
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

/// The span of sqlparser as ours; both count characters from 1.
pub(crate) fn span_of(span: sqlparser::tokenizer::Span) -> Span {
    Span::new((span.start.line, span.start.column), (span.end.line, span.end.column))
}

/// All tokens of a text, without comments and white space at the ends of statements.
pub(super) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    match tokenize_partly(text) {
        (tokens, None) => Ok(tokens),
        (_, Some(e)) => Err(e),
    }
}

/// The tokens of a text up to one that does not end, and the error of that one.
pub(super) fn tokenize_partly(text: &str) -> (Vec<TokenWithSpan>, Option<Error>) {
    let dialect = FlinkDialect;
    // What some editors write at the start of a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tokens = Vec::new();
    let result = Tokenizer::new(&dialect, text).tokenize_with_location_into_buf(&mut tokens);
    let error = result.err().map(|e| {
        // It begins where the tokens before it end.
        let at = tokens.last().map_or(Location { line: 1, column: 1 }, |t| t.span.end);
        let wrong = unended(&e.message, (at.line, at.column));
        let swallows = tokens.iter().position(swallows_a_statement).filter(|_| e.message.contains("string"));
        match swallows.map(|i| tokens.drain(i..).next()) {
            Some(Some(text)) => {
                let (start, last) = (text.span.start, wrong.span);
                let e = wrong.span(Span::new((start.line, start.column), (start.line, start.column + 1)));
                last.into_iter().fold(e, |e, last| e.label(last, "or the one that begins here"))
            }
            _ => wrong,
        }
    });
    (unicode::join(split(tokens)), error)
}

/// Whether a text goes on behind the end of a statement and of a line: most likely it was to end before that, and what stands between all
/// texts behind it is taken for text, and the other way round.
fn swallows_a_statement(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::SingleQuotedString(text) => text.lines().rev().skip(1).any(|line| line.trim_end().ends_with(';')),
        _ => false,
    }
}

/// What begins and does not end.
fn unended(message: &str, start: (u64, u64)) -> Error {
    let span = |width: u64| Span::new(start, (start.0, start.1 + width));
    let (what, hint, at) = if message.contains("comment") {
        ("the comment", "add */", span(2))
    } else if message.contains('`') {
        ("the name in back-quotes", "add `", span(1))
    } else if message.contains("string") {
        ("the text", "add '; a ' within a text is doubled: 'it''s'", span(1))
    } else {
        return Error::sql(lower_first(message.trim_end_matches('.'))).code("E0102").span(span(1));
    };
    Error::sql(format!("{what} that begins here does not end")).code("E0102").hint(hint).span(at)
}

fn split(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
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
    split
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
    /// Where the statement ends that it stands in, as far as it goes before it; none in front of one.
    pub(super) within: Option<millstream_dataflow::Location>,
}

impl HintText {
    /// What stands in it, at its places in the file.
    pub(super) fn tokens(&self) -> Result<Vec<TokenWithSpan>> {
        // It stands behind `/*+`.
        let (line, column) = (self.span.start.line, self.span.start.column + "/*+".len() as u64);
        let place = |(l, c): (u64, u64)| if l == 1 { (line, column + c - 1) } else { (line + l - 1, c) };
        let there = |span: Span| Span::new(place((span.start.line, span.start.column)), place((span.end.line, span.end.column)));
        let mut tokens = tokenize(&self.text).map_err(|e| e.moved(there))?;
        tokens.retain(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF));
        for token in &mut tokens {
            let Span { start, end } = there(span_of(token.span));
            token.span = sqlparser::tokenizer::Span::new(Location::new(start.line, start.column), Location::new(end.line, end.column));
        }
        Ok(tokens)
    }
}

/// Words that begin statements, of which none stands in a statement set.
const NOT_IN_A_SET: [&str; 9] = ["ALTER", "BEGIN", "CREATE", "DROP", "EXECUTE", "EXPLAIN", "RESET", "SET", "USE"];

/// White space, and comments that are no hints.
fn is_blank(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Whitespace(Whitespace::MultiLineComment(comment)) => !comment.starts_with('+'),
        Token::Whitespace(_) | Token::EOF => true,
        _ => false,
    }
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
pub(super) fn cut(tokens: Vec<TokenWithSpan>) -> (Vec<Vec<TokenWithSpan>>, Vec<TokenWithSpan>, Vec<HintText>) {
    let mut statements = Vec::new();
    let mut hints = Vec::new();
    let mut current: Vec<TokenWithSpan> = Vec::new();
    let mut in_set = false;
    // CASEs that are open, and whether the last word closed none: it is the END of a set.
    let (mut cases, mut ends_set) = (0usize, false);
    let mut tokens = tokens.into_iter().filter(|t| !is_blank(t)).peekable();
    while let Some(token) = tokens.next() {
        match &token.token {
            Token::Whitespace(Whitespace::MultiLineComment(comment)) if comment.starts_with('+') => {
                let named = current.last().filter(|t| matches!(t.token, Token::Word(_)));
                hints.push(HintText {
                    text: comment[1..].to_string(),
                    span: span_of(token.span),
                    after: named.map(|t| span_of(t.span).end),
                    within: current.last().map(|t| span_of(t.span).end),
                });
                continue;
            }
            // A set that is not closed ends where what stands in none begins.
            Token::SemiColon if !in_set || ends_set || tokens.peek().is_some_and(|t| NOT_IN_A_SET.iter().any(|w| is_word(Some(t), w))) => {
                statements.push(std::mem::take(&mut current));
                in_set = false;
                (cases, ends_set) = (0, false);
                continue;
            }
            Token::SemiColon => cases = 0,
            _ => {}
        }
        ends_set = is_word(Some(&token), "END") && cases == 0;
        if is_word(Some(&token), "CASE") {
            cases += 1;
        } else if is_word(Some(&token), "END") {
            cases = cases.saturating_sub(1);
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

/// sqlparser's messages start with a capital; ours do not.
pub(super) fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => message.to_string(),
    }
}

/// Stands between the parts of an error of ours that passes through sqlparser: code, message, hint.
pub(super) const PACKED: char = '\u{1}';

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
    if let Some(packed) = text.strip_prefix(PACKED) {
        let mut parts = packed.split(PACKED);
        parts.next();
        let e = Error::sql(parts.next().unwrap_or_default()).code("E0301").span(span);
        return match parts.next() {
            Some(hint) if !hint.is_empty() => e.hint(hint),
            _ => e,
        };
    }
    let text = text
        .strip_prefix("sql parser error: ")
        .unwrap_or(&text)
        .replace("found: EOF", "found the end of the statement");
    let text = match (text.strip_prefix("No infix parser for token "), text.rsplit_once(", found: ")) {
        (Some(token), _) => format!("{} is no operator", sign(token)),
        (None, Some((expected, found))) => format!("{}, found \"{found}\"", lower_first(expected).replacen("expected: ", "expected ", 1)),
        (None, None) => lower_first(&text).replacen("expected: ", "expected ", 1),
    };
    let plain = [
        ("expected one of ", "expected "),
        ("expected a concrete value", "expected a value"),
        ("expected literal int", "expected a whole number"),
    ];
    let text = plain.into_iter().fold(text, |text, (theirs, ours)| text.replacen(theirs, ours, 1));
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
