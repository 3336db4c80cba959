//! Records, each read by the schema that it names.

use super::{HEADER_BYTES, MAGIC, RegisteredSchema, SchemaRegistry};
use crate::record::bad;
use arrow_array::RecordBatch;
use millstream_dataflow::{BadRecord, Decoder, Error, ErrorKind, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Schemas kept at once. More than any topic has, unless its ids are made up.
const PLANS_MAX: usize = 1024;

/// Longest description of what is wrong with a schema.
const MESSAGE_CHARS_MAX: usize = 300;

/// What a format makes of schemas and of the records behind their frames.
pub(crate) trait SchemaReader: Send {
    /// The kind of its schemas.
    const KIND: &'static str;
    /// How the records of one schema are read.
    type Plan: Send;
    /// # Errors
    /// Why its records cannot be read as the table's columns.
    fn plan(&mut self, schema: &RegisteredSchema) -> Result<Self::Plan, String>;
    /// Appends the row of a record, which begins at `start`.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    fn read(&mut self, plan: &Self::Plan, record: &[u8], start: usize) -> Result<usize, BadRecord>;
    /// As [`Decoder::rows`].
    fn rows(&self) -> usize;
    /// As [`Decoder::finish`].
    fn finish(&mut self) -> Result<RecordBatch>;
}

/// Decodes one record at a time, each by its own schema.
pub(crate) struct RegistryDecoder<R: SchemaReader> {
    registry: Arc<dyn SchemaRegistry>,
    reader: R,
    /// How the records of a schema are read, or why they cannot be.
    plans: HashMap<u32, Result<R::Plan, String>>,
    /// Ids that the registry did not know. It may, the next time.
    unknown: Vec<u32>,
    /// Why no records can be decoded until `finish` has told it.
    failed: Option<Error>,
}

impl<R: SchemaReader> RegistryDecoder<R> {
    /// Asks the registry nothing yet.
    pub(crate) fn new(reader: R, registry: Arc<dyn SchemaRegistry>) -> Self {
        RegistryDecoder {
            registry,
            reader,
            plans: HashMap::new(),
            unknown: Vec::new(),
            failed: None,
        }
    }

    fn learn(&mut self, id: u32) -> Result<()> {
        let plan = match self.registry.schema(id) {
            Ok(schema) if schema.kind == R::KIND => self.reader.plan(&schema),
            Ok(schema) => Err(format!("it is of the kind {} and not {}", schema.kind, R::KIND)),
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

impl<R: SchemaReader> Decoder for RegistryDecoder<R> {
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
            Some(Ok(plan)) => self.reader.read(plan, record, HEADER_BYTES),
            Some(Err(e)) => Err(bad("schema", format!("schema {id}: {e}"))),
            None => Err(bad("schema", format!("schema {id} is not there"))),
        }
    }
    fn rows(&self) -> usize {
        self.reader.rows()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        for id in self.unknown.drain(..) {
            self.plans.remove(&id);
        }
        let batch = self.reader.finish()?;
        match self.failed.take() {
            Some(e) => Err(e),
            None => Ok(batch),
        }
    }
}
