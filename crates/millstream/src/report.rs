//! Errors for people.

use millstream_dataflow::{Error, ErrorKind};

/// Prints all errors of a file to stderr.
pub(crate) fn errors(errors: &[Error], text: &str, file: &str) {
    for error in errors {
        eprintln!("{}", millstream_sql::render(error, text, file).trim_end());
        if error.kind == ErrorKind::Bug {
            eprintln!(
                "  this is a bug in Millstream {}: please report it with the file and this message",
                env!("CARGO_PKG_VERSION")
            );
        }
    }
    if errors.len() > 1 {
        eprintln!("{} errors", errors.len());
    }
}
