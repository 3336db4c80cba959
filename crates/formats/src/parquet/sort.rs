//! Rows in order within their row group.

use super::holds_order;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ord::sort::{SortColumn, SortOptions, lexsort_to_indices};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use millstream_dataflow::option::{OptionSpec, OptionType};
use millstream_dataflow::{Error, Result, Schema, SqlType};
use parquet::file::metadata::SortingColumn;

pub(super) const SORT_BY: OptionSpec = OptionSpec::new(
    "parquet.sort-by",
    OptionType::Text,
    "Columns by which the rows of each row group are sorted, so that readers that look for a few values skip most pages. NULLs come first, with DESC last. \
     Rows wait in memory for it: 'parquet.block.size' is their size there. Not in Flink.",
)
.examples(&["user_id, event_time DESC"]);

/// Of a text or bytes beside their own.
const VIEW_BYTES: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Key {
    column: usize,
    descending: bool,
}

impl Key {
    fn options(self) -> SortOptions {
        SortOptions {
            descending: self.descending,
            nulls_first: !self.descending,
        }
    }
}

/// Collects the rows of a row group.
#[derive(Debug)]
pub(super) struct Sorter {
    keys: Vec<Key>,
    rows: Vec<RecordBatch>,
    bytes: usize,
}

impl Sorter {
    /// - `text`: `a, b DESC`
    ///
    /// # Errors
    /// `Config` for what is no column, or one whose values have no order.
    pub(super) fn new(text: &str, schema: &Schema) -> Result<Self> {
        let key = |part: &str| {
            let wrong = |what: String| {
                let e = Error::config(format!("option '{}': {what}", SORT_BY.name)).code("E0502");
                e.hint("columns with commas between them, each with ASC or DESC behind it or without")
            };
            let mut words = part.split_whitespace();
            let name = words.next().ok_or_else(|| wrong("a column is missing".to_string()))?;
            let descending = match words.next().map(str::to_uppercase).as_deref() {
                None | Some("ASC") => false,
                Some("DESC") => true,
                Some(_) => return Err(wrong(format!("\"{part}\" is no column with its direction"))),
            };
            let column = schema.index_of(name).ok_or_else(|| wrong(format!("\"{name}\" is no column of the files")))?;
            let ty = &schema.fields[column].ty;
            if words.next().is_some() || !holds_order(ty) {
                return Err(wrong(format!("rows cannot be sorted by \"{}\", which is {ty}", part.trim())));
            }
            Ok(Key { column, descending })
        };
        Ok(Sorter {
            keys: text.split(',').map(key).collect::<Result<_>>()?,
            rows: Vec::new(),
            bytes: 0,
        })
    }
    /// What the files say of it.
    pub(super) fn columns(&self, schema: &Schema) -> Vec<SortingColumn> {
        let column = |key: &Key| SortingColumn {
            column_idx: schema.fields[..key.column].iter().map(|f| leaves(&f.ty)).sum(),
            descending: key.descending,
            nulls_first: key.options().nulls_first,
        };
        self.keys.iter().map(column).collect()
    }
    pub(super) fn push(&mut self, rows: RecordBatch) {
        self.bytes += rows.columns().iter().map(bytes).sum::<usize>();
        self.rows.push(rows);
    }
    /// Of the rows that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
    /// The rows so far, in order.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let Some(first) = rows.first() else { return Ok(None) };
        let all = concat_batches(first.schema_ref(), &rows)?;
        let columns: Vec<SortColumn> = self
            .keys
            .iter()
            .map(|key| SortColumn {
                values: ArrayRef::clone(all.column(key.column)),
                options: Some(key.options()),
            })
            .collect();
        Ok(Some(take_record_batch(&all, &lexsort_to_indices(&columns, None)?)?))
    }
}

/// Columns of a file that a column of the table is.
fn leaves(ty: &SqlType) -> i32 {
    match ty {
        SqlType::Array(part) => leaves(&part.ty),
        SqlType::Multiset(part) => leaves(&part.ty) + 1,
        SqlType::Map(key, value) => leaves(&key.ty) + leaves(&value.ty),
        SqlType::Row(fields) => fields.iter().map(|f| leaves(&f.ty)).sum(),
        _ => 1,
    }
}

/// About: texts share their buffers with others, and only their own part counts.
fn bytes(column: &ArrayRef) -> usize {
    let lengths: usize = match (column.as_string_view_opt(), column.as_binary_view_opt()) {
        (Some(texts), _) => texts.lengths().map(|n| n as usize).sum(),
        (_, Some(binary)) => binary.lengths().map(|n| n as usize).sum(),
        _ => return column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size()),
    };
    lengths + VIEW_BYTES * column.len()
}
