//! The session at a terminal.

use crate::report;
use millstream_dataflow::Error;
use std::process::ExitCode;

/// Says that lines cannot be edited yet.
pub(crate) fn start() -> ExitCode {
    let e = Error::config("standard input is a terminal, and lines cannot be edited here yet").code("E0543");
    let e = e.hint("give the SQL with -c 'SELECT …', with -f FILE, or by a pipe: echo 'SELECT …' | millstream");
    report::errors(&[e], "", "terminal");
    ExitCode::from(2)
}
