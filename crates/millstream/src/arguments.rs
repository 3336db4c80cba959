//! What the command line takes.

use crate::check::Check;
use crate::config::Config;
use crate::demo::Demo;
use crate::display::{Display, Until};
use crate::explain::Explain;
use crate::fmt::Fmt;
use crate::manual::{Completions, Man};
use crate::new::New;
use crate::sql::Sql;
use crate::test::Test;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Flink SQL, run by one small binary: job files, and text after text. Without a command it is `sql`.
#[derive(Debug, Parser)]
#[command(name = "millstream", version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a SQL file: its SELECTs one after the other, then all its INSERTs as one job
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
    Check(Check),
    /// Print a shell's completions
    Completions(Completions),
    /// Print a manual page
    Man(Man),
    /// Lay SQL files out: keywords in upper case, a clause per line; comments and blank lines between statements stay
    Fmt(Fmt),
    /// Show what a SQL file would run: its operators, their state, their watermarks; or what an error code means
    Explain(Explain),
    /// Run tests of job files: *.test.sql
    Test(Test),
    /// Make a project: tables, a job, its test, a CI workflow
    New(New),
    /// Show a result that renews itself, without anything set up
    Demo(Demo),
}

/// Exit status: 0 done or stopped on request, 1 an error in the file or the job, 2 wrong arguments, 5 an outside service cannot be
/// reached, 70 a bug in Millstream, 130 stopped at once by a second Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The SQL file; - reads standard input
    pub(crate) file: PathBuf,
    /// Give ${NAME} in the file a value
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) define: Vec<(String, String)>,
    /// Set an option of the job; wins over SET in the file
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
    /// Subtasks per operator; the number of cores if not given
    #[arg(short, long, value_name = "N")]
    pub(crate) parallelism: Option<u32>,
    /// Start a new life of the job's state; what earlier lives wrote stays
    #[arg(long)]
    pub(crate) fresh: bool,
    #[command(flatten)]
    pub(crate) until: Until,
    #[command(flatten)]
    pub(crate) display: Display,
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_string(), value.to_string())),
        _ => Err("expected NAME=VALUE".to_string()),
    }
}
