//! State: keyed tables with copy-on-write snapshots, and the checkpoints that keep them.
//!
//! [`KeyedTable`] is where an operator keeps everything that outlives a call; [`Checkpoints`] and its [`Writer`](checkpoint::Writer)
//! make snapshots survive the process. What lies in a chunk and in a manifest is a persisted format: each carries a version and a golden file.

pub mod checkpoint;
pub mod table;

pub use checkpoint::{Action, Checkpoints, ChunkRef, FinishedJob, Manifest, OperatorState, SinkState, SourceState, TableState, Writer};
pub use table::{KeyIndex, KeyedTable, read_singleton, singleton, table_names};
