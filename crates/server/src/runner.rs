//! Runs one plan: a query to whoever asked, INSERTs with their state.

use crate::collect::{CollectSink, Deliver};
use crate::observer::{Event, Observer, QueryEnd};
use crate::resume::{Life, Resume, decide};
use crate::sorter::Sorter;
use crate::unspoken::Unspoken;
use millstream_connectors::{ConnectorContext, ConnectorRegistry, Machine, Printer};
use millstream_dataflow::{Batch, Error, EventTime, Field, Node as GraphNode, NodeKind, Result, Schema, Sink};
use millstream_formats::render::{text_value, timestamp_ms};
use millstream_plan::{Changelog, Column, Job as Plan, Node, NodeSpec, Operator, Settings, describe};
use millstream_runtime::{CHANNEL_ROWS, Control, Job, JobConfig, JobMetrics, Outcome, Rim, SystemClock, TokioTimer};
use millstream_sql::ShownQuery;
use millstream_state::checkpoint::Checkpoints;
use millstream_store::MemoryStore;
use std::collections::BTreeMap;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::info;

/// What ends a query before its input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Rows, or changes, that are shown at most.
    pub limit: Option<u64>,
    /// How long it runs.
    pub time: Option<Duration>,
    /// Event time, epoch ms: all that comes before is shown.
    pub watermark: Option<EventTime>,
}

/// Longer than anything runs.
const NEVER: Duration = Duration::from_secs(365 * 86_400);

/// How often a query's watermark is looked at.
const WATERMARK_LOOK: Duration = Duration::from_millis(20);

/// What every plan that is run in a directory has in common.
#[derive(Clone)]
pub(crate) struct Runner {
    pub(crate) directory: PathBuf,
    pub(crate) registry: ConnectorRegistry,
    pub(crate) rim: Rim,
}

/// What INSERTs are to do.
pub(crate) enum Start {
    /// Their job, ready to run.
    Job(Box<Prepared>),
    /// Nothing: all of their bounded input was processed by an earlier run; epoch ms.
    FinishedBefore(i64),
    /// Nothing: a stop was asked for.
    Stopped,
}

/// What an operator gives; of a sink what it takes.
#[derive(Debug, Clone)]
pub struct Output {
    /// The operator's id and name.
    pub id: String,
    pub name: String,
    pub schema: Schema,
    /// Rows may be updates and deletions of earlier ones.
    pub changes: bool,
}

fn outputs(plan: &Plan) -> Vec<Output> {
    let output = |(operator, node): (Operator, &Node)| Output {
        id: operator.id,
        name: node.name.clone(),
        schema: Column::schema(&operator.columns),
        changes: operator.changelog == Changelog::Changes,
    };
    describe(plan).operators.into_iter().zip(&plan.nodes).map(output).collect()
}

/// A job that is about to run.
pub(crate) struct Prepared {
    job: Job,
    pub(crate) metrics: Arc<JobMetrics>,
    /// The checkpoint it goes on from.
    pub(crate) resumed: Option<u64>,
    /// Where its state is.
    pub(crate) state: String,
    /// What its operators give.
    pub(crate) outputs: Arc<[Output]>,
    start: Duration,
}

impl Prepared {
    /// Runs it to its end: how it ended, and after how many seconds.
    pub(crate) async fn run(self, control: &Control) -> Result<(Outcome, f64)> {
        let clock = Arc::clone(&self.job.rim.clock);
        let outcome = self.job.run(control).await?;
        Ok((outcome, (clock.monotonic() - self.start).as_secs_f64()))
    }
}

impl Runner {
    /// Must be called on a tokio runtime.
    ///
    /// - `job`: the default of client ids and the like
    pub(crate) fn new(directory: &Path, job: &str) -> Runner {
        Runner::printing(directory, job, None)
    }
    /// The same, with another place than the standard output for what `print` tables print.
    pub(crate) fn printing(directory: &Path, job: &str, printer: Option<Printer>) -> Runner {
        let (rim, handle) = (rim(), Handle::current());
        let context = ConnectorContext {
            clock: Arc::clone(&rim.clock),
            host: Arc::new(Machine::new(handle.clone(), Arc::clone(&rim.unique)).printing(printer)),
            handle,
            job: job.to_string(),
            directory: directory.to_path_buf(),
            state: None,
        };
        Runner {
            directory: directory.to_path_buf(),
            registry: ConnectorRegistry::new(context),
            rim,
        }
    }

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

    /// Runs a query to its end, or to a bound; the rows go to the observer.
    pub(crate) async fn query(&self, query: ShownQuery, bounds: Bounds, observer: &Arc<dyn Observer>, control: &Control) -> Result<QueryEnd> {
        let ShownQuery {
            plan,
            changes,
            shown,
            span,
            items,
        } = query;
        let collect = plan.nodes.iter().find(|n| n.spec == NodeSpec::Collect);
        let collect = collect.ok_or_else(|| Error::bug("a query's plan does not collect"))?;
        let columns = collect.columns.get(..shown.columns);
        let schema = Column::schema(columns.ok_or_else(|| Error::bug("a query shows more columns than it has"))?);
        let id = collect.id.clone();
        let mut config = self.config(&plan, &Settings::new(&plan.settings)?)?;
        // A query has no checkpoint to go back to, and its rows are out: an error ends it.
        config.restart_attempts = 0;
        let metrics = Arc::new(JobMetrics::default());
        let ending = Ending::default();
        let limit = [bounds.limit, shown.limit].into_iter().flatten().min();
        let show: Deliver = {
            let (observer, schema, ending) = (Arc::clone(observer), schema.clone(), ending.clone());
            let skip = AtomicU64::new(shown.skip);
            let left = AtomicU64::new(limit.unwrap_or(u64::MAX));
            Arc::new(move |batch| {
                let (ahead, wanted) = (skip.load(Relaxed), left.load(Relaxed));
                let skipped = ahead.min(batch.num_rows() as u64);
                let rows = batch.num_rows() as u64 - skipped;
                let kept = rows.min(wanted);
                skip.store(ahead - skipped, Relaxed);
                left.store(wanted - kept, Relaxed);
                if skipped == 0 && kept == rows {
                    observer.rows(&schema, &batch)?;
                } else if kept > 0 {
                    observer.rows(&schema, &batch.slice(skipped as usize, kept as usize))?;
                }
                if kept == wanted {
                    ending.end(QueryEnd::Limit);
                }
                Ok(())
            })
        };
        let sorter = (!shown.order.is_empty()).then(|| Arc::new(Mutex::new(Sorter::new(&shown))));
        let deliver = match &sorter {
            None => Arc::clone(&show),
            Some(sorter) => {
                let sorter = Arc::clone(sorter);
                Arc::new(move |batch: Batch| sorter.lock().unwrap_or_else(PoisonError::into_inner).add(batch.data)) as Deliver
            }
        };
        let sink: Arc<dyn Sink> = Arc::new(CollectSink(deliver));
        let mut graph = millstream_operators::build(&plan, &self.registry, Some(sink))?;
        // Files and partitions that come while it runs are taken in from a checkpoint, which nobody else needs.
        let looks = |node: &GraphNode| matches!(&node.kind, NodeKind::Source(s) if s.source.discovery_interval().is_some());
        let bounded = graph.nodes.iter().all(|node| match &node.kind {
            NodeKind::Source(s) => s.source.bounded(),
            _ => true,
        });
        let grows = graph.nodes.iter().any(looks);
        if grows {
            config.checkpoint_interval = NEVER;
            graph.nodes.iter_mut().for_each(Unspoken::make);
        }
        let job = Job {
            graph,
            config,
            rim: self.rim.clone(),
            checkpoints: grows.then(|| Checkpoints::new(Arc::new(MemoryStore::new()), &plan.name)),
            incarnation: (self.rim.unique)(),
            after: None,
            metrics: Arc::clone(&metrics),
        };
        observer.event(Event::QueryStarted {
            schema: &schema,
            metrics: &metrics,
            changes,
            bounded,
        })?;
        if limit == Some(0) {
            ending.end(QueryEnd::Limit);
        }
        let mut run = Box::pin(job.run(&ending.control));
        let outcome = tokio::select! {
            outcome = &mut run => outcome,
            reason = self.bound(bounds, &metrics, &id, control) => {
                ending.end(reason);
                run.await
            }
        };
        let outcome = match (outcome, &sorter) {
            (Ok(Outcome::Finished), Some(sorter)) => {
                let sorted = sorter.lock().unwrap_or_else(PoisonError::into_inner).finish();
                let shown = sorted.and_then(|rows| rows.map_or(Ok(()), |rows| show(Batch::new(rows))));
                shown.map(|()| Outcome::Finished)
            }
            (outcome, _) => outcome,
        };
        let end = match (outcome, ending.reason.get()) {
            // All that was asked for is there: what comes after it is nobody's business.
            (_, Some(QueryEnd::Limit)) => QueryEnd::Limit,
            (Ok(Outcome::Stopped), Some(reason)) => *reason,
            (Ok(Outcome::Stopped), None) => QueryEnd::Stopped,
            (Ok(Outcome::Finished), _) => QueryEnd::Finished,
            (Err(e), _) => {
                // What was shown so far is ended as well as it can be; the first error is the one that counts.
                let _shown = observer.event(Event::QueryEnded { end: QueryEnd::Failed });
                // What an operator finds is about an expression of the statement; what a connector finds is about a table.
                let e = items.of(e);
                return Err(
                    match span.filter(|_| e.span.is_none() && e.table.is_none() && e.operator.as_ref().is_some_and(|id| id.starts_with("query:"))) {
                        Some(span) => e.span(span),
                        None => e,
                    },
                );
            }
        };
        observer.event(Event::QueryEnded { end })?;
        Ok(end)
    }

    pub(crate) async fn time_is_up(&self, bounds: Bounds) {
        match bounds.time {
            Some(time) => self.rim.timer.sleep(time).await,
            None => pending().await,
        }
    }

    /// Waits for what ends a query: the clock, the watermark of its result, or its user.
    ///
    /// - `operator`: whose watermark counts
    pub(crate) async fn bound(&self, bounds: Bounds, metrics: &JobMetrics, operator: &str, control: &Control) -> QueryEnd {
        let watermark = async {
            let Some(until) = bounds.watermark else { return pending().await };
            let reached = || metrics.nodes().iter().any(|n| n.id == operator && n.watermark() >= until);
            while !reached() {
                self.rim.timer.sleep(WATERMARK_LOOK).await;
            }
        };
        tokio::select! {
            () = self.time_is_up(bounds) => QueryEnd::Time,
            () = watermark => QueryEnd::Watermark,
            // It never ends by itself.
            _ = control.unless_stopped(pending::<Result<()>>()) => QueryEnd::Stopped,
        }
    }

    /// Looks at what earlier runs of INSERTs left, and makes their job.
    ///
    /// # Errors
    /// `Config` if the state belongs to another plan, or if what the job needs cannot be made; those of the store.
    pub(crate) async fn prepare(&self, plan: &Plan, life: Life, control: &Control) -> Result<Start> {
        let settings = Settings::new(&plan.settings)?;
        let segment = directory_name(&plan.name);
        let location = match &settings.checkpoint_dir {
            Some(directory) => format!("{}/{segment}", directory.trim_end_matches('/')),
            None => format!(".millstream/{segment}"),
        };
        let of_setting = |e: Error| match &settings.checkpoint_dir {
            Some(_) => e.of_state("'execution.checkpointing.dir'"),
            None => e,
        };
        let store = millstream_store::open(&location, &self.directory, &BTreeMap::new()).map_err(of_setting)?;
        let state = store.location();
        let checkpoints = Checkpoints::new(store, &plan.name);
        let deciding = decide(&checkpoints, plan, settings.max_parallelism, life);
        let Some(resume) = control.unless_stopped(deciding).await.map_err(of_setting)? else {
            return Ok(Start::Stopped);
        };
        let (incarnation, after, resumed) = match resume {
            Resume::Fresh { after } => ((self.rim.unique)(), after, None),
            Resume::Continue { incarnation, epoch } => (incarnation, None, Some(epoch)),
            Resume::Finished { at_ms } => return Ok(Start::FinishedBefore(at_ms)),
        };
        let config = self.config(plan, &settings)?;
        info!(job = %plan.name, incarnation, resumed, parallelism = config.parallelism, "job starts");
        let metrics = Arc::new(JobMetrics::default());
        Ok(Start::Job(Box::new(Prepared {
            job: Job {
                graph: millstream_operators::build(plan, &self.registry.with_state(&state), None)?,
                config,
                rim: self.rim.clone(),
                checkpoints: Some(checkpoints),
                incarnation,
                after,
                metrics: Arc::clone(&metrics),
            },
            metrics,
            resumed,
            state,
            outputs: outputs(plan).into(),
            start: self.rim.clock.monotonic(),
        })))
    }
}

/// Ends a running query, with the first reason there is.
#[derive(Clone, Default)]
struct Ending {
    control: Control,
    reason: Arc<OnceLock<QueryEnd>>,
}

impl Ending {
    fn end(&self, reason: QueryEnd) {
        // The first reason counts.
        let _first = self.reason.set(reason);
        self.control.stop();
    }
}

fn rim() -> Rim {
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
pub(crate) fn show(batch: &Batch, row: usize) -> String {
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

/// A job's name as one path segment.
fn directory_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect();
    if safe.starts_with('.') { format!("_{safe}") } else { safe }
}
