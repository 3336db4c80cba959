//! What a connector is given: the outside world, injected.

use millstream_dataflow::{BoxFuture, Clock, Result, Store};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The rim a connector stands on.
#[derive(Debug, Clone)]
pub struct ConnectorContext {
    /// Wall and monotonic time.
    pub clock: Arc<dyn Clock>,
    /// Where blocking calls go.
    pub handle: tokio::runtime::Handle,
    /// Stores, tasks and names.
    pub host: Arc<dyn Host>,
    /// The job's name: the default of client ids and consumer groups.
    pub job: String,
    /// What relative paths are relative to.
    pub directory: PathBuf,
    /// Where the job's state is, and what its sinks keep beside it; none before that is known.
    pub state: Option<String>,
}

/// Where a job runs: a machine, or a simulated one.
pub trait Host: fmt::Debug + Send + Sync {
    /// Opens a location, relative to a directory, with a table's options.
    ///
    /// # Errors
    /// `Config` for a location that cannot be opened.
    fn open(&self, location: &str, base: &Path, options: &BTreeMap<String, String>) -> Result<Arc<dyn Store>>;
    /// Runs a future to its end beside the caller.
    fn spawn(&self, future: BoxFuture<'static, ()>);
    /// A name that nobody else is given: hexadecimal digits, at least 16.
    fn unique(&self) -> String;
    /// Prints lines on the standard output, or where errors go.
    ///
    /// # Errors
    /// That of the output.
    fn print(&self, lines: &[u8], as_errors: bool) -> std::io::Result<()>;
}

/// Takes what `print` tables print; whoever has the terminal does.
pub type Printer = Arc<dyn Fn(&[u8]) -> std::io::Result<()> + Send + Sync>;

/// The machine the process runs on.
pub struct Machine {
    handle: tokio::runtime::Handle,
    unique: Arc<dyn Fn() -> String + Send + Sync>,
    printer: Option<Printer>,
}

impl Machine {
    /// - `handle`: where futures are spawned
    /// - `unique`: gives random names
    pub fn new(handle: tokio::runtime::Handle, unique: Arc<dyn Fn() -> String + Send + Sync>) -> Self {
        Machine { handle, unique, printer: None }
    }
    /// - `printer`: takes what is printed, in place of the standard output
    pub fn printing(mut self, printer: Option<Printer>) -> Self {
        self.printer = printer;
        self
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Machine")
    }
}

impl Host for Machine {
    fn open(&self, location: &str, base: &Path, options: &BTreeMap<String, String>) -> Result<Arc<dyn Store>> {
        millstream_store::open(location, base, options)
    }
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.handle.spawn(future);
    }
    fn unique(&self) -> String {
        (self.unique)()
    }
    fn print(&self, lines: &[u8], as_errors: bool) -> std::io::Result<()> {
        match (&self.printer, as_errors) {
            (Some(printer), _) => printer(lines),
            (None, true) => std::io::stderr().lock().write_all(lines),
            (None, false) => std::io::stdout().lock().write_all(lines),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
