//! What a running job is doing: a line that renews itself on a terminal, a plain line, or an object of a JSON log, now and then elsewhere.

mod figures;
mod way;

pub(crate) use figures::Figures;
pub(crate) use way::{Pace, Way};

use crate::color::is_dumb;
use crate::report::{event, say, speaks_json};
use millstream_dataflow::Clock;
use millstream_runtime::metrics::NodeRole;
use millstream_runtime::{JobMetrics, SystemClock};
use std::io::{IsTerminal, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

const ON_TERMINAL: Duration = Duration::from_millis(500);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// A job that is shown.
struct Shown {
    name: String,
    metrics: Arc<JobMetrics>,
    /// Rows read when it was looked at last, and when that was.
    before: (u64, Duration),
    pace: Pace,
}

#[derive(Default)]
struct State {
    shown: Vec<Shown>,
    ended: bool,
    /// A line that waits to be overwritten stands on the terminal.
    drawn: bool,
}

/// Owned by the thread that draws and by whoever prints between its lines.
pub(crate) struct Progress {
    // A std mutex: held while a line is written.
    state: Mutex<State>,
    changed: Condvar,
    clock: SystemClock,
    terminal: bool,
}

impl Progress {
    /// Starts drawing.
    pub(crate) fn start() -> Arc<Progress> {
        let progress = Arc::new(Progress {
            state: Mutex::default(),
            changed: Condvar::new(),
            clock: SystemClock::default(),
            terminal: std::io::stderr().is_terminal() && !speaks_json() && !is_dumb(),
        });
        let drawing = Arc::clone(&progress);
        std::thread::spawn(move || drawing.draw());
        progress
    }

    pub(crate) fn show(&self, name: &str, metrics: &Arc<JobMetrics>) {
        self.lock().shown.push(Shown {
            name: name.to_string(),
            metrics: Arc::clone(metrics),
            before: (0, self.clock.monotonic()),
            pace: Pace::default(),
        });
    }
    pub(crate) fn hide(&self, name: &str) {
        let mut state = self.lock();
        self.clear(&mut state);
        // The next job of this name may be there already.
        if let Some(first) = state.shown.iter().position(|s| s.name == name) {
            state.shown.remove(first);
        }
    }
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        self.clear(&mut state);
        state.ended = true;
        self.changed.notify_all();
    }
    /// Removes the line so that something else can be printed.
    pub(crate) fn make_room(&self) {
        self.clear(&mut self.lock());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn clear(&self, state: &mut State) {
        if std::mem::take(&mut state.drawn) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn draw(&self) {
        let period = if self.terminal { ON_TERMINAL } else { ELSEWHERE };
        let mut state = self.lock();
        while !state.ended {
            state = self.changed.wait_timeout(state, period).unwrap_or_else(PoisonError::into_inner).0;
            if state.ended {
                return;
            }
            let alone = state.shown.len() < 2;
            let (now, now_ms) = (self.clock.monotonic(), self.clock.now_ms());
            if speaks_json() {
                state.shown.iter_mut().for_each(|s| event("progress", s.figures(now, now_ms).fields(&s.name)));
                continue;
            }
            let lines: Vec<String> = state.shown.iter_mut().map(|s| s.line(alone, now, now_ms)).collect();
            match lines.as_slice() {
                [first, rest @ ..] if self.terminal => {
                    let others = if rest.is_empty() {
                        String::new()
                    } else {
                        format!("  (+{} more)", rest.len())
                    };
                    let _ = write!(std::io::stderr(), "\r\x1b[K{first}{others}");
                    state.drawn = true;
                }
                lines => lines.iter().for_each(say),
            }
        }
    }
}

impl Shown {
    fn line(&mut self, alone: bool, now: Duration, now_ms: i64) -> String {
        let line = self.figures(now, now_ms).line();
        if alone { line } else { format!("{}: {line}", self.name) }
    }
    /// What the job has done, at the rate since it was looked at last.
    fn figures(&mut self, now: Duration, now_ms: i64) -> Figures {
        let rows = self.metrics.total(NodeRole::Source, |n| n.records_in.load(Relaxed));
        let seconds = now.saturating_sub(self.before.1).as_secs_f64().max(1e-3);
        let rate = rows.saturating_sub(self.before.0) as f64 / seconds;
        self.before = (rows, now);
        let way = self.pace.way(&self.metrics, now);
        Figures::of(&self.metrics, rate, way, now_ms)
    }
}
