//! Full disks. The limit on the size of a file stands in for them: everybody may set one, and what cannot be written fails alike.

use super::limits::limited;
use crate::cli::{SOURCE, rows};
use crate::harness::{fail, files, succeed};
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Command;

/// The same command where no file may grow beyond some 512-byte blocks.
pub(crate) fn with_small_files(command: &Command, blocks: u32) -> Command {
    limited(command, &format!("trap '' XFSZ; ulimit -f {blocks}"))
}

pub(super) fn output() -> Result<()> {
    const N: u64 = 60_000;
    let directory = tempfile::tempdir()?;
    let table = "CREATE TABLE o (auction BIGINT, bidder BIGINT, price BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out/o', 'format' = 'csv');";
    let copy = || -> Result<Command> {
        let sql = format!("SET 'execution.checkpointing.interval' = '1 min';\n{SOURCE}{table}INSERT INTO o SELECT auction, bidder, price FROM bids;");
        std::fs::write(directory.path().join("copy.sql"), sql)?;
        let mut command = crate::harness::millstream(directory.path())?;
        command.args(["run", "copy.sql", "-D", &format!("N={N}"), "-D", "RATE=1000000"]);
        Ok(command)
    };
    let error = fail(with_small_files(&copy()?, 64), 1)?;
    for said in ["a file cannot be written", ".staging", "ulimit -f", "File too large"] {
        ensure!(error.contains(said), "no \"{said}\"\n{error}");
    }
    ensure!(files(directory.path(), "csv").is_empty(), "something is shown");
    succeed(copy()?)?;
    let expected = rows(directory.path(), &format!("{SOURCE}SELECT auction, bidder, price FROM bids;"), N)?;
    let actual = rows(directory.path(), &format!("{table}SELECT * FROM o;"), N)?;
    ensure!(
        expected.len() > 10_000 && expected == actual,
        "{} rows expected, {} committed",
        expected.len(),
        actual.len()
    );
    Ok(())
}

/// All rows in one window: until the end everything is state.
fn one_window(directory: &Path, n: u64) -> Result<Command> {
    let sql = format!(
        "SET 'execution.checkpointing.interval' = '20 ms';
         SET 'execution.checkpointing.tolerable-failed-checkpoints' = '0';\n{SOURCE}
         CREATE TABLE o (auction BIGINT, bidder BIGINT, price BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out/o', 'format' = 'csv');
         INSERT INTO o {KEYS};"
    );
    std::fs::write(directory.join("state.sql"), sql)?;
    let mut command = crate::harness::millstream(directory)?;
    command.args(["run", "state.sql", "-D", &format!("N={n}"), "-D", "RATE=50000"]);
    Ok(command)
}

const KEYS: &str = "SELECT auction, bidder, price, COUNT(*) AS n FROM TUMBLE(TABLE bids, DESCRIPTOR(event_time), INTERVAL '1' DAY)
    GROUP BY window_start, window_end, auction, bidder, price";

pub(super) fn checkpoints() -> Result<()> {
    const N: u64 = 60_000;
    let directory = tempfile::tempdir()?;
    // Less than one chunk of 4096 keys takes: however fast rows come, and however often checkpoints, one of them meets the limit.
    let error = fail(with_small_files(&one_window(directory.path(), N)?, 128), 1)?;
    ensure!(
        error.contains("checkpoints in a row have failed") && error.contains("a file cannot be written") && error.contains("ulimit -f"),
        "{error}"
    );
    ensure!(!error.contains("restarting"), "a larger disk does not come by waiting\n{error}");
    succeed(one_window(directory.path(), N)?)?;
    let expected = rows(directory.path(), &format!("{SOURCE}{KEYS};"), N)?;
    let table = "CREATE TABLE o (auction BIGINT, bidder BIGINT, price BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out/o', 'format' = 'csv');";
    let actual = rows(directory.path(), &format!("{table} SELECT * FROM o;"), N)?;
    ensure!(
        expected.len() > 10_000 && expected == actual,
        "{} rows expected, {} committed",
        expected.len(),
        actual.len()
    );
    Ok(())
}
