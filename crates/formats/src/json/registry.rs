//! The `json-registry` format: JSON objects, each of which names its JSON Schema, which a registry has.

use super::form::{self, Form};
use super::{JsonDecoder, JsonEncoder, derive};
use crate::registry::{RegisteredSchema, RegistryDecoder, RegistryEncoder, RegistryOptions, SchemaReader, SchemaRegistry, registry_options};
use arrow_array::RecordBatch;
use millstream_dataflow::{BadRecord, Decoder, FormatSpec, Result, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the registry is.
pub const REGISTRY: RegistryOptions = registry_options!("json-registry");

/// What the format declares about itself.
pub const SPEC: FormatSpec = FormatSpec {
    name: "json-registry",
    doc: "JSON objects that name their JSON Schema in a Confluent schema registry, as Confluent's Flink reads and writes them. Fields are found by name. \
          Dates and times are numbers where the schema has the titles of Kafka Connect, and timestamps are ISO 8601 where it has the format `date-time`; \
          all else is as in `json`.",
    options: &REGISTRY.all(),
    changes: false,
    skips: false,
};

const KIND: &str = "JSON";

/// The forms of the columns in the records of one schema.
struct Plan {
    /// In the order they were made, from 1.
    number: u64,
    forms: Vec<Form>,
}

struct JsonReader {
    decoder: JsonDecoder,
    plans: u64,
    /// The plan whose forms are expected.
    current: u64,
}

impl SchemaReader for JsonReader {
    const KIND: &'static str = KIND;
    type Plan = Plan;

    fn plan(&mut self, schema: &RegisteredSchema) -> Result<Plan, String> {
        let forms = form::of_columns(schema, &self.decoder.schema)?;
        self.plans += 1;
        Ok(Plan { number: self.plans, forms })
    }
    fn read(&mut self, plan: &Plan, record: &[u8], start: usize) -> Result<usize, BadRecord> {
        if self.current != plan.number {
            self.decoder.expect(&plan.forms);
            self.current = plan.number;
        }
        self.decoder.decode(record.get(start..).unwrap_or_default())
    }
    fn rows(&self) -> usize {
        self.decoder.rows()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        self.decoder.finish()
    }
}

/// # Errors
/// `Sql` for a column whose type the format does not hold.
pub(crate) fn decoder(wanted: &Schema, registry: Arc<dyn SchemaRegistry>) -> Result<Box<dyn Decoder>> {
    derive::of_columns(wanted)?;
    let reader = JsonReader {
        decoder: JsonDecoder::new(wanted, &BTreeMap::new())?,
        plans: 0,
        current: 0,
    };
    Ok(Box::new(RegistryDecoder::new(reader, registry)))
}

/// # Errors
/// `Sql` for a column whose type the format does not hold.
pub(crate) fn encoder(schema: &Schema, subject: &str, registry: Arc<dyn SchemaRegistry>) -> Result<RegistryEncoder> {
    let text = derive::of_columns(schema)?;
    Ok(RegistryEncoder::new(
        Box::new(JsonEncoder::of_numbers(schema)),
        KIND,
        text,
        &[],
        subject,
        registry,
    ))
}

#[cfg(test)]
mod tests;
