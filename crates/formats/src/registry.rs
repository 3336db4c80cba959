//! Where the schemas of records are kept, seen from a format that does no I/O.

use millstream_dataflow::Result;
use std::sync::Arc;

/// A schema registry, such as Confluent's.
///
/// Called by the threads of subtasks, which wait for the answer: what was asked once should be answered from memory. The formats keep what
/// they were told, so a schema is asked for once per decoder and registered once per encoder.
pub trait SchemaRegistry: Send + Sync {
    /// The text of a schema; what an id stands for never changes.
    ///
    /// # Errors
    /// `Data` if there is none of this id: that is the record's fault. `Unavailable` if the registry does not answer, and any other kind, end
    /// the batch: the decoder's `finish` returns them.
    fn schema(&self, id: u32) -> Result<Arc<str>>;
    /// The id of a schema under a subject, which gets it if it does not have it yet.
    ///
    /// # Errors
    /// `Unavailable` if the registry does not answer, `Config` if it refuses the schema.
    fn register(&self, subject: &str, schema: &str) -> Result<u32>;
}
