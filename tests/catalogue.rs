//! The explanations of error codes hold: each code has one, each example is run as a user would.

use crate::harness::{fail, files, millstream, root, succeed};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_sql::catalogue::{Entry, entries};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use tests::hostile::Sql;

/// Codes that no file brings about by itself.
const NEEDS_MORE: [(&str, &str); 27] = [
    ("E0104", "an argument"),
    ("E0507", "an argument"),
    ("E0516", "a broker that is away"),
    ("E0517", "a broker"),
    ("E0518", "a broker with accounts"),
    ("E0519", "a broker"),
    ("E0521", "a pipe"),
    ("E0522", "a broker"),
    ("E0523", "a registry"),
    ("E0524", "a registry with accounts"),
    ("E0525", "a registry"),
    ("E0527", "a second process"),
    ("E0531", "a second process"),
    ("E0540", "an argument"),
    ("E0541", "a configuration"),
    ("E0542", "an argument"),
    ("E0544", "an argument"),
    ("E0545", "a project"),
    ("E0601", "a damaged file"),
    ("E0603", "a second process"),
    ("E0605", "a store that lies"),
    ("E0607", "a broker"),
    ("E0608", "a session"),
    ("E0609", "a session"),
    ("E0805", "rows that come in another order"),
    ("W0503", "an argument"),
    ("E0701", "a broker"),
];

pub(crate) fn trials() -> Vec<Trial> {
    let failed = |e: anyhow::Error| Failed::from(format!("{e:#}"));
    let mut trials = vec![Trial::test("catalogue::every_code_is_explained", move || every_code().map_err(failed))];
    trials.extend(
        entries()
            .iter()
            .filter(|e| e.failing.is_some())
            .map(|e| Trial::test(format!("catalogue::{}", e.code), move || examples(e).map_err(failed))),
    );
    trials
}

/// The codes that errors and warnings are given in the sources.
fn codes() -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for file in files(&root().join("crates"), "rs") {
        if file.components().any(|c| matches!(c.as_os_str().to_str(), Some("tests" | "tests.rs"))) {
            continue;
        }
        let text = std::fs::read_to_string(&file)?;
        let code = |piece: &&str| piece.len() == 5 && piece.starts_with(['E', 'W']) && piece[1..].bytes().all(|b| b.is_ascii_digit());
        found.extend(text.split('"').filter(code).map(str::to_string));
    }
    Ok(found)
}

fn every_code() -> Result<()> {
    let (codes, explained) = (codes()?, entries().iter().map(|e| e.code.to_string()).collect::<BTreeSet<_>>());
    ensure!(codes.len() > 70, "only {} codes in the sources", codes.len());
    ensure!(
        codes == explained,
        "without an explanation: {:?}; explained, but nowhere given: {:?}",
        codes.difference(&explained).collect::<Vec<_>>(),
        explained.difference(&codes).collect::<Vec<_>>()
    );
    let without: BTreeSet<&str> = entries().iter().filter(|e| e.failing.is_none()).map(|e| e.code).collect();
    ensure!(without == NEEDS_MORE.iter().map(|(code, _)| *code).collect(), "without an example: {without:?}");
    Ok(())
}

/// A command over a file with this text.
fn over(directory: &Path, verb: &str, file: &str, text: &str, more: &[&str]) -> Result<Command> {
    std::fs::write(directory.join(file), text)?;
    let mut command = millstream(directory)?;
    command.args([verb, file]).args(more);
    Ok(command)
}

fn job(directory: &Path, text: &str) -> Result<Command> {
    over(directory, "run", "job.sql", text, &["-D", "NAME=value"])
}

fn examples(entry: &Entry) -> Result<()> {
    let (Some(failing), Some(fixed)) = (entry.failing, entry.fixed) else {
        bail!("no example")
    };
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    if entry.code.starts_with('W') {
        let told = |text: &str| succeed(over(directory, "check", "job.sql", text, &["--output", "json"])?);
        let code = format!("\"code\": \"{}\"", entry.code);
        ensure!(told(failing)?.contains(&code), "the lint is not told");
        ensure!(!told(fixed)?.contains(&code), "the mended text is still told of");
        return Ok(());
    }
    if entry.code.starts_with("E08") {
        let tested = |text: &str| over(directory, "test", "example.test.sql", text, &["--output", "json"]);
        let output = tested(failing)?.output()?;
        let told = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(1) && told.contains(&format!("\"{}\"", entry.code)), "{told}");
        succeed(tested(fixed)?).context("the mended test does not pass")?;
        return Ok(());
    }
    if let Some(before) = entry.before {
        succeed(job(directory, before)?).context("what comes before it")?;
    }
    let told = fail(job(directory, failing)?, 1)?;
    let first = told.lines().find_map(|l| l.strip_prefix("error")).unwrap_or_default();
    ensure!(first.starts_with(&format!("[{}]", entry.code)), "another error comes first:\n{told}");
    // These go on for ever, or need somebody outside.
    if ["kafka", "http"].iter().any(|c| fixed.contains(&format!("'connector' = '{c}'"))) {
        let compiled = Sql::new()?.compile(fixed);
        ensure!(compiled.is_ok(), "the mended text does not compile: {:?}", compiled.err());
    } else {
        succeed(job(directory, fixed)?).context("the mended text does not run")?;
    }
    Ok(())
}
