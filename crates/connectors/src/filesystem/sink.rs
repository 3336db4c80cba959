//! The sink: one store, a writer per subtask, one committer.

use super::commit::FileCommitter;
use super::partition::Partitioning;
use super::partition_commit::{PartitionCommit, Partitions};
use super::writer::FileWriter;
use super::{FILE_SIZE, PATH, format};
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
    pub(super) file_bytes: u64,
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
        let o = Options::new(&table.options);
        Ok(FileSink {
            store,
            partitioning: Partitioning::new(table),
            format: format(table).to_string(),
            options: table.options.clone(),
            file_bytes: o.memory(&FILE_SIZE).unwrap_or(u64::MAX).max(1),
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
            clock: Arc::clone(&self.context.clock),
            partition_commit: self.partition_commit.clone(),
            partitions: Partitions::default(),
        })))
    }
}
