//! `millstream fmt`.

use crate::files::{STANDARD_INPUT, read_input, read_text, sql_files};
use crate::report::{self, say};
use anyhow::{Context, Result, bail};
use clap::Args;
use millstream_dataflow::ErrorKind;
use millstream_sql::without_secrets;
use similar::TextDiff;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// SQL files, and directories to look for *.sql in; - formats standard input to standard output; the current directory if not given
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing: name the files that would change, with what would change in them
    #[arg(long)]
    check: bool,
}

/// Lines of a difference that are shown.
const SHOWN_MAX: usize = 24;

/// How long the least difference is looked for.
const DIFF_MAX: Duration = Duration::from_millis(200);

/// What became of the files, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Fine,
    Findings,
    Unreadable,
    Bug,
}

pub(crate) fn run(arguments: Fmt) -> ExitCode {
    let paths = match arguments.paths.is_empty() {
        true => vec![PathBuf::from(".")],
        false => arguments.paths,
    };
    let mut worst = Outcome::Fine;
    let mut seen = BTreeSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            worst = worst.max(input(arguments.check));
            continue;
        }
        let found = sql_files(std::slice::from_ref(&path), |_| true).unwrap_or_else(|e| {
            report::refused_for(e);
            worst = worst.max(Outcome::Unreadable);
            Vec::new()
        });
        for path in found {
            // One that is named twice is looked at once.
            if seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                worst = worst.max(or_say(file(&path, arguments.check)));
            }
        }
    }
    ExitCode::from(match worst {
        Outcome::Fine => 0,
        Outcome::Findings => 1,
        Outcome::Unreadable => 2,
        Outcome::Bug => 70,
    })
}

fn or_say(outcome: Result<Outcome>) -> Outcome {
    outcome.unwrap_or_else(|e| {
        say(format_args!("error: {e:#}"));
        Outcome::Unreadable
    })
}

fn input(check: bool) -> Outcome {
    let text = match read_input().with_context(|| format!("{STANDARD_INPUT} cannot be read")) {
        Ok(text) => text,
        Err(e) => return or_say(Err(e)),
    };
    match format(STANDARD_INPUT, &text) {
        Err(outcome) => outcome,
        Ok(made) if check => compare(STANDARD_INPUT, &text, &made),
        Ok(made) => or_say(report::write(&made).map(|()| Outcome::Fine).map_err(Into::into)),
    }
}

fn file(path: &Path, check: bool) -> Result<Outcome> {
    let name = path.display().to_string();
    let text = read_text(path).with_context(|| format!("{name} cannot be read"))?;
    let made = match format(&name, &text) {
        Ok(made) => made,
        Err(outcome) => return Ok(outcome),
    };
    if made == text {
        return Ok(Outcome::Fine);
    }
    if check {
        return Ok(compare(&name, &text, &made));
    }
    replace(path, &made).with_context(|| format!("{name} cannot be written"))?;
    say(format_args!("formatted {name}"));
    Ok(Outcome::Fine)
}

fn format(name: &str, text: &str) -> Result<String, Outcome> {
    millstream_sql::format(text).map_err(|errors| {
        report::errors(&errors, text, name);
        match errors.iter().any(|e| e.kind == ErrorKind::Bug) {
            true => Outcome::Bug,
            false => Outcome::Findings,
        }
    })
}

/// Prints what would change.
fn compare(name: &str, text: &str, made: &str) -> Outcome {
    if text == made {
        return Outcome::Fine;
    }
    // The least difference of long texts takes long to find; one that is near it does as well.
    let (text, made) = (without_secrets(text), without_secrets(made));
    let difference = TextDiff::configure().timeout(DIFF_MAX).diff_lines(&text, &made);
    let shown = difference.unified_diff().context_radius(1).to_string();
    let lines: Vec<&str> = shown.lines().collect();
    let mut out = format!("{name} is not formatted\n");
    for line in lines.iter().take(SHOWN_MAX) {
        out += &format!("  {line}\n");
    }
    if lines.len() > SHOWN_MAX {
        out += &format!("  … {} more lines\n", lines.len() - SHOWN_MAX);
    }
    // That nobody reads it changes nothing about the file.
    let _ = std::io::stdout().write_all(out.as_bytes());
    Outcome::Findings
}

/// Puts a text in the place of a file, whole or not at all; who may do what with it stays.
fn replace(path: &Path, text: &str) -> Result<()> {
    // A link stays one.
    let path = path.canonicalize()?;
    let permissions = std::fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        bail!("it is read-only");
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        bail!("it is no file");
    };
    let draft = directory.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).open(&draft).and_then(|mut file| {
        file.set_permissions(permissions)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)?;
        File::open(directory)?.sync_all()
    });
    if written.is_err() {
        // If it is not there, nothing is to be removed.
        let _ = std::fs::remove_file(&draft);
    }
    Ok(written?)
}
