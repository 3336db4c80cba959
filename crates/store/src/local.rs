//! A directory as a store. What a call acknowledged survives power loss: file, then directory, are fsynced.

use crate::disk::{Disk, Entry, OsDisk};
use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Error, ObjectMeta, PartId, Put, PutMode, Result, Store, StoreKind};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Names of files that are being written start with this; no listing shows them.
const TEMPORARY: &str = ".tmp-";

/// How often a directory is made anew that others remove whenever it is empty.
const REMOVED_MAX: usize = 100;

/// Too many open files: of the process, of the machine. The numbers are the same on every Unix.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

/// Files below one directory.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
    disk: Arc<dyn Disk>,
    /// Directories whose names are known to survive, and those of all above them.
    // A std mutex: held to look and to insert.
    kept: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// Distinguishes temporary files.
    next: Arc<AtomicU64>,
}

impl LocalStore {
    /// A store in a directory, which is made if it is missing.
    ///
    /// # Errors
    /// `Config` if it cannot be made or is no directory.
    pub fn new(root: impl Into<PathBuf>) -> Result<Self> {
        LocalStore::on(Arc::new(OsDisk), root)
    }
    /// A store on another disk than the operating system's.
    ///
    /// # Errors
    /// `Config` if the directory cannot be made or is none.
    pub fn on(disk: Arc<dyn Disk>, root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        let mut store = LocalStore {
            root: root.clone(),
            disk,
            kept: Arc::default(),
            next: Arc::default(),
        };
        store.keep_directory(&root).map_err(|e| failed("the directory cannot be made", &root, e))?;
        store.root = store.disk.canonical(&root).map_err(|e| failed("the directory cannot be opened", &root, e))?;
        Ok(store)
    }
    /// The file of a path.
    ///
    /// # Errors
    /// `Config` for a path that leaves the root, also through a symbolic link.
    fn file(&self, path: &str) -> Result<PathBuf> {
        let relative = Path::new(path);
        let plain = !path.is_empty() && relative.components().all(|c| matches!(c, Component::Normal(_)));
        if !plain {
            return Err(Error::config(format!("the path \"{path}\" is not inside {}", self.root.display())));
        }
        let file = self.root.join(relative);
        let mut existing = file.parent();
        while let Some(parent) = existing {
            match self.disk.canonical(parent) {
                Ok(real) if real.starts_with(&self.root) => break,
                Ok(_) => return Err(Error::config(format!("the path \"{path}\" leads out of {} by a link", self.root.display()))),
                Err(_) => existing = parent.parent(),
            }
        }
        Ok(file)
    }
    fn put_now(&self, path: &str, bytes: &[u8], mode: PutMode) -> Result<Put> {
        let file = self.file(path)?;
        let directory = file.parent().unwrap_or(&self.root).to_path_buf();
        let why = |what: &'static str| move |e| failed(what, &file_name(path), e);
        let temporary = self.in_directory(&directory, &file_name(path), "a file cannot be written", || self.temporary(&directory, bytes))?;
        let written = match mode {
            PutMode::Overwrite => self.disk.rename(&temporary, &file).map(|()| Put::Done),
            PutMode::Create => match self.disk.link(&temporary, &file) {
                Ok(()) => Ok(Put::Done),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(Put::Exists),
                Err(e) => Err(e),
            },
        };
        if mode == PutMode::Create || written.is_err() {
            // The content has its final name, or none: this one is not needed.
            let _ = self.disk.remove_file(&temporary);
        }
        let put = written.map_err(why("a file cannot be written"))?;
        self.disk.sync_directory(&directory).map_err(why("a directory cannot be synced"))?;
        Ok(put)
    }
    /// A file that nobody else has, with these contents.
    fn temporary(&self, directory: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!("{TEMPORARY}{}-{number}", std::process::id()));
            match self.disk.write_synced(&path, bytes) {
                Ok(()) => return Ok(path),
                // Of a process that had this number before: in a container it is mostly the same.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => {
                    let _ = self.disk.remove_file(&path);
                    return Err(e);
                }
            }
        }
    }
    fn get_now(&self, path: &str, range: Option<Range<u64>>) -> Result<Option<Bytes>> {
        match self.disk.read(&self.file(path)?, range) {
            Ok(bytes) => Ok(Some(Bytes::from(bytes))),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(failed("a file cannot be read", &file_name(path), e)),
        }
    }
    fn head_now(&self, path: &str) -> Result<Option<ObjectMeta>> {
        match self.disk.entry(&self.file(path)?) {
            Ok(entry) if entry.is_directory => Ok(None),
            Ok(entry) => Ok(Some(meta(path.to_string(), entry))),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(failed("a file cannot be looked at", &file_name(path), e)),
        }
    }
    fn list_now(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let start = if prefix.is_empty() { self.root.clone() } else { self.file(prefix)? };
        let mut found = Vec::new();
        let mut open = vec![start];
        while let Some(directory) = open.pop() {
            let names = match self.disk.names(&directory) {
                Ok(names) => names,
                Err(e) if is_absent(&e) => continue,
                Err(e) => return Err(failed("a directory cannot be listed", &directory, e)),
            };
            for name in names {
                let path = directory.join(&name);
                // A file may vanish between listing and looking: then it is not there.
                let Ok(entry) = self.disk.entry(&path) else { continue };
                if entry.is_directory {
                    open.push(path);
                } else if !name.starts_with(TEMPORARY)
                    && let Ok(relative) = path.strip_prefix(&self.root)
                {
                    found.push(meta(relative.to_string_lossy().into_owned(), entry));
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }
    fn delete_now(&self, path: &str) -> Result<()> {
        let file = self.file(path)?;
        match self.disk.remove_file(&file) {
            Ok(()) => {}
            Err(e) if is_absent(&e) => return Ok(()),
            Err(e) => return Err(failed("a file cannot be removed", &file, e)),
        }
        // Directories that became empty go too, so that listings stay short. Not being empty is no error.
        let mut directory = file.parent();
        while let Some(d) = directory.filter(|d| *d != self.root && self.disk.remove_directory(d).is_ok()) {
            self.kept().remove(d);
            directory = d.parent();
        }
        Ok(())
    }
    fn link_now(&self, from: &str, to: &str) -> Result<Put> {
        let (source, target) = (self.file(from)?, self.file(to)?);
        let missing = |e| failed("a file that is to be given its final name is not there", &source, e);
        self.disk.entry(&source).map_err(missing)?;
        let directory = target.parent().unwrap_or(&self.root).to_path_buf();
        let put = self.in_directory(&directory, &target, "a file cannot be given its final name", || {
            match self.disk.link(&source, &target) {
                Ok(()) => Ok(Put::Done),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(Put::Exists),
                Err(e) => Err(e),
            }
        })?;
        self.disk
            .sync_directory(&directory)
            .map_err(|e| failed("a directory cannot be synced", &directory, e))?;
        Ok(put)
    }
    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeSet<PathBuf>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Does something with a file in a directory, which is made if it is missing; `what` says what failed. Another job that writes here removes the directories
    /// that it leaves empty, also between two steps of this one: then they are made once more.
    fn in_directory<T>(&self, directory: &Path, file: &Path, what: &str, act: impl Fn() -> io::Result<T>) -> Result<T> {
        let mut removed = 0;
        loop {
            let kept = self.keep_directory(directory).map_err(|e| ("a directory cannot be made", e));
            match kept.and_then(|()| act().map_err(|e| (what, e))) {
                Ok(done) => return Ok(done),
                Err((_, e)) if e.kind() == ErrorKind::NotFound && removed < REMOVED_MAX => {
                    removed += 1;
                    let mut kept = self.kept();
                    directory.ancestors().for_each(|d| drop(kept.take(d)));
                }
                Err((what, e)) => return Err(failed(what, file, e)),
            }
        }
    }
    /// Makes a directory, if it is missing, and sees to it that its name survives: one that is there may have been made by a process that was
    /// killed before it synced it.
    fn keep_directory(&self, path: &Path) -> io::Result<()> {
        let is_directory = || self.disk.entry(path).is_ok_and(|e| e.is_directory);
        let there = is_directory();
        if there && self.kept().contains(path) {
            return Ok(());
        }
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.keep_directory(parent)?;
        }
        if !there {
            match self.disk.make_directory(path) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::AlreadyExists && is_directory() => {}
                Err(e) => return Err(e),
            }
        }
        match parent.map_or(Ok(()), |parent| self.disk.sync_directory(parent)) {
            // Nobody who may not read a directory has made what was there before.
            Err(e) if there && e.kind() == ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        self.kept().insert(path.to_path_buf());
        Ok(())
    }
    /// Runs blocking calls off the async threads.
    fn run<'a, T: Send + 'static>(&'a self, f: impl FnOnce(LocalStore) -> Result<T> + Send + 'static) -> BoxFuture<'a, Result<T>> {
        let store = self.clone();
        Box::pin(async move {
            match tokio::runtime::Handle::try_current() {
                Ok(handle) => handle
                    .spawn_blocking(move || f(store))
                    .await
                    .map_err(|e| Error::bug("a file task ended early").source(e))?,
                Err(_) => f(store),
            }
        })
    }
}

fn is_absent(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn file_name(path: &str) -> PathBuf {
    PathBuf::from(path)
}

fn meta(path: String, entry: Entry) -> ObjectMeta {
    ObjectMeta {
        path,
        bytes: entry.bytes,
        modified_ms: entry.modified_ms,
    }
}

/// An I/O error as one that says what to do: waiting does not make a disk larger or a permission wider.
fn failed(what: &str, path: &Path, e: io::Error) -> Error {
    let error = match e.kind() {
        ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock => Error::unavailable(what),
        _ => Error::config(what),
    };
    let error = error.code("E0520").detail(path.display().to_string());
    let error = match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => error.hint("the disk is full: free some space"),
        ErrorKind::FileTooLarge => error.hint("files may not grow that large here: see ulimit -f"),
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => error.hint("a file is where a directory should be"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => error.hint("check the permissions of the directory"),
        _ if matches!(e.raw_os_error(), Some(EMFILE | ENFILE)) => error.hint("too many files are open: see ulimit -n"),
        _ => error,
    };
    error.source(e)
}

impl Store for LocalStore {
    fn kind(&self) -> StoreKind {
        StoreKind::Local
    }
    fn location(&self) -> String {
        format!("file://{}", self.root.display())
    }
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes, mode: PutMode) -> BoxFuture<'a, Result<Put>> {
        let path = path.to_string();
        self.run(move |s| s.put_now(&path, &bytes, mode))
    }
    fn get<'a>(&'a self, path: &'a str, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Option<Bytes>>> {
        let path = path.to_string();
        self.run(move |s| s.get_now(&path, range))
    }
    fn head<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<ObjectMeta>>> {
        let path = path.to_string();
        self.run(move |s| s.head_now(&path))
    }
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<ObjectMeta>>> {
        let prefix = prefix.to_string();
        self.run(move |s| s.list_now(&prefix))
    }
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<()>> {
        let path = path.to_string();
        self.run(move |s| s.delete_now(&path))
    }
    fn link<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<Put>> {
        let (from, to) = (from.to_string(), to.to_string());
        self.run(move |s| s.link_now(&from, &to))
    }
    fn create_multipart<'a>(&'a self, _path: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async { Err(no_multipart()) })
    }
    fn put_part<'a>(&'a self, _path: &'a str, _upload: &'a str, _index: usize, _bytes: Bytes) -> BoxFuture<'a, Result<PartId>> {
        Box::pin(async { Err(no_multipart()) })
    }
    fn complete_multipart<'a>(&'a self, _path: &'a str, _upload: &'a str, _parts: &'a [PartId]) -> BoxFuture<'a, Result<Put>> {
        Box::pin(async { Err(no_multipart()) })
    }
    fn abort_multipart<'a>(&'a self, _path: &'a str, _upload: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(no_multipart()) })
    }
}

fn no_multipart() -> Error {
    Error::bug("a local store has no multipart uploads")
}

#[cfg(test)]
mod tests;
