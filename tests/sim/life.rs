//! The life of a job: processes that start, die, pause and start again, until all is committed.

use super::defects::Defect;
use super::job::{Event, Expected, JobCase, Size, TOPIC, input, input_after};
use super::log::{Log, Partition};
use super::oracle::{Rows, difference, expected, rows};
use super::process::{Ended, Remains, Setup, start};
use super::store::{FaultPlan, Faults, Storage};
use super::world::{Chance, Counters, Executor, ProcessId, Stop, World};
use anyhow::{Context, Result, bail};
use millstream_dataflow::ErrorKind;
use millstream_runtime::Outcome;
use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

/// After so much simulated time a job that has not ended is stuck.
const LIFE_MAX: Duration = Duration::from_secs(3600);

/// Of a thousand ends of processes, how often the log has lost records by the next start.
const RETENTION: u64 = 30;

/// So many processes without a fault are enough to finish.
const LIFE_PROCESSES_MAX: usize = 1000;

/// A life to be lived.
pub struct Life {
    pub case: JobCase,
    pub events: Vec<Vec<Event>>,
    pub world: World,
    pub remains: Remains,
    executor: Executor,
    processes: ProcessId,
    pub defect: Option<Defect>,
}

/// How it went with a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The job has finished.
    Finished,
    /// It ended with an error that the planted faults explain.
    Failed,
    /// It says that records it has not read are gone from the log: nobody can go on.
    Told,
    /// It did not end by itself.
    Cut,
}

/// What a life left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lived {
    pub hash: u64,
    pub counters: Counters,
}

impl Life {
    pub fn new(case: JobCase, seed: u64, size: Size, storage: Storage, faults: Faults, traced: bool) -> Self {
        let (events, partitions) = input(&mut Chance::new(seed), size);
        Life::of(case, seed, events, partitions, Vec::new(), storage, faults, traced)
    }
    #[allow(clippy::too_many_arguments, reason = "what a life is made of")]
    fn of(
        case: JobCase,
        seed: u64,
        events: Vec<Vec<Event>>,
        partitions: Vec<Partition>,
        outages: Vec<(Duration, Duration)>,
        storage: Storage,
        faults: Faults,
        traced: bool,
    ) -> Self {
        let world = World::new(seed, traced);
        Life {
            case,
            events,
            remains: Remains::new(&world, Log::new(partitions, outages), storage, FaultPlan::new(faults)),
            executor: Executor::new(world.inner()),
            world,
            processes: 0,
            defect: None,
        }
    }
    pub fn start(&mut self, setup: &Setup) -> (ProcessId, Ended) {
        self.processes += 1;
        let setup = Setup {
            defect: self.defect,
            ..setup.clone()
        };
        (self.processes, start(&self.world, self.processes, &self.case, &setup, &self.remains))
    }
    /// Runs until a process has ended or is dead, at most for so long.
    fn run(&mut self, process: ProcessId, ended: &Ended, wait: Duration) -> Result<Stop> {
        let world = self.world.clone();
        let over = || world.is_dead(process) || ended.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let stop = self.executor.run(world.now() + wait, over);
        if self.remains.disk.is_off() {
            self.lose_power();
        }
        if stop == Stop::Stuck {
            bail!("process {process} waits for something that never comes");
        }
        Ok(stop)
    }
    /// Nothing runs any more, and what was not synced may be gone.
    fn lose_power(&mut self) {
        for process in 1..=self.processes {
            if !self.world.is_dead(process) {
                self.world.kill(process);
            }
        }
        self.remains.disk.lose_power();
    }
    /// How a process ended; an error that none of the faults explains is one of the life.
    fn outcome(&self, ended: &Ended) -> Result<Fate> {
        match ended.lock().unwrap_or_else(PoisonError::into_inner).take() {
            None => Ok(Fate::Cut),
            Some(Ok(Outcome::Finished)) => Ok(Fate::Finished),
            Some(Ok(Outcome::Stopped)) => Ok(Fate::Failed),
            Some(Err(e)) if matches!(e.kind, ErrorKind::Unavailable | ErrorKind::Fenced) => Ok(Fate::Failed),
            // A flipped bit is told as damage, and nothing else is.
            Some(Err(e)) if e.kind == ErrorKind::Corrupt && self.world.counters().flips > 0 => Ok(Fate::Failed),
            Some(Err(e)) if e.code == Some("E0701") && self.remains.log.has_lost() => {
                self.world.count(|c| c.told += 1);
                Ok(Fate::Told)
            }
            Some(Err(e)) => bail!("a process ended with an error that is none of the planted ones: {e:?}"),
        }
    }
    /// What plain listings of the sinks show now, compared with what must be there in the end.
    pub fn check(&self, complete: bool) -> Result<()> {
        for (directory, what) in self.case.sinks {
            let found = self.committed(directory)?;
            let partitions: Vec<&[Event]> = self.remains.log.found().into_iter().map(|p| self.events[p].as_slice()).collect();
            if let Expected::SameAs(other) = what {
                if complete && found.is_empty() {
                    bail!("nothing is in {directory}");
                }
                if complete && let Some(difference) = difference(&found, &self.committed(other)?, false) {
                    bail!("{directory} is not {other}: {difference}");
                }
                continue;
            }
            if matches!(what, Expected::Marked) {
                self.check_marks(directory, complete)?;
            }
            // Windows grow until they are shown: what is shown too early or twice is found all the same.
            if let Some(difference) = difference(&found, &expected(*what, &partitions), !complete) {
                bail!("{directory} of {}: {difference}", self.case.name);
            }
        }
        Ok(())
    }
    /// Only a partition with rows is marked as complete, and in the end each.
    fn check_marks(&self, directory: &str, complete: bool) -> Result<()> {
        let files = futures::executor::block_on(self.remains.contents(directory).look_into()?.list(""))?;
        let partitions = |marks: bool| -> BTreeSet<&str> {
            let named = files
                .iter()
                .filter_map(|f| f.path.split_once('/'))
                .filter(|(partition, _)| partition.contains('='));
            named
                .filter(|(_, name)| (*name == "_SUCCESS") == marks)
                .map(|(partition, _)| partition)
                .collect()
        };
        let (with_rows, marked) = (partitions(false), partitions(true));
        if let Some(empty) = marked.difference(&with_rows).next() {
            bail!("{directory}/{empty} is marked as complete without rows");
        }
        match with_rows.difference(&marked).next().filter(|_| complete) {
            Some(left_out) => bail!("{directory}/{left_out} is not marked as complete"),
            None => Ok(()),
        }
    }
    fn committed(&self, directory: &str) -> Result<Rows> {
        let mut found = Rows::new();
        if directory == TOPIC {
            rows(&self.remains.broker.committed().join("\n"), &[], &mut found)?;
            return Ok(found);
        }
        let contents = self.remains.contents(directory);
        let store = contents.look_into()?;
        futures::executor::block_on(async {
            for file in store.list("").await? {
                if file.path.split('/').any(|segment| segment.starts_with(['.', '_'])) {
                    continue;
                }
                let bytes = store.get(&file.path, None).await?.unwrap_or_default();
                let partition = file
                    .path
                    .split('/')
                    .filter_map(|s| s.split_once('='))
                    .map(|(n, v)| (n.to_string(), v.to_string()));
                rows(&String::from_utf8(bytes.to_vec())?, &partition.collect::<Vec<_>>(), &mut found)?;
            }
            anyhow::Ok(())
        })?;
        Ok(found)
    }
    /// Starts processes until the job has finished, and looks at what is committed whenever one is gone.
    ///
    /// - `setup`: of each process
    pub fn finish(&mut self, mut setup: impl FnMut(&World) -> Setup) -> Result<Lived> {
        // A job that ends again and again is as stuck as one that waits for ever.
        for _ in 0..LIFE_PROCESSES_MAX {
            if self.world.now() >= LIFE_MAX {
                break;
            }
            let (process, ended) = self.start(&setup(&self.world));
            self.run(process, &ended, LIFE_MAX)?;
            let fate = self.outcome(&ended)?;
            self.check(fate == Fate::Finished).context("after the end of a process")?;
            if matches!(fate, Fate::Finished | Fate::Told) {
                return Ok(self.lived());
            }
        }
        bail!("the job has not finished after {} processes and {:?}", self.processes, self.world.now())
    }
    fn lived(&self) -> Lived {
        Lived {
            hash: self.world.trace_hash(),
            counters: self.world.counters(),
        }
    }
}

/// A process as a seed wants it.
fn any_setup(world: &World) -> Setup {
    Setup {
        parallelism: 1 + world.below(if world.per_mille(300) { 8 } else { 4 }) as u32,
        channel_rows: 1 << world.below(17),
        discovery: world.per_mille(500).then(|| Duration::from_millis(500 + world.below(20_000))),
        chunk_max: 1 << world.below(7),
        checkpoint_interval: Duration::from_millis(200 + world.below(8_000)),
        skew_ms: world.below(120_000) as i64 - 60_000,
        defect: None,
    }
}

/// Lives a whole life that a seed decides: size, faults, outages, kills, zombies.
///
/// # Errors
/// What was committed wrongly, or a process that got stuck; the trace goes with it.
pub fn live(case: JobCase, seed: u64, defect: Option<Defect>, traced: bool) -> (Result<Lived>, Vec<String>) {
    let mut chance = Chance::new(seed);
    let size = Size {
        partitions: 1 + chance.below(5),
        events: 20 + chance.below(400),
        span: Duration::from_secs(20 + chance.below(600)),
    };
    let storage = [Storage::Disk, Storage::Disk, Storage::Objects, Storage::Parts][chance.below(4) as usize];
    let faults = Faults {
        per_mille: [0, 5, 20, 60][chance.below(4) as usize],
        ..Faults::default()
    };
    let (mut events, mut partitions) = input(&mut chance, size);
    let outages = (0..chance.below(4)).map(|_| {
        let from = Duration::from_millis(chance.below(size.span.as_millis() as u64));
        (from, from + Duration::from_millis(chance.below(60_000)))
    });
    let outages = outages.collect();
    if chance.per_mille(300) {
        let (late_events, late) = late_partition(&mut chance, size);
        events.push(late_events);
        partitions.push(late);
    }
    let mut life = Life::of(case, seed, events, partitions, outages, storage, faults, traced);
    life.defect = defect;
    let result = troubled(&mut life, size);
    (result, life.world.trace())
}

/// A partition that is made while the job runs, and found at the next start. Its events are newer than all others: those of the others'
/// time would be late or not by when it is found.
fn late_partition(chance: &mut Chance, size: Size) -> (Vec<Event>, Partition) {
    let appears = Duration::from_millis(chance.below(size.span.as_millis() as u64));
    let later = Size {
        partitions: 1,
        events: 1 + chance.below(50),
        span: size.span,
    };
    let (mut events, mut partitions) = input_after(chance, later, size);
    let mut partition = partitions.remove(0);
    partition.appears = appears;
    (events.remove(0), partition)
}

fn troubled(life: &mut Life, size: Size) -> Result<Lived> {
    // Trouble lasts for a while, then the rest must come to its end.
    let world = life.world.clone();
    let end_of_trouble = size.span * 2;
    let mut zombie: Option<(ProcessId, Ended)> = None;
    while world.now() < end_of_trouble {
        let (process, ended) = life.start(&any_setup(&world));
        let wait = Duration::from_millis(world.below(size.span.as_millis() as u64 / 2));
        life.run(process, &ended, wait)?;
        let fate = life.outcome(&ended)?;
        life.check(fate == Fate::Finished).context("in trouble")?;
        if let Some((zombie, of)) = zombie.take().filter(|(z, _)| !world.is_dead(*z)) {
            // It comes back while, or after, its successor worked.
            life.executor.resume(zombie);
            life.run(zombie, &of, Duration::from_secs(120))?;
            let finished = life.outcome(&of)? == Fate::Finished;
            life.check(finished || fate == Fate::Finished).context("after a paused process came back")?;
            world.kill(zombie);
        }
        if matches!(fate, Fate::Finished | Fate::Told) {
            return Ok(life.lived());
        }
        if world.per_mille(RETENTION) {
            life.remains.log.lose(&world);
        }
        if fate == Fate::Failed || world.is_dead(process) {
            continue;
        }
        match world.below(10) {
            0..3 => {
                life.executor.pause(process);
                zombie = Some((process, ended));
            }
            3..5 => life.lose_power(),
            // The next process's power fails in the midst of something.
            5..7 => {
                world.kill(process);
                life.remains.disk.fail_at(Some(life.remains.disk.calls() + world.below(300)));
            }
            _ => world.kill(process),
        }
    }
    life.remains.faults.end();
    life.remains.disk.fail_at(None);
    life.finish(any_setup)
}
