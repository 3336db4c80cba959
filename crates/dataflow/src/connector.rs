//! What the planner may know of connectors, and how an operator graph gets them.

use crate::{Field, OptionSpec, Result, Schema, Sink, Source};
use arrow_array::ArrayRef;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A metadata column that a connector offers: `offset BIGINT METADATA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataColumn {
    /// The key in `METADATA FROM 'key'`.
    pub key: &'static str,
    /// Flink's type text: `TIMESTAMP(3) WITH LOCAL TIME ZONE NOT NULL`.
    pub ty: &'static str,
    /// Whether a sink accepts it.
    pub writable: bool,
    /// One sentence.
    pub doc: &'static str,
}

/// What a connector declares about itself.
#[derive(Debug, Clone, Copy)]
pub struct ConnectorSpec {
    /// The value of `'connector'`.
    pub name: &'static str,
    /// A paragraph for the docs.
    pub doc: &'static str,
    /// Whether it can be read from.
    pub source: bool,
    /// Whether it can be written to.
    pub sink: bool,
    /// Its options, without `connector` and without those of the format.
    pub options: &'static [OptionSpec],
    /// Formats it takes, by name; empty for a connector without `format`.
    pub formats: &'static [&'static str],
    /// Metadata columns.
    pub metadata: &'static [MetadataColumn],
    /// Whether its sink takes updates and deletions, whatever the format.
    pub changes: bool,
    /// Whether what is read with these options comes to an end by itself.
    pub ends: fn(&BTreeMap<String, String>) -> bool,
}

/// What a format declares about itself.
#[derive(Debug, Clone, Copy)]
pub struct FormatSpec {
    /// The value of `'format'`.
    pub name: &'static str,
    /// A paragraph for the docs.
    pub doc: &'static str,
    /// Its options with their full keys: `json.ignore-parse-errors`.
    pub options: &'static [OptionSpec],
    /// Whether its records are changes: rows that are inserted, updated and deleted.
    pub changes: bool,
    /// Whether its files tell enough of their rows to leave some out unread, by [`TableSpec::tests`].
    pub skips: bool,
}

/// What the planner sees of the connectors: names, options, metadata columns.
pub trait Registry: Send + Sync {
    /// All connectors, sorted by name.
    fn connectors(&self) -> &[&'static ConnectorSpec];
    /// All formats, sorted by name.
    fn formats(&self) -> &[&'static FormatSpec];
    /// One connector.
    fn connector(&self, name: &str) -> Option<&'static ConnectorSpec> {
        self.connectors().iter().find(|c| c.name == name).copied()
    }
    /// One format.
    fn format(&self, name: &str) -> Option<&'static FormatSpec> {
        self.formats().iter().find(|f| f.name == name).copied()
    }
    /// What a valid set of options may still get wrong together (a mode that needs another key). The table's schema is given.
    fn check(&self, table: &TableSpec) -> Vec<crate::Error>;
    /// What a valid table may still lack to be written to.
    ///
    /// # Errors
    /// `Config`, naming the option.
    fn check_sink(&self, _table: &TableSpec) -> Result<()> {
        Ok(())
    }
}

/// Where a column of a table comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// In the record.
    Physical,
    /// From the connector, by metadata key.
    Metadata(String),
}

/// A column that a source must deliver or a sink takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableColumn {
    /// Name, type, nullability.
    pub field: Field,
    /// Where it comes from.
    pub kind: ColumnKind,
}

/// What a row must pass to be of use. Only a hint for a source that can leave out rows without looking at them: whatever it delivers is
/// tested again.
#[derive(Debug, Clone, PartialEq)]
pub struct RowTest {
    /// A physical column.
    pub column: String,
    /// What has to hold of it.
    pub comparison: Comparison,
    /// One value of the column's type, not NULL, that it is compared with.
    pub value: Option<ArrayRef>,
}

/// How a column is compared with a value; NULL passes `IsNull` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says it")]
pub enum Comparison {
    Eq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    IsNull,
    IsNotNull,
}

/// A table as a connector sees it: for a source only the columns the plan needs, in the order it wants them.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSpec {
    /// For messages: `clickstream`.
    pub name: String,
    /// The columns.
    pub columns: Vec<TableColumn>,
    /// Every physical column of the declaration, in order: formats without field names need them.
    pub all_physical: Vec<Field>,
    /// `PARTITIONED BY` column names.
    pub partition_keys: Vec<String>,
    /// `PRIMARY KEY` column names.
    pub primary_key: Vec<String>,
    /// The `WITH` options.
    pub options: BTreeMap<String, String>,
    /// Whether a source is to give the bytes of each record, too: for dead letters.
    pub keep_records: bool,
    /// What rows must pass to be of use, all of it.
    pub tests: Vec<RowTest>,
}

impl TableSpec {
    /// All columns as a schema.
    pub fn schema(&self) -> Schema {
        Schema::new(self.columns.iter().map(|c| c.field.clone()).collect())
    }
    /// The physical columns as a schema.
    pub fn physical(&self) -> Schema {
        Schema::new(
            self.columns
                .iter()
                .filter(|c| c.kind == ColumnKind::Physical)
                .map(|c| c.field.clone())
                .collect(),
        )
    }
    /// The value of `'connector'`, empty if absent.
    pub fn connector(&self) -> &str {
        self.options.get("connector").map_or("", String::as_str)
    }
}

/// Makes the sources and sinks of a graph.
pub trait Connectors: Send + Sync {
    /// A source for the columns of `table`, in that order.
    fn source(&self, table: &TableSpec) -> Result<Arc<dyn Source>>;
    /// A sink that takes the columns of `table`, in that order. `id` names the sink within the job and is stable.
    fn sink(&self, table: &TableSpec, id: &str) -> Result<Arc<dyn Sink>>;
}
