//! The command line of Millstream.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

mod arguments;
mod check;
mod files;
mod findings;
mod fmt;
mod manual;
mod progress;
mod report;
mod run;
mod show;
mod table;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with its arguments; the tests call it in processes of their own.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    use clap::Parser;
    match arguments::Arguments::try_parse_from(arguments) {
        Ok(arguments) => match arguments.command {
            arguments::Command::Run(run) => run::run(run),
            arguments::Command::Check(check) => check::check(check),
            arguments::Command::Completions(completions) => manual::completions(completions),
            arguments::Command::Man(man) => manual::man(man),
            arguments::Command::Fmt(fmt) => fmt::run(fmt),
        },
        Err(e) => {
            // Help and version go to stdout with 0, usage errors to stderr with 2.
            let _ = e.print();
            ExitCode::from(e.exit_code() as u8)
        }
    }
}
