//! How chunks get from a reader to its source subtask.

use crate::constants::{FEED_BYTES, FEED_CHUNKS, FETCH_WAIT, HELD_BYTES, HELD_CHUNKS};
use crate::source_time::SourceTime;
use crate::wake::Wake;
use millstream_dataflow::{Error, Fetch, Result, SplitReader};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Where a source subtask takes its chunks from.
pub(crate) enum Feed {
    /// A rim thread reads ahead.
    Thread(Arc<FeedQueue>),
    /// The subtask fetches by itself, without waiting: single-threaded stepping.
    Inline(Box<dyn SplitReader>, Arc<SourceTime>),
}

/// What a reader found, and how far the source's event time had come before it looked.
pub(crate) struct Found {
    pub(crate) fetch: Fetch,
    pub(crate) before: i64,
}

impl Found {
    /// The split whose order it has a place in.
    fn split(&self) -> Option<&str> {
        match &self.fetch {
            Fetch::Chunk(chunk) => Some(&chunk.split),
            Fetch::Finished(id) => Some(id),
            Fetch::Watermark(split, _) => Some(&split.id),
            Fetch::EndOfData(_) | Fetch::Nothing => None,
        }
    }
}

impl Feed {
    /// Of these splits nothing is wanted for now; each call takes the place of the one before.
    pub(crate) fn pause(&mut self, splits: BTreeSet<String>) -> Result<()> {
        match self {
            Feed::Thread(queue) => {
                queue.pause(splits);
                Ok(())
            }
            Feed::Inline(reader, _) => reader.pause(&splits),
        }
    }
    /// The next thing the reader found, if there is one now.
    pub(crate) fn poll(&mut self) -> Result<Option<Found>> {
        match self {
            Feed::Thread(queue) => queue.pop(),
            Feed::Inline(reader, time) => {
                let before = time.furthest();
                match reader.fetch(Duration::ZERO)? {
                    Fetch::Nothing => Ok(None),
                    fetch => Ok(Some(Found { fetch, before })),
                }
            }
        }
    }
    /// Records behind the end, per split.
    pub(crate) fn lag(&self) -> Vec<(String, u64)> {
        match self {
            Feed::Thread(queue) => queue.state().lag.clone(),
            Feed::Inline(reader, _) => reader.lag(),
        }
    }
    /// What the reader of a bounded source has not handed over.
    pub(crate) fn left(&self) -> Option<u64> {
        match self {
            Feed::Thread(queue) => queue.state().left,
            Feed::Inline(reader, _) => reader.left(),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Feed::Thread(queue) = self {
            queue.stop();
        }
    }
}

#[derive(Default)]
struct FeedState {
    fetches: VecDeque<Result<Found>>,
    bytes: usize,
    lag: Vec<(String, u64)>,
    left: Option<u64>,
    /// What is here of these splits stays, and is no reason not to read others.
    paused: Arc<BTreeSet<String>>,
    stopped: bool,
}

impl FeedState {
    /// Number and bytes of what stays here for now.
    fn held(&self) -> (usize, usize) {
        if self.paused.is_empty() {
            return (0, 0);
        }
        let held = self.fetches.iter().filter(|f| self.is_held(f));
        held.fold((0, 0), |(count, bytes), found| match found {
            Ok(Found { fetch: Fetch::Chunk(c), .. }) => (count + 1, bytes + c.bytes),
            _ => (count + 1, bytes),
        })
    }
    fn is_held(&self, found: &Result<Found>) -> bool {
        matches!(found, Ok(f) if f.split().is_some_and(|s| self.paused.contains(s)))
    }
    /// Where the next thing to hand over stands. If more would stay than may wait, none does: that keeps a split's pace, never what comes of it.
    fn next(&self) -> Option<usize> {
        let (count, bytes) = self.held();
        match count >= HELD_CHUNKS || bytes >= HELD_BYTES {
            true => Some(0),
            false => self.fetches.iter().position(|f| !self.is_held(f)),
        }
    }
}

/// The bounded queue between a reader's thread and its subtask.
pub(crate) struct FeedQueue {
    // A std mutex: held for one push or pop; the reader's thread waits on it when the subtask is behind.
    state: Mutex<FeedState>,
    space: Condvar,
    subtask: Arc<Wake>,
}

impl FeedQueue {
    /// Starts the reader's thread. It ends with the feed, or after the reader's first error.
    ///
    /// - `connected`: where it notes whether whom it reads from answers
    pub(crate) fn start(
        name: String,
        mut reader: Box<dyn SplitReader>,
        time: Arc<SourceTime>,
        subtask: Arc<Wake>,
        connected: Arc<AtomicBool>,
    ) -> Result<Arc<FeedQueue>> {
        let queue = Arc::new(FeedQueue {
            state: Mutex::new(FeedState {
                left: reader.left(),
                ..FeedState::default()
            }),
            space: Condvar::new(),
            subtask,
        });
        let shared = Arc::clone(&queue);
        let run = move || {
            let mut told: Arc<BTreeSet<String>> = Arc::default();
            while let Some(paused) = shared.wait_for_space(reader.lag(), reader.left()) {
                let before = time.furthest();
                let fetched = match told == paused {
                    true => reader.fetch(FETCH_WAIT),
                    false => reader.pause(&paused).and_then(|()| reader.fetch(FETCH_WAIT)),
                };
                connected.store(reader.is_connected(), Relaxed);
                told = paused;
                let failed = fetched.is_err();
                if !matches!(fetched, Ok(Fetch::Nothing)) {
                    shared.push(fetched.map(|fetch| Found { fetch, before }));
                }
                if failed {
                    break;
                }
            }
        };
        std::thread::Builder::new()
            .name(name)
            .spawn(run)
            .map_err(|e| Error::unavailable("could not start a reader thread").source(e))?;
        Ok(queue)
    }
    fn state(&self) -> std::sync::MutexGuard<'_, FeedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Waits until the subtask has taken enough: the splits that are paused then, or nothing once it is gone.
    fn wait_for_space(&self, lag: Vec<(String, u64)>, left: Option<u64>) -> Option<Arc<BTreeSet<String>>> {
        let mut state = self.state();
        (state.lag, state.left) = (lag, left);
        loop {
            if state.stopped {
                return None;
            }
            let (count, bytes) = state.held();
            if state.bytes - bytes < FEED_BYTES && state.fetches.len() - count < FEED_CHUNKS {
                return Some(Arc::clone(&state.paused));
            }
            state = self.space.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    fn pause(&self, splits: BTreeSet<String>) {
        self.state().paused = Arc::new(splits);
        self.space.notify_one();
    }
    fn push(&self, found: Result<Found>) {
        {
            let mut state = self.state();
            if let Ok(Found { fetch: Fetch::Chunk(c), .. }) = &found {
                state.bytes += c.bytes;
            }
            state.fetches.push_back(found);
        }
        self.subtask.signal();
    }
    fn pop(&self) -> Result<Option<Found>> {
        let mut state = self.state();
        let found = state.next().and_then(|i| state.fetches.remove(i));
        if let Some(Ok(Found { fetch: Fetch::Chunk(c), .. })) = &found {
            state.bytes -= c.bytes;
        }
        drop(state);
        self.space.notify_one();
        found.transpose()
    }
    fn stop(&self) {
        self.state().stopped = true;
        self.space.notify_one();
    }
}
