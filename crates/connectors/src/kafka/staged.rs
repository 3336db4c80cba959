//! The writing half of exactly-once: records into pieces beside the checkpoints.

use super::client::Client;
use super::encoder::MessageEncoder;
use super::message::begin;
use crate::Host;
use crate::staging::Uploads;
use bytes::Bytes;
use millstream_dataflow::{Batch, BoxFuture, Committable, Epoch, Error, PutMode, Result, SinkWriter, Store, Written};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes of a piece, beyond which it is sent on its way.
const PIECE_BYTES: usize = 4 << 20;

/// What a subtask has staged in one epoch. A persisted form: version 1 is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pieces {
    pub(super) version: u32,
    pub(super) pieces: Vec<Piece>,
}

/// An object of staged records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) crc32c: u32,
}

impl Pieces {
    pub(super) fn encode(pieces: Vec<Piece>) -> Result<Committable> {
        let text = serde_json::to_vec(&Pieces { version: 1, pieces }).map_err(|e| Error::bug("a committable cannot be written").source(e))?;
        Ok(Committable(text))
    }
    pub(super) fn decode(committable: &Committable) -> Result<Pieces> {
        let pieces: Pieces = serde_json::from_slice(&committable.0).map_err(|e| Error::corrupt("a committable of a Kafka sink cannot be read").source(e))?;
        if pieces.version != 1 {
            return Err(Error::corrupt(format!("a committable has version {}, this release reads 1", pieces.version)));
        }
        Ok(pieces)
    }
}

impl Piece {
    /// # Errors
    /// `Corrupt` if it is gone or not what was written.
    pub(super) async fn read(&self, store: &dyn Store) -> Result<Bytes> {
        let place = format!("{}, {}", self.path, store.location());
        let Some(bytes) = store.get(&self.path, None).await? else {
            return Err(Error::corrupt("staged Kafka records are gone").code("E0601").detail(place));
        };
        if bytes.len() as u64 != self.bytes || crc32c::crc32c(&bytes) != self.crc32c {
            return Err(Error::corrupt("staged Kafka records are damaged").code("E0601").detail(place));
        }
        Ok(bytes)
    }
}

pub(super) struct StagingWriter {
    store: Arc<dyn Store>,
    client: Client,
    encoder: MessageEncoder,
    subtask: u32,
    /// Where its pieces lie: no two writers, not even a paused process and its successor, ever use the same names.
    prefix: String,
    open: Vec<u8>,
    pieces: u64,
    uploads: Uploads<Piece>,
    /// Rows so far, and at the last checkpoint.
    rows: u64,
    written: u64,
}

impl StagingWriter {
    pub(super) fn new(client: &Client, encoder: MessageEncoder, store: Arc<dyn Store>, host: Arc<dyn Host>, subtask: u32, incarnation: &str) -> Self {
        StagingWriter {
            store,
            client: client.clone(),
            encoder,
            subtask,
            prefix: format!("{incarnation}/{:.16}-{subtask}", host.unique()),
            open: Vec::new(),
            pieces: 0,
            uploads: Uploads::new(host),
            rows: 0,
            written: 0,
        }
    }
    fn finish(&mut self) {
        let content = Bytes::from(std::mem::take(&mut self.open));
        if content.is_empty() {
            return;
        }
        let piece = Piece {
            path: format!("{}-{}", self.prefix, self.pieces),
            bytes: content.len() as u64,
            crc32c: crc32c::crc32c(&content),
        };
        self.pieces += 1;
        let store = Arc::clone(&self.store);
        self.uploads.start(content.len(), async move {
            store.put(&piece.path, content, PutMode::Overwrite).await?;
            Ok(piece)
        });
    }
}

impl SinkWriter for StagingWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        let (open, client, subtask) = (&mut self.open, &self.client, self.subtask);
        self.encoder.encode(&batch, |message| {
            // Found now, not when the epoch is decided already.
            client.topic_of(message)?;
            client.fits(message)?;
            if open.is_empty() {
                *open = begin(subtask);
            }
            message.stage(open);
            Ok(())
        })?;
        if self.open.len() >= PIECE_BYTES {
            self.finish();
        }
        Ok(())
    }
    fn is_ready(&self) -> bool {
        self.uploads.is_ready()
    }
    fn written(&self) -> Option<Written> {
        Some(self.client.written(self.written))
    }
    fn pre_commit(&mut self, _epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        self.finish();
        self.written = self.rows;
        let uploads = self.uploads.take();
        Ok(Box::pin(async move {
            let pieces = uploads.await?;
            if pieces.is_empty() {
                Ok(Vec::new())
            } else {
                Ok(vec![Pieces::encode(pieces)?])
            }
        }))
    }
}
