//! What [`crate::LocalStore`] asks of an operating system, so that a test can stand in for it and lose power.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub is_directory: bool,
    pub bytes: u64,
    /// Last change, epoch ms.
    pub modified_ms: i64,
}

/// A file system. Paths are absolute; errors have the kinds of `std::fs`.
///
/// Names that were made, renamed or removed survive a loss of power once their directory is synced, contents once they were written synced.
pub trait Disk: Debug + Send + Sync {
    /// The path without links and dots.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
    fn entry(&self, path: &Path) -> io::Result<Entry>;
    fn read(&self, path: &Path, range: Option<Range<u64>>) -> io::Result<Vec<u8>>;
    /// The names in a directory, in any order.
    fn names(&self, directory: &Path) -> io::Result<Vec<String>>;
    /// Makes a file that is not there, with contents that survive.
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// A second name for a file; `AlreadyExists` if it is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;
    fn make_directory(&self, path: &Path) -> io::Result<()>;
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// The operating system's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OsDisk;

impl Disk for OsDisk {
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }
    fn entry(&self, path: &Path) -> io::Result<Entry> {
        let m = fs::metadata(path)?;
        let modified = m.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        Ok(Entry {
            is_directory: m.is_dir(),
            bytes: m.len(),
            modified_ms: modified.map_or(0, |d| d.as_millis() as i64),
        })
    }
    fn read(&self, path: &Path, range: Option<Range<u64>>) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        match range {
            None => file.read_to_end(&mut bytes)?,
            Some(range) => {
                file.seek(SeekFrom::Start(range.start))?;
                file.take(range.end.saturating_sub(range.start)).read_to_end(&mut bytes)?
            }
        };
        Ok(bytes)
    }
    fn names(&self, directory: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(directory)?.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect()
    }
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}
