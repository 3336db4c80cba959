//! The contracts of Millstream: what flows on an edge, what a node must do, and nothing about how it runs.
//!
//! Everything else in the workspace stands on this crate, so it knows no tokio, no SQL text, no service and no
//! serde derive. Start with [`Batch`] (what flows), [`Operator`] (what transforms it), [`Source`] and [`Sink`]
//! (where it enters and leaves) and [`Graph`] (how they are wired).

pub mod aggregate;
mod barrier;
mod batch;
mod clock;
pub mod column;
mod connector;
pub mod dead_letter;
mod error;
mod format;
mod graph;
pub mod key_group;
mod operator;
pub mod option;
mod places;
mod row_kind;
mod schema;
mod sink;
mod snapshot;
mod source;
mod span;
mod store;
pub mod temporal;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
mod time;
mod types;

pub use aggregate::Aggregate;
pub use barrier::{Barrier, Epoch};
pub use batch::{Batch, Stamp};
pub use clock::Clock;
pub use column::{StateColumn, StateType};
pub use connector::{ColumnKind, Comparison, ConnectorSpec, Connectors, FormatSpec, MetadataColumn, Registry, RowTest, TableColumn, TableSpec};
pub use error::{Error, ErrorBody, ErrorKind, Label, Result, SqlText, both, each};
pub use format::{BadRecord, Decoder, Encoder, RecordEncoder, Records};
pub use graph::{Alignment, BadRecords, Edge, Exchange, Graph, MakeOperator, MakeScan, Node, NodeKind, SourceNode};
pub use key_group::{KeyGroupRange, MAX_PARALLELISM_DEFAULT};
pub use operator::{Operator, Output, Port, Step, SubtaskContext};
pub use option::{OptionSpec, OptionType, Options};
pub use places::Places;
pub use row_kind::RowKind;
pub use schema::{Field, Schema, SchemaRef};
pub use sink::{Committable, EpochCommit, Sink, SinkCommitter, SinkWriter, UndecidedEpoch, Written, WrittenPlace};
pub use snapshot::{ChunkData, Snapshot, SnapshotChunk, SnapshotPart, TableSnapshot};
pub use source::{BadRow, Chunk, Decoded, Fetch, Rejected, Scan, Scanned, Source, Split, SplitDecoder, SplitReader};
pub use span::{Location, Span};
pub use store::{BoxFuture, ObjectMeta, PartId, Put, PutMode, Store, StoreKind};
pub use time::{EventTime, TimeDomain, Watermark};
pub use types::{NoType, SqlType};
