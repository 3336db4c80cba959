//! What every verb that runs something needs of the process: its I/O runtime, signals, the log.

use crate::color::{color_errors, wanted};
use crate::config::Configuration;
use crate::display::{Color, Display, Format, LogFormat};
use crate::output::is_binary;
use crate::repl::Notices;
use crate::report::{self, say};
use millstream_dataflow::{Clock, Error};
use millstream_runtime::{Control, SystemClock};
use millstream_server::Watched;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// How things are shown: arguments, then the configuration, then what fits where they go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) format: Format,
    /// Whether results are in colour.
    pub(crate) color: bool,
    pub(crate) metrics: Option<SocketAddr>,
}

impl Shown {
    /// Also sets up the log.
    ///
    /// - `notices`: where it goes, if not to standard error
    ///
    /// # Errors
    /// `Config` for bytes on a terminal.
    pub(crate) fn new(display: &Display, configuration: &Configuration, notices: Option<Notices>) -> Result<Shown, Error> {
        let to_terminal = std::io::stdout().is_terminal();
        let color = display.color.or_else(|| configuration.one_of("color")).unwrap_or(Color::Auto);
        color_errors(wanted(color, std::io::stderr().is_terminal()));
        match notices {
            Some(notices) => log_from(LogFormat::Text, "warn", move || notices.clone()),
            None => log_from(
                display.log_format.or_else(|| configuration.one_of("log-format")).unwrap_or(LogFormat::Text),
                "warn",
                std::io::stderr,
            ),
        }
        let by_place = if to_terminal { Format::Table } else { Format::Jsonl };
        let format = display.format.or_else(|| configuration.one_of("format")).unwrap_or(by_place);
        if to_terminal && is_binary(format) {
            let e = Error::config("the format is no text: it is not written to a terminal").code("E0542");
            return Err(e.hint("send it to a file or a program: > result.arrow, or | …"));
        }
        Ok(Shown {
            format,
            color: wanted(color, to_terminal),
            metrics: display.metrics.or_else(|| configuration.metrics()),
        })
    }

    /// Serves metrics, if that is asked for.
    ///
    /// # Errors
    /// `Config` if the address cannot be bound.
    pub(crate) async fn serve(&self, watched: &Watched) -> Result<(), Error> {
        if let Some(address) = self.metrics {
            let bound = millstream_server::serve_metrics(address, Watched::clone(watched)).await?;
            say(format_args!("metrics at http://{bound}/metrics"));
        }
        Ok(())
    }
}

/// Runs I/O.
///
/// # Errors
/// `Config` if it cannot be started.
pub(crate) fn io_runtime() -> Result<tokio::runtime::Runtime, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let built = builder.enable_all().worker_threads(2).build();
    built.map_err(|e| Error::config("the I/O runtime could not be started").source(e))
}

/// What comes so soon after a signal is the same one.
const SAME_SIGNAL: Duration = Duration::from_millis(100);

/// The first SIGINT or SIGTERM asks for an orderly end, which a job takes a final checkpoint for; the second ends the process at once.
///
/// # Errors
/// `Config` if they cannot be listened to.
pub(crate) fn stop_on_signals(control: &Control) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e| Error::config("signals cannot be listened to").source(e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let control = control.clone();
    tokio::spawn(async move {
        let clock = SystemClock::default();
        let mut asked: Option<Duration> = None;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match asked {
                // One signal to the process and to its group, as `timeout` sends it.
                Some(at) if clock.monotonic() - at < SAME_SIGNAL => continue,
                Some(_) => std::process::exit(130),
                None => asked = Some(clock.monotonic()),
            }
            say(format_args!("stopping, a job after a final checkpoint; once more stops at once"));
            control.stop();
        }
    });
    Ok(())
}

/// - `level`: what is logged unless `MILLSTREAM_LOG` says something else
pub(crate) fn log_from(format: LogFormat, level: &str, writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MILLSTREAM_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        // A log that nobody reads is no reason to stop.
        .log_internal_errors(false)
        .with_target(false);
    // A second call in one process (tests) keeps the first subscriber.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(crate::color::errors_are_colored()).try_init(),
        LogFormat::Json => {
            report::speak_json();
            builder.json().try_init()
        }
    };
}
