//! The `proto-registry` format: messages, each of which names its schema, which a registry has, and its type therein.

use super::compile::Rules;
use super::plan::Message;
use super::read::Scratch;
use super::wire::{Wire, unzigzag};
use super::{ProtobufEncoder, derive, descriptor, read_row};
use crate::fault::Parsed;
use crate::record::bad;
use crate::registry::{RegisteredSchema, RegistryDecoder, RegistryEncoder, RegistryOptions, SchemaReader, SchemaRegistry, registry_options};
use crate::rows::Rows;
use arrow_array::RecordBatch;
use millstream_dataflow::{BadRecord, Decoder, Error, FormatSpec, Result, Schema};
use prost_reflect::{FileDescriptor, MessageDescriptor};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Where the registry is.
pub const REGISTRY: RegistryOptions = registry_options!("proto-registry");

/// What the format declares about itself.
pub const SPEC: FormatSpec = FormatSpec {
    name: "proto-registry",
    doc: "Protobuf messages that name their schema in a Confluent schema registry, as Confluent's Flink reads and writes them. Fields are found by name; \
          one that is not there is NULL if protobuf tells that it is not there (`optional`, messages, oneofs), and its default otherwise. \
          `google.protobuf.Timestamp`, `google.type.Date`, `google.type.TimeOfDay` and `confluent.type.Decimal` are times, dates and decimals.",
    options: &REGISTRY.all(),
    changes: false,
    skips: false,
};

pub(super) const KIND: &str = "PROTOBUF";

/// In front of a message that is the first of its file: no places of types follow.
const FIRST_MESSAGE: &[u8] = &[0];

/// Types within types that a record may name.
const DEPTH_MAX: u64 = 64;

/// Types of one file whose messages are read.
const MESSAGES_MAX: usize = 256;

/// How messages are read that are of a type of one file.
struct Plan {
    file: FileDescriptor,
    /// By the places of the type and of those around it, outermost first.
    messages: RefCell<HashMap<Vec<usize>, Result<Message, String>>>,
}

struct ProtoReader {
    wanted: Schema,
    rows: Rows,
    scratch: Scratch,
}

impl SchemaReader for ProtoReader {
    const KIND: &'static str = KIND;
    type Plan = Plan;

    fn plan(&mut self, schema: &RegisteredSchema) -> Result<Plan, String> {
        Ok(Plan {
            file: descriptor::of_schema(schema)?,
            messages: RefCell::default(),
        })
    }
    fn read(&mut self, plan: &Plan, record: &[u8], start: usize) -> Result<usize, BadRecord> {
        let mut w = Wire::new(record, start);
        let places = places(&mut w).map_err(|fault| (*fault).into_bad())?;
        let mut messages = plan.messages.borrow_mut();
        if messages.len() >= MESSAGES_MAX && !messages.contains_key(&places) {
            messages.clear();
        }
        let message = messages.entry(places).or_insert_with_key(|places| {
            let ty = message_at(&plan.file, places).ok_or_else(|| format!("it has no message at {places:?}"))?;
            Message::new(&ty, &self.wanted.fields, Rules::Confluent)
        });
        match message {
            Ok(message) => read_row(message, record, w.at, &mut self.rows, &mut self.scratch),
            Err(e) => Err(bad("schema", format!("the record's schema: {e}"))),
        }
    }
    fn rows(&self) -> usize {
        self.rows.rows()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        self.rows.finish()
    }
}

/// Which of the messages of a file, of those within it, and so on: how many, and the places. None are those of the first.
fn places(w: &mut Wire<'_>) -> Parsed<Vec<usize>> {
    let mut number = |most: u64| -> Parsed<usize> {
        let n = u64::try_from(unzigzag(w.varint()?)).ok().filter(|n| *n <= most);
        n.map(|n| n as usize).ok_or_else(|| w.fault("malformed", "no place of a message in its file"))
    };
    match number(DEPTH_MAX)? {
        0 => Ok(vec![0]),
        count => (0..count).map(|_| number(u32::MAX.into())).collect(),
    }
}

fn message_at(file: &FileDescriptor, places: &[usize]) -> Option<MessageDescriptor> {
    let (first, within) = places.split_first()?;
    let outermost = file.messages().nth(*first);
    within
        .iter()
        .fold(outermost, |ty, place| ty?.child_messages().filter(|m| !m.is_map_entry()).nth(*place))
}

/// # Errors
/// `Sql` for a column whose type or name the format does not hold.
pub(crate) fn decoder(wanted: &Schema, registry: Arc<dyn SchemaRegistry>) -> Result<Box<dyn Decoder>> {
    derive::of_columns(wanted)?;
    let reader = ProtoReader {
        wanted: wanted.clone(),
        rows: Rows::new(wanted)?,
        scratch: Scratch::default(),
    };
    Ok(Box::new(RegistryDecoder::new(reader, registry)))
}

/// # Errors
/// `Sql` for a column whose type or name the format does not hold.
pub(crate) fn encoder(schema: &Schema, subject: &str, registry: Arc<dyn SchemaRegistry>) -> Result<RegistryEncoder> {
    let (text, ty) = derive::of_columns(schema)?;
    let message = Message::new(&ty, &schema.fields, Rules::Confluent);
    let rows = ProtobufEncoder {
        message: message.map_err(|e| Error::bug(format!("a schema does not fit its own columns: {e}")))?,
        schema: schema.clone(),
        null_text: String::new(),
    };
    Ok(RegistryEncoder::new(Box::new(rows), KIND, text, FIRST_MESSAGE, subject, registry))
}

#[cfg(test)]
mod tests;
