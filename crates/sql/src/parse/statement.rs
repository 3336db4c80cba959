//! The statements of a job file, parsed but not bound.

use millstream_dataflow::Span;
use millstream_plan::Type;
use sqlparser::ast::{Expr, Query};

/// A possibly qualified name: `table`, `database.table`, `catalog.database.table`. Case-sensitive, quotes removed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectPath {
    /// At least one part.
    pub parts: Vec<String>,
    /// Where it stands.
    pub span: Span,
}

impl std::fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

/// A statement and where it stands.
#[derive(Debug, Clone)]
pub struct Statement {
    pub span: Span,
    pub kind: StatementKind,
}

#[allow(clippy::large_enum_variant, reason = "a file has a handful of statements")]
#[derive(Debug, Clone)]
pub enum StatementKind {
    CreateTable(CreateTable),
    CreateView(CreateView),
    /// `DROP [TEMPORARY] TABLE|VIEW [IF EXISTS] name`
    Drop {
        view: bool,
        name: ObjectPath,
        if_exists: bool,
    },
    Insert(Insert),
    /// `EXECUTE STATEMENT SET BEGIN … END`
    StatementSet(Vec<Insert>),
    /// A bare SELECT.
    Query(Box<Query>),
    /// `EXPLAIN [PLAN FOR] query | insert | statement set`
    Explain(Box<Statement>),
    /// `SET 'key' = 'value'`
    Set {
        key: String,
        value: String,
    },
    /// `SET`: lists what is set.
    ShowSettings,
    /// `RESET ['key']`
    Reset(Option<String>),
}

#[derive(Debug, Clone)]
pub struct CreateTable {
    pub name: ObjectPath,
    pub temporary: bool,
    pub if_not_exists: bool,
    pub columns: Vec<ColumnDef>,
    pub watermark: Option<WatermarkDef>,
    /// Column names, empty without a key.
    pub primary_key: Vec<(String, Span)>,
    pub partition_keys: Vec<(String, Span)>,
    pub comment: Option<String>,
    pub options: Vec<TableOption>,
}

#[derive(Debug, Clone)]
pub struct TableOption {
    pub key: String,
    pub value: String,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct ColumnDef {
    pub name: String,
    pub span: Span,
    pub kind: ColumnDefKind,
}

#[allow(clippy::large_enum_variant, reason = "a table has a handful of columns")]
#[derive(Debug, Clone)]
pub enum ColumnDefKind {
    Physical(Type),
    /// `name AS expr`
    Computed(Expr),
    /// `name TYPE METADATA [FROM 'key'] [VIRTUAL]`
    Metadata {
        ty: Type,
        key: Option<String>,
        is_virtual: bool,
    },
}

/// `WATERMARK FOR column AS expr`
#[derive(Debug, Clone)]
pub struct WatermarkDef {
    pub column: String,
    pub column_span: Span,
    pub expr: Expr,
}

#[derive(Debug, Clone)]
pub struct CreateView {
    pub name: ObjectPath,
    pub temporary: bool,
    pub if_not_exists: bool,
    /// `CREATE VIEW v (a, b) AS …`; empty if not given.
    pub columns: Vec<String>,
    pub query: Box<Query>,
}

#[derive(Debug, Clone)]
pub struct Insert {
    pub table: ObjectPath,
    /// `INSERT INTO t (a, b) …`; empty if not given.
    pub columns: Vec<(String, Span)>,
    pub query: Box<Query>,
    pub span: Span,
}
