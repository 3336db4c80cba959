//! Flink's dialect for sqlparser: what it needs beyond standard SQL, by hooks.

use super::json;
use super::slips::BETWEEN_EXPRESSIONS;
use super::token::is_word;
use super::types::type_text;
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    TrimWhereField, UnaryOperator, WindowSpec, WindowType,
};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// Flink SQL: back-quoted, case-sensitive identifiers; `TABLE t [PARTITION BY …]` as an argument; `name => value`; casts to
/// Flink's types; `MAP[k, v, …]`.
///
/// - `TABLE t` becomes the function call `TABLE(t)`, with `PARTITION BY k` as its `OVER (PARTITION BY k)`
/// - `CAST(x AS ROW<…>)` becomes a cast to `DataType::Custom("ROW<…>", [])`
/// - `MAP['k', 1]` becomes the function call `MAP('k', 1)`
/// - `x BETWEEN SYMMETRIC a AND b` becomes `x BETWEEN a AND b OR x BETWEEN b AND a`
/// - the clauses of the JSON functions become arguments (see `json.rs`)
#[derive(Debug, Clone, Copy, Default)]
pub struct FlinkDialect;

impl Dialect for FlinkDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }
    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }
    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '$'
    }
    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }
    fn supports_group_by_expr(&self) -> bool {
        true
    }
    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }
    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }
    fn supports_match_recognize(&self) -> bool {
        true
    }
    fn supports_table_versioning(&self) -> bool {
        true
    }
    fn supports_values_as_table_factor(&self) -> bool {
        true
    }
    fn supports_interval_options(&self) -> bool {
        true
    }
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Word(w) if w.quote_style.is_none() => match w.keyword {
                Keyword::TABLE => match &parser.peek_nth_token_ref(1).token {
                    Token::Word(next) if next.quote_style.is_none() && BETWEEN_EXPRESSIONS.iter().any(|word| next.value.eq_ignore_ascii_case(word)) => {
                        Some(parser.expected_ref("an expression", parser.peek_token_ref()))
                    }
                    Token::Word(_) => Some(table_argument(parser)),
                    _ => None,
                },
                Keyword::CAST | Keyword::TRY_CAST => (parser.peek_nth_token_ref(1).token == Token::LParen).then(|| cast(parser)),
                Keyword::MAP => (parser.peek_nth_token_ref(1).token == Token::LBracket).then(|| map(parser)),
                Keyword::TRIM => trim_from(parser),
                _ if BETWEEN_EXPRESSIONS.iter().any(|word| w.value.eq_ignore_ascii_case(word)) => {
                    Some(parser.expected_ref("an expression", parser.peek_token_ref()))
                }
                _ => json::function(parser),
            },
            _ => None,
        }
    }
    /// What they begin is an error if it cannot be read, not a column of their name.
    fn is_reserved_for_identifier(&self, word: Keyword) -> bool {
        matches!(
            word,
            Keyword::CASE | Keyword::CAST | Keyword::TRY_CAST | Keyword::NOT | Keyword::EXISTS | Keyword::INTERVAL | Keyword::TRIM
        )
    }
    /// Flink SQL has no operator `:`; it stands between the key and the value of JSON_OBJECT.
    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        (parser.peek_token_ref().token == Token::Colon).then(|| Ok(self.prec_unknown()))
    }
    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, _precedence: u8) -> Option<Result<Expr, ParserError>> {
        json::is_json(parser, expr).map(Ok).or_else(|| between(parser, expr))
    }
}

/// `[NOT] BETWEEN SYMMETRIC | ASYMMETRIC low AND high`, if it stands here.
fn between(parser: &mut Parser, expr: &Expr) -> Option<Result<Expr, ParserError>> {
    let negated = is_word(Some(parser.peek_token_ref()), "NOT");
    let next = |n: usize| parser.peek_nth_token_ref(n + usize::from(negated));
    let symmetric = is_word(Some(next(1)), "SYMMETRIC");
    if !is_word(Some(next(0)), "BETWEEN") || !(symmetric || is_word(Some(next(1)), "ASYMMETRIC")) {
        return None;
    }
    for _ in 0..2 + usize::from(negated) {
        parser.next_token();
    }
    let bound = |parser: &mut Parser| parser.parse_subexpr(FlinkDialect.prec_value(Precedence::Between));
    let bounds = bound(parser).and_then(|low| {
        parser.expect_keyword_is(Keyword::AND)?;
        Ok((low, bound(parser)?))
    });
    let (low, high) = match bounds {
        Ok(bounds) => bounds,
        Err(e) => return Some(Err(e)),
    };
    let between = |low: &Expr, high: &Expr| {
        Box::new(Expr::Between {
            expr: Box::new(expr.clone()),
            negated: false,
            low: Box::new(low.clone()),
            high: Box::new(high.clone()),
        })
    };
    let within = if symmetric {
        Expr::BinaryOp {
            left: between(&low, &high),
            op: BinaryOperator::Or,
            right: between(&high, &low),
        }
    } else {
        *between(&low, &high)
    };
    Some(Ok(if negated {
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: Box::new(within),
        }
    } else {
        within
    }))
}

/// `TRIM(BOTH FROM x)`: without the characters, which sqlparser does not know.
fn trim_from(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let side = match &parser.peek_nth_token_ref(2).token {
        Token::Word(w) => match w.keyword {
            Keyword::BOTH => TrimWhereField::Both,
            Keyword::LEADING => TrimWhereField::Leading,
            Keyword::TRAILING => TrimWhereField::Trailing,
            _ => return None,
        },
        _ => return None,
    };
    if parser.peek_nth_token_ref(1).token != Token::LParen || !is_word(Some(parser.peek_nth_token_ref(3)), "FROM") {
        return None;
    }
    for _ in 0..4 {
        parser.next_token();
    }
    Some(parser.parse_expr().and_then(|expr| {
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::Trim {
            trim_where: Some(side),
            trim_what: None,
            expr: Box::new(expr),
            trim_characters: None,
        })
    }))
}

pub(super) fn call(name: Ident, args: Vec<Expr>, over: Option<WindowType>) -> Expr {
    let args = args.into_iter().map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over,
        within_group: Vec::new(),
    })
}

/// An identifier with the keyword's own span.
fn keyword_ident(parser: &mut Parser) -> Ident {
    let token = parser.next_token();
    Ident::with_span(token.span, token.token.to_string().to_uppercase())
}

fn table_argument(parser: &mut Parser) -> Result<Expr, ParserError> {
    let table = keyword_ident(parser);
    let mut parts = vec![parser.parse_identifier()?];
    while parser.consume_token(&Token::Period) {
        parts.push(parser.parse_identifier()?);
    }
    let name = if parts.len() == 1 {
        Expr::Identifier(parts.remove(0))
    } else {
        Expr::CompoundIdentifier(parts)
    };
    let mut over = None;
    if parser.parse_keywords(&[Keyword::PARTITION, Keyword::BY]) {
        let mut partition_by = Vec::new();
        if parser.consume_token(&Token::LParen) {
            partition_by = parser.parse_comma_separated(Parser::parse_expr)?;
            parser.expect_token(&Token::RParen)?;
        } else {
            partition_by.push(parser.parse_expr()?);
            // A comma goes on with the key list only if a plain column follows, not the function's next argument.
            while parser.peek_token_ref().token == Token::Comma
                && matches!(parser.peek_nth_token_ref(1).token, Token::Word(_))
                && !matches!(parser.peek_nth_token_ref(2).token, Token::LParen | Token::RArrow)
            {
                parser.next_token();
                partition_by.push(parser.parse_expr()?);
            }
        }
        over = Some(WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by,
            order_by: Vec::new(),
            window_frame: None,
        }));
    }
    Ok(call(table, vec![name], over))
}

/// Casts to Flink's types. The type's name has the place of the whole, which sqlparser does not keep.
fn cast(parser: &mut Parser) -> Result<Expr, ParserError> {
    let start = parser.peek_token_ref().span;
    let kind = if parser.parse_keyword(Keyword::TRY_CAST) {
        CastKind::TryCast
    } else {
        parser.next_token();
        CastKind::Cast
    };
    parser.expect_token(&Token::LParen)?;
    let expr = parser.parse_expr()?;
    parser.expect_keyword_is(Keyword::AS)?;
    let text = type_text(parser)?;
    if text.text.is_empty() {
        return parser.expected_ref("a type", parser.peek_token_ref());
    }
    text.check()?;
    let end = parser.expect_token(&Token::RParen)?.span;
    let name = Ident {
        span: start.union(&end),
        ..Ident::new(text.text)
    };
    Ok(Expr::Cast {
        kind,
        expr: Box::new(expr),
        data_type: DataType::Custom(ObjectName::from(vec![name]), Vec::new()),
        array: false,
        format: None,
    })
}

fn map(parser: &mut Parser) -> Result<Expr, ParserError> {
    let name = keyword_ident(parser);
    parser.expect_token(&Token::LBracket)?;
    let args = if parser.peek_token_ref().token == Token::RBracket {
        Vec::new()
    } else {
        parser.parse_comma_separated(Parser::parse_expr)?
    };
    parser.expect_token(&Token::RBracket)?;
    parser.parse_compound_expr(call(name, args, None), Vec::new())
}
