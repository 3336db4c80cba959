//! Files and objects that survive the process.

use crate::Result;
use bytes::Bytes;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;

/// A boxed future, so that traits with async methods stay usable as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a put treats an object that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMode {
    /// Only one of any number of racing creators wins.
    Create,
    /// The last writer wins.
    Overwrite,
}

/// What a put did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object is written and durable.
    Done,
    /// [`PutMode::Create`] found an object, **or the acknowledgement of our own create was lost**:
    /// read the object back and compare its nonce before believing either.
    Exists,
}

/// What a listing tells of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Path relative to the store's root, `/`-separated.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Last modification, epoch milliseconds.
    pub modified_ms: i64,
}

/// Names an uploaded part of a multipart upload. Opaque, persisted in manifests.
pub type PartId = String;

/// What a store can do at commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// A local file system: `link` works, multipart does not.
    Local,
    /// An object store: multipart works, `link` does not.
    Object,
}

/// Blob storage with the guarantees Millstream needs.
///
/// Paths are relative to the store's root, `/`-separated, without `.` or `..` segments.
/// A reader never sees a partly written object. When a call returns, what it wrote survives power loss.
///
/// # Errors
/// `Unavailable` for what a retry can mend, `Config` for what it cannot (permission, missing bucket, full disk),
/// `Bug` for a call the [`StoreKind`] does not have.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// What this store can do.
    fn kind(&self) -> StoreKind;
    /// Object stores only: size in bytes of an upload's parts, but for the last. What is smaller needs no multipart upload.
    fn part_min(&self) -> usize {
        5 << 20
    }
    /// Where it is, for messages: `file:///data/out`, `s3://bucket/prefix`. Never holds a credential.
    fn location(&self) -> String;
    /// Writes a whole object.
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes, mode: PutMode) -> BoxFuture<'a, Result<Put>>;
    /// Reads an object or a byte range of it; `None` if it is not there.
    fn get<'a>(&'a self, path: &'a str, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Option<Bytes>>>;
    /// Size and time of an object; `None` if it is not there.
    fn head<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<ObjectMeta>>>;
    /// All objects below a prefix (a whole path segment, or empty), sorted by path. Hidden ones too.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<ObjectMeta>>>;
    /// Removes an object; one that is not there is no error.
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<()>>;
    /// Local only: gives the bytes of `from` the additional name `to`, durably.
    fn link<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<Put>>;
    /// Object stores only: starts a multipart upload and returns its id. It survives this process.
    fn create_multipart<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<String>>;
    /// Object stores only: uploads part `index` (from 0; all but the last of one size, at least [`Store::part_min`]).
    fn put_part<'a>(&'a self, path: &'a str, upload: &'a str, index: usize, bytes: Bytes) -> BoxFuture<'a, Result<PartId>>;
    /// Object stores only: makes the object visible. `Exists` if the upload is gone and an object stands there:
    /// compare its size before believing it is ours.
    fn complete_multipart<'a>(&'a self, path: &'a str, upload: &'a str, parts: &'a [PartId]) -> BoxFuture<'a, Result<Put>>;
    /// Object stores only: gives up an upload; one that is not there is no error.
    fn abort_multipart<'a>(&'a self, path: &'a str, upload: &'a str) -> BoxFuture<'a, Result<()>>;
}
