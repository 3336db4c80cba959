//! The `blackhole` connector: takes rows and forgets them.

use crate::ConnectorContext;
use crate::scan::SINK_PARALLELISM;
use millstream_dataflow::{Batch, BoxFuture, Committable, ConnectorSpec, Epoch, Error, Result, Sink, SinkCommitter, SinkWriter, SubtaskContext, TableSpec};
use std::sync::Arc;

pub const SPEC: ConnectorSpec = ConnectorSpec {
    name: "blackhole",
    doc: "Takes rows and forgets them: for measuring what comes before.",
    source: false,
    sink: true,
    options: &[SINK_PARALLELISM],
    formats: &[],
    metadata: &[],
    changes: true,
    ends: |_| false,
};

/// What valid options may still get wrong together.
pub fn check(_table: &TableSpec) -> Vec<Error> {
    Vec::new()
}

pub fn sink(_table: &TableSpec, _id: &str, _context: &ConnectorContext) -> Result<Arc<dyn Sink>> {
    Ok(Arc::new(Blackhole))
}

struct Blackhole;

impl Sink for Blackhole {
    fn writer(&self, _subtask: &SubtaskContext, _incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(Blackhole))
    }
    fn committer(&self, _incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        Ok(None)
    }
}

impl SinkWriter for Blackhole {
    fn write(&mut self, _batch: Batch) -> Result<()> {
        Ok(())
    }
    fn pre_commit(&mut self, _epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        Ok(Box::pin(async { Ok(Vec::new()) }))
    }
}

#[cfg(test)]
mod tests;
