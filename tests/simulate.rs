//! The simulator's long run: `cargo run --release -p tests --bin simulate -- [--seeds N] [--minutes M] [--from SEED]`.
#![allow(clippy::print_stdout, reason = "the counters are what it is run for")]

use anyhow::{Context, Result, bail};
use std::time::{Duration, Instant};
use tests::sim::job::JOBS;
use tests::sim::life::live;
use tests::sim::query::random_job;
use tests::sim::world::Counters;

fn main() -> Result<()> {
    let (mut seeds, mut minutes, mut from) = (u64::MAX, 10, 1_000);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .and_then(|v| v.parse().ok())
            .with_context(|| format!("{name} needs a number"))?;
        match name.as_str() {
            "--seeds" => seeds = value,
            "--minutes" => minutes = value,
            "--from" => from = value,
            _ => bail!("there are --seeds N, --minutes M and --from SEED, not {name}"),
        }
    }
    #[allow(clippy::disallowed_methods, reason = "how long a person waits is no part of a simulation")]
    let start = Instant::now();
    let (mut counters, mut lives) = (Counters::default(), 0u64);
    for seed in (from..).take(usize::try_from(seeds).unwrap_or(usize::MAX)) {
        if start.elapsed() >= Duration::from_secs(minutes * 60) {
            break;
        }
        for case in JOBS.iter().copied().chain([random_job(seed)]) {
            let lived = live(case, seed, None, false).0;
            let lived = lived.with_context(|| format!("seed {seed} of {}: {}", case.name, case.sql))?;
            counters.add(lived.counters);
            lives += 1;
        }
    }
    let (wall, hours) = (start.elapsed(), counters.simulated.as_secs_f64() / 3600.0);
    println!(
        "{lives} lives of {} jobs and as many random queries as seeds, {hours:.1} simulated hours in {:.1} s ({:.0} times as fast)",
        JOBS.len(),
        wall.as_secs_f64(),
        hours * 3600.0 / wall.as_secs_f64()
    );
    println!(
        "{} calls, {} faults, {} processes killed, {} losses of power, {} commits, {} lives ended by records that were gone unread; every committed row as expected",
        counters.calls, counters.faults, counters.crashes, counters.power_losses, counters.commits, counters.told
    );
    Ok(())
}
