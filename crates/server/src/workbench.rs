//! The engine of a session: texts one after the other, their INSERTs as jobs beside them.

mod jobs;
mod tap;

use crate::catalogs::Catalogs;
use crate::observer::{Event, Observer, QueryEnd, warn};
use crate::resume::Life;
use crate::runner::{Bounds, Runner, Start};
use jobs::Jobs;
pub use jobs::{JobInfo, JobStatus, Listener, Notice};
use millstream_connectors::Printer;
use millstream_dataflow::{Error, ErrorKind, Registry, Result, Span};
use millstream_plan::{Job as Plan, Settings};
use millstream_runtime::Control;
use millstream_sql::{CompileOptions, Compiled, Declared, Failed, Known, OnError, Places, Session, Sources, Step};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// What holds for all texts of a session.
#[derive(Debug, Clone, Default)]
pub struct WorkbenchOptions {
    /// Relative paths, of tables and of `.millstream`, start here.
    pub directory: PathBuf,
    /// What `${NAME}` stands for.
    pub variables: BTreeMap<String, String>,
    /// What is set from the beginning.
    pub defaults: BTreeMap<String, String>,
    /// What SET does not change.
    pub settings: BTreeMap<String, String>,
    /// Jobs start a new life of their state.
    pub fresh: bool,
}

/// How a text is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextOptions {
    pub on_error: OnError,
    /// What ends its queries before their input does.
    pub bounds: Bounds,
}

/// Runs the texts of one session in this process. Its jobs go on without it until the runtime ends: stop them and wait first.
pub struct Workbench {
    runner: Runner,
    catalogs: Arc<Catalogs>,
    options: Arc<WorkbenchOptions>,
    // A std mutex: held to copy the session, or to put another one in its place.
    session: Mutex<Session>,
    // A std mutex: held to take the places of a text, and to hand them out.
    declared: Mutex<Arc<Declared>>,
    /// Texts come one after the other.
    turn: tokio::sync::Mutex<()>,
    jobs: Jobs,
}

/// How long whoever types waits for topics and subjects.
const NAMES_WAIT: Duration = Duration::from_secs(1);

/// Names tried for a job that has none of its own.
const NAMES_MAX: usize = 100;

/// A text's files, and where in them things stand.
struct Placed {
    files: Arc<Sources>,
    places: Arc<Places>,
    /// What earlier texts have made.
    declared: Arc<Declared>,
}

impl Workbench {
    /// A session without names, and who hears what happens in the background. Must be called on a tokio runtime with several threads.
    pub fn new(options: WorkbenchOptions, listener: Listener) -> Workbench {
        Workbench::printing(options, listener, None)
    }
    /// The same, with another place than the standard output for what `print` tables print.
    pub fn printing(options: WorkbenchOptions, listener: Listener, printer: Option<Printer>) -> Workbench {
        let runner = Runner::printing(&options.directory, "query", printer);
        Workbench {
            catalogs: Arc::new(Catalogs::new(options.directory.clone(), Handle::current())),
            jobs: Jobs::new(listener, runner.rim.clone()),
            runner,
            session: Mutex::new(Session::new(options.defaults.clone())),
            declared: Mutex::default(),
            options: Arc::new(options),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Runs a text: its queries one after the other, then its INSERTs as one job in the background. A stop ends the query that runs, and the
    /// text with it; jobs go on. Says whether a stop was asked for.
    ///
    /// - `files`: what places in the text lead to, for errors of its tables that come with later texts
    ///
    /// # Errors
    /// All that is wrong with the text, once what is right of it has run ([`Session::compile`]), and what ended queries before that.
    pub async fn run(&self, text: &str, files: &Sources, options: TextOptions, observer: &Arc<dyn Observer>, control: &Control) -> Result<bool, Vec<Error>> {
        let one = |e: Error| vec![e];
        let _turn = self.turn.lock().await;
        let Some((session, compiled)) = control.unless_stopped(self.compile(text, options.on_error)).await.map_err(one)? else {
            return Ok(true);
        };
        let (mut compiled, errors) = match compiled {
            Ok(compiled) => (compiled, Vec::new()),
            Err(failed) => (*failed.done, failed.errors),
        };
        // Only what is stored holds: a change that cannot be made leaves the session as it was.
        if control.unless_stopped(self.catalogs.apply(&compiled.changes)).await.map_err(one)?.is_none() {
            return Ok(true);
        }
        *self.session() = session;
        let text = self.placed(files, std::mem::take(&mut compiled.places));
        let (stopped, mut failed) = self.steps(&text, compiled, options, observer, control).await;
        failed.extend(errors);
        if failed.is_empty() { Ok(stopped) } else { Err(failed) }
    }

    /// The text compiled, and the session as it is then.
    async fn compile(&self, text: &str, on_error: OnError) -> Result<(Session, Result<Compiled, Failed>)> {
        let mut session = self.session().clone();
        let (registry, catalogs) = (self.runner.registry.clone(), Arc::clone(&self.catalogs));
        let (options, text) = (Arc::clone(&self.options), text.to_string());
        let planning = tokio::task::spawn_blocking(move || {
            let compile_options = CompileOptions {
                registry: &registry,
                catalogs: Some(catalogs.as_ref()),
                variables: &options.variables,
                settings: &options.settings,
                job_name: None,
            };
            let compiled = session.compile(&text, &compile_options, on_error);
            (session, compiled)
        });
        planning.await.map_err(|e| Error::bug("planning ended early").source(e))
    }

    /// A text with its places; those of its tables are kept for the texts after it.
    fn placed(&self, files: &Sources, places: Places) -> Placed {
        let mut kept = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        let declared = Arc::clone(&kept);
        let files = Arc::new(files.clone());
        Arc::make_mut(&mut kept).take(&places, &files);
        let places = Arc::new(places);
        Placed { files, places, declared }
    }

    /// Runs what a text comes to: whether a stop was asked for, and what has failed.
    async fn steps(&self, text: &Placed, compiled: Compiled, options: TextOptions, observer: &Arc<dyn Observer>, control: &Control) -> (bool, Vec<Error>) {
        let mut failed: Vec<Error> = warn(&compiled.findings, observer.as_ref()).err().into_iter().collect();
        let named = compiled.settings.contains_key("pipeline.name");
        for step in compiled.steps {
            let done = match step {
                Step::Explain(text) => observer.event(Event::Explain(&text)).map(|()| false),
                Step::Statement(text) => observer.event(Event::Statement(&text)).map(|()| false),
                Step::Settings(list) => observer.event(Event::Settings(&list)).map(|()| false),
                Step::Query(query) => {
                    let end = self.runner.query(*query, options.bounds, observer, control).await;
                    end.map(|end| end == QueryEnd::Stopped)
                }
                Step::Insert(plan) => self.insert(plan, named, text, observer, control).await,
            };
            match done {
                Ok(false) => {}
                Ok(true) => return (true, failed),
                Err(e) => {
                    let goes_on = options.on_error == OnError::Continue && e.kind != ErrorKind::ReaderLeft;
                    failed.push(text.places.of(e, &text.declared));
                    if !goes_on {
                        break;
                    }
                }
            }
        }
        (false, failed)
    }

    /// Starts INSERTs, and waits for their end if that is set; whether a stop was asked for.
    ///
    /// # Errors
    /// Why they cannot be started; or that they have failed, which a notice tells more of.
    async fn insert(&self, plan: Plan, named: bool, text: &Placed, observer: &Arc<dyn Observer>, control: &Control) -> Result<bool> {
        let waits = Settings::new(&plan.settings)?.dml_sync;
        let Some(name) = self.start(plan, named, text, observer, control).await? else {
            return Ok(false);
        };
        let ended = async {
            self.jobs.ended(&name).await;
            Ok(())
        };
        if !waits {
            return Ok(false);
        }
        let stopped = control.unless_stopped(ended).await?.is_none();
        match self.jobs().into_iter().find(|j| j.name == name).map(|j| j.status) {
            Some(JobStatus::Failed(e)) => Err(Error::new(e.kind, format!("what comes after job {name} does not run: it has failed"))),
            _ => Ok(stopped),
        }
    }

    /// Starts INSERTs in the background; gives the job's name, if there is something to do.
    ///
    /// A job that `pipeline.name` names is that one: it goes on where it was, and has finished if it has. One that is called after its table
    /// goes on, too, if it was stopped; but what has finished is done once more, and what was another job's gets another name.
    async fn start(&self, mut plan: Plan, named: bool, text: &Placed, observer: &Arc<dyn Observer>, control: &Control) -> Result<Option<String>> {
        let life = match (self.options.fresh, named) {
            (true, _) => Life::New,
            (false, true) => Life::Same,
            (false, false) => Life::SameUnlessFinished,
        };
        let base = plan.name.clone();
        let mut number = 1;
        let job = loop {
            let other = number < NAMES_MAX && !named;
            if self.jobs.is_running(&plan.name) {
                if !other {
                    let e = Error::config(format!("a job \"{}\" is running", plan.name)).code("E0608");
                    let e = e.hint("stop it first, or give this one another name: SET 'pipeline.name' = '…'");
                    return Err(text.places.of_inserts(e));
                }
            } else {
                let runner = Runner {
                    registry: self.runner.registry.for_job(&plan.name),
                    ..self.runner.clone()
                };
                match runner.prepare(&plan, life, control).await {
                    Err(e) if other && matches!(e.code, Some("E0602" | "E0606")) => {}
                    Err(e) => return Err(e),
                    Ok(Start::Stopped) => return Ok(None),
                    Ok(Start::FinishedBefore(at_ms)) => {
                        observer.event(Event::JobFinishedBefore { name: &plan.name, at_ms })?;
                        return Ok(None);
                    }
                    Ok(Start::Job(job)) => break job,
                }
            }
            number += 1;
            plan.name = format!("{base}-{number}");
        };
        observer.event(Event::JobStarted {
            name: &plan.name,
            metrics: &job.metrics,
            resumed: job.resumed,
            state: &job.state,
        })?;
        self.jobs.start(&plan.name, *job, text);
        Ok(Some(plan.name))
    }

    /// The names there are, for completion.
    pub fn known(&self) -> Known {
        self.session().known()
    }
    /// The jobs of this session, in the order they were started.
    pub fn jobs(&self) -> Vec<JobInfo> {
        self.jobs.list()
    }
    /// Asks a job to stop after a final checkpoint.
    ///
    /// # Errors
    /// `Config` if no job of this name is running.
    pub fn stop(&self, name: &str) -> Result<()> {
        self.jobs.stop(name)
    }
    /// Asks all jobs to stop, each after a final checkpoint.
    pub fn stop_all(&self) {
        self.jobs.stop_all();
    }
    /// Waits until a job of this name is not running.
    pub async fn wait_one(&self, name: &str) {
        self.jobs.ended(name).await;
    }
    /// Waits until no job is running.
    pub async fn wait_all(&self) {
        self.jobs.all_ended().await;
    }

    /// What is wrong with a text, as the session is now. Nothing is run or changed; blocks.
    pub fn check(&self, text: &str) -> Vec<Error> {
        let mut session = self.session().clone();
        session
            .compile(text, &self.compile_options(), OnError::Stop)
            .map_or_else(|failed| failed.errors, |_| Vec::new())
    }
    /// The places that are wrong in a text that is being written, as the session is now; blocks.
    pub fn wrong_so_far(&self, text: &str) -> Vec<Span> {
        let session = self.session().clone();
        session.wrong_so_far(text, &self.compile_options())
    }
    fn compile_options(&self) -> CompileOptions<'_> {
        CompileOptions {
            registry: &self.runner.registry,
            catalogs: Some(self.catalogs.as_ref()),
            variables: &self.options.variables,
            settings: &self.options.settings,
            job_name: None,
        }
    }
    /// Connectors and formats with their options.
    pub fn registry(&self) -> &dyn Registry {
        &self.runner.registry
    }
    /// Where relative paths start.
    pub fn directory(&self) -> &Path {
        &self.options.directory
    }
    /// The topics of the brokers in a table's options. Blocks.
    ///
    /// # Errors
    /// `Unavailable` if they do not answer at once, `Config` for options that make no client.
    pub fn topics(&self, options: &BTreeMap<String, String>) -> Result<Vec<String>> {
        millstream_connectors::kafka::topic_names(options, NAMES_WAIT)
    }
    /// The subjects of the schema registry in the options of a format. Blocks.
    ///
    /// # Errors
    /// `Unavailable` if it does not answer at once, `Config` for options without a registry.
    pub fn subjects(&self, format: &str, options: &BTreeMap<String, String>) -> Result<Vec<String>> {
        self.runner.registry.subjects(format, options, NAMES_WAIT)
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
