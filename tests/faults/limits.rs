//! Memory and file descriptors that end.

use crate::cli::{SOURCE, rows};
use crate::harness::{fail, files, millstream, succeed};
use anyhow::{Result, ensure};
use std::process::Command;

/// The same command after the shell has set a limit: `ulimit -v` of address space in KiB, `ulimit -n` of descriptors.
pub(super) fn limited(command: &Command, limit: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    shell
}

/// Each key takes kilobytes.
const WIDE: &str = "SELECT auction, bidder, price, COUNT(*) AS n FROM TUMBLE(
    TABLE bids, DESCRIPTOR(event_time), INTERVAL '1' DAY)
    GROUP BY window_start, window_end, auction, bidder, price, REPEAT(CAST(price AS STRING), 2500)";

pub(super) fn memory() -> Result<()> {
    const N: u64 = 40_000;
    let directory = tempfile::tempdir()?;
    let table = "CREATE TABLE o (auction BIGINT, bidder BIGINT, price BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out/o', 'format' = 'csv');";
    let job = || -> Result<Command> {
        let sql = format!("SET 'execution.checkpointing.interval' = '200 ms';\n{SOURCE}{table}INSERT INTO o {WIDE};");
        std::fs::write(directory.path().join("wide.sql"), sql)?;
        let mut command = millstream(directory.path())?;
        command.args(["run", "wide.sql", "-D", &format!("N={N}"), "-D", "RATE=1000000"]);
        Ok(command)
    };
    // An allocation that fails ends the process as if it were killed.
    let output = limited(&job()?, "ulimit -v 1000000").output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains("memory allocation"), "{}\n{said}", output.status);
    ensure!(files(directory.path(), "csv").is_empty(), "something is shown");
    succeed(job()?)?;
    let expected = rows(directory.path(), &format!("{SOURCE}{WIDE};"), N)?;
    let actual = rows(directory.path(), &format!("{table}SELECT * FROM o;"), N)?;
    ensure!(
        expected.len() > 10_000 && expected == actual,
        "{} rows expected, {} committed",
        expected.len(),
        actual.len()
    );
    Ok(())
}

pub(super) fn descriptors() -> Result<()> {
    const N: u64 = 5_000;
    let directory = tempfile::tempdir()?;
    let table = "CREATE TABLE o (auction BIGINT, bidder BIGINT, price BIGINT) PARTITIONED BY (auction)
        WITH ('connector' = 'filesystem', 'path' = 'out/o', 'format' = 'csv');";
    let job = || -> Result<Command> {
        let sql = format!("{SOURCE}{table}INSERT INTO o SELECT auction, bidder, price FROM bids;");
        std::fs::write(directory.path().join("many.sql"), sql)?;
        let mut command = millstream(directory.path())?;
        command.args(["run", "many.sql", "-D", &format!("N={N}"), "-D", "RATE=1000000"]);
        Ok(command)
    };
    // What it needs to start, and none for the files.
    let error = fail(limited(&job()?, "ulimit -n 16"), 1)?;
    ensure!(error.contains("E0520") && error.contains("ulimit -n"), "{error}");
    succeed(job()?)?;
    let expected = rows(directory.path(), &format!("{SOURCE}SELECT auction, bidder, price FROM bids;"), N)?;
    let actual = rows(directory.path(), &format!("{table}SELECT auction, bidder, price FROM o;"), N)?;
    ensure!(
        expected.len() > 1_000 && expected == actual,
        "{} rows expected, {} committed",
        expected.len(),
        actual.len()
    );
    Ok(())
}
