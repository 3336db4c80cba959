//! A process: what the binary does with a job file, in a simulated world.

use super::broker::{Broker, SimBroker};
use super::defects::Defect;
use super::disk::SimDisk;
use super::job::{EVENTS, JobCase};
use super::log::{Log, LogSource};
use super::store::{Contents, FaultPlan, SimStore, Storage};
use super::world::{ProcessId, SimClock, World};
use millstream_connectors::{ConnectorContext, ConnectorRegistry, Host};
use millstream_dataflow::{BoxFuture, ConnectorSpec, Connectors, Error, FormatSpec, Registry, Result, Sink, Source, Store, TableSpec};
use millstream_plan::Job as Plan;
use millstream_runtime::{Control, Job, JobConfig, Outcome, Rim};
use millstream_server::{Life, Resume, decide};
use millstream_sql::{CompileOptions, Step, compile};
use millstream_state::checkpoint::Checkpoints;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// What outlives processes: the stores and the log.
#[derive(Clone)]
pub struct Remains {
    pub log: Arc<Log>,
    /// By name: `state`, and the sinks' directories.
    stores: Arc<Mutex<BTreeMap<String, Arc<Contents>>>>,
    storage: Storage,
    pub disk: SimDisk,
    pub faults: FaultPlan,
    pub broker: Broker,
}

impl Remains {
    pub fn new(world: &World, log: Log, storage: Storage, faults: FaultPlan) -> Self {
        Remains {
            log: Arc::new(log),
            stores: Arc::default(),
            storage,
            disk: SimDisk::new(world),
            faults,
            broker: Broker::default(),
        }
    }
    pub fn contents(&self, name: &str) -> Arc<Contents> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Contents::new(self.storage, &self.disk, name);
        Arc::clone(stores.entry(name.to_string()).or_insert_with(|| Arc::new(new())))
    }
}

const MAX_PARALLELISM: u32 = 128;

/// How a process runs.
#[derive(Clone)]
pub struct Setup {
    pub parallelism: u32,
    pub channel_rows: usize,
    pub discovery: Option<Duration>,
    pub chunk_max: u64,
    pub checkpoint_interval: Duration,
    /// How far its wall clock is off.
    pub skew_ms: i64,
    /// Planted on purpose.
    pub defect: Option<Defect>,
}

/// How a process ended: as its job did.
pub type Ended = Arc<Mutex<Option<Result<Outcome>>>>;

#[derive(Debug, Clone)]
struct SimHost {
    world: World,
    process: ProcessId,
    remains: RemainsRef,
}

/// [`Remains`] without a word about what is in it.
#[derive(Clone)]
struct RemainsRef(Remains);

impl std::fmt::Debug for RemainsRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remains")
    }
}

impl SimHost {
    fn store(&self, name: &str) -> Result<Arc<dyn Store>> {
        let contents = self.remains.0.contents(name);
        Ok(Arc::new(SimStore {
            world: self.world.clone(),
            process: self.process,
            faults: self.remains.0.faults.clone(),
            opened: contents.open()?,
            contents,
            name: name.to_string(),
        }))
    }
}

impl Host for SimHost {
    fn open(&self, location: &str, _base: &Path, _options: &BTreeMap<String, String>) -> Result<Arc<dyn Store>> {
        self.store(location)
    }
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.world.spawn(self.process, future);
    }
    fn unique(&self) -> String {
        self.world.unique()
    }
    fn print(&self, _lines: &[u8], _as_errors: bool) -> std::io::Result<()> {
        Ok(())
    }
}

/// The connectors of the binary, but for the log and the brokers.
struct SimConnectors {
    inner: ConnectorRegistry,
    context: ConnectorContext,
    host: SimHost,
    discovery: Option<Duration>,
    chunk_max: u64,
    defect: Option<Defect>,
}

impl Registry for SimConnectors {
    fn connectors(&self) -> &[&'static ConnectorSpec] {
        self.inner.connectors()
    }
    fn formats(&self) -> &[&'static FormatSpec] {
        self.inner.formats()
    }
    fn check(&self, table: &TableSpec) -> Vec<Error> {
        self.inner.check(table)
    }
}

impl Connectors for SimConnectors {
    fn source(&self, table: &TableSpec) -> Result<Arc<dyn Source>> {
        if table.connector() != "kafka" {
            return self.inner.source(table);
        }
        Ok(Arc::new(LogSource {
            world: self.host.world.clone(),
            process: self.host.process,
            faults: self.host.remains.0.faults.clone(),
            log: Arc::clone(&self.host.remains.0.log),
            table: table.clone(),
            discovery: self.discovery,
            chunk_max: self.chunk_max,
            resets: self.defect == Some(Defect::SkipsWhatIsGone),
        }))
    }
    fn sink(&self, table: &TableSpec, id: &str) -> Result<Arc<dyn Sink>> {
        if table.connector() != "kafka" {
            return self.inner.sink(table, id);
        }
        let brokers = SimBroker {
            world: self.host.world.clone(),
            process: self.host.process,
            faults: self.host.remains.0.faults.clone(),
            broker: self.host.remains.0.broker.clone(),
            defect: self.defect,
        };
        millstream_connectors::kafka::sink_on(Arc::new(brokers), table, id, &self.context)
    }
}

/// Blocking calls have nowhere to go: nothing in a simulated job makes one.
fn handle() -> tokio::runtime::Handle {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    #[allow(clippy::expect_used, reason = "without a runtime there is no test")]
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));
    runtime.handle().clone()
}

/// Starts a process.
pub fn start(world: &World, process: ProcessId, case: &JobCase, setup: &Setup, remains: &Remains) -> Ended {
    world.note(|| {
        format!(
            "process {process} starts {} with parallelism {}, channels of {} rows",
            case.name, setup.parallelism, setup.channel_rows
        )
    });
    let ended = Ended::default();
    let (result, setup, remains, case, of) = (Arc::clone(&ended), setup.clone(), remains.clone(), *case, world.clone());
    world.spawn(
        process,
        Box::pin(async move {
            let outcome = run(&of, process, &case, &setup, &remains).await;
            of.note(|| match &outcome {
                Ok(o) => format!("process {process} ends: {o:?}"),
                Err(e) => format!("process {process} ends: {}", e.message),
            });
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }),
    );
    ended
}

async fn run(world: &World, process: ProcessId, case: &JobCase, setup: &Setup, remains: &Remains) -> Result<Outcome> {
    let host = SimHost {
        world: world.clone(),
        process,
        remains: RemainsRef(remains.clone()),
    };
    let clock = Arc::new(SimClock {
        world: world.inner(),
        skew_ms: setup.skew_ms,
    });
    let context = ConnectorContext {
        clock: Arc::clone(&clock) as _,
        handle: handle(),
        host: Arc::new(host.clone()),
        job: case.name.to_string(),
        directory: PathBuf::from("."),
        state: Some("state".to_string()),
    };
    let connectors = SimConnectors {
        inner: ConnectorRegistry::new(context.clone()),
        context,
        host: host.clone(),
        discovery: setup.discovery,
        chunk_max: setup.chunk_max,
        defect: setup.defect,
    };
    let plan = plan(case, &connectors)?;
    let checkpoints = Checkpoints::new(host.store("state")?, &plan.name);
    let (incarnation, after) = match decide(&checkpoints, &plan, MAX_PARALLELISM, Life::Same).await? {
        Resume::Finished { .. } => return Ok(Outcome::Finished),
        Resume::Continue { incarnation, .. } => (incarnation, None),
        Resume::Fresh { after } => (world.unique(), after),
    };
    let mut graph = millstream_operators::build(&plan, &connectors, None)?;
    if let Some(defect) = setup.defect {
        defect.plant(&mut graph);
    }
    let (names, picks) = (world.clone(), world.clone());
    let job = Job {
        graph,
        config: JobConfig {
            name: plan.name.clone(),
            parallelism: setup.parallelism,
            max_parallelism: MAX_PARALLELISM,
            checkpoint_interval: setup.checkpoint_interval,
            checkpoint_timeout: Duration::from_secs(60),
            checkpoints_retained: 2,
            tolerable_failed_checkpoints: 3,
            restart_attempts: 5,
            restart_backoff: Duration::from_millis(100),
            restart_backoff_max: Duration::from_secs(5),
            channel_rows: setup.channel_rows,
            workers: 0,
            plan: plan.to_text()?,
        },
        rim: Rim {
            clock,
            timer: Arc::new(world.inner()),
            show: |_, row| format!("row {row}"),
            unique: Arc::new(move || names.unique()),
            pick: Arc::new(move |n| picks.below(n as u64) as usize),
        },
        checkpoints: Some(checkpoints),
        incarnation,
        after,
        metrics: Arc::default(),
    };
    job.run(&Control::default()).await
}

fn plan(case: &JobCase, connectors: &SimConnectors) -> Result<Plan> {
    let text = format!("{EVENTS}{}", case.sql);
    let options = CompileOptions {
        registry: connectors,
        catalogs: None,
        variables: &BTreeMap::new(),
        settings: &BTreeMap::new(),
        job_name: Some(case.name),
    };
    let compiled = compile(&text, &options).map_err(|mut errors| errors.remove(0))?;
    let inserts = compiled.steps.into_iter().find_map(|s| match s {
        Step::Insert(plan) => Some(plan),
        _ => None,
    });
    inserts.ok_or_else(|| Error::bug("the file has no INSERT"))
}
