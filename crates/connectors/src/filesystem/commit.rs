//! What a file needs to become visible, and how it does. A persisted form: version 1 is pinned by a test.

use crate::staging::Leftovers;
use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Committable, Epoch, EpochCommit, Error, Put, PutMode, Result, SinkCommitter, Store};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where staged files lie.
pub(super) const STAGING: &str = ".staging";
/// Where an epoch's list of files lies, written last.
const COMMITTED: &str = "_committed";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Files {
    pub(super) version: u32,
    pub(super) files: Vec<File>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    /// The final path.
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) content: Content,
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
        let text = serde_json::to_vec(&Files { version: 1, files }).map_err(|e| Error::bug("a committable cannot be written").source(e))?;
        Ok(Committable(text))
    }
    pub(super) fn decode(committable: &Committable) -> Result<Files> {
        let files: Files = serde_json::from_slice(&committable.0).map_err(|e| Error::corrupt("a committable of a filesystem sink cannot be read").source(e))?;
        if files.version != 1 {
            return Err(Error::corrupt(format!("a committable has version {}, this release reads 1", files.version)));
        }
        Ok(files)
    }
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn from_hex(text: &str) -> Result<Bytes> {
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
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut names = String::new();
            for committable in &commit.committables {
                for file in Files::decode(committable)?.files {
                    self.show(&file, commit.epoch).await?;
                    names += &file.path;
                    names.push('\n');
                }
            }
            if names.is_empty() {
                return Ok(());
            }
            let list = format!("{COMMITTED}/{}-{:020}", &self.incarnation[..self.incarnation.len().min(8)], commit.epoch);
            self.store.put(&list, Bytes::from(names), PutMode::Overwrite).await?;
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
