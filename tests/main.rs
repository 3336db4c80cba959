//! All integration tests, as one binary: `cargo test -p tests [FILTER]`.
//!
//! Each module lists its trials. A trial whose server cannot be had is reported as ignored with its reason; with `CI=true` it fails.

mod azure;
mod broken;
mod catalogs;
mod catalogue;
mod check;
mod cli;
mod conformance;
mod console;
mod docs;
mod explain;
mod faults;
mod filesystem;
mod format;
mod gcs;
mod grammar;
mod http;
mod kafka;
mod monitoring;
mod mutations;
mod picture;
mod plans;
mod project;
mod readers;
mod reference;
mod repl;
mod s3;
mod shell;
mod simulation;
mod slt;
mod surface;
mod terminal;
mod test_files;
mod tidy;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use tests::{broker, harness, intercept, suites};

fn main() -> ExitCode {
    // Jobs run in processes of their own, so that they can be killed: this binary is Millstream, too.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|a| a == harness::AS_MILLSTREAM) {
        return millstream::main(std::iter::once("millstream".into()).chain(arguments));
    }
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(tidy::trials());
    trials.extend(conformance::trials());
    trials.extend(azure::trials());
    trials.extend(broken::trials());
    trials.extend(catalogs::trials());
    trials.extend(catalogue::trials());
    trials.extend(check::trials());
    trials.extend(cli::trials());
    trials.extend(docs::trials());
    trials.extend(explain::trials());
    trials.extend(faults::trials());
    trials.extend(filesystem::trials());
    trials.extend(format::trials());
    trials.extend(http::trials());
    trials.extend(mutations::trials());
    trials.extend(gcs::trials());
    trials.extend(grammar::trials());
    trials.extend(kafka::trials());
    trials.extend(picture::trials());
    trials.extend(plans::trials());
    trials.extend(project::trials());
    trials.extend(readers::trials());
    trials.extend(reference::trials());
    trials.extend(repl::trials());
    trials.extend(s3::trials());
    trials.extend(shell::trials());
    trials.extend(slt::trials());
    trials.extend(surface::trials());
    trials.extend(test_files::trials());
    trials.extend(simulation::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
