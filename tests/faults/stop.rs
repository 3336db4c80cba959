//! Signals, and readers of the output that leave.

use crate::cli::{SOURCE, check_output, start, wait_for_commit};
use crate::harness::{millstream, signal, succeed};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn write(directory: &Path, name: &str, sql: &str) -> Result<Command> {
    std::fs::write(directory.join(name), sql)?;
    let mut command = millstream(directory)?;
    command.args(["run", name, "-D", "N=100000000", "-D", "RATE=1000000000"]);
    Ok(command)
}

/// Reads lines until one holds a text; gives all of them.
fn read_until(lines: &mut impl Iterator<Item = std::io::Result<String>>, text: &str) -> Result<String> {
    let mut read = String::new();
    for line in lines {
        read += &line?;
        read.push('\n');
        if read.contains(text) {
            return Ok(read);
        }
    }
    anyhow::bail!("it ended before \"{text}\"\n{read}")
}

pub(super) fn twice() -> Result<()> {
    let directory = tempfile::tempdir()?;
    // Nobody reads what is printed: the job stands still in a write, so it cannot come to its final checkpoint.
    let sql = format!("{SOURCE}CREATE TABLE o (a BIGINT, b BIGINT) WITH ('connector' = 'print'); INSERT INTO o SELECT auction, bidder FROM bids;");
    let mut child = write(directory.path(), "print.sql", &sql)?
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdout = child.stdout.take().context("no stdout")?;
    stdout.read_exact(&mut [0])?;
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    signal(&child, "INT")?;
    read_until(&mut lines, "once more stops at once")?;
    // What follows at once is the same signal, sent to the process and to its group.
    let status = loop {
        signal(&child, "INT")?;
        std::thread::sleep(Duration::from_millis(10));
        if let Some(status) = child.try_wait()? {
            break status;
        }
    };
    ensure!(status.code() == Some(130), "it ended with {status}");
    Ok(())
}

/// How far a start has come when the signal is sent.
const MOMENTS: [fn(&mut Child, &Path) -> Result<()>; 4] = [
    |_, _| Ok(()),
    |child, _| {
        let mut byte = [0];
        Ok(child.stderr.as_mut().context("no stderr")?.read_exact(&mut byte)?)
    },
    |child, directory| {
        while !directory.join(".millstream/job").exists() && child.try_wait()?.is_none() {
            std::thread::yield_now();
        }
        Ok(())
    },
    |child, directory| wait_for_commit(directory, 0, child),
];

pub(super) fn at_start() -> Result<()> {
    const N: u64 = 20_000;
    let directory = tempfile::tempdir()?;
    for name in ["TERM", "INT"] {
        for moment in MOMENTS {
            let mut child = start(directory.path(), N, 20_000, &[])?.stderr(Stdio::piped()).spawn()?;
            moment(&mut child, directory.path())?;
            signal(&child, name)?;
            let output = child.wait_with_output()?;
            // Before it listens to signals it ends by them.
            let by_signal = output.status.code().is_none();
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(by_signal || output.status.success(), "SIG{name} ended it with {}\n{said}", output.status);
        }
    }
    succeed(start(directory.path(), N, 20_000, &[])?)?;
    check_output(directory.path(), N)
}

pub(super) fn unanswered() -> Result<()> {
    const SECRET: &str = "hunter2";
    let directory = tempfile::tempdir()?;
    // Takes connections and never answers.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let sql = format!(
        "CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.bootstrap.servers' = '{}',
           'properties.security.protocol' = 'SASL_PLAINTEXT', 'properties.sasl.mechanism' = 'PLAIN', 'properties.sasl.username' = 'me',
           'properties.sasl.password' = '{SECRET}');
         CREATE TABLE o (a INT) WITH ('connector' = 'blackhole');
         EXPLAIN INSERT INTO o SELECT a FROM t;
         INSERT INTO o SELECT a FROM t;",
        listener.local_addr()?
    );
    let mut command = write(directory.path(), "secret.sql", &sql)?;
    command.env("MILLSTREAM_LOG", "trace").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    let mut said = read_until(&mut lines, "its state is in")?;
    // It asks the broker now.
    let _connection = listener.accept()?;
    signal(&child, "TERM")?;
    for line in lines {
        said += &format!("{}\n", line?);
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{}\n{said}", output.status);
    ensure!(!said.contains("E0516"), "it waited for the broker\n{said}");
    let shown = String::from_utf8(output.stdout)?;
    ensure!(
        shown.contains("properties.sasl.password = …") && !shown.contains(SECRET) && !said.contains(SECRET),
        "{shown}\n{said}"
    );
    Ok(())
}

pub(super) fn reader_leaves() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let query = format!("{SOURCE}SELECT auction FROM bids;");
    let job = format!("{SOURCE}CREATE TABLE o (a BIGINT) WITH ('connector' = 'print'); INSERT INTO o SELECT auction FROM bids;");
    for (name, sql, output) in [("lines.sql", &query, "jsonl"), ("table.sql", &query, "table"), ("print.sql", &job, "jsonl")] {
        let mut command = write(directory.path(), name, sql)?;
        let mut child = command.args(["--format", output]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let ended = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(
            ended.status.success() && !said.contains("error") && !said.contains("panicked"),
            "{name} ended with {}\n{said}",
            ended.status
        );
    }
    Ok(())
}
