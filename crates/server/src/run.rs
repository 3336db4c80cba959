//! Runs a job file: its statements in order, its INSERTs as one job at the end.

use crate::catalogs::Catalogs;
use crate::collect::{CollectSink, Deliver};
use crate::resume::{Resume, decide};
use millstream_connectors::{ConnectorContext, ConnectorRegistry, Machine};
use millstream_dataflow::{Batch, Error, Field, Result, Schema, Sink};
use millstream_formats::render::{text_value, timestamp_ms};
use millstream_plan::{Column, Job as Plan, NodeSpec, Settings};
use millstream_runtime::{CHANNEL_ROWS, Control, Job, JobConfig, JobMetrics, Outcome, Rim, SystemClock, TokioTimer};
use millstream_sql::{CompileOptions, Diagnostic, Severity, Step, compile};
use millstream_state::checkpoint::Checkpoints;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;
use tracing::info;

/// What to run and how.
#[derive(Debug, Clone)]
pub struct RunOptions {
    pub text: String,
    /// The file's stem: the job's name unless `pipeline.name` is set.
    pub name: String,
    /// Relative paths, of tables and of `.millstream`, start here.
    pub directory: PathBuf,
    /// `-D NAME=value`
    pub variables: BTreeMap<String, String>,
    /// `--set key=value`: wins over SET in the file.
    pub settings: BTreeMap<String, String>,
    /// Start a new life of the job's state.
    pub fresh: bool,
}

/// What happens while a file runs.
pub enum Event<'a> {
    /// A warning of the compiler.
    Warning(&'a Diagnostic),
    /// The text of EXPLAIN.
    Explain(&'a str),
    /// The text of SHOW CREATE.
    Statement(&'a str),
    /// What SET without arguments lists.
    Settings(&'a [(String, String)]),
    /// A query's rows follow.
    QueryStarted {
        schema: &'a Schema,
        metrics: &'a Arc<JobMetrics>,
    },
    QueryEnded,
    /// The INSERTs run as one job. `resumed` is the checkpoint it goes on from.
    JobStarted {
        name: &'a str,
        metrics: &'a Arc<JobMetrics>,
        resumed: Option<u64>,
        state: &'a str,
    },
    /// The job's bounded input was processed by an earlier run; epoch ms.
    JobFinishedBefore {
        name: &'a str,
        at_ms: i64,
    },
    JobEnded {
        name: &'a str,
        metrics: &'a Arc<JobMetrics>,
        outcome: Outcome,
        seconds: f64,
    },
}

/// Shows what happens; the binary's terminal, or a test.
pub trait Observer: Send + Sync {
    fn event(&self, event: Event<'_>);
    /// Rows of the running query.
    fn rows(&self, schema: &Schema, batch: &Batch) -> Result<()>;
}

/// Runs all statements of a file. Must be called on a tokio runtime with several threads.
///
/// # Errors
/// All errors of the text before anything runs; later the one that ended a job.
pub async fn run(options: RunOptions, observer: Arc<dyn Observer>, control: Control) -> Result<(), Vec<Error>> {
    let rim = rim();
    let handle = Handle::current();
    let registry = registry(&options, &rim, handle.clone());
    let catalogs = Arc::new(Catalogs::new(options.directory.clone(), handle));
    // Nothing has begun yet that a stop would have to bring to an end.
    let (planned, with, kept) = (options.clone(), registry.clone(), Arc::clone(&catalogs));
    let planning = tokio::task::spawn_blocking(move || {
        let compile_options = CompileOptions {
            registry: &with,
            catalogs: Some(kept.as_ref()),
            variables: &planned.variables,
            settings: &planned.settings,
            job_name: &planned.name,
        };
        compile(&planned.text, &compile_options)
    });
    let planning = async { planning.await.map_err(|e| Error::bug("planning ended early").source(e)) };
    let Some(compiled) = control.unless_stopped(planning).await.map_err(|e| vec![e])? else {
        return Ok(());
    };
    let compiled = compiled?;
    let settings = Settings::new(&compiled.settings).map_err(|e| vec![e])?;
    let applied = control.unless_stopped(catalogs.apply(&compiled.changes)).await;
    if applied.map_err(|e| vec![e])?.is_none() {
        return Ok(());
    }
    // Advice is for who asks: `millstream check`.
    for finding in compiled.findings.iter().filter(|f| f.severity == Severity::Warning) {
        observer.event(Event::Warning(finding));
    }
    let runner = Runner {
        options: &options,
        registry,
        rim,
        observer,
        control,
    };
    for step in compiled.steps {
        match step {
            Step::Explain(text) => runner.observer.event(Event::Explain(&text)),
            Step::Statement(text) => runner.observer.event(Event::Statement(&text)),
            Step::Settings(list) => runner.observer.event(Event::Settings(&list)),
            Step::Query(plan) => {
                let settings = Settings::new(&plan.settings).map_err(|e| vec![e])?;
                if runner.query(plan, &settings).await.map_err(|e| vec![e])? == Outcome::Stopped {
                    return Ok(());
                }
            }
            Step::Insert(plan) => runner.insert(plan, &settings).await.map_err(|e| vec![e])?,
        }
    }
    Ok(())
}

/// The connectors as a file has them.
pub(crate) fn registry(options: &RunOptions, rim: &Rim, handle: Handle) -> ConnectorRegistry {
    ConnectorRegistry::new(ConnectorContext {
        clock: Arc::clone(&rim.clock),
        host: Arc::new(Machine::new(handle.clone(), Arc::clone(&rim.unique))),
        handle,
        job: options.name.clone(),
        directory: options.directory.clone(),
        state: None,
    })
}

pub(crate) fn rim() -> Rim {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where random names enter; everything below gets them injected"
    )]
    let unique = || uuid::Uuid::new_v4().simple().to_string();
    Rim {
        clock: Arc::new(SystemClock::default()),
        timer: Arc::new(TokioTimer),
        unique: Arc::new(unique),
        show,
        // Threads step their subtasks in turn.
        pick: Arc::new(|_| 0),
    }
}

/// `page = home, ts = 2026-01-31 23:59:59.000; its partition's watermark is 2026-02-01 00:00:10.000`
fn show(batch: &Batch, row: usize) -> String {
    let schema = batch.data.schema();
    let value = |(i, field): (usize, &Arc<arrow_schema::Field>)| {
        let text = Field::from_arrow(field).map_or_else(|_| "…".to_string(), |f| text_value(batch.column(i), row, &f));
        // A value may not look like a line of the log.
        let text: String = text
            .chars()
            .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
            .collect();
        format!("{} = {text}", field.name())
    };
    let values: Vec<String> = schema.fields().iter().enumerate().map(value).collect();
    format!("{}; its partition's watermark is {}", values.join(", "), timestamp_ms(batch.stamp_at(row)))
}

struct Runner<'a> {
    options: &'a RunOptions,
    registry: ConnectorRegistry,
    rim: Rim,
    observer: Arc<dyn Observer>,
    control: Control,
}

impl Runner<'_> {
    fn config(&self, plan: &Plan, settings: &Settings) -> Result<JobConfig> {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        let parallelism = settings.parallelism.unwrap_or(cores.min(settings.max_parallelism));
        Ok(JobConfig {
            name: plan.name.clone(),
            parallelism,
            max_parallelism: settings.max_parallelism,
            checkpoint_interval: settings.checkpoint_interval,
            checkpoint_timeout: settings.checkpoint_timeout,
            checkpoints_retained: settings.checkpoints_retained,
            tolerable_failed_checkpoints: settings.tolerable_failed_checkpoints,
            restart_attempts: settings.restart_attempts,
            restart_backoff: settings.restart_backoff,
            restart_backoff_max: settings.restart_backoff_max,
            channel_rows: CHANNEL_ROWS,
            workers: cores.min(parallelism) as usize,
            plan: plan.to_text()?,
        })
    }

    async fn query(&self, plan: Plan, settings: &Settings) -> Result<Outcome> {
        let collect = plan
            .nodes
            .iter()
            .find(|n| n.spec == NodeSpec::Collect)
            .ok_or_else(|| Error::bug("a query's plan does not collect"))?;
        let schema = Column::schema(&collect.columns);
        let deliver: Deliver = {
            let (observer, schema) = (Arc::clone(&self.observer), schema.clone());
            Arc::new(move |batch| observer.rows(&schema, &batch))
        };
        let sink: Arc<dyn Sink> = Arc::new(CollectSink(deliver));
        let mut config = self.config(&plan, settings)?;
        // A query has no checkpoint to go back to, and its rows are out: an error ends it.
        config.restart_attempts = 0;
        let metrics = Arc::new(JobMetrics::default());
        self.observer.event(Event::QueryStarted {
            schema: &schema,
            metrics: &metrics,
        });
        let job = Job {
            graph: millstream_operators::build(&plan, &self.registry, Some(sink))?,
            config,
            rim: self.rim.clone(),
            checkpoints: None,
            incarnation: (self.rim.unique)(),
            after: None,
            metrics,
        };
        let outcome = job.run(&self.control).await?;
        self.observer.event(Event::QueryEnded);
        Ok(outcome)
    }

    async fn insert(&self, plan: Plan, settings: &Settings) -> Result<()> {
        let default = format!(".millstream/{}", directory_name(&plan.name));
        let location = settings
            .checkpoint_dir
            .as_ref()
            .map_or(default, |dir| format!("{}/{}", dir.trim_end_matches('/'), directory_name(&plan.name)));
        let store = millstream_store::open(&location, &self.options.directory, &BTreeMap::new())?;
        let state = store.location();
        let checkpoints = Checkpoints::new(store, &plan.name);
        let deciding = decide(&checkpoints, &plan, settings.max_parallelism, self.options.fresh);
        let Some(resume) = self.control.unless_stopped(deciding).await? else {
            return Ok(());
        };
        let (incarnation, after, resumed) = match resume {
            Resume::Fresh { after } => ((self.rim.unique)(), after, None),
            Resume::Continue { incarnation, epoch } => (incarnation, None, Some(epoch)),
            Resume::Finished { at_ms } => {
                self.observer.event(Event::JobFinishedBefore { name: &plan.name, at_ms });
                return Ok(());
            }
        };
        let config = self.config(&plan, settings)?;
        info!(job = %plan.name, incarnation, resumed, parallelism = config.parallelism, "job starts");
        let metrics = Arc::new(JobMetrics::default());
        self.observer.event(Event::JobStarted {
            name: &plan.name,
            metrics: &metrics,
            resumed,
            state: &state,
        });
        let start = self.rim.clock.monotonic();
        let job = Job {
            graph: millstream_operators::build(&plan, &self.registry.with_state(&state), None)?,
            config,
            rim: self.rim.clone(),
            checkpoints: Some(checkpoints),
            incarnation,
            after,
            metrics: Arc::clone(&metrics),
        };
        let outcome = job.run(&self.control).await?;
        let seconds = (self.rim.clock.monotonic() - start).as_secs_f64();
        self.observer.event(Event::JobEnded {
            name: &plan.name,
            metrics: &metrics,
            outcome,
            seconds,
        });
        Ok(())
    }
}

/// A job's name as one path segment.
fn directory_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect();
    if safe.starts_with('.') { format!("_{safe}") } else { safe }
}
