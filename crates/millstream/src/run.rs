//! `millstream run`.

use crate::arguments::{LogFormat, Output, Run};
use crate::progress::Progress;
use crate::report::{self, say};
use crate::show::Show;
use anyhow::Context;
use millstream_dataflow::{Error, ErrorKind};
use millstream_runtime::Control;
use millstream_server::{Bounds, RunOptions};
use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

pub(crate) fn run(arguments: Run) -> ExitCode {
    log_to_stderr(arguments.log_format);
    let (text, name) = match read(&arguments) {
        Ok(read) => read,
        Err(e) => {
            say(format_args!("error: {e:#}"));
            return ExitCode::from(2);
        }
    };
    let file = arguments.file.display().to_string();
    match start(arguments, text.clone(), name) {
        Ok(()) => ExitCode::SUCCESS,
        // As other filters do when their reader goes away.
        Err(errors) if errors.iter().all(|e| e.code == Some(millstream_server::READER_LEFT)) => ExitCode::SUCCESS,
        Err(errors) => {
            report::errors(&errors, &text, &file);
            exit_code(&errors)
        }
    }
}

fn read(arguments: &Run) -> anyhow::Result<(String, String)> {
    if arguments.file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        return Ok((text, "stdin".to_string()));
    }
    let text = std::fs::read_to_string(&arguments.file).with_context(|| format!("{} cannot be read", arguments.file.display()))?;
    let name = arguments.file.file_stem().map_or("job".to_string(), |s| s.to_string_lossy().into_owned());
    Ok((text, name))
}

fn start(arguments: Run, text: String, name: String) -> Result<(), Vec<Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|e| vec![Error::config("the I/O runtime could not be started").source(e)])?;
    let directory = std::env::current_dir().map_err(|e| vec![Error::config("the current directory is unknown").source(e)])?;
    let mut settings: std::collections::BTreeMap<String, String> = arguments.set.into_iter().collect();
    if let Some(parallelism) = arguments.parallelism {
        settings.insert("parallelism.default".to_string(), parallelism.to_string());
    }
    let output = arguments
        .output
        .unwrap_or(if std::io::stdout().is_terminal() { Output::Table } else { Output::Json });
    let options = RunOptions {
        text,
        name,
        directory,
        variables: arguments.define.into_iter().collect(),
        settings,
        fresh: arguments.fresh,
        bounds: Bounds::default(),
        defaults: std::collections::BTreeMap::new(),
    };
    let control = Control::default();
    let current = Arc::new(Mutex::new(None));
    let end = runtime.block_on(async {
        if let Some(address) = arguments.metrics {
            let bound = millstream_server::serve_metrics(address, Arc::clone(&current)).await.map_err(|e| vec![e])?;
            say(format_args!("metrics at http://{bound}/metrics"));
        }
        stop_on_signals(&control).map_err(|e| vec![e])?;
        let show = Arc::new(Show::new(output, Progress::start(), current));
        let end = millstream_server::run(options, Arc::clone(&show) as _, control).await;
        show.finish();
        end
    });
    // A reader that waits for a broker must not hold the process back.
    runtime.shutdown_background();
    end
}

/// The first SIGINT or SIGTERM asks for an orderly end, which a job takes a final checkpoint for; the second ends the process at once.
fn stop_on_signals(control: &Control) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e| Error::config("signals cannot be listened to").source(e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let control = control.clone();
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked {
                std::process::exit(130);
            }
            asked = true;
            say(format_args!("stopping, a job after a final checkpoint; once more stops at once"));
            control.stop();
        }
    });
    Ok(())
}

fn log_to_stderr(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MILLSTREAM_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log that nobody reads is no reason to stop.
        .log_internal_errors(false)
        .with_target(false);
    // A second call in one process (tests) keeps the first subscriber.
    let _ = match format {
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
            .try_init(),
        LogFormat::Json => {
            report::speak_json();
            builder.json().try_init()
        }
    };
}

fn exit_code(errors: &[Error]) -> ExitCode {
    let code = |e: &Error| match e.kind {
        ErrorKind::Bug => 70,
        ErrorKind::Unavailable => 5,
        _ => 1,
    };
    ExitCode::from(errors.iter().map(code).max().unwrap_or(1))
}
