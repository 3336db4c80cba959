//! Records of the journal into columns, in the subtask.

use super::group::Entry;
use super::lines::place;
use super::reader::Piece;
use crate::outcomes::Outcomes;
use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, TimestampMillisecondArray};
use millstream_dataflow::{Batch, Chunk, ColumnKind, Decoded, Decoder, Error, Places, Result, Schema, Split, SplitDecoder, TableSpec};
use std::sync::Arc;

pub(super) struct HttpDecoder {
    records: Box<dyn Decoder>,
    columns: Vec<ColumnKind>,
    schema: Schema,
    table: String,
    keep_records: bool,
}

impl HttpDecoder {
    /// # Errors
    /// `Sql` for a column that the format cannot read, `Config` for options that it does not take.
    pub(super) fn new(table: &TableSpec) -> Result<Self> {
        let all = Schema::new(table.all_physical.clone());
        Ok(HttpDecoder {
            records: millstream_formats::decoder(super::format(table), &all, &table.physical(), &table.options)?,
            columns: table.columns.iter().map(|c| c.kind.clone()).collect(),
            schema: table.schema(),
            table: table.name.clone(),
            keep_records: table.keep_records,
        })
    }
}

/// A metadata column: the request of each row tells its value.
fn metadata(key: &str, requests: &[&Entry]) -> Result<ArrayRef> {
    let text = |of: &dyn Fn(&Entry) -> Option<String>| -> ArrayRef {
        let mut out = StringViewBuilder::new();
        requests.iter().for_each(|e| out.append_option(of(e)));
        Arc::new(out.finish())
    };
    Ok(match key {
        "idempotency-key" => text(&|e| e.key.as_ref().map(|k| k.text.clone())),
        "received-at" => Arc::new(TimestampMillisecondArray::from_iter_values(requests.iter().map(|e| e.received_ms)).with_timezone("UTC")),
        "remote-address" => text(&|e| Some(e.remote.clone())),
        other => return Err(Error::bug(format!("no metadata '{other}'"))),
    })
}

impl SplitDecoder for HttpDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let piece = chunk.payload.downcast::<Piece>().map_err(|_| Error::bug("an http decoder got another chunk"))?;
        let object = &piece.object;
        let place = place(&self.table, object.number);
        let (mut outcomes, mut requests) = (
            Outcomes::new(Places::new(&place).within(object.number.to_string()), self.keep_records),
            Vec::new(),
        );
        let with_metadata = self.columns.iter().any(|c| matches!(c, ColumnKind::Metadata(_)));
        for number in piece.records.clone() {
            let (entry, range) = &object.records[number];
            let entry = &object.group.entries[*entry as usize];
            let record = &entry.body[range.clone()];
            let rows = outcomes.add(number as u64, Some(record), self.records.decode(record));
            if with_metadata {
                requests.extend(std::iter::repeat_n(entry, rows));
            }
        }
        let rows = self.records.rows();
        let kinds = self.records.kinds();
        let decoded = self.records.finish()?;
        let mut physical = decoded.columns().iter();
        let columns = self.columns.iter().map(|kind| match kind {
            ColumnKind::Physical => physical.next().cloned().ok_or_else(|| Error::bug("a decoded column is missing")),
            ColumnKind::Metadata(key) => metadata(key, &requests),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options)
            .map_err(|e| Error::bug("decoded columns do not fit the table").source(e))?;
        let (bad, places, raw) = outcomes.finish();
        Ok(Decoded {
            tombstones: 0,
            batch: Batch {
                kinds: kinds.map(Into::into),
                ..Batch::new(batch)
            },
            split: Split {
                id: chunk.split,
                position: piece.next.text(),
            },
            records: piece.records.len() as u64,
            bad,
            places,
            raw,
        })
    }
}
