//! Rows as tests compare, show and write them.

use arrow_array::types::{TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, TimeUnit};
use millstream_dataflow::{Field, RowKind, Schema, SqlType};
use millstream_formats::render::text_value;

/// A value. Two are the same iff their texts are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Value {
    /// `None` for NULL.
    pub(super) text: Option<String>,
    /// How it is written in a test.
    pub(super) literal: String,
}

/// Where a row was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowKey {
    pub(super) table: String,
    pub(super) partition: u32,
    pub(super) number: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) kind: RowKind,
    pub(super) cells: Vec<Value>,
    /// Of a late row.
    pub(super) key: Option<RowKey>,
}

impl Row {
    /// The row with some of its cells.
    pub(super) fn of(&self, places: &[usize]) -> Row {
        Row {
            kind: self.kind,
            cells: places.iter().filter_map(|p| self.cells.get(*p).cloned()).collect(),
            key: self.key.clone(),
        }
    }
}

/// The cells of a row.
pub(super) fn cells(data: &RecordBatch, row: usize, schema: &Schema) -> Vec<Value> {
    let columns = schema.fields.iter().zip(data.columns());
    columns.map(|(field, array)| value(array, row, field)).collect()
}

pub(super) fn value(array: &ArrayRef, row: usize, field: &Field) -> Value {
    let text = (!array.is_null(row) && field.ty != SqlType::Null).then(|| text_value(array, row, field));
    Value {
        text,
        literal: literal(array, row, field),
    }
}

/// A value as a test file has it: in the place of a column of its type it is the same again.
fn literal(array: &ArrayRef, row: usize, field: &Field) -> String {
    if array.is_null(row) || field.ty == SqlType::Null {
        return "NULL".to_string();
    }
    let text = || text_value(array, row, field);
    let list = |values: &ArrayRef, field: &Field| (0..values.len()).map(|i| literal(values, i, field)).collect::<Vec<_>>();
    match &field.ty {
        SqlType::Boolean => text().to_uppercase(),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt | SqlType::Decimal(..) => text(),
        SqlType::Float | SqlType::Double => {
            let text = text();
            // Infinity and NaN are texts that are cast.
            if text.contains(|c: char| c.is_alphabetic() && c != 'E') {
                quoted(&text)
            } else {
                text
            }
        }
        SqlType::Binary(_) | SqlType::VarBinary(_) => text(),
        SqlType::TimestampLtz(3) => match array.as_primitive_opt::<TimestampMillisecondType>() {
            Some(times) => format!("TO_TIMESTAMP_LTZ({}, 3)", times.value(row)),
            None => quoted(&text()),
        },
        SqlType::TimestampLtz(_) => quoted(text().trim_end_matches('Z')),
        SqlType::Timestamp(_) => quoted(&without_zeros(&text(), array, row)),
        SqlType::Array(element) => format!("ARRAY[{}]", list(&array.as_list::<i32>().value(row), element).join(", ")),
        SqlType::Row(fields) => {
            let columns = array.as_struct().columns().iter().zip(fields);
            format!("ROW({})", columns.map(|(c, f)| literal(c, row, f)).collect::<Vec<_>>().join(", "))
        }
        SqlType::Map(key, value) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (list(entries.column(0), key), list(entries.column(1), value));
            let pairs: Vec<String> = keys.iter().zip(values).map(|(k, v)| format!("{k}, {v}")).collect();
            format!("MAP[{}]", pairs.join(", "))
        }
        _ => quoted(&text()),
    }
}

/// A time without a fraction that is zero.
fn without_zeros(text: &str, array: &ArrayRef, row: usize) -> String {
    let per_second = match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => array.as_primitive::<TimestampMillisecondType>().value(row).rem_euclid(1_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => array.as_primitive::<TimestampMicrosecondType>().value(row).rem_euclid(1_000_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => array.as_primitive::<TimestampNanosecondType>().value(row).rem_euclid(1_000_000_000),
        _ => 1,
    };
    match text.split_once('.') {
        Some((whole, _)) if per_second == 0 => whole.to_string(),
        _ => text.to_string(),
    }
}

pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
