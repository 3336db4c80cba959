//! The `avro-confluent` format: each record names its schema, which a registry has.

use super::derive::{self, Mapping};
use super::plan::Plan;
use super::schema::AvroType;
use crate::registry::{RegisteredSchema, RegistryDecoder, RegistryEncoder, RegistryOptions, SchemaReader, SchemaRegistry, registry_options};
use crate::rows::Rows;
use arrow_array::RecordBatch;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BadRecord, Decoder, FormatSpec, Result, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the registry is.
pub const REGISTRY: RegistryOptions = registry_options!("avro-confluent");
const LEGACY: OptionSpec = OptionSpec::new(
    "avro-confluent.timestamp_mapping.legacy",
    OptionType::Boolean,
    "As `avro.timestamp_mapping.legacy`. Not in Flink.",
)
.default("true");

/// What the format declares about itself.
pub const SPEC: FormatSpec = FormatSpec {
    name: "avro-confluent",
    doc: "Avro records that name their schema in a Confluent schema registry. Fields are found by name and widened as Avro allows it; enums become texts, \
          unions of null and one type columns that may be NULL. A record whose schema does not fit the table is bad.",
    options: &[
        REGISTRY.user_info_source,
        REGISTRY.user_info,
        REGISTRY.token_source,
        REGISTRY.token,
        REGISTRY.keystore,
        REGISTRY.keystore_password,
        REGISTRY.truststore,
        REGISTRY.truststore_password,
        REGISTRY.subject,
        LEGACY,
        REGISTRY.url,
    ],
    changes: false,
    skips: false,
};

const KIND: &str = "AVRO";

fn mapping(options: &BTreeMap<String, String>) -> Mapping {
    Mapping {
        format: SPEC.name,
        legacy: Options::new(options).boolean(&LEGACY),
    }
}

/// Reads records of any schema as rows of one table.
struct ConfluentReader {
    wanted: Schema,
    rows: Rows,
}

impl SchemaReader for ConfluentReader {
    const KIND: &'static str = KIND;
    type Plan = Plan;

    fn plan(&mut self, schema: &RegisteredSchema) -> Result<Plan, String> {
        let writer = AvroType::parse_with(&schema.text, schema.references.iter().map(|r| r.text.as_str()))?;
        Plan::new(&writer, &self.wanted)
    }
    fn read(&mut self, plan: &Plan, record: &[u8], start: usize) -> Result<usize, BadRecord> {
        plan.decode(&mut self.rows, record, start)
    }
    fn rows(&self) -> usize {
        self.rows.rows()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        self.rows.finish()
    }
}

/// # Errors
/// `Sql` for a column whose type or name Avro does not have.
pub(crate) fn decoder(wanted: &Schema, options: &BTreeMap<String, String>, registry: Arc<dyn SchemaRegistry>) -> Result<Box<dyn Decoder>> {
    derive::of_columns(wanted, mapping(options))?;
    let reader = ConfluentReader {
        wanted: wanted.clone(),
        rows: Rows::new(wanted)?,
    };
    Ok(Box::new(RegistryDecoder::new(reader, registry)))
}

/// # Errors
/// `Sql` for a column whose type or name Avro does not have.
pub(crate) fn encoder(schema: &Schema, subject: &str, options: &BTreeMap<String, String>, registry: Arc<dyn SchemaRegistry>) -> Result<RegistryEncoder> {
    let (text, _) = derive::of_columns(schema, mapping(options))?;
    let rows = Box::new(super::AvroEncoder { schema: schema.clone() });
    Ok(RegistryEncoder::new(rows, KIND, text, &[], subject, registry))
}

#[cfg(test)]
mod tests;
