//! What happens in the background, told above the prompt or above the rows that come.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that wait at most; what does not fit is counted.
pub(crate) const WAITING_MAX: usize = 64;

#[derive(Default)]
struct State {
    /// Prints above what is being typed.
    printer: Option<SyncSender<String>>,
    typing: bool,
    waiting: VecDeque<String>,
    lost: u64,
}

/// Takes lines from anywhere.
#[derive(Clone, Default)]
pub(crate) struct Notices(Arc<Mutex<State>>);

impl Notices {
    pub(crate) fn print_by(&self, printer: SyncSender<String>) {
        self.lock().printer = Some(printer);
    }
    pub(crate) fn tell(&self, line: impl Into<String>) {
        let line = line.into();
        let mut state = self.lock();
        let unsent = match &state.printer {
            Some(printer) if state.typing => match printer.try_send(line) {
                Ok(()) => return,
                Err(std::sync::mpsc::TrySendError::Full(line) | std::sync::mpsc::TrySendError::Disconnected(line)) => line,
            },
            _ => line,
        };
        if state.waiting.len() == WAITING_MAX {
            state.waiting.pop_front();
            state.lost += 1;
        }
        state.waiting.push_back(unsent);
    }
    /// The keyboard is read from now on, or no more.
    pub(crate) fn typing(&self, typing: bool) {
        self.lock().typing = typing;
    }
    /// What has not been printed yet.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut state = self.lock();
        let mut lines: Vec<String> = Vec::new();
        if state.lost > 0 {
            lines.push(format!("… {} earlier messages are lost", std::mem::take(&mut state.lost)));
        }
        lines.extend(state.waiting.drain(..));
        lines
    }
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log, line by line.
impl std::io::Write for Notices {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for line in String::from_utf8_lossy(bytes).lines().filter(|l| !l.is_empty()) {
            self.tell(line);
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
