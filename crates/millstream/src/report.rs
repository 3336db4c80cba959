//! Errors for people, and all else that goes to stderr.

use millstream_dataflow::{Error, ErrorKind};
use std::fmt::Display;
use std::io::Write;

/// A line on stderr. That nobody reads it is no reason to stop.
pub(crate) fn say(line: impl Display) {
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
