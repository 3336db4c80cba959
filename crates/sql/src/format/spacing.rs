//! Between which tokens of a line a space stands.

use super::source::{Role, Token};
use sqlparser::tokenizer::Token as Sql;

/// Keywords whose `(` stands apart: it holds no arguments.
const BEFORE_PARENTHESIS: [&str; 49] = [
    "ADD",
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CUBE",
    "DEFINE",
    "DISTINCT",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FILTER",
    "FOR",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INTERSECT",
    "INTO",
    "JOIN",
    "KEY",
    "LATERAL",
    "LIKE",
    "LIMIT",
    "MATCH_RECOGNIZE",
    "MEASURES",
    "MODIFY",
    "NOT",
    "ON",
    "OR",
    "OVER",
    "PATTERN",
    "RESET",
    "ROLLUP",
    "SELECT",
    "SET",
    "SETS",
    "SOME",
    "SUBSET",
    "THEN",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
];
/// Keywords that are operands: a sign behind them is between two.
const OPERANDS: [&str; 9] = [
    "END",
    "NULL",
    "TRUE",
    "FALSE",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "LOCALTIME",
    "LOCALTIMESTAMP",
];

/// Whether a space stands before a token, if both it and the one before are on one line.
pub(super) fn is_apart(tokens: &[Token], i: usize) -> bool {
    let (Some(before), this) = (i.checked_sub(1).map(|b| &tokens[b]), &tokens[i]) else {
        return false;
    };
    // A comment between them is apart from what is before it.
    if !this.before.is_empty() && !matches!(before.kind, Sql::LParen | Sql::LBracket) {
        return true;
    }
    match (&before.kind, &this.kind) {
        _ if this.glued || this.is_quantifier => false,
        (_, Sql::Comma | Sql::SemiColon | Sql::RParen | Sql::RBracket | Sql::RBrace | Sql::Period | Sql::DoubleColon) => false,
        // `1. 5` are two numbers.
        (Sql::Period, Sql::Number(..)) | (Sql::Number(..), Sql::Number(..)) => true,
        (Sql::LParen | Sql::LBracket | Sql::LBrace | Sql::Period | Sql::DoubleColon, _) => false,
        _ if before.opens_type || this.closes_type => false,
        (_, Sql::Neq) if before.is("ROW") => false,
        _ if this.opens_type => false,
        (Sql::Word(_), Sql::LParen) => match before.role {
            Role::Function | Role::Name => false,
            Role::DeclaredName | Role::Sign => true,
            Role::Unknown => before.is_any(&BEFORE_PARENTHESIS) || !is_builtin(before),
            Role::Keyword => before.is("WITH") || before.is("WITHIN") || before.is_any(&BEFORE_PARENTHESIS),
        },
        (Sql::Word(_), Sql::LBracket) => before.is_any(&BEFORE_PARENTHESIS),
        (Sql::RParen | Sql::RBracket, Sql::LBracket) => false,
        // `'key': value`, and a place: `1:8`.
        (_, Sql::Colon) => false,
        (Sql::Colon, _) => !matches!(i.checked_sub(2).map(|b| &tokens[b].kind), Some(Sql::Number(..))),
        (Sql::Plus | Sql::Minus, _) => !is_prefix(tokens, i - 1) || matches!(this.kind, Sql::Plus | Sql::Minus),
        _ => true,
    }
}

/// In a statement of which only the tokens are known.
fn is_builtin(word: &Token) -> bool {
    crate::expression::is_function(&word.text.to_lowercase())
}

/// Whether a `+` or `-` is the sign of what follows.
pub(super) fn is_prefix(tokens: &[Token], i: usize) -> bool {
    if tokens[i].is_quantifier {
        return false;
    }
    let Some(before) = i.checked_sub(1).map(|b| &tokens[b]) else { return true };
    match before.kind {
        Sql::Word(_) => matches!(before.role, Role::Keyword | Role::Unknown) && !before.is_any(&OPERANDS),
        Sql::Number(..) | Sql::SingleQuotedString(_) | Sql::UnicodeStringLiteral(_) | Sql::HexStringLiteral(_) => false,
        Sql::RParen | Sql::RBracket | Sql::RBrace => false,
        _ => true,
    }
}
