//! The explanations of error codes hold: each code has one, each example is run as a user would.

mod transcript;
mod world;

use crate::broker;
use crate::harness::{fail, files, millstream, root, succeed};
use crate::terminal::Terminal;
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_sql::catalogue::{Entry, Example, entries};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use tests::hostile::Sql;
use transcript::Transcript;
use world::World;

/// Codes that are told at a terminal only.
const AT_A_TERMINAL: [&str; 2] = ["E0542", "E0609"];
const PROMPT: &str = "millstream> ";

pub(crate) fn trials() -> Vec<Trial> {
    let failed = |e: anyhow::Error| Failed::from(format!("{e:#}"));
    let mut trials = vec![Trial::test("catalogue::every_code_is_explained", move || every_code().map_err(failed))];
    for entry in entries() {
        let ignored = missing(entry);
        trials.push(Trial::test(format!("catalogue::{}", entry.code), move || examples(entry).map_err(failed)).with_ignored_flag(ignored));
    }
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

/// Whether something is missing that an example needs; with `CI=true` it fails then.
fn missing(entry: &Entry) -> bool {
    world::needs_broker(entry) && broker::missing().is_some() && std::env::var_os("CI").is_none()
}

fn examples(entry: &Entry) -> Result<()> {
    let (failing, fixed) = match (entry.failing, entry.fixed) {
        (Example::Sql(failing), Example::Sql(fixed)) => (failing, fixed),
        (Example::Console(failing), Example::Console(fixed)) => return consoles(entry, failing, fixed),
        _ => bail!("one example is SQL, and the other is not"),
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

/// Runs what is typed in both, one after the other, and compares what is shown.
fn consoles(entry: &Entry, failing: &str, fixed: &str) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let world = World::of(entry, directory.path())?;
    for (name, text) in &entry.files {
        std::fs::write(directory.path().join(name), world.here(text) + "\n")?;
    }
    if let Some(before) = entry.before {
        succeed(job(directory.path(), before)?).context("what comes before it")?;
    }
    let code = format!("[{}]", entry.code);
    for (label, text, fails) in [("fails", failing, true), ("works", fixed, false)] {
        if AT_A_TERMINAL.contains(&entry.code) && !text.lines().next().is_some_and(|command| command.contains('>')) {
            ensure!(text.contains(&code) == fails, "{code} is shown or not shown:\n{text}");
            at_a_terminal(text, directory.path())?;
            continue;
        }
        let ran = Transcript::read(&world.here(text))?.run(directory.path(), &world.environment)?;
        let shown = world.there(&ran.text()).replace(&directory.path().display().to_string(), "/srv/shop");
        ensure!(shown.contains(&code) == fails, "{code} is told or not told:\n{shown}");
        if !fails {
            ran.succeeded()?;
        }
        if Transcript::read(text)?.shows(&Transcript::read(&shown)?) {
            continue;
        }
        ensure!(std::env::var_os("UPDATE").is_some(), "it shows\n{shown}\nUPDATE=1 writes it");
        update(entry.code, label, text, &shown)?;
    }
    Ok(())
}

/// Types what is typed into a terminal; what is shown must come.
fn at_a_terminal(text: &str, directory: &Path) -> Result<()> {
    let mut lines = text.lines();
    let command = lines.next().and_then(|l| l.strip_prefix("$ millstream")).context("no command")?;
    let terminal = Terminal::run(directory, &command.split_whitespace().collect::<Vec<_>>(), &[])?;
    for line in lines {
        match line.strip_prefix(PROMPT) {
            Some(typed) => {
                terminal.prompt(PROMPT)?;
                terminal.line(typed)?;
            }
            None => drop(terminal.see(line.trim_start())?),
        }
    }
    Ok(())
}

/// Puts another text into the catalogue.
fn update(code: &str, label: &str, old: &str, new: &str) -> Result<()> {
    static ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    for page in files(&root().join("crates/sql/src/catalogue"), "md") {
        let text = std::fs::read_to_string(&page)?;
        let block = |shown: &str| format!("```console {label}\n{}\n```", shown.trim_end());
        let Some(at) = text.find(&format!("\n## {code} ")).filter(|at| text[*at..].contains(&block(old))) else {
            continue;
        };
        let (before, here) = text.split_at(at);
        return Ok(std::fs::write(page, format!("{before}{}", here.replacen(&block(old), &block(new), 1)))?);
    }
    bail!("the catalogue is not the one that this was built with")
}
