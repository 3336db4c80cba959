//! Checks a job file: parses, binds, asks the lints. Nothing runs.

use crate::catalogs::Catalogs;
use crate::run::RunOptions;
use crate::runner::Runner;
use millstream_sql::{Checked, CompileOptions, Session};
use tokio::runtime::Handle;

/// All that is wrong with a file or could be better, and with those before it; with places in the whole text. Must be called in a tokio
/// runtime, of which only the handle is used unless the file names a stored catalog.
pub fn check(options: &RunOptions) -> Checked {
    let catalogs = Catalogs::new(options.directory.clone(), Handle::current());
    let compile_options = CompileOptions {
        registry: &Runner::new(&options.directory, &options.name).registry,
        catalogs: Some(&catalogs),
        variables: &options.variables,
        settings: &options.settings,
        job_name: Some(&options.name),
    };
    options.sources.check(Session::new(options.defaults.clone()), &compile_options)
}
