//! `millstream explain`.

use crate::arguments::{pair, setting};
use crate::config::Configuration;
use crate::files::{job_name, sources};
use crate::process::io_runtime;
use crate::report::{self, print};
use clap::{Args, ValueEnum};
use millstream_dataflow::Error;
use millstream_server::{ExplainForm, ExplainOptions, Explained};
use millstream_sql::Sources;
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A SQL file, whose INSERTs or SELECT are explained, - for standard input; or the code of an error, such as E0402
    what: String,
    /// Give ${NAME} in the file a value
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = pair)]
    define: Vec<(String, String)>,
    /// Set an option of the job; wins over SET in the file
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Explain the N-th SELECT of the file rather than its INSERTs
    #[arg(long, value_name = "N")]
    query: Option<usize>,
    /// How the plan is shown
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree, as EXPLAIN shows it
    Text,
    /// All facts, for programs
    Json,
    /// A flowchart for Markdown pages
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
}

pub(crate) fn run(arguments: Explain) -> ExitCode {
    if is_code(&arguments.what) {
        return match millstream_sql::catalogue::explain(&arguments.what) {
            Ok(page) => print(&page),
            Err(e) => report::refused(e),
        };
    }
    let configuration = match Configuration::load() {
        Ok(configuration) => configuration,
        Err(wrong) => return report::wrong_configuration(&wrong),
    };
    let sources = match sources(Path::new(&arguments.what), &configuration) {
        Ok(sources) => sources,
        Err(e) => return report::refused(e),
    };
    match explained(arguments, &configuration, sources.clone()) {
        Ok(Explained { shown, findings }) => {
            report::warnings(&findings);
            print(&shown)
        }
        Err(errors) => report::failed(&errors, &sources),
    }
}

/// `E0402`, `W0101`
fn is_code(what: &str) -> bool {
    let digits = what.strip_prefix(['E', 'W', 'e', 'w']);
    digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
}

fn explained(arguments: Explain, configuration: &Configuration, sources: Sources) -> Result<Explained, Vec<Error>> {
    let runtime = io_runtime().map_err(|e| vec![e])?;
    let directory = std::env::current_dir().map_err(|e| vec![Error::config("the current directory is unknown").source(e)])?;
    let made = runtime.block_on(millstream_server::explain(ExplainOptions {
        sources,
        name: job_name(Path::new(&arguments.what)),
        directory,
        variables: configuration.variables(&arguments.define),
        defaults: configuration.set(),
        settings: arguments.set.into_iter().collect(),
        query: arguments.query,
        form: match arguments.format {
            Format::Text => ExplainForm::Text,
            Format::Json => ExplainForm::Json,
            Format::Mermaid => ExplainForm::Mermaid,
            Format::Dot => ExplainForm::Dot,
            Format::Svg => ExplainForm::Svg,
        },
    }));
    runtime.shutdown_background();
    made
}
