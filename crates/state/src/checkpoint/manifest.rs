//! What a checkpoint consists of, and its bytes.
//!
//! JSON, so that a newer release can add fields, an older one skips what it does not know, and people can read it.

use super::sealed;
use millstream_dataflow::{Committable, EpochCommit, KeyGroupRange, Result};
use serde::{Deserialize, Serialize};

/// One published checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the job.
    pub job: String,
    /// The life of the job's state: a new UUID at each stateless start.
    pub incarnation: String,
    /// Of the process that wrote it. Set by [`super::Writer::publish`].
    pub generation: u64,
    /// Unique to this manifest.
    pub nonce: String,
    /// Number of the checkpoint in its incarnation, from 1; those that failed have one, too.
    pub epoch: u64,
    /// Number among the manifests of its incarnation, from 1 without gaps; 0 in those of former releases, whose epoch it is. Set by
    /// [`super::Writer::publish`].
    #[serde(default)]
    pub number: u64,
    /// For people.
    pub created_ms: i64,
    /// Version of Millstream that wrote it.
    pub engine: String,
    /// The serialised plan. Opaque here.
    pub plan: String,
    /// Number of key groups.
    pub max_parallelism: u32,
    /// Parallelism of the job that wrote it.
    pub parallelism: u32,
    /// Every split of every source.
    pub sources: Vec<SourceState>,
    /// Every subtask that has state.
    pub operators: Vec<OperatorState>,
    /// What each sink has to show.
    pub sinks: Vec<SinkState>,
    /// Set by the last checkpoint of a bounded job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<FinishedJob>,
}

/// Where a source goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// Id of the node.
    pub node: String,
    /// Id of the split.
    pub split: String,
    /// The connector's own text.
    pub position: String,
    /// The split's running maximum, epoch ms.
    pub watermark: i64,
    /// Whether the split was idle.
    #[serde(default)]
    pub idle: bool,
    /// Whether a bounded split gave its last row.
    #[serde(default)]
    pub finished: bool,
}

/// The state of one subtask of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorState {
    /// Id of the node.
    pub node: String,
    /// Index of the subtask.
    pub subtask: u32,
    /// First key group.
    pub key_group_start: u32,
    /// One past the last key group.
    pub key_group_end: u32,
    /// In the operator's order.
    pub tables: Vec<TableState>,
}

impl OperatorState {
    /// Whether a subtask with these key groups needs this state.
    pub fn overlaps(&self, key_groups: KeyGroupRange) -> bool {
        self.key_group_start < key_groups.end && key_groups.start < self.key_group_end
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableState {
    /// Its name within the operator.
    pub name: String,
    /// Its chunks.
    pub chunks: Vec<ChunkRef>,
}

/// Where the bytes of a chunk lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRef {
    /// See [`millstream_dataflow::SnapshotChunk::id`].
    pub id: u64,
    /// See [`millstream_dataflow::SnapshotChunk::version`].
    pub version: u64,
    /// Path of the file in the checkpoint store.
    pub file: String,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
    /// Checksum of those bytes.
    pub crc32c: u32,
}

/// What a sink has to show for the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkState {
    /// Id of the node.
    pub node: String,
    /// In subtask order, each as hex digits.
    #[serde(with = "hex")]
    pub committables: Vec<Vec<u8>>,
}

/// How a bounded job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedJob {
    /// When, epoch ms.
    pub at_ms: i64,
    /// Lines to show when the job is run again.
    pub summary: Vec<String>,
}

impl Manifest {
    /// Its name's number.
    pub(super) fn number(&self) -> u64 {
        if self.number == 0 { self.epoch } else { self.number }
    }
    /// What the committer of a sink has to commit; `None` if the sink is not in this manifest.
    pub fn commit_of(&self, node: &str) -> Option<EpochCommit> {
        let sink = self.sinks.iter().find(|s| s.node == node)?;
        Some(EpochCommit {
            epoch: self.epoch,
            committables: sink.committables.iter().map(|c| Committable(c.clone())).collect(),
        })
    }
    /// Every chunk it refers to.
    pub fn chunks(&self) -> impl Iterator<Item = &ChunkRef> {
        self.operators.iter().flat_map(|o| &o.tables).flat_map(|t| &t.chunks)
    }
    /// The persisted bytes.
    ///
    /// # Errors
    /// `Bug` if it cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        sealed::seal("checkpoint", self)
    }
    /// Reads what [`Manifest::encode`] of this or an older release wrote.
    ///
    /// # Errors
    /// `Corrupt` if a byte is changed or missing, or if a newer release wrote it.
    pub fn decode(bytes: &[u8]) -> Result<Manifest> {
        sealed::open("checkpoint", bytes)
    }
}

/// Bytes as hex digits.
mod hex {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(values: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|v| v.iter().map(|b| format!("{b:02x}")).collect::<String>()))
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let digit = |d: u8| (d as char).to_digit(16).map(|d| d as u8);
        let decode = |text: String| {
            let (pairs, rest) = text.as_bytes().as_chunks::<2>();
            let bytes = pairs.iter().map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?)).collect::<Option<Vec<u8>>>();
            bytes.filter(|_| rest.is_empty()).ok_or_else(|| D::Error::custom("not hex digits"))
        };
        Vec::<String>::deserialize(deserializer)?.into_iter().map(decode).collect()
    }
}

#[cfg(test)]
mod tests;
