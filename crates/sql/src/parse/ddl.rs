//! CREATE and DROP.

use super::script::Cursor;
use super::statement::*;
use super::types::type_text;
use millstream_dataflow::option::is_secret;
use millstream_dataflow::{Error, Result, Span, SqlType};
use millstream_plan::Type;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// Tokens looked at to tell a list of names from one of columns: each look counts from here.
const LOOKED_AHEAD: usize = 2_000;

/// What Flink has besides tables and views.
const OTHERS: [&str; 5] = ["FUNCTION", "SYSTEM", "MODEL", "MATERIALIZED", "CONNECTION"];

/// `CREATE [TEMPORARY] TABLE | VIEW …`
pub(super) fn create(c: &mut Cursor) -> Result<StatementKind> {
    let start = c.here();
    c.need_words(&["CREATE"])?;
    if c.at_word("OR") {
        return Err(c.unsupported("CREATE OR REPLACE", c.here()));
    }
    let temporary = c.words(&["TEMPORARY"]);
    if c.words(&["TABLE"]) {
        return create_table(c, temporary).map(StatementKind::CreateTable);
    }
    if c.words(&["VIEW"]) {
        return create_view(c, temporary).map(StatementKind::CreateView);
    }
    if c.words(&["DATABASE"]) {
        let if_not_exists = c.if_not_exists();
        let name = c.path("a database name")?;
        comment(c)?;
        if c.words(&["WITH"]) {
            options(c)?;
        }
        return Ok(StatementKind::CreateDatabase { name, if_not_exists });
    }
    if c.words(&["CATALOG"]) {
        let if_not_exists = c.if_not_exists();
        let name = c.path("a catalog name")?;
        let comment = comment(c)?;
        let options = if c.words(&["WITH"]) { options(c)? } else { Vec::new() };
        return Ok(StatementKind::CreateCatalog {
            name,
            if_not_exists,
            comment,
            options,
        });
    }
    for what in OTHERS {
        if c.at_word(what) {
            let e = c.unsupported(
                &format!("CREATE {what}"),
                Span {
                    start: start.start,
                    end: c.here().end,
                },
            );
            return Err(if c.nth_word(1, "VIEW") {
                e.hint("a view is a named query: CREATE VIEW")
            } else {
                e
            });
        }
    }
    let e = c.expected("TABLE or VIEW");
    let hint = match c.parser_at() {
        Token::Word(w) => match w.value.to_uppercase().as_str() {
            "STREAM" | "SOURCE" | "SINK" | "TOPIC" => "what is read and what is written are tables: CREATE TABLE",
            "SCHEMA" => "use CREATE DATABASE",
            "TEMP" => "use TEMPORARY",
            "IF" => "it stands behind TABLE: CREATE TABLE IF NOT EXISTS",
            _ => return Err(e),
        },
        _ => return Err(e),
    };
    Err(e.hint(hint))
}

/// `DROP [TEMPORARY] TABLE | VIEW [IF EXISTS] name`
pub(super) fn drop(c: &mut Cursor) -> Result<StatementKind> {
    c.need_words(&["DROP"])?;
    c.words(&["TEMPORARY"]);
    if c.words(&["DATABASE"]) {
        let if_exists = c.if_exists();
        let name = c.path("a database name")?;
        let cascade = c.words(&["CASCADE"]);
        c.words(&["RESTRICT"]);
        return Ok(StatementKind::DropDatabase { name, if_exists, cascade });
    }
    if c.words(&["CATALOG"]) {
        let if_exists = c.if_exists();
        return Ok(StatementKind::DropCatalog {
            name: c.path("a catalog name")?,
            if_exists,
        });
    }
    let view = if c.words(&["TABLE"]) {
        false
    } else if c.words(&["VIEW"]) {
        true
    } else {
        return Err(match OTHERS.iter().find(|what| c.at_word(what)) {
            Some(what) => c.unsupported(&format!("DROP {what}"), c.here()),
            None => c.expected("TABLE or VIEW"),
        });
    };
    let if_exists = c.if_exists();
    Ok(StatementKind::Drop {
        view,
        name: c.path("a name")?,
        if_exists,
    })
}

fn create_view(c: &mut Cursor, temporary: bool) -> Result<CreateView> {
    let if_not_exists = c.if_not_exists();
    let name = c.path("a view name")?;
    let (mut columns, mut column_comments) = (Vec::new(), Vec::new());
    if c.symbol(Token::LParen) {
        loop {
            columns.push(c.name("a column name")?.0);
            column_comments.push(comment(c)?);
            if !c.symbol(Token::Comma) {
                break;
            }
        }
        c.need(Token::RParen)?;
    }
    let comment = comment(c)?;
    c.need_words(&["AS"])?;
    let query = c.sql(Parser::parse_query)?;
    Ok(CreateView {
        name,
        temporary,
        if_not_exists,
        columns,
        column_comments,
        comment,
        query,
    })
}

fn create_table(c: &mut Cursor, temporary: bool) -> Result<CreateTable> {
    let if_not_exists = c.if_not_exists();
    let mut table = CreateTable {
        name: c.path("a table name")?,
        temporary,
        if_not_exists,
        ..CreateTable::default()
    };
    if c.parser_at() == Token::LParen && only_names(c) {
        table.order = names(c)?;
    } else if c.symbol(Token::LParen) {
        loop {
            element(c, &mut table)?;
            if !c.symbol(Token::Comma) {
                break;
            }
        }
        c.need(Token::RParen)?;
    } else if !["AS", "WITH", "LIKE", "COMMENT", "PARTITIONED"].iter().any(|w| c.at_word(w)) {
        return Err(c.expected("\"(\" and the columns, LIKE or AS"));
    }
    if c.words(&["COMMENT"]) {
        table.comment = Some(c.text("a comment")?);
    }
    if c.at_word("DISTRIBUTED") {
        return Err(c.unsupported("DISTRIBUTED BY", c.here()));
    }
    if c.words(&["PARTITIONED", "BY"]) {
        table.partition_keys = names(c)?;
    }
    if c.words(&["WITH"]) {
        table.options = options(c)?;
    }
    if c.words(&["LIKE"]) {
        table.like = Some(like(c)?);
    } else if c.words(&["AS"]) {
        table.query = Some(c.sql(Parser::parse_query)?);
    }
    Ok(table)
}

/// Whether the list in parentheses in front is names and commas, and AS follows somewhere: without it types are missing.
fn only_names(c: &Cursor) -> bool {
    let is_more = |i: &usize| matches!((c.nth_token(*i), c.nth_token(i + 1)), (Token::Word(_), Token::Comma));
    let last = (1..LOOKED_AHEAD).step_by(2).find(|i| !is_more(i)).unwrap_or(1);
    let ends = |i: &usize| matches!(c.nth_token(*i), Token::SemiColon | Token::EOF);
    matches!((c.nth_token(last), c.nth_token(last + 1)), (Token::Word(_), Token::RParen))
        && (last + 2..LOOKED_AHEAD).take_while(|i| !ends(i)).any(|i| c.nth_word(i, "AS"))
}

/// `source [(INCLUDING | EXCLUDING | OVERWRITING feature …)]`
fn like(c: &mut Cursor) -> Result<Like> {
    let mut like = Like {
        source: c.path("a table name")?,
        constraints: Merge::Including,
        partitions: Merge::Including,
        generated: Merge::Including,
        metadata: Merge::Including,
        options: Merge::Overwriting,
        watermarks: Merge::Including,
    };
    if !c.symbol(Token::LParen) {
        return Ok(like);
    }
    while !c.symbol(Token::RParen) {
        let at = c.here();
        let merge = if c.words(&["INCLUDING"]) {
            Merge::Including
        } else if c.words(&["EXCLUDING"]) {
            Merge::Excluding
        } else if c.words(&["OVERWRITING"]) {
            Merge::Overwriting
        } else {
            return Err(c.expected("INCLUDING, EXCLUDING, OVERWRITING or \")\""));
        };
        if merge == Merge::Overwriting && ["ALL", "CONSTRAINTS", "PARTITIONS"].iter().any(|w| c.at_word(w)) {
            let e = Error::sql("OVERWRITING takes GENERATED, METADATA, OPTIONS or WATERMARKS");
            return Err(e.code("E0102").span(at));
        }
        let features: Vec<&mut Merge> = if c.words(&["ALL"]) {
            let Like {
                source: _,
                constraints,
                partitions,
                generated,
                metadata,
                options,
                watermarks,
            } = &mut like;
            vec![constraints, partitions, generated, metadata, options, watermarks]
        } else if c.words(&["CONSTRAINTS"]) {
            vec![&mut like.constraints]
        } else if c.words(&["PARTITIONS"]) {
            vec![&mut like.partitions]
        } else if c.words(&["GENERATED"]) {
            vec![&mut like.generated]
        } else if c.words(&["METADATA"]) {
            vec![&mut like.metadata]
        } else if c.words(&["OPTIONS"]) {
            vec![&mut like.options]
        } else if c.words(&["WATERMARKS"]) {
            vec![&mut like.watermarks]
        } else {
            return Err(c.expected("ALL, CONSTRAINTS, PARTITIONS, GENERATED, METADATA, OPTIONS or WATERMARKS"));
        };
        for feature in features {
            *feature = merge;
        }
    }
    Ok(like)
}

pub(super) fn names(c: &mut Cursor) -> Result<Vec<(String, Span)>> {
    c.need(Token::LParen)?;
    let mut names = Vec::new();
    loop {
        names.push(c.name("a column name")?);
        if !c.symbol(Token::Comma) {
            break;
        }
    }
    c.need(Token::RParen)?;
    Ok(names)
}

pub(super) fn options(c: &mut Cursor) -> Result<Vec<TableOption>> {
    c.need(Token::LParen)?;
    let mut options: Vec<TableOption> = Vec::new();
    while !c.symbol(Token::RParen) {
        let start = c.here();
        let key = c.text("a quoted option key")?;
        let (value, value_span) = option_value(c, &key)?;
        let span = Span {
            start: start.start,
            end: value_span.end,
        };
        if options.iter().any(|o| o.key == key) {
            let e = Error::sql(format!("the option '{key}' is given twice")).code("E0506");
            c.slips.push(e.hint("leave one of them").span(span));
        } else {
            options.push(TableOption {
                key,
                value,
                span,
                key_span: start,
                value_span,
                variables: None,
            });
        }
        if !c.symbol(Token::Comma) && c.parser_at() != Token::RParen {
            return Err(c.expected("\",\" or \")\""));
        }
    }
    Ok(options)
}

/// `= 'value'`, and where the value stands. An error does not show what may be a secret.
fn option_value(c: &mut Cursor, key: &str) -> Result<(String, Span)> {
    let value = |c: &mut Cursor| {
        c.need(Token::Eq)?;
        let at = c.here();
        Ok((c.text("a quoted option value")?, at))
    };
    value(c).map_err(|e: Error| match e.message.split_once(", found ") {
        Some((expected, _)) if is_secret(key) => Error::sql(format!("{expected} after '{key}'")).code("E0102").span(c.here()),
        _ => e,
    })
}

/// One entry of the column list: a column, WATERMARK, or PRIMARY KEY.
pub(super) fn element(c: &mut Cursor, table: &mut CreateTable) -> Result<()> {
    let start = c.here();
    if c.at_word("WATERMARK") && c.nth_word(1, "FOR") {
        c.words(&["WATERMARK", "FOR"]);
        let (column, column_span) = c.name("the event-time column")?;
        c.need_words(&["AS"])?;
        let expr = c.sql(Parser::parse_expr)?;
        if table.watermark.is_some() {
            return Err(Error::sql("a table has at most one watermark").code("E0102").span(start));
        }
        table.watermark = Some(WatermarkDef { column, column_span, expr });
        return Ok(());
    }
    if c.at_word("CONSTRAINT") || (c.at_word("PRIMARY") && c.nth_word(1, "KEY")) {
        let named = constraint(c)?;
        c.need_words(&["PRIMARY", "KEY"])?;
        let key = names(c)?;
        return primary_key(c, table, key, named, start);
    }
    for word in ["UNIQUE", "CHECK"] {
        if c.at_word(word) && c.nth_token(1) == Token::LParen {
            return Err(c.unsupported(word, start));
        }
    }
    if c.at_word("FOREIGN") && c.nth_word(1, "KEY") {
        return Err(c.unsupported("FOREIGN KEY", start));
    }
    let (name, span) = c.name("a column name, WATERMARK or PRIMARY KEY")?;
    if c.words(&["AS"]) {
        let expr = c.sql(Parser::parse_expr)?;
        let comment = comment(c)?;
        table.columns.push(ColumnDef {
            name,
            span,
            kind: ColumnDefKind::Computed(expr),
            comment,
            is_unknown: false,
        });
        return Ok(());
    }
    let text = c.sql(type_text)?;
    if text.text.is_empty() {
        return Err(c.expected(&format!("the type of column \"{name}\"")));
    }
    let (ty, is_unknown) = match text.read(&name) {
        Ok(field) => (Type::new(field.ty, field.nullable), false),
        Err(e) => {
            c.slips.push(e);
            (Type::new(SqlType::Null, true), true)
        }
    };
    let kind = if c.words(&["METADATA"]) {
        let key = if c.words(&["FROM"]) { Some(c.text("a metadata key")?) } else { None };
        ColumnDefKind::Metadata {
            ty,
            key,
            is_virtual: c.words(&["VIRTUAL"]),
        }
    } else {
        ColumnDefKind::Physical(ty)
    };
    table.columns.push(ColumnDef {
        name: name.clone(),
        span,
        kind,
        comment: None,
        is_unknown,
    });
    if c.at_word("CONSTRAINT") || c.at_word("PRIMARY") {
        let at = c.here();
        let named = constraint(c)?;
        c.need_words(&["PRIMARY", "KEY"])?;
        primary_key(c, table, vec![(name, span)], named, at)?;
    }
    for word in ["DEFAULT", "UNIQUE", "CHECK", "REFERENCES", "GENERATED", "VIRTUAL"] {
        if c.at_word(word) {
            return Err(c.unsupported(&format!("{word} in a column"), c.here()));
        }
    }
    let comment = comment(c)?;
    if let Some(column) = table.columns.last_mut() {
        column.comment = comment;
    }
    Ok(())
}

fn comment(c: &mut Cursor) -> Result<Option<String>> {
    if c.words(&["COMMENT"]) {
        return c.text("a comment").map(Some);
    }
    Ok(None)
}

/// `[CONSTRAINT name]`
fn constraint(c: &mut Cursor) -> Result<Option<String>> {
    if c.words(&["CONSTRAINT"]) {
        return c.name("a constraint name").map(|(name, _)| Some(name));
    }
    Ok(None)
}

fn primary_key(c: &mut Cursor, table: &mut CreateTable, key: Vec<(String, Span)>, named: Option<String>, start: Span) -> Result<()> {
    if !c.words(&["NOT", "ENFORCED"]) {
        let e = Error::sql("a PRIMARY KEY must be NOT ENFORCED").code("E0102").span(Span {
            start: start.start,
            end: c.here().start,
        });
        return Err(e.hint("add NOT ENFORCED: keys of a stream are declared, not checked"));
    }
    if !table.primary_key.is_empty() {
        return Err(Error::sql("a table has at most one PRIMARY KEY").code("E0102").span(start));
    }
    let columns: Vec<&str> = key.iter().map(|(column, _)| column.as_str()).collect();
    table.key_name = named.unwrap_or_else(|| format!("PK_{}", columns.join("_")));
    table.primary_key = key;
    Ok(())
}
