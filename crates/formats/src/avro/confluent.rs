//! The `avro-confluent` format: each record names its schema, which a registry has.

use super::derive::{self, Mapping};
use super::encoder::Row;
use super::plan::Plan;
use super::rows::Rows;
use super::schema::AvroType;
use crate::record::bad;
use crate::registry::SchemaRegistry;
use arrow_array::RecordBatch;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BadRecord, Batch, Decoder, Error, ErrorKind, FormatSpec, RecordEncoder, Records, Result, Schema};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Where the registry is.
pub const URL: OptionSpec = OptionSpec::new(
    "avro-confluent.url",
    OptionType::Text,
    "The address of the schema registry; several with commas between.",
)
.required()
.examples(&["http://localhost:8081"]);
/// Under which name it keeps the schema that is written.
pub const SUBJECT: OptionSpec = OptionSpec::new(
    "avro-confluent.subject",
    OptionType::Text,
    "The subject that the table's schema is registered under when rows are written; the topic's name and `-value` by default.",
)
.examples(&["orders-value"]);
/// User and password for it.
pub const USER_INFO: OptionSpec = OptionSpec::new(
    "avro-confluent.basic-auth.user-info",
    OptionType::Secret,
    "User and password for the registry, with a colon between.",
);
/// Where they come from.
pub const USER_INFO_SOURCE: OptionSpec = OptionSpec::new(
    "avro-confluent.basic-auth.credentials-source",
    OptionType::OneOf(&["USER_INFO"]),
    "Where user and password come from: the option `avro-confluent.basic-auth.user-info`.",
);
/// A token instead.
pub const TOKEN: OptionSpec = OptionSpec::new("avro-confluent.bearer-auth.token", OptionType::Secret, "A token for the registry.");
/// Where it comes from.
pub const TOKEN_SOURCE: OptionSpec = OptionSpec::new(
    "avro-confluent.bearer-auth.credentials-source",
    OptionType::OneOf(&["STATIC_TOKEN"]),
    "Where the token comes from: the option `avro-confluent.bearer-auth.token`.",
);
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
    options: &[USER_INFO_SOURCE, USER_INFO, TOKEN_SOURCE, TOKEN, SUBJECT, LEGACY, URL],
    changes: false,
};

/// In front of each record: this byte, then the id of the schema, highest byte first.
const MAGIC: u8 = 0;
const HEADER_BYTES: usize = 5;

/// Schemas kept at once. More than any topic has, unless its ids are made up.
const PLANS_MAX: usize = 1024;

/// Longest description of what is wrong with a schema.
const MESSAGE_CHARS_MAX: usize = 300;

fn mapping(options: &BTreeMap<String, String>) -> Mapping {
    Mapping {
        format: SPEC.name,
        legacy: Options::new(options).boolean(&LEGACY),
    }
}

/// Decodes one record at a time, each by its own schema.
pub struct ConfluentDecoder {
    registry: Arc<dyn SchemaRegistry>,
    wanted: Schema,
    rows: Rows,
    /// How the records of a schema are read, or why they cannot be.
    plans: HashMap<u32, Result<Plan, String>>,
    /// Ids that the registry did not know. It may, the next time.
    unknown: Vec<u32>,
    /// Why no records can be decoded until `finish` has told it.
    failed: Option<Error>,
}

impl ConfluentDecoder {
    /// Asks the registry nothing yet.
    ///
    /// # Errors
    /// `Sql` for a column whose type or name Avro does not have.
    pub fn new(wanted: &Schema, options: &BTreeMap<String, String>, registry: Arc<dyn SchemaRegistry>) -> Result<Self> {
        derive::of_columns(wanted, mapping(options))?;
        Ok(ConfluentDecoder {
            registry,
            wanted: wanted.clone(),
            rows: Rows::new(wanted)?,
            plans: HashMap::new(),
            unknown: Vec::new(),
            failed: None,
        })
    }

    fn learn(&mut self, id: u32) -> Result<()> {
        let plan = match self.registry.schema(id) {
            Ok(text) => AvroType::parse(&text).and_then(|writer| Plan::new(&writer, &self.wanted)),
            Err(e) if e.kind == ErrorKind::Data => {
                self.unknown.push(id);
                Err(e.to_string())
            }
            Err(e) => return Err(e),
        };
        if self.plans.len() >= PLANS_MAX {
            self.plans.clear();
        }
        // Types of hundreds of parts are told for every record.
        self.plans.insert(id, plan.map_err(|e| e.chars().take(MESSAGE_CHARS_MAX).collect()));
        Ok(())
    }
}

impl Decoder for ConfluentDecoder {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        if self.failed.is_some() {
            return Ok(0);
        }
        let Some([MAGIC, id @ ..]) = record.first_chunk::<HEADER_BYTES>() else {
            return Err(bad("malformed", "the record does not start with a 0 and the id of its schema"));
        };
        let id = u32::from_be_bytes(*id);
        if !self.plans.contains_key(&id)
            && let Err(e) = self.learn(id)
        {
            self.failed = Some(e);
            return Ok(0);
        }
        match self.plans.get(&id) {
            Some(Ok(plan)) => self.rows.decode(plan, record, HEADER_BYTES),
            Some(Err(e)) => Err(bad("schema", format!("schema {id}: {e}"))),
            None => Err(bad("schema", format!("schema {id} is not there"))),
        }
    }
    fn rows(&self) -> usize {
        self.rows.rows()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        for id in self.unknown.drain(..) {
            self.plans.remove(&id);
        }
        let batch = self.rows.finish()?;
        match self.failed.take() {
            Some(e) => Err(e),
            None => Ok(batch),
        }
    }
}

/// Writes rows by the schema of the table's columns, which it registers before the first of them.
pub struct ConfluentEncoder {
    registry: Arc<dyn SchemaRegistry>,
    subject: String,
    schema: Schema,
    text: String,
    id: Option<u32>,
}

impl ConfluentEncoder {
    /// Asks the registry nothing yet.
    ///
    /// - `subject`: where the option [`SUBJECT`] does not name one, `<topic>-value`
    ///
    /// # Errors
    /// `Sql` for a column whose type or name Avro does not have.
    pub fn new(schema: &Schema, subject: &str, options: &BTreeMap<String, String>, registry: Arc<dyn SchemaRegistry>) -> Result<Self> {
        let (text, _) = derive::of_columns(schema, mapping(options))?;
        Ok(ConfluentEncoder {
            registry,
            subject: Options::new(options).text(&SUBJECT).unwrap_or(subject).to_string(),
            schema: schema.clone(),
            text,
            id: None,
        })
    }
}

impl RecordEncoder for ConfluentEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        let id = match self.id {
            Some(id) => id,
            None => *self.id.insert(self.registry.register(&self.subject, &self.text)?),
        };
        let columns = Row::new(batch, &self.schema)?;
        for row in 0..batch.num_rows() {
            out.bytes.push(MAGIC);
            out.bytes.extend_from_slice(&id.to_be_bytes());
            columns.write(row, &mut out.bytes)?;
            out.end();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
