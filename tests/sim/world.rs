//! Time, tasks and chance.

use futures::task::ArcWake;
use millstream_dataflow::{BoxFuture, Clock};
use millstream_runtime::Timer;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Number of a process, from 1; all its tasks die with it.
pub type ProcessId = u32;

/// Wall time at the start of every run: 2024-01-01.
pub const EPOCH_MS: i64 = 1_704_067_200_000;

/// A reproducible sequence (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance(seed)
    }
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.number() % n.max(1)
    }
    /// True so many times in a thousand.
    pub fn per_mille(&mut self, n: u64) -> bool {
        self.below(1000) < n
    }
}

/// What has happened, as a hash and, if wanted, as lines.
#[derive(Debug, Default)]
struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

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

struct State {
    now: Duration,
    chance: Chance,
    timers: BTreeMap<(Duration, u64), Waker>,
    next: u64,
    spawned: Vec<(ProcessId, BoxFuture<'static, ()>)>,
    dead: Vec<ProcessId>,
    trace: Trace,
    counters: Counters,
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
            counters: Counters::default(),
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
    pub fn count(&self, count: impl FnOnce(&mut Counters)) {
        count(&mut self.state().counters);
    }
    pub fn counters(&self) -> Counters {
        let state = self.state();
        Counters {
            simulated: state.now,
            ..state.counters
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
        let mut state = self.state();
        state.counters.crashes += 1;
        state.dead.push(process);
    }
    pub fn is_dead(&self, process: ProcessId) -> bool {
        self.state().dead.contains(&process)
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

struct Ready(AtomicBool);

impl ArcWake for Ready {
    fn wake_by_ref(this: &Arc<Self>) {
        this.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    process: ProcessId,
    future: BoxFuture<'static, ()>,
    ready: Arc<Ready>,
}

/// Runs the tasks of a world, in an order that its seed decides.
pub struct Executor {
    world: World,
    tasks: Vec<Task>,
    paused: Vec<ProcessId>,
    /// Processes whose tasks are gone.
    buried: usize,
}

/// Why [`Executor::run`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The time is up.
    Time,
    /// The caller's condition holds.
    Condition,
    /// Nobody has work or waits for a time.
    Stuck,
}

impl Executor {
    pub fn new(world: World) -> Self {
        Executor {
            world,
            tasks: Vec::new(),
            paused: Vec::new(),
            buried: 0,
        }
    }
    /// Stops a process where it stands; it does not know.
    pub fn pause(&mut self, process: ProcessId) {
        self.world.note(|| format!("process {process} is paused"));
        self.paused.push(process);
    }
    pub fn resume(&mut self, process: ProcessId) {
        self.world.note(|| format!("process {process} goes on"));
        self.paused.retain(|p| *p != process);
    }
    /// Runs until a time, or until a condition holds that is looked at after each step.
    pub fn run(&mut self, until: Duration, condition: impl Fn() -> bool) -> Stop {
        loop {
            self.take_over();
            if condition() {
                return Stop::Condition;
            }
            let runs = |t: &Task| t.ready.0.load(Ordering::Relaxed) && !self.paused.contains(&t.process);
            let ready: Vec<usize> = (0..self.tasks.len()).filter(|i| runs(&self.tasks[*i])).collect();
            if ready.is_empty() {
                match self.advance(until) {
                    Some(stop) => return stop,
                    None => continue,
                }
            }
            let next = match ready.as_slice() {
                [only] => *only,
                several => several[self.world.below(several.len() as u64) as usize],
            };
            let task = &mut self.tasks[next];
            task.ready.0.store(false, Ordering::Relaxed);
            let waker = futures::task::waker(Arc::clone(&task.ready));
            if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                self.tasks.swap_remove(next);
            }
        }
    }
    fn take_over(&mut self) {
        let (spawned, dead) = {
            let mut state = self.world.state();
            if state.spawned.is_empty() && state.dead.len() == self.buried {
                return;
            }
            (std::mem::take(&mut state.spawned), state.dead.clone())
        };
        self.buried = dead.len();
        self.tasks.extend(spawned.into_iter().map(|(process, future)| Task {
            process,
            future,
            ready: Arc::new(Ready(AtomicBool::new(true))),
        }));
        self.tasks.retain(|t| !dead.contains(&t.process));
    }
    fn advance(&self, until: Duration) -> Option<Stop> {
        let mut state = self.world.state();
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
}
