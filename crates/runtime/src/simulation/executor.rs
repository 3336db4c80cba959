//! What runs the tasks of a world.

use super::world::{ProcessId, World};
use futures::task::ArcWake;
use millstream_dataflow::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;
use std::time::Duration;

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
                match self.world.advance(until) {
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
        let Some((spawned, dead)) = self.world.changes(self.buried) else { return };
        self.buried = dead.len();
        self.tasks.extend(spawned.into_iter().map(|(process, future)| Task {
            process,
            future,
            ready: Arc::new(Ready(AtomicBool::new(true))),
        }));
        self.tasks.retain(|t| !dead.contains(&t.process));
    }
}
