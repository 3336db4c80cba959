//! Between clients, the journal and the reader: requests queue here until they are durable, and what is durable waits to be read.

use super::group::{Entry, Group};
use super::journal::{Appended, Journal, Opened};
use super::keys::{Keys, Known};
use futures::channel::oneshot;
use futures::{StreamExt, stream};
use millstream_dataflow::{Clock, Error, ErrorKind, Result, Store};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Acquire};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

/// Bodies and records that are written together; one request more than that makes an object of its own.
const GROUP_BYTES: usize = 4 << 20;
const GROUP_RECORDS: u64 = 65_536;
/// How often an object is begun: requests that come in between share it.
const OBJECT_EVERY: Duration = Duration::from_millis(5);
/// Lists of keys that there may be before they become one.
const LISTS_MAX: usize = 32;
/// Objects removed at the same time.
const REMOVED_AT_ONCE: usize = 16;
/// How often trouble with the journal is told.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request is in the journal.
    Accepted { records: u32 },
    /// Its key was given to another body.
    OtherBody,
    /// It may be in the journal, or not.
    NotStored,
    /// The job starts, stops or has failed.
    NotRunning,
}

/// Bytes that wait: of requests that are not decided, and in the journal.
#[derive(Debug)]
pub(super) struct Pending {
    held: AtomicU64,
    stored: AtomicU64,
    max: u64,
}

impl Pending {
    /// Whether so many bytes more may wait.
    pub(super) fn has_space(&self, bytes: u64) -> bool {
        self.held.load(Acquire) + self.stored.load(Acquire) + bytes <= self.max
    }
}

/// The bytes of one request, until it is decided.
#[derive(Debug)]
pub(super) struct Held(Arc<Pending>, u64);

impl Held {
    pub(super) fn new(pending: &Arc<Pending>) -> Self {
        Held(Arc::clone(pending), 0)
    }
    /// Holds more, if there is space.
    pub(super) fn add(&mut self, bytes: u64) -> bool {
        let space = self.0.has_space(bytes);
        if space {
            self.0.held.fetch_add(bytes, AcqRel);
            self.1 += bytes;
        }
        space
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(self.1, AcqRel);
    }
}

/// A request whose client waits.
struct Waiting {
    entry: Entry,
    /// Ends when the request is decided.
    _on_its_way: Option<watch::Sender<()>>,
    answer: oneshot::Sender<Verdict>,
    _held: Held,
}

enum Phase {
    Starting,
    Open,
    Closed,
    Failed(ErrorKind, &'static str, String),
}

/// An object that is in the journal.
#[derive(Debug, Clone, Copy)]
struct Stored {
    bytes: u64,
    records: u64,
}

struct State {
    phase: Phase,
    /// Once it is open.
    journal: Option<Journal>,
    /// Where reading starts without a checkpoint: all objects below were covered when the journal was opened.
    low: u64,
    /// Number of the next object: those below may be read.
    next: u64,
    sequence: u64,
    queue: VecDeque<Waiting>,
    keys: Keys,
    /// Not removed yet.
    objects: BTreeMap<u64, Stored>,
    /// Records of all objects there were since the journal was opened.
    records: u64,
}

pub(super) struct Intake {
    table: String,
    clock: Arc<dyn Clock>,
    // A std mutex: held to look and to change, never across a call of the store. The reader's thread waits with it.
    state: Mutex<State>,
    changed: Condvar,
    work: Notify,
    pub(super) pending: Arc<Pending>,
    /// Numbers of the lists of keys; held while objects are removed.
    lists: tokio::sync::Mutex<Vec<u64>>,
    /// All that was taken is decided, and nothing more is taken.
    drained: watch::Sender<bool>,
    warned: Mutex<Option<Duration>>,
}

impl Intake {
    pub(super) fn new(table: String, clock: Arc<dyn Clock>, keys: Keys, max_pending: u64) -> Arc<Self> {
        Arc::new(Intake {
            table,
            clock,
            state: Mutex::new(State {
                phase: Phase::Starting,
                journal: None,
                low: 0,
                next: 0,
                sequence: 0,
                queue: VecDeque::new(),
                keys,
                objects: BTreeMap::new(),
                records: 0,
            }),
            changed: Condvar::new(),
            work: Notify::new(),
            pending: Arc::new(Pending {
                held: AtomicU64::new(0),
                stored: AtomicU64::new(0),
                max: max_pending,
            }),
            lists: tokio::sync::Mutex::default(),
            drained: watch::channel(false).0,
            warned: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the journal over and starts to write to it, unless it is open already. Returns the last object that a checkpoint can go on from: what
    /// this process claims the journal with at first, for what it has read itself the next one.
    ///
    /// # Errors
    /// Those of [`Journal::open`]; that another process has the journal now.
    pub(super) async fn open(self: &Arc<Self>, store: &Arc<dyn Store>, owner: String, handle: &tokio::runtime::Handle) -> Result<u64> {
        self.check()?;
        {
            let state = self.state();
            match state.phase {
                Phase::Open => return Ok(state.next),
                Phase::Closed => return Err(Error::bug("an http source was opened after its end")),
                Phase::Starting | Phase::Failed(..) => {}
            }
        }
        let (journal, opened) = Journal::open(Arc::clone(store), owner).await?;
        info!(table = %self.table, journal = %journal.location(), objects = opened.found.len(), "journal opened");
        let Opened { low, lists, listed, found } = opened;
        let claim = found.last().map_or(low, |f| f.number);
        *self.lists.lock().await = lists;
        {
            let (now_ms, mut state) = (self.clock.now_ms(), self.state());
            for remembered in listed {
                state.keys.remember(low.saturating_sub(1), remembered, now_ms);
            }
            (state.low, state.next) = (low, low);
            state.journal = Some(journal.clone());
        }
        for found in found {
            self.stored(found.number, found.bytes, &found.group);
        }
        // Only now: whoever asks must find all keys.
        self.state().phase = Phase::Open;
        handle.spawn(Arc::clone(self).write_groups(journal));
        Ok(claim)
    }

    /// # Errors
    /// What ended the intake.
    fn check(&self) -> Result<()> {
        match &self.state().phase {
            Phase::Failed(kind, code, message) => Err(Error::new(*kind, message.clone()).code(code)),
            _ => Ok(()),
        }
    }

    /// Nothing more is taken. What was is still decided; returns then.
    pub(super) async fn close(&self) {
        self.close_now();
        let mut drained = self.drained.subscribe();
        // The sender lives as long as this.
        let _ = drained.wait_for(|d| *d).await;
    }

    pub(super) fn close_now(&self) {
        {
            let mut state = self.state();
            match state.phase {
                Phase::Open => {}
                // Nobody writes: there is nothing to wait for.
                Phase::Starting | Phase::Failed(..) => {
                    self.drained.send_replace(true);
                }
                Phase::Closed => return,
            }
            state.phase = Phase::Closed;
        }
        self.work.notify_one();
        self.changed.notify_all();
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state().phase, Phase::Open)
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state().phase, Phase::Closed)
    }

    /// Brings a request into the journal. If its client goes away meanwhile, it gets there all the same.
    pub(super) async fn submit(&self, entry: Entry, held: Held) -> Verdict {
        let answer = loop {
            let mut on_its_way = {
                let mut state = self.state();
                let known = entry.key.as_ref().map_or(Known::New, |key| state.keys.look_up(key, self.clock.now_ms()));
                match known {
                    Known::Done { records } => return Verdict::Accepted { records },
                    Known::OtherBody => return Verdict::OtherBody,
                    Known::OnItsWay(receiver) => receiver,
                    Known::New => {
                        if !matches!(state.phase, Phase::Open) {
                            return Verdict::NotRunning;
                        }
                        let _on_its_way = entry.key.as_ref().map(|key| state.keys.start(key));
                        let (answer, receiver) = oneshot::channel();
                        state.queue.push_back(Waiting {
                            entry,
                            _on_its_way,
                            answer,
                            _held: held,
                        });
                        break receiver;
                    }
                }
            };
            // Ends with an error, once the sender is dropped.
            let _ = on_its_way.changed().await;
        };
        self.work.notify_one();
        answer.await.unwrap_or(Verdict::NotStored)
    }

    /// Writes what queues, one object after the other, until the intake is closed and the queue is empty.
    async fn write_groups(self: Arc<Self>, journal: Journal) {
        let mut pace = interval(OBJECT_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (waits, ended) = {
                let state = self.state();
                (!state.queue.is_empty(), !matches!(state.phase, Phase::Open))
            };
            match (waits, ended) {
                (true, _) => {
                    pace.tick().await;
                    let waiting = self.take_group();
                    self.write(&journal, waiting).await;
                }
                (false, true) => break,
                (false, false) => self.work.notified().await,
            }
        }
        self.drained.send_replace(true);
    }

    fn take_group(&self) -> Vec<Waiting> {
        let mut state = self.state();
        let (mut bytes, mut records) = (0, 0);
        let fits = |w: &Waiting| {
            bytes += w.entry.body.len();
            records += u64::from(w.entry.records);
            bytes <= GROUP_BYTES && records <= GROUP_RECORDS
        };
        let count = state.queue.iter().map(fits).take_while(|fits| *fits).count().max(1).min(state.queue.len());
        state.queue.drain(..count).collect()
    }

    async fn write(&self, journal: &Journal, mut waiting: Vec<Waiting>) {
        while !waiting.is_empty() {
            let (number, sequence) = {
                let mut state = self.state();
                state.sequence += 1;
                (state.next, state.sequence)
            };
            let group = Group {
                owner: journal.owner().to_string(),
                sequence,
                entries: waiting.iter().map(|w| w.entry.clone()).collect(),
            };
            let bytes = group.encode();
            match journal.append(number, &bytes).await {
                Ok(Appended::Written) => {
                    self.stored(number, bytes.len() as u64, &group);
                    let accepted = |e: &Entry| Verdict::Accepted { records: e.records };
                    return self.decide(waiting, accepted);
                }
                // Some of these may be what was asked for again.
                Ok(Appended::Earlier(group, bytes)) => {
                    self.stored(number, bytes, &group);
                    waiting = self.without_known(waiting);
                }
                Ok(Appended::Taken) => {
                    let message = format!("another process has taken over the journal of table \"{}\"", self.table);
                    warn!(table = %self.table, journal = %journal.location(), "another process has taken over the journal");
                    self.state().phase = Phase::Failed(ErrorKind::Fenced, "E0527", message);
                    self.changed.notify_all();
                    return self.decide(waiting, |_| Verdict::NotRunning);
                }
                Err(e) => {
                    self.tell(&e);
                    return self.decide(waiting, |_| Verdict::NotStored);
                }
            }
        }
    }

    /// An object is in the journal: it may be read, and its keys are known.
    fn stored(&self, number: u64, bytes: u64, group: &Group) {
        {
            let (now_ms, mut state) = (self.clock.now_ms(), self.state());
            state.keys.remember_group(number, group, now_ms);
            let records = group.records();
            state.objects.insert(number, Stored { bytes, records });
            state.records += records;
            state.next = number + 1;
            self.pending.stored.fetch_add(bytes, AcqRel);
        }
        self.changed.notify_all();
    }

    fn decide(&self, waiting: Vec<Waiting>, verdict: impl Fn(&Entry) -> Verdict) {
        for w in waiting {
            if let Some(key) = &w.entry.key {
                self.state().keys.arrived(key);
            }
            // Its client may be gone.
            let _ = w.answer.send(verdict(&w.entry));
        }
    }

    /// Those that an earlier group does not hold already.
    fn without_known(&self, waiting: Vec<Waiting>) -> Vec<Waiting> {
        let now_ms = self.clock.now_ms();
        let mut rest = Vec::new();
        for w in waiting {
            let Some(key) = &w.entry.key else {
                rest.push(w);
                continue;
            };
            let known = self.state().keys.remembered(key, now_ms);
            match known {
                Known::Done { records } => self.decide(vec![w], |_| Verdict::Accepted { records }),
                Known::OtherBody => self.decide(vec![w], |_| Verdict::OtherBody),
                Known::New | Known::OnItsWay(_) => rest.push(w),
            }
        }
        rest
    }

    /// Where reading starts without a checkpoint.
    pub(super) fn low(&self) -> u64 {
        self.state().low
    }
    /// Whether an object may be read, after waiting for it.
    ///
    /// # Errors
    /// What ended the intake.
    pub(super) fn wait_for(&self, object: u64, wait: Duration) -> Result<bool> {
        self.check()?;
        let missing = |state: &mut State| object >= state.next && matches!(state.phase, Phase::Open);
        let waited = self.changed.wait_timeout_while(self.state(), wait, missing);
        let is_there = object < waited.unwrap_or_else(PoisonError::into_inner).0.next;
        Ok(is_there)
    }

    /// An object of the journal.
    ///
    /// # Errors
    /// Those of [`Journal::read`].
    pub(super) async fn read(&self, object: u64) -> Result<Group> {
        self.journal()?.read(object).await
    }

    fn journal(&self) -> Result<Journal> {
        let state = self.state();
        state.journal.clone().ok_or_else(|| Error::bug("a journal was used before it was opened"))
    }

    /// Records of the objects from one on, and of all there were.
    pub(super) fn records_from(&self, object: u64) -> (u64, u64) {
        let state = self.state();
        (state.objects.range(object..).map(|(_, s)| s.records).sum(), state.records)
    }
    pub(super) fn records(&self) -> u64 {
        self.state().records
    }

    /// A checkpoint covers all objects below: their keys are kept in a list, and they are removed.
    ///
    /// # Errors
    /// Those of the store; the next call does what is left.
    pub(super) async fn release(&self, below: u64) -> Result<()> {
        let journal = self.journal()?;
        let mut lists = self.lists.lock().await;
        let low = lists.last().copied().unwrap_or(0);
        if below > low {
            let whole = lists.len() >= LISTS_MAX;
            let list = self.state().keys.list(if whole { 0 } else { low }..below);
            journal.cover(below, list).await?;
            let before = std::mem::replace(&mut *lists, vec![below]);
            match whole {
                true => {
                    for list in before {
                        journal.remove_list(list).await?;
                    }
                }
                false => lists.splice(0..0, before).for_each(drop),
            }
        }
        let covered: Vec<u64> = self.state().objects.range(..below).map(|(number, _)| *number).collect();
        let mut removed = stream::iter(covered.into_iter().map(|number| {
            let journal = &journal;
            async move { journal.remove(number).await.map(|()| number) }
        }))
        .buffer_unordered(REMOVED_AT_ONCE);
        while let Some(number) = removed.next().await {
            if let Some(stored) = self.state().objects.remove(&number?) {
                self.pending.stored.fetch_sub(stored.bytes, AcqRel);
            }
        }
        Ok(())
    }

    fn tell(&self, e: &Error) {
        let now = self.clock.monotonic();
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|at| now.saturating_sub(at) > WARN_EVERY) {
            *warned = Some(now);
            warn!(table = %self.table, error = %e, "the journal cannot be written: requests are refused with 503");
        }
    }
}

#[cfg(test)]
mod tests;
