//! Formats whose records name their schema, which a registry keeps: what they have in common.

mod decoder;
mod encoder;
mod options;

use millstream_dataflow::Result;
use std::sync::Arc;

pub(crate) use decoder::{RegistryDecoder, SchemaReader};
pub(crate) use encoder::{FramedEncoder, RegistryEncoder};
pub use options::RegistryOptions;
pub(crate) use options::registry_options;

/// In front of each record: this byte, then the id of the schema, highest byte first.
const MAGIC: u8 = 0;
const HEADER_BYTES: usize = 5;

/// A schema as a registry keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// `AVRO`, `JSON` or `PROTOBUF`.
    pub kind: String,
    /// Its text.
    pub text: String,
    /// What it refers to, and what these refer to: each after those that it needs.
    pub references: Vec<SchemaReference>,
}

/// A schema that another one refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaReference {
    /// By which name: of an Avro type, of a file, or an address.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A schema registry, such as Confluent's.
///
/// Called by the threads of subtasks, which wait for the answer: what was asked once should be answered from memory. The formats keep what
/// they were told, so a schema is asked for once per decoder and registered once per encoder.
pub trait SchemaRegistry: Send + Sync {
    /// A schema; what an id stands for never changes.
    ///
    /// # Errors
    /// `Data` if there is none of this id, or none that it refers to: that is the record's fault. `Unavailable` if the registry does not
    /// answer, and any other kind, end the batch: the decoder's `finish` returns them.
    fn schema(&self, id: u32) -> Result<Arc<RegisteredSchema>>;
    /// The id of a schema under a subject, which gets it if it does not have it yet.
    ///
    /// - `kind`: as [`RegisteredSchema::kind`]
    ///
    /// # Errors
    /// `Unavailable` if the registry does not answer, `Config` if it refuses the schema.
    fn register(&self, subject: &str, kind: &str, text: &str) -> Result<u32>;
}

#[cfg(test)]
pub(crate) mod tests;
