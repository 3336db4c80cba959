//! SQL files: those that paths stand for, and what they say.

use crate::config::Configuration;
use anyhow::{Context, Result};
use millstream_dataflow::Error;
use millstream_dataflow::option::nearest;
use millstream_sql::{Sources, utf8};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Directories that tools fill.
const BUILT: [&str; 2] = ["node_modules", "target"];

/// What the names of test files end with.
pub(crate) const TEST_ENDING: &str = ".test.sql";

/// Whether a file holds tests.
pub(crate) fn is_test(path: &Path) -> bool {
    path.to_string_lossy().ends_with(TEST_ENDING)
}

/// What `-` is called in messages.
pub(crate) const STANDARD_INPUT: &str = "standard input";

/// What a file says: its name, as people know it, and its text. `-` is standard input.
///
/// # Errors
/// `Config` if it cannot be read.
pub(crate) fn read(file: &Path) -> millstream_dataflow::Result<(String, String)> {
    let (name, read) = if file.as_os_str() == "-" {
        (STANDARD_INPUT.to_string(), read_input())
    } else {
        (file.display().to_string(), read_text(file))
    };
    match read {
        Ok(text) => Ok((name, text)),
        Err(e) => Err(unreadable(&name, file, e)),
    }
}

/// - `name`: as people know the file
fn unreadable(name: &str, file: &Path, why: std::io::Error) -> Error {
    let near = (why.kind() == std::io::ErrorKind::NotFound).then(|| near(file)).flatten();
    let e = Error::config(format!("{name} cannot be read")).code("E0544").source(why);
    match near {
        Some(near) => e.hint(format!("did you mean '{near}'?")),
        None => e,
    }
}

/// The SQL file of the same directory that a path may have meant.
fn near(file: &Path) -> Option<String> {
    let directory = file.parent()?;
    let listed = std::fs::read_dir(if directory.as_os_str().is_empty() { Path::new(".") } else { directory }).ok()?;
    let mut names: Vec<String> = listed
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|n| n.ends_with(".sql"))
        .collect();
    names.sort();
    let meant = nearest(&file.file_name()?.to_string_lossy(), names.iter().map(String::as_str))?.to_string();
    Some(directory.join(meant).display().to_string())
}

/// The text of a file.
///
/// # Errors
/// Those of the file system, and the place of what is not UTF-8.
pub(crate) fn read_text(file: &Path) -> std::io::Result<String> {
    std::fs::read(file).and_then(utf8)
}

/// The text on standard input.
///
/// # Errors
/// As [`read_text`].
pub(crate) fn read_input() -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    utf8(bytes)
}

/// The name of a file's job.
pub(crate) fn job_name(file: &Path) -> String {
    match file.as_os_str() == "-" {
        true => "stdin".to_string(),
        false => file.file_stem().map_or("job".to_string(), |s| s.to_string_lossy().into_owned()),
    }
}

/// A job's file behind those that the jobs of its project share; of these, a file itself has the ones before it.
///
/// # Errors
/// `Config` for what cannot be read.
pub(crate) fn sources(file: &Path, configuration: &Configuration) -> millstream_dataflow::Result<Sources> {
    let own = read(file)?;
    let shared = configuration.shared()?;
    let is_itself = |name: &str| Path::new(name).canonicalize().is_ok_and(|p| file.canonicalize().is_ok_and(|own| p == own));
    let before = shared.iter().position(|(name, _)| is_itself(name)).unwrap_or(shared.len());
    Ok(Sources::new(&shared[..before], Some(own)))
}

/// Files as they are given, and all `*.sql` files below directories, in the order of their names. What begins with a dot is left out
/// below a directory, as are what tools build and files for which `takes` is false.
///
/// # Errors
/// A path that is not there or cannot be read.
pub(crate) fn sql_files(paths: &[PathBuf], takes: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let is_directory = std::fs::metadata(path).map_err(|e| unreadable(&path.display().to_string(), path, e))?.is_dir();
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
