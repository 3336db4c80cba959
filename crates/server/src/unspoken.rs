//! A source that nobody is told of how far a query has read it.

use millstream_dataflow::{BoxFuture, Node, NodeKind, Result, Source, Split, SplitDecoder, SplitReader};
use std::sync::Arc;
use std::time::Duration;

/// The same source, but for [`Source::committed`]: a look at a table does not move a consumer group.
pub(crate) struct Unspoken(Arc<dyn Source>);

impl Unspoken {
    /// Makes one of a source; leaves other nodes as they are.
    pub(crate) fn make(node: &mut Node) {
        if let NodeKind::Source(source) = &mut node.kind {
            source.source = Arc::new(Unspoken(Arc::clone(&source.source)));
        }
    }
}

impl Source for Unspoken {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        self.0.discover(known)
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        self.0.reader(splits)
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        self.0.decoder()
    }
    fn bounded(&self) -> bool {
        self.0.bounded()
    }
    fn discovery_interval(&self) -> Option<Duration> {
        self.0.discovery_interval()
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}
