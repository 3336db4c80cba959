//! What commands do.

mod copy;
mod edit;

use super::history::REACHES;
use super::line::{Line, Mark};
use super::listing::{Listing, fits};
use super::live::LiveMode;
use super::meta::{self, COMMANDS, Command, Meta, Stands};
use super::view::{Looks, Target, show_result};
use super::{Ran, Repl, jobs, manual, pager};
use crate::display::Format;
use crate::files::read_text;
use clap::ValueEnum;
use millstream_dataflow::Clock;
use millstream_dataflow::option::nearest;
use millstream_formats::render::timestamp_ms;
use millstream_runtime::{Timer, TokioTimer};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long `\watch` waits.
const WATCH: f64 = 2.0;

/// The forms of results that a terminal can show.
pub(crate) fn formats() -> Vec<(String, Format)> {
    let name = |f: &Format| f.to_possible_value().map(|v| v.get_name().to_string());
    let shown = Format::value_variants().iter().filter(|f| !crate::output::is_binary(**f));
    shown.filter_map(|f| Some((name(f)?, *f))).collect()
}

impl Repl {
    /// Does what a command says; whether the session ends.
    pub(super) fn command(&mut self, line: &str) -> bool {
        let meta = match meta::parse(line) {
            Ok(meta) => meta,
            Err(wrong) => {
                self.wrong(format!("{}: {}", wrong.message, wrong.hint));
                return false;
            }
        };
        let word = meta.words.first().cloned();
        let now_ms = self.clock.now_ms();
        match meta.command {
            Command::Quit => return self.leave(),
            Command::Help => self.help(),
            Command::Describe => match word {
                Some(_) => self.statement(&Stands::new("DESCRIBE ", &meta.rest, &meta), line),
                None => self.relations(None, true, true),
            },
            Command::Tables => self.relations(word.as_deref(), true, false),
            Command::Views => self.relations(word.as_deref(), false, true),
            Command::Functions => self.list(&manual::list(word.as_deref()), "no function fits"),
            Command::Databases => self.statement(&Stands::new("SHOW DATABASES", "", &meta), line),
            Command::Catalogs => self.statement(&Stands::new("SHOW CATALOGS", "", &meta), line),
            Command::ShowCreate => {
                let stands = meta::show_create(&meta, &self.workbench.known());
                self.statement(&stands, line);
            }
            Command::Manual => {
                let further_in = |line: Line| {
                    let text = line.text();
                    let hang = text.len() - text.trim_start().len();
                    (line, hang)
                };
                self.prose(manual::of(&meta.rest).into_iter().map(further_in).collect());
            }
            Command::Explain => self.explain(&meta, line),
            Command::Jobs => self.list(&jobs::list(&self.workbench.jobs(), now_ms), "no job has been started in this session"),
            Command::Job => self.job(&meta.rest, now_ms),
            Command::Stop => match self.workbench.stop(&meta.rest) {
                Ok(()) => self.say("stopping after a final checkpoint"),
                Err(e) => self.errors(&[e], &millstream_sql::Sources::default()),
            },
            Command::Lag => self.list(&jobs::lag(&self.workbench.jobs()), "no running job has a source that knows its end"),
            Command::Watermarks => self.list(&jobs::watermarks(&self.workbench.jobs(), now_ms), "no job is running"),
            Command::Checkpoints => self.list(&jobs::checkpoints(&self.workbench.jobs(), now_ms), "no job is running"),
            Command::Tap => match meta.rest.is_empty() {
                true => self.list(&jobs::taps(&self.workbench.jobs()), "no job is running"),
                false => self.tap(&meta.rest),
            },
            Command::Last => match self.last.take() {
                Some(mut live) => {
                    live.show_as(self.looks.live, self.looks.expanded);
                    show_result(&mut live, &self.looks, &mut self.screen, true);
                    self.last = Some(live);
                }
                None => self.say("nothing has been shown yet"),
            },
            Command::Watch => self.watch(word.as_deref()),
            Command::Expanded => self.switch(word.as_deref(), "rows as records", |looks| &mut looks.expanded),
            Command::Timing => self.switch(word.as_deref(), "timing", |looks| &mut looks.timing),
            Command::Mode => self.mode(word.as_deref()),
            Command::Set => self.set(&meta.words),
            Command::Output => self.output(word.as_deref()),
            Command::Copy => self.copy(&meta, line),
            Command::Include => self.include(&meta),
            Command::Edit => self.edit(word.as_deref()),
        }
        false
    }

    /// Runs a statement that a command stands for: its answer is a table, however results are written.
    ///
    /// - `typed`: the command, which its errors are about
    fn statement(&mut self, stands: &Stands, typed: &str) {
        let looks = Looks {
            format: Format::Table,
            ..self.looks.clone()
        };
        self.run_for(stands, typed, &looks);
    }
    /// Lines, in the pager if the screen is too small.
    fn lines(&mut self, lines: &[Line]) {
        let width = self.screen.width();
        let long = self.looks.pager && self.screen.moves() && lines.len() + 1 > self.screen.size().1;
        if !(long && pager::page(lines, &self.screen)) {
            let fitting: Vec<Line> = lines.iter().map(|l| l.clone().fit(width)).collect();
            self.screen.print(&fitting);
        }
    }
    /// Lines of text with how far those that are too long go on further in.
    fn prose(&mut self, lines: Vec<(Line, usize)>) {
        let width = self.screen.width();
        let lines: Vec<Line> = lines.into_iter().flat_map(|(line, hang)| line.wrap(width, hang)).collect();
        self.lines(&lines);
    }
    fn list(&mut self, listing: &Listing, none: &str) {
        match listing.is_empty() {
            true => self.say(none),
            false => self.lines(&listing.lines(Some(self.screen.width()))),
        }
    }

    fn help(&mut self) {
        let names = |c: &meta::Spec| c.all().join(" ");
        let wide = COMMANDS.iter().map(|c| names(c).len()).max().unwrap_or(0);
        let mut lines: Vec<(Line, usize)> = COMMANDS
            .iter()
            .map(|c| {
                let mut line = Line::of(format!("{:wide$}  ", names(c)), Mark::Head);
                if !c.usage.is_empty() {
                    line.push(format!("{}  ", c.usage), Mark::Dim);
                }
                line.push(c.doc, Mark::Plain);
                (line, wide + 2)
            })
            .collect();
        let keys = [
            "Tab completes, Enter runs what ends with ;  Alt-Enter begins a line, Ctrl-R searches what was typed",
            "Ctrl-C clears what is typed or ends the query that runs, Ctrl-D leaves",
        ];
        lines.extend(keys.map(|text| (Line::of(text, Mark::Dim), 0)));
        self.prose(lines);
    }

    /// Tables and views of the current database.
    fn relations(&mut self, pattern: Option<&str>, tables: bool, views: bool) {
        let known = self.workbench.known();
        let here = [known.current_catalog.as_str(), known.current_database.as_str()];
        let mut listing = Listing::new(&["name", "kind", "columns"]);
        for relation in known.tables.iter().filter(|t| t.path.len() == 3 && t.path[..2] == here) {
            if fits(&relation.path[2], pattern) && (tables && !relation.view || views && relation.view) {
                let columns: Vec<&str> = relation.columns.iter().map(|(n, _)| n.as_str()).collect();
                let kind = if relation.view { "view" } else { "table" };
                listing.row([relation.path[2].clone(), kind.to_string(), columns.join(", ")]);
            }
        }
        let what = match (tables, views) {
            (true, true) => "tables or views",
            (true, false) => "tables",
            _ => "views",
        };
        self.list(&listing, &format!("there are no {what} here"));
    }

    fn explain(&mut self, meta: &Meta, line: &str) {
        if !meta.rest.is_empty() {
            return self.statement(&Stands::new("EXPLAIN ", &meta.rest, meta), line);
        }
        let query = self.text.trim().trim_end_matches(';').trim_end().to_string();
        if query.is_empty() {
            return self.say("nothing has been run yet");
        }
        // Of the last text: its errors are about that one.
        let last = Meta { at: 0, ..meta.clone() };
        self.statement(&Stands::new("EXPLAIN ", &query, &last), &query);
    }

    fn job(&mut self, name: &str, now_ms: i64) {
        let all = self.workbench.jobs();
        match all.iter().find(|j| j.name == name) {
            Some(job) => self.lines(&jobs::one(job, now_ms, Some(self.screen.width()))),
            None => {
                let hint = match nearest(name, all.iter().map(|j| j.name.as_str())) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "\\jobs lists them".to_string(),
                };
                self.wrong(format!("there is no job {name}: {hint}"));
            }
        }
    }

    /// Runs the last text again and again.
    fn watch(&mut self, seconds: Option<&str>) {
        let seconds = match seconds.map(str::parse::<f64>) {
            None => WATCH,
            Some(Ok(n)) if n > 0.0 && n < 1e6 => n,
            Some(_) => return self.wrong("\\watch takes a number of seconds"),
        };
        if self.text.is_empty() {
            return self.say("nothing has been run yet");
        }
        let text = self.text.clone();
        let mut looks = self.looks.clone();
        looks.pager = false;
        loop {
            // Listens while the text runs, too: there may be no query in it that would be stopped.
            let interrupts = self.runtime.block_on(async { signal(SignalKind::interrupt()) });
            let Ok(mut interrupts) = interrupts else { return };
            self.say(format!("{} UTC, every {seconds} s", timestamp_ms(self.clock.now_ms())));
            if self.run(&text, "input", &looks) != Ran::Done {
                return;
            }
            let ended = self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = interrupts.recv() => true,
                    () = TokioTimer.sleep(Duration::from_secs_f64(seconds)) => false,
                }
            });
            if ended {
                return;
            }
        }
    }

    fn switch(&mut self, word: Option<&str>, what: &str, of: impl Fn(&mut Looks) -> &mut bool) {
        let switched = of(&mut self.looks);
        match word {
            None => *switched = !*switched,
            Some("on") => *switched = true,
            Some("off") => *switched = false,
            Some(_) => return self.wrong(format!("{what}: on or off")),
        }
        let now = if *switched { "on" } else { "off" };
        self.say(format!("{what}: {now}"));
    }

    fn mode(&mut self, name: Option<&str>) {
        let all = formats();
        let names: Vec<&str> = all.iter().map(|(n, _)| n.as_str()).collect();
        let Some(name) = name else {
            let now = all.iter().find(|(_, f)| *f == self.looks.format).map_or("", |(n, _)| n);
            let now = if self.looks.expanded && self.looks.format == Format::Table {
                "vertical"
            } else {
                now
            };
            return self.say(format!("results are written as {now}; there are: {}", names.join(", ")));
        };
        match all.iter().find(|(n, _)| n == name) {
            // On a terminal it renews itself, as a table does.
            Some((_, Format::Vertical)) => {
                self.looks.format = Format::Table;
                self.looks.expanded = true;
            }
            Some((_, format)) => {
                self.looks.format = *format;
                self.looks.expanded = false;
            }
            None => {
                let near = nearest(name, names.iter().copied()).map_or(format!("there are: {}", names.join(", ")), |n| format!("did you mean {n}?"));
                self.wrong(format!("results cannot be written as {name}: {near}"));
            }
        }
    }

    fn set(&mut self, words: &[String]) {
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => {
                let on = |b: bool| if b { "on" } else { "off" };
                let looks = self.looks.clone();
                self.say(format!(
                    "live {}  pager {}  history {}  expanded {}  timing {}",
                    looks.live.name(),
                    on(looks.pager),
                    REACHES[usize::from(self.editor.is_only_session())],
                    on(looks.expanded),
                    on(looks.timing)
                ));
            }
            ["live", mode] => match LiveMode::parse(mode) {
                Some(mode) => self.looks.live = mode,
                None => self.wrong(format!("live is one of {}", LiveMode::NAMES.join(", "))),
            },
            ["pager", word] => self.switch(Some(word), "pager", |looks| &mut looks.pager),
            ["history", reach] if REACHES.contains(reach) => self.editor.set_only_session(*reach == REACHES[1]),
            _ => self.wrong("\\set takes live table|changelog|append, pager on|off, or history all|session"),
        }
    }

    fn output(&mut self, path: Option<&str>) {
        let Some(path) = path else {
            self.looks.output = None;
            return;
        };
        match self.create(path) {
            Some(target) => self.looks.output = Some(target),
            None => self.looks.output = None,
        }
    }
    /// A file for results.
    fn create(&mut self, path: &str) -> Option<Target> {
        let path = self.path(path);
        match File::create(&path) {
            Ok(file) => Some(Target { path, file: Arc::new(file) }),
            Err(e) => {
                self.wrong(format!("{} cannot be written: {e}", path.display()));
                None
            }
        }
    }
    fn path(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => self.workbench.directory().join(path),
        }
    }

    fn include(&mut self, meta: &Meta) {
        let Some(name) = meta.words.first() else { return };
        let path = self.path(name);
        match read_text(&path) {
            Ok(text) => {
                self.run(&text, name, &self.looks.clone());
                self.text = text;
            }
            Err(e) => self.wrong(format!("{} cannot be read: {e}", path.display())),
        }
    }
}
