//! Leaving, with jobs that run.

use super::line::{Line, Mark};
use super::{Repl, jobs};
use crossterm::event::{Event, KeyCode, KeyEventKind};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::io::{BufRead, Write};
use tokio::signal::unix::{SignalKind, signal};

impl Repl {
    /// Whether the session ends: jobs that run are stopped first, if their user wants that.
    pub(super) fn leave(&mut self) -> bool {
        let all = self.workbench.jobs();
        let names: Vec<&str> = jobs::running(&all).map(|j| j.name.as_str()).collect();
        if names.is_empty() {
            return true;
        }
        let (what, them) = if names.len() == 1 { ("job runs", "it") } else { ("jobs run", "them") };
        self.screen.print(&[
            Line::of(format!("{} {what}: {}", names.len(), names.join(", ")), Mark::Plain),
            Line::of(format!("s stops {them} after a final checkpoint and leaves; any other key stays"), Mark::Plain),
        ]);
        if !self.wants_to_stop() {
            return false;
        }
        self.workbench.stop_all();
        self.say("stopping; Ctrl-C leaves without waiting");
        let workbench = std::sync::Arc::clone(&self.workbench);
        self.runtime.block_on(async {
            let Ok(mut interrupts) = signal(SignalKind::interrupt()) else { return };
            tokio::select! {
                () = workbench.wait_all() => {}
                _ = interrupts.recv() => {}
            }
        });
        self.print_notices();
        true
    }

    fn wants_to_stop(&self) -> bool {
        let is_yes = |c: char| c.eq_ignore_ascii_case(&'s');
        if !self.screen.moves() {
            let _ = std::io::stdout().flush();
            let mut answer = String::new();
            let read = std::io::stdin().lock().read_line(&mut answer);
            // Nobody is there any more.
            return read.is_ok_and(|n| n == 0) || answer.trim().starts_with(is_yes);
        }
        if enable_raw_mode().is_err() {
            return false;
        }
        let stop = loop {
            match crossterm::event::read() {
                Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => break matches!(key.code, KeyCode::Char(c) if is_yes(c) && key.modifiers.is_empty()),
                Ok(_) => {}
                // The terminal is gone.
                Err(_) => break true,
            }
        };
        let _ = disable_raw_mode();
        stop
    }
}
