//! The writing half: encodes in the subtask, stages or uploads on the rim.

use super::commit::{Content, File, Files, STAGING, to_hex};
use super::partition::Partitioning;
use super::partition_commit::PartitionCommit;
use super::rolling::{Age, Rolling};
use super::sink::FileSink;
use crate::staging::Uploads;
use bytes::Bytes;
use millstream_dataflow::{
    Batch, BoxFuture, Clock, Committable, Encoder, Epoch, Error, PutMode, Result, SinkWriter, Store, StoreKind, SubtaskContext, Written, WrittenPlace,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Bytes and number of the files being written at once, which are in memory; beyond it the largest are finished.
const OPEN_BYTES_MAX: usize = 256 << 20;
const OPEN_MAX: usize = 4_000;
/// What a file takes before anything is in it.
const FILE_OVERHEAD: usize = 4 << 10;

struct OpenFile {
    encoder: Box<dyn Encoder>,
    content: Vec<u8>,
    age: Age,
}

impl OpenFile {
    fn bytes(&self) -> usize {
        self.content.len() + self.encoder.buffered()
    }
}

pub(super) struct FileWriter {
    store: Arc<dyn Store>,
    partitioning: Partitioning,
    format: String,
    options: BTreeMap<String, String>,
    rolling: Rolling,
    /// Files below it are read again before they are committed.
    merged_bytes: u64,
    clock: Arc<dyn Clock>,
    /// When files were looked at for their age.
    looked: Duration,
    partition_commit: Option<PartitionCommit>,
    incarnation: String,
    /// Part of every file name: no two writers, not even a paused process and its successor, ever use the same one.
    tag: String,
    open: BTreeMap<String, OpenFile>,
    uploads: Uploads<File>,
    /// Of all open files.
    open_bytes: usize,
    files: u64,
    rows: u64,
    /// Rows and files when the last epoch ended: later ones are shown with the next, if there is one.
    written: (u64, u64),
}

impl FileWriter {
    pub(super) fn new(sink: &FileSink, subtask: &SubtaskContext, incarnation: &str) -> Self {
        let life = &incarnation[..incarnation.len().min(8)];
        FileWriter {
            store: Arc::clone(&sink.store),
            partitioning: sink.partitioning.clone(),
            format: sink.format.clone(),
            options: sink.options.clone(),
            rolling: sink.rolling.clone(),
            merged_bytes: sink.compaction.as_ref().map_or(0, |c| c.file_bytes),
            looked: sink.context.clock.monotonic(),
            clock: Arc::clone(&sink.context.clock),
            partition_commit: sink.partition_commit.clone(),
            incarnation: incarnation.to_string(),
            tag: format!("{life}-{:.16}-{}", sink.context.host.unique(), subtask.subtask),
            open: BTreeMap::new(),
            uploads: Uploads::new(Arc::clone(&sink.context.host)),
            open_bytes: 0,
            files: 0,
            rows: 0,
            written: (0, 0),
        }
    }

    /// Writes rows to the open file of a directory. Returns the file's size.
    fn append(&mut self, directory: &str, rows: &Batch, now: Duration) -> Result<usize> {
        if !self.open.contains_key(directory) {
            if let Some(policy) = &self.partition_commit {
                policy.check(directory)?;
            }
            let encoder = millstream_formats::encoder(&self.format, &self.partitioning.data_schema(), &self.options)?;
            let content = Vec::new();
            let age = Age { begun: now, written: now };
            self.open.insert(directory.to_string(), OpenFile { encoder, content, age });
            self.open_bytes += FILE_OVERHEAD;
        }
        let file = self.open.get_mut(directory).ok_or_else(|| Error::bug("an open file vanished"))?;
        file.age.written = now;
        let before = file.bytes();
        file.encoder.write(rows, &mut file.content)?;
        let bytes = file.bytes();
        self.open_bytes = (self.open_bytes + bytes).saturating_sub(before);
        Ok(bytes)
    }

    /// Makes room for the next files: the largest go, so that few small ones come about.
    fn finish_largest(&mut self) -> Result<()> {
        let mut sizes: Vec<(usize, String)> = self.open.iter().map(|(d, f)| (f.bytes(), d.clone())).collect();
        sizes.sort();
        while let Some((_, directory)) = sizes.pop().filter(|_| self.open_bytes > OPEN_BYTES_MAX / 2 || self.open.len() > OPEN_MAX / 2) {
            self.finish(&directory)?;
        }
        Ok(())
    }

    /// Ends the files that are old enough for it.
    fn finish_old(&mut self, now: Duration) -> Result<()> {
        self.looked = now;
        let old: Vec<String> = self
            .open
            .iter()
            .filter(|(_, f)| self.rolling.is_old(f.age, now))
            .map(|(d, _)| d.clone())
            .collect();
        old.iter().try_for_each(|directory| self.finish(directory))
    }

    /// Ends a file and sends it on its way.
    fn finish(&mut self, directory: &str) -> Result<()> {
        let Some(mut file) = self.open.remove(directory) else { return Ok(()) };
        self.open_bytes = self.open_bytes.saturating_sub(FILE_OVERHEAD + file.bytes());
        file.encoder.finish(&mut file.content)?;
        let name = format!("part-{}-{}.{}", self.tag, self.files, self.format);
        self.files += 1;
        // Even a reader that looks into hidden directories does not take it for one of the table's files.
        let staged = format!("{STAGING}/{}/{name}.staged", self.incarnation);
        let path = format!("{directory}{name}");
        let content = Bytes::from(file.content);
        let store = Arc::clone(&self.store);
        let bytes = content.len();
        let read_again = (bytes as u64) < self.merged_bytes;
        self.uploads.start(bytes, async move {
            match read_again {
                true => stage(store.as_ref(), path, staged, content).await,
                false => send(store.as_ref(), path, staged, content).await,
            }
        });
        Ok(())
    }
}

/// Brings a file to where it can be read before its commit.
pub(super) async fn stage(store: &dyn Store, path: String, staged: String, content: Bytes) -> Result<File> {
    let bytes = content.len() as u64;
    let crc32c = Some(crc32c::crc32c(&content));
    store.put(&staged, content, PutMode::Overwrite).await?;
    Ok(File {
        path,
        bytes,
        content: Content::Staged(staged),
        crc32c,
    })
}

/// Brings a file to where it can wait for its commit.
pub(super) async fn send(store: &dyn Store, path: String, staged: String, content: Bytes) -> Result<File> {
    let bytes = content.len() as u64;
    let content = match store.kind() {
        StoreKind::Local => {
            store.put(&staged, content, PutMode::Overwrite).await?;
            Content::Staged(staged)
        }
        StoreKind::Object if content.len() < store.part_min() => Content::Inline(to_hex(&content)),
        StoreKind::Object => {
            let id = store.create_multipart(&path).await?;
            let mut parts = Vec::new();
            let part = store.part_min();
            for (index, start) in (0..content.len()).step_by(part).enumerate() {
                let piece = content.slice(start..(start + part).min(content.len()));
                parts.push(store.put_part(&path, &id, index, piece).await?);
            }
            Content::Upload { id, parts }
        }
    };
    Ok(File {
        path,
        bytes,
        content,
        crc32c: None,
    })
}

impl SinkWriter for FileWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        let now = self.clock.monotonic();
        if self.rolling.is_due(self.looked, now) {
            self.finish_old(now)?;
        }
        for (directory, part) in self.partitioning.split(&batch)? {
            if self.append(&directory, &part, now)? as u64 >= self.rolling.file_bytes {
                self.finish(&directory)?;
            }
            if self.open_bytes > OPEN_BYTES_MAX || self.open.len() > OPEN_MAX {
                self.finish_largest()?;
            }
        }
        Ok(())
    }
    fn is_ready(&self) -> bool {
        self.uploads.is_ready()
    }
    fn pre_commit(&mut self, _epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        let directories: Vec<String> = self.open.keys().cloned().collect();
        for directory in directories {
            self.finish(&directory)?;
        }
        let uploads = self.uploads.take();
        self.written = (self.rows, self.files);
        Ok(Box::pin(async move {
            let files = uploads.await?;
            if files.is_empty() { Ok(Vec::new()) } else { Ok(vec![Files::encode(files)?]) }
        }))
    }
    fn written(&self) -> Option<Written> {
        let below = if self.partitioning.is_partitioned() { "**/" } else { "" };
        Some(Written {
            rows: self.written.0,
            place: WrittenPlace::Files {
                // What is merged is counted by nobody.
                count: (self.merged_bytes == 0).then_some(self.written.1),
                pattern: format!("{}/{below}*.{}", self.store.location(), self.format),
            },
        })
    }
}
