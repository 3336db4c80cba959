//! Small files of an epoch become larger ones before anybody sees them.

use super::blocks::{Blocks, is_read_in_blocks};
use super::commit::{Content, File, STAGING, directory_of, from_hex};
use super::sink::FileSink;
use super::writer::{send, stage};
use bytes::Bytes;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Batch, Error, Result, Schema, Store, StoreKind, TableSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const AUTO: OptionSpec = OptionSpec::new(
    "auto-compaction",
    OptionType::Boolean,
    "Whether the files that a checkpoint has of a partition are merged before they become visible. It makes fewer files where a sink has several \
     writers, and takes longer for a checkpoint.",
)
.default("false");
pub(super) const FILE_SIZE: OptionSpec = OptionSpec::new(
    "compaction.file-size",
    OptionType::Memory,
    "Size from which on a file is left as it is, and up to which smaller ones are merged. That of 'sink.rolling-policy.file-size' if not set.",
)
.examples(&["64 MB"]);

/// What an epoch's files became.
pub(super) struct Compacted {
    pub(super) files: Vec<File>,
    /// Staged objects that are not needed once the epoch is committed.
    pub(super) merged: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Compaction {
    pub(super) file_bytes: u64,
    format: String,
    schema: Schema,
    options: BTreeMap<String, String>,
}

impl Compaction {
    /// `None` if it is not wanted.
    pub(super) fn new(table: &TableSpec, format: &str, schema: Schema, rolling_bytes: u64) -> Option<Self> {
        let o = Options::new(&table.options);
        o.boolean(&AUTO).then(|| Compaction {
            file_bytes: o.memory(&FILE_SIZE).unwrap_or(rolling_bytes).max(1),
            format: format.to_string(),
            schema,
            options: table.options.clone(),
        })
    }
}

/// Merges the files of one epoch after another.
pub(super) struct Compactor {
    store: Arc<dyn Store>,
    incarnation: String,
    /// Part of every file name, as that of a writer.
    tag: String,
    next: u64,
    compaction: Compaction,
}

impl Compactor {
    pub(super) fn new(sink: &FileSink, compaction: Compaction, incarnation: &str) -> Self {
        let life = &incarnation[..incarnation.len().min(8)];
        Compactor {
            store: Arc::clone(&sink.store),
            incarnation: incarnation.to_string(),
            tag: format!("{life}-{:.16}-merged", sink.context.host.unique()),
            next: 0,
            compaction,
        }
    }

    /// Directory by directory, in the order of the files. Nothing of it becomes visible.
    pub(super) async fn compact(&mut self, files: Vec<File>) -> Result<Compacted> {
        let mut compacted = Compacted {
            files: Vec::new(),
            merged: Vec::new(),
        };
        let mut small: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for file in files {
            // An upload cannot be read before it is completed.
            if file.bytes >= self.compaction.file_bytes || matches!(file.content, Content::Upload { .. }) {
                compacted.files.push(self.landed(file, &mut compacted.merged).await?);
            } else {
                small.entry(directory_of(&file.path).to_string()).or_default().push(file);
            }
        }
        for (directory, files) in small {
            for group in groups(files, self.compaction.file_bytes) {
                let file = match <[File; 1]>::try_from(group) {
                    Ok([alone]) => self.landed(alone, &mut compacted.merged).await?,
                    Err(several) => self.merge(&directory, several, &mut compacted.merged).await?,
                };
                compacted.files.push(file);
            }
        }
        Ok(compacted)
    }

    /// A file that stays as it is, where it can wait for its commit: on an object store that is no staged object.
    async fn landed(&mut self, file: File, merged: &mut Vec<String>) -> Result<File> {
        match (&file.content, self.store.kind()) {
            (Content::Staged(staged), StoreKind::Object) => {
                let content = self.content(&file).await?;
                merged.push(staged.clone());
                send(self.store.as_ref(), file.path.clone(), String::new(), content).await
            }
            _ => Ok(file),
        }
    }

    async fn merge(&mut self, directory: &str, files: Vec<File>, merged: &mut Vec<String>) -> Result<File> {
        let mut content = Vec::new();
        if is_read_in_blocks(&self.compaction.format) {
            let Compaction { format, schema, options, .. } = &self.compaction;
            let mut encoder = millstream_formats::encoder(format, schema, options)?;
            for file in &files {
                let blocks = Blocks::open(format, self.content(file).await?, schema)?;
                for block in 0..blocks.count() {
                    encoder.write(&Batch::new(blocks.read(block)?), &mut content)?;
                }
            }
            encoder.finish(&mut content)?;
        } else {
            for file in &files {
                content.extend_from_slice(&self.content(file).await?);
            }
        }
        merged.extend(files.into_iter().filter_map(|file| match file.content {
            Content::Staged(staged) => Some(staged),
            _ => None,
        }));
        let name = format!("part-{}-{}.{}", self.tag, self.next, self.compaction.format);
        self.next += 1;
        let (path, staged) = (format!("{directory}{name}"), format!("{STAGING}/{}/{name}.staged", self.incarnation));
        match self.store.kind() {
            StoreKind::Local => stage(self.store.as_ref(), path, staged, Bytes::from(content)).await,
            StoreKind::Object => send(self.store.as_ref(), path, staged, Bytes::from(content)).await,
        }
    }

    async fn content(&self, file: &File) -> Result<Bytes> {
        match &file.content {
            Content::Inline(hex) => from_hex(hex),
            Content::Staged(staged) => {
                let content =
                    self.store.get(staged, None).await?.ok_or_else(|| {
                        Error::corrupt(format!("{staged} is gone before its epoch was decided")).hint("somebody removed files below .staging")
                    })?;
                // Its epoch is not decided: the rows come again, and are staged anew.
                match file.crc32c == Some(crc32c::crc32c(&content)) {
                    true => Ok(content),
                    false => Err(Error::unavailable(format!("{staged} is not read as it was written"))
                        .code("E0520")
                        .detail(self.store.location())),
                }
            }
            Content::Upload { .. } => Err(Error::bug("an upload is read before it is completed")),
        }
    }
}

/// Files whose sizes together come to about `bytes`, each file in one group.
fn groups(files: Vec<File>, bytes: u64) -> Vec<Vec<File>> {
    let (mut all, mut open, mut sum) = (Vec::new(), Vec::new(), 0);
    for file in files {
        if !open.is_empty() && sum + file.bytes > bytes {
            all.push(std::mem::take(&mut open));
            sum = 0;
        }
        sum += file.bytes;
        open.push(file);
    }
    if !open.is_empty() {
        all.push(open);
    }
    all
}

#[cfg(test)]
mod tests;
