//! `millstream run`.

use crate::arguments::Run;
use crate::config::Configuration;
use crate::process::{Shown, io_runtime, stop_on_signals};
use crate::report::{self, say};
use crate::show::Show;
use anyhow::Context;
use millstream_dataflow::Error;
use millstream_runtime::Control;
use millstream_server::RunOptions;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn run(arguments: Run) -> ExitCode {
    let configuration = match Configuration::load() {
        Ok(configuration) => configuration,
        Err(wrong) => return report::wrong_configuration(&wrong),
    };
    let shown = match Shown::new(&arguments.display, &configuration, None) {
        Ok(shown) => shown,
        Err(e) => {
            report::errors(&[e], "", "arguments");
            return ExitCode::from(2);
        }
    };
    let (text, name) = match read(&arguments.file) {
        Ok(read) => read,
        Err(e) => {
            say(format_args!("error: {e:#}"));
            return ExitCode::from(2);
        }
    };
    let file = arguments.file.display().to_string();
    match start(arguments, shown, &configuration, text.clone(), name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(errors) => report::failed(&errors, &text, &file),
    }
}

/// A file's text, and the name of its job.
pub(crate) fn read(file: &Path) -> anyhow::Result<(String, String)> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        return Ok((text, "stdin".to_string()));
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = file.file_stem().map_or("job".to_string(), |s| s.to_string_lossy().into_owned());
    Ok((text, name))
}

fn start(arguments: Run, shown: Shown, configuration: &Configuration, text: String, name: String) -> Result<(), Vec<Error>> {
    let one = |e: Error| vec![e];
    let runtime = io_runtime().map_err(one)?;
    let directory = std::env::current_dir().map_err(|e| vec![Error::config("the current directory is unknown").source(e)])?;
    let mut settings: BTreeMap<String, String> = arguments.set.into_iter().collect();
    if let Some(parallelism) = arguments.parallelism {
        settings.insert("parallelism.default".to_string(), parallelism.to_string());
    }
    let variables = configuration.variables(&arguments.define);
    let options = RunOptions {
        text,
        name,
        directory,
        variables,
        defaults: configuration.set(),
        settings,
        fresh: arguments.fresh,
        bounds: arguments.until.bounds(),
    };
    let control = Control::default();
    let end = runtime.block_on(async {
        let show = Arc::new(Show::new(shown.format, shown.color));
        shown.serve(show.watched()).await.map_err(one)?;
        stop_on_signals(&control).map_err(one)?;
        let end = millstream_server::run(options, Arc::clone(&show) as _, control).await;
        show.finish();
        end
    });
    // A reader that waits for a broker must not hold the process back.
    runtime.shutdown_background();
    end
}
