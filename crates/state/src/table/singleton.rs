//! A table of one value: what an operator keeps per subtask rather than per key, such as the watermark it fired last.

use super::frame::{self, Kind};
use super::unique;
use bytes::Bytes;
use millstream_dataflow::{ChunkData, Result, SnapshotChunk, SnapshotPart, TableSnapshot};
use std::sync::Arc;

/// A snapshot of one value. It is small: every checkpoint writes it anew.
pub fn singleton(name: impl Into<String>, bytes: impl Into<Bytes>) -> TableSnapshot {
    let chunk = SnapshotChunk {
        id: 0,
        version: unique(),
        data: Arc::new(Value(bytes.into())),
    };
    TableSnapshot {
        name: name.into(),
        chunks: vec![chunk],
    }
}

/// The values of a singleton table: one for each former subtask whose key groups overlap, so more than one after a rescale.
/// The operator says how they combine (the watermark it fired last: the minimum).
///
/// # Errors
/// `Corrupt` for damaged bytes.
pub fn read_singleton(name: &str, parts: &[SnapshotPart]) -> Result<Vec<Bytes>> {
    let values = parts.iter().filter(|p| p.table == name).map(|p| frame::open(Kind::Singleton, &p.bytes));
    values.collect::<Result<_>>().map_err(|e| e.detail(format!("state table \"{name}\"")))
}

#[derive(Debug)]
struct Value(Bytes);

impl ChunkData for Value {
    fn encode(&self) -> Result<Vec<u8>> {
        Ok(frame::seal(Kind::Singleton, &self.0))
    }
}
