//! What lists and describes: SHOW, DESCRIBE; and what one is in: USE.

use super::script::Cursor;
use super::statement::*;
use millstream_dataflow::Result;

/// What SHOW can list that this engine does not have.
const OTHERS: [&str; 8] = ["JARS", "MODULES", "FULL", "JOBS", "PARTITIONS", "PROCEDURES", "MODELS", "MATERIALIZED"];

/// `SHOW …`
pub(super) fn show(c: &mut Cursor) -> Result<StatementKind> {
    c.need_words(&["SHOW"])?;
    let at = c.here();
    let what = if c.words(&["TABLES"]) {
        Show::Tables(c.database()?)
    } else if c.words(&["VIEWS"]) {
        Show::Views(c.database()?)
    } else if c.words(&["COLUMNS"]) {
        if !c.words(&["FROM"]) && !c.words(&["IN"]) {
            return Err(c.expected("FROM or IN"));
        }
        Show::Columns(c.path("a table name")?)
    } else if c.words(&["CREATE", "TABLE"]) {
        return Ok(StatementKind::Show(Show::CreateTable(c.path("a table name")?), None));
    } else if c.words(&["CREATE", "VIEW"]) {
        return Ok(StatementKind::Show(Show::CreateView(c.path("a view name")?), None));
    } else if c.words(&["CREATE", "CATALOG"]) {
        return Ok(StatementKind::Show(Show::CreateCatalog(c.path("a catalog name")?), None));
    } else if c.words(&["FUNCTIONS"]) || c.words(&["USER", "FUNCTIONS"]) {
        Show::Functions
    } else if c.words(&["CATALOGS"]) {
        Show::Catalogs
    } else if c.words(&["DATABASES"]) {
        Show::Databases(c.database()?)
    } else if c.words(&["CURRENT", "CATALOG"]) {
        return Ok(StatementKind::Show(Show::CurrentCatalog, None));
    } else if c.words(&["CURRENT", "DATABASE"]) {
        return Ok(StatementKind::Show(Show::CurrentDatabase, None));
    } else if let Some(other) = OTHERS.iter().find(|o| c.at_word(o)) {
        let e = c.unsupported(&format!("SHOW {other}"), at);
        return Err(match *other {
            "JOBS" => e.hint("at a terminal \\jobs lists the jobs of the session"),
            _ => e,
        });
    } else {
        return Err(c.expected("TABLES, VIEWS, COLUMNS, CREATE TABLE, CREATE VIEW, CREATE CATALOG, FUNCTIONS, CATALOGS, DATABASES or CURRENT"));
    };
    let not = c.words(&["NOT"]);
    let (like, ignores_case) = (c.words(&["LIKE"]), c.at_word("ILIKE"));
    let pattern = if like || c.words(&["ILIKE"]) {
        Some(Pattern {
            not,
            ignores_case,
            pattern: c.text("a quoted pattern")?,
        })
    } else if not {
        return Err(c.expected("LIKE"));
    } else {
        None
    };
    Ok(StatementKind::Show(what, pattern))
}

/// `DESCRIBE | DESC [TABLE] [EXTENDED] name`, `DESCRIBE | DESC CATALOG [EXTENDED] name`
pub(super) fn describe(c: &mut Cursor) -> Result<StatementKind> {
    if !c.words(&["DESCRIBE"]) {
        c.need_words(&["DESC"])?;
    }
    if c.words(&["CATALOG"]) {
        let extended = c.words(&["EXTENDED"]);
        let name = c.path("a catalog name")?;
        return Ok(StatementKind::Show(Show::Catalog { name, extended }, None));
    }
    for other in ["DATABASE", "FUNCTION", "JOB", "MODEL"] {
        if c.at_word(other) {
            let e = c.unsupported(&format!("DESCRIBE {other}"), c.here());
            return Err(match other {
                "JOB" => e.hint("at a terminal \\job NAME shows a job of the session"),
                "FUNCTION" => e.hint("at a terminal \\manual NAME tells what a function does"),
                _ => e,
            });
        }
    }
    c.words(&["TABLE"]);
    c.words(&["EXTENDED"]);
    Ok(StatementKind::Show(Show::Columns(c.path("a table name")?), None))
}

/// `USE [CATALOG] name`
pub(super) fn using(c: &mut Cursor) -> Result<StatementKind> {
    c.need_words(&["USE"])?;
    if c.at_word("MODULES") {
        return Err(c.unsupported("USE MODULES", c.here()));
    }
    Ok(if c.words(&["CATALOG"]) {
        StatementKind::UseCatalog(c.path("a catalog name")?)
    } else {
        StatementKind::UseDatabase(c.path("a database name")?)
    })
}

impl Cursor {
    /// `[FROM | IN name]`
    fn database(&mut self) -> Result<Option<ObjectPath>> {
        if self.words(&["FROM"]) || self.words(&["IN"]) {
            return self.path("a name").map(Some);
        }
        Ok(None)
    }
}
