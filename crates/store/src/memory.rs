//! An object store in memory: tests and simulation.

use bytes::{Bytes, BytesMut};
use millstream_dataflow::{BoxFuture, Error, ObjectMeta, PartId, Put, PutMode, Result, Store, StoreKind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
struct Content {
    objects: BTreeMap<String, Bytes>,
    /// By upload id: the path and its parts by index.
    uploads: BTreeMap<String, (String, BTreeMap<usize, Bytes>)>,
    next_upload: u64,
}

/// Objects in a map.
#[derive(Debug)]
pub struct MemoryStore {
    content: Mutex<Content>,
    part_min: usize,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_part_min(5 << 20)
    }
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
    /// An empty one whose uploads have parts of this many bytes.
    pub fn with_part_min(part_min: usize) -> Self {
        MemoryStore {
            content: Mutex::default(),
            part_min,
        }
    }
    /// Uploads that were neither completed nor aborted.
    pub fn open_uploads(&self) -> usize {
        self.content().uploads.len()
    }
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<'a, T: Send + 'a>(result: Result<T>) -> BoxFuture<'a, Result<T>> {
    Box::pin(async move { result })
}

fn meta(path: &str, bytes: &Bytes) -> ObjectMeta {
    ObjectMeta {
        path: path.to_string(),
        bytes: bytes.len() as u64,
        modified_ms: 0,
    }
}

impl Store for MemoryStore {
    fn kind(&self) -> StoreKind {
        StoreKind::Object
    }
    fn part_min(&self) -> usize {
        self.part_min
    }
    fn location(&self) -> String {
        "memory://".to_string()
    }
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes, mode: PutMode) -> BoxFuture<'a, Result<Put>> {
        let mut content = self.content();
        if mode == PutMode::Create && content.objects.contains_key(path) {
            return ready(Ok(Put::Exists));
        }
        content.objects.insert(path.to_string(), bytes);
        ready(Ok(Put::Done))
    }
    fn get<'a>(&'a self, path: &'a str, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Option<Bytes>>> {
        let bytes = self.content().objects.get(path).cloned();
        let cut = |b: Bytes| match &range {
            None => b,
            Some(r) => {
                let start = (r.start as usize).min(b.len());
                b.slice(start..(r.end as usize).clamp(start, b.len()))
            }
        };
        ready(Ok(bytes.map(cut)))
    }
    fn head<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<ObjectMeta>>> {
        ready(Ok(self.content().objects.get(path).map(|b| meta(path, b))))
    }
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<ObjectMeta>>> {
        let content = self.content();
        let below = |p: &str| prefix.is_empty() || p.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
        ready(Ok(content.objects.iter().filter(|(p, _)| below(p)).map(|(p, b)| meta(p, b)).collect()))
    }
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<()>> {
        self.content().objects.remove(path);
        ready(Ok(()))
    }
    fn link<'a>(&'a self, _from: &'a str, _to: &'a str) -> BoxFuture<'a, Result<Put>> {
        ready(Err(Error::bug("an object store has no links")))
    }
    fn create_multipart<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<String>> {
        let mut content = self.content();
        content.next_upload += 1;
        let id = format!("upload-{}", content.next_upload);
        content.uploads.insert(id.clone(), (path.to_string(), BTreeMap::new()));
        ready(Ok(id))
    }
    fn put_part<'a>(&'a self, _path: &'a str, upload: &'a str, index: usize, bytes: Bytes) -> BoxFuture<'a, Result<PartId>> {
        let mut content = self.content();
        ready(match content.uploads.get_mut(upload) {
            None => Err(Error::config(format!("the upload {upload} is gone"))),
            Some((_, parts)) => {
                parts.insert(index, bytes);
                Ok(format!("part-{index}"))
            }
        })
    }
    fn complete_multipart<'a>(&'a self, path: &'a str, upload: &'a str, parts: &'a [PartId]) -> BoxFuture<'a, Result<Put>> {
        let mut content = self.content();
        let Some((_, uploaded)) = content.uploads.remove(upload) else {
            let there = content.objects.contains_key(path);
            return ready(if there {
                Ok(Put::Exists)
            } else {
                Err(Error::config(format!("the upload {upload} of {path} is gone")))
            });
        };
        let mut whole = BytesMut::new();
        for bytes in uploaded.values().take(parts.len()) {
            whole.extend_from_slice(bytes);
        }
        content.objects.insert(path.to_string(), whole.freeze());
        ready(Ok(Put::Done))
    }
    fn abort_multipart<'a>(&'a self, _path: &'a str, upload: &'a str) -> BoxFuture<'a, Result<()>> {
        self.content().uploads.remove(upload);
        ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_passes_the_suite() {
        futures::executor::block_on(crate::suite::all(&super::MemoryStore::new())).unwrap();
    }
}
