//! `millstream config`.

use super::{Configuration, DEFINE, KEYS, Origin, SET};
use crate::output::print;
use crate::report;
use clap::{Args, Subcommand};
use millstream_dataflow::option::is_secret;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print what is configured, as a file that would configure the same
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

pub(crate) fn config(arguments: &Config) -> ExitCode {
    let ConfigCommand::Show { origin } = arguments.command;
    let configuration = match Configuration::load() {
        Ok(configuration) => configuration,
        Err(wrong) => return report::wrong_configuration(&wrong),
    };
    match print(configuration.shown(origin).as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => report::failed_with(e),
    }
}

impl Configuration {
    /// The text of `config show`; secrets are not shown.
    pub(super) fn shown(&self, origin: bool) -> String {
        let mut lines: Vec<(String, String)> = Vec::new();
        for key in KEYS {
            match self.values.get(key.name) {
                Some((value, from)) => lines.push((format!("{} = {}", key.name, quoted(value)), from.to_string())),
                None => lines.push((format!("# {} = {}", key.name, key.default), "default".to_string())),
            }
        }
        for table in [DEFINE, SET] {
            let of_table = |key: &str| key.strip_prefix(table).and_then(|k| k.strip_prefix('.')).map(str::to_string);
            let inside: Vec<(String, &(String, Origin))> = self.values.iter().filter_map(|(k, v)| Some((of_table(k)?, v))).collect();
            if !inside.is_empty() {
                lines.push((String::new(), String::new()));
                lines.push((format!("[{table}]"), String::new()));
            }
            for (key, (value, from)) in inside {
                let value = if is_secret(&key) { "******" } else { value };
                lines.push((format!("{} = {}", quoted(&key), quoted(value)), from.to_string()));
            }
        }
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
        let line = |(line, from): &(String, String)| match origin && !from.is_empty() {
            true => format!("{line}{}  # {from}\n", " ".repeat(width - line.chars().count())),
            false => format!("{line}\n"),
        };
        lines.iter().map(line).collect()
    }
}

/// A text of TOML.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}
