//! Running Millstream as users do, and comparing what it prints.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

/// First argument that makes the test binary behave as `millstream`.
pub const AS_MILLSTREAM: &str = "--as-millstream";

/// The repository's root.
pub fn root() -> PathBuf {
    // As cargo says now, not as it said when this was built: builds of several clones share a target directory.
    let tests = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    tests.parent().map_or(tests.clone(), Path::to_path_buf)
}

/// A name that nobody else in this process is given.
pub fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `millstream …` in a directory, not yet started.
pub fn millstream(directory: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(AS_MILLSTREAM).current_dir(directory).env_remove("RUST_BACKTRACE");
    // What the user has configured is nothing to tests.
    command.env("XDG_CONFIG_HOME", directory.join(".config"));
    Ok(command)
}

/// Runs a command to its end and gives its standard output; an error holds what it said.
pub fn succeed(mut command: Command) -> Result<String> {
    let output = command.output().context("could not be started")?;
    if !output.status.success() {
        bail!(
            "{}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a command that must fail with this exit status and gives its standard error.
pub fn fail(mut command: Command, status: i32) -> Result<String> {
    let output: Output = command.output()?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() != Some(status) {
        bail!("ended with {} instead of {status}\n{error}", output.status);
    }
    Ok(error)
}

/// A started command; killed when the test is done with it, however it ends.
pub struct Running(pub Child, std::fs::File);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to do.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl Running {
    pub fn start(mut command: Command) -> Result<Running> {
        let told = tempfile::tempfile()?;
        let child = command.stderr(told.try_clone()?).spawn().context("could not be started")?;
        Ok(Running(child, told))
    }
    /// An error if it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self.0.try_wait()? {
            Some(status) => bail!("it ended early with {status}\n{}", self.told()?),
            None => Ok(()),
        }
    }
    /// What it has said on stderr.
    pub fn told(&mut self) -> Result<String> {
        self.1.rewind()?;
        let mut text = Vec::new();
        self.1.read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
    /// Waits until it says that its job starts, or goes on: signals have their meaning by then.
    pub fn started(&mut self) -> Result<()> {
        while !self.told()?.contains("job ") {
            self.check()?;
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Ok(())
    }
    /// `kill -9`.
    pub fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
    /// SIGTERM; it must end well.
    pub fn stop(mut self) -> Result<()> {
        signal(&self.0, "TERM")?;
        let status = self.0.wait()?;
        if !status.success() {
            bail!("SIGTERM ended it with {status}");
        }
        Ok(())
    }
}

/// Sends a process a signal, by its name without SIG.
pub fn signal(child: &Child, name: &str) -> Result<()> {
    let status = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status()?;
    if !status.success() {
        bail!("the signal could not be sent");
    }
    Ok(())
}

/// All files below a directory with an extension, sorted.
pub fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(d) = open.pop() {
        for entry in std::fs::read_dir(&d).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// One result of a file with several queries: its header and its rows, folded to the table they make up.
#[derive(Debug, PartialEq)]
pub struct ResultSet {
    pub columns: serde_json::Value,
    /// Rendered rows and how often each is there.
    pub rows: BTreeMap<String, i64>,
}

/// Reads the JSON lines that `--format changelog` prints.
pub fn result_sets(text: &str) -> Result<Vec<ResultSet>> {
    let mut sets: Vec<ResultSet> = Vec::new();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let value: serde_json::Value = serde_json::from_str(line).with_context(|| format!("not a JSON line: {line}"))?;
        if let Some(columns) = value.get("columns") {
            sets.push(ResultSet {
                columns: columns.clone(),
                rows: BTreeMap::new(),
            });
        } else if let (Some(kind), Some(row)) = (value.get("kind").and_then(|k| k.as_str()), value.get("row")) {
            let set = sets.last_mut().context("a row before its columns")?;
            let row = canonical(row);
            let count = set.rows.entry(row.clone()).or_default();
            *count += if kind.starts_with('+') { 1 } else { -1 };
            if *count == 0 {
                set.rows.remove(&row);
            }
        } else if value.get("job").is_none() {
            bail!("unexpected line: {line}");
        }
    }
    Ok(sets)
}

/// A row as text; floats to 12 digits, the tolerance of compensated sums.
fn canonical(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        serde_json::Value::Object(map) => format!("{{{}}}", map.iter().map(|(k, v)| format!("{k}:{}", canonical(v))).collect::<Vec<_>>().join(",")),
        serde_json::Value::Number(n) if n.to_string().contains(['.', 'e', 'E']) => n.as_f64().map_or(n.to_string(), |f| format!("{f:.11e}")),
        other => other.to_string(),
    }
}

/// What is in one and not in the other, for a failure's message.
pub fn difference(expected: &ResultSet, actual: &ResultSet) -> Option<String> {
    if expected.columns != actual.columns {
        return Some(format!("columns\n  expected {}\n  actual   {}", expected.columns, actual.columns));
    }
    if expected.rows == actual.rows {
        return None;
    }
    let only = |a: &BTreeMap<String, i64>, b: &BTreeMap<String, i64>| {
        a.iter()
            .filter(|(row, n)| b.get(*row) != Some(n))
            .take(10)
            .map(|(row, n)| format!("    {n} x {row}\n"))
            .collect::<String>()
    };
    Some(format!(
        "rows ({} expected, {} actual)\n  expected\n{}  actual\n{}",
        expected.rows.len(),
        actual.rows.len(),
        only(&expected.rows, &actual.rows),
        only(&actual.rows, &expected.rows)
    ))
}

/// User and system seconds of a program that is run to its end. The shell's `times` prints its own times, then those of its children.
pub fn cpu_seconds(program: Command) -> Result<f64> {
    let mut command = Command::new("sh");
    command
        .args(["-c", "\"$0\" \"$@\" >/dev/null 2>run.log || { cat run.log >&2; exit 1; }; times"])
        .arg(program.get_program())
        .args(program.get_args());
    if let Some(directory) = program.get_current_dir() {
        command.current_dir(directory);
    }
    let text = succeed(command)?;
    let seconds = |word: &str| -> Option<f64> {
        let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    };
    let children = text.lines().last().context("no times")?;
    children
        .split_whitespace()
        .map(seconds)
        .sum::<Option<f64>>()
        .with_context(|| format!("no times: {text}"))
}
