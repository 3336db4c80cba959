//! A pseudo-terminal with a program in it: keys go in, and a person's eyes see what stands on the screen.

use crate::harness::AS_MILLSTREAM;
use anyhow::{Context, Result, bail};
use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// 40 and 120.
const ROWS: NonZeroU16 = NonZeroU16::MIN.saturating_add(39);
const COLUMNS: NonZeroU16 = NonZeroU16::MIN.saturating_add(119);

/// How long anything may take to appear: a loaded machine is slow.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a terminal is asked where its cursor is.
const WHERE: &[u8] = b"\x1b[6n";

struct Seen {
    parser: vt100::Parser,
    /// Everything that was sent to the screen.
    bytes: Vec<u8>,
    ended: bool,
}

/// A terminal on which `millstream` runs; it is killed with it.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

impl Terminal {
    /// Starts `millstream` without arguments in a directory, which is its user's home, too.
    pub(crate) fn open(directory: &Path, environment: &[(&str, &str)]) -> Result<Terminal> {
        Terminal::run(directory, &[], environment)
    }
    /// Starts it with arguments.
    pub(crate) fn run(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Terminal> {
        let (pty, pts) = pty_process::blocking::open().context("there is no pseudo-terminal")?;
        pty.resize(Size::new(ROWS.get(), COLUMNS.get()))?;
        let mut command = Command::new(std::env::current_exe()?)
            .arg(AS_MILLSTREAM)
            .args(arguments)
            .current_dir(directory)
            .env_remove("NO_COLOR")
            .env("TERM", "xterm-256color")
            .env("HOME", directory)
            .env("XDG_DATA_HOME", directory.join("data"))
            .env("XDG_CONFIG_HOME", directory.join("config"));
        for (name, value) in environment {
            command = command.env(name, value);
        }
        let child = command.spawn(pts)?;
        let seen = Seen {
            parser: vt100::Parser::new(ROWS, COLUMNS, 1_000),
            bytes: Vec::new(),
            ended: false,
        };
        let (pty, seen) = (Arc::new(pty), Arc::new((Mutex::new(seen), Condvar::new())));
        let (reading, showing) = (Arc::clone(&pty), Arc::clone(&seen));
        std::thread::spawn(move || read(&reading, &showing));
        Ok(Terminal { pty, child, seen })
    }

    pub(crate) fn send(&self, keys: &str) -> Result<()> {
        (&*self.pty).write_all(keys.as_bytes())?;
        Ok(())
    }
    /// Types a line, and Enter.
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        self.send(text)?;
        self.send("\r")
    }
    /// As terminals hand over what is pasted.
    pub(crate) fn paste(&self, text: &str) -> Result<()> {
        self.send(&format!("\x1b[200~{text}\x1b[201~"))
    }
    pub(crate) fn resize(&self, columns: NonZeroU16) -> Result<()> {
        let mut seen = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.parser.screen_mut().set_size(ROWS, columns);
        self.pty.resize(Size::new(ROWS.get(), columns.get()))?;
        Ok(())
    }

    /// Waits until the screen is as wanted, and gives it.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let (seen, changed) = &*self.seen;
        let shown = |s: &mut Seen| s.parser.screen().contents();
        let guard = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut guard, _) = changed
            .wait_timeout_while(guard, DEADLINE, |s| !s.ended && !wanted(&shown(s)))
            .unwrap_or_else(PoisonError::into_inner);
        let screen = shown(&mut guard);
        if !wanted(&screen) {
            bail!("{what} did not appear; the screen is\n{}", screen.trim_end());
        }
        Ok(screen)
    }
    /// Waits until a text stands on the screen.
    pub(crate) fn see(&self, text: &str) -> Result<String> {
        self.wait(&format!("{text:?}"), |screen| screen.contains(text))
    }
    /// Waits until the last line begins so: it is that of the prompt.
    pub(crate) fn prompt(&self, line: &str) -> Result<String> {
        let last = |screen: &str| screen.trim_end().lines().last().is_some_and(|l| l.trim_end() == line.trim_end());
        self.wait(&format!("the line {line:?} at the end"), last)
    }
    /// What a look at the screen tells.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&vt100::Screen) -> T) -> T {
        at(self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).parser.screen())
    }
    /// What was sent to the screen so far.
    pub(crate) fn bytes(&self) -> String {
        let seen = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&seen.bytes).into_owned()
    }
    /// Waits until a text on the screen is underlined.
    pub(crate) fn underlined(&self, text: &str) -> Result<()> {
        let (seen, changed) = &*self.seen;
        let guard = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, timeout) = changed
            .wait_timeout_while(guard, DEADLINE, |s| !s.ended && !is_underlined(s.parser.screen(), text))
            .unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() || guard.ended {
            bail!("{text:?} is not underlined; the screen is\n{}", guard.parser.screen().contents());
        }
        Ok(())
    }
    /// Whether a text on the screen is underlined.
    pub(crate) fn is_underlined(&self, text: &str) -> bool {
        let seen = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        is_underlined(seen.parser.screen(), text)
    }
    /// Sends the program a signal, by its name without SIG.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        crate::harness::signal(&self.child, name)
    }
    /// Waits until the program has ended.
    pub(crate) fn end(mut self) -> Result<ExitStatus> {
        let (seen, changed) = &*self.seen;
        let guard = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) = changed
            .wait_timeout_while(guard, DEADLINE, |s| !s.ended)
            .unwrap_or_else(PoisonError::into_inner);
        if !guard.ended {
            bail!("it did not end; the screen is\n{}", guard.parser.screen().contents());
        }
        drop(guard);
        Ok(self.child.wait()?)
    }
}

fn is_underlined(screen: &vt100::Screen, text: &str) -> bool {
    let (_, columns) = screen.size();
    let rows: Vec<String> = screen.rows(0, columns.get()).collect();
    let found = rows.iter().enumerate().rev().find_map(|(row, line)| Some((row, line.find(text)?)));
    found.is_some_and(|(row, column)| screen.cell(row as u16, column as u16).is_some_and(vt100::Cell::underline))
}

/// Shows what the program sends, and answers where the cursor is.
fn read(pty: &Pty, seen: &(Mutex<Seen>, Condvar)) {
    let mut pty = pty;
    let mut chunk = [0; 4096];
    let mut rest: Vec<u8> = Vec::new();
    loop {
        // An error is the end of the other side.
        let n = pty.read(&mut chunk).unwrap_or(0);
        let mut state = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        if n == 0 {
            state.ended = true;
            seen.1.notify_all();
            return;
        }
        state.bytes.extend(&chunk[..n]);
        rest.extend(&chunk[..n]);
        while let Some(at) = rest.windows(WHERE.len()).position(|w| w == WHERE) {
            let before: Vec<u8> = rest.drain(..at + WHERE.len()).collect();
            state.parser.process(&before[..at]);
            let (row, column) = state.parser.screen().cursor_position();
            let _answered = pty.write_all(format!("\x1b[{};{}R", row + 1, column + 1).as_bytes());
        }
        // A question may be cut in two.
        let cut = (1..WHERE.len()).rev().find(|n| rest.ends_with(&WHERE[..*n])).unwrap_or(0);
        let whole: Vec<u8> = rest.drain(..rest.len() - cut).collect();
        state.parser.process(&whole);
        seen.1.notify_all();
    }
}
