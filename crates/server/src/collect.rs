//! The end of a bare SELECT: rows go to whoever asked.

use millstream_dataflow::{Batch, BoxFuture, Committable, Epoch, Result, Sink, SinkCommitter, SinkWriter, SubtaskContext};
use std::sync::Arc;

/// Takes the rows of a query as they come.
pub(crate) type Deliver = Arc<dyn Fn(Batch) -> Result<()> + Send + Sync>;

pub(crate) struct CollectSink(pub(crate) Deliver);

impl Sink for CollectSink {
    fn writer(&self, _subtask: &SubtaskContext, _incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(CollectWriter(Arc::clone(&self.0))))
    }
    fn committer(&self, _incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        Ok(None)
    }
    fn parallelism(&self) -> Option<u32> {
        Some(1)
    }
}

struct CollectWriter(Deliver);

impl SinkWriter for CollectWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        (self.0)(batch)
    }
    fn pre_commit(&mut self, _epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        Ok(Box::pin(async { Ok(Vec::new()) }))
    }
}
