//! `millstream test`.

mod find;
mod human;
mod json;
mod junit;
mod marks;
mod record;

use crate::arguments::{pair, subtasks};
use crate::config::Configuration;
use crate::display::{LogFormat, number};
use crate::files::read_text;
use crate::findings::{self, Form};
use crate::process::{io_runtime, log_from};
use crate::report::{refused_for, say, write, wrong_configuration};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use find::Found;
use millstream_server::testing::{Cell, FileReport, TestOptions, test_file, updated};
use millstream_sql::Palette;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Test files, and directories that are searched for *.test.sql; the current directory if none is given. One that is no path is a
    /// filter: only tests with this in their name run
    #[arg(value_name = "FILTER | PATH")]
    paths: Vec<String>,
    /// Give ${NAME} in job files a value
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = pair)]
    define: Vec<(String, String)>,
    /// How results are shown; github if GITHUB_ACTIONS is true, human otherwise
    #[arg(short, long, value_enum)]
    output: Option<Output>,
    /// Run each test in its plainest way only
    #[arg(long)]
    no_matrix: bool,
    /// Run each test in one way only: with so many subtasks per operator
    #[arg(short, long, value_name = "N", value_parser = subtasks, allow_negative_numbers = true)]
    parallelism: Option<u32>,
    /// Run each test in one way only: with so many rows at once
    #[arg(long, value_name = "ROWS", value_parser = batch, allow_negative_numbers = true)]
    batch_size: Option<u32>,
    /// Run each test in one way only: restored from a checkpoint after each step
    #[arg(long)]
    restore: bool,
    /// Decides the order of partitions where they are shuffled; with --no-matrix, --parallelism, --batch-size or --restore they are
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Write the rows that came in the place of those that were expected
    #[arg(long)]
    update: bool,
    /// Write a test of what a job file makes of the rows that its tables have now
    #[arg(long, value_name = "JOB", conflicts_with_all = ["paths", "update"])]
    record: Option<PathBuf>,
    /// Rows of each table that are recorded
    #[arg(long, value_name = "N", default_value = "200", requires = "record", value_parser = rows, allow_negative_numbers = true)]
    rows: usize,
    /// Where the recorded test goes; tests/<JOB>.test.sql if not given
    #[arg(long, value_name = "FILE", requires = "record")]
    to: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Errors with their lines, rows that differ, a summary
    Human,
    /// One object
    Json,
    /// XML, as test runners write it
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// As human, and workflow commands of GitHub Actions, which mark the lines of a pull request
    Github,
}

fn batch(text: &str) -> Result<u32, String> {
    number(text, 1, u32::MAX, "1")
}

fn seed(text: &str) -> Result<u64, String> {
    number(text, 0, u64::MAX, "7")
}

fn rows(text: &str) -> Result<usize, String> {
    number(text, 1, usize::MAX, "200")
}

/// What decides the order of shuffled partitions, unless `--seed` does.
const SEED: u64 = 1;

pub(crate) fn test(arguments: Test) -> ExitCode {
    log_from(LogFormat::Text, "error", std::io::stderr);
    let configuration = match Configuration::load() {
        Ok(configuration) => configuration,
        Err(wrong) => return wrong_configuration(&wrong),
    };
    match start(&arguments, &configuration) {
        Ok(code) => code,
        Err(e) => refused_for(e),
    }
}

fn start(arguments: &Test, configuration: &Configuration) -> Result<ExitCode> {
    let directory = std::env::current_dir().context("the current directory is unknown")?;
    let runtime = io_runtime()?;
    let shared = configuration.shared()?;
    let options = |filter: Option<String>| TestOptions {
        shared: shared.clone(),
        filter,
        variables: configuration.variables(&arguments.define),
        cells: cells(arguments),
        directory: directory.clone(),
    };
    if let Some(job) = &arguments.record {
        let code = record::record(job, arguments.to.as_deref(), arguments.rows, &options(None), runtime.handle());
        runtime.shutdown_background();
        return code;
    }
    let is_github = std::env::var("GITHUB_ACTIONS").is_ok_and(|v| v == "true");
    let output = arguments.output.unwrap_or(if is_github { Output::Github } else { Output::Human });
    let Found { files, filter } = find::find(&arguments.paths)?;
    let options = options(filter);
    let mut reports = Vec::new();
    for file in files {
        let path = file.display().to_string();
        let text = read_text(&options.directory.join(&file)).with_context(|| format!("{path} cannot be read"))?;
        let mut report = test_file(&path, &text, &options, runtime.handle());
        if arguments.update {
            report = update(&file, report, &options, &runtime)?;
        }
        if matches!(output, Output::Human | Output::Github) {
            write(&human::file(&report))?;
        }
        reports.push(report);
    }
    // A reader that waits for something must not hold the process back.
    runtime.shutdown_background();
    let tests: usize = reports.iter().map(|r| r.tests.len() + r.errors.len()).sum();
    match (tests, &options.filter) {
        (0, Some(filter)) => anyhow::bail!("no test has \"{filter}\" in its name"),
        (0, None) => anyhow::bail!("there is no TEST in {}", reports.iter().map(|r| r.path.as_str()).collect::<Vec<_>>().join(", ")),
        _ => {}
    }
    write(&match output {
        Output::Human => human::summary(&reports),
        Output::Json => json::text(&reports),
        Output::Junit => junit::text(&reports),
        Output::Sarif => findings::write(&marks::checked(&reports), Form::Sarif, &Palette::PLAIN),
        Output::Github => human::summary(&reports) + &findings::write(&marks::checked(&reports), Form::Github, &Palette::PLAIN),
    })?;
    if reports.iter().any(FileReport::is_bug) {
        return Ok(ExitCode::from(70));
    }
    Ok(ExitCode::from(u8::from(!reports.iter().all(FileReport::has_passed))))
}

fn cells(arguments: &Test) -> Vec<Cell> {
    let Test {
        parallelism,
        batch_size,
        restore,
        seed,
        no_matrix,
        ..
    } = arguments;
    if parallelism.is_none() && batch_size.is_none() && !restore && !no_matrix {
        return Cell::matrix(seed.unwrap_or(SEED));
    }
    let plain = Cell::default();
    vec![Cell {
        parallelism: parallelism.unwrap_or(plain.parallelism),
        batch: batch_size.map_or(plain.batch, |b| b as usize),
        restore: *restore,
        seed: *seed,
    }]
}

/// Writes what came into the file, and looks whether that holds.
fn update(file: &PathBuf, report: FileReport, options: &TestOptions, runtime: &tokio::runtime::Runtime) -> Result<FileReport> {
    let findings = report.tests.iter().flat_map(|t| &t.findings);
    let wrong = findings.clone().filter(|f| f.update.is_some()).count();
    let Some(text) = updated(&report.text, findings) else { return Ok(report) };
    std::fs::write(options.directory.join(file), &text).with_context(|| format!("{} cannot be written", file.display()))?;
    say(format_args!(
        "{}: {wrong} expectation{} written",
        file.display(),
        if wrong == 1 { "" } else { "s" }
    ));
    Ok(test_file(&report.path, &text, options, runtime.handle()))
}
