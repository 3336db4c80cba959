//! Files whose right answer comes from a real Flink 2.3: `flink/**/*.sql` with what Flink printed beside them as `*.jsonl`.
//!
//! `${DATA}` in a file is the directory `flink/data`. Results are compared as the tables they fold to.

use crate::harness::{difference, files, millstream, result_sets, root, succeed};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::path::Path;

pub(crate) fn trials() -> Vec<Trial> {
    let directory = root().join("tests/flink");
    let sql = files(&directory, "sql");
    sql.into_iter()
        .map(|file| {
            let name = file.strip_prefix(&directory).map_or(String::new(), |f| f.display().to_string());
            Trial::test(format!("flink::{name}"), move || check(&file).map_err(|e| Failed::from(format!("{e:#}"))))
        })
        .collect()
}

/// Flink's runner prints a TIME as Java does, without seconds that are zero.
fn with_seconds(text: &str) -> String {
    let is_short = |t: &str| t.len() == 5 && t.as_bytes()[2] == b':' && t.bytes().enumerate().all(|(i, b)| i == 2 || b.is_ascii_digit());
    let with = |part: &str| if is_short(part) { format!("{part}:00") } else { part.to_string() };
    text.split('"').map(with).collect::<Vec<_>>().join("\"")
}

fn check(file: &Path) -> Result<()> {
    let expected = std::fs::read_to_string(file.with_extension("jsonl")).context("no expected rows")?;
    let expected = result_sets(&with_seconds(&expected))?;
    ensure!(!expected.is_empty(), "nothing is expected");
    for parallelism in ["1", "3"] {
        let directory = tempfile::tempdir()?;
        let mut command = millstream(directory.path())?;
        command
            .arg("run")
            .arg(file)
            .args(["--format", "changelog", "-p", parallelism])
            .arg("-D")
            .arg(format!("DATA={}", root().join("tests/flink/data").display()));
        let actual = result_sets(&with_seconds(&succeed(command)?))?;
        ensure!(expected.len() == actual.len(), "{} results expected, {} came", expected.len(), actual.len());
        for (i, (e, a)) in expected.iter().zip(&actual).enumerate() {
            if let Some(difference) = difference(e, a) {
                anyhow::bail!("parallelism {parallelism}, result {}: {difference}", i + 1);
            }
        }
    }
    Ok(())
}
