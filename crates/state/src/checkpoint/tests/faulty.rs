//! A store in memory that fails when told to.

use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Error, ObjectMeta, PartId, Put, PutMode, Result, Store, StoreKind};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Mutex;

/// What happens at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing is done, `Unavailable`.
    Before,
    /// It is done, but the answer is lost.
    LostAck,
    /// It is done, lost, and tried again inside the client: a create finds its own object.
    Repeated,
    /// A create says `Exists` though nothing is there (S3's 409).
    Conflict,
    /// Nothing is done, `Config`.
    Full,
    /// Nothing is done, nor is anything after it until [`Faulty::revive`].
    CrashBefore,
    /// It is done, but nothing after it.
    CrashAfter,
}

pub(super) const FAULTS: [Fault; 7] = [
    Fault::Before,
    Fault::LostAck,
    Fault::Repeated,
    Fault::Conflict,
    Fault::Full,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

#[derive(Default)]
pub(super) struct Faulty {
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) objects: BTreeMap<String, Bytes>,
    pub(super) calls: usize,
    pub(super) fault: Option<(usize, Fault)>,
    pub(super) creates_overwrite: bool,
    /// Listings do not show these objects yet.
    pub(super) unlisted: Vec<String>,
    /// Runs while the next create of a path that contains the text is under way.
    pub(super) meanwhile: Option<(&'static str, BoxFuture<'static, ()>)>,
    crashed: bool,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl Faulty {
    pub(super) fn revive(&self) {
        self.state.lock().unwrap().crashed = false;
    }
    pub(super) fn paths(&self, part: &str) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().filter(|p| p.contains(part)).cloned().collect()
    }
    pub(super) fn put_now(&self, path: &str, bytes: impl Into<Bytes>) {
        self.state.lock().unwrap().objects.insert(path.into(), bytes.into());
    }
    fn call<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T) -> Result<T> {
        let mut state = self.state.lock().unwrap();
        let lost = || Error::unavailable("no answer");
        if state.crashed {
            return Err(lost());
        }
        let call = state.calls;
        state.calls += 1;
        let fault = state.fault.filter(|f| f.0 == call).map(|f| f.1);
        state.crashed = matches!(fault, Some(Fault::CrashBefore | Fault::CrashAfter));
        match fault {
            None => Ok(work(&mut state.objects)),
            Some(Fault::Full) => Err(Error::config("no space left on device")),
            Some(Fault::Before | Fault::CrashBefore | Fault::Conflict) => Err(lost()),
            Some(Fault::LostAck | Fault::CrashAfter | Fault::Repeated) => {
                work(&mut state.objects);
                Err(lost())
            }
        }
    }
}

fn unused<T>() -> BoxFuture<'static, Result<T>> {
    Box::pin(async { Err(Error::bug("not used by checkpoints")) })
}

impl Store for Faulty {
    fn kind(&self) -> StoreKind {
        StoreKind::Object
    }
    fn location(&self) -> String {
        "test://job".into()
    }
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes, mode: PutMode) -> BoxFuture<'a, Result<Put>> {
        Box::pin(async move {
            let meanwhile = {
                let mut state = self.state.lock().unwrap();
                state.meanwhile.take_if(|(part, _)| path.contains(*part))
            };
            if let Some((_, other)) = meanwhile {
                other.await;
            }
            let create = mode == PutMode::Create && !self.state.lock().unwrap().creates_overwrite;
            let special = {
                let state = self.state.lock().unwrap();
                state
                    .fault
                    .filter(|f| f.0 == state.calls && create && !state.crashed && matches!(f.1, Fault::Repeated | Fault::Conflict))
            };
            let done = self.call(|objects| {
                if create && objects.contains_key(path) {
                    return Put::Exists;
                }
                objects.insert(path.into(), bytes);
                Put::Done
            });
            if special.is_some() { Ok(Put::Exists) } else { done }
        })
    }
    fn get<'a>(&'a self, path: &'a str, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Option<Bytes>>> {
        let slice = move |b: &Bytes| match &range {
            None => b.clone(),
            Some(r) => b.slice((r.start as usize).min(b.len())..(r.end as usize).min(b.len())),
        };
        Box::pin(async move { self.call(|objects| objects.get(path).map(slice)) })
    }
    fn head<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<ObjectMeta>>> {
        Box::pin(async move { self.call(|objects| objects.get(path).map(|b| meta(path, b))) })
    }
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<ObjectMeta>>> {
        let below = format!("{prefix}/");
        let unlisted = self.state.lock().unwrap().unlisted.clone();
        let shown = move |p: &str| p.starts_with(&below) && !unlisted.iter().any(|u| u == p);
        Box::pin(async move { self.call(|objects| objects.iter().filter(|o| shown(o.0)).map(|(p, b)| meta(p, b)).collect()) })
    }
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.call(|objects| objects.remove(path)).map(|_| ()) })
    }
    fn link<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Put>> {
        unused()
    }
    fn create_multipart<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<String>> {
        unused()
    }
    fn put_part<'a>(&'a self, _: &'a str, _: &'a str, _: usize, _: Bytes) -> BoxFuture<'a, Result<PartId>> {
        unused()
    }
    fn complete_multipart<'a>(&'a self, _: &'a str, _: &'a str, _: &'a [PartId]) -> BoxFuture<'a, Result<Put>> {
        unused()
    }
    fn abort_multipart<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<()>> {
        unused()
    }
}

fn meta(path: &str, bytes: &Bytes) -> ObjectMeta {
    ObjectMeta {
        path: path.into(),
        bytes: bytes.len() as u64,
        modified_ms: 0,
    }
}
