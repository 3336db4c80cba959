//! The sink: one store, a writer per subtask, one committer.

use super::commit::FileCommitter;
use super::compaction::{Compaction, Compactor};
use super::partition::Partitioning;
use super::partition_commit::{PartitionCommit, Partitions};
use super::rolling::Rolling;
use super::writer::FileWriter;
use super::{PATH, format};
use crate::ConnectorContext;
use crate::staging::Leftovers;
use millstream_dataflow::option::Options;
use millstream_dataflow::{Result, Sink, SinkCommitter, SinkWriter, Store, SubtaskContext, TableSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) struct FileSink {
    pub(super) store: Arc<dyn Store>,
    pub(super) partitioning: Partitioning,
    pub(super) format: String,
    pub(super) options: BTreeMap<String, String>,
    pub(super) rolling: Rolling,
    pub(super) compaction: Option<Compaction>,
    pub(super) partition_commit: Option<PartitionCommit>,
    pub(super) context: ConnectorContext,
}

impl FileSink {
    pub(super) fn new(table: &TableSpec, context: &ConnectorContext) -> Result<Self> {
        let o = Options::new(&table.options);
        Self::over(context.host.open(o.required(&PATH)?, &context.directory, &table.options)?, table, context)
    }
    /// Over a store that is open already.
    pub(super) fn over(store: Arc<dyn Store>, table: &TableSpec, context: &ConnectorContext) -> Result<Self> {
        let (partitioning, rolling) = (Partitioning::new(table), Rolling::new(table));
        Ok(FileSink {
            store,
            compaction: Compaction::new(table, format(table), partitioning.data_schema(), rolling.file_bytes),
            partitioning,
            format: format(table).to_string(),
            options: table.options.clone(),
            rolling,
            partition_commit: PartitionCommit::new(table)?,
            context: context.clone(),
        })
    }
}

impl Sink for FileSink {
    fn writer(&self, subtask: &SubtaskContext, incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(FileWriter::new(self, subtask, incarnation)))
    }
    fn committer(&self, incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        Ok(Some(Box::new(FileCommitter {
            store: Arc::clone(&self.store),
            incarnation: incarnation.to_string(),
            left: Leftovers::default(),
            compactor: self.compaction.clone().map(|c| Compactor::new(self, c, incarnation)),
            clock: Arc::clone(&self.context.clock),
            partition_commit: self.partition_commit.clone(),
            partitions: Partitions::default(),
        })))
    }
}
