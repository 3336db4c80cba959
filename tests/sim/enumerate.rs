//! Every fault at every call: a calm run counts the calls, then each of them fails once in each way.

use super::defects::Defect;
use super::disk::Unsynced;
use super::job::{JobCase, Size};
use super::life::{Life, Lived};
use super::process::Setup;
use super::store::{Fault, Faults, Storage};
use super::world::{Chance, Counters};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::time::Duration;

/// Small, but with several epochs and two partitions.
const SIZE: Size = Size {
    partitions: 2,
    events: 40,
    span: Duration::from_secs(40),
};

fn setup(parallelism: u32) -> Setup {
    Setup {
        parallelism,
        channel_rows: 64,
        discovery: None,
        chunk_max: 8,
        checkpoint_interval: Duration::from_secs(8),
        skew_ms: 0,
        defect: None,
    }
}

/// Lives to the end; processes alternate between two parallelisms.
fn finish(life: &mut Life) -> Result<Lived> {
    let mut starts = 0;
    life.finish(|_| {
        starts += 1;
        setup(1 + starts % 2)
    })
}

/// One life with planted faults.
pub fn with_faults(case: JobCase, seed: u64, storage: Storage, planted: BTreeMap<u64, Fault>, defect: Option<Defect>) -> Result<(u64, Counters)> {
    let name = format!("{planted:?}");
    let faults = Faults { planted, ..Faults::default() };
    let mut life = Life::new(case, seed, SIZE, storage, faults, false);
    life.defect = defect;
    let lived = finish(&mut life).with_context(|| format!("{}, seed {seed}, {storage:?}, faults {name}", case.name))?;
    Ok((life.remains.faults.calls(), lived.counters))
}

/// One life on a disk whose power fails at a change, if at all; and the number of changes.
fn without_power(case: JobCase, seed: u64, at: Option<u64>, unsynced: Unsynced) -> Result<(u64, Counters)> {
    let mut life = Life::new(case, seed, SIZE, Storage::Disk, Faults::default(), false);
    life.remains.disk.leave_out(unsynced);
    life.remains.disk.fail_at(at);
    let lived = finish(&mut life).with_context(|| format!("{}, seed {seed}, power lost at change {at:?} of the disk", case.name))?;
    Ok((life.remains.disk.calls(), lived.counters))
}

/// All losses of power of a job: at each change of the disk.
///
/// - `unsynced`: syncs that are left out
///
/// # Errors
/// The first that leads to wrong rows or a job that cannot go on.
pub fn power_losses(case: JobCase, seed: u64, unsynced: Unsynced) -> Result<Counters> {
    let (changes, mut counters) = without_power(case, seed, None, unsynced)?;
    for at in 0..changes {
        counters.add(without_power(case, seed, Some(at), unsynced)?.1);
    }
    Ok(counters)
}

/// Two faults in one life, so many times: any calls, any kinds.
///
/// # Errors
/// The first pair that leads to wrong rows.
pub fn fault_pairs(case: JobCase, seed: u64, storage: Storage, pairs: u64) -> Result<Counters> {
    let (calls, mut counters) = with_faults(case, seed, storage, BTreeMap::new(), None)?;
    let mut chance = Chance::new(seed);
    let mut any = || (chance.below(calls), Fault::ALL[chance.below(Fault::ALL.len() as u64) as usize]);
    for _ in 0..pairs {
        counters.add(with_faults(case, seed, storage, BTreeMap::from([any(), any()]), None)?.1);
    }
    Ok(counters)
}

/// All single faults of a job.
///
/// # Errors
/// The first that leads to wrong rows, with the call and the fault.
pub fn single_faults(case: JobCase, seed: u64, storage: Storage) -> Result<Counters> {
    let (calls, mut counters) = with_faults(case, seed, storage, BTreeMap::new(), None)?;
    for call in 0..calls {
        for fault in Fault::ALL {
            counters.add(with_faults(case, seed, storage, BTreeMap::from([(call, fault)]), None)?.1);
        }
    }
    Ok(counters)
}
