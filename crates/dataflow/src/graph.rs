//! The executable form of a job: nodes and edges, without a word on how they run.

use crate::{Operator, Result, Scan, Sink, Source, SubtaskContext};
use std::sync::Arc;

/// Makes the instance of an operator for one subtask.
pub type MakeOperator = Arc<dyn Fn(&SubtaskContext) -> Result<Box<dyn Operator>> + Send + Sync>;
/// Makes the [`Scan`] of one source subtask.
pub type MakeScan = Arc<dyn Fn() -> Result<Box<dyn Scan>> + Send + Sync>;

/// Nodes in topological order and the edges between them.
#[derive(Default)]
pub struct Graph {
    /// The nodes; edges name them by index.
    pub nodes: Vec<Node>,
    /// The edges.
    pub edges: Vec<Edge>,
}

/// A source, operator or sink.
pub struct Node {
    /// Stable across versions of the job: state is found by it.
    pub id: String,
    /// For people: `TUMBLE aggregate`.
    pub name: String,
    /// What it does.
    pub kind: NodeKind,
    /// A fixed number of subtasks, or the job's parallelism.
    pub parallelism: Option<u32>,
}

/// What a node does.
pub enum NodeKind {
    /// Rows enter.
    Source(SourceNode),
    /// Rows change.
    Operator(MakeOperator),
    /// Rows leave.
    Sink(Arc<dyn Sink>),
}

/// A source and what its subtasks do to each decoded batch.
pub struct SourceNode {
    /// Where rows come from.
    pub source: Arc<dyn Source>,
    /// Computed columns and the watermark.
    pub scan: MakeScan,
    /// After how long without data a split, whose end was seen, stops holding the watermark back; ms. `None`: never.
    pub idle_timeout_ms: Option<u64>,
    /// Whether the watermark follows the clock instead of the rows.
    pub processing_time: bool,
    /// Whose splits do not get too far ahead of each other.
    pub alignment: Option<Alignment>,
    /// Table name, for messages and metrics.
    pub table: String,
    /// What to do with a record that is no row.
    pub bad_records: BadRecords,
    /// Whether rows carry [`crate::Batch::origins`].
    pub keep_origins: bool,
}

/// Sources of one group wait for each other: a split that is ahead of the group's least watermark is not read until the others have come
/// closer (Flink's FLIP-182 and FLIP-217).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// Name of the group.
    pub group: String,
    /// How far a split of this source may be ahead, ms.
    pub max_drift_ms: u64,
    /// How old the least watermark may be that splits are compared with, ms.
    pub update_interval_ms: u64,
}

/// What a source does with records that are no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRecords {
    /// The job fails at the first.
    Fail,
    /// They are counted by reason and left out.
    Skip,
    /// They are counted, too, and leave by [`crate::Output::REJECTED`] as [`crate::dead_letter`]s.
    Route,
}

/// A way for batches from one node's port to another's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Index of the sending node.
    pub from: usize,
    /// Its output port.
    pub port: usize,
    /// Index of the receiving node.
    pub to: usize,
    /// Its input.
    pub input: usize,
    /// How rows are distributed.
    pub exchange: Exchange,
}

/// How rows find their subtask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// To the subtask of the same index: a plain call, no queue. Both nodes have the same parallelism.
    Forward,
    /// By key group of these columns.
    Hash(Vec<usize>),
    /// All to the one subtask of the receiver.
    Singleton,
    /// In turn, batch by batch: insertions only, as rows do not stay together.
    Rebalance,
}
