//! The interactive session: statements are typed, results renew themselves, jobs run beside it.

mod checker;
mod commands;
mod editor;
mod files;
mod grid;
mod history;
mod jobs;
mod leave;
mod line;
mod listing;
mod live;
mod manual;
mod meta;
mod notices;
mod outside;
mod pager;
mod prompt;
mod screen;
mod style;
mod view;
mod words;

use crate::color::palette;
use crate::display::Format;
use crate::process::{Shown, io_runtime};
use crate::report::{BUG, SHOWN_MAX};
use crate::units::count;
use editor::{Editor, Typed};
use line::{Line, Mark};
use live::{Live, LiveMode};
use meta::Stands;
use millstream_dataflow::{Clock, Error, ErrorKind, Result};
use millstream_runtime::metrics::NodeRole;
use millstream_runtime::{Control, Outcome, SystemClock, Timer, TokioTimer};
use millstream_server::{Notice, Observer, Printer, TextOptions, Watched, Workbench, WorkbenchOptions};
use millstream_sql::{ERRORS_MAX, Palette, Sources};
use prompt::Place;
use screen::{Keyboard, Screen};
use std::io::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use style::Terminal;
use tokio::signal::unix::{SignalKind, signal};
use view::{Looks, View};

/// How often rows are drawn.
const DRAW: Duration = Duration::from_millis(100);

pub(crate) use meta::{Part, command, parts};
pub(crate) use notices::Notices;

pub(crate) struct Repl {
    runtime: tokio::runtime::Runtime,
    workbench: Arc<Workbench>,
    /// What `/metrics` serves.
    watched: Watched,
    /// How texts are run.
    options: TextOptions,
    editor: Editor,
    screen: Screen,
    looks: Looks,
    notices: Notices,
    clock: SystemClock,
    /// The result that was shown last.
    last: Option<Box<Live>>,
    /// What was run last.
    text: String,
}

/// What became of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ran {
    Done,
    /// The user has ended it.
    Stopped,
    Wrong,
}

/// What a session begins with.
pub(crate) struct Opening {
    pub(crate) session: WorkbenchOptions,
    /// How its texts are run.
    pub(crate) text: TextOptions,
    pub(crate) shown: Shown,
    /// Where the log goes.
    pub(crate) notices: Notices,
}

impl Repl {
    /// Opens a session on a terminal.
    ///
    /// # Errors
    /// `Config` if the process cannot do what a session needs.
    pub(crate) fn open(opening: Opening) -> Result<Repl> {
        let Opening { session, text, shown, notices } = opening;
        let runtime = io_runtime()?;
        let watched = Watched::default();
        runtime.block_on(shown.serve(&watched))?;
        let workbench = {
            let _within = runtime.enter();
            let mut lines = notices.clone();
            // Above what is being typed, as what happens to jobs is.
            let printer = Mutex::new(move |text: &[u8]| lines.write_all(text));
            let printer: Printer = Arc::new(move |text| printer.lock().unwrap_or_else(PoisonError::into_inner)(text));
            let telling = notices.clone();
            Workbench::printing(session, Arc::new(move |notice| telling.tell(notice_line(notice))), Some(printer))
        };
        let workbench = Arc::new(workbench);
        let terminal = Terminal::here(shown.color);
        let screen = Screen::new(terminal);
        runtime.spawn(end_on_signals(Arc::clone(&workbench), screen.keyboard()));
        let records = shown.format == Format::Vertical;
        let looks = Looks {
            format: if records { Format::Table } else { shown.format },
            // A terminal that cannot draw again gets rows as they come.
            live: if terminal.moves { LiveMode::Table } else { LiveMode::Append },
            expanded: records,
            pager: true,
            timing: false,
            output: None,
        };
        Ok(Repl {
            editor: Editor::new(&workbench, terminal, &notices),
            screen,
            runtime,
            workbench,
            watched,
            options: text,
            looks,
            notices,
            clock: SystemClock::default(),
            last: None,
            text: String::new(),
        })
    }

    /// Runs a text to its end, or until the user stops it; whether it went well.
    pub(crate) fn show(mut self, text: &Sources) -> bool {
        let ran = self.run_sources(text, &self.looks.clone());
        self.runtime.shutdown_background();
        ran != Ran::Wrong
    }

    /// Takes what is typed until the user leaves.
    ///
    /// - `init`: what is run first
    pub(crate) fn talk(mut self, init: &[Sources]) {
        let hello = concat!(
            "Millstream ",
            env!("CARGO_PKG_VERSION"),
            ". Statements end with ;  \\? lists the commands, Ctrl-D leaves."
        );
        self.say(hello);
        for text in init {
            let misplaced = text.misplaced();
            match misplaced.is_empty() {
                true => _ = self.run_sources(text, &self.looks.clone()),
                false => self.errors(&misplaced, text),
            }
        }
        loop {
            let place = self.place();
            // From here on the editor prints them; those that came before are printed now.
            self.notices.typing(true);
            self.print_notices();
            let typed = self.editor.read(&place);
            self.notices.typing(false);
            let left = match typed {
                Typed::Text(text) => self.take(text),
                Typed::Nothing => false,
                Typed::End => self.leave(),
            };
            if left {
                break;
            }
        }
        // A reader that waits for a broker must not hold the process back.
        self.runtime.shutdown_background();
    }
    /// Does what was typed; whether the session ends.
    fn take(&mut self, text: String) -> bool {
        if let Some(command) = editor::bare(&text).or_else(|| meta::is_meta(&text).then(|| text.clone())) {
            return self.command(&command);
        }
        if !text.trim().is_empty() {
            self.run(&text, "input", &self.looks.clone());
            self.text = text;
        }
        false
    }

    fn place(&self) -> Place {
        let known = self.workbench.known();
        let database = match (known.current_catalog.as_str(), known.current_database.as_str()) {
            ("default_catalog", "default_database") => String::new(),
            ("default_catalog", database) => database.to_string(),
            (catalog, database) => format!("{catalog}.{database}"),
        };
        Place {
            database,
            workbench: Arc::clone(&self.workbench),
        }
    }

    /// Runs a text to its end, and shows what it gives.
    fn run(&mut self, text: &str, file: &str, looks: &Looks) -> Ran {
        self.run_sources(&Sources::from((file, text)), looks)
    }
    /// Runs a statement that a command stands for.
    fn run_for(&mut self, stands: &Stands, typed: &str, looks: &Looks) -> Ran {
        let told = |error: Error| stands.told(error);
        self.run_told(&stands.text, &Sources::from(("input", typed)), looks, told)
    }
    fn run_sources(&mut self, sources: &Sources, looks: &Looks) -> Ran {
        self.run_told(sources.text(), sources, looks, |error| error)
    }
    /// - `shown`: what errors are about, at the places that `told` gives them
    fn run_told(&mut self, text: &str, shown: &Sources, looks: &Looks, told: impl Fn(Error) -> Error) -> Ran {
        let view = Arc::new(View::new(looks.clone(), Watched::clone(&self.watched)));
        let start = self.clock.monotonic();
        let (workbench, text, files, options) = (Arc::clone(&self.workbench), text.to_string(), shown.clone(), self.options);
        let observer: Arc<dyn Observer> = Arc::clone(&view) as _;
        let run = |control: Control| async move { workbench.run(&text, &files, options, &observer, &control).await };
        let ended = self.runtime.block_on(drive(run, &view, &mut self.screen, &self.notices));
        let took = self.clock.monotonic().saturating_sub(start);
        if let Some(live) = view.end(&mut self.screen) {
            self.last = Some(live);
        }
        let ran = match ended {
            Ended::Given(Ok(false)) => Ran::Done,
            Ended::Given(Ok(true)) => Ran::Stopped,
            Ended::Given(Err(errors)) => {
                let errors: Vec<Error> = errors.into_iter().map(told).collect();
                self.errors(&errors, shown);
                Ran::Wrong
            }
            Ended::Forced => {
                self.say("given up");
                Ran::Stopped
            }
        };
        if looks.timing {
            self.say(format!("time {:.3} s", took.as_secs_f64()));
        }
        ran
    }

    /// Shows the rows that pass an operator, until the user has seen enough.
    fn tap(&mut self, what: &str) {
        let view = Arc::new(View::new(self.looks.clone(), Watched::clone(&self.watched)));
        let (workbench, what, bounds) = (Arc::clone(&self.workbench), what.to_string(), self.options.bounds);
        let observer = Arc::clone(&view);
        let run = |control: Control| async move {
            let tapped = workbench.tap(&what, bounds, observer.as_ref(), &control).await;
            tapped.map_err(|e| vec![e])
        };
        let ended = self.runtime.block_on(drive(run, &view, &mut self.screen, &self.notices));
        if let Some(live) = view.end(&mut self.screen) {
            self.last = Some(live);
        }
        match ended {
            Ended::Given(Ok(0)) | Ended::Forced => {}
            Ended::Given(Ok(missed)) => self.say(format!("{} rows came too fast to be shown", count(missed))),
            Ended::Given(Err(errors)) => self.errors(&errors, &Sources::default()),
        }
    }

    fn say(&mut self, text: impl Into<String>) {
        self.words(Line::of(text, Mark::Dim));
    }
    fn wrong(&mut self, text: impl Into<String>) {
        self.words(Line::of(text, Mark::Wrong));
    }
    fn words(&mut self, line: Line) {
        let lines = line.wrap(self.screen.width(), 0);
        self.screen.print(&lines);
    }
    fn errors(&mut self, errors: &[Error], sources: &Sources) {
        for error in errors.iter().take(SHOWN_MAX) {
            self.screen.print(&error_lines(error, sources, self.screen.width()));
        }
        if errors.len() > SHOWN_MAX {
            let more = if errors.len() < ERRORS_MAX { "" } else { " or more" };
            self.say(format!("{} errors{more}, the first {SHOWN_MAX} are shown", errors.len()));
        }
    }
    fn print_notices(&mut self) {
        for line in self.notices.take() {
            self.screen.text(&line);
        }
    }
}

/// An error with its line; its head stands out.
fn error_lines(error: &Error, sources: &Sources, width: usize) -> Vec<Line> {
    let shown = sources.render(error, &Palette::PLAIN.within(width));
    let bug = (error.kind == ErrorKind::Bug).then_some(BUG);
    let marked = |(i, l)| Line::of(l, if i == 0 { Mark::Wrong } else { Mark::Plain });
    shown.lines().chain(bug).enumerate().map(marked).collect()
}

enum Ended<T> {
    Given(std::result::Result<T, Vec<Error>>),
    /// By a second Ctrl-C: nothing was waited for.
    Forced,
}

/// Draws until something has run. Ctrl-C stops it, a second one gives it up.
async fn drive<T, F>(run: impl FnOnce(Control) -> F, view: &View, screen: &mut Screen, notices: &Notices) -> Ended<T>
where
    T: Send + 'static,
    F: Future<Output = std::result::Result<T, Vec<Error>>> + Send + 'static,
{
    let control = Control::default();
    // One that listens from now on: what came before was for somebody else.
    let mut interrupts = match signal(SignalKind::interrupt()) {
        Ok(interrupts) => interrupts,
        Err(e) => return Ended::Given(Err(vec![Error::config("signals cannot be listened to").source(e)])),
    };
    let mut running = tokio::spawn(run(control.clone()));
    let (mut asked, mut told) = (false, false);
    loop {
        tokio::select! {
            given = &mut running => {
                return Ended::Given(given.unwrap_or_else(|e| Err(vec![Error::bug("the session ended early").source(e)])));
            }
            _ = interrupts.recv() => {
                if asked {
                    running.abort();
                    return Ended::Forced;
                }
                asked = true;
                control.stop();
            }
            () = TokioTimer.sleep(DRAW) => {
                for line in notices.take() {
                    screen.text(&line);
                }
                if asked && !std::mem::replace(&mut told, true) {
                    screen.print(&[Line::of("stopping; Ctrl-C once more gives it up", Mark::Dim)]);
                }
                view.draw(screen);
            }
        }
    }
}

/// What has happened in the background.
fn notice_line(notice: Notice) -> String {
    match notice {
        Notice::Ended {
            name,
            metrics,
            outcome,
            seconds,
        } => {
            let rows = |role| count(metrics.total(role, |n| n.records_in.load(Relaxed)));
            let how = match outcome {
                Outcome::Finished => "has finished",
                Outcome::Stopped => "is stopped",
            };
            let (read, written) = (rows(NodeRole::Source), rows(NodeRole::Sink));
            format!("job {name} {how} after {seconds:.1} s: {read} rows read, {written} written")
        }
        Notice::Failed { name, error, files } => {
            let shown = files.render(&error, &palette(false, true));
            format!("job {name} has failed\n{}", shown.trim_end())
        }
        Notice::CheckpointFailed { name, failed } => format!("job {name}: a checkpoint has failed, {} in all", count(failed)),
        Notice::Restarting { name, restarts } => format!("job {name} restarts from its last checkpoint, for the {restarts}. time"),
        Notice::LateRows { name, late } => format!("job {name}: {} rows came too late", count(late)),
    }
}

/// Whoever ends the process ends its jobs, each after a final checkpoint; a second signal does not wait.
async fn end_on_signals(workbench: Arc<Workbench>, keyboard: Option<Arc<Keyboard>>) {
    let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    workbench.stop_all();
    tokio::select! {
        () = workbench.wait_all() => {}
        _ = terminate.recv() => {}
    }
    // The editor has the terminal in its hands: it is given back as it was.
    let _ = crossterm::terminal::disable_raw_mode();
    keyboard.inspect(|k| k.give_back());
    std::process::exit(143);
}
