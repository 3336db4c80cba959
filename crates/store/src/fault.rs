//! A store that fails when told to.

use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Error, ObjectMeta, PartId, Put, PutMode, Result, Store, StoreKind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `Unavailable`, and nothing was done.
    Before,
    /// `Unavailable` although it was done: the acknowledgement was lost.
    After,
    /// The process is gone: this call and all later ones fail and do nothing.
    Crash,
    /// The process is gone right after the call was done.
    CrashAfter,
    /// The disk is full.
    Full,
}

#[derive(Debug, Default)]
struct Script {
    calls: Vec<String>,
    faults: BTreeMap<usize, Fault>,
    crashed: bool,
}

/// Passes calls on, counts them, and plants faults by call number.
#[derive(Debug, Clone)]
pub struct FaultStore {
    inner: Arc<dyn Store>,
    script: Arc<Mutex<Script>>,
}

impl FaultStore {
    pub fn new(inner: Arc<dyn Store>) -> Self {
        FaultStore { inner, script: Arc::default() }
    }
    /// Plants a fault at the call with this number, counted from 0.
    pub fn plant(&self, call: usize, fault: Fault) {
        self.script().faults.insert(call, fault);
    }
    /// The calls so far: operation and path.
    pub fn calls(&self) -> Vec<String> {
        self.script().calls.clone()
    }
    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn call<'a, T: Send + 'a>(
        &'a self,
        what: &str,
        path: &str,
        run: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        let name = format!("{what} {path}");
        Box::pin(async move {
            let fault = {
                let mut script = self.script();
                if script.crashed {
                    return Err(Error::unavailable("the process is gone"));
                }
                let number = script.calls.len();
                script.calls.push(name);
                let fault = script.faults.get(&number).copied();
                script.crashed = matches!(fault, Some(Fault::Crash | Fault::CrashAfter));
                fault
            };
            match fault {
                None => run(self.inner.as_ref()).await,
                Some(Fault::Before | Fault::Crash) => Err(Error::unavailable("planted fault, nothing done")),
                Some(Fault::Full) => Err(Error::config("planted fault: the disk is full")),
                Some(Fault::After | Fault::CrashAfter) => {
                    run(self.inner.as_ref()).await?;
                    Err(Error::unavailable("planted fault, acknowledgement lost"))
                }
            }
        })
    }
}

impl Store for FaultStore {
    fn kind(&self) -> StoreKind {
        self.inner.kind()
    }
    fn part_min(&self) -> usize {
        self.inner.part_min()
    }
    fn location(&self) -> String {
        self.inner.location()
    }
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes, mode: PutMode) -> BoxFuture<'a, Result<Put>> {
        self.call("put", path, move |s| s.put(path, bytes, mode))
    }
    fn get<'a>(&'a self, path: &'a str, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Option<Bytes>>> {
        self.call("get", path, move |s| s.get(path, range))
    }
    fn head<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<ObjectMeta>>> {
        self.call("head", path, move |s| s.head(path))
    }
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<ObjectMeta>>> {
        self.call("list", prefix, move |s| s.list(prefix))
    }
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<()>> {
        self.call("delete", path, move |s| s.delete(path))
    }
    fn link<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<Put>> {
        self.call("link", to, move |s| s.link(from, to))
    }
    fn create_multipart<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<String>> {
        self.call("create_multipart", path, move |s| s.create_multipart(path))
    }
    fn put_part<'a>(&'a self, path: &'a str, upload: &'a str, index: usize, bytes: Bytes) -> BoxFuture<'a, Result<PartId>> {
        self.call("put_part", path, move |s| s.put_part(path, upload, index, bytes))
    }
    fn complete_multipart<'a>(&'a self, path: &'a str, upload: &'a str, parts: &'a [PartId]) -> BoxFuture<'a, Result<Put>> {
        self.call("complete_multipart", path, move |s| s.complete_multipart(path, upload, parts))
    }
    fn abort_multipart<'a>(&'a self, path: &'a str, upload: &'a str) -> BoxFuture<'a, Result<()>> {
        self.call("abort_multipart", path, move |s| s.abort_multipart(path, upload))
    }
}
