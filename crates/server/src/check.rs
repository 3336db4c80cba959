//! Checks a job file: parses, binds, asks the lints. Nothing runs.

use crate::catalogs::Catalogs;
use crate::run::{RunOptions, registry, rim};
use millstream_sql::{Checked, CompileOptions};

/// All that is wrong with a file or could be better. Must be called in a tokio runtime, of which only the
/// handle is used unless the file names a stored catalog.
pub fn check(options: &RunOptions) -> Checked {
    let handle = tokio::runtime::Handle::current();
    let catalogs = Catalogs::new(options.directory.clone(), handle.clone());
    let compile_options = CompileOptions {
        registry: &registry(options, &rim(), handle),
        catalogs: Some(&catalogs),
        variables: &options.variables,
        settings: &options.settings,
        job_name: &options.name,
    };
    millstream_sql::check(&options.text, &compile_options)
}
