//! Stores that are slow, fail, lose acknowledgements and outlive processes.

use super::disk::SimDisk;
use super::world::{ProcessId, World};
use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Error, ObjectMeta, PartId, Put, PutMode, Result, Store, StoreKind};
use millstream_store::{LocalStore, MemoryStore};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing is done, and an error says so (503, a connection refused).
    Before,
    /// It is done, and the acknowledgement is lost.
    After,
    /// The process is gone before it is done.
    CrashBefore,
    /// The process is gone after it is done.
    CrashAfter,
    /// It takes longer than anybody waits, and is done then.
    Slow,
    /// A read answers with one bit changed; other calls fail as in `Before`.
    Flip,
    /// A listing of an object store does not show the newest objects; other calls fail as in `Before`.
    Stale,
    /// What makes an object only if there is none has made it, was sent again by the client and is told that it is there (409, 412); other
    /// calls fail as in `Before`.
    Conflict,
}

impl Fault {
    pub const ALL: [Fault; 8] = [
        Fault::Before,
        Fault::After,
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::Slow,
        Fault::Flip,
        Fault::Stale,
        Fault::Conflict,
    ];
}

/// Which calls fail: those planted by number, and others by chance.
#[derive(Debug, Default)]
pub struct Faults {
    pub planted: BTreeMap<u64, Fault>,
    /// Of a thousand calls.
    pub per_mille: u64,
}

#[derive(Debug, Default)]
struct Planned {
    faults: Faults,
    calls: u64,
}

/// The faults of a world, shared by all that is called.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan(Arc<Mutex<Planned>>);

impl FaultPlan {
    pub fn new(faults: Faults) -> Self {
        FaultPlan(Arc::new(Mutex::new(Planned { faults, calls: 0 })))
    }
    /// From now on all calls succeed.
    pub fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).faults = Faults::default();
    }
    pub fn calls(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).calls
    }
    /// Counts a call and says what becomes of it.
    pub fn next(&self, world: &World, process: ProcessId, what: &str) -> Option<Fault> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = plan.calls;
        plan.calls += 1;
        let faults = &plan.faults;
        let by_chance = faults.per_mille > 0 && world.per_mille(faults.per_mille);
        let fault = match faults.planted.get(&number) {
            Some(fault) => Some(*fault),
            None if by_chance => Some(Fault::ALL[world.below(Fault::ALL.len() as u64) as usize]),
            None => None,
        };
        drop(plan);
        world.count(|c| {
            c.calls += 1;
            c.faults += u64::from(fault.is_some());
        });
        world.note(|| match fault {
            Some(fault) => format!("{process}: #{number} {what}: {fault:?}"),
            None => format!("{process}: #{number} {what}"),
        });
        fault
    }
}

/// The call that makes an object only if there is none.
const EXCLUSIVE: &str = "put-if-absent";

/// Bytes of a part of [`Storage::Parts`]: a few rows.
const PART_MIN: usize = 100;

/// Longer than any call is waited for.
pub(super) const SLOW: Duration = Duration::from_secs(90);

/// For how long after its creation a stale listing does not show an object.
const STALE: Duration = Duration::from_secs(5);

/// What a world stores things in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    Disk,
    Objects,
    /// Objects of which all but the smallest are uploaded in parts.
    Parts,
}

impl Storage {
    pub const ALL: [Storage; 3] = [Storage::Disk, Storage::Objects, Storage::Parts];
}

/// What is really there.
#[derive(Debug)]
pub enum Contents {
    /// Objects, and since when.
    Objects(Arc<MemoryStore>, Mutex<BTreeMap<String, Duration>>),
    /// A directory of the world's disk.
    Directory(SimDisk, String),
}

impl Contents {
    pub fn new(storage: Storage, disk: &SimDisk, name: &str) -> Self {
        let objects = |store| Contents::Objects(Arc::new(store), Mutex::default());
        match storage {
            Storage::Disk => Contents::Directory(disk.clone(), name.to_string()),
            Storage::Objects => objects(MemoryStore::new()),
            Storage::Parts => objects(MemoryStore::with_part_min(PART_MIN)),
        }
    }
    /// As a process finds it.
    ///
    /// # Errors
    /// `Unavailable` without power.
    pub fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(match self {
            Contents::Objects(objects, _) => Arc::clone(objects) as Arc<dyn Store>,
            Contents::Directory(disk, name) => {
                let directory = LocalStore::on(Arc::new(disk.clone()), format!("/{name}"));
                Arc::new(directory.map_err(|e| if disk.is_off() { Error::unavailable("no power") } else { e })?)
            }
        })
    }
    /// As somebody finds it who looks at the results.
    ///
    /// # Errors
    /// Those of the directory.
    pub fn look_into(&self) -> Result<Arc<dyn Store>> {
        match self {
            Contents::Objects(..) => self.open(),
            Contents::Directory(disk, name) => Ok(Arc::new(disk.look_into(&format!("/{name}"))?)),
        }
    }
    fn is_off(&self) -> bool {
        matches!(self, Contents::Directory(disk, _) if disk.is_off())
    }
    /// When objects came to be.
    fn created<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Duration>) -> T) -> Option<T> {
        match self {
            Contents::Objects(_, created) => Some(look(&mut created.lock().unwrap_or_else(PoisonError::into_inner))),
            Contents::Directory(..) => None,
        }
    }
}

/// A store as one process sees it.
#[derive(Debug, Clone)]
pub struct SimStore {
    pub world: World,
    pub process: ProcessId,
    pub faults: FaultPlan,
    pub contents: Arc<Contents>,
    pub opened: Arc<dyn Store>,
    pub name: String,
}

impl SimStore {
    fn call<'a, T: Send + 'a>(
        &'a self,
        what: &'static str,
        path: &str,
        run: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<(T, Option<Fault>)>> {
        let what = format!("{what} {}/{path}", self.name);
        Box::pin(async move {
            if self.world.is_dead(self.process) {
                return std::future::pending().await;
            }
            let fault = self.faults.next(&self.world, self.process, &what);
            // Up to 20 ms, half of it before the call takes effect.
            let latency = Duration::from_micros(self.world.below(10_000));
            self.world.sleep(latency).await;
            match fault {
                None => {}
                Some(Fault::Flip) if what.starts_with("get") => {}
                // A disk shows what is there.
                Some(Fault::Stale) if what.starts_with("list") && self.kind() == StoreKind::Object => {}
                Some(Fault::Conflict) if what.starts_with(EXCLUSIVE) || what.starts_with("complete_multipart") => {}
                Some(Fault::Before | Fault::Flip | Fault::Stale | Fault::Conflict) => return Err(Error::unavailable(format!("planted: {what} was not done"))),
                Some(Fault::Slow) => self.world.sleep(SLOW).await,
                Some(Fault::CrashBefore) => {
                    self.world.kill(self.process);
                    return std::future::pending().await;
                }
                Some(Fault::After | Fault::CrashAfter) => {
                    self.unless_off(run(self.opened.as_ref()).await).await?;
                    if fault == Some(Fault::CrashAfter) {
                        self.world.kill(self.process);
                        return std::future::pending().await;
                    }
                    return Err(Error::unavailable(format!("planted: the answer to {what} was lost")));
                }
            }
            let result = self.unless_off(run(self.opened.as_ref()).await).await;
            self.world.sleep(latency).await;
            result.map(|r| (r, fault))
        })
    }
}

impl SimStore {
    /// Where the power is gone, so is the process.
    async fn unless_off<T>(&self, result: Result<T>) -> Result<T> {
        if self.contents.is_off() {
            self.world.kill(self.process);
            return std::future::pending().await;
        }
        result
    }
    fn plain<'a, T: Send + 'a>(
        &'a self,
        what: &'static str,
        path: &str,
        run: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        let call = self.call(what, path, run);
        Box::pin(async move { call.await.map(|(result, _)| result) })
    }
    /// A call that makes an object: when it did is remembered, for stale listings.
    fn writes<'a>(
        &'a self,
        what: &'static str,
        path: &'a str,
        run: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<Put>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Put>> {
        let call = self.call(what, path, move |s| {
            let done = run(s);
            Box::pin(async move {
                let put = done.await?;
                if put == Put::Done {
                    if path.contains("/committed/") {
                        self.world.count(|c| c.commits += 1);
                    }
                    self.contents.created(|c| c.insert(path.to_string(), self.world.now()));
                }
                Ok(put)
            })
        });
        Box::pin(async move {
            let (put, fault) = call.await?;
            Ok(if fault == Some(Fault::Conflict) { Put::Exists } else { put })
        })
    }
}

impl Store for SimStore {
    fn kind(&self) -> StoreKind {
        self.opened.kind()
    }
    fn part_min(&self) -> usize {
        self.opened.part_min()
    }
    fn location(&self) -> String {
        format!("sim://{}", self.name)
    }
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes, mode: PutMode) -> BoxFuture<'a, Result<Put>> {
        let what = if mode == PutMode::Create { EXCLUSIVE } else { "put" };
        self.writes(what, path, move |s| s.put(path, bytes, mode))
    }
    fn get<'a>(&'a self, path: &'a str, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Option<Bytes>>> {
        let call = self.call("get", path, move |s| s.get(path, range));
        Box::pin(async move {
            let (found, fault) = call.await?;
            Ok(match (found, fault) {
                (Some(bytes), Some(Fault::Flip)) if !bytes.is_empty() => {
                    self.world.count(|c| c.flips += 1);
                    let mut changed = bytes.to_vec();
                    let bit = self.world.below(changed.len() as u64 * 8);
                    changed[(bit / 8) as usize] ^= 1 << (bit % 8);
                    Some(Bytes::from(changed))
                }
                (found, _) => found,
            })
        })
    }
    fn head<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<ObjectMeta>>> {
        self.plain("head", path, move |s| s.head(path))
    }
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<ObjectMeta>>> {
        let call = self.call("list", prefix, move |s| s.list(prefix));
        Box::pin(async move {
            let (mut found, fault) = call.await?;
            if fault == Some(Fault::Stale) {
                let now = self.world.now();
                self.contents
                    .created(|created| found.retain(|m| created.get(&m.path).is_none_or(|at| *at + STALE <= now)));
            }
            Ok(found)
        })
    }
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<()>> {
        self.plain("delete", path, move |s| s.delete(path))
    }
    fn link<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<Put>> {
        self.writes("link", to, move |s| s.link(from, to))
    }
    fn create_multipart<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<String>> {
        self.plain("create_multipart", path, move |s| s.create_multipart(path))
    }
    fn put_part<'a>(&'a self, path: &'a str, upload: &'a str, index: usize, bytes: Bytes) -> BoxFuture<'a, Result<PartId>> {
        self.plain("put_part", path, move |s| s.put_part(path, upload, index, bytes))
    }
    fn complete_multipart<'a>(&'a self, path: &'a str, upload: &'a str, parts: &'a [PartId]) -> BoxFuture<'a, Result<Put>> {
        self.writes("complete_multipart", path, move |s| s.complete_multipart(path, upload, parts))
    }
    fn abort_multipart<'a>(&'a self, path: &'a str, upload: &'a str) -> BoxFuture<'a, Result<()>> {
        self.plain("abort_multipart", path, move |s| s.abort_multipart(path, upload))
    }
}
