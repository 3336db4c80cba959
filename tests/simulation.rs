//! Trials of the simulator: `cargo test -p tests sim`, one seed with its trace by `SEED=n`.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use futures::executor::block_on;
use libtest_mimic::{Failed, Trial};
use millstream_dataflow::{PutMode, Store};
use millstream_store::{Disk, LocalStore};
use std::path::Path;
use std::sync::Arc;
use tests::sim::defects::Defect;
use tests::sim::disk::{SimDisk, Unsynced};
use tests::sim::enumerate::{fault_pairs, power_losses, single_faults};
use tests::sim::job::{ALIGNED, BAD_ROWS, BY_THE_CLOCK, JOBS, JobCase, LATE_ROWS};
use tests::sim::laws::Law;
use tests::sim::life::live;
use tests::sim::query::random_job;
use tests::sim::store::Storage;
use tests::sim::world::World;

/// Pairs of faults of each job and kind of store in a test run.
const PAIRS: u64 = 60;

/// Random queries in a test run.
const QUERIES: u64 = 100;
const QUERIES_TOGETHER: usize = 25;

/// Seeds of each law in a test run.
const LAW_SEEDS: u64 = 15;

/// Seeds of each job in a test run.
const SEEDS: u64 = 12;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add = |name: String, run: Box<dyn Fn() -> Result<()> + Send>| {
        trials.push(Trial::test(name, move || run().map_err(|e| Failed::from(format!("{e:#}")))));
    };
    if let Some(seed) = std::env::var("SEED").ok().and_then(|s| s.parse().ok()) {
        let jobs: Vec<JobCase> = JOBS.iter().copied().chain([BAD_ROWS, LATE_ROWS, BY_THE_CLOCK, ALIGNED]).collect();
        add("sim::seed".to_string(), Box::new(move || replay(seed, &jobs)));
        return trials;
    }
    if let Some(seed) = std::env::var("QUERY").ok().and_then(|s| s.parse().ok()) {
        add("sim::query".to_string(), Box::new(move || replay(seed, &[random_job(seed)])));
        return trials;
    }
    for case in JOBS {
        add(format!("sim::life::{}", case.name), Box::new(move || seeds(0..SEEDS, *case)));
        // Where windows are shown: all ways of a file. Elsewhere those that differ most.
        for storage in Storage::ALL.into_iter().filter(|s| *s != Storage::Parts || case.name == "two-sinks") {
            let name = format!("sim::every_fault::{}::{storage:?}", case.name).to_lowercase();
            add(name, Box::new(move || single_faults(*case, 1, storage).map(drop)));
        }
        let name = format!("sim::fault_pairs::{}", case.name);
        let pairs = move || {
            fault_pairs(*case, 2, Storage::Disk, PAIRS)?;
            fault_pairs(*case, 3, Storage::Objects, PAIRS / 2)?;
            fault_pairs(*case, 4, Storage::Parts, PAIRS / 2).map(drop)
        };
        add(name, Box::new(pairs));
        let name = format!("sim::every_power_loss::{}", case.name);
        add(name, Box::new(move || power_losses(*case, 1, Unsynced::default()).map(drop)));
    }
    for case in [BAD_ROWS, LATE_ROWS, BY_THE_CLOCK, ALIGNED] {
        add(format!("sim::life::{}", case.name), Box::new(move || seeds(0..SEEDS, case)));
    }
    for from in (0..QUERIES).step_by(QUERIES_TOGETHER) {
        let name = format!("sim::queries::{from}");
        add(name, Box::new(move || queries(from..from + QUERIES_TOGETHER as u64)));
    }
    add("sim::power_loss_after_a_kill".to_string(), Box::new(inherited_directory));
    for law in Law::ALL {
        add(format!("sim::law::{law:?}").to_lowercase(), Box::new(move || laws(law)));
    }
    for defect in Defect::ALL {
        add(format!("sim::alarm::{defect:?}").to_lowercase(), Box::new(move || alarm(defect)));
    }
    for (name, unsynced) in [
        ("contents", Unsynced { contents: true, names: false }),
        ("names", Unsynced { contents: false, names: true }),
    ] {
        add(format!("sim::alarm::unsynced_{name}"), Box::new(move || power_alarm(unsynced)));
    }
    trials
}

/// A sync that is left out has to be found by one of the losses of power.
fn power_alarm(unsynced: Unsynced) -> Result<()> {
    let case = JOBS.iter().find(|j| j.name == "two-sinks").context("no such job")?;
    let Err(e) = power_losses(*case, 1, unsynced) else {
        bail!("nobody noticed {unsynced:?}")
    };
    // Rows that are gone, or files that are missing or empty: nothing else is a find.
    let told = format!("{e:#}");
    let is_find = [
        "times instead of",
        "is missing",
        "checkpoints are missing",
        "damaged",
        "neither staged nor visible",
        "bytes instead of",
    ];
    ensure!(is_find.iter().any(|f| told.contains(f)), "something else was noticed: {told}");
    Ok(())
}

/// A directory that is there may be one whose name nobody has synced: the process that made it was killed.
fn inherited_directory() -> Result<()> {
    for seed in 0..50 {
        let world = World::new(seed, false);
        let disk = SimDisk::new(&world);
        let open = || LocalStore::on(Arc::new(disk.clone()), "/state");
        open()?;
        disk.make_directory(Path::new("/state/a"))?;
        block_on(open()?.put("a/b/object", Bytes::from_static(b"synced"), PutMode::Create))?;
        disk.lose_power();
        let found = block_on(disk.look_into("/state")?.get("a/b/object", None))?;
        ensure!(
            found.as_deref() == Some(b"synced"),
            "seed {seed}: {found:?} is left of an object that was acknowledged"
        );
    }
    Ok(())
}

/// A planted defect has to be found within these seeds.
fn alarm(defect: Defect) -> Result<()> {
    let name = match defect {
        Defect::ForgetsPartitions => "marked",
        Defect::ForgetsProgress | Defect::ShowsOpenTransactions => "to-kafka",
        // Only windows have state, and judge lateness.
        _ => "two-sinks",
    };
    let case = JOBS.iter().find(|j| j.name == name).context("no such job")?;
    for seed in 0..SEEDS {
        if let Err(e) = live(*case, seed, Some(defect), false).0
            && ["times instead of", "is not marked as complete"]
                .iter()
                .any(|find| format!("{e:#}").contains(find))
        {
            return Ok(());
        }
    }
    bail!("nobody noticed that {defect:?}")
}

/// A random query per seed, answered in a life of that seed.
fn queries(seeds: impl Iterator<Item = u64>) -> Result<()> {
    for seed in seeds {
        let case = random_job(seed);
        let (lived, _) = live(case, seed, None, false);
        lived.with_context(|| format!("query {seed}: QUERY={seed} cargo test -p tests sim shows its trace\n{}", case.sql))?;
    }
    Ok(())
}

/// Two ways to say the same, in a life per seed.
fn laws(law: Law) -> Result<()> {
    for seed in 0..LAW_SEEDS {
        let case = law.job(seed);
        let lived = live(case, seed, None, false).0;
        lived.with_context(|| format!("{law:?} does not hold in life {seed} of\n{}", case.sql))?;
    }
    Ok(())
}

/// Lives lived twice each: the second has to be the first again.
fn seeds(seeds: impl Iterator<Item = u64>, case: JobCase) -> Result<()> {
    let job = case.name;
    for seed in seeds {
        let (first, _) = live(case, seed, None, false);
        let first = first.with_context(|| format!("seed {seed} of {job}: SEED={seed} cargo test -p tests sim shows its trace"))?;
        let second = live(case, seed, None, false).0?;
        if first != second {
            bail!("seed {seed} of {job} is not the same twice: {first:?}, then {second:?}");
        }
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the trace is what was asked for")]
fn replay(seed: u64, jobs: &[JobCase]) -> Result<()> {
    for case in jobs {
        let (result, trace) = live(*case, seed, None, true);
        trace.iter().for_each(|line| println!("{line}"));
        let lived = result.with_context(|| format!("seed {seed} of {}", case.name))?;
        println!("{}: {:?}", case.name, lived.counters);
    }
    Ok(())
}
