//! Errors for people, and all else that goes to stderr.

use crate::color::{Paint, errors_are_colored, paint, palette};
use crate::config::Wrong;
use crate::output;
use millstream_dataflow::{Clock, Error, ErrorKind};
use millstream_formats::render::timestamp_ms;
use millstream_runtime::SystemClock;
use millstream_sql::{Diagnostic, ERRORS_MAX, Severity, SourceFile, Sources};
use serde_json::{Map, Value};
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether lines on stderr are JSON objects, as those of the log then are.
static JSON: AtomicBool = AtomicBool::new(false);

pub(crate) fn speak_json() {
    JSON.store(true, Relaxed);
}

pub(crate) fn speaks_json() -> bool {
    JSON.load(Relaxed)
}

/// A line on stderr. That nobody reads it is no reason to stop.
pub(crate) fn say(line: impl Display) {
    if speaks_json() {
        return object("INFO", serde_json::json!({"message": line.to_string()}));
    }
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What has happened, with its numbers, in a JSON log.
pub(crate) fn event(message: &str, mut fields: Map<String, Value>) {
    fields.insert("message".to_string(), message.into());
    object("INFO", fields.into());
}

/// A line of the log as the log itself has them.
fn object(level: &str, fields: Value) {
    let now = timestamp_ms(SystemClock::default().now_ms()).replace(' ', "T");
    let object = serde_json::json!({"timestamp": now + "Z", "level": level, "fields": fields});
    let _ = writeln!(std::io::stderr(), "{object}");
}

/// A finding, with its parts where programs read it.
pub(crate) fn finding(finding: &Diagnostic, file: &str, text: impl Display) {
    if !speaks_json() {
        return say(text);
    }
    let level = match finding.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARN",
        Severity::Advice => "INFO",
    };
    let place = finding.primary.map(|span| span.start);
    let fields = serde_json::json!({
        "message": finding.message,
        "code": finding.code,
        "file": file,
        "line": place.map(|p| p.line),
        "column": place.map(|p| p.column),
        "notes": finding.notes,
        "helps": finding.helps,
    });
    object(level, fields);
}

/// A line about what may not be as it is meant.
pub(crate) fn warn(warning: impl Display) {
    say(format_args!(
        "{} {warning}",
        paint(errors_are_colored() && !speaks_json(), Paint::Yellow, "warning:")
    ));
}

/// A finding on one line.
pub(crate) fn warning(finding: &Diagnostic) {
    warn(line_of(finding));
}

/// `… (W0501, line 4); what to do`
pub(crate) fn line_of(finding: &Diagnostic) -> String {
    let line = finding.primary.map(|span| format!("line {}", span.start.line));
    let place: Vec<String> = finding.code.map(str::to_string).into_iter().chain(line).collect();
    let help = finding.helps.first().map_or(String::new(), |help| format!("; {help}"));
    format!("{} ({}){help}", finding.message, place.join(", "))
}

/// The warnings among findings; advice is for who asks.
pub(crate) fn warnings(findings: &[Diagnostic]) {
    findings.iter().filter(|f| f.severity == Severity::Warning).for_each(warning);
}

/// Writes to standard output. A reader that went away is no error, as for other filters.
///
/// # Errors
/// `Config` for what cannot be written: it is lost.
pub(crate) fn write(text: &str) -> Result<(), Error> {
    match output::print(text.as_bytes()) {
        Err(e) if e.kind == ErrorKind::ReaderLeft => Ok(()),
        written => written,
    }
}

/// The same for what is all that a program does.
pub(crate) fn print(text: &str) -> ExitCode {
    match write(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(format_args!("error: {e}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints why something failed, unless its reader has left: then it ends as other filters do.
pub(crate) fn failed(errors: &[Error], of: &Sources) -> ExitCode {
    if errors.iter().all(|e| e.kind == ErrorKind::ReaderLeft) {
        return ExitCode::SUCCESS;
    }
    errors_of(errors, of);
    ExitCode::from(status(errors))
}

/// The same for what is about no file.
pub(crate) fn failed_with(error: Error) -> ExitCode {
    failed(&[error], &Sources::default())
}

/// Prints what is wrong with what the user has asked for.
pub(crate) fn refused(error: Error) -> ExitCode {
    errors_of(&[error], &Sources::default());
    ExitCode::from(2)
}

/// Prints what is wrong with the configuration, as with arguments.
pub(crate) fn wrong_configuration(wrong: &Wrong) -> ExitCode {
    match &wrong.file {
        Some((file, text)) => errors(&wrong.errors, text, file),
        None => errors(&wrong.errors, "", "configuration"),
    }
    ExitCode::from(2)
}

/// The same for an error of any kind.
pub(crate) fn refused_for(error: anyhow::Error) -> ExitCode {
    match error.downcast::<Error>() {
        Ok(error) => refused(error),
        Err(error) => {
            say(format_args!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// The exit status that errors ask for.
pub(crate) fn status<'a>(errors: impl IntoIterator<Item = &'a Error>) -> u8 {
    let code = |e: &Error| match e.kind {
        ErrorKind::Bug => 70,
        ErrorKind::Unavailable => 5,
        _ => 1,
    };
    errors.into_iter().map(code).max().unwrap_or(1)
}

/// What is said of an error that is ours.
pub(crate) const BUG: &str = concat!(
    "  this is a bug in Millstream ",
    env!("CARGO_PKG_VERSION"),
    ": please report it with the file and this message"
);

/// Errors shown at most: whoever has more reads the first ones.
pub(crate) const SHOWN_MAX: usize = 20;

/// Prints the errors of a file to stderr.
pub(crate) fn errors(errors: &[Error], text: &str, file: &str) {
    errors_of(errors, &Sources::from((file, text)));
}

/// Prints the errors of several files to stderr.
pub(crate) fn errors_of(errors: &[Error], sources: &Sources) {
    for error in errors.iter().take(SHOWN_MAX) {
        let (told, SourceFile { name, text, .. }) = sources.placed(Diagnostic::from(error));
        let palette = palette(errors_are_colored(), std::io::stderr().is_terminal());
        finding(&told, &name, told.render(&text, &name, &palette).trim_end());
        if error.kind == ErrorKind::Bug {
            say(BUG);
        }
    }
    if errors.len() > 1 {
        let shown = errors.len().min(SHOWN_MAX);
        let first = if shown < errors.len() {
            format!(", the first {shown} are shown")
        } else {
            String::new()
        };
        let more = if errors.len() < ERRORS_MAX { "" } else { " or more" };
        say(format_args!("{} errors{more}{first}", errors.len()));
    }
}
