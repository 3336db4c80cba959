//! `millstream completions` and `millstream man`: made of the argument parser.

use crate::arguments::Arguments;
use crate::report::{print, say};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct Completions {
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The command that is meant; without one the program as a whole
    verb: Option<String>,
}

pub(crate) fn completions(arguments: Completions) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "millstream", &mut text);
    print(&String::from_utf8_lossy(&text))
}

pub(crate) fn man(arguments: Man) -> ExitCode {
    let mut program = Arguments::command();
    program.build();
    let command = match &arguments.verb {
        None => program,
        Some(verb) => match program.find_subcommand(verb) {
            Some(command) => command.clone().display_name(format!("millstream-{verb}")),
            None => {
                say(format_args!("error: there is no command '{verb}'"));
                return ExitCode::from(2);
            }
        },
    };
    let mut page = Vec::new();
    match clap_mangen::Man::new(command).render(&mut page) {
        Ok(()) => print(&String::from_utf8_lossy(&page)),
        Err(e) => {
            say(format_args!("error: the page cannot be made: {e}"));
            ExitCode::from(70)
        }
    }
}
