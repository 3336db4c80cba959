//! Configuration: what holds unless an argument says something else.
//!
//! The nearest says what holds: `MILLSTREAM_*` of the environment, the project's `millstream.toml` (in this directory or one above it), the
//! user's `config.toml`, defaults.

mod file;
mod show;

use crate::display::{Color, Format, LogFormat};
use crate::files::{self, is_test, sql_files};
use crate::sql::OnErrors;
use clap::ValueEnum;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result};
use millstream_sql::{SETTINGS, check_setting};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub(crate) use show::{Config, config};

/// What is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// `format`, `define.NAME`, `set.parallelism.default`: values, and where they are from.
    values: BTreeMap<String, (String, Origin)>,
    /// The user's directory.
    directory: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Environment(String),
    /// With the line.
    File(PathBuf, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Environment(name) => write!(f, "environment: {name}"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// A key that stands by itself.
struct Key {
    name: &'static str,
    /// As `config show` says it.
    default: &'static str,
    /// What is wrong with a value.
    check: fn(&str) -> Result<(), String>,
}

const KEYS: &[Key] = &[
    Key {
        name: "color",
        default: "auto",
        check: one_of::<Color>,
    },
    Key {
        name: "format",
        default: "table on a terminal, jsonl otherwise",
        check: one_of::<Format>,
    },
    Key {
        name: "log-format",
        default: "text",
        check: one_of::<LogFormat>,
    },
    Key {
        name: "metrics",
        default: "nowhere",
        check: |value| {
            value
                .parse::<SocketAddr>()
                .map(drop)
                .map_err(|_| "an IP address and a port, such as 127.0.0.1:9187 or 0.0.0.0:9187".to_string())
        },
    },
    Key {
        name: "on-error",
        default: "stop",
        check: one_of::<OnErrors>,
    },
    Key {
        name: TABLES,
        default: "none",
        check: |_| Ok(()),
    },
];

/// A directory, or a file, of what all jobs of a project share.
const TABLES: &str = "tables";

/// The tables of a file: values of variables, and settings of jobs.
const DEFINE: &str = "define";
const SET: &str = "set";

fn one_of<T: ValueEnum>(value: &str) -> Result<(), String> {
    T::from_str(value, false).map(drop).map_err(|_| {
        let names = T::value_variants().iter().filter_map(|v| Some(v.to_possible_value()?.get_name().to_string()));
        format!("one of: {}", names.collect::<Vec<_>>().join(", "))
    })
}

/// Why something is no configuration, with the text of the file if it is one.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) errors: Vec<Error>,
    /// Name and text.
    pub(crate) file: Option<(String, String)>,
}

impl Configuration {
    /// The configuration of this process.
    ///
    /// # Errors
    /// What is wrong with the first file, or variable, that is.
    pub(crate) fn load() -> Result<Configuration, Box<Wrong>> {
        let here = std::env::current_dir().map_err(|e| environment(Error::config("the current directory is unknown").source(e)))?;
        let variables = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Configuration::read(&here, variables)
    }

    fn read(here: &Path, variables: impl Iterator<Item = (String, String)>) -> Result<Configuration, Box<Wrong>> {
        let variables: BTreeMap<String, String> = variables.collect();
        let mut all = Configuration {
            directory: user_directory(&variables),
            values: BTreeMap::new(),
        };
        // The later ones go first.
        let of_user = all.directory.as_ref().map(|d| d.join("config.toml")).filter(|f| f.is_file());
        let of_project = here.ancestors().map(|d| d.join("millstream.toml")).find(|f| f.is_file());
        for path in of_user.into_iter().chain(of_project) {
            all.values.extend(file::read(&path)?);
        }
        for (name, value) in &variables {
            if let Some(key) = name.strip_prefix("MILLSTREAM_").and_then(key_of_variable) {
                check(&key, value).map_err(|e| {
                    let detail = format!("It is set by {name} in the environment.");
                    environment(e.detail(detail))
                })?;
                all.values.insert(key, (value.clone(), Origin::Environment(name.clone())));
            }
        }
        Ok(all)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|(value, _)| value.as_str())
    }
    /// One of some values.
    pub(crate) fn one_of<T: ValueEnum>(&self, key: &str) -> Option<T> {
        T::from_str(self.text(key)?, false).ok()
    }
    pub(crate) fn metrics(&self) -> Option<SocketAddr> {
        self.text("metrics")?.parse().ok()
    }
    /// Variables with their values; those of arguments win.
    pub(crate) fn variables(&self, arguments: &[(String, String)]) -> BTreeMap<String, String> {
        let mut variables = self.define();
        variables.extend(arguments.iter().cloned());
        variables
    }
    /// The values of variables.
    pub(crate) fn define(&self) -> BTreeMap<String, String> {
        self.table(DEFINE)
    }
    /// What is SET from the beginning.
    pub(crate) fn set(&self) -> BTreeMap<String, String> {
        self.table(SET)
    }
    fn table(&self, name: &str) -> BTreeMap<String, String> {
        let inside = |(key, (value, _)): (&String, &(String, Origin))| {
            let key = key.strip_prefix(name)?.strip_prefix('.')?;
            Some((key.to_string(), value.clone()))
        };
        self.values.iter().filter_map(inside).collect()
    }
    /// Names and texts of the files that the jobs of the project share, in the order of their names.
    ///
    /// # Errors
    /// `Config` for a file that cannot be read.
    pub(crate) fn shared(&self) -> Result<Vec<(String, String)>> {
        let Some((value, origin)) = self.values.get(TABLES) else {
            return Ok(Vec::new());
        };
        let here = std::env::current_dir().unwrap_or_default();
        let from = match origin {
            Origin::File(file, _) => file.parent().unwrap_or(&here),
            Origin::Environment(_) => &here,
        };
        let wrong = |e: anyhow::Error| {
            let e = Error::config(format!("'{TABLES}' is {value}: {e:#}")).code("E0541");
            e.detail(format!("It is set by {origin}."))
        };
        let path = from.join(value);
        let files = sql_files(&[path], |file| !is_test(file)).map_err(wrong)?;
        let read = |file: PathBuf| {
            let name = file.strip_prefix(&here).unwrap_or(&file).display().to_string();
            Ok((name, files::read(&file)?.1))
        };
        files.into_iter().map(read).collect()
    }
    /// The text that every session starts with, if there is one.
    pub(crate) fn init_file(&self) -> Option<PathBuf> {
        let file = self.directory.as_ref()?.join("init.sql");
        file.is_file().then_some(file)
    }
}

/// `$XDG_CONFIG_HOME/millstream`, or that in the home directory.
fn user_directory(variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |name: &str| variables.get(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    // As the XDG base directory specification has it: a relative path does not count.
    let of_all = set("XDG_CONFIG_HOME")
        .filter(|p| p.is_absolute())
        .or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(of_all.join("millstream"))
}

/// The key that a variable sets; other programs have variables with our prefix, too: a service called millstream in Kubernetes does.
fn key_of_variable(name: &str) -> Option<String> {
    let upper = |key: &str| key.replace(['-', '.'], "_").to_uppercase();
    if let Some(variable) = name.strip_prefix("DEFINE_") {
        return Some(format!("{DEFINE}.{variable}"));
    }
    if let Some(setting) = name.strip_prefix("SET_") {
        let known = SETTINGS.iter().find(|s| upper(s.name) == setting);
        return Some(format!("{SET}.{}", known.map_or(setting, |s| s.name)));
    }
    KEYS.iter().find(|k| upper(k.name) == name).map(|k| k.name.to_string())
}

/// What is wrong with a key or its value.
fn check(key: &str, value: &str) -> Result<()> {
    if let Some(setting) = key.strip_prefix(SET).and_then(|k| k.strip_prefix('.')) {
        return check_setting(setting, value);
    }
    if key.strip_prefix(DEFINE).is_some_and(|k| k.starts_with('.')) {
        return Ok(());
    }
    let Some(known) = KEYS.iter().find(|k| k.name == key) else {
        return Err(unknown(key));
    };
    (known.check)(value).map_err(|expected| Error::config(format!("'{key}' has the value '{value}', expected {expected}")).code("E0541"))
}

fn unknown(key: &str) -> Error {
    let names = || KEYS.iter().map(|k| k.name).chain([DEFINE, SET]);
    let e = Error::config(format!("there is nothing called '{key}' to configure")).code("E0541");
    match nearest(key, names()) {
        Some(near) => e.hint(format!("did you mean '{near}'?")),
        None if SETTINGS.iter().any(|s| s.name.split('.').next() == key.split('.').next()) => e.hint("settings of jobs stand in the table [set]"),
        None => e.hint(format!("there are: {}", names().collect::<Vec<_>>().join(", "))),
    }
}

fn environment(error: Error) -> Box<Wrong> {
    Box::new(Wrong {
        errors: vec![error],
        file: None,
    })
}
