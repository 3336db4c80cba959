//! The checkpoint protocol: numbered manifests, created conditionally, in one directory or bucket prefix per job.
//!
//! ```text
//! generation/<n>                       who owns the job: created at each start, the highest one counts, and names the incarnation
//! <incarnation>/state/<epoch>-<generation>-<n>     data of one subtask's changed chunks
//! <incarnation>/manifest/<number>      its creation decides the epoch it holds
//! began/<incarnation>                  there is, or was, a manifest
//! <incarnation>/committed/<epoch>      the sinks have shown the epoch
//! ```
//! Numbers have 20 digits. The order of calls is: [`Checkpoints::recover`] to learn the incarnation → [`Checkpoints::start`], which fences
//! the previous owner → `recover` again, since that owner may just have published; if it says so, let the sinks commit and call
//! [`Writer::committed`] → for each epoch [`Writer::write_state`] per subtask → [`Writer::publish`] → the sinks commit →
//! [`Writer::committed`] → [`Writer::retain`].
//!
//! `PutMode::Create` answering `Exists` may be our own create whose acknowledgement was lost, so every created object carries a nonce
//! and is read back. An owner looks for a higher generation before **and after** it creates a manifest. The look after it is what makes
//! a name that retention freed harmless to reuse: whoever freed it has a higher generation, so the paused writer that got the name
//! again stops before its sinks commit. A manifest of an older generation that lands late is found as `Exists` by the new owner, which
//! restarts from it.
//!
//! Epochs may be left out, numbers of manifests are not: from any that a listing shows, or from none, the newest is found by its name. So a
//! listing may be behind; only where it shows no manifest although there was one is it asked again.

mod generation;
mod manifest;
mod names;
mod recovery;
mod retention;
mod sealed;
mod writer;

pub use manifest::{ChunkRef, FinishedJob, Manifest, OperatorState, SinkState, SourceState, TableState};
pub use recovery::{Action, decide};
pub use writer::Writer;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use millstream_dataflow::{Error, KeyGroupRange, ObjectMeta, Result, SnapshotPart, Store, StoreKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Times a create is tried again when neither it nor what it should have created can be seen.
const CREATE_ATTEMPTS_MAX: usize = 3;
/// Ranges read from the store at once at restore, and how far they are merged.
const READS_MAX: usize = 8;
const READ_BYTES_MAX: u64 = 16 << 20;

/// The checkpoints of one job in a store whose root belongs to this job alone.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    store: Arc<dyn Store>,
    job: String,
}

impl Checkpoints {
    /// The checkpoints of a job.
    pub fn new(store: Arc<dyn Store>, job: impl Into<String>) -> Self {
        Checkpoints { store, job: job.into() }
    }
    /// Where they are, for messages.
    pub fn location(&self) -> String {
        self.store.location()
    }
    /// What to do at a start, from what lies in the store. Changes nothing.
    ///
    /// # Errors
    /// `Unavailable` if the store does not answer; `Config` if the store holds another job; `Corrupt` for a damaged generation object.
    pub async fn recover(&self) -> Result<Action> {
        let Some(owner) = generation::current(self).await? else {
            // Output of a life that nobody knows any more would be shown a second time.
            let objects = self.store.list("").await?;
            let Some(lost) = objects.iter().find(|o| names::is_decision(&o.path)) else {
                return Ok(Action::Fresh);
            };
            self.unless_behind(&objects).await?;
            let why = "the generation object is missing, though there are checkpoints";
            return Ok(recovery::refuse(why.into(), &self.location(), &lost.path));
        };
        let incarnation = &owner.incarnation;
        let mut objects = self.store.list(incarnation).await?;
        let mut newest = recovery::newest(&objects, incarnation);
        while self.look(&names::manifest(incarnation, newest.unwrap_or(0) + 1), &mut objects).await? {
            newest = Some(newest.unwrap_or(0) + 1);
        }
        let Some(number) = newest else {
            return match self.store.head(&names::began(incarnation)).await? {
                Some(_) if self.store.kind() == StoreKind::Object => Err(self.behind()),
                Some(began) => Ok(recovery::refuse("all checkpoints are missing".into(), &self.location(), &began.path)),
                None => Ok(decide(&self.location(), incarnation, &objects, None)),
            };
        };
        let path = names::manifest(incarnation, number);
        let bytes = self.store.get(&path, None).await?;
        let bytes = bytes.ok_or_else(|| Error::unavailable("a manifest vanished while it was read").detail(self.object(&path)))?;
        let manifest = Manifest::decode(&bytes);
        if let Ok(manifest) = &manifest {
            self.look(&names::committed(incarnation, manifest.epoch), &mut objects).await?;
            let files: BTreeSet<&str> = manifest.chunks().map(|c| c.file.as_str()).collect();
            let listed: BTreeSet<String> = objects.iter().map(|o| o.path.clone()).collect();
            for file in files.into_iter().filter(|f| !listed.contains(*f)) {
                self.look(file, &mut objects).await?;
            }
        }
        let action = decide(&self.location(), incarnation, &objects, Some((number, manifest)));
        if let Action::Refuse(_) = &action {
            // A running owner publishes, and removes what is old, while it is read.
            let (next, same) = (names::manifest(incarnation, number + 1), names::manifest(incarnation, number));
            if self.store.head(&next).await?.is_some() || self.store.head(&same).await?.is_none() {
                return Err(Error::unavailable("the checkpoint was replaced while it was read").detail(self.location()));
            }
        }
        Ok(action)
    }
    /// Whether an object is there, listed or not; then it is among the objects.
    async fn look(&self, path: &str, objects: &mut Vec<ObjectMeta>) -> Result<bool> {
        if objects.iter().any(|o| o.path == path) {
            return Ok(true);
        }
        let found = self.store.head(path).await?;
        let there = found.is_some();
        objects.extend(found);
        Ok(there)
    }
    fn behind(&self) -> Error {
        Error::unavailable("the checkpoint store's listing does not show the newest objects yet").detail(self.location())
    }
    /// A listing without generations may be older than the manifests it shows: each names the generation that wrote it.
    async fn unless_behind(&self, objects: &[ObjectMeta]) -> Result<()> {
        for object in objects.iter().filter(|o| names::is_manifest(&o.path)) {
            if let Some(bytes) = self.store.get(&object.path, None).await?
                && let Ok(manifest) = Manifest::decode(&bytes)
                && generation::exists(self, manifest.generation).await?
            {
                return Err(self.behind());
            }
        }
        Ok(())
    }
    /// The newest published manifest, whether its sinks have committed or not.
    ///
    /// # Errors
    /// As [`Checkpoints::recover`], and `Corrupt` for what it refuses.
    pub async fn latest(&self) -> Result<Option<Manifest>> {
        match self.recover().await? {
            Action::Fresh => Ok(None),
            Action::Restore(manifest) | Action::RollForward(manifest) => Ok(Some(*manifest)),
            Action::Refuse(error) => Err(error),
        }
    }
    /// Whether the sinks have shown an epoch.
    ///
    /// # Errors
    /// `Unavailable` if the store does not answer.
    pub async fn is_committed(&self, epoch: u64, incarnation: &str) -> Result<bool> {
        Ok(self.store.head(&names::committed(incarnation, epoch)).await?.is_some())
    }
    /// The generation that owns the job; `None` if nobody ever did.
    ///
    /// # Errors
    /// `Unavailable` if the store does not answer.
    pub async fn generation(&self) -> Result<Option<u64>> {
        generation::highest(self).await
    }
    /// Takes the job over: whoever wrote before is fenced. Call [`Checkpoints::recover`] again afterwards.
    ///
    /// - `incarnation`: that of the manifest to go on from, or a new UUID
    /// - `after`: for a new incarnation the generation whose life of the job it ends, as [`Checkpoints::generation`] told before that was decided
    /// - `nonce`: unique to this call
    ///
    /// # Errors
    /// `Unavailable` if the store does not answer; `Fenced` if another process takes the job over at the same moment, or has begun another
    /// incarnation since it was decided to go on with this one; `Config` if the store holds another job or cannot create conditionally.
    pub async fn start(&self, incarnation: &str, after: Option<u64>, nonce: &str, now_ms: i64) -> Result<Writer> {
        names::check_incarnation(incarnation)?;
        let generation = generation::take(self, incarnation, after, nonce, now_ms).await?;
        Ok(Writer::new(self.clone(), incarnation, generation))
    }
    /// Reads a chunk.
    ///
    /// # Errors
    /// `Corrupt` if it is missing, shorter than it was, or has another checksum.
    pub async fn read_chunk(&self, chunk: &ChunkRef) -> Result<Bytes> {
        let end = chunk
            .offset
            .checked_add(chunk.length)
            .ok_or_else(|| damaged("a chunk ends nowhere", self.object(&chunk.file)))?;
        let bytes = self.store.get(&chunk.file, Some(chunk.offset..end)).await?;
        self.verify(chunk, bytes.unwrap_or_default())
    }
    /// All parts of an operator's state that a subtask with these key groups needs, for `Operator::restore`.
    ///
    /// # Errors
    /// As [`Checkpoints::read_chunk`].
    pub async fn read_parts(&self, manifest: &Manifest, node: &str, key_groups: KeyGroupRange) -> Result<Vec<SnapshotPart>> {
        let operators = manifest.operators.iter().filter(|o| o.node == node && o.overlaps(key_groups));
        let chunks = operators
            .flat_map(|o| &o.tables)
            .flat_map(|t| t.chunks.iter().map(|c| (t.name.clone(), c.clone())));
        let reads = runs(chunks).into_iter().map(|run| self.read_run(run));
        let mut parts = stream::iter(reads).buffered(READS_MAX).try_concat().await?;
        parts.sort_by_key(|(order, _)| *order);
        Ok(parts.into_iter().map(|(_, part)| part).collect())
    }
    async fn read_run(&self, run: Vec<Wanted>) -> Result<Vec<(usize, SnapshotPart)>> {
        let (Some(first), Some(last)) = (run.first().map(|w| &w.chunk), run.last().map(|w| &w.chunk)) else {
            return Ok(Vec::new());
        };
        let end = last
            .offset
            .checked_add(last.length)
            .ok_or_else(|| damaged("a chunk ends nowhere", self.object(&last.file)))?;
        let bytes = self.store.get(&first.file, Some(first.offset..end)).await?.unwrap_or_default();
        let offset = first.offset;
        let part = |wanted: Wanted| {
            let start = bytes.len().min((wanted.chunk.offset - offset) as usize);
            let end = bytes.len().min(start.saturating_add(wanted.chunk.length as usize));
            let bytes = self.verify(&wanted.chunk, bytes.slice(start..end))?;
            Ok((wanted.order, SnapshotPart { table: wanted.table, bytes }))
        };
        run.into_iter().map(part).collect()
    }
    fn verify(&self, chunk: &ChunkRef, bytes: Bytes) -> Result<Bytes> {
        if bytes.len() as u64 != chunk.length {
            return Err(damaged("a state file is missing or too short", self.object(&chunk.file)));
        }
        if crc32c::crc32c(&bytes) != chunk.crc32c {
            return Err(damaged("a state file has a wrong checksum", self.object(&chunk.file)));
        }
        Ok(bytes)
    }
    /// An object's place, for messages.
    fn object(&self, path: &str) -> String {
        format!("{}/{path}", self.store.location().trim_end_matches('/'))
    }
}

/// A chunk to read.
struct Wanted {
    /// Its place in the operator's order.
    order: usize,
    table: String,
    chunk: ChunkRef,
}

/// Puts chunks that lie side by side, as those that one checkpoint wrote do, into one request of bounded size.
fn runs(chunks: impl Iterator<Item = (String, ChunkRef)>) -> Vec<Vec<Wanted>> {
    let mut wanted: Vec<Wanted> = chunks.enumerate().map(|(order, (table, chunk))| Wanted { order, table, chunk }).collect();
    wanted.sort_by(|a, b| (&a.chunk.file, a.chunk.offset).cmp(&(&b.chunk.file, b.chunk.offset)));
    let (mut runs, mut bytes) = (Vec::<Vec<Wanted>>::new(), 0u64);
    for next in wanted {
        bytes = bytes.saturating_add(next.chunk.length);
        let beside = |last: &Wanted| last.chunk.file == next.chunk.file && last.chunk.offset.saturating_add(last.chunk.length) == next.chunk.offset;
        match runs.last_mut() {
            Some(run) if bytes <= READ_BYTES_MAX && run.last().is_some_and(beside) => run.push(next),
            _ => {
                bytes = next.chunk.length;
                runs.push(vec![next]);
            }
        }
    }
    runs
}

fn damaged(what: &str, object: String) -> Error {
    Error::corrupt(what)
        .code("E0601")
        .detail(object)
        .hint("restore the file from a backup, or start with --fresh, which leaves this state behind and keeps what the sinks show")
}

#[cfg(test)]
mod tests;
