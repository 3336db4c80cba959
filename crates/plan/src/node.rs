//! What each node of a job does.

use crate::window::AggregateInput;
use crate::{Column, Expr, Type, Value, Window, WindowAggregate};
use millstream_dataflow::{ColumnKind, TableColumn, TableSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The operators. Every variant has one file of that name in `operators`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeSpec {
    /// Reads a table.
    Source(Box<SourceSpec>),
    /// Inline rows, a bounded source: one value per column and row.
    Values(Vec<Vec<Value>>),
    /// One expression per output column.
    Project(Vec<Expr>),
    /// Keeps the rows for which the expression is true.
    Filter(Expr),
    /// A window TVF without aggregation: each row once per window that holds it, late or not, with `window_start`, `window_end`,
    /// `window_time` appended.
    Window {
        /// How time is cut.
        window: Window,
        /// The event-time column.
        time: usize,
        /// Type of `window_time`.
        window_time: Type,
        /// The zone whose wall clock cuts the windows of a TIMESTAMP_LTZ; UTC if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
    },
    /// Grouping sets: each row once per set, key columns outside the set NULL, `grouping_id BIGINT` appended (bit i from the
    /// right set: the i-th key from the right is outside the set).
    Expand {
        /// The key columns.
        keys: Vec<usize>,
        /// Per set the positions in `keys` that stay.
        sets: Vec<Vec<usize>>,
    },
    /// First phase of a two-phase window aggregation, before the exchange.
    LocalWindowAggregate(WindowAggregate),
    /// Window aggregation, keyed.
    WindowAggregate {
        /// What is aggregated.
        aggregate: WindowAggregate,
        /// Rows, or the partials of the local phase.
        input: AggregateInput,
    },
    /// All rows of all inputs.
    Union,
    /// What came to a port that is not the ordinary one, as rows that tell why and from where: the columns of
    /// [`millstream_dataflow::dead_letter`], times as TIMESTAMP(3) or TIMESTAMP_LTZ(3).
    DeadLetters(DeadLetters),
    /// Writes a table.
    Sink(TableDef),
    /// Hands rows to whoever asked: a bare SELECT.
    Collect,
}

/// Reads a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceSpec {
    /// The table with the physical and metadata columns that are needed, in order.
    pub table: TableDef,
    /// The scan's output: one expression over the table's columns per output column (plain columns and computed ones).
    pub columns: Vec<Expr>,
    /// The table's event time, if it has a watermark.
    pub rowtime: Option<Rowtime>,
    /// Whether time is the clock's when rows arrive: then the watermark follows it, and there is no `rowtime`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub processing_time: bool,
    /// After how long without data an exhausted split stops holding the watermark back. `None`: never.
    pub idle_timeout_ms: Option<u64>,
    /// What happens to a record that is not a row.
    pub on_error: RecordPolicy,
    /// Whether its files tell enough of their rows to leave some out unread.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skips: bool,
    /// What the filter behind it asks of rows, over the table's columns: for what is left out unread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Expr>,
    /// Whether its rows are changes: updates and deletions, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes: bool,
    /// Whether rows that come too late are routed to a table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub route_late: bool,
}

/// Whose dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetters {
    /// Records of the source before that are no rows.
    Rejected,
    /// Rows of this table that came too late for the operator before.
    Late {
        /// Name of the table.
        table: String,
    },
}

/// What happens to a record that cannot become a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordPolicy {
    /// The job stops and names the record.
    Fail,
    /// The record is counted by reason, sampled in the log and left out.
    Skip,
    /// As `Skip`, and it leaves as a dead letter.
    Route,
}

/// Event time of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rowtime {
    /// Index among the scan's output columns; TIMESTAMP(≤3) or TIMESTAMP_LTZ(≤3).
    pub column: usize,
    /// The watermark expression over the scan's output columns, of the same type.
    pub watermark: Expr,
    /// How far event time may be ahead of the clock, if that is bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_future_skew: Option<FutureSkew>,
    /// How far splits may be ahead of others, if that is bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
}

/// Splits of the tables of one group are not read further ahead of the group's least watermark than this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alignment {
    /// Name of the group.
    pub group: String,
    /// Milliseconds of event time.
    pub max_drift_ms: u64,
    /// How old the least watermark may be that splits are compared with, milliseconds.
    pub update_interval_ms: u64,
}

/// A row whose event time is further ahead of the clock than this is no row: it would move the watermark, and all that follow would be late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FutureSkew {
    /// Milliseconds ahead of when the row arrives.
    pub ms: u64,
    /// The zone that a TIMESTAMP without zone is taken to be in; none: UTC.
    pub zone: Option<String>,
}

/// A table in serialisable form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDef {
    /// Catalog path, for messages and ids.
    pub name: String,
    /// Columns and their metadata key, if they are metadata columns.
    pub columns: Vec<(Column, Option<String>)>,
    /// All physical columns of the declaration, in order (formats without field names need them).
    pub physical: Vec<Column>,
    /// `PARTITIONED BY`.
    pub partition_keys: Vec<String>,
    /// `PRIMARY KEY`.
    pub primary_key: Vec<String>,
    /// `WITH` options.
    pub options: BTreeMap<String, String>,
}

/// In the place of a metadata key: the column is the time when the row arrived, TIMESTAMP_LTZ(3), which no connector delivers.
pub const ARRIVAL: &str = "$arrival";

impl TableDef {
    /// Whether a column is when the row arrived.
    pub fn is_arrival(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(|(_, key)| key.as_deref() == Some(ARRIVAL))
    }
    /// As the connectors want it.
    pub fn spec(&self) -> TableSpec {
        let kind = |key: &Option<String>| key.as_ref().map_or(ColumnKind::Physical, |k| ColumnKind::Metadata(k.clone()));
        TableSpec {
            name: self.name.clone(),
            columns: self
                .columns
                .iter()
                .filter(|(_, key)| key.as_deref() != Some(ARRIVAL))
                .map(|(c, key)| TableColumn {
                    field: c.field(),
                    kind: kind(key),
                })
                .collect(),
            all_physical: self.physical.iter().map(Column::field).collect(),
            partition_keys: self.partition_keys.clone(),
            primary_key: self.primary_key.clone(),
            options: self.options.clone(),
            keep_records: false,
            tests: Vec::new(),
        }
    }
}
