//! The real calls that make a commit survive a loss of power, in their order. The simulator's disk shows that this order is enough.

use crate::cli::{check_output, start};
use crate::harness::{root, succeed};
use anyhow::{Context, Result, ensure};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;

/// A library that tells of every `fsync`, `link`, `rename` and `mkdir` of the process it is loaded into.
fn preload(directory: &Path) -> Result<std::path::PathBuf> {
    let library = directory.join("preload.so");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "--crate-type", "cdylib", "-o"]);
    rustc.arg(&library).arg(root().join("tests/faults/preload.rs")).current_dir(directory);
    succeed(rustc)?;
    Ok(library)
}

/// Thread, call, path, and the other path.
type Call<'a> = (&'a str, &'a str, &'a str, &'a str);

fn call(line: &str) -> Result<Call<'_>> {
    let mut fields = line.split('\t');
    let mut next = || fields.next().with_context(|| format!("not a call: {line}"));
    Ok((next()?, next()?, next()?, next()?))
}

pub(super) fn names() -> Result<()> {
    const N: u64 = 20_000;
    let directory = tempfile::tempdir()?;
    let calls = directory.path().join("calls");
    let mut job = start(directory.path(), N, 20_000, &[])?;
    job.env("LD_PRELOAD", preload(directory.path())?).env("CALLS", &calls);
    succeed(job)?;
    check_output(directory.path(), N)?;

    let text = std::fs::read_to_string(&calls)?;
    let (mut synced, mut pending) = (HashSet::new(), HashMap::new());
    let (mut files, mut directories) = (0, 0);
    for line in text.lines() {
        let (thread, what, path, to) = call(line)?;
        // A name that was made is synced before its thread goes on.
        if let Some(parent) = pending.remove(thread) {
            ensure!((what, path) == ("fsync", parent), "{parent} should be synced here: {line}");
        }
        let named = match what {
            "fsync" => {
                synced.insert(path);
                continue;
            }
            "mkdir" => {
                directories += 1;
                path
            }
            _ => {
                files += 1;
                ensure!(synced.contains(path), "its contents are not synced: {line}");
                synced.insert(to);
                to
            }
        };
        let parent = Path::new(named).parent().and_then(Path::to_str).context("no directory")?;
        pending.insert(thread, parent);
    }
    ensure!(pending.is_empty(), "never synced: {pending:?}");
    ensure!(files > 10 && directories > 3, "{files} files, {directories} directories\n{text}");
    Ok(())
}
