//! A chunk of a table: what a snapshot points to, and its bytes.
//!
//! The bytes are an Arrow IPC stream of one batch with the columns `k0, k1, … s0, s1, …` in a [`frame`].

use super::frame::{self, Kind};
use super::index::KeyChunk;
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::{ArrowError, Field, Schema};
use bytes::Bytes;
use millstream_dataflow::{ChunkData, Error, Result, StateColumn};
use std::sync::Arc;

/// Shares the table's memory until it is dropped.
#[derive(Debug)]
pub(super) struct TableChunk {
    pub(super) keys: KeyChunk,
    pub(super) columns: Arc<Vec<StateColumn>>,
    /// The first id.
    pub(super) first: usize,
}

impl ChunkData for TableChunk {
    fn encode(&self) -> Result<Vec<u8>> {
        let rows = self.keys.len();
        let mut arrays = self.keys.arrays(0..rows)?;
        let keys = arrays.len();
        arrays.extend(self.columns.iter().map(|c| c.to_array(self.first..self.first + rows)));
        let name = |i: usize| if i < keys { format!("k{i}") } else { format!("s{}", i - keys) };
        let fields = arrays.iter().enumerate().map(|(i, a)| Field::new(name(i), a.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let encode = || -> Result<Vec<u8>, ArrowError> {
            let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?;
            let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
            writer.write(&batch)?;
            writer.into_inner()
        };
        let body = encode().map_err(|e| Error::bug("could not encode a state chunk").source(e))?;
        Ok(frame::seal(Kind::Table, &body))
    }
}

/// # Errors
/// `Corrupt` for bytes that [`TableChunk::encode`] did not write.
pub(super) fn decode(bytes: &Bytes) -> Result<RecordBatch> {
    let body = frame::open(Kind::Table, bytes)?;
    let read = || -> Result<RecordBatch, ArrowError> {
        let mut reader = StreamReader::try_new(body.as_ref(), None)?;
        reader.next().unwrap_or_else(|| Err(ArrowError::IpcError("no batch".into())))
    };
    read().map_err(|e| Error::corrupt("could not decode a state chunk").code("E0601").source(e))
}
