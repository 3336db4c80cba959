//! What an operator hands over at a barrier, and gets back at restore.

use crate::Result;
use std::sync::Arc;

/// The state of one operator subtask at a barrier: chunk pointers, taken in microseconds; encoded and uploaded outside.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The tables, in a fixed order per operator.
    pub tables: Vec<TableSnapshot>,
}

/// One table of a snapshot.
#[derive(Debug, Clone)]
pub struct TableSnapshot {
    /// Name within the operator, stable across versions of the job.
    pub name: String,
    /// The chunks that make up the table now.
    pub chunks: Vec<SnapshotChunk>,
}

/// An immutable piece of state. A chunk with the (id, version) of an already published one is not uploaded again.
#[derive(Debug, Clone)]
pub struct SnapshotChunk {
    /// Unique within the table during one run of the operator instance.
    pub id: u64,
    /// Grows whenever the content changes.
    pub version: u64,
    /// The content.
    pub data: Arc<dyn ChunkData>,
}

/// Content of a chunk, encoded off the subtask's thread.
pub trait ChunkData: Send + Sync + std::fmt::Debug {
    /// The persisted bytes. The `state` crate owns the format; the runtime adds length and checksum.
    fn encode(&self) -> Result<Vec<u8>>;
}

/// One chunk handed back at restore. Every chunk of every subtask whose key groups overlap comes; the operator filters rows
/// by its own key groups.
#[derive(Debug, Clone)]
pub struct SnapshotPart {
    /// [`TableSnapshot::name`].
    pub table: String,
    /// What [`ChunkData::encode`] gave.
    pub bytes: bytes::Bytes,
}
