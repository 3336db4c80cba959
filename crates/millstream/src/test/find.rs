//! Which test files are meant.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// What the names of test files end with.
const ENDING: &str = ".test.sql";
/// Directories within each other.
const DEPTH_MAX: usize = 32;

pub(super) struct Found {
    /// In the order of their names, as they are shown.
    pub(super) files: Vec<PathBuf>,
    pub(super) filter: Option<String>,
}

/// - `arguments`: paths, and one filter
pub(super) fn find(arguments: &[String], directory: &Path) -> Result<Found> {
    let (mut files, mut filter) = (Vec::new(), None::<String>);
    let mut paths: Vec<PathBuf> = Vec::new();
    for argument in arguments {
        if directory.join(argument).exists() {
            paths.push(PathBuf::from(argument));
        } else if argument.ends_with(".sql") {
            bail!("{argument} cannot be read: there is no such file");
        } else if let Some(other) = filter.replace(argument.clone()) {
            bail!("{other} and {argument} are no paths: there can be one filter only");
        }
    }
    if paths.is_empty() {
        paths.push(PathBuf::new());
    }
    for path in &paths {
        let whole = directory.join(path);
        match whole.is_dir() {
            true => search(&whole, path, &mut files, 0)?,
            false => files.push(path.clone()),
        }
    }
    files.sort();
    files.dedup();
    if files.is_empty() {
        bail!("there are no tests: no file below here has a name that ends with {ENDING}");
    }
    Ok(Found { files, filter })
}

/// Finds files below a directory; what is hidden or built is no place for tests.
fn search(directory: &Path, shown: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<()> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("{} cannot be read", directory.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be read", directory.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().with_context(|| format!("{name} cannot be read"))?;
        let is_left_out = name.starts_with('.') || matches!(name.as_str(), "target" | "node_modules");
        if kind.is_dir() && !is_left_out && depth < DEPTH_MAX {
            search(&entry.path(), &shown.join(&name), files, depth + 1)?;
        } else if kind.is_file() && name.ends_with(ENDING) {
            files.push(shown.join(&name));
        }
    }
    Ok(())
}
