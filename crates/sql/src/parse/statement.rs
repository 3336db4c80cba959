//! The statements of a job file, parsed but not bound.

use millstream_dataflow::{Location, Span};
use millstream_plan::Type;
use sqlparser::ast::{Expr, Query};

/// A possibly qualified name: `table`, `database.table`, `catalog.database.table`. Case-sensitive, quotes removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

/// A text's statements.
#[derive(Debug, Clone)]
pub struct Script {
    pub statements: Vec<Statement>,
    pub hints: Vec<Hint>,
}

/// A statement that cannot be read, and what those behind it therefore do not know.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The table or view that it makes or changes.
    pub name: Option<ObjectPath>,
    /// Whether it decides where names are looked for.
    pub place: bool,
}

/// `/*+ OPTIONS('key' = 'value') */`
#[derive(Debug, Clone)]
pub struct Hint {
    /// Where the name of the table ends that the options are for.
    pub after: Location,
    pub span: Span,
    pub options: Vec<TableOption>,
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
    Alter(Alter),
    CreateDatabase {
        name: ObjectPath,
        if_not_exists: bool,
    },
    /// `ALTER DATABASE name SET ('key' = 'value', …)`: nothing shows or uses what a database is given.
    AlterDatabase(ObjectPath),
    DropDatabase {
        name: ObjectPath,
        if_exists: bool,
        cascade: bool,
    },
    CreateCatalog {
        name: ObjectPath,
        if_not_exists: bool,
        comment: Option<String>,
        options: Vec<TableOption>,
    },
    DropCatalog {
        name: ObjectPath,
        if_exists: bool,
    },
    UseCatalog(ObjectPath),
    UseDatabase(ObjectPath),
    Show(Show, Option<Pattern>),
    Insert(Insert),
    /// `EXECUTE STATEMENT SET BEGIN … END`
    StatementSet(Vec<Insert>),
    /// A bare SELECT.
    Query(Box<Query>),
    /// `EXPLAIN [PLAN FOR] query | insert | statement set`
    Explain(Box<Statement>),
    /// `SET 'key' = 'value'`
    Set {
        key: (String, Span),
        value: (String, Span),
    },
    /// `SET`: lists what is set.
    ShowSettings,
    /// `RESET ['key']`
    Reset(Option<String>),
}

/// `ALTER TABLE | VIEW name change`
#[derive(Debug, Clone)]
pub struct Alter {
    pub view: bool,
    pub name: ObjectPath,
    pub if_exists: bool,
    pub change: Change,
}

#[derive(Debug, Clone)]
pub enum Change {
    Add(Elements),
    Modify(Elements),
    DropColumns(Vec<(String, Span)>),
    DropPrimaryKey(Span),
    /// The primary key, by the name of its constraint.
    DropConstraint(String, Span),
    DropWatermark(Span),
    RenameColumn((String, Span), (String, Span)),
    RenameTable(ObjectPath),
    Set(Vec<TableOption>),
    Reset(Vec<(String, Span)>),
}

/// What ALTER TABLE adds or puts in the place of what there is.
#[derive(Debug, Clone)]
pub struct Elements {
    pub columns: Vec<(ColumnDef, Place)>,
    pub watermark: Option<WatermarkDef>,
    pub primary_key: Vec<(String, Span)>,
    pub key_name: String,
}

/// Where a column goes.
#[derive(Debug, Clone)]
pub enum Place {
    /// To the end, or where it is.
    Unsaid,
    First,
    After(String, Span),
}

/// What a SHOW lists.
#[derive(Debug, Clone)]
pub enum Show {
    /// Tables and views, of a database or the current one.
    Tables(Option<ObjectPath>),
    Views(Option<ObjectPath>),
    /// Of a table or view; DESCRIBE, too.
    Columns(ObjectPath),
    CreateTable(ObjectPath),
    CreateView(ObjectPath),
    CreateCatalog(ObjectPath),
    /// DESCRIBE CATALOG, with its options if it is EXTENDED.
    Catalog {
        name: ObjectPath,
        extended: bool,
    },
    Functions,
    Catalogs,
    Databases(Option<ObjectPath>),
    CurrentCatalog,
    CurrentDatabase,
}

/// `[NOT] LIKE | ILIKE 'pattern'`
#[derive(Debug, Clone)]
pub struct Pattern {
    pub not: bool,
    pub ignores_case: bool,
    pub pattern: String,
}

/// `LIKE source (…)`: per feature how the source's goes with the table's own.
#[derive(Debug, Clone)]
pub struct Like {
    pub source: ObjectPath,
    pub constraints: Merge,
    pub partitions: Merge,
    pub generated: Merge,
    pub metadata: Merge,
    pub options: Merge,
    pub watermarks: Merge,
}

/// How something of a LIKE's source is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// It is; the table must not have the same.
    Including,
    /// It is not.
    Excluding,
    /// It is, unless the table has its own.
    Overwriting,
}

#[derive(Debug, Clone, Default)]
pub struct CreateTable {
    pub name: ObjectPath,
    pub temporary: bool,
    pub if_not_exists: bool,
    pub columns: Vec<ColumnDef>,
    /// `(a, b) AS SELECT …`: the order of the query's columns, if they are listed without types.
    pub order: Vec<(String, Span)>,
    pub watermark: Option<WatermarkDef>,
    /// Column names, empty without a key.
    pub primary_key: Vec<(String, Span)>,
    /// The name of the key's constraint, given or made of its columns; empty without a key.
    pub key_name: String,
    pub partition_keys: Vec<(String, Span)>,
    pub comment: Option<String>,
    pub options: Vec<TableOption>,
    pub like: Option<Like>,
    /// `AS SELECT …`: the columns that are not declared are the query's, and its rows are inserted.
    pub query: Option<Box<Query>>,
}

#[derive(Debug, Clone)]
pub struct TableOption {
    pub key: String,
    pub value: String,
    pub span: Span,
    pub key_span: Span,
    pub value_span: Span,
    /// A secret's value as it stands in the file, if it is variables and nothing else: `${NAME}`.
    pub variables: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ColumnDef {
    pub name: String,
    pub span: Span,
    pub kind: ColumnDefKind,
    pub comment: Option<String>,
    /// Whether its type could not be read: what it has is none.
    pub is_unknown: bool,
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
    /// As many as there are columns.
    pub column_comments: Vec<Option<String>>,
    pub comment: Option<String>,
    pub query: Box<Query>,
}

impl CreateView {
    /// The comment of the n-th column.
    pub(crate) fn comment_of(&self, column: usize) -> Option<&String> {
        self.column_comments.get(column)?.as_ref()
    }
}

#[derive(Debug, Clone)]
pub struct Insert {
    pub table: ObjectPath,
    /// `INSERT INTO t (a, b) …`; empty if not given.
    pub columns: Vec<(String, Span)>,
    pub query: Box<Query>,
    pub span: Span,
}
