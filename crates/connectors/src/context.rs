//! What a connector is given: the outside world, injected.

use millstream_dataflow::Clock;
use std::path::PathBuf;
use std::sync::Arc;

/// The rim a connector stands on.
#[derive(Debug, Clone)]
pub struct ConnectorContext {
    /// Wall and monotonic time.
    pub clock: Arc<dyn Clock>,
    /// Where uploads and other I/O are spawned.
    pub handle: tokio::runtime::Handle,
    /// The job's name: the default of client ids and consumer groups.
    pub job: String,
    /// What relative paths are relative to.
    pub directory: PathBuf,
}

#[cfg(test)]
pub(crate) mod tests;
