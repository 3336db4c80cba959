//! Records that are larger than anybody would think.

use crate::harness::{fail, millstream, result_sets, succeed};
use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::path::Path;
use std::process::Command;

fn query(directory: &Path, sql: &str, on_error: &str) -> Result<Command> {
    let options = format!("'connector' = 'filesystem', 'path' = 'huge.json', 'format' = 'json', 'on-error' = '{on_error}'");
    std::fs::write(directory.join("huge.sql"), format!("CREATE TABLE t (k STRING, n INT) WITH ({options});{sql}"))?;
    let mut command = millstream(directory)?;
    command.args(["run", "huge.sql", "--format", "changelog"]);
    Ok(command)
}

fn write(directory: &Path, megabytes: usize) -> Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(directory.join("huge.json"))?);
    file.write_all(b"{\"k\":\"small\",\"n\":1}\n{\"k\":\"")?;
    for _ in 0..megabytes {
        file.write_all(&[b'x'; 1 << 20])?;
    }
    file.write_all(b"\",\"n\":2}\n{\"k\":\"after\",\"n\":3}\n")?;
    Ok(file.flush()?)
}

pub(super) fn huge() -> Result<()> {
    let directory = tempfile::tempdir()?;
    write(directory.path(), 40)?;
    let text = succeed(query(directory.path(), "SELECT n, CHAR_LENGTH(k) FROM t;", "fail")?)?;
    let rows = result_sets(&text)?.pop().context("no result")?.rows;
    let expected = ["[1,5]".to_string(), format!("[2,{}]", 40 << 20), "[3,5]".to_string()];
    ensure!(rows.keys().eq(&expected), "{rows:?}");
    // One that is too large ends the job and says where it begins.
    write(directory.path(), 70)?;
    let error = fail(query(directory.path(), "SELECT n FROM t;", "fail")?, 1)?;
    ensure!(
        error.contains("E0700") && error.contains("huge.json") && error.contains("byte 20") && error.contains("67108864"),
        "{error}"
    );
    // Or it alone is left out.
    let text = succeed(query(directory.path(), "SELECT n FROM t;", "skip")?)?;
    let rows = result_sets(&text)?.pop().context("no result")?.rows;
    ensure!(rows.keys().eq(["[1]", "[3]"]), "{rows:?}");
    Ok(())
}
