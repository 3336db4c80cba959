//! `millstream check`.

use crate::arguments::{pair, setting};
use crate::color::{palette, wanted};
use crate::config::Configuration;
use crate::display::Color;
use crate::files::{is_test, job_name, read, sql_files};
use crate::findings::{Checked, Counts, Form, write};
use crate::report::{self, say};
use anyhow::{Context, bail};
use clap::Args;
use millstream_dataflow::ErrorKind;
use millstream_server::testing::{FileReport, TestOptions, test_file};
use millstream_server::{Bounds, RunOptions};
use millstream_sql::{Diagnostic, Severity, Sources};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// SQL files, tests among them, and directories whose *.sql files are meant; - reads standard input
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Give ${NAME} in the files a value
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = pair)]
    define: Vec<(String, String)>,
    /// Set an option of the jobs; wins over SET in the files
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
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
    /// Ask brokers, schema registries and stores, too, whether the jobs can run; each ${NAME} needs a value. Nothing is changed there
    #[arg(long)]
    online: bool,
    /// Do not tell this, as in W0403; in a file, `-- lint: allow W0403` does so for a statement
    #[arg(value_parser = lint, long, value_name = "CODE", value_delimiter = ',')]
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
        let is_terminal = std::io::stdout().is_terminal();
        let palette = palette(wanted(arguments.color, is_terminal), is_terminal);
        let text = write(&checked, form, &palette);
        report::write(&text)?;
        Ok(checked)
    });
    match told {
        Ok(checked) => {
            let counts = Counts::of(&checked);
            say(summary(checked.len(), counts));
            for c in checked.iter().filter(|c| c.further > 0) {
                say(format_args!(
                    "{} has {} more: mend those that are told first",
                    c.file,
                    counted(c.further, "error", "errors")
                ));
            }
            let open: BTreeSet<&str> = checked.iter().flat_map(|c| &c.open_variables).map(String::as_str).collect();
            if !open.is_empty() {
                let names: Vec<String> = open.iter().map(|name| format!("${{{name}}}")).collect();
                say(format_args!("not checked: what {} stands for; -D NAME=value gives a value", names.join(", ")));
            }
            let kinds: Vec<ErrorKind> = checked.iter().flat_map(|c| &c.findings).filter_map(|f| f.kind).collect();
            ExitCode::from(if kinds.contains(&ErrorKind::Bug) {
                70
            } else if !kinds.is_empty() && kinds.iter().all(|kind| *kind == ErrorKind::Unavailable) {
                5
            } else {
                u8::from(counts.errors > 0 || arguments.deny_warnings && counts.warnings > 0)
            })
        }
        Err(e) => report::refused_for(e),
    }
}

fn check_all(arguments: &Check, configuration: &Configuration) -> anyhow::Result<Vec<Checked>> {
    let allowed = &arguments.allow;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(1)
        .build()
        .context("the I/O runtime could not be started")?;
    let _entered = runtime.enter();
    let directory = std::env::current_dir().context("the current directory is unknown")?;
    let shared = configuration.shared()?;
    // What is told online of each job, and of the files that it shares with others.
    let answers: RefCell<Vec<Checked>> = RefCell::default();
    let check = |sources: Sources, name: String| {
        let options = RunOptions {
            sources,
            name,
            directory: directory.clone(),
            variables: configuration.variables(&arguments.define),
            defaults: configuration.set(),
            settings: arguments.set.iter().cloned().collect(),
            fresh: false,
            bounds: Bounds::default(),
        };
        let is_told = |f: &Diagnostic| f.severity == Severity::Error || !f.code.is_some_and(|code| allowed.iter().any(|a| a == code));
        let millstream_sql::Checked {
            mut findings,
            further,
            open_variables,
        } = millstream_server::check(&options);
        // Of a file that is wrong nobody asks more.
        if arguments.online && !findings.iter().any(|f| f.severity == Severity::Error) {
            let mut told = runtime.block_on(millstream_server::ask(&options));
            told.retain(is_told);
            answers.borrow_mut().extend(by_file(&options.sources, told, &BTreeSet::new()));
        }
        findings.retain(is_told);
        let mut checked = by_file(&options.sources, findings, &open_variables);
        if let Some(last) = checked.last_mut() {
            last.further = further;
        }
        checked
    };
    let of_shared = match shared.is_empty() {
        true => Vec::new(),
        false => check(Sources::new(&shared, None), "tables".to_string()),
    };
    let of_job = |own: (String, String), name: String| check(Sources::new(&shared, Some(own)), name).pop();
    if arguments.paths == [Path::new("-")] {
        let text = read(Path::new("-"))?;
        let shared = of_shared.into_iter().filter(Checked::has_errors);
        let mut checked = shared.chain(of_job(text, job_name(Path::new("-")))).collect();
        add(answers.take(), &mut checked);
        return Ok(checked);
    }
    let files = sql_files(&arguments.paths, |_| true)?;
    if files.is_empty() {
        let paths: Vec<String> = arguments.paths.iter().map(|p| p.display().to_string()).collect();
        bail!("there is no *.sql file in {}", paths.join(", "));
    }
    let given: BTreeMap<PathBuf, usize> = files.iter().enumerate().map(|(i, file)| (whole(file), i)).collect();
    let place = |c: &Checked| given.get(&whole(Path::new(&c.file))).copied();
    let mut checked: Vec<Checked> = of_shared.into_iter().filter(|c| c.has_errors() || place(c).is_some()).collect();
    let (tests, jobs): (Vec<&PathBuf>, _) = files.iter().partition(|path| is_test(path));
    let are_shared: BTreeSet<PathBuf> = shared.iter().map(|(name, _)| whole(Path::new(name))).collect();
    for path in jobs.into_iter().filter(|path| !are_shared.contains(&whole(path))) {
        checked.extend(of_job(read(path)?, job_name(path)));
    }
    let options = TestOptions {
        shared: shared.clone(),
        filter: None,
        variables: configuration.variables(&arguments.define),
        cells: Vec::new(),
        directory: directory.clone(),
    };
    for path in tests {
        let (name, text) = read(path)?;
        of_test(test_file(&name, &text, &options, runtime.handle()), &mut checked);
    }
    add(answers.take(), &mut checked);
    checked.sort_by_cached_key(place);
    Ok(checked)
}

/// Adds what is told of files, once.
fn add(answers: Vec<Checked>, checked: &mut Vec<Checked>) {
    for mut answer in answers.into_iter().filter(|a| !a.findings.is_empty()) {
        match checked.iter_mut().find(|c| c.file == answer.file) {
            Some(known) => {
                answer.findings.retain(|f| !known.findings.contains(f));
                known.findings.append(&mut answer.findings);
                known.findings.sort_by_key(|f| f.primary.map(|span| span.start));
            }
            None => checked.push(answer),
        }
    }
}

/// What is wrong with a test file; and with its jobs, unless that is known.
fn of_test(report: FileReport, checked: &mut Vec<Checked>) {
    let tests = || report.tests.iter();
    let errors = report.errors.iter().chain(tests().flat_map(|t| &t.errors)).map(Diagnostic::from);
    let findings = tests().flat_map(|t| &t.findings).map(|f| Diagnostic::from(&f.error()));
    checked.push(Checked {
        findings: errors.chain(findings).collect(),
        file: report.path.clone(),
        text: report.text.clone(),
        further: 0,
        open_variables: BTreeSet::new(),
    });
    for test in tests() {
        let errors = test.job_errors.iter().map(Diagnostic::from).collect();
        for job in by_file(&test.job, errors, &BTreeSet::new()).into_iter().filter(Checked::has_errors) {
            if !checked.iter().any(|c| whole(Path::new(&c.file)) == whole(Path::new(&job.file))) {
                checked.push(job);
            }
        }
    }
}

/// The path by which a file is known, however it is named.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// What was found, for each file.
fn by_file(sources: &Sources, findings: Vec<Diagnostic>, open: &BTreeSet<String>) -> Vec<Checked> {
    let mut all: Vec<Checked> = sources
        .files()
        .iter()
        .map(|file| Checked {
            file: file.name.clone(),
            text: file.text.clone(),
            findings: Vec::new(),
            further: 0,
            open_variables: open.clone(),
        })
        .collect();
    for finding in findings {
        let (finding, file) = sources.placed(finding);
        all.iter_mut().filter(|c| c.file == file.name).for_each(|c| c.findings.push(finding.clone()));
    }
    all
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn summary(files: usize, counts: Counts) -> String {
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

/// The code of a lint.
fn lint(code: &str) -> Result<String, String> {
    let code = code.trim().to_uppercase();
    match code.starts_with('W') && millstream_sql::catalogue::entry(&code).is_some() {
        true => Ok(code),
        false => Err("there is no such lint: docs/errors.md lists them, W0401 and others".to_string()),
    }
}
