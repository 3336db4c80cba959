//! Damaged checkpoints: found, named, and never a wrong result.

use crate::cli::{check_output, start, wait_for_commit};
use crate::harness::{Running, fail, signal, succeed};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const N: u64 = 40_000;
/// The first commit comes with the row 14 000: 13 s are left to stop it before its end, on a busy machine, too.
const RATE: u64 = 2_000;
/// Of the lives after that: a source's rate may change.
const FAST: u64 = 1_000_000;

fn all_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![directory.to_path_buf()]);
    while let Some(d) = open.pop() {
        for entry in std::fs::read_dir(d)? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in all_files(from)? {
        let target = to.join(file.strip_prefix(from)?);
        std::fs::create_dir_all(target.parent().context("no parent")?)?;
        std::fs::copy(&file, &target)?;
    }
    Ok(())
}

/// Damages a file.
type Damage = fn(&Path) -> Result<()>;

/// Flips a bit of the byte at a place of its length.
fn flip(file: &Path, at: fn(usize) -> usize) -> Result<()> {
    let mut bytes = std::fs::read(file)?;
    let at = at(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    Ok(std::fs::write(file, bytes)?)
}

/// What can happen to a file.
const DAMAGES: [(&str, Damage); 6] = [
    ("flipped", |file| flip(file, |_| 0)),
    // Of the newest state file, this is always something that is read.
    ("flipped in its middle", |file| flip(file, |length| length / 2)),
    ("cut", |file| {
        let bytes = std::fs::read(file)?;
        Ok(std::fs::write(file, &bytes[..bytes.len() / 2])?)
    }),
    ("emptied", |file| Ok(std::fs::write(file, b"")?)),
    ("removed", |file| Ok(std::fs::remove_file(file)?)),
    ("made a directory", |file| {
        std::fs::remove_file(file)?;
        Ok(std::fs::create_dir(file)?)
    }),
];

/// A directory with a job that was stopped behind its first commit, and before its end: a finished one has no state that matters.
fn stopped() -> Result<tempfile::TempDir> {
    let directory = tempfile::tempdir()?;
    let mut job = Running::start(start(directory.path(), N, RATE, &["-p", "2"])?)?;
    wait_for_commit(directory.path(), 0, &mut job.0)?;
    signal(&job.0, "TERM")?;
    ensure!(job.0.wait()?.success(), "it did not stop well");
    let told = job.told()?;
    ensure!(told.contains("is stopped after"), "it came to its end before it was stopped\n{told}");
    Ok(directory)
}

pub(super) fn damaged() -> Result<()> {
    let original = stopped()?;
    let state = original.path().join(".millstream/job");
    let (mut kinds, mut detected) = (BTreeSet::new(), BTreeSet::new());
    for file in all_files(&state)? {
        let relative = file.strip_prefix(original.path())?.to_path_buf();
        let parent = relative.parent().and_then(Path::file_name);
        let kind = parent.map_or(String::new(), |p| p.to_string_lossy().into_owned());
        kinds.insert(kind.clone());
        for (what, damage) in DAMAGES {
            let copied = tempfile::tempdir()?;
            copy(original.path(), copied.path())?;
            damage(&copied.path().join(&relative))?;
            let output = start(copied.path(), N, FAST, &["-p", "2"])?.output()?;
            let error = String::from_utf8_lossy(&output.stderr);
            let case = format!("{} {what}", relative.display());
            ensure!(!error.contains("panicked"), "{case}\n{error}");
            match output.status.code() {
                Some(0) => check_output(copied.path(), N).with_context(|| case)?,
                Some(1) => {
                    // What no file can be written to is told as it is.
                    let in_the_way = what == "made a directory" && error.contains("Is a directory");
                    ensure!(error.contains("error[E06") || in_the_way, "{case}\n{error}");
                    detected.insert((kind.clone(), what));
                    if what == "flipped" {
                        // As the message says, a new life can begin.
                        succeed(start(copied.path(), 100, FAST, &["-p", "2", "--fresh"])?).with_context(|| case)?;
                    }
                }
                other => anyhow::bail!("{case} ended with {other:?}\n{error}"),
            }
        }
    }
    // What a restart stands on is looked at: nobody goes on without it.
    for kind in ["manifest", "state"] {
        for (what, _) in DAMAGES {
            ensure!(
                detected.contains(&(kind.to_string(), what)),
                "no {kind} file that was {what} was found damaged: {kinds:?} {detected:?}"
            );
        }
    }
    Ok(())
}

/// All directories below one, outermost first.
fn directories(below: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(below)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(std::iter::once(path.clone()).chain(directories(&path)?));
        }
    }
    Ok(found)
}

pub(super) fn removed() -> Result<()> {
    let original = stopped()?;
    let state = original.path().join(".millstream/job");
    let mut refused = 0;
    for directory in directories(&state)? {
        for remade in [false, true] {
            let copied = tempfile::tempdir()?;
            copy(original.path(), copied.path())?;
            let target = copied.path().join(directory.strip_prefix(original.path())?);
            std::fs::remove_dir_all(&target)?;
            if remade {
                std::fs::create_dir(&target)?;
            }
            let output = start(copied.path(), N, FAST, &["-p", "2"])?.output()?;
            let error = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => check_output(copied.path(), N).with_context(|| format!("without {}", target.display()))?,
                Some(1) if error.contains("error[E0601]") => refused += 1,
                other => anyhow::bail!("without {} it ended with {other:?}\n{error}", target.display()),
            }
        }
    }
    // The life as a whole, its manifests, its state, and who owns the job.
    ensure!(refused >= 8, "only {refused} were refused");
    // A name that no process gives.
    let own = state.join("generation/00000000000000000001");
    std::fs::copy(own, state.join(format!("generation/{}", u64::MAX)))?;
    let error = fail(start(original.path(), N, FAST, &["-p", "2"])?, 1)?;
    ensure!(error.contains("E0601") && error.contains(&u64::MAX.to_string()), "{error}");
    Ok(())
}

pub(super) fn no_directory() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join(".millstream"), "a file")?;
    let error = fail(start(directory.path(), 100, FAST, &[])?, 1)?;
    ensure!(error.contains("the directory cannot be made") && error.contains(".millstream/job"), "{error}");
    let error = fail(start(directory.path(), 100, FAST, &["--set", "execution.checkpointing.dir=job.sql/x"])?, 1)?;
    ensure!(error.contains("the directory cannot be made") && error.contains("job.sql/x"), "{error}");
    Ok(())
}
