//! `millstream sql`: text after text, in one session.

use crate::arguments::{pair, setting, subtasks};
use crate::config::Configuration;
use crate::display::{Display, Until};
use crate::files::read;
use crate::process::{Shown, io_runtime, stop_on_signals};
use crate::repl::{Notices, Opening, Part, Repl, command, parts};
use crate::report::{self, say};
use crate::show::Show;
use clap::{ArgMatches, Args, ValueEnum};
use millstream_dataflow::{Error, ErrorKind, Result};
use millstream_runtime::Control;
use millstream_server::{JobStatus, Observer, TextOptions, Workbench, WorkbenchOptions};
use millstream_sql::{OnError, Sources};
use std::collections::BTreeMap;
use std::future::pending;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

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
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Subtasks per operator; the number of cores if not given
    #[arg(short, long, value_name = "N", value_parser = subtasks, allow_negative_numbers = true)]
    parallelism: Option<u32>,
    /// Start a new life of the state of all jobs; what earlier lives wrote stays
    #[arg(long)]
    fresh: bool,
    /// Do not begin with the tables of the project and the user's init.sql
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

/// - `matches`: those of the verb, which know the order of -c and -f
pub(crate) fn sql(arguments: Sql, matches: Option<&ArgMatches>) -> ExitCode {
    let configuration = match Configuration::load() {
        Ok(configuration) => configuration,
        Err(wrong) => return report::wrong_configuration(&wrong),
    };
    let given = !arguments.command.is_empty() || !arguments.file.is_empty();
    let talks = !given && is_at_terminal();
    let notices = Notices::default();
    let shown = match Shown::new(&arguments.display, &configuration, talks.then(|| notices.clone())) {
        Ok(shown) => shown,
        Err(e) => return report::refused(e),
    };
    let init = match init(&arguments, &configuration) {
        Ok(init) => init,
        Err(e) => return report::refused(e),
    };
    if talks {
        return match open(&arguments, shown, &configuration, notices) {
            Ok(repl) => {
                repl.talk(&init);
                ExitCode::SUCCESS
            }
            Err(e) => report::failed_with(e),
        };
    }
    let texts = match texts(&arguments, matches) {
        Ok(texts) => texts,
        Err(e) => return report::refused(e),
    };
    match start(arguments, shown, &configuration, &[init, texts].concat()) {
        Ok(status) => ExitCode::from(status),
        Err(e) => report::failed_with(e),
    }
}

/// Runs one text as if nothing were configured; on a terminal its result renews itself.
///
/// - `time`: after which its queries end
pub(crate) fn show(display: Display, time: Option<Duration>, text: &Sources) -> ExitCode {
    let arguments = Sql {
        until: Until { time, ..Until::default() },
        display,
        ..Sql::default()
    };
    let (configuration, notices, watched) = (Configuration::default(), Notices::default(), is_at_terminal());
    let shown = match Shown::new(&arguments.display, &configuration, watched.then(|| notices.clone())) {
        Ok(shown) => shown,
        Err(e) => return report::refused(e),
    };
    let ended = match watched {
        true => open(&arguments, shown, &configuration, notices).map(|repl| u8::from(!repl.show(text))),
        false => start(arguments, shown, &configuration, std::slice::from_ref(text)),
    };
    ended.map_or_else(report::failed_with, ExitCode::from)
}

pub(crate) fn is_at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// What a session begins with: the files that the jobs of the project share, and the user's own.
fn init(arguments: &Sql, configuration: &Configuration) -> Result<Vec<Sources>> {
    if arguments.no_init {
        return Ok(Vec::new());
    }
    let shared = configuration.shared()?;
    let shared = (!shared.is_empty()).then(|| Ok(Sources::new(&shared, None)));
    let own = configuration.init_file().map(|file| read(&file).map(whole));
    shared.into_iter().chain(own).collect()
}

fn whole((name, text): (String, String)) -> Sources {
    Sources::new(&[], Some((name, text)))
}

/// All texts in the order they are given.
fn texts(arguments: &Sql, matches: Option<&ArgMatches>) -> Result<Vec<Sources>> {
    let places = |name: &str| matches.and_then(|m| m.indices_of(name)).into_iter().flatten();
    // Of several it is told which one is meant.
    let command = |number: usize| match arguments.command.len() {
        1 => "-c".to_string(),
        _ => format!("-c {number}"),
    };
    let commands = places("command")
        .zip(&arguments.command)
        .zip(1..)
        .map(|((at, text), number)| (at, Ok(Sources::from((command(number).as_str(), text.as_str())))));
    let files = places("file").zip(&arguments.file).map(|(at, file)| (at, read(file).map(whole)));
    let mut given: Vec<(usize, Result<Sources>)> = commands.chain(files).collect();
    if given.is_empty() {
        given.push((0, read(Path::new("-")).map(whole)));
    }
    given.sort_by_key(|(at, _)| *at);
    given.into_iter().map(|(_, text)| text).collect()
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

/// A session on the terminal.
fn open(arguments: &Sql, shown: Shown, configuration: &Configuration, notices: Notices) -> Result<Repl> {
    let (session, text) = options(arguments, configuration)?;
    let opening = Opening { session, text, shown, notices };
    Repl::open(opening)
}

/// Runs all texts; gives the exit status.
fn start(arguments: Sql, shown: Shown, configuration: &Configuration, texts: &[Sources]) -> Result<u8> {
    let runtime = io_runtime()?;
    let (session, options) = options(&arguments, configuration)?;
    let status = runtime.block_on(async {
        let show = Arc::new(Show::new(shown.format, shown.color));
        shown.serve(show.watched()).await?;
        let control = Control::default();
        stop_on_signals(&control)?;
        let telling = Arc::clone(&show);
        let workbench = Workbench::new(session, Arc::new(move |notice| telling.notice(&notice)));
        let status = run(&workbench, &show, texts, options, &control).await;
        show.finish();
        Ok(status)
    });
    // A reader that waits for a broker must not hold the process back.
    runtime.shutdown_background();
    status
}

/// Runs a text, and the statements that the commands in it stand for; whether it was stopped.
async fn run_text(
    workbench: &Workbench,
    text: &Sources,
    options: TextOptions,
    observer: &Arc<dyn Observer>,
    control: &Control,
) -> std::result::Result<bool, Vec<Error>> {
    let mut wrong = Vec::new();
    for part in parts(text.text()) {
        let ran = match part {
            Part::Sql(sql) => workbench.run(&sql, text, options, observer, control).await,
            Part::Command(line, number) => {
                let down = |e: Error| e.moved(|span| span.moved_down(number as u64 - 1));
                match command(&line, &workbench.known()) {
                    Ok(stands) => {
                        let ran = workbench.run(&stands.text, text, options, observer, control).await;
                        ran.map_err(|errors| errors.into_iter().map(|e| down(stands.told(e))).collect())
                    }
                    Err(e) => Err(vec![down(e)]),
                }
            }
        };
        match ran {
            Ok(false) => {}
            Ok(true) => return Ok(true),
            Err(errors) if options.on_error == OnError::Continue => wrong.extend(errors),
            Err(errors) => return Err(errors),
        }
    }
    if wrong.is_empty() { Ok(false) } else { Err(wrong) }
}

/// Runs the texts, and their jobs to the end; gives the exit status.
async fn run(workbench: &Workbench, show: &Arc<Show>, texts: &[Sources], options: TextOptions, control: &Control) -> u8 {
    let observer: Arc<dyn Observer> = Arc::clone(show) as _;
    let mut status = 0;
    for text in texts {
        let misplaced = text.misplaced();
        let ran = match misplaced.is_empty() {
            true => run_text(workbench, text, options, &observer, control).await,
            false => Err(misplaced),
        };
        match ran {
            Ok(false) => continue,
            Ok(true) => workbench.stop_all(),
            // As other filters do when their reader goes away.
            Err(errors) if errors.iter().all(|e| e.kind == ErrorKind::ReaderLeft) => workbench.stop_all(),
            Err(errors) => {
                report::errors_of(&errors, text);
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
        JobStatus::Failed(e) if e.kind != ErrorKind::ReaderLeft => Some(report::status([e.as_ref()])),
        _ => None,
    });
    failed.fold(status, u8::max)
}
