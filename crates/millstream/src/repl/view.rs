//! What a text shows while it runs: its rows as they come, and what is told of them.

use super::line::{Line, Mark};
use super::live::{Facts, Live, LiveMode};
use super::pager;
use super::screen::Screen;
use crate::display::Format;
use crate::output::Output;
use crate::report::line_of;
use crate::summary::reasons;
use millstream_dataflow::{Batch, Clock, Error, Result, Schema};
use millstream_formats::render::timestamp_ms;
use millstream_runtime::{JobMetrics, SystemClock};
use millstream_server::{Event, Observer, QueryEnd, Watched};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How results are shown.
#[derive(Debug, Clone)]
pub(crate) struct Looks {
    /// How results are written.
    pub(crate) format: Format,
    /// How a result that comes is shown, where it is a table.
    pub(crate) live: LiveMode,
    /// Rows as records.
    pub(crate) expanded: bool,
    /// Whether long results are given to a pager.
    pub(crate) pager: bool,
    pub(crate) timing: bool,
    pub(crate) output: Option<Target>,
}

/// A file that results are written to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<File>,
}

impl Looks {
    /// Whether rows renew themselves on the terminal.
    fn is_live(&self) -> bool {
        self.format == Format::Table && self.output.is_none()
    }
}

/// What a query is called beside jobs.
const QUERY: &str = "query";
/// What is shown only after that time: most queries are done by then.
const SHOWN_AFTER: Duration = Duration::from_millis(200);
/// Lines that a stopped query leaves on the screen.
const LEFT_MAX: usize = 1_000;

/// What is to be printed, in its order.
enum Item {
    Line(Line),
    Text(String),
    Result(Box<Live>, QueryEnd),
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    running: Option<Running>,
    /// Writes rows that are no table on the terminal.
    output: Option<Output>,
    last: Option<Box<Live>>,
}

struct Running {
    /// What is drawn.
    live: Option<Box<Live>>,
    /// Of a result that is written as it comes: what `\last` shows of it.
    kept: Option<Box<Live>>,
    metrics: Arc<JobMetrics>,
    changes: bool,
    rows: u64,
    since: Duration,
}

pub(crate) struct View {
    looks: Looks,
    watched: Watched,
    clock: SystemClock,
    // A std mutex: held while rows are taken or drawn.
    state: Mutex<State>,
}

impl View {
    /// - `watched`: what is told of the jobs that start, and of the query
    pub(crate) fn new(looks: Looks, watched: Watched) -> View {
        View {
            watched,
            state: Mutex::new(State {
                output: (!looks.is_live()).then(|| Output::new(looks.format, false)),
                ..State::default()
            }),
            looks,
            clock: SystemClock::default(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints what there is, and draws what is running.
    pub(crate) fn draw(&self, screen: &mut Screen) {
        let items: Vec<Item> = self.lock().items.drain(..).collect();
        for item in items {
            self.print(item, screen, false);
        }
        let (width, height) = (screen.width(), screen.size().1.saturating_sub(1));
        let (now, now_ms) = (self.clock.monotonic(), self.clock.now_ms());
        let mut state = self.lock();
        let Some(running) = &mut state.running else { return };
        if now.saturating_sub(running.since) < SHOWN_AFTER {
            return;
        }
        let facts = Facts::of(&running.metrics, now_ms);
        match &mut running.live {
            Some(live) => {
                let (appended, frame) = (live.appended(width), live.frame(now, &facts, width, height));
                drop(state);
                if !appended.is_empty() {
                    screen.print(&appended);
                }
                screen.draw(&frame);
            }
            // Rows that are written to the terminal speak for themselves.
            None if self.looks.output.is_none() => {}
            None => {
                let footer = Line::of(format!("{} rows written  read {}  Ctrl-C ends it", running.rows, facts.read), Mark::Dim);
                drop(state);
                screen.draw(&[footer]);
            }
        }
    }
    /// Prints what is left when nothing runs any more; gives the last result.
    pub(crate) fn end(&self, screen: &mut Screen) -> Option<Box<Live>> {
        screen.clear();
        let mut state = self.lock();
        // A query that an error has ended: what it gave is not lost.
        if let Some(live) = state.running.take().and_then(|r| r.live) {
            state.items.push_back(Item::Result(live, QueryEnd::Stopped));
        }
        let mut items: VecDeque<Item> = std::mem::take(&mut state.items);
        drop(state);
        while let Some(item) = items.pop_front() {
            let last = !items.iter().any(|i| matches!(i, Item::Result(..)));
            self.print(item, screen, last);
        }
        self.lock().last.take()
    }

    /// - `last`: no result comes after it, so that a pager is not in the way
    fn print(&self, item: Item, screen: &mut Screen, last: bool) {
        match item {
            Item::Line(line) => screen.print(&[line]),
            Item::Text(text) => screen.text(&text),
            Item::Result(mut live, end) => {
                let bounded = last && end == QueryEnd::Finished;
                show_result(&mut live, &self.looks, screen, bounded);
                self.lock().last = Some(live);
            }
        }
    }

    /// What runs under a name from now on.
    fn watch(&self, name: &str, metrics: &Arc<JobMetrics>) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|(other, _)| other != name && other != QUERY);
        watched.push((name.to_string(), Arc::clone(metrics)));
    }
    fn tell(&self, text: impl Into<String>) {
        self.lock().items.push_back(Item::Line(Line::of(text, Mark::Dim)));
    }
    /// Writes to the file or the terminal.
    fn write(&self, bytes: &[u8]) -> Result<()> {
        match &self.looks.output {
            Some(target) => (&*target.file)
                .write_all(bytes)
                .map_err(|e| Error::config(format!("{} cannot be written", target.path.display())).source(e)),
            None => crate::output::print(bytes),
        }
    }
    /// A text that is the answer to a statement.
    fn answer(&self, text: &str) -> Result<()> {
        let mut state = self.lock();
        match &mut state.output {
            Some(output) => {
                let mut bytes = Vec::new();
                output.text(text, &mut bytes)?;
                drop(state);
                self.write(&bytes)
            }
            None => {
                state.items.push_back(Item::Text(text.to_string()));
                Ok(())
            }
        }
    }
}

/// Prints a result: on the screen, or in a pager if it is bounded and the screen is too small.
pub(crate) fn show_result(live: &mut Live, looks: &Looks, screen: &mut Screen, bounded: bool) {
    let (width, height) = (screen.width(), screen.size().1);
    let lines = live.last(Some(width), if bounded { usize::MAX } else { LEFT_MAX });
    if bounded && looks.pager && screen.moves() && lines.len() + 1 > height && pager::page(&live.last(None, usize::MAX), screen) {
        return;
    }
    screen.print(&lines);
}

impl Observer for View {
    fn event(&self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Warning(finding) => self.tell(format!("warning: {}", line_of(finding))),
            Event::Explain(text) | Event::Statement(text) => self.answer(text)?,
            Event::Settings(list) => {
                let mut bytes = Vec::new();
                let mut state = self.lock();
                match &mut state.output {
                    Some(output) => output.settings(list, &mut bytes)?,
                    None => {
                        let text = list.iter().map(|(k, v)| format!("'{k}' = '{v}'\n")).collect();
                        state.items.push_back(Item::Text(text));
                    }
                }
                drop(state);
                self.write(&bytes)?;
            }
            Event::QueryStarted { schema, metrics, changes, .. } | Event::TapOpened { schema, metrics, changes } => {
                // The job of a tap is watched under its own name.
                if matches!(event, Event::QueryStarted { .. }) {
                    self.watch(QUERY, metrics);
                }
                let mut state = self.lock();
                let mut bytes = Vec::new();
                if let Some(output) = &mut state.output {
                    let bounded = matches!(event, Event::QueryStarted { bounded: true, .. });
                    output.begin(schema, changes, bounded, &mut bytes)?;
                }
                let live = Box::new(Live::new(schema, self.looks.live, self.looks.expanded));
                let (live, kept) = if self.looks.is_live() { (Some(live), None) } else { (None, Some(live)) };
                state.running = Some(Running {
                    live,
                    kept,
                    metrics: Arc::clone(metrics),
                    changes,
                    rows: 0,
                    since: self.clock.monotonic(),
                });
                drop(state);
                self.write(&bytes)?;
            }
            Event::QueryEnded { end } => {
                let mut state = self.lock();
                if let Some(running) = state.running.take() {
                    state.last = running.kept.or(state.last.take());
                    state.items.extend(running.live.map(|live| Item::Result(live, end)));
                    let told = reasons(&running.metrics).into_iter().map(|line| Item::Line(Line::of(line, Mark::Dim)));
                    state.items.extend(told);
                }
                let mut bytes = Vec::new();
                if let Some(output) = &mut state.output {
                    match end {
                        QueryEnd::Failed => output.fail(&mut bytes)?,
                        _ => output.end(&mut bytes)?,
                    }
                }
                drop(state);
                self.write(&bytes)?;
            }
            Event::JobStarted { name, metrics, resumed, state } => {
                self.watch(name, metrics);
                match resumed {
                    None => self.tell(format!("job {name} starts; its state is in {state}")),
                    Some(epoch) => self.tell(format!("job {name} goes on from checkpoint {epoch} in {state}")),
                }
            }
            Event::JobFinishedBefore { name, at_ms } => self.tell(format!(
                "job {name} has finished at {} UTC; a session with --fresh runs it again",
                timestamp_ms(at_ms)
            )),
            // Of files that run alone.
            Event::JobEnded { .. } | Event::NothingToRun { .. } => {}
        }
        Ok(())
    }

    fn rows(&self, schema: &Schema, batch: &Batch) -> Result<()> {
        let mut state = self.lock();
        let State { running, output, .. } = &mut *state;
        let Some(running) = running else {
            return Err(Error::bug("rows came outside a query"));
        };
        running.rows += batch.num_rows() as u64;
        for live in [&mut running.live, &mut running.kept].into_iter().flatten() {
            live.take(batch, self.clock.monotonic());
        }
        let mut bytes = Vec::new();
        if let Some(output) = output {
            output.rows(schema, running.changes, batch, &mut bytes)?;
        }
        drop(state);
        self.write(&bytes)
    }
}
