//! Types: their tokens, and what is said of those that are none.

use super::slips::editable;
use super::token::{PACKED, is_word, span_of};
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Field, NoType, Span};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

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

/// Flink's types without their parameters.
const NAMES: [&str; 24] = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "NUMERIC",
    "CHAR",
    "VARCHAR",
    "STRING",
    "BINARY",
    "VARBINARY",
    "BYTES",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "ARRAY",
    "MAP",
    "MULTISET",
    "ROW",
];

/// Types of other systems, and what holds the same.
const FOREIGN: [(&str, &str); 45] = [
    ("BIGSERIAL", "BIGINT"),
    ("BLOB", "BYTES"),
    ("BOOL", "BOOLEAN"),
    ("BYTE", "TINYINT"),
    ("BYTEA", "BYTES"),
    ("CLOB", "STRING"),
    ("DATETIME", "TIMESTAMP(3)"),
    ("DATETIME2", "TIMESTAMP(3)"),
    ("ENUM", "STRING"),
    ("FLOAT32", "FLOAT"),
    ("FLOAT4", "FLOAT"),
    ("FLOAT64", "DOUBLE"),
    ("FLOAT8", "DOUBLE"),
    ("INT2", "SMALLINT"),
    ("INT4", "INT"),
    ("INT8", "BIGINT"),
    ("INT16", "SMALLINT"),
    ("INT32", "INT"),
    ("INT64", "BIGINT"),
    ("JSON", "STRING, whose values JSON_VALUE reads"),
    ("JSONB", "STRING, whose values JSON_VALUE reads"),
    ("LIST", "ARRAY<…>"),
    ("LONG", "BIGINT"),
    ("LONGTEXT", "STRING"),
    ("MEDIUMINT", "INT"),
    ("MONEY", "DECIMAL(p, s)"),
    ("NTEXT", "STRING"),
    ("NUMBER", "DECIMAL(p, s)"),
    ("NVARCHAR", "STRING"),
    ("OBJECT", "ROW<name type, …>"),
    ("REAL", "FLOAT"),
    ("SERIAL", "BIGINT"),
    ("SHORT", "SMALLINT"),
    ("STRUCT", "ROW<name type, …>"),
    ("TEXT", "STRING"),
    ("TIMESTAMPTZ", "TIMESTAMP_LTZ(3)"),
    ("TIMESTAMP_NTZ", "TIMESTAMP(3)"),
    ("TIMESTAMP_TZ", "TIMESTAMP_LTZ(3)"),
    ("TINYTEXT", "STRING"),
    ("UINT32", "BIGINT"),
    ("UINT64", "DECIMAL(20, 0)"),
    ("UNSIGNED", "a type with more room: all whole numbers have a sign"),
    ("UUID", "STRING"),
    ("VARCHAR2", "VARCHAR"),
    ("VARIANT", "STRING, whose values JSON_VALUE reads"),
];

/// The tokens of a type, and the text that they make.
pub(super) struct TypeText {
    pub(super) text: String,
    /// Where in the text each token begins.
    tokens: Vec<(usize, TokenWithSpan)>,
    /// What stands behind them.
    after: Span,
}

/// Takes the tokens of a type, up to `,`, `)` or a word that cannot be part of one.
pub(super) fn type_text(parser: &mut Parser) -> Result<TypeText, ParserError> {
    let (mut text, mut tokens) = (String::new(), Vec::new());
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
        tokens.push((text.len(), token.clone()));
        text += &token.token.to_string();
        parser.next_token();
    }
    let after = span_of(parser.peek_token_ref().span);
    Ok(TypeText { text, tokens, after })
}

impl TypeText {
    /// The type, of a column of this name.
    ///
    /// # Errors
    /// `Sql` at the token that is wrong.
    pub(super) fn read(&self, column: &str) -> Result<Field, Error> {
        Field::read_type(column, &self.text).map_err(|e| self.wrong(column, &e))
    }

    /// The error for sqlparser, through which it passes to [`super::token::parse_error`].
    pub(super) fn check(&self) -> Result<(), ParserError> {
        self.read("").map(|_| ()).map_err(|e| {
            let span = e.span.unwrap_or_default();
            let hint = e.hint.as_deref().unwrap_or_default();
            let place = format!(" at Line: {}, Column: {}", span.start.line, span.start.column);
            ParserError::ParserError(format!("{PACKED}{}{PACKED}{}{PACKED}{hint}{place}", e.code.unwrap_or_default(), e.message))
        })
    }

    fn wrong(&self, column: &str, e: &NoType) -> Error {
        let whole = Span {
            start: self.tokens.first().map_or(self.after, |(_, t)| span_of(t.span)).start,
            end: self.tokens.last().map_or(self.after, |(_, t)| span_of(t.span)).end,
        };
        let place = self.tokens.iter().rposition(|(at, _)| *at <= e.at).filter(|_| e.at < self.text.len());
        let token = place.map(|i| &self.tokens[i].1);
        let word = token.map_or(String::new(), |t| t.token.to_string());
        let at = token.map_or(whole, |t| span_of(t.span));
        let error = |message: String, at: Span| Error::sql(message).code("E0301").span(at);
        match e.expected.as_str() {
            "a type name" if token.is_some_and(|t| !matches!(t.token, Token::Word(_)) && word != ":") => {
                with(error(format!("expected a type, found \"{word}\""), at), nested(self))
            }
            "a type name" if !word.is_empty() => editable(with(error(format!("\"{word}\" is no type"), at), no_name(column, &word))),
            "end of the type" => {
                let (first, next) = (self.tokens.first().map(|(_, t)| t), place.and_then(|i| self.tokens.get(i + 1)).map(|(_, t)| t));
                with(error(format!("\"{word}\" stands behind the type"), at), behind(first, &word, next))
            }
            // What is wrong with a number is told once it is read.
            expected if expected.starts_with(|c: char| c.is_uppercase()) || expected.contains(" of ") => {
                error(format!("\"{}\" is no type: expected {expected}", self.text), whole)
            }
            expected if word.is_empty() => with(error(format!("\"{}\" lacks {expected}", self.text), whole), nested(self)),
            expected => with(error(format!("expected {expected} in the type, found \"{word}\""), at), nested(self)),
        }
    }
}

fn with(e: Error, hint: Option<String>) -> Error {
    match hint {
        Some(hint) => e.hint(hint),
        None => e,
    }
}

/// What was meant by a name that is no type.
fn no_name(column: &str, word: &str) -> Option<String> {
    let upper = word.to_uppercase();
    if column.eq_ignore_ascii_case("WATERMARK") {
        return Some("WATERMARK FOR ts AS ts - INTERVAL '5' SECOND".to_string());
    }
    if word == ":" {
        return Some(format!("name and type stand side by side: {column} INT"));
    }
    if NAMES.iter().any(|n| n.eq_ignore_ascii_case(column)) {
        return Some(format!("the name comes first: {word} {column}"));
    }
    match (FOREIGN.iter().find(|(theirs, _)| *theirs == upper), nearest(&upper, NAMES)) {
        (Some((_, ours)), _) => Some(format!("use {ours}")),
        (None, Some(near)) => Some(format!("did you mean {near}?")),
        (None, None) => None,
    }
}

/// What was meant by what stands behind a type.
fn behind(first: Option<&TokenWithSpan>, word: &str, next: Option<&TokenWithSpan>) -> Option<String> {
    let is_type = |t: Option<&TokenWithSpan>| NAMES.iter().any(|n| is_word(t, n)) || FOREIGN.iter().any(|(n, _)| is_word(t, n));
    Some(match word.to_uppercase().as_str() {
        "[" => format!("use ARRAY<{}>", first?.token),
        "(" => format!("{} has no length", first?.token),
        "WITH" | "WITHOUT" if is_word(first, "TIMESTAMP") || is_word(first, "TIME") => {
            "TIMESTAMP_LTZ(3) is an instant, TIMESTAMP(3) what a clock on the wall shows".to_string()
        }
        "WITH" => "is \")\" missing in front of it?".to_string(),
        "NOTNULL" | "NOT" => "as in INT NOT NULL".to_string(),
        "WATERMARK" => "is a comma missing in front of it?".to_string(),
        _ if is_type(next) => "is a comma missing in front of it?".to_string(),
        _ => return None,
    })
}

/// How types with others inside are written.
fn nested(of: &TypeText) -> Option<String> {
    let first = of.tokens.first().map(|(_, t)| t);
    let forms = [
        ("ARRAY", "ARRAY<INT>"),
        ("MULTISET", "MULTISET<INT>"),
        ("MAP", "MAP<STRING, INT>"),
        ("ROW", "ROW<name STRING, n INT>"),
    ];
    forms.iter().find(|(name, _)| is_word(first, name)).map(|(_, form)| format!("as in {form}"))
}
