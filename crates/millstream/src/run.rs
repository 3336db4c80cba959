//! `millstream run`.

use crate::arguments::Run;
use crate::config::Configuration;
use crate::files::{job_name, sources};
use crate::process::{Shown, io_runtime, stop_on_signals};
use crate::report;
use crate::show::Show;
use millstream_dataflow::Error;
use millstream_runtime::Control;
use millstream_server::RunOptions;
use millstream_sql::Sources;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn run(arguments: Run) -> ExitCode {
    let configuration = match Configuration::load() {
        Ok(configuration) => configuration,
        Err(wrong) => return report::wrong_configuration(&wrong),
    };
    let shown = match Shown::new(&arguments.display, &configuration, None) {
        Ok(shown) => shown,
        Err(e) => return report::refused(e),
    };
    let sources = match sources(&arguments.file, &configuration) {
        Ok(sources) => sources,
        Err(e) => return report::refused(e),
    };
    match start(arguments, shown, &configuration, sources.clone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(errors) => report::failed(&errors, &sources),
    }
}

fn start(arguments: Run, shown: Shown, configuration: &Configuration, sources: Sources) -> Result<(), Vec<Error>> {
    let one = |e: Error| vec![e];
    let runtime = io_runtime().map_err(one)?;
    let directory = std::env::current_dir().map_err(|e| vec![Error::config("the current directory is unknown").source(e)])?;
    let mut settings: BTreeMap<String, String> = arguments.set.into_iter().collect();
    if let Some(parallelism) = arguments.parallelism {
        settings.insert("parallelism.default".to_string(), parallelism.to_string());
    }
    let variables = configuration.variables(&arguments.define);
    let options = RunOptions {
        sources,
        name: job_name(&arguments.file),
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
