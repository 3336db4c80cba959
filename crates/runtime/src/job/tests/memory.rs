//! Objects in a map: enough of a store for checkpoints.

use bytes::Bytes;
use millstream_dataflow::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<BTreeMap<String, Bytes>>);

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T>> {
    Box::pin(async move { Ok(value) })
}

fn none<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T>> {
    Box::pin(async { Err(Error::bug("checkpoints need no such call")) })
}

impl Store for Memory {
    fn kind(&self) -> StoreKind {
        StoreKind::Object
    }
    fn location(&self) -> String {
        "memory".into()
    }
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes, mode: PutMode) -> BoxFuture<'a, Result<Put>> {
        let mut objects = self.0.lock().unwrap();
        if mode == PutMode::Create && objects.contains_key(path) {
            return ready(Put::Exists);
        }
        objects.insert(path.to_string(), bytes);
        ready(Put::Done)
    }
    fn get<'a>(&'a self, path: &'a str, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Option<Bytes>>> {
        let bytes = self.0.lock().unwrap().get(path).cloned();
        ready(bytes.map(|b| range.map_or(b.clone(), |r| b.slice(r.start as usize..r.end as usize))))
    }
    fn head<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<ObjectMeta>>> {
        let meta = self.0.lock().unwrap().get(path).map(|b| ObjectMeta {
            path: path.to_string(),
            bytes: b.len() as u64,
            modified_ms: 0,
        });
        ready(meta)
    }
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<ObjectMeta>>> {
        let objects = self.0.lock().unwrap();
        let found = objects.iter().filter(|(p, _)| prefix.is_empty() || p.starts_with(&format!("{prefix}/")));
        ready(
            found
                .map(|(p, b)| ObjectMeta {
                    path: p.clone(),
                    bytes: b.len() as u64,
                    modified_ms: 0,
                })
                .collect(),
        )
    }
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<()>> {
        self.0.lock().unwrap().remove(path);
        ready(())
    }
    fn link<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Put>> {
        none()
    }
    fn create_multipart<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<String>> {
        none()
    }
    fn put_part<'a>(&'a self, _: &'a str, _: &'a str, _: usize, _: Bytes) -> BoxFuture<'a, Result<PartId>> {
        none()
    }
    fn complete_multipart<'a>(&'a self, _: &'a str, _: &'a str, _: &'a [PartId]) -> BoxFuture<'a, Result<Put>> {
        none()
    }
    fn abort_multipart<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<()>> {
        none()
    }
}
