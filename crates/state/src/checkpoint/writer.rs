//! Writes the checkpoints of one generation.

use super::manifest::{ChunkRef, Manifest, OperatorState, TableState};
use super::{CREATE_ATTEMPTS_MAX, Checkpoints, generation, names, retention};
use bytes::Bytes;
use millstream_dataflow::{Error, KeyGroupRange, Put, PutMode, Result, Snapshot};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// Owns the job until another process starts it.
#[derive(Debug)]
pub struct Writer {
    checkpoints: Checkpoints,
    incarnation: String,
    generation: u64,
    /// Counts files, so that no name is used twice.
    files: AtomicU64,
    /// What the last manifest published here refers to: only that can be referred to again.
    clean: HashMap<ChunkKey, ChunkRef>,
    published: Option<u64>,
    /// Of the last manifest, by whomever; 0 if there is none.
    number: u64,
    /// Whether it is written down that there is a manifest.
    began: bool,
    /// A manifest whose creation neither succeeded nor failed for certain.
    undecided: Option<(u64, String)>,
}

/// Node, subtask, table, chunk id, version.
type ChunkKey = (String, u32, String, u64, u64);

impl Writer {
    pub(super) fn new(checkpoints: Checkpoints, incarnation: &str, generation: u64) -> Self {
        Writer {
            checkpoints,
            incarnation: incarnation.to_string(),
            generation,
            files: AtomicU64::new(0),
            clean: HashMap::new(),
            published: None,
            number: 0,
            began: false,
            undecided: None,
        }
    }
    /// The store it writes to.
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }
    /// The incarnation it writes.
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }
    /// Its generation.
    pub fn generation(&self) -> u64 {
        self.generation
    }
    /// Says which manifest there is already, before the first [`Writer::publish`].
    pub fn after(&mut self, manifest: &Manifest) {
        self.number = manifest.number();
    }
    /// Writes the chunks of a subtask that the last published manifest does not hold, in one file, and returns what refers to all
    /// of them, for [`Manifest::operators`]. Subtasks may write at the same time. Encodes on the calling thread.
    ///
    /// # Errors
    /// Those of the store: the checkpoint fails, the job can try the next one. Those of the encoding.
    pub async fn write_state(&self, epoch: u64, node: &str, subtask: u32, key_groups: KeyGroupRange, snapshot: &Snapshot) -> Result<OperatorState> {
        let file = names::state(&self.incarnation, epoch, self.generation, self.files.fetch_add(1, Ordering::Relaxed));
        let mut body = Vec::new();
        let mut changed = false;
        let mut tables = Vec::new();
        for table in &snapshot.tables {
            let mut chunks = Vec::with_capacity(table.chunks.len());
            for chunk in &table.chunks {
                let key = (node.to_string(), subtask, table.name.clone(), chunk.id, chunk.version);
                if let Some(clean) = self.clean.get(&key) {
                    chunks.push(clean.clone());
                    continue;
                }
                let bytes = chunk.data.encode()?;
                changed = true;
                chunks.push(ChunkRef {
                    id: chunk.id,
                    version: chunk.version,
                    file: file.clone(),
                    offset: body.len() as u64,
                    length: bytes.len() as u64,
                    crc32c: crc32c::crc32c(&bytes),
                });
                body.extend_from_slice(&bytes);
            }
            tables.push(TableState {
                name: table.name.clone(),
                chunks,
            });
        }
        // A chunk may encode to nothing; its file must be there all the same.
        if changed {
            // The name is ours alone, so writing it again after a lost acknowledgement writes the same bytes.
            self.checkpoints.store.put(&file, Bytes::from(body), PutMode::Overwrite).await?;
        }
        Ok(OperatorState {
            node: node.to_string(),
            subtask,
            key_group_start: key_groups.start,
            key_group_end: key_groups.end,
            tables,
        })
    }
    /// Creates the manifest: from then on the epoch is decided, and its sinks must commit. Sets [`Manifest::generation`] and
    /// [`Manifest::number`].
    ///
    /// After `Unavailable` the outcome may be unknown: call it again with the same manifest, or restart the job from
    /// [`Checkpoints::recover`]. Another epoch is refused until then, because the sinks of this one might never commit.
    ///
    /// # Errors
    /// `Unavailable` as above; `Fenced` if another process has taken the job over, whatever became of the manifest: commit nothing;
    /// `Config` if the store cannot take it (full disk): nothing was published.
    pub async fn publish(&mut self, mut manifest: Manifest) -> Result<()> {
        manifest.generation = self.generation;
        manifest.number = self.number + 1;
        let name = (manifest.epoch, manifest.nonce.clone());
        if self.undecided.as_ref().is_some_and(|u| *u != name) {
            return Err(Error::unavailable(
                "it is not known whether the previous checkpoint was published: the job has to restart from the last one",
            ));
        }
        if manifest.incarnation != self.incarnation || manifest.job != self.checkpoints.job || self.published.is_some_and(|p| p >= manifest.epoch) {
            return Err(Error::bug(format!(
                "epoch {} of {} cannot be published after {:?}",
                manifest.epoch, manifest.incarnation, self.published
            )));
        }
        let bytes = Bytes::from(manifest.encode()?);
        if self.undecided.is_none() {
            self.check().await?;
        }
        if self.number > 0 {
            self.begin().await?;
        }
        self.undecided = Some(name);
        match self.create(&manifest, bytes).await {
            Outcome::Published => {}
            Outcome::Unknown(e) => return Err(e),
            Outcome::Not(e) => {
                self.undecided = None;
                return Err(e);
            }
        }
        // The first one is found by its name, and so not removed before this is written.
        self.begin().await?;
        self.check().await?;
        self.undecided = None;
        self.published = Some(manifest.epoch);
        self.number = manifest.number;
        self.clean = clean(manifest);
        Ok(())
    }
    /// Writes down that there is a manifest.
    async fn begin(&mut self) -> Result<()> {
        if !self.began {
            let path = names::began(&self.incarnation);
            self.checkpoints.store.put(&path, Bytes::from_static(b"\n"), PutMode::Overwrite).await?;
            self.began = true;
        }
        Ok(())
    }
    /// Marks an epoch as shown by all sinks.
    ///
    /// # Errors
    /// Those of the store. The epoch stays decided: a restart commits it again, which changes nothing, and marks it.
    pub async fn committed(&mut self, epoch: u64) -> Result<()> {
        let body = Bytes::from(format!("generation {}\n", self.generation));
        self.checkpoints
            .store
            .put(&names::committed(&self.incarnation, epoch), body, PutMode::Overwrite)
            .await?;
        Ok(())
    }
    /// Deletes the manifests of this incarnation but the newest `keep`, and the state files that none of those refer to. Nothing of
    /// an epoch that is not published yet is touched. Before the first [`Writer::publish`] nothing happens.
    ///
    /// # Errors
    /// Those of the store; `Corrupt` if a manifest to keep cannot be read. What is left is deleted by a later call: log it and go on.
    pub async fn retain(&mut self, keep: usize) -> Result<()> {
        let Some(published) = self.published else {
            return Ok(());
        };
        self.check().await?;
        let needed: HashSet<&str> = self.clean.values().map(|c| c.file.as_str()).collect();
        retention::retain(&self.checkpoints, &self.incarnation, self.generation, published, &needed, keep.max(1)).await
    }
    /// Looks whether the job is still ours.
    ///
    /// # Errors
    /// `Fenced` if another process has taken it over; `Unavailable` if a listing is behind: it may not show that process either.
    pub async fn check(&self) -> Result<()> {
        match generation::highest(&self.checkpoints).await? {
            Some(highest) if highest > self.generation => Err(self.fenced(highest)),
            Some(highest) if highest == self.generation => Ok(()),
            _ if generation::exists(&self.checkpoints, self.generation).await? => Err(self.checkpoints.behind()),
            _ => Err(Error::corrupt("the generation file of this process is gone")
                .code("E0601")
                .detail(self.checkpoints.object(&names::generation(self.generation)))
                .hint("somebody deleted or moved the state directory while the job ran")),
        }
    }
    fn fenced(&self, by: u64) -> Error {
        Error::fenced("another process has taken over this job")
            .code("E0603")
            .detail(format!(
                "{}: generation {by} has taken over from {}",
                self.checkpoints.location(),
                self.generation
            ))
            .hint("run one process per state directory; this one commits nothing more")
    }
    async fn create(&self, manifest: &Manifest, bytes: Bytes) -> Outcome {
        let path = names::manifest(&self.incarnation, manifest.number);
        let store = &self.checkpoints.store;
        let mut last = Error::unavailable("the checkpoint store says that a manifest exists, but does not show it");
        // A request that was not answered may still be carried out later; one that was refused is not.
        let mut unanswered = false;
        for _ in 0..CREATE_ATTEMPTS_MAX {
            match store.put(&path, bytes.clone(), PutMode::Create).await {
                Ok(Put::Done) => return Outcome::Published,
                Ok(Put::Exists) => unanswered = true,
                Err(e) => {
                    unanswered |= e.is_transient();
                    last = e;
                }
            }
            let found = match store.get(&path, None).await {
                Ok(Some(found)) => Manifest::decode(&found),
                Ok(None) if last.is_transient() => continue,
                Ok(None) => break,
                Err(e) => return Outcome::Unknown(unknown(e)),
            };
            return match found {
                Ok(found) if found.nonce == manifest.nonce && found.generation == self.generation => Outcome::Published,
                Ok(found) if found.generation > self.generation => Outcome::Not(self.fenced(found.generation)),
                Ok(found) => Outcome::Unknown(
                    Error::unavailable(format!(
                        "a checkpoint of the process before this one came late: the job has to restart from epoch {}",
                        found.epoch
                    ))
                    .detail(self.checkpoints.object(&path)),
                ),
                Err(e) => Outcome::Unknown(e.detail(self.checkpoints.object(&path))),
            };
        }
        match unanswered {
            true => Outcome::Unknown(unknown(last)),
            false => Outcome::Not(last),
        }
    }
}

/// What became of a manifest.
enum Outcome {
    Published,
    Not(Error),
    /// It may be there, or appear later.
    Unknown(Error),
}

fn unknown(e: Error) -> Error {
    match e.is_transient() {
        true => e,
        false => Error::unavailable("it is not known whether the checkpoint was published").source(e),
    }
}

/// The chunks that a manifest holds, by what identifies them in a snapshot.
fn clean(manifest: Manifest) -> HashMap<ChunkKey, ChunkRef> {
    let mut clean = HashMap::new();
    for operator in manifest.operators {
        for table in operator.tables {
            for chunk in table.chunks {
                let key = (operator.node.clone(), operator.subtask, table.name.clone(), chunk.id, chunk.version);
                clean.insert(key, chunk);
            }
        }
    }
    clean
}
