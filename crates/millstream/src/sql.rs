//! `millstream sql`: text after text, in one session.

use crate::arguments::pair;
use crate::config::Configuration;
use crate::display::{Display, Until};
use crate::process::{Shown, io_runtime, stop_on_signals};
use crate::repl::{Notices, Opening, Repl};
use crate::report::{self, say};
use crate::show::Show;
use clap::{ArgMatches, Args, ValueEnum};
use millstream_dataflow::{Error, Result};
use millstream_runtime::Control;
use millstream_server::{JobStatus, Notice, Observer, READER_LEFT, TextOptions, Workbench, WorkbenchOptions};
use millstream_sql::OnError;
use std::collections::BTreeMap;
use std::future::pending;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Sql {
    /// Run a text; also several, with those of -f in the order they are given
    #[arg(short, long, value_name = "SQL")]
    command: Vec<String>,
    /// Run the text of a file; - reads standard input
    #[arg(short, long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// What becomes of the statements, and texts, behind a wrong one; stop if not given
    #[arg(long, value_enum, value_name = "WHAT")]
    on_error: Option<OnErrors>,
    /// Give ${NAME} in the texts a value
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = pair)]
    define: Vec<(String, String)>,
    /// Set an option of all jobs; SET does not change it
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Subtasks per operator; the number of cores if not given
    #[arg(short, long, value_name = "N")]
    parallelism: Option<u32>,
    /// Start a new life of the state of all jobs; what earlier lives wrote stays
    #[arg(long)]
    fresh: bool,
    /// Do not begin with the user's init.sql
    #[arg(long)]
    no_init: bool,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    display: Display,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnErrors {
    Stop,
    Continue,
}

/// A text to run, and what it is called.
struct Text {
    name: String,
    text: String,
}

/// - `matches`: those of the verb, which know the order of -c and -f
pub(crate) fn sql(arguments: Sql, matches: Option<&ArgMatches>) -> ExitCode {
    let usage = |e: Error| {
        report::errors(&[e], "", "arguments");
        ExitCode::from(2)
    };
    let configuration = match Configuration::load() {
        Ok(configuration) => configuration,
        Err(wrong) => return report::wrong_configuration(&wrong),
    };
    let given = !arguments.command.is_empty() || !arguments.file.is_empty();
    let talks = !given && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let notices = Notices::default();
    let shown = match Shown::new(&arguments.display, &configuration, talks.then(|| notices.clone())) {
        Ok(shown) => shown,
        Err(e) => return usage(e),
    };
    if talks {
        return match talk(arguments, shown, &configuration, notices) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => report::failed(&[e], "", "sql"),
        };
    }
    let texts = match texts(&arguments, matches, &configuration) {
        Ok(texts) => texts,
        Err(e) => return usage(e),
    };
    match start(arguments, shown, &configuration, texts) {
        Ok(status) => ExitCode::from(status),
        Err(e) => report::failed(&[e], "", "sql"),
    }
}

/// All texts in the order they are given, the user's first.
fn texts(arguments: &Sql, matches: Option<&ArgMatches>, configuration: &Configuration) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    if let Some(file) = configuration.init_file().filter(|_| !arguments.no_init) {
        texts.push(read(&file)?);
    }
    let places = |name: &str| matches.and_then(|m| m.indices_of(name)).into_iter().flatten();
    let commands = places("command").zip(&arguments.command).map(|(at, text)| {
        let name = "-c".to_string();
        (at, Ok(Text { name, text: text.clone() }))
    });
    let files = places("file").zip(&arguments.file).map(|(at, file)| (at, read(file)));
    let mut given: Vec<(usize, Result<Text>)> = commands.chain(files).collect();
    if given.is_empty() {
        given.push((0, read(Path::new("-"))));
    }
    given.sort_by_key(|(at, _)| *at);
    for (_, text) in given {
        texts.push(text?);
    }
    Ok(texts)
}

fn read(file: &Path) -> Result<Text> {
    let mut text = String::new();
    let (name, read) = if file.as_os_str() == "-" {
        ("standard input".to_string(), std::io::stdin().read_to_string(&mut text).map(drop))
    } else {
        (file.display().to_string(), std::fs::read_to_string(file).map(|t| text = t))
    };
    match read {
        Ok(()) => Ok(Text { name, text }),
        Err(e) => Err(Error::config(format!("{name} cannot be read")).code("E0544").source(e)),
    }
}

/// What holds for all texts, and for each.
fn options(arguments: &Sql, configuration: &Configuration) -> Result<(WorkbenchOptions, TextOptions)> {
    let directory = std::env::current_dir().map_err(|e| Error::config("the current directory is unknown").source(e))?;
    let mut settings: BTreeMap<String, String> = arguments.set.iter().cloned().collect();
    if let Some(parallelism) = arguments.parallelism {
        settings.insert("parallelism.default".to_string(), parallelism.to_string());
    }
    let mut variables = configuration.define();
    variables.extend(arguments.define.iter().cloned());
    let on_error = arguments.on_error.or_else(|| configuration.one_of("on-error"));
    let of_session = WorkbenchOptions {
        directory,
        variables,
        defaults: configuration.set(),
        settings,
        fresh: arguments.fresh,
    };
    let of_text = TextOptions {
        on_error: match on_error {
            Some(OnErrors::Continue) => OnError::Continue,
            Some(OnErrors::Stop) | None => OnError::Stop,
        },
        bounds: arguments.until.bounds(),
    };
    Ok((of_session, of_text))
}

/// Reads statements from the terminal, until its user leaves.
fn talk(arguments: Sql, shown: Shown, configuration: &Configuration, notices: Notices) -> Result<()> {
    let (session, text) = options(&arguments, configuration)?;
    let init = configuration.init_file().filter(|_| !arguments.no_init).map(|file| read(&file)).transpose()?;
    let opening = Opening {
        session,
        text,
        shown,
        init: init.map(|t| (t.name, t.text)),
        notices,
    };
    Repl::open(opening)?.talk();
    Ok(())
}

/// Runs all texts; gives the exit status.
fn start(arguments: Sql, shown: Shown, configuration: &Configuration, texts: Vec<Text>) -> Result<u8> {
    let runtime = io_runtime()?;
    let (session, options) = options(&arguments, configuration)?;
    let status = runtime.block_on(async {
        let show = Arc::new(Show::new(shown.format, shown.color));
        shown.serve(show.watched()).await?;
        let control = Control::default();
        stop_on_signals(&control)?;
        let (workbench, notices) = Workbench::new(session);
        let telling = tokio::spawn(tell(Arc::clone(&show), notices));
        let status = run(&workbench, &show, &texts, options, &control).await;
        // Nothing more happens in the background; what did is told.
        drop(workbench);
        let _told = telling.await;
        show.finish();
        Ok(status)
    });
    // A reader that waits for a broker must not hold the process back.
    runtime.shutdown_background();
    status
}

async fn tell(show: Arc<Show>, mut notices: Receiver<Notice>) {
    while let Some(notice) = notices.recv().await {
        show.notice(&notice);
    }
}

/// Runs the texts, and their jobs to the end; gives the exit status.
async fn run(workbench: &Workbench, show: &Arc<Show>, texts: &[Text], options: TextOptions, control: &Control) -> u8 {
    let observer: Arc<dyn Observer> = Arc::clone(show) as _;
    let mut status = 0;
    for text in texts {
        match workbench.run(&text.text, options, &observer, control).await {
            Ok(false) => continue,
            Ok(true) => workbench.stop_all(),
            // As other filters do when their reader goes away.
            Err(errors) if errors.iter().all(|e| e.code == Some(READER_LEFT)) => workbench.stop_all(),
            Err(errors) => {
                report::errors(&errors, &text.text, &text.name);
                status = status.max(report::status(&errors));
                if options.on_error == OnError::Continue {
                    continue;
                }
                workbench.stop_all();
            }
        }
        break;
    }
    let running: Vec<String> = workbench
        .jobs()
        .into_iter()
        .filter(|j| matches!(j.status, JobStatus::Running))
        .map(|j| j.name)
        .collect();
    if !running.is_empty() {
        say(format_args!(
            "waiting for {}: Ctrl-C or SIGTERM stops after a final checkpoint, the same command goes on from there",
            running.join(", ")
        ));
    }
    tokio::select! {
        () = workbench.wait_all() => {}
        _ = control.unless_stopped(pending::<Result<()>>()) => {
            workbench.stop_all();
            workbench.wait_all().await;
        }
    }
    let failed = workbench.jobs().into_iter().filter_map(|j| match j.status {
        JobStatus::Failed(e) if e.code != Some(READER_LEFT) => Some(report::status([e.as_ref()])),
        _ => None,
    });
    failed.fold(status, u8::max)
}
