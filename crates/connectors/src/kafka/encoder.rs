//! Rows into records.

use super::fields::{Fields, Part};
use super::message::OutMessage;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use millstream_dataflow::{Batch, ColumnKind, Error, RecordEncoder, Records, Result, TableSpec};
use std::sync::Arc;

struct PartEncoder {
    encoder: Box<dyn RecordEncoder>,
    /// Where its columns are in a batch.
    columns: Vec<usize>,
    part: Part,
    records: Records,
}

impl PartEncoder {
    fn new(part: &Part, physical: &[usize]) -> Result<Self> {
        Ok(PartEncoder {
            encoder: part.encoder()?,
            columns: part.places.iter().filter_map(|i| physical.get(*i).copied()).collect(),
            part: part.clone(),
            records: Records::default(),
        })
    }
    fn encode(&mut self, batch: &Batch) -> Result<()> {
        self.records.clear();
        let columns = self.columns.iter().map(|i| Arc::clone(batch.column(*i))).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let data = RecordBatch::try_new_with_options(self.part.wanted.to_arrow(), columns, &options)
            .map_err(|e| Error::bug("columns do not fit the record").source(e))?;
        self.encoder.encode(&batch.with_data(data), &mut self.records)
    }
}

pub(super) struct MessageEncoder {
    key: Option<PartEncoder>,
    value: PartEncoder,
    /// Columns of a batch that say where a record goes and what goes with it.
    topic: Option<usize>,
    timestamp: Option<usize>,
    headers: Option<usize>,
}

impl MessageEncoder {
    pub(super) fn new(table: &TableSpec, fields: &Fields) -> Result<Self> {
        let at = |kind: &ColumnKind| table.columns.iter().position(|c| c.kind == *kind);
        let metadata = |key: &str| at(&ColumnKind::Metadata(key.to_string()));
        let physical: Vec<usize> = (0..table.columns.len()).filter(|i| table.columns[*i].kind == ColumnKind::Physical).collect();
        Ok(MessageEncoder {
            key: fields.key.as_ref().map(|k| PartEncoder::new(k, &physical)).transpose()?,
            value: PartEncoder::new(&fields.value, &physical)?,
            topic: metadata("topic"),
            timestamp: metadata("timestamp"),
            headers: metadata("headers"),
        })
    }

    /// Gives each row's record, in order.
    pub(super) fn encode(&mut self, batch: &Batch, mut each: impl FnMut(&OutMessage<'_>) -> Result<()>) -> Result<()> {
        self.value.encode(batch)?;
        if let Some(key) = &mut self.key {
            key.encode(batch)?;
        }
        let topics = self.topic.map(|i| batch.column(i).as_string_view());
        let timestamps = self.timestamp.map(|i| batch.column(i).as_primitive::<TimestampMillisecondType>());
        let headers = self.headers.map(|i| batch.column(i).as_map());
        let mut keys = self.key.as_ref().map(|k| k.records.iter());
        for (row, value) in self.value.records.iter().enumerate() {
            let mut message = OutMessage {
                topic: topics.filter(|t| t.is_valid(row)).map(|t| t.value(row)),
                key: keys.as_mut().and_then(Iterator::next),
                value: Some(value),
                timestamp: timestamps.filter(|t| t.is_valid(row)).map(|t| t.value(row)),
                headers: Vec::new(),
            };
            let entries = headers.filter(|h| h.is_valid(row)).map(|h| h.value(row));
            if let Some(entries) = &entries {
                let (names, values) = (entries.column(0).as_string_view(), entries.column(1).as_binary_view());
                message.headers = (0..entries.len())
                    .map(|i| (names.value(i), values.is_valid(i).then(|| values.value(i))))
                    .collect();
            }
            if message.timestamp == Some(0) {
                return Err(Error::data("a record's timestamp is 1970-01-01 00:00:00, which the client takes for now")
                    .code("E0522")
                    .hint("leave it NULL, or write another time"));
            }
            each(&message)?;
        }
        Ok(())
    }
}
