//! The command line of Millstream.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

mod arguments;
mod check;
mod color;
mod config;
mod demo;
mod display;
mod explain;
mod files;
mod findings;
mod fmt;
mod manual;
mod new;
mod output;
mod process;
mod progress;
mod repl;
mod report;
mod run;
mod show;
mod sql;
mod summary;
mod test;
mod units;

use arguments::{Arguments, Command};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with its arguments; the tests call it in processes of their own.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let of_all = ["-h", "--help", "-V", "--version"];
    let is_sql = |first: &OsString| first.to_str().is_some_and(|a| a.starts_with('-') && !of_all.contains(&a));
    if arguments.get(1).is_none_or(is_sql) {
        arguments.insert(1, "sql".into());
    }
    let matches = Arguments::command().try_get_matches_from(arguments);
    match matches.and_then(|m| Ok((Arguments::from_arg_matches(&m)?, m))) {
        Ok((arguments, matches)) => match arguments.command {
            Command::Run(run) => run::run(run),
            Command::Sql(sql) => sql::sql(sql, matches.subcommand_matches("sql")),
            Command::Config(config) => config::config(&config),
            Command::Check(check) => check::check(check),
            Command::Completions(completions) => manual::completions(completions),
            Command::Man(man) => manual::man(man),
            Command::Fmt(fmt) => fmt::run(fmt),
            Command::Explain(explain) => explain::run(explain),
            Command::Test(test) => test::test(test),
            Command::New(new) => new::new(&new),
            Command::Init(init) => new::init(&init),
            Command::Demo(demo) => demo::demo(demo),
        },
        Err(e) => {
            let e = with_tip(e);
            // Help and version go to stdout with 0, usage errors to stderr with 2.
            let _ = e.print();
            ExitCode::from(e.exit_code() as u8)
        }
    }
}

/// Says what to do with a file or a text that stands where it is not expected.
fn with_tip(mut e: clap::Error) -> clap::Error {
    let given = match e.kind() {
        ErrorKind::UnknownArgument => e.get(ContextKind::InvalidArg),
        ErrorKind::InvalidSubcommand => e.get(ContextKind::InvalidSubcommand),
        _ => None,
    };
    let Some(ContextValue::String(given)) = given else { return e };
    let is_file = given.ends_with(".sql");
    let is_text = given.contains(' ');
    let tip = match e.kind() {
        ErrorKind::InvalidSubcommand if is_file => format!("a file is run with 'millstream run {given}'"),
        ErrorKind::InvalidSubcommand if is_text => format!("a text is run with 'millstream -c \"{given}\"'"),
        ErrorKind::UnknownArgument if is_file => format!("a file is given as '-f {given}'"),
        ErrorKind::UnknownArgument if is_text && !given.starts_with('-') => format!("a text is given as '-c \"{given}\"'"),
        _ => return e,
    };
    e.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    e
}
