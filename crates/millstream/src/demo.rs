//! `millstream demo`: a result that renews itself, without anything set up.

use crate::display::{Display, duration};
use crate::report::{print, say};
use crate::sql::{is_at_terminal, show};
use clap::Args;
use millstream_sql::Sources;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Print the SQL that it runs, and do not run it
    #[arg(long)]
    sql: bool,
    /// End after a time: 30s, 5 min; after 10 s if there is no terminal
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    #[command(flatten)]
    display: Display,
}

/// What is run.
const DEMO: &str = include_str!("demo/demo.sql");

/// How long nobody watches.
const ELSEWHERE: Duration = Duration::from_secs(10);

const NEXT: &str = "\
what next:
  millstream demo --sql > demo.sql   its SQL, to be changed; `millstream run demo.sql` runs it
  millstream                         a session: the SQL that you type, with completion; \\? lists its commands
  millstream new shop                a project: tables, a job, its test, a CI workflow";

pub(crate) fn demo(arguments: Demo) -> ExitCode {
    if arguments.sql {
        return print(DEMO);
    }
    let time = arguments.time.or((!is_at_terminal()).then_some(ELSEWHERE));
    let ended = show(arguments.display, time, &Sources::from(("demo.sql", DEMO)));
    say(NEXT);
    ended
}
