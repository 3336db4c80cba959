//! The JSON functions' own clauses, turned into plain calls with texts and NULLs of a type for what they say.
//!
//! - `JSON_VALUE(json, path, on empty, value on empty, on error, value on error)`
//! - `JSON_QUERY(json, path, wrapper, on empty, on error, NULL of the type)`
//! - `JSON_EXISTS(json, path, on error)`
//! - `JSON_OBJECT(absent on null, key, value, value is JSON, …)`, `JSON_ARRAY(absent on null, value, value is JSON, …)`
//! - `IS_JSON(text, kind)`

use super::dialect::call;
use super::token::is_word;
use sqlparser::ast::{CastKind, DataType, Expr, Ident, Value};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// A JSON function with clauses, if one stands here.
pub(super) fn function(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let f = {
        let token = parser.peek_token_ref();
        let named = |name| is_word(Some(token), name);
        match () {
            () if named("JSON_VALUE") => json_value,
            () if named("JSON_QUERY") => json_query,
            () if named("JSON_EXISTS") => json_exists,
            () if named("JSON_OBJECT") => json_object,
            () if named("JSON_ARRAY") => json_array,
            () => return None,
        }
    };
    if parser.peek_nth_token_ref(1).token != Token::LParen {
        return None;
    }
    let token = parser.next_token();
    let name = Ident::with_span(token.span, token.token.to_string().to_uppercase());
    parser.next_token();
    Some(f(parser).and_then(|args| {
        parser.expect_token(&Token::RParen)?;
        Ok(call(name, args, None))
    }))
}

/// `IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]`, if it stands here.
pub(super) fn is_json(parser: &mut Parser, expr: &Expr) -> Option<Expr> {
    let negated = is_word(Some(parser.peek_nth_token_ref(1)), "NOT");
    if !is_word(Some(parser.peek_token_ref()), "IS") || !is_word(Some(parser.peek_nth_token_ref(1 + usize::from(negated))), "JSON") {
        return None;
    }
    for _ in 0..=1 + usize::from(negated) {
        parser.next_token();
    }
    let kind = ["VALUE", "SCALAR", "ARRAY", "OBJECT"].into_iter().find(|k| word(parser, k)).unwrap_or("VALUE");
    let is = call(Ident::new("IS_JSON"), vec![expr.clone(), text(kind)], None);
    Some(if negated {
        Expr::UnaryOp {
            op: sqlparser::ast::UnaryOperator::Not,
            expr: Box::new(is),
        }
    } else {
        is
    })
}

fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_string()).into())
}

fn boolean(value: bool) -> Expr {
    Expr::Value(Value::Boolean(value).into())
}

fn null_of(data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(Value::Null.into())),
        data_type,
        array: false,
        format: None,
    }
}

/// Takes a bare word if it is next.
fn word(parser: &mut Parser, word: &str) -> bool {
    let found = is_word(Some(parser.peek_token_ref()), word);
    if found {
        parser.next_token();
    }
    found
}

/// Takes words if all of them are next.
fn words(parser: &mut Parser, wanted: &[&str]) -> bool {
    let found = wanted.iter().enumerate().all(|(i, w)| is_word(Some(parser.peek_nth_token_ref(i)), w));
    if found {
        wanted.iter().for_each(|_| {
            parser.next_token();
        });
    }
    found
}

/// The text and the path.
fn subject(parser: &mut Parser) -> Result<Vec<Expr>, ParserError> {
    let json = parser.parse_expr()?;
    parser.expect_token(&Token::Comma)?;
    Ok(vec![json, parser.parse_expr()?])
}

fn returning(parser: &mut Parser) -> Result<DataType, ParserError> {
    if word(parser, "RETURNING") {
        parser.parse_data_type()
    } else {
        Ok(DataType::String(None))
    }
}

/// `… ON EMPTY` or `… ON ERROR` after what is to be done.
fn event(parser: &mut Parser) -> Result<bool, ParserError> {
    if words(parser, &["ON", "EMPTY"]) {
        return Ok(true);
    }
    if words(parser, &["ON", "ERROR"]) {
        return Ok(false);
    }
    parser.expected_ref("ON EMPTY or ON ERROR", parser.peek_token_ref())
}

fn json_value(parser: &mut Parser) -> Result<Vec<Expr>, ParserError> {
    let mut args = subject(parser)?;
    let ty = returning(parser)?;
    let (mut empty, mut error) = ((text("NULL"), null_of(ty.clone())), (text("NULL"), null_of(ty.clone())));
    while parser.peek_token_ref().token != Token::RParen {
        let behavior = if parser.parse_keyword(Keyword::DEFAULT) {
            let value = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(parser.parse_expr()?),
                data_type: ty.clone(),
                array: false,
                format: None,
            };
            (text("DEFAULT"), value)
        } else if word(parser, "ERROR") {
            (text("ERROR"), null_of(ty.clone()))
        } else {
            parser.expect_keyword_is(Keyword::NULL)?;
            (text("NULL"), null_of(ty.clone()))
        };
        match event(parser)? {
            true => empty = behavior,
            false => error = behavior,
        }
    }
    args.extend([empty.0, empty.1, error.0, error.1]);
    Ok(args)
}

fn json_query(parser: &mut Parser) -> Result<Vec<Expr>, ParserError> {
    let mut args = subject(parser)?;
    let ty = returning(parser)?;
    let mut wrapper = "WITHOUT";
    for (form, name) in [
        (&["WITHOUT", "ARRAY", "WRAPPER"][..], "WITHOUT"),
        (&["WITHOUT", "WRAPPER"], "WITHOUT"),
        (&["WITH", "CONDITIONAL", "ARRAY", "WRAPPER"], "CONDITIONAL"),
        (&["WITH", "CONDITIONAL", "WRAPPER"], "CONDITIONAL"),
        (&["WITH", "UNCONDITIONAL", "ARRAY", "WRAPPER"], "WITH"),
        (&["WITH", "UNCONDITIONAL", "WRAPPER"], "WITH"),
        (&["WITH", "ARRAY", "WRAPPER"], "WITH"),
        (&["WITH", "WRAPPER"], "WITH"),
    ] {
        if words(parser, form) {
            wrapper = name;
            break;
        }
    }
    let (mut empty, mut error) = ("NULL", "NULL");
    while parser.peek_token_ref().token != Token::RParen {
        let behavior = if words(parser, &["EMPTY", "ARRAY"]) {
            "EMPTY ARRAY"
        } else if words(parser, &["EMPTY", "OBJECT"]) {
            "EMPTY OBJECT"
        } else if word(parser, "ERROR") {
            "ERROR"
        } else {
            parser.expect_keyword_is(Keyword::NULL)?;
            "NULL"
        };
        match event(parser)? {
            true => empty = behavior,
            false => error = behavior,
        }
    }
    args.extend([text(wrapper), text(empty), text(error), null_of(ty)]);
    Ok(args)
}

fn json_exists(parser: &mut Parser) -> Result<Vec<Expr>, ParserError> {
    let mut args = subject(parser)?;
    let mut behavior = "FALSE";
    if let Some(name) = ["TRUE", "FALSE", "UNKNOWN", "ERROR"].into_iter().find(|b| word(parser, b)) {
        behavior = name;
        if event(parser)? {
            return parser.expected_ref("ON ERROR", parser.peek_token_ref());
        }
    }
    args.push(text(behavior));
    Ok(args)
}

/// Whether a value is JSON already: it comes from a function that makes JSON.
fn makes_json(value: &Expr) -> Expr {
    let made = match value {
        Expr::Function(f) => ["JSON_OBJECT", "JSON_ARRAY", "JSON"].iter().any(|n| f.name.to_string().eq_ignore_ascii_case(n)),
        _ => false,
    };
    boolean(made)
}

/// `NULL ON NULL` or `ABSENT ON NULL`: whether NULLs are left out.
fn absent(parser: &mut Parser, default: bool) -> bool {
    if words(parser, &["ABSENT", "ON", "NULL"]) {
        return true;
    }
    !words(parser, &["NULL", "ON", "NULL"]) && default
}

fn json_object(parser: &mut Parser) -> Result<Vec<Expr>, ParserError> {
    let mut members = Vec::new();
    let ends = |p: &Parser| p.peek_token_ref().token == Token::RParen || on_null(p);
    while !ends(parser) {
        if is_word(Some(parser.peek_token_ref()), "KEY") && !matches!(parser.peek_nth_token_ref(1).token, Token::Colon | Token::Period) {
            parser.next_token();
        }
        let key = parser.parse_expr()?;
        if !parser.consume_token(&Token::Colon) && !word(parser, "VALUE") {
            return parser.expected_ref("VALUE or : after a key", parser.peek_token_ref());
        }
        let value = parser.parse_expr()?;
        let is_json = makes_json(&value);
        members.extend([key, value, is_json]);
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    members.insert(0, boolean(absent(parser, false)));
    Ok(members)
}

fn on_null(parser: &Parser) -> bool {
    let next = |n| parser.peek_nth_token_ref(n);
    (is_word(Some(next(0)), "NULL") || is_word(Some(next(0)), "ABSENT")) && is_word(Some(next(1)), "ON")
}

fn json_array(parser: &mut Parser) -> Result<Vec<Expr>, ParserError> {
    let mut items = Vec::new();
    while parser.peek_token_ref().token != Token::RParen && !on_null(parser) {
        let value = parser.parse_expr()?;
        let is_json = makes_json(&value);
        items.extend([value, is_json]);
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    items.insert(0, boolean(absent(parser, true)));
    Ok(items)
}
