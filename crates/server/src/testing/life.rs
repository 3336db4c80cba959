//! A job's lives in one cell: the compiled plan on the real runtime, stepped on one thread in simulated time.

use super::cell::Cell;
use super::input::Input;
use super::output::Output;
use super::run::Prepared;
use crate::resume::{self, Resume, decide};
use crate::runner::show;
use millstream_dataflow::{
    BadRecords, Clock, Connectors, Edge, Error, Exchange, Graph, Node, NodeKind, Output as Ports, Port, Result, Sink, Source, TableSpec,
};
use millstream_plan::{AggregateInput, Job as Plan, NodeSpec, Settings};
use millstream_runtime::simulation::{Executor, ProcessId, World};
use millstream_runtime::{CHANNEL_ROWS, Control, Job, JobConfig, JobMetrics, Outcome, PARK_MAX, Rim};
use millstream_sql::test_file::JobPlaces;
use millstream_state::checkpoint::Checkpoints;
use millstream_store::MemoryStore;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// No checkpoint but those that a step asks for.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);
/// Simulated time that a checkpoint or an end may take.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// After so much simulated time without any work there is none left.
const QUIET: Duration = Duration::from_millis(2 * PARK_MAX.as_millis() as u64);

type Ended = Arc<Mutex<Option<Result<Outcome>>>>;

/// A clock that only steps move; what measures time goes on.
#[derive(Debug)]
struct TestClock {
    now_ms: AtomicI64,
    world: World,
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(SeqCst)
    }
    fn monotonic(&self) -> Duration {
        self.world.now()
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Finished,
    Failed,
}

pub(super) struct Life {
    plan: Arc<Plan>,
    settings: Settings,
    places: Arc<JobPlaces>,
    cell: Cell,
    pub(super) input: Input,
    pub(super) output: Output,
    checkpoints: Checkpoints,
    clock: Arc<TestClock>,
    world: World,
    executor: Executor,
    process: ProcessId,
    control: Control,
    metrics: Arc<JobMetrics>,
    ended: Ended,
    /// Steps of subtasks that did something.
    worked: Arc<AtomicU64>,
    pub(super) state: State,
    /// Why it failed.
    pub(super) error: Option<Error>,
}

impl Life {
    /// Starts the job of a test.
    pub(super) fn start(test: &Prepared, cell: Cell, input: Input) -> Self {
        let world = World::new(cell.seed.unwrap_or(0), false);
        let name = test.plan.name.clone();
        let mut life = Life {
            plan: Arc::clone(&test.plan),
            settings: test.settings.clone(),
            places: Arc::clone(&test.places),
            cell,
            input,
            output: Output::default(),
            checkpoints: Checkpoints::new(Arc::new(MemoryStore::new()), name),
            clock: Arc::new(TestClock {
                now_ms: AtomicI64::new(test.now_ms),
                world: world.clone(),
            }),
            executor: Executor::new(world.clone()),
            world,
            process: 0,
            control: Control::default(),
            metrics: Arc::default(),
            ended: Ended::default(),
            worked: Arc::default(),
            state: State::Running,
            error: None,
        };
        life.begin();
        life
    }

    fn begin(&mut self) {
        self.process += 1;
        (self.control, self.metrics, self.ended) = (Control::default(), Arc::default(), Ended::default());
        (self.state, self.error) = (State::Running, None);
        let (control, result) = (self.control.clone(), Arc::clone(&self.ended));
        let start = Start {
            plan: Arc::clone(&self.plan),
            settings: self.settings.clone(),
            cell: self.cell,
            input: self.input.clone(),
            output: self.output.clone(),
            checkpoints: self.checkpoints.clone(),
            clock: Arc::clone(&self.clock),
            world: self.world.clone(),
            metrics: Arc::clone(&self.metrics),
            worked: Arc::clone(&self.worked),
        };
        let life = async move {
            let outcome = start.run(&control).await;
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        };
        self.world.spawn(self.process, Box::pin(life));
    }

    /// Runs until a condition holds or the job has ended, at most for so long.
    fn run(&mut self, wait: Duration, until: impl Fn(&JobMetrics) -> bool) {
        let (ended, metrics) = (Arc::clone(&self.ended), Arc::clone(&self.metrics));
        let over = || until(&metrics) || ended.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        self.executor.run(self.world.now() + wait, over);
        match self.ended.lock().unwrap_or_else(PoisonError::into_inner).take() {
            None => {}
            Some(Ok(_)) => self.state = State::Finished,
            Some(Err(e)) => (self.state, self.error) = (State::Failed, Some(self.places.of(e))),
        }
    }

    /// Until all that was given is worked off.
    pub(super) fn settle(&mut self) {
        while self.state == State::Running {
            let before = self.worked.load(SeqCst);
            self.run(QUIET, |_| false);
            if self.worked.load(SeqCst) == before {
                return;
            }
        }
    }

    /// Takes a checkpoint of what has settled: all rows up to here are seen.
    pub(super) fn checkpoint(&mut self) -> Result<()> {
        self.settle();
        if self.state != State::Running {
            return Ok(());
        }
        let completed = |m: &JobMetrics| m.checkpoints.completed.load(SeqCst);
        let before = completed(&self.metrics);
        self.control.checkpoint();
        self.run(PATIENCE, |m| completed(m) > before);
        match self.state == State::Running && completed(&self.metrics) == before {
            true => Err(Error::bug("a checkpoint of a test does not come to its end")),
            false => Ok(()),
        }
    }

    /// The process is gone; the next one goes on from the last checkpoint.
    pub(super) fn crash(&mut self) {
        self.settle();
        if self.state != State::Finished {
            self.world.kill(self.process);
            self.begin();
        }
    }

    /// Nothing more comes in.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.input.finish();
        self.settle();
        match self.state {
            State::Running => Err(Error::bug("the job of a test does not come to its end")),
            _ => Ok(()),
        }
    }

    pub(super) fn advance_clock(&mut self, to_ms: i64) {
        self.settle();
        self.clock.now_ms.fetch_max(to_ms, SeqCst);
        self.settle();
    }
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Bytes of state in the last checkpoint.
    pub(super) fn state_bytes(&self) -> Result<u64> {
        let manifest = futures::executor::block_on(self.checkpoints.latest())?;
        let operators = manifest.iter().flat_map(|m| &m.operators);
        Ok(operators.flat_map(|o| &o.tables).flat_map(|t| &t.chunks).map(|c| c.length).sum())
    }
}

/// What a life begins with.
struct Start {
    plan: Arc<Plan>,
    settings: Settings,
    cell: Cell,
    input: Input,
    output: Output,
    checkpoints: Checkpoints,
    clock: Arc<TestClock>,
    world: World,
    metrics: Arc<JobMetrics>,
    worked: Arc<AtomicU64>,
}

impl Start {
    async fn run(self, control: &Control) -> Result<Outcome> {
        let max_parallelism = self.settings.max_parallelism;
        let (incarnation, after) = match decide(&self.checkpoints, &self.plan, max_parallelism, resume::Life::Same).await? {
            Resume::Finished { .. } => return Ok(Outcome::Finished),
            Resume::Continue { incarnation, .. } => (incarnation, None),
            Resume::Fresh { after } => (self.world.unique(), after),
        };
        let graph = self.graph()?;
        let parallelism = self.cell.parallelism.min(max_parallelism);
        let (names, picks, shuffled) = (self.world.clone(), self.world.clone(), self.cell.seed.is_some());
        let worked = Arc::clone(&self.worked);
        let pick = move |n: usize| {
            worked.fetch_add(1, SeqCst);
            if shuffled { picks.below(n as u64) as usize } else { 0 }
        };
        let job = Job {
            graph,
            config: JobConfig {
                name: self.plan.name.clone(),
                parallelism,
                max_parallelism,
                checkpoint_interval: NEVER,
                checkpoint_timeout: PATIENCE,
                checkpoints_retained: 1,
                tolerable_failed_checkpoints: 0,
                restart_attempts: 0,
                restart_backoff: Duration::ZERO,
                restart_backoff_max: Duration::ZERO,
                channel_rows: CHANNEL_ROWS,
                workers: 0,
                plan: self.plan.to_text()?,
            },
            rim: Rim {
                clock: self.clock,
                timer: Arc::new(self.world.clone()),
                unique: Arc::new(move || names.unique()),
                pick: Arc::new(pick),
                show,
            },
            checkpoints: Some(self.checkpoints),
            incarnation,
            after,
            metrics: self.metrics,
        };
        job.run(control).await
    }

    /// The job's graph, fed by the test, with ways out for rows that come too late and for records that are no rows.
    fn graph(&self) -> Result<Graph> {
        let connectors = TestConnectors {
            input: self.input.clone(),
            output: self.output.clone(),
            cell: self.cell,
            world: self.world.clone(),
        };
        let mut graph = millstream_operators::build(&self.plan, &connectors, None)?;
        let mut timed = Vec::new();
        let mut ways: Vec<(usize, Port, Arc<dyn Sink>)> = Vec::new();
        for (i, (node, planned)) in graph.nodes.iter_mut().zip(&self.plan.nodes).enumerate() {
            let (NodeKind::Source(source), NodeSpec::Source(spec)) = (&mut node.kind, &planned.spec) else {
                continue;
            };
            // Partitions wait for nobody, and are idle when a step says so.
            (source.alignment, source.idle_timeout_ms) = (None, Some(0));
            if spec.rowtime.is_some() {
                source.keep_origins = true;
                timed.push(spec.table.name.clone());
            }
            if source.bad_records != BadRecords::Fail {
                source.bad_records = BadRecords::Route;
                ways.push((i, Ports::REJECTED, self.output.rejected(&spec.table.name)));
            }
        }
        timed.sort();
        timed.dedup();
        for (i, node) in self.plan.nodes.iter().enumerate() {
            let judges = match &node.spec {
                NodeSpec::LocalWindowAggregate(_) => true,
                NodeSpec::WindowAggregate { input, .. } => *input == AggregateInput::Rows,
                _ => false,
            };
            if judges {
                ways.push((i, Ports::LATE, self.output.late(timed.clone(), &self.input)));
            }
        }
        for (from, port, sink) in ways {
            let of = &graph.nodes[from];
            let node = Node {
                id: format!("test:{}:{port}", of.id),
                name: "test".to_string(),
                kind: NodeKind::Sink(sink),
                parallelism: of.parallelism,
            };
            graph.nodes.push(node);
            graph.edges.push(Edge {
                from,
                port,
                to: graph.nodes.len() - 1,
                input: 0,
                exchange: Exchange::Forward,
            });
        }
        Ok(graph)
    }
}

/// What stands in the place of all connectors.
struct TestConnectors {
    input: Input,
    output: Output,
    cell: Cell,
    world: World,
}

impl Connectors for TestConnectors {
    fn source(&self, table: &TableSpec) -> Result<Arc<dyn Source>> {
        self.input.source(table, &self.cell.order(), &self.world)
    }
    fn sink(&self, table: &TableSpec, _id: &str) -> Result<Arc<dyn Sink>> {
        Ok(self.output.table(&table.name, table.schema()))
    }
}
