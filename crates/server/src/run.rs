//! Runs a job file: its statements in order, its INSERTs as one job at the end.

use crate::catalogs::Catalogs;
use crate::observer::{Event, Observer, QueryEnd, warn};
use crate::resume::Life;
use crate::runner::{Bounds, Runner, Start};
use millstream_dataflow::{Error, Result};
use millstream_runtime::Control;
use millstream_sql::{CompileOptions, Declared, Session, Sources, Step};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What to run and how.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The file, behind those that the jobs of its project share.
    pub sources: Sources,
    /// The file's stem: the job's name unless `pipeline.name` is set.
    pub name: String,
    /// Relative paths, of tables and of `.millstream`, start here.
    pub directory: PathBuf,
    /// `-D NAME=value`
    pub variables: BTreeMap<String, String>,
    /// What is set before the file.
    pub defaults: BTreeMap<String, String>,
    /// `--set key=value`: wins over SET in the file.
    pub settings: BTreeMap<String, String>,
    /// Start a new life of the job's state.
    pub fresh: bool,
    /// What ends a query before its input does; the time ends a job, too.
    pub bounds: Bounds,
}

/// Runs all statements of a file. Must be called on a tokio runtime with several threads.
///
/// # Errors
/// All errors of the files before anything runs, with places in the whole text; later the one that ended a job.
pub async fn run(options: RunOptions, observer: Arc<dyn Observer>, control: Control) -> Result<(), Vec<Error>> {
    let one = |e: Error| vec![e];
    let runner = Runner::new(&options.directory, &options.name);
    let catalogs = Arc::new(Catalogs::new(options.directory.clone(), Handle::current()));
    let (life, bounds) = (if options.fresh { Life::New } else { Life::Same }, options.bounds);
    let (registry, kept) = (runner.registry.clone(), Arc::clone(&catalogs));
    // Nothing has begun yet that a stop would have to bring to an end.
    let planning = tokio::task::spawn_blocking(move || {
        let compile_options = CompileOptions {
            registry: &registry,
            catalogs: Some(kept.as_ref()),
            variables: &options.variables,
            settings: &options.settings,
            job_name: Some(&options.name),
        };
        let compiled = options.sources.compile(Session::new(options.defaults), &compile_options);
        compiled.map(|compiled| (compiled, options.sources))
    });
    let planning = async { planning.await.map_err(|e| Error::bug("planning ended early").source(e)) };
    let Some(compiled) = control.unless_stopped(planning).await.map_err(one)? else {
        return Ok(());
    };
    let (compiled, sources) = compiled?;
    let applied = control.unless_stopped(catalogs.apply(&compiled.changes)).await;
    if applied.map_err(one)?.is_none() {
        return Ok(());
    }
    warn(&sources.of_own(compiled.findings), observer.as_ref()).map_err(one)?;
    if compiled.steps.is_empty() {
        let changed = compiled.changes.len();
        observer.event(Event::NothingToRun { changed }).map_err(one)?;
    }
    let placed = |e: Error| vec![compiled.places.of(e, &Declared::default())];
    for step in compiled.steps {
        match step {
            Step::Explain(text) => observer.event(Event::Explain(&text)).map_err(one)?,
            Step::Statement(text) => observer.event(Event::Statement(&text)).map_err(one)?,
            Step::Settings(list) => observer.event(Event::Settings(&list)).map_err(one)?,
            Step::Query(query) => {
                if runner.query(*query, bounds, &observer, &control).await.map_err(placed)? == QueryEnd::Stopped {
                    return Ok(());
                }
            }
            Step::Insert(plan) => match runner.prepare(&plan, life, &control).await.map_err(placed)? {
                Start::Stopped => return Ok(()),
                Start::FinishedBefore(at_ms) => {
                    let name = &plan.name;
                    observer.event(Event::JobFinishedBefore { name, at_ms }).map_err(one)?;
                }
                Start::Job(job) => {
                    let metrics = Arc::clone(&job.metrics);
                    let started = Event::JobStarted {
                        name: &plan.name,
                        metrics: &metrics,
                        resumed: job.resumed,
                        state: &job.state,
                    };
                    observer.event(started).map_err(one)?;
                    let mut running = Box::pin(job.run(&control));
                    let (outcome, seconds) = tokio::select! {
                        ended = &mut running => ended,
                        () = runner.time_is_up(bounds) => {
                            control.stop();
                            running.await
                        }
                    }
                    .map_err(placed)?;
                    let ended = Event::JobEnded {
                        name: &plan.name,
                        metrics: &metrics,
                        outcome,
                        seconds,
                    };
                    observer.event(ended).map_err(one)?;
                }
            },
        }
    }
    Ok(())
}
