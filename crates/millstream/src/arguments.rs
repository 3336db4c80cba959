//! What the command line takes.

use crate::check::Check;
use crate::config::Config;
use crate::demo::Demo;
use crate::display::{Display, Until, number};
use crate::explain::Explain;
use crate::fmt::Fmt;
use crate::manual::{Completions, Man};
use crate::new::{Init, New};
use crate::sql::Sql;
use crate::test::Test;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Flink SQL, run by one small binary: job files, and text after text. Without a command it is `sql`.
#[derive(Debug, Parser)]
#[command(name = "millstream", version, about, max_term_width = 100, override_usage = "millstream [COMMAND]")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a SQL file: its SELECTs one after the other, then all its INSERTs as one job
    ///
    /// Exit status: 0 done or stopped on request, 1 an error in the file or the job, 2 wrong arguments, 5 an outside service cannot be
    /// reached, 70 a bug in Millstream, 130 stopped at once by a second Ctrl-C.
    Run(Run),
    /// Run SQL as it comes: from -c, -f or standard input; as it is typed on a terminal
    ///
    /// What one text makes or sets holds for the next. SELECTs print their rows. The INSERTs of a text are one job, which runs beside what
    /// comes after it; at the end of the input all jobs are waited for. Ctrl-C or SIGTERM stops them after a final checkpoint.
    ///
    /// Exit status: 0 done or stopped on request, 1 an error in a text or a job, 2 wrong arguments or configuration, 5 an outside service
    /// cannot be reached, 70 a bug in Millstream, 130 stopped at once by a second Ctrl-C.
    Sql(Sql),
    /// What holds unless an argument says something else
    Config(Config),
    /// Check SQL files without running them: errors, and what lints say
    ///
    /// Checks files offline: without --online no broker, registry or bucket is asked, but for a catalog that a file names.
    ///
    /// Exit status: 0 no errors, 1 an error (with --deny-warnings a warning, too), 2 wrong arguments or a file that cannot be read, 5 nothing
    /// is wrong but that with --online somebody cannot be reached, 70 a bug in Millstream.
    Check(Check),
    /// Print a shell's completions
    ///
    /// Put what it prints where the shell looks for it, as in
    /// `millstream completions bash > ~/.local/share/bash-completion/completions/millstream`.
    Completions(Completions),
    /// Print a manual page
    ///
    /// As in `millstream man > millstream.1`, or `millstream man run | man -l -`.
    Man(Man),
    /// Lay SQL files out: keywords in upper case, a clause per line; comments and blank lines between statements stay
    ///
    /// Exit status: 0 all files are laid out, 1 a file has an error or, with --check, would change, 2 wrong arguments or a file that cannot be
    /// read or written, 70 a bug in Millstream. Files with an error are left as they are.
    Fmt(Fmt),
    /// Show what a SQL file would run: its operators, their state, their watermarks; or what an error code means
    ///
    /// Exit status: 0 explained, 1 an error in the file, 2 wrong arguments or a file that cannot be read, 5 an outside service cannot be
    /// reached, 70 a bug in Millstream. Nothing runs and nothing is changed.
    Explain(Explain),
    /// Run tests of job files: *.test.sql
    ///
    /// Exit status: 0 all tests have passed, 1 some have not, 2 wrong arguments or no tests, 70 a bug in Millstream.
    Test(Test),
    /// Make a project: tables, a job, its test, a CI workflow
    ///
    /// Exit status: 0 made, 2 a file of it is there already and nothing is changed, or one cannot be written.
    New(New),
    /// Make a project in a directory that is there: as new
    ///
    /// Exit status: 0 made, 2 a file of it is there already and nothing is changed, or one cannot be written.
    Init(Init),
    /// Show a result that renews itself, without anything set up
    ///
    /// Counts made-up orders per second as they come, until Ctrl-C. Nothing is read, written or sent anywhere.
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The SQL file; - reads standard input
    pub(crate) file: PathBuf,
    /// Give ${NAME} in the file a value
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) define: Vec<(String, String)>,
    /// Set an option of the job; wins over SET in the file
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    /// Subtasks per operator; the number of cores if not given
    #[arg(short, long, value_name = "N", value_parser = subtasks, allow_negative_numbers = true)]
    pub(crate) parallelism: Option<u32>,
    /// Start a new life of the job's state; what earlier lives wrote stays
    #[arg(long)]
    pub(crate) fresh: bool,
    #[command(flatten)]
    pub(crate) until: Until,
    #[command(flatten)]
    pub(crate) display: Display,
}

/// As many as there can be key groups.
const PARALLELISM_MAX: u32 = 32_768;

/// How many subtasks an operator has.
pub(crate) fn subtasks(text: &str) -> Result<u32, String> {
    number(text, 1, PARALLELISM_MAX, "4")
}

/// A setting and its value, which must be one.
pub(crate) fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = pair(text).map_err(|_| "expected KEY=VALUE, such as parallelism.default=2".to_string())?;
    match millstream_sql::check_setting(&key, &value) {
        Ok(()) => Ok((key, value)),
        Err(e) => Err(match &e.hint {
            Some(hint) => format!("{}; {hint}", e.message),
            None => e.message.clone(),
        }),
    }
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_string(), value.to_string())),
        _ => Err("expected NAME=VALUE, such as BROKERS=localhost:9092".to_string()),
    }
}
