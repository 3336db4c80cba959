//! What a file needs to become visible, and how it does. A persisted form: its versions are pinned by a test.

use super::compaction::{Compacted, Compactor};
use super::partition_commit::{PartitionCommit, Partitions};
use crate::staging::Leftovers;
use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Clock, Committable, Epoch, EpochCommit, Error, Put, PutMode, Result, SinkCommitter, Store, UndecidedEpoch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where staged files lie.
pub(super) const STAGING: &str = ".staging";
/// Where an epoch's list of files lies, written last.
const COMMITTED: &str = "_committed";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Files {
    pub(super) version: u32,
    pub(super) files: Vec<File>,
    /// Of version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partitions: Option<Partitions>,
    /// Staged objects that were merged into the files, and go with their commit. Of version 2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) merged: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    /// The final path.
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) content: Content,
    /// Of a staged object that may be read again. Of version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crc32c: Option<u32>,
}

/// Where a finished file waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Content {
    /// A local file under this path.
    Staged(String),
    /// A multipart upload to the final path.
    Upload { id: String, parts: Vec<String> },
    /// The content itself, as hex digits: too small for an upload.
    Inline(String),
}

impl Files {
    pub(super) fn encode(files: Vec<File>) -> Result<Committable> {
        Files {
            version: 1,
            files,
            partitions: None,
            merged: Vec::new(),
        }
        .to_committable()
    }
    fn encode_partitions(partitions: Partitions) -> Result<Committable> {
        Files {
            version: 2,
            files: Vec::new(),
            partitions: Some(partitions),
            merged: Vec::new(),
        }
        .to_committable()
    }
    pub(super) fn encode_compacted(Compacted { files, merged }: Compacted) -> Result<Committable> {
        Files {
            version: 2,
            files,
            partitions: None,
            merged,
        }
        .to_committable()
    }
    fn to_committable(&self) -> Result<Committable> {
        let text = serde_json::to_vec(self).map_err(|e| Error::bug("a committable cannot be written").source(e))?;
        Ok(Committable(text))
    }
    pub(super) fn decode(committable: &Committable) -> Result<Files> {
        let files: Files = serde_json::from_slice(&committable.0).map_err(|e| Error::corrupt("a committable of a filesystem sink cannot be read").source(e))?;
        if !(1..=2).contains(&files.version) {
            return Err(Error::corrupt(format!(
                "a committable has version {}, this release reads 1 and 2",
                files.version
            )));
        }
        Ok(files)
    }
}

/// With the slash at its end; empty for a file at the top.
pub(super) fn directory_of(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(super) fn from_hex(text: &str) -> Result<Bytes> {
    let digits: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    digits
        .map(Bytes::from)
        .ok_or_else(|| Error::corrupt("a committable holds something other than hex digits"))
}

pub(super) struct FileCommitter {
    pub(super) store: Arc<dyn Store>,
    pub(super) incarnation: String,
    pub(super) left: Leftovers,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) compactor: Option<Compactor>,
    pub(super) partition_commit: Option<PartitionCommit>,
    /// As of the last decided epoch.
    pub(super) partitions: Partitions,
}

impl FileCommitter {
    /// Makes one file visible; a file that is visible already is left alone.
    async fn show(&self, file: &File, epoch: Epoch) -> Result<()> {
        let there = |bytes: u64| -> Result<bool> {
            if bytes == file.bytes {
                return Ok(true);
            }
            Err(Error::corrupt(format!("{} holds {bytes} bytes instead of {}", file.path, file.bytes))
                .detail(format!("epoch {epoch}, {}", self.store.location())))
        };
        if let Some(meta) = self.store.head(&file.path).await? {
            there(meta.bytes)?;
            return self.clean(file).await;
        }
        let put = match &file.content {
            Content::Staged(staged) => {
                if self.store.head(staged).await?.is_none() {
                    // A successor may have shown it since the first look.
                    if let Some(meta) = self.store.head(&file.path).await? {
                        return there(meta.bytes).map(|_| ());
                    }
                    return Err(Error::corrupt(format!("{} is neither staged nor visible", file.path))
                        .detail(format!("epoch {epoch}, {}", self.store.location()))
                        .hint("somebody removed files below .staging"));
                }
                self.store.link(staged, &file.path).await?
            }
            Content::Upload { id, parts } => self.store.complete_multipart(&file.path, id, parts).await?,
            Content::Inline(hex) => self.store.put(&file.path, from_hex(hex)?, PutMode::Create).await?,
        };
        if put == Put::Exists {
            let meta = self.store.head(&file.path).await?;
            there(
                meta.ok_or_else(|| Error::unavailable(format!("{} exists, but cannot be seen", file.path)))?
                    .bytes,
            )?;
        }
        self.clean(file).await
    }
    async fn clean(&self, file: &File) -> Result<()> {
        match &file.content {
            Content::Staged(staged) => self.store.delete(staged).await,
            _ => Ok(()),
        }
    }
}

impl SinkCommitter for FileCommitter {
    fn restore(&mut self, last: &EpochCommit) -> Result<()> {
        for committable in &last.committables {
            if let Some(partitions) = Files::decode(committable)?.partitions {
                self.partitions = partitions;
            }
        }
        Ok(())
    }
    fn prepare(&mut self, undecided: UndecidedEpoch) -> BoxFuture<'_, Result<Vec<Committable>>> {
        Box::pin(async move {
            // What was prepared for a checkpoint that failed is merged, and judged, anew.
            let (mut prepared, mut all, mut written) = (Vec::new(), Files::default(), BTreeSet::new());
            for committable in undecided.committables {
                let files = Files::decode(&committable)?;
                if files.partitions.is_some() {
                    continue;
                }
                written.extend(files.files.iter().map(|f| directory_of(&f.path).to_string()));
                match self.compactor {
                    Some(_) => {
                        all.files.extend(files.files);
                        all.merged.extend(files.merged);
                    }
                    None => prepared.push(committable),
                }
            }
            if let Some(compactor) = &mut self.compactor
                && !all.files.is_empty()
            {
                let mut compacted = compactor.compact(all.files).await?;
                compacted.merged.extend(all.merged);
                prepared.push(Files::encode_compacted(compacted)?);
            }
            if let Some(policy) = &self.partition_commit {
                let partitions = policy.decide(&self.partitions, written, undecided.watermark, self.clock.now_ms())?;
                prepared.push(Files::encode_partitions(partitions)?);
            }
            Ok(prepared)
        })
    }
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let (mut names, mut merged, mut partitions) = (String::new(), Vec::new(), Partitions::default());
            for committable in &commit.committables {
                let files = Files::decode(committable)?;
                for file in files.files {
                    self.show(&file, commit.epoch).await?;
                    names += &file.path;
                    names.push('\n');
                }
                merged.extend(files.merged);
                partitions = files.partitions.unwrap_or(partitions);
            }
            if !names.is_empty() {
                let list = format!("{COMMITTED}/{}-{:020}", &self.incarnation[..self.incarnation.len().min(8)], commit.epoch);
                self.store.put(&list, Bytes::from(names), PutMode::Overwrite).await?;
            }
            if let Some(policy) = &self.partition_commit {
                for directory in &partitions.complete {
                    self.store.put(&policy.success_file(directory), Bytes::new(), PutMode::Overwrite).await?;
                }
            }
            for staged in &merged {
                self.store.delete(staged).await?;
            }
            self.partitions = partitions;
            Ok(())
        })
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            // Open uploads to an object store are known only to their writer; a lifecycle rule of the bucket removes them.
            self.left.survey(self.store.as_ref(), &format!("{STAGING}/{}", self.incarnation)).await
        })
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.left.clear(self.store.as_ref()))
    }
}
