//! Idempotency keys: those of requests on their way, and those that are remembered.

use super::encoding::{Cursor, begin, put, seal};
use super::group::Group;
use bytes::Bytes;
use millstream_dataflow::Result;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::time::Duration;
use tokio::sync::watch;

const MARK: [u8; 4] = *b"MSHK";

/// What a client calls a request, and what it sent under this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) text: String,
    /// SHA-256 of the body, unpacked.
    pub(super) digest: [u8; 32],
}

/// A key whose request is in the journal, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) key: Key,
    /// Records of its request.
    pub(super) records: u32,
    pub(super) received_ms: i64,
}

/// A list of keys as an object beside the journal's: per key its text (u32 length, bytes), digest (32 bytes), records (u32) and time (i64).
pub(super) fn encode<'a>(list: impl Iterator<Item = &'a Remembered>) -> Bytes {
    let mut out = begin(MARK);
    for r in list {
        put(r.key.text.as_bytes(), &mut out);
        out.extend_from_slice(&r.key.digest);
        out.extend_from_slice(&r.records.to_le_bytes());
        out.extend_from_slice(&r.received_ms.to_le_bytes());
    }
    seal(out)
}

/// # Errors
/// `Corrupt` for damaged bytes and other versions.
pub(super) fn decode(object: Bytes) -> Result<Vec<Remembered>> {
    let mut cursor = Cursor::new(MARK, object)?;
    let mut list = Vec::new();
    while !cursor.is_empty() {
        list.push(Remembered {
            key: Key {
                text: cursor.text()?,
                digest: cursor.array()?,
            },
            records: cursor.number()?,
            received_ms: i64::from_le_bytes(cursor.array()?),
        });
    }
    Ok(list)
}

/// What is known of a key.
pub(super) enum Known {
    New,
    /// Its request is in the journal.
    Done {
        records: u32,
    },
    /// It came with another body.
    OtherBody,
    /// Its request is being written: ask again when this ends.
    OnItsWay(watch::Receiver<()>),
}

/// All keys that are known. Bounded by their number, and by their age.
pub(super) struct Keys {
    max: usize,
    window: Duration,
    /// With the number of each one's object, in that order.
    order: VecDeque<(u64, Remembered)>,
    /// How many were forgotten from the front of `order`.
    forgotten: u64,
    /// Where each stands, counted with those forgotten.
    places: HashMap<String, u64>,
    on_their_way: HashMap<String, watch::Receiver<()>>,
}

impl Keys {
    pub(super) fn new(max: usize, window: Duration) -> Self {
        Keys {
            max,
            window,
            order: VecDeque::new(),
            forgotten: 0,
            places: HashMap::new(),
            on_their_way: HashMap::new(),
        }
    }
    pub(super) fn look_up(&self, key: &Key, now_ms: i64) -> Known {
        if let Some(on_its_way) = self.on_their_way.get(&key.text) {
            return Known::OnItsWay(on_its_way.clone());
        }
        self.remembered(key, now_ms)
    }
    /// The same, whether it is on its way or not.
    pub(super) fn remembered(&self, key: &Key, now_ms: i64) -> Known {
        let remembered = self.places.get(&key.text).and_then(|at| self.order.get((at - self.forgotten) as usize));
        match remembered {
            Some((_, r)) if !self.is_old(r, now_ms) => match r.key.digest == key.digest {
                true => Known::Done { records: r.records },
                false => Known::OtherBody,
            },
            _ => Known::New,
        }
    }
    fn is_old(&self, r: &Remembered, now_ms: i64) -> bool {
        now_ms.saturating_sub(r.received_ms) > self.window.as_millis() as i64
    }
    /// A request with this key is being written, until [`Keys::arrived`]; then the sender is dropped.
    pub(super) fn start(&mut self, key: &Key) -> watch::Sender<()> {
        let (sender, on_its_way) = watch::channel(());
        self.on_their_way.insert(key.text.clone(), on_its_way);
        sender
    }
    /// What became of the request is known, or given up.
    pub(super) fn arrived(&mut self, key: &Key) {
        self.on_their_way.remove(&key.text);
    }
    /// The group is the journal's object of this number.
    pub(super) fn remember_group(&mut self, number: u64, group: &Group, now_ms: i64) {
        for entry in &group.entries {
            if let Some(key) = &entry.key {
                let remembered = Remembered {
                    key: key.clone(),
                    records: entry.records,
                    received_ms: entry.received_ms,
                };
                self.remember(number, remembered, now_ms);
            }
        }
    }
    /// Numbers never go back.
    pub(super) fn remember(&mut self, number: u64, remembered: Remembered, now_ms: i64) {
        self.places.insert(remembered.key.text.clone(), self.forgotten + self.order.len() as u64);
        self.order.push_back((number, remembered));
        while self.order.front().is_some_and(|(_, r)| self.order.len() > self.max || self.is_old(r, now_ms)) {
            self.forget_oldest();
        }
    }
    fn forget_oldest(&mut self) {
        let Some((_, oldest)) = self.order.pop_front() else { return };
        // It may have come anew since.
        if self.places.get(&oldest.key.text) == Some(&self.forgotten) {
            self.places.remove(&oldest.key.text);
        }
        self.forgotten += 1;
    }
    /// The keys of these objects as a list to keep.
    pub(super) fn list(&self, objects: Range<u64>) -> Bytes {
        let first = self.order.partition_point(|(n, _)| *n < objects.start);
        let end = self.order.partition_point(|(n, _)| *n < objects.end);
        encode(self.order.range(first..end.max(first)).map(|(_, r)| r))
    }
}

#[cfg(test)]
mod tests;
