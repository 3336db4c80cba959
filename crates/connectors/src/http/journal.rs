//! The write-ahead journal: numbered objects in a store, each made once, so that no two processes can both own a number.
//!
//! `<number>.requests` holds a group of requests. `<number>.keys` says that all objects below the number are covered by a checkpoint, and
//! keeps the idempotency keys of those that an earlier list does not.

use super::group::Group;
use super::keys::{self, Remembered};
use bytes::Bytes;
use millstream_dataflow::{Error, Put, PutMode, Result, Store};
use std::sync::Arc;

/// How often a journal that another process works on is looked at again.
const OPEN_TRIES: usize = 20;

const REQUESTS: &str = ".requests";
const KEYS: &str = ".keys";

pub(super) fn path_of(number: u64) -> String {
    format!("{number:020}{REQUESTS}")
}

fn keys_path(below: u64) -> String {
    format!("{below:020}{KEYS}")
}

/// A process's hold on the journal.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    store: Arc<dyn Store>,
    owner: String,
}

/// A group that was found, without its bodies.
pub(super) struct Found {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) group: Group,
}

/// What a journal held when it was taken over.
#[derive(Default)]
pub(super) struct Opened {
    /// All objects below are covered by a checkpoint.
    pub(super) low: u64,
    /// Numbers of the lists of keys.
    pub(super) lists: Vec<u64>,
    /// The listed keys, oldest first.
    pub(super) listed: Vec<Remembered>,
    /// The objects from `low` on, in order; the last is this process's claim.
    pub(super) found: Vec<Found>,
}

/// What became of a group.
pub(super) enum Appended {
    Written,
    /// An earlier group of this process, of which that was not known, has the number.
    Earlier(Group, u64),
    /// Another process has it.
    Taken,
}

fn gone(number: u64, store: &dyn Store) -> Error {
    Error::corrupt(format!("object {number} of the journal is gone"))
        .code("E0601")
        .detail(store.location())
        .hint("nothing but the job that reads it may remove from a journal; what was acknowledged is lost with it: --fresh starts over with what is there")
}

impl Journal {
    /// Takes the journal over: from here on its former owner, should it still run, gets no number.
    ///
    /// - `owner`: a name that no other process has
    ///
    /// # Errors
    /// `Corrupt` for objects that are gone or damaged; those of the store.
    pub(super) async fn open(store: Arc<dyn Store>, owner: String) -> Result<(Journal, Opened)> {
        let journal = Journal { store, owner };
        let mut missing = None;
        for _ in 0..OPEN_TRIES {
            let (mut opened, gap) = journal.survey().await?;
            // A former owner may remove what a checkpoint of its covers, just now; then there is a higher list.
            if let Some(number) = gap {
                if missing == Some((opened.low, number)) {
                    return Err(gone(number, journal.store.as_ref()));
                }
                missing = Some((opened.low, number));
                continue;
            }
            let number = opened.low + opened.found.len() as u64;
            let claim = Group {
                owner: journal.owner.clone(),
                sequence: 0,
                entries: Vec::new(),
            };
            let bytes = claim.encode();
            if let Appended::Written = journal.append(number, &bytes).await? {
                let bytes = bytes.len() as u64;
                opened.found.push(Found { number, bytes, group: claim });
                return Ok((journal, opened));
            }
        }
        Err(Error::unavailable("another process writes to the journal")
            .code("E0527")
            .detail(journal.store.location()))
    }

    /// What there is, and a number that is missing.
    async fn survey(&self) -> Result<(Opened, Option<u64>)> {
        let mut opened = Opened::default();
        let mut numbers = Vec::new();
        for meta in self.store.list("").await? {
            let number = |suffix: &str| meta.path.strip_suffix(suffix).and_then(|n| n.parse::<u64>().ok());
            opened.lists.extend(number(KEYS));
            numbers.extend(number(REQUESTS));
        }
        opened.low = opened.lists.last().copied().unwrap_or(0);
        for list in &opened.lists {
            // One that is gone now is part of a later one.
            if let Some(bytes) = self.store.get(&keys_path(*list), None).await? {
                opened.listed.extend(keys::decode(bytes).map_err(|e| self.place(e, &keys_path(*list)))?);
            }
        }
        for covered in numbers.iter().filter(|n| **n < opened.low) {
            self.store.delete(&path_of(*covered)).await?;
        }
        // Read on until there is none: a listing may be old.
        let mut next = opened.low;
        while let Some(bytes) = self.store.get(&path_of(next), None).await? {
            let size = bytes.len() as u64;
            let mut group = Group::decode(bytes).map_err(|e| self.place(e, &path_of(next)))?;
            // The reader takes each body when it gets there; all at once may be more than fits.
            group.entries.iter_mut().for_each(|e| e.body = Bytes::new());
            opened.found.push(Found {
                number: next,
                bytes: size,
                group,
            });
            next += 1;
        }
        let gap = numbers.last().is_some_and(|last| *last >= next).then_some(next);
        Ok((opened, gap))
    }

    fn place(&self, e: Error, path: &str) -> Error {
        e.detail(format!("{path}, {}", self.store.location()))
    }

    pub(super) fn owner(&self) -> &str {
        &self.owner
    }
    pub(super) fn location(&self) -> String {
        self.store.location()
    }

    /// Makes the object of a number. After an error it is not there, or not known to be: then [`Appended::Earlier`] tells the next one.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn append(&self, number: u64, bytes: &Bytes) -> Result<Appended> {
        let path = path_of(number);
        let failed = match self.store.put(&path, bytes.clone(), PutMode::Create).await {
            Ok(Put::Done) => return Ok(Appended::Written),
            Ok(Put::Exists) => None,
            Err(e) => Some(e),
        };
        let found = match (self.store.get(&path, None).await, failed) {
            (Ok(Some(found)), _) => found,
            (_, Some(e)) | (Err(e), None) => return Err(e),
            (Ok(None), None) => return Ok(Appended::Taken),
        };
        if found == *bytes {
            return Ok(Appended::Written);
        }
        let (size, group) = (found.len() as u64, Group::decode(found).map_err(|e| self.place(e, &path))?);
        Ok(match group.owner == self.owner {
            true => Appended::Earlier(group, size),
            false => Appended::Taken,
        })
    }

    /// # Errors
    /// `Corrupt` if it is gone or damaged; those of the store.
    pub(super) async fn read(&self, number: u64) -> Result<Group> {
        let path = path_of(number);
        let bytes = self.store.get(&path, None).await?.ok_or_else(|| gone(number, self.store.as_ref()))?;
        Group::decode(bytes).map_err(|e| self.place(e, &path))
    }

    /// Notes that all objects below a number are covered, with their keys.
    pub(super) async fn cover(&self, below: u64, list: Bytes) -> Result<()> {
        self.store.put(&keys_path(below), list, PutMode::Overwrite).await.map(|_| ())
    }
    pub(super) async fn remove(&self, number: u64) -> Result<()> {
        self.store.delete(&path_of(number)).await
    }
    pub(super) async fn remove_list(&self, below: u64) -> Result<()> {
        self.store.delete(&keys_path(below)).await
    }
}
