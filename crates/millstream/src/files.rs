//! The SQL files that paths stand for.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Directories that tools fill.
const BUILT: [&str; 2] = ["node_modules", "target"];

/// Files as they are given, and all `*.sql` files below directories, in the order of their names. What begins with a dot is left out
/// below a directory, as are what tools build and files for which `takes` is false.
///
/// # Errors
/// A path that is not there or cannot be read.
pub(crate) fn sql_files(paths: &[PathBuf], takes: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let is_directory = std::fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?.is_dir();
        if is_directory {
            below(path, &takes, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    // A file may be given twice, by name and by its directory.
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|f| seen.insert(f.clone()));
    Ok(files)
}

fn below(directory: &Path, takes: &impl Fn(&Path) -> bool, files: &mut Vec<PathBuf>) -> Result<()> {
    let read = || format!("{} cannot be read", directory.display());
    let mut entries = std::fs::read_dir(directory)
        .and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>())
        .with_context(read)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let is_left_out = name.as_encoded_bytes().starts_with(b".") || BUILT.iter().any(|built| name == *built);
        // Links to directories could lead in a circle.
        let kind = entry.file_type().with_context(read)?;
        // `./jobs/a.sql` is `jobs/a.sql` to everybody who reads it.
        let path = directory.strip_prefix(".").unwrap_or(directory).join(&name);
        if is_left_out {
            continue;
        } else if kind.is_dir() {
            below(&path, takes, files)?;
        } else if path.extension().is_some_and(|e| e == "sql") && path.is_file() && takes(&path) {
            files.push(path);
        }
    }
    Ok(())
}
