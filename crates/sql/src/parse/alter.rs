//! ALTER TABLE, VIEW and DATABASE.

use super::ddl::{element, names, options};
use super::script::Cursor;
use super::statement::*;
use millstream_dataflow::Result;
use sqlparser::tokenizer::Token;

/// `ALTER TABLE [IF EXISTS] name ADD | MODIFY | DROP | RENAME | SET | RESET …`
pub(super) fn alter(c: &mut Cursor) -> Result<StatementKind> {
    c.need_words(&["ALTER"])?;
    let start = c.here();
    if c.words(&["VIEW"]) {
        let name = c.path("a view name")?;
        if !c.words(&["RENAME", "TO"]) {
            return Err(c.unsupported("ALTER VIEW … AS", c.here()));
        }
        let change = Change::RenameTable(c.path("the new name")?);
        return Ok(StatementKind::Alter(Alter {
            view: true,
            name,
            if_exists: false,
            change,
        }));
    }
    if c.words(&["DATABASE"]) {
        let name = c.path("a database name")?;
        c.need_words(&["SET"])?;
        options(c)?;
        return Ok(StatementKind::AlterDatabase(name));
    }
    if c.parser_at() == Token::EOF {
        return Err(c.expected("TABLE, VIEW or DATABASE"));
    }
    if !c.words(&["TABLE"]) {
        return Err(c.unsupported("ALTER of anything but a table, view or database", start));
    }
    let if_exists = c.if_exists();
    let name = c.path("a table name")?;
    let change = change(c)?;
    Ok(StatementKind::Alter(Alter {
        view: false,
        name,
        if_exists,
        change,
    }))
}

fn change(c: &mut Cursor) -> Result<Change> {
    let at = c.here();
    if c.words(&["ADD"]) {
        if c.at_word("PARTITION") {
            return Err(c.unsupported("ADD PARTITION", at));
        }
        return elements(c).map(Change::Add);
    }
    if c.words(&["MODIFY"]) {
        return elements(c).map(Change::Modify);
    }
    if c.words(&["DROP"]) {
        let what = c.here();
        if c.words(&["PRIMARY", "KEY"]) {
            return Ok(Change::DropPrimaryKey(what));
        }
        if c.words(&["CONSTRAINT"]) {
            let (name, span) = c.name("a constraint name")?;
            return Ok(Change::DropConstraint(name, span));
        }
        if c.words(&["WATERMARK"]) {
            return Ok(Change::DropWatermark(what));
        }
        if c.at_word("PARTITION") || c.at_word("DISTRIBUTION") {
            return Err(c.unsupported("this form of DROP", at));
        }
        return Ok(Change::DropColumns(if c.parser_at() == Token::LParen {
            names(c)?
        } else {
            vec![c.name("a column name")?]
        }));
    }
    if c.words(&["RENAME", "TO"]) {
        return Ok(Change::RenameTable(c.path("the new name")?));
    }
    if c.words(&["RENAME"]) {
        let from = c.name("a column name")?;
        c.need_words(&["TO"])?;
        return Ok(Change::RenameColumn(from, c.name("the new name")?));
    }
    if c.words(&["SET"]) {
        return Ok(Change::Set(options(c)?));
    }
    if c.words(&["RESET"]) {
        c.need(Token::LParen)?;
        let mut keys = Vec::new();
        loop {
            let at = c.here();
            keys.push((c.text("a quoted option key")?, at));
            if !c.symbol(Token::Comma) {
                break;
            }
        }
        c.need(Token::RParen)?;
        return Ok(Change::Reset(keys));
    }
    Err(c.expected("ADD, MODIFY, DROP, RENAME, SET or RESET"))
}

/// One element, or several in parentheses, each with the place it shall have.
fn elements(c: &mut Cursor) -> Result<Elements> {
    let mut table = CreateTable::default();
    let mut places = Vec::new();
    let several = c.symbol(Token::LParen);
    loop {
        let before = table.columns.len();
        element(c, &mut table)?;
        if table.columns.len() > before {
            places.push(if c.words(&["FIRST"]) {
                Place::First
            } else if c.words(&["AFTER"]) {
                let (name, span) = c.name("a column name")?;
                Place::After(name, span)
            } else {
                Place::Unsaid
            });
        }
        if !several || !c.symbol(Token::Comma) {
            break;
        }
    }
    if several {
        c.need(Token::RParen)?;
    }
    Ok(Elements {
        columns: table.columns.into_iter().zip(places).collect(),
        watermark: table.watermark,
        primary_key: table.primary_key,
        key_name: table.key_name,
    })
}
