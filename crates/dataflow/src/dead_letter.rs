//! Records that are no rows, and rows that came too late, as rows of a table: `'on-error' = 'route'` and `'on-late' = 'route'`.

use crate::{Error, Field, Places, Rejected, Result, Schema, SqlType, Stamp};
use arrow_array::builder::{BinaryViewBuilder, StringViewBuilder};
use arrow_array::{Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringViewArray, StructArray, UInt32Array};
use arrow_select::{filter::filter, take::take};
use std::sync::Arc;

/// Reason of a row that came too late.
pub const LATE: &str = "late";

/// Where a row came from. These columns of a dead letter are known at the source, so they travel with rows whose table routes late ones.
///
/// - `table_name`: the table it was read from
/// - `record`: its bytes, NULL where there are none: Parquet, Avro files, generators
/// - `split`: `topic/partition`, or a file, and the part of it that numbers begin anew in: `a.parquet/row group 3`
/// - `topic`, `partition`: NULL if it is not from Kafka
/// - `offset`: in the split: Kafka's offset, a file's byte or row
/// - `event_time`: epoch ms, NULL if there is none
/// - `watermark`: epoch ms, of its own partition just before it; NULL if there was none yet
fn origin() -> Vec<Field> {
    let field = |name: &str, ty, nullable| Field::new(name, ty, nullable);
    vec![
        field("table_name", SqlType::STRING, false),
        field("record", SqlType::BYTES, true),
        field("split", SqlType::STRING, false),
        field("topic", SqlType::STRING, true),
        field("partition", SqlType::Int, true),
        field("offset", SqlType::BigInt, true),
        field("event_time", SqlType::BigInt, true),
        field("watermark", SqlType::BigInt, true),
    ]
}

/// The columns of a dead letter: why, a sentence (NULL for late rows), and where it came from.
pub fn schema() -> Schema {
    let mut fields = vec![Field::new("reason", SqlType::STRING, false), Field::new("message", SqlType::STRING, true)];
    fields.extend(origin());
    Schema::new(fields)
}

/// Where each row of a batch came from.
#[derive(Debug, Clone)]
pub struct Origins(Arc<StructArray>);

/// What a source knows of all rows of a chunk.
#[derive(Debug, Clone, Copy)]
pub struct ChunkOrigin<'a> {
    /// Name of the table.
    pub table: &'a str,
    /// [`crate::Split::id`].
    pub split: &'a str,
    /// Where the rows stand in it.
    pub places: &'a Places,
}

impl ChunkOrigin<'_> {
    /// The columns for so many rows with these numbers and records.
    fn columns(&self, numbers: Int64Array, records: ArrayRef, event_times: Int64Array, watermarks: Int64Array) -> Vec<ArrayRef> {
        let rows = numbers.len();
        let text = |value: &str| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(value, rows))) };
        let split = match self.places.part() {
            Some(part) => format!("{}/{part}", self.split),
            None => self.split.to_string(),
        };
        let (topic, partition): (ArrayRef, ArrayRef) = match self.places.partition() {
            Some((topic, partition)) => (text(topic), Arc::new(Int32Array::from_value(partition, rows))),
            None => (
                arrow_array::new_null_array(&SqlType::STRING.to_arrow(), rows),
                arrow_array::new_null_array(&SqlType::Int.to_arrow(), rows),
            ),
        };
        vec![
            text(self.table),
            records,
            text(&split),
            topic,
            partition,
            Arc::new(numbers),
            Arc::new(event_times),
            Arc::new(watermarks),
        ]
    }

    /// Of rows that flow on.
    ///
    /// - `rows`: their numbers in the chunk
    /// - `records`: of all rows of the chunk, if kept
    /// - `event_times`: of `rows`, epoch ms
    /// - `stamp`: of `rows`
    ///
    /// # Errors
    /// `Bug` if these do not fit each other.
    pub fn of_rows(&self, rows: &UInt32Array, records: Option<&ArrayRef>, event_times: &Int64Array, stamp: &Stamp) -> Result<Origins> {
        let records = match records {
            Some(all) => take(all, rows, None)?,
            None => arrow_array::new_null_array(&SqlType::BYTES.to_arrow(), rows.len()),
        };
        let numbers = Int64Array::from_iter_values(rows.values().iter().map(|row| self.places.number(*row as usize) as i64));
        let columns = self.columns(numbers, records, event_times.clone(), (0..rows.len()).map(|row| known(stamp.at(row))).collect());
        let fields = Schema::new(origin()).to_arrow().fields().clone();
        Ok(Origins(Arc::new(StructArray::try_new(fields, columns, None)?)))
    }

    /// Of records that are no rows.
    ///
    /// - `watermarks`: the split's just before each of them, epoch ms
    ///
    /// # Errors
    /// `Bug` if the columns do not fit each other.
    pub fn letters(&self, rejected: &[Rejected], watermarks: &[i64]) -> Result<RecordBatch> {
        let (mut reasons, mut messages, mut records) = (StringViewBuilder::new(), StringViewBuilder::new(), BinaryViewBuilder::new());
        for r in rejected {
            reasons.append_value(r.why.reason);
            messages.append_value(&r.why.message);
            records.append_option(r.record.as_deref());
        }
        let numbers = rejected.iter().map(|r| r.number as i64).collect();
        let event_times = rejected.iter().map(|r| r.event_time).collect();
        let watermarks = watermarks.iter().map(|w| known(*w)).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(reasons.finish()), Arc::new(messages.finish())];
        columns.extend(self.columns(numbers, Arc::new(records.finish()), event_times, watermarks));
        RecordBatch::try_new(schema().to_arrow(), columns).map_err(|e| Error::bug("dead letters do not fit their columns").source(e))
    }
}

fn known(watermark: i64) -> Option<i64> {
    Some(watermark).filter(|w| *w > crate::Watermark::NONE)
}

impl Origins {
    pub(crate) fn filter(&self, mask: &BooleanArray) -> Result<Origins> {
        Self::of(&filter(self.0.as_ref(), mask)?)
    }
    pub(crate) fn take(&self, indices: &UInt32Array) -> Result<Origins> {
        Self::of(&take(self.0.as_ref(), indices, None)?)
    }
    pub(crate) fn slice(&self, offset: usize, rows: usize) -> Origins {
        Origins(Arc::new(self.0.slice(offset, rows)))
    }
    pub(crate) fn bytes(&self) -> usize {
        self.0.get_array_memory_size()
    }
    fn of(array: &ArrayRef) -> Result<Origins> {
        let rows = array.as_any().downcast_ref::<StructArray>();
        Ok(Origins(Arc::new(rows.ok_or_else(|| Error::bug("origins are no rows"))?.clone())))
    }
    /// The rows that came from a table, as dead letters of late rows.
    ///
    /// # Errors
    /// `Bug` if the columns do not fit each other.
    pub fn late_letters(&self, table: &str) -> Result<RecordBatch> {
        let tables = self.0.column(0).as_any().downcast_ref::<StringViewArray>();
        let tables = tables.ok_or_else(|| Error::bug("origins do not begin with the table"))?;
        let mask = BooleanArray::from_iter((0..tables.len()).map(|row| Some(tables.value(row) == table)));
        let own = self.filter(&mask)?.0;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(LATE, own.len()))),
            arrow_array::new_null_array(&SqlType::STRING.to_arrow(), own.len()),
        ];
        columns.extend(own.columns().iter().cloned());
        RecordBatch::try_new(schema().to_arrow(), columns).map_err(|e| Error::bug("dead letters do not fit their columns").source(e))
    }
}

#[cfg(test)]
mod tests;
