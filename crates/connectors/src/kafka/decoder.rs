//! Messages into columns, in the subtask.

use super::reader::Messages;
use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, TimestampMillisecondArray};
use millstream_dataflow::{Batch, Chunk, ColumnKind, Decoded, Decoder, Error, Places, Result, Schema, Split, SplitDecoder, TableSpec};
use rdkafka::bindings::rd_kafka_timestamp_type_t as Kind;
use std::sync::Arc;

pub(super) struct KafkaDecoder {
    records: Box<dyn Decoder>,
    /// Per output column: a metadata key, or the next decoded one.
    columns: Vec<Option<String>>,
    schema: Schema,
}

impl KafkaDecoder {
    pub(super) fn new(table: &TableSpec) -> Result<Self> {
        let format = table
            .options
            .get("value.format")
            .or_else(|| table.options.get("format"))
            .map_or("", String::as_str);
        let all = Schema::new(table.all_physical.clone());
        let key = |kind: &ColumnKind| match kind {
            ColumnKind::Physical => None,
            ColumnKind::Metadata(key) => Some(key.clone()),
        };
        Ok(KafkaDecoder {
            records: millstream_formats::decoder(format, &all, &table.physical(), &table.options)?,
            columns: table.columns.iter().map(|c| key(&c.kind)).collect(),
            schema: table.schema(),
        })
    }
}

impl SplitDecoder for KafkaDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        // Kept whole: the messages must be dropped before their client.
        let run = chunk
            .payload
            .downcast::<Messages>()
            .map_err(|_| Error::bug("a Kafka decoder got another chunk"))?;
        let messages = &run.messages;
        let mut bad = Vec::new();
        let mut places = Places::new(
            messages
                .iter()
                .next()
                .map_or_else(String::new, |m| format!("topic {}, partition {}, offset", m.topic(), m.partition())),
        );
        // The message of each row, where metadata is wanted.
        let mut origin: Vec<u32> = Vec::new();
        let with_metadata = self.columns.iter().any(Option::is_some);
        for (i, message) in messages.iter().enumerate() {
            // A tombstone moves the position and is no row.
            let Some(payload) = message.payload() else { continue };
            match self.records.decode(payload) {
                Ok(rows) => {
                    places.push(message.offset() as u64, rows);
                    if with_metadata {
                        origin.extend(std::iter::repeat_n(i as u32, rows));
                    }
                }
                Err(mut e) => {
                    e.place = format!("topic {}, partition {}, offset {}", message.topic(), message.partition(), message.offset());
                    bad.push(e);
                }
            }
        }
        let rows = self.records.rows();
        let decoded = self.records.finish()?;
        let mut physical = decoded.columns().iter();
        let of = |i: &u32| &messages[*i as usize];
        let text = |f: &dyn Fn(&u32) -> String| -> ArrayRef {
            let mut out = StringViewBuilder::new();
            origin.iter().for_each(|i| out.append_value(f(i)));
            Arc::new(out.finish())
        };
        let columns = self.columns.iter().map(|key| -> Result<ArrayRef> {
            Ok(match key.as_deref() {
                None => Arc::clone(physical.next().ok_or_else(|| Error::bug("a decoded column is missing"))?),
                Some("offset") => Arc::new(Int64Array::from_iter_values(origin.iter().map(|i| of(i).offset()))),
                Some("partition") => Arc::new(Int32Array::from_iter_values(origin.iter().map(|i| of(i).partition()))),
                Some("timestamp") => Arc::new(TimestampMillisecondArray::from_iter_values(origin.iter().map(|i| of(i).timestamp().0)).with_timezone("UTC")),
                Some("leader-epoch") => Arc::new(Int32Array::from_iter(origin.iter().map(|i| of(i).leader_epoch()))),
                Some("topic") => text(&|i| of(i).topic().to_string()),
                Some("timestamp-type") => text(&|i| {
                    match of(i).timestamp().1 {
                        Kind::RD_KAFKA_TIMESTAMP_CREATE_TIME => "CreateTime",
                        Kind::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => "LogAppendTime",
                        Kind::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => "NoTimestampType",
                    }
                    .to_string()
                }),
                Some(other) => return Err(Error::bug(format!("no metadata '{other}'"))),
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options)
            .map_err(|e| Error::bug("decoded columns do not fit the table").source(e))?;
        Ok(Decoded {
            batch: Batch::new(batch),
            split: Split {
                id: chunk.split,
                position: run.next.text()?,
            },
            records: messages.len() as u64,
            bad,
            places,
        })
    }
}
