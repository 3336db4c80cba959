//! The writing half: encodes in the subtask, stages or uploads on the rim.

use super::commit::{Content, File, Files, STAGING, to_hex};
use super::partition::Partitioning;
use super::partition_commit::PartitionCommit;
use super::sink::FileSink;
use crate::staging::Uploads;
use bytes::Bytes;
use millstream_dataflow::{Batch, BoxFuture, Committable, Encoder, Epoch, Error, PutMode, Result, SinkWriter, Store, StoreKind, SubtaskContext, Written};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes and number of the files being written at once, which are in memory; beyond it the largest are finished.
const OPEN_BYTES_MAX: usize = 256 << 20;
const OPEN_MAX: usize = 4_000;
/// What a file takes before anything is in it.
const FILE_OVERHEAD: usize = 4 << 10;

struct OpenFile {
    encoder: Box<dyn Encoder>,
    content: Vec<u8>,
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
    file_bytes: u64,
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
            file_bytes: sink.file_bytes,
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
    fn append(&mut self, directory: &str, rows: &Batch) -> Result<usize> {
        if !self.open.contains_key(directory) {
            if let Some(policy) = &self.partition_commit {
                policy.check(directory)?;
            }
            let encoder = millstream_formats::encoder(&self.format, &self.partitioning.data_schema(), &self.options)?;
            let content = Vec::new();
            self.open.insert(directory.to_string(), OpenFile { encoder, content });
            self.open_bytes += FILE_OVERHEAD;
        }
        let file = self.open.get_mut(directory).ok_or_else(|| Error::bug("an open file vanished"))?;
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
        self.uploads.start(bytes, async move { send(store.as_ref(), path, staged, content).await });
        Ok(())
    }
}

/// Brings a file to where it can wait for its commit.
async fn send(store: &dyn Store, path: String, staged: String, content: Bytes) -> Result<File> {
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
    Ok(File { path, bytes, content })
}

impl SinkWriter for FileWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for (directory, part) in self.partitioning.split(&batch)? {
            if self.append(&directory, &part)? as u64 >= self.file_bytes {
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
            files: self.written.1,
            location: format!("{}/{below}*.{}", self.store.location(), self.format),
        })
    }
}
