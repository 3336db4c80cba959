//! What a running job is doing: a line that renews itself on a terminal, a plain line now and then elsewhere.

use crate::report::{say, speaks_json};
use millstream_dataflow::{Clock, Watermark};
use millstream_runtime::metrics::NodeRole;
use millstream_runtime::{JobMetrics, SystemClock};
use std::io::{IsTerminal, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

const ON_TERMINAL: Duration = Duration::from_millis(500);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// The job that is shown now.
struct Shown {
    metrics: Arc<JobMetrics>,
    since: Duration,
}

#[derive(Default)]
struct State {
    shown: Option<Shown>,
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
            terminal: std::io::stderr().is_terminal() && !speaks_json(),
        });
        let drawing = Arc::clone(&progress);
        std::thread::spawn(move || drawing.draw());
        progress
    }

    pub(crate) fn show(&self, metrics: &Arc<JobMetrics>) {
        self.lock().shown = Some(Shown {
            metrics: Arc::clone(metrics),
            since: self.clock.monotonic(),
        });
    }
    pub(crate) fn hide(&self) {
        self.clear(&mut self.lock());
        self.lock().shown = None;
    }
    pub(crate) fn end(&self) {
        self.hide();
        self.lock().ended = true;
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
        let mut before = (0, Duration::ZERO);
        let mut state = self.lock();
        while !state.ended {
            state = self.changed.wait_timeout(state, period).unwrap_or_else(PoisonError::into_inner).0;
            let Some(shown) = state.shown.as_ref().filter(|_| !state.ended) else {
                continue;
            };
            let now = self.clock.monotonic();
            let rows = shown.metrics.total(NodeRole::Source, |n| n.records_in.load(Relaxed));
            let since = if before.1 < shown.since { (0, shown.since) } else { before };
            let seconds = (now.saturating_sub(since.1)).as_secs_f64().max(1e-3);
            let line = line(&shown.metrics, rows.saturating_sub(since.0) as f64 / seconds, self.clock.now_ms());
            before = (rows, now);
            if self.terminal {
                let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
                state.drawn = true;
            } else {
                say(format_args!("{line}"));
            }
        }
    }
}

/// Rows in and out, rate, watermark, lag, last checkpoint, late and bad rows.
pub(crate) fn line(metrics: &JobMetrics, rate: f64, now_ms: i64) -> String {
    let rows_in = metrics.total(NodeRole::Source, |n| n.records_in.load(Relaxed));
    let rows_out = metrics.total(NodeRole::Sink, |n| n.records_in.load(Relaxed));
    let mut line = format!("in {} ({}/s)  out {}", count(rows_in), count(rate as u64), count(rows_out));
    let watermark = metrics
        .nodes()
        .iter()
        .filter(|n| n.role == NodeRole::Source)
        .map(|n| n.watermark())
        .min()
        .unwrap_or(Watermark::NONE);
    match watermark {
        Watermark::NONE => line += "  watermark -",
        Watermark::END => line += "  watermark end",
        time => line += &format!("  watermark {}", millstream_formats::render::timestamp_ms(time)),
    }
    let lag: u64 = metrics.total(NodeRole::Source, |n| n.lag.lock().unwrap_or_else(PoisonError::into_inner).values().sum());
    line += &format!("  lag {}", count(lag));
    match metrics.checkpoints.last_epoch.load(Relaxed) {
        0 => line += "  checkpoint -",
        epoch => {
            let ago = (now_ms - metrics.checkpoints.last_at_ms.load(Relaxed)).max(0) as f64 / 1000.0;
            line += &format!("  checkpoint {epoch} ({ago:.0} s ago)");
        }
    }
    let (late, bad) = late_and_bad(metrics);
    line += &format!("  late {}  bad {}", count(late), count(bad));
    let restarts = metrics.restarts.load(Relaxed);
    if restarts > 0 {
        line += &format!("  restarts {restarts}");
    }
    line
}

fn late_and_bad(metrics: &JobMetrics) -> (u64, u64) {
    let sum = |late: bool| {
        [false, true]
            .into_iter()
            .flat_map(|routed| metrics.counts(routed))
            .filter(|(reason, _)| reason.starts_with("late") == late)
            .map(|(_, n)| n)
            .sum()
    };
    (sum(true), sum(false))
}

/// A number with thin groups: `1 234 567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(c);
    }
    text
}
