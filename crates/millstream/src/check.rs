//! `millstream check`.

use crate::arguments::pair;
use crate::color::wanted;
use crate::config::Configuration;
use crate::display::Color;
use crate::files::sql_files;
use crate::findings::{Checked, Counts, Form, write};
use crate::report::{self, say};
use anyhow::{Context, bail};
use clap::Args;
use millstream_server::{Bounds, RunOptions};
use millstream_sql::{Palette, Severity};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks files offline: no broker, registry or bucket is asked, but for a catalog that a file names.
///
/// Exit status: 0 no errors, 1 an error (with --deny-warnings a warning, too), 2 wrong arguments or a file that cannot be read.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// SQL files, and directories whose *.sql files are meant; - reads standard input
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Give ${NAME} in the files a value
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = pair)]
    define: Vec<(String, String)>,
    /// Set an option of the jobs; wins over SET in the files
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// How findings are written; github if GITHUB_ACTIONS is true, human otherwise
    #[arg(short, long, value_enum)]
    output: Option<Form>,
    /// When findings have colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Warnings fail, too
    #[arg(long)]
    deny_warnings: bool,
    /// Do not tell this, as in W0403; in a file, `-- lint: allow W0403` does so for a statement
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    allow: Vec<String>,
}

pub(crate) fn check(arguments: Check) -> ExitCode {
    let configuration = match Configuration::load() {
        Ok(configuration) => configuration,
        Err(wrong) => return report::wrong_configuration(&wrong),
    };
    let told = check_all(&arguments, &configuration).and_then(|checked| {
        let is_github = std::env::var("GITHUB_ACTIONS").is_ok_and(|v| v == "true");
        let form = arguments.output.unwrap_or(if is_github { Form::Github } else { Form::Human });
        let is_coloured = wanted(arguments.color, std::io::stdout().is_terminal());
        let palette = if is_coloured { &Palette::COLOURS } else { &Palette::PLAIN };
        let text = write(&checked, form, palette);
        report::write(&text)?;
        Ok(checked)
    });
    match told {
        Ok(checked) => {
            let counts = Counts::of(&checked);
            say(summary(checked.len(), counts));
            let open: BTreeSet<&str> = checked.iter().flat_map(|c| &c.open_variables).map(String::as_str).collect();
            if !open.is_empty() {
                let names: Vec<String> = open.iter().map(|name| format!("${{{name}}}")).collect();
                say(format_args!("not checked: what {} stands for; -D NAME=value gives a value", names.join(", ")));
            }
            let is_bad = counts.errors > 0 || arguments.deny_warnings && counts.warnings > 0;
            let is_bug = checked.iter().flat_map(|c| &c.findings).any(|f| f.is_bug);
            ExitCode::from(if is_bug { 70 } else { u8::from(is_bad) })
        }
        Err(e) => {
            say(format_args!("error: {e:#}"));
            ExitCode::from(2)
        }
    }
}

fn check_all(arguments: &Check, configuration: &Configuration) -> anyhow::Result<Vec<Checked>> {
    let allowed: Vec<String> = arguments.allow.iter().map(|code| code.to_uppercase()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(1)
        .build()
        .context("the I/O runtime could not be started")?;
    let _entered = runtime.enter();
    let directory = std::env::current_dir().context("the current directory is unknown")?;
    let check = |file: String, name: String, text: String| {
        let options = RunOptions {
            text,
            name,
            directory: directory.clone(),
            variables: configuration.variables(&arguments.define),
            defaults: configuration.set(),
            settings: arguments.set.iter().cloned().collect(),
            fresh: false,
            bounds: Bounds::default(),
        };
        let millstream_sql::Checked { mut findings, open_variables } = millstream_server::check(&options);
        findings.retain(|f| f.severity == Severity::Error || !f.code.is_some_and(|code| allowed.iter().any(|a| a == code)));
        Checked {
            file,
            text: options.text,
            findings,
            open_variables,
        }
    };
    if arguments.paths == [Path::new("-")] {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        return Ok(vec![check("stdin".to_string(), "stdin".to_string(), text)]);
    }
    let is_job = |path: &Path| !path.to_string_lossy().ends_with(".test.sql");
    let files = sql_files(&arguments.paths, is_job)?;
    if files.is_empty() {
        let paths: Vec<String> = arguments.paths.iter().map(|p| p.display().to_string()).collect();
        bail!("there is no *.sql file in {}", paths.join(", "));
    }
    let checked = files.iter().map(|path| {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let name = path.file_stem().map_or("job".to_string(), |s| s.to_string_lossy().into_owned());
        Ok(check(path.display().to_string(), name, text))
    });
    checked.collect()
}

fn summary(files: usize, counts: Counts) -> String {
    let counted = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let Counts { errors, warnings, advice } = counts;
    let mut found: Vec<String> = [(errors, "error", "errors"), (warnings, "warning", "warnings")]
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| counted(n, one, many))
        .collect();
    found.extend((advice > 0).then(|| format!("advice on {}", counted(advice, "place", "places"))));
    let found = if found.is_empty() { "nothing found".to_string() } else { found.join(", ") };
    format!("{} checked: {found}", counted(files, "file", "files"))
}
