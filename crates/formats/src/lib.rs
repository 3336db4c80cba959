//! Formats: bytes to rows and back.
//!
//! To add one, write its module with a `SPEC`, and add a line to each of [`FORMATS`], [`decoder`], [`encoder`] and [`record_encoder`]; one whose
//! records name their schema goes into [`registry_options`], [`registry_decoder`] and [`registry_encoder`] instead.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

pub mod avro;
mod base64;
mod cells;
mod column;
pub mod csv;
mod fault;
pub mod json;
mod map;
pub mod parquet;
pub mod protobuf;
pub mod raw;
mod record;
mod registry;
pub mod render;
pub mod result;
mod rows;
mod split;
mod unknown;
mod validity;
mod views;

use millstream_dataflow::{Decoder, Encoder, Error, FormatSpec, RecordEncoder, Result, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use json::text_column::value_of_text;
pub use map::map_column;
pub use registry::{RegisteredSchema, RegistryOptions, SchemaReference, SchemaRegistry};
pub use split::{Lines, split_records};
pub use unknown::{UnknownField, unknown_fields};

/// Options that name a file, which is relative to the job's directory.
pub const FILE_OPTIONS: &[&str] = &[protobuf::DESCRIPTOR.name];

/// All formats, sorted by name.
pub const FORMATS: &[&FormatSpec] = &[
    &avro::SPEC,
    &avro::confluent::SPEC,
    &csv::SPEC,
    &json::debezium::SPEC,
    &json::SPEC,
    &json::registry::SPEC,
    &parquet::SPEC,
    &protobuf::registry::SPEC,
    &protobuf::SPEC,
    &raw::SPEC,
];

/// The decoder of a row format without a registry.
///
/// - `all`: every physical column of the table in order, for formats without field names
/// - `wanted`: the columns to decode, in their order
///
/// # Errors
/// `Config` for a format that does not exist or is no row format, `Sql` for a column type it cannot read.
pub fn decoder(format: &str, all: &Schema, wanted: &Schema, options: &BTreeMap<String, String>) -> Result<Box<dyn Decoder>> {
    match format {
        "avro" => Ok(Box::new(avro::AvroDecoder::new(all, wanted, options)?)),
        "csv" => Ok(Box::new(csv::CsvDecoder::new(all, wanted, options)?)),
        "debezium-json" => Ok(Box::new(json::debezium::DebeziumDecoder::new(wanted, options)?)),
        "json" => Ok(Box::new(json::JsonDecoder::new(wanted, options)?)),
        "protobuf" => Ok(Box::new(protobuf::ProtobufDecoder::new(wanted, options)?)),
        "raw" => Ok(Box::new(raw::RawDecoder::new(all, wanted, options)?)),
        other => Err(unknown(other)),
    }
}

/// The encoder of a format.
///
/// # Errors
/// `Config` for a format that does not exist, `Sql` for a column type it cannot write.
pub fn encoder(format: &str, schema: &Schema, options: &BTreeMap<String, String>) -> Result<Box<dyn Encoder>> {
    match format {
        "avro" => Ok(Box::new(avro::AvroFileEncoder::new(schema, options)?)),
        "csv" => Ok(Box::new(csv::CsvEncoder::new(schema, options)?)),
        "debezium-json" => Ok(Box::new(json::debezium::DebeziumEncoder::new(schema, options)?)),
        "json" => Ok(Box::new(json::JsonEncoder::new(schema, options)?)),
        "parquet" => Ok(Box::new(parquet::ParquetEncoder::new(schema, options)?)),
        "raw" => Ok(Box::new(raw::RawFileEncoder::new(schema, options)?)),
        other => Err(unknown(other)),
    }
}

/// What a table declares that its format cannot hold, whether it is read or written.
///
/// # Errors
/// As [`encoder`].
pub fn check(format: &str, schema: &Schema, options: &BTreeMap<String, String>) -> Result<()> {
    match format {
        // It has an option for readers only.
        "debezium-json" => decoder(format, schema, schema, options).map(drop),
        _ => encoder(format, schema, options).map(drop),
    }
}

/// The encoder of a row format without a registry, for records of a message log.
///
/// # Errors
/// `Config` for a format that does not exist or is no row format, `Sql` for a column type it cannot write.
pub fn record_encoder(format: &str, schema: &Schema, options: &BTreeMap<String, String>) -> Result<Box<dyn RecordEncoder>> {
    match format {
        "avro" => Ok(Box::new(avro::AvroEncoder::new(schema, options)?)),
        "csv" => Ok(Box::new(csv::CsvEncoder::new(schema, options)?)),
        "debezium-json" => Ok(Box::new(json::debezium::DebeziumEncoder::new(schema, options)?)),
        "json" => Ok(Box::new(json::JsonEncoder::new(schema, options)?)),
        "protobuf" => Ok(Box::new(protobuf::ProtobufEncoder::new(schema, options)?)),
        "raw" => Ok(Box::new(raw::RawEncoder::new(schema, options)?)),
        other => Err(unknown(other)),
    }
}

/// The options about the registry of a format whose records name their schema; nothing for any other.
pub fn registry_options(format: &str) -> Option<&'static RegistryOptions> {
    match format {
        "avro-confluent" => Some(&avro::confluent::REGISTRY),
        "json-registry" => Some(&json::registry::REGISTRY),
        "proto-registry" => Some(&protobuf::registry::REGISTRY),
        _ => None,
    }
}

/// The decoder of a format with a registry, which it asks nothing yet.
///
/// # Errors
/// As [`decoder`].
pub fn registry_decoder(format: &str, wanted: &Schema, options: &BTreeMap<String, String>, registry: Arc<dyn SchemaRegistry>) -> Result<Box<dyn Decoder>> {
    match format {
        "avro-confluent" => avro::confluent::decoder(wanted, options, registry),
        "json-registry" => json::registry::decoder(wanted, registry),
        "proto-registry" => protobuf::registry::decoder(wanted, registry),
        other => Err(unknown(other)),
    }
}

/// The encoder of a format with a registry, which it asks nothing yet.
///
/// - `subject`: what the schema of the columns is registered under
///
/// # Errors
/// As [`record_encoder`].
pub fn registry_encoder(
    format: &str,
    schema: &Schema,
    subject: &str,
    options: &BTreeMap<String, String>,
    registry: Arc<dyn SchemaRegistry>,
) -> Result<Box<dyn RecordEncoder>> {
    match format {
        "avro-confluent" => Ok(Box::new(avro::confluent::encoder(schema, subject, options, registry)?)),
        "json-registry" => Ok(Box::new(json::registry::encoder(schema, subject, registry)?)),
        "proto-registry" => Ok(Box::new(protobuf::registry::encoder(schema, subject, registry)?)),
        other => Err(unknown(other)),
    }
}

fn unknown(format: &str) -> Error {
    let names = || FORMATS.iter().map(|f| f.name);
    let e = Error::config(format!("the format '{format}' does not exist or does not fit here")).code("E0509");
    match millstream_dataflow::option::nearest(format, names()) {
        Some(near) if near != format => e.hint(format!("did you mean '{near}'?")),
        _ => e.hint(format!("there are: {}", names().collect::<Vec<_>>().join(", "))),
    }
}
