//! Messages into columns, in the subtask.

use super::batch::Message;
use super::fields::Fields;
use super::reader::Messages;
use crate::outcomes::Outcomes;
use arrow_array::builder::{BinaryViewBuilder, StringViewBuilder};
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, TimestampMillisecondArray, UInt32Array};
use arrow_buffer::OffsetBuffer;
use arrow_schema::DataType;
use millstream_dataflow::{BadRecord, Batch, Chunk, ColumnKind, Decoded, Decoder, Error, Field, Places, Result, Schema, Split, SplitDecoder, TableSpec};
use millstream_formats::map_column;
use rdkafka::bindings::rd_kafka_timestamp_type_t as Kind;
use std::sync::Arc;

/// Where an output column comes from.
enum Origin {
    /// The n-th column of the value's decoder, or the key's.
    Value(usize),
    Key(usize),
    Metadata(String),
}

/// Decodes keys, once per message, and says which rows have which.
struct Keys {
    decoder: Box<dyn Decoder>,
    /// Per row: its key's row, none without a key.
    rows: Vec<Option<u32>>,
    /// A column that cannot do without a key.
    required: Option<String>,
}

impl Keys {
    /// The row of a message's key.
    fn decode(&mut self, message: &Message) -> Result<Option<u32>, BadRecord> {
        let bad = |reason: &'static str, message: String| BadRecord { reason, message };
        let Some(key) = message.key() else {
            return match &self.required {
                None => Ok(None),
                Some(column) => Err(bad("missing-field", format!("the record has no key, and column \"{column}\" is NOT NULL"))),
            };
        };
        let row = self.decoder.rows();
        match self.decoder.decode(key) {
            Ok(1) => Ok(Some(row as u32)),
            Ok(n) => Err(bad("malformed", format!("the key holds {n} rows instead of one"))),
            Err(e) => Err(bad(e.reason, format!("in the key: {}", e.message))),
        }
    }
    /// The key's columns, for all rows since the last time.
    fn finish(&mut self) -> Result<Vec<ArrayRef>> {
        let keys = self.decoder.finish()?;
        let rows = UInt32Array::from(std::mem::take(&mut self.rows));
        let take = |c: &ArrayRef| arrow_select::take::take(c, &rows, None).map_err(|e| Error::bug("keys do not fit their rows").source(e));
        keys.columns().iter().map(take).collect()
    }
}

pub(super) struct KafkaDecoder {
    values: Box<dyn Decoder>,
    keys: Option<Keys>,
    columns: Vec<Origin>,
    schema: Schema,
    keep_records: bool,
}

impl KafkaDecoder {
    pub(super) fn new(table: &TableSpec, fields: &Fields) -> Result<Self> {
        let value = &fields.value;
        // What is in both is taken from the value.
        let key = fields.key.as_ref().filter(|k| k.places.iter().any(|p| !value.places.contains(p)));
        let mut physical = 0..;
        let columns = table.columns.iter().map(|c| match &c.kind {
            ColumnKind::Metadata(key) => Ok(Origin::Metadata(key.clone())),
            ColumnKind::Physical => {
                let place = physical.next();
                let of = |places: &[usize]| places.iter().position(|p| Some(*p) == place);
                let in_value = of(&value.places).map(Origin::Value);
                in_value
                    .or_else(|| key.and_then(|k| of(&k.places)).map(Origin::Key))
                    .ok_or_else(|| Error::bug(format!("column \"{}\" is in no part of the record", c.field.name)))
            }
        });
        let columns = columns.collect::<Result<_>>()?;
        let keys = key.map(|k| -> Result<Keys> {
            Ok(Keys {
                decoder: k.decoder()?,
                rows: Vec::new(),
                required: k.wanted.fields.iter().find(|f| !f.nullable).map(|f| f.name.clone()),
            })
        });
        Ok(KafkaDecoder {
            values: value.decoder()?,
            keys: keys.transpose()?,
            columns,
            schema: table.schema(),
            keep_records: table.keep_records,
        })
    }
    /// Appends a message's rows.
    fn append(&mut self, message: &Message) -> Result<usize, BadRecord> {
        let value = |values: &mut Box<dyn Decoder>| match message.payload() {
            Some(value) => values.decode(value),
            None => values.decode_null(),
        };
        let Some(keys) = &mut self.keys else { return value(&mut self.values) };
        let key = keys.decode(message)?;
        let rows = value(&mut self.values)?;
        keys.rows.extend(std::iter::repeat_n(key, rows));
        Ok(rows)
    }
}

/// The headers of each row's message, as MAP<STRING NOT NULL, BYTES>: the last of each name.
fn headers<'a>(messages: impl Iterator<Item = &'a Message>, field: &Field) -> Result<ArrayRef> {
    let (mut names, mut values, mut ends) = (StringViewBuilder::new(), BinaryViewBuilder::new(), Vec::new());
    for message in messages {
        let headers = message.headers();
        ends.push(headers.len());
        for (name, value) in headers {
            names.append_value(name);
            values.append_option(value);
        }
    }
    let DataType::Map(entries, _) = field.ty.to_arrow() else {
        return Err(Error::bug("headers are a map"));
    };
    let offsets = OffsetBuffer::from_lengths(ends);
    let map = map_column(&entries, offsets, Arc::new(names.finish()), Arc::new(values.finish()), None);
    Ok(Arc::new(map.map_err(|e| Error::bug("headers make no map").source(e))?))
}

impl SplitDecoder for KafkaDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        // Kept whole: the messages must be dropped before their client.
        let run = chunk
            .payload
            .downcast::<Messages>()
            .map_err(|_| Error::bug("a Kafka decoder got another chunk"))?;
        let messages = &run.messages;
        let first = messages.iter().next();
        let places = first.map_or_else(Places::default, |m| Places::of_partition(m.topic(), m.partition()));
        let mut outcomes = Outcomes::new(places, self.keep_records);
        // The message of each row, where metadata is wanted.
        let mut origin: Vec<u32> = Vec::new();
        let with_metadata = self.columns.iter().any(|c| matches!(c, Origin::Metadata(_)));
        let mut tombstones = 0;
        for (i, message) in messages.iter().enumerate() {
            let appended = self.append(message);
            tombstones += u64::from(message.payload().is_none() && appended == Ok(0));
            let rows = outcomes.add(message.offset() as u64, message.payload(), appended);
            if with_metadata {
                origin.extend(std::iter::repeat_n(i as u32, rows));
            }
        }
        let rows = self.values.rows();
        let kinds = self.values.kinds();
        let values = self.values.finish()?;
        let keys = self.keys.as_mut().map(Keys::finish).transpose()?.unwrap_or_default();
        let of = |i: &u32| &messages[*i as usize];
        let text = |f: &dyn Fn(&u32) -> String| -> ArrayRef {
            let mut out = StringViewBuilder::new();
            origin.iter().for_each(|i| out.append_value(f(i)));
            Arc::new(out.finish())
        };
        let missing = || Error::bug("a decoded column is missing");
        let columns = self.columns.iter().zip(&self.schema.fields).map(|(from, field)| -> Result<ArrayRef> {
            let key = match from {
                Origin::Value(i) => return values.columns().get(*i).cloned().ok_or_else(missing),
                Origin::Key(i) => return keys.get(*i).cloned().ok_or_else(missing),
                Origin::Metadata(key) => key.as_str(),
            };
            Ok(match key {
                "offset" => Arc::new(Int64Array::from_iter_values(origin.iter().map(|i| of(i).offset()))),
                "partition" => Arc::new(Int32Array::from_iter_values(origin.iter().map(|i| of(i).partition()))),
                "timestamp" => Arc::new(TimestampMillisecondArray::from_iter_values(origin.iter().map(|i| of(i).timestamp().0)).with_timezone("UTC")),
                "leader-epoch" => Arc::new(Int32Array::from_iter(origin.iter().map(|i| of(i).leader_epoch()))),
                "topic" => text(&|i| of(i).topic().to_string()),
                "timestamp-type" => text(&|i| {
                    match of(i).timestamp().1 {
                        Kind::RD_KAFKA_TIMESTAMP_CREATE_TIME => "CreateTime",
                        Kind::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => "LogAppendTime",
                        Kind::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => "NoTimestampType",
                    }
                    .to_string()
                }),
                "headers" => headers(origin.iter().map(of), field)?,
                other => return Err(Error::bug(format!("no metadata '{other}'"))),
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options)
            .map_err(|e| Error::bug("decoded columns do not fit the table").source(e))?;
        let (bad, places, raw) = outcomes.finish();
        Ok(Decoded {
            batch: Batch {
                kinds: kinds.map(Into::into),
                ..Batch::new(batch)
            },
            split: Split {
                id: chunk.split,
                position: run.next.text()?,
            },
            records: messages.len() as u64,
            tombstones,
            bad,
            places,
            raw,
        })
    }
}
