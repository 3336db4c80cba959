//! Simulated time, and what waits for it.

use super::chance::Chance;
use super::executor::Stop;
use crate::rim::Timer;
use millstream_dataflow::{BoxFuture, Clock};
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Number of a process, from 1; all its tasks die with it.
pub type ProcessId = u32;

/// Wall time at the start of every run: 2024-01-01.
pub const EPOCH_MS: i64 = 1_704_067_200_000;

/// What has happened, as a hash and, if wanted, as lines.
#[derive(Debug, Default)]
struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

/// A task and the process that it belongs to.
pub(super) type Spawned = (ProcessId, BoxFuture<'static, ()>);

struct State {
    now: Duration,
    chance: Chance,
    timers: BTreeMap<(Duration, u64), Waker>,
    next: u64,
    spawned: Vec<Spawned>,
    dead: Vec<ProcessId>,
    trace: Trace,
}

/// A simulated world. Clones are the same one.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World at {:?}", self.state().now)
    }
}

impl World {
    /// - `traced`: keeps the lines of the trace, not only its hash
    pub fn new(seed: u64, traced: bool) -> World {
        World(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            chance: Chance::new(seed),
            timers: BTreeMap::new(),
            next: 0,
            spawned: Vec::new(),
            dead: Vec::new(),
            trace: Trace {
                hash: seed,
                lines: traced.then(Vec::new),
            },
        })))
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub fn now(&self) -> Duration {
        self.state().now
    }
    pub fn below(&self, n: u64) -> u64 {
        self.state().chance.below(n)
    }
    pub fn per_mille(&self, n: u64) -> bool {
        self.state().chance.per_mille(n)
    }
    /// A name that nobody else is given.
    pub fn unique(&self) -> String {
        let mut state = self.state();
        let (a, b) = (state.chance.number(), state.chance.number());
        format!("{a:016x}{b:016x}")
    }
    /// Notes what happened.
    pub fn note(&self, what: impl FnOnce() -> String) {
        let text = what();
        let mut state = self.state();
        // FNV-1a.
        let mut hash = state.trace.hash ^ state.now.as_nanos() as u64;
        for byte in text.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        state.trace.hash = hash;
        let line = format!("{:>12.3} ms  {text}", state.now.as_secs_f64() * 1000.0);
        if let Some(lines) = &mut state.trace.lines {
            lines.push(line);
        }
    }
    /// A number that two runs of the same seed share, and hardly two others.
    pub fn trace_hash(&self) -> u64 {
        let state = self.state();
        state.trace.hash ^ state.chance.clone().number()
    }
    pub fn trace(&self) -> Vec<String> {
        self.state().trace.lines.clone().unwrap_or_default()
    }
    pub fn spawn(&self, process: ProcessId, future: BoxFuture<'static, ()>) {
        self.state().spawned.push((process, future));
    }
    /// The end of a process: nothing of it runs any more, not even what it is in the middle of.
    pub fn kill(&self, process: ProcessId) {
        self.note(|| format!("process {process} is gone"));
        self.state().dead.push(process);
    }
    pub fn is_dead(&self, process: ProcessId) -> bool {
        self.state().dead.contains(&process)
    }
    /// What was spawned since the last time, and all processes that are gone, if either is news.
    pub(super) fn changes(&self, known_dead: usize) -> Option<(Vec<Spawned>, Vec<ProcessId>)> {
        let mut state = self.state();
        if state.spawned.is_empty() && state.dead.len() == known_dead {
            return None;
        }
        Some((std::mem::take(&mut state.spawned), state.dead.clone()))
    }
    /// Goes on to the next time that somebody waits for, unless that is too late or there is none.
    pub(super) fn advance(&self, until: Duration) -> Option<Stop> {
        let mut state = self.state();
        let Some(((at, _), _)) = state.timers.first_key_value() else {
            return Some(Stop::Stuck);
        };
        let at = *at;
        if at > until {
            state.now = until;
            return Some(Stop::Time);
        }
        state.now = state.now.max(at);
        let later = state.timers.split_off(&(at, u64::MAX));
        let due = std::mem::replace(&mut state.timers, later);
        drop(state);
        due.into_values().for_each(Waker::wake);
        None
    }
    pub fn sleep(&self, wait: Duration) -> Sleep {
        Sleep {
            world: self.clone(),
            wait,
            timer: None,
        }
    }
}

/// Waits in simulated time; one of no length lets others run first.
pub struct Sleep {
    world: World,
    wait: Duration,
    /// Its place among the timers, once it is there.
    timer: Option<(Duration, u64)>,
}

impl Future for Sleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let world = self.world.clone();
        let mut state = world.state();
        match self.timer {
            Some((at, _)) if at <= state.now => Poll::Ready(()),
            Some(timer) => {
                state.timers.insert(timer, context.waker().clone());
                Poll::Pending
            }
            None => {
                let timer = (state.now + self.wait, state.next);
                state.next += 1;
                self.timer = Some(timer);
                if self.wait.is_zero() {
                    context.waker().wake_by_ref();
                } else {
                    state.timers.insert(timer, context.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.world.state().timers.remove(&timer);
        }
    }
}

impl Timer for World {
    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(World::sleep(self, wait))
    }
}

/// A process's clock: wall clocks differ between machines.
#[derive(Debug)]
pub struct SimClock {
    pub world: World,
    pub skew_ms: i64,
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        EPOCH_MS + self.skew_ms + self.world.now().as_millis() as i64
    }
    fn monotonic(&self) -> Duration {
        self.world.now()
    }
}
