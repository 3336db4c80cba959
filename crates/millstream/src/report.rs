//! Errors for people, and all else that goes to stderr.

use millstream_dataflow::{Clock, Error, ErrorKind};
use millstream_formats::render::timestamp_ms;
use millstream_runtime::SystemClock;
use std::fmt::Display;
use std::io::Write;
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
        let now = timestamp_ms(SystemClock::default().now_ms()).replace(' ', "T");
        let object = serde_json::json!({"timestamp": now + "Z", "level": "INFO", "fields": {"message": line.to_string()}});
        let _ = writeln!(std::io::stderr(), "{object}");
        return;
    }
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Errors shown at most: whoever has more reads the first ones.
const SHOWN_MAX: usize = 20;

/// Prints the errors of a file to stderr.
pub(crate) fn errors(errors: &[Error], text: &str, file: &str) {
    for error in errors.iter().take(SHOWN_MAX) {
        say(format_args!("{}", millstream_sql::render(error, text, file).trim_end()));
        if error.kind == ErrorKind::Bug {
            say(format_args!(
                "  this is a bug in Millstream {}: please report it with the file and this message",
                env!("CARGO_PKG_VERSION")
            ));
        }
    }
    if errors.len() > 1 {
        let shown = errors.len().min(SHOWN_MAX);
        let first = if shown < errors.len() {
            format!(", the first {shown} are shown")
        } else {
            String::new()
        };
        say(format_args!("{} errors{first}", errors.len()));
    }
}
