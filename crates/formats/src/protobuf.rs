//! The `protobuf` format: messages of one type, which a file describes.

mod compile;
mod derive;
mod descriptor;
mod plan;
mod read;
pub mod registry;
mod wire;
mod write;

use crate::cells;
use crate::record::check_bytes;
use crate::registry::FramedEncoder;
use crate::rows::Rows;
use arrow_array::RecordBatch;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BadRecord, Batch, Decoder, Error, FormatSpec, RecordEncoder, Records, Result, Schema};
use plan::Message;
use prost_reflect::{Cardinality, MessageDescriptor};
use read::Scratch;
use std::collections::BTreeMap;
use std::path::Path;
use wire::Wire;
use write::Writer;

/// The file with the message type.
pub const DESCRIPTOR: OptionSpec = OptionSpec::new(
    "protobuf.descriptor",
    OptionType::Text,
    "The `.proto` file with the message, whose imports are looked for beside it and in the directories above, or a FileDescriptorSet as \
     `protoc --include_imports --descriptor_set_out` writes it. Not in Flink, which finds a Java class.",
)
.required()
.examples(&["order.proto"]);
const MESSAGE: OptionSpec = OptionSpec::new(
    "protobuf.message-class-name",
    OptionType::Text,
    "The message's full name, or that of the Java class that protoc makes of it.",
)
.required()
.examples(&["com.example.Order"]);
const IGNORE_ERRORS: OptionSpec = OptionSpec::new(
    "protobuf.ignore-parse-errors",
    OptionType::Boolean,
    "Leaves out (and counts) records that are no such messages. Without it the table's 'on-error' decides.",
)
.default("false");
const READ_DEFAULTS: OptionSpec = OptionSpec::new(
    "protobuf.read-default-values",
    OptionType::Boolean,
    "Reads the default of a field that is not there instead of NULL. Of proto3's texts, numbers and enums the default is always read.",
)
.default("false");
const NULL_LITERAL: OptionSpec = OptionSpec::new(
    "protobuf.write-null-string-literal",
    OptionType::Text,
    "The text written for a NULL within an array or map of texts.",
)
.default("");

/// What the format declares about itself.
pub const SPEC: FormatSpec = FormatSpec {
    name: "protobuf",
    doc: "Protobuf messages of one type. Each column is a field of exactly its type: `int32` INT, `int64` BIGINT, `float` FLOAT, `double` DOUBLE, `bool` \
          BOOLEAN, `string` STRING, `bytes` BYTES, `repeated` ARRAY, `map` MAP, messages ROW, enums STRING or a number; numbers without a sign keep their \
          bits. A field that is not there is NULL. A text that is no name of an enum is written as the enum's first value, as Flink does.",
    options: &[DESCRIPTOR, IGNORE_ERRORS, MESSAGE, READ_DEFAULTS, NULL_LITERAL],
    changes: false,
    skips: false,
};

fn message_type(options: &BTreeMap<String, String>) -> Result<MessageDescriptor> {
    let o = Options::new(options);
    descriptor::of_file(Path::new(o.required(&DESCRIPTOR)?), o.required(&MESSAGE)?)
}

fn unfit(why: String) -> Error {
    Error::sql(why)
        .code("E0302")
        .hint("declare columns with the names and types of the message's fields")
}

/// Decodes one message at a time.
pub struct ProtobufDecoder {
    message: Message,
    rows: Rows,
    scratch: Scratch,
}

impl ProtobufDecoder {
    /// # Errors
    /// `Config` for a message type that is not there, `Sql` for a column that it has no such field for.
    pub fn new(wanted: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        Self::of(&message_type(options)?, wanted, options)
    }
    fn of(ty: &MessageDescriptor, wanted: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        let rules = compile::of_flink(ty, Options::new(options).boolean(&READ_DEFAULTS));
        Ok(ProtobufDecoder {
            message: Message::new(ty, &wanted.fields, rules).map_err(unfit)?,
            rows: Rows::new(wanted)?,
            scratch: Scratch::default(),
        })
    }
}

impl Decoder for ProtobufDecoder {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        read_row(&self.message, record, 0, &mut self.rows, &mut self.scratch)
    }
    fn rows(&self) -> usize {
        self.rows.rows()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        self.rows.finish()
    }
}

/// Appends the row of the message that starts there.
fn read_row(message: &Message, record: &[u8], start: usize, rows: &mut Rows, scratch: &mut Scratch) -> Result<usize, BadRecord> {
    check_bytes(record)?;
    scratch.clear();
    rows.append(|columns| message.read(Wire::new(record, start), columns, scratch))?;
    Ok(1)
}

/// Writes one message per row.
pub struct ProtobufEncoder {
    message: Message,
    schema: Schema,
    null_text: String,
}

impl ProtobufEncoder {
    /// # Errors
    /// As [`ProtobufDecoder::new`], and `Sql` for a field that a message must have and the columns do not.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        let ty = message_type(options)?;
        let rules = compile::of_flink(&ty, false);
        let missing = ty
            .fields()
            .find(|f| f.cardinality() == Cardinality::Required && schema.index_of(f.name()).is_none());
        if let Some(field) = missing {
            return Err(unfit(format!(
                "the message {} must have the field \"{}\", and no column has that name",
                ty.full_name(),
                field.name()
            )));
        }
        Ok(ProtobufEncoder {
            message: Message::new(&ty, &schema.fields, rules).map_err(unfit)?,
            schema: schema.clone(),
            null_text: Options::new(options).text(&NULL_LITERAL).unwrap_or_default().to_string(),
        })
    }
}

impl FramedEncoder for ProtobufEncoder {
    fn encode_framed(&mut self, frame: &[u8], batch: &Batch, out: &mut Records) -> Result<()> {
        let columns = cells::of_batch(batch, &self.schema)?;
        let writer = Writer { null_text: &self.null_text };
        for row in 0..batch.num_rows() {
            out.bytes.extend_from_slice(frame);
            writer.write(&self.message, &columns, row, &mut out.bytes)?;
            out.end();
        }
        Ok(())
    }
}

impl RecordEncoder for ProtobufEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        self.encode_framed(&[], batch, out)
    }
}

#[cfg(test)]
mod tests;
