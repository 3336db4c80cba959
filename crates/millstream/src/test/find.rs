//! Which test files are meant.

use crate::files::{TEST_ENDING, is_test, sql_files};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

pub(super) struct Found {
    /// In the order of their names, as they are shown.
    pub(super) files: Vec<PathBuf>,
    pub(super) filter: Option<String>,
}

/// - `arguments`: paths, and one filter
pub(super) fn find(arguments: &[String]) -> Result<Found> {
    let (mut paths, mut filter) = (Vec::new(), None::<String>);
    for argument in arguments {
        if Path::new(argument).exists() {
            paths.push(PathBuf::from(argument));
        } else if argument.ends_with(".sql") {
            bail!("{argument} cannot be read: there is no such file");
        } else if let Some(other) = filter.replace(argument.clone()) {
            bail!("{other} and {argument} are no paths: there can be one filter only");
        }
    }
    if paths.is_empty() {
        paths.push(PathBuf::from("."));
    }
    let mut files = sql_files(&paths, is_test)?;
    files.sort();
    if files.is_empty() {
        bail!("there are no tests: no file below here has a name that ends with {TEST_ENDING}");
    }
    Ok(Found { files, filter })
}
