//! The simulated world of the runtime, with what the lives in it did.

use millstream_runtime::simulation::World as Inner;
pub use millstream_runtime::simulation::{Chance, EPOCH_MS, Executor, ProcessId, SimClock, Stop};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a run did, for the published counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    pub calls: u64,
    pub faults: u64,
    /// Reads that were answered with a bit changed.
    pub flips: u64,
    pub crashes: u64,
    pub power_losses: u64,
    pub commits: u64,
    /// Lives that ended with the word that records are gone unread.
    pub told: u64,
    pub simulated: Duration,
}

impl Counters {
    pub fn add(&mut self, other: Counters) {
        self.calls += other.calls;
        self.faults += other.faults;
        self.flips += other.flips;
        self.crashes += other.crashes;
        self.power_losses += other.power_losses;
        self.commits += other.commits;
        self.told += other.told;
        self.simulated += other.simulated;
    }
}

/// A world that counts. Clones are the same one.
#[derive(Debug, Clone)]
pub struct World {
    inner: Inner,
    counters: Arc<Mutex<Counters>>,
}

impl Deref for World {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl World {
    /// - `traced`: keeps the lines of the trace, not only its hash
    pub fn new(seed: u64, traced: bool) -> World {
        World {
            inner: Inner::new(seed, traced),
            counters: Arc::default(),
        }
    }
    pub fn inner(&self) -> Inner {
        self.inner.clone()
    }
    fn counted(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub fn count(&self, count: impl FnOnce(&mut Counters)) {
        count(&mut self.counted());
    }
    pub fn counters(&self) -> Counters {
        let counters = *self.counted();
        Counters {
            simulated: self.now(),
            ..counters
        }
    }
    /// The end of a process: nothing of it runs any more, not even what it is in the middle of.
    pub fn kill(&self, process: ProcessId) {
        self.inner.kill(process);
        self.count(|c| c.crashes += 1);
    }
}
