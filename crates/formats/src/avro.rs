//! The `avro` format: binary data without a header in messages, object container files, both by the schema that Flink derives from the
//! table's columns.

mod codec;
mod compile;
pub mod confluent;
mod cursor;
mod derive;
mod encoder;
mod file;
mod plan;
mod schema;
mod skip;

use crate::registry::FramedEncoder;
use crate::rows::Rows;
use arrow_array::RecordBatch;
use derive::Mapping;
use encoder::Row;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BadRecord, Batch, Decoder, Error, FormatSpec, RecordEncoder, Records, Result, Schema};
use plan::Plan;
use std::collections::BTreeMap;

pub use file::{AvroFile, AvroFileEncoder};

const CODEC: OptionSpec = OptionSpec::new(
    "avro.codec",
    OptionType::OneOf(&["null", "deflate", "snappy", "zstandard", "zstd"]),
    "How the blocks of files are compressed.",
)
.default("snappy");
const ENCODING: OptionSpec = OptionSpec::new("avro.encoding", OptionType::OneOf(&["binary"]), "How records are encoded.").default("binary");
const LEGACY: OptionSpec = OptionSpec::new(
    "avro.timestamp_mapping.legacy",
    OptionType::Boolean,
    "Writes TIMESTAMP(3) as `timestamp-millis`, as Flink did first, and refuses TIMESTAMP_LTZ. With false, TIMESTAMP is `local-timestamp-millis`, `-micros` or `-nanos`, and TIMESTAMP_LTZ the same without `local-`.",
)
.default("true");

/// What the format declares about itself.
pub const SPEC: FormatSpec = FormatSpec {
    name: "avro",
    doc: "Avro records, by the schema that Flink derives from the table's physical columns. Messages do not name their schema: writer and reader declare the \
          same columns in the same order. Files do, and their fields are found by name.",
    options: &[CODEC, ENCODING, LEGACY],
    changes: false,
    skips: false,
};

fn mapping(options: &BTreeMap<String, String>) -> Mapping {
    Mapping {
        format: SPEC.name,
        legacy: Options::new(options).boolean(&LEGACY),
    }
}

/// Decodes one datum at a time.
pub struct AvroDecoder {
    plan: Plan,
    rows: Rows,
}

impl AvroDecoder {
    /// - `all`: the columns that the records have, in their order
    ///
    /// # Errors
    /// `Sql` for a column whose type or name Avro does not have.
    pub fn new(all: &Schema, wanted: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        let (_, writer) = derive::of_columns(all, mapping(options))?;
        Ok(AvroDecoder {
            plan: Plan::new(&writer, wanted).map_err(|e| Error::bug(format!("a schema does not fit its own columns: {e}")))?,
            rows: Rows::new(wanted)?,
        })
    }
}

impl Decoder for AvroDecoder {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        self.plan.decode(&mut self.rows, record, 0)
    }
    fn rows(&self) -> usize {
        self.rows.rows()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        self.rows.finish()
    }
}

/// Writes one datum per row.
pub struct AvroEncoder {
    schema: Schema,
}

impl AvroEncoder {
    /// # Errors
    /// `Sql` for a column whose type or name Avro does not have.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        derive::of_columns(schema, mapping(options))?;
        Ok(AvroEncoder { schema: schema.clone() })
    }
}

impl FramedEncoder for AvroEncoder {
    fn encode_framed(&mut self, frame: &[u8], batch: &Batch, out: &mut Records) -> Result<()> {
        let columns = Row::new(batch, &self.schema)?;
        for row in 0..batch.num_rows() {
            out.bytes.extend_from_slice(frame);
            columns.write(row, &mut out.bytes)?;
            out.end();
        }
        Ok(())
    }
}

impl RecordEncoder for AvroEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        self.encode_framed(&[], batch, out)
    }
}

#[cfg(test)]
mod tests;
