//! A directory as a store. What a call acknowledged survives power loss: file, then directory, are fsynced.

use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Error, ObjectMeta, PartId, Put, PutMode, Result, Store, StoreKind};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

/// Names of files that are being written start with this; no listing shows them.
const TEMPORARY: &str = ".tmp-";

/// Distinguishes the temporary files of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Files below one directory.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
}

impl LocalStore {
    /// A store in a directory, which is made if it is missing.
    ///
    /// # Errors
    /// `Config` if it cannot be made or is no directory.
    pub fn new(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        make_directory(&root).map_err(|e| failed("the directory cannot be made", &root, e))?;
        let root = fs::canonicalize(&root).map_err(|e| failed("the directory cannot be opened", &root, e))?;
        Ok(LocalStore { root })
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
            match fs::canonicalize(parent) {
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
        make_directory(&directory).map_err(why("a directory cannot be made"))?;
        let temporary = directory.join(format!("{TEMPORARY}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let written = write_synced(&temporary, bytes).and_then(|()| match mode {
            PutMode::Overwrite => fs::rename(&temporary, &file).map(|()| Put::Done),
            PutMode::Create => match fs::hard_link(&temporary, &file) {
                Ok(()) => Ok(Put::Done),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(Put::Exists),
                Err(e) => Err(e),
            },
        });
        if mode == PutMode::Create || written.is_err() {
            // The content has its final name, or none: this one is not needed.
            let _ = fs::remove_file(&temporary);
        }
        let put = written.map_err(why("a file cannot be written"))?;
        sync_directory(&directory).map_err(why("a directory cannot be synced"))?;
        Ok(put)
    }
    fn get_now(&self, path: &str, range: Option<Range<u64>>) -> Result<Option<Bytes>> {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(self.file(path).map_err(io::Error::other)?)?;
            let mut bytes = Vec::new();
            match range {
                None => file.read_to_end(&mut bytes)?,
                Some(range) => {
                    file.seek(SeekFrom::Start(range.start))?;
                    file.take(range.end.saturating_sub(range.start)).read_to_end(&mut bytes)?
                }
            };
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(Bytes::from(bytes))),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(failed("a file cannot be read", &file_name(path), e)),
        }
    }
    fn head_now(&self, path: &str) -> Result<Option<ObjectMeta>> {
        match fs::metadata(self.file(path)?) {
            Ok(m) if m.is_file() => Ok(Some(meta(path.to_string(), &m))),
            Ok(_) => Ok(None),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(failed("a file cannot be looked at", &file_name(path), e)),
        }
    }
    fn list_now(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let start = if prefix.is_empty() { self.root.clone() } else { self.file(prefix)? };
        let mut found = Vec::new();
        let mut open = vec![start];
        while let Some(directory) = open.pop() {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(e) if is_absent(&e) => continue,
                Err(e) => return Err(failed("a directory cannot be listed", &directory, e)),
            };
            for entry in entries {
                let entry = entry.map_err(|e| failed("a directory cannot be listed", &directory, e))?;
                let path = entry.path();
                // A file may vanish between listing and looking: then it is not there.
                let Ok(m) = fs::metadata(&path) else { continue };
                if m.is_dir() {
                    open.push(path);
                } else if !entry.file_name().to_string_lossy().starts_with(TEMPORARY)
                    && let Ok(relative) = path.strip_prefix(&self.root)
                {
                    found.push(meta(relative.to_string_lossy().into_owned(), &m));
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }
    fn delete_now(&self, path: &str) -> Result<()> {
        let file = self.file(path)?;
        match fs::remove_file(&file) {
            Ok(()) => {}
            Err(e) if is_absent(&e) => return Ok(()),
            Err(e) => return Err(failed("a file cannot be removed", &file, e)),
        }
        // Directories that became empty go too, so that listings stay short. Not being empty is no error.
        let mut directory = file.parent();
        while let Some(d) = directory.filter(|d| *d != self.root && fs::remove_dir(d).is_ok()) {
            directory = d.parent();
        }
        Ok(())
    }
    fn link_now(&self, from: &str, to: &str) -> Result<Put> {
        let (source, target) = (self.file(from)?, self.file(to)?);
        let directory = target.parent().unwrap_or(&self.root).to_path_buf();
        make_directory(&directory).map_err(|e| failed("a directory cannot be made", &directory, e))?;
        let put = match fs::hard_link(&source, &target) {
            Ok(()) => Put::Done,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Put::Exists,
            Err(e) => return Err(failed("a file cannot be given its final name", &target, e)),
        };
        sync_directory(&directory).map_err(|e| failed("a directory cannot be synced", &directory, e))?;
        Ok(put)
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

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a directory and syncs each parent that got a new entry.
fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        make_directory(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(e) => return Err(e),
    }
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn is_absent(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn file_name(path: &str) -> PathBuf {
    PathBuf::from(path)
}

fn meta(path: String, m: &fs::Metadata) -> ObjectMeta {
    let modified = m.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    ObjectMeta {
        path,
        bytes: m.len(),
        modified_ms: modified.map_or(0, |d| d.as_millis() as i64),
    }
}

/// An I/O error as one that says what to do: waiting does not make a disk larger or a permission wider.
fn failed(what: &str, path: &Path, e: io::Error) -> Error {
    let error = match e.kind() {
        ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock => Error::unavailable(what),
        _ => Error::config(what),
    };
    let error = error.detail(path.display().to_string());
    let error = match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => error.hint("the disk is full: free some space"),
        ErrorKind::FileTooLarge => error.hint("files may not grow that large here: see ulimit -f"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => error.hint("check the permissions of the directory"),
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
