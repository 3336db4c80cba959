//! Looks for what is wrong while a statement is written, such as names that do not exist: a dry run whenever the keyboard pauses.

use millstream_server::Workbench;
use millstream_sql::edit::range_of;
use std::ops::Range;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the keyboard must rest.
const PAUSE: Duration = Duration::from_millis(150);

/// A text, and the stretches of it that are wrong.
type Found = Arc<Mutex<(String, Vec<Range<usize>>)>>;

pub(crate) struct Checker {
    found: Found,
    texts: Sender<String>,
}

impl Checker {
    /// Looks on a thread of its own, which ends with it.
    ///
    /// - `repaint`: shows what was found
    pub(crate) fn start(workbench: Arc<Workbench>, repaint: impl Fn() + Send + 'static) -> Checker {
        let (texts, asked) = channel::<String>();
        let found = Found::default();
        let told = Arc::clone(&found);
        std::thread::spawn(move || {
            while let Ok(mut text) = asked.recv() {
                loop {
                    match asked.recv_timeout(PAUSE) {
                        Ok(newer) => text = newer,
                        Err(RecvTimeoutError::Timeout) => break,
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
                let wrong = workbench.wrong_so_far(&text);
                let wrong: Vec<Range<usize>> = wrong.into_iter().map(|span| range_of(&text, span)).collect();
                let mut found = told.lock().unwrap_or_else(PoisonError::into_inner);
                let differs = found.1 != wrong;
                *found = (text, wrong);
                drop(found);
                if differs {
                    repaint();
                }
            }
        });
        Checker { found, texts }
    }
    /// What is known to be wrong in a text; asks if it is a new one.
    pub(crate) fn wrong(&self, text: &str) -> Vec<Range<usize>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.0 == text {
            return found.1.clone();
        }
        // The thread is there as long as this is.
        let _ = self.texts.send(text.to_string());
        // What stands before the first difference is as it was.
        let same = found.0.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
        found.1.iter().filter(|r| r.end < same).cloned().collect()
    }
}
