//! A disk that loses power: names and contents that were not synced are there afterwards, or not.

use super::world::World;
use millstream_dataflow::Result;
use millstream_store::{Disk, Entry, LocalStore};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a directory holds under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Directory,
    /// Number of a file, whichever names it has.
    File(u64),
}

#[derive(Debug, Clone)]
struct Content {
    bytes: Vec<u8>,
    synced: bool,
    modified_ms: i64,
}

type Names = BTreeMap<PathBuf, Node>;

/// A change of a directory's names that is not synced; it is kept as a whole or lost as a whole.
#[derive(Debug, Clone)]
struct Change {
    directory: PathBuf,
    names: Vec<(PathBuf, Option<Node>)>,
}

/// Syncs that are left out: planted defects.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unsynced {
    pub contents: bool,
    pub names: bool,
}

#[derive(Debug, Default)]
struct State {
    /// What everybody sees.
    names: Names,
    contents: BTreeMap<u64, Content>,
    next_file: u64,
    /// What is there after a loss of power, whatever happens.
    kept: Names,
    pending: Vec<Change>,
    calls: u64,
    /// The power fails at this call.
    fails_at: Option<u64>,
    off: bool,
    unsynced: Unsynced,
}

/// Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    world: World,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimDisk")
    }
}

impl SimDisk {
    pub fn new(world: &World) -> SimDisk {
        SimDisk {
            world: world.clone(),
            state: Arc::default(),
        }
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Changes that were asked for so far.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }
    pub fn fail_at(&self, call: Option<u64>) {
        self.state().fails_at = call;
    }
    /// Opens a directory for somebody whose power does not fail.
    pub fn look_into(&self, directory: &str) -> Result<LocalStore> {
        let (calls, fails_at) = {
            let mut state = self.state();
            (state.calls, state.fails_at.take())
        };
        let store = LocalStore::on(Arc::new(self.clone()), directory);
        let mut state = self.state();
        (state.calls, state.fails_at) = (calls, fails_at);
        store
    }
    pub fn leave_out(&self, unsynced: Unsynced) {
        self.state().unsynced = unsynced;
    }
    pub fn is_off(&self) -> bool {
        self.state().off
    }
    /// The power goes, and comes back.
    pub fn lose_power(&self) {
        self.world.note(|| "the power is lost".to_string());
        self.world.count(|c| c.power_losses += 1);
        let mut state = self.state();
        let mut names = std::mem::take(&mut state.kept);
        for change in std::mem::take(&mut state.pending) {
            if self.world.per_mille(500) {
                apply(&mut names, &change);
            }
        }
        // What lies in a directory that is gone is gone, too.
        let there = names.clone();
        names.retain(|path, _| path.ancestors().skip(1).all(|a| a == Path::new("/") || there.get(a) == Some(&Node::Directory)));
        for content in state.contents.values_mut().filter(|c| !c.synced) {
            let length = self.world.below(content.bytes.len() as u64 + 1) as usize;
            content.bytes.truncate(length);
            content.synced = true;
        }
        state.kept = names.clone();
        state.names = names;
        state.off = false;
        state.fails_at = None;
    }
    /// Counts a change; at the one where the power fails, and after it, nothing is done.
    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let number = state.calls;
        state.calls += 1;
        state.off |= state.fails_at == Some(number);
        if state.off { Err(io::Error::other("the power is off")) } else { Ok(state) }
    }
    fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.off { Err(io::Error::other("the power is off")) } else { Ok(state) }
    }
}

fn apply(names: &mut Names, change: &Change) {
    for (path, node) in &change.names {
        match node {
            Some(node) => names.insert(path.clone(), *node),
            None => names.remove(path),
        };
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("/")).to_path_buf()
}

impl State {
    fn node(&self, path: &Path) -> io::Result<Node> {
        if path == Path::new("/") {
            return Ok(Node::Directory);
        }
        self.names.get(path).copied().ok_or(ErrorKind::NotFound.into())
    }
    fn file(&self, path: &Path) -> io::Result<u64> {
        match self.node(path)? {
            Node::File(number) => Ok(number),
            Node::Directory => Err(ErrorKind::IsADirectory.into()),
        }
    }
    fn free(&self, path: &Path) -> io::Result<()> {
        if self.node(&parent(path))? != Node::Directory {
            return Err(ErrorKind::NotADirectory.into());
        }
        if self.node(path).is_ok() {
            Err(ErrorKind::AlreadyExists.into())
        } else {
            Ok(())
        }
    }
    fn is_empty(&self, directory: &Path) -> bool {
        !self.names.keys().any(|p| p.parent() == Some(directory))
    }
    fn rename_all(&mut self, directory: PathBuf, names: Vec<(PathBuf, Option<Node>)>) {
        let change = Change { directory, names };
        apply(&mut self.names, &change);
        self.pending.push(change);
    }
}

impl Disk for SimDisk {
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.look()?.node(path)?;
        Ok(path.to_path_buf())
    }
    fn entry(&self, path: &Path) -> io::Result<Entry> {
        let state = self.look()?;
        Ok(match state.node(path)? {
            Node::Directory => Entry {
                is_directory: true,
                bytes: 0,
                modified_ms: 0,
            },
            Node::File(number) => Entry {
                is_directory: false,
                bytes: state.contents[&number].bytes.len() as u64,
                modified_ms: state.contents[&number].modified_ms,
            },
        })
    }
    fn read(&self, path: &Path, range: Option<Range<u64>>) -> io::Result<Vec<u8>> {
        let state = self.look()?;
        let bytes = &state.contents[&state.file(path)?].bytes;
        let end = bytes.len() as u64;
        let range = range.unwrap_or(0..end);
        Ok(bytes[range.start.min(end) as usize..range.end.clamp(range.start.min(end), end) as usize].to_vec())
    }
    fn names(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.look()?;
        if state.node(directory)? != Node::Directory {
            return Err(ErrorKind::NotADirectory.into());
        }
        let below = state.names.keys().filter(|p| p.parent() == Some(directory));
        Ok(below.filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect())
    }
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let modified_ms = self.world.now().as_millis() as i64;
        let make = |state: &mut State, synced: bool| -> io::Result<()> {
            state.free(path)?;
            let number = state.next_file;
            state.next_file += 1;
            let content = Content {
                bytes: bytes.to_vec(),
                synced,
                modified_ms,
            };
            state.contents.insert(number, content);
            state.rename_all(parent(path), vec![(path.to_path_buf(), Some(Node::File(number)))]);
            Ok(())
        };
        match self.change() {
            Ok(mut state) => {
                let synced = !state.unsynced.contents;
                make(&mut state, synced)
            }
            Err(off) => {
                // Power that fails now may have left a part of it.
                make(&mut self.state(), false)?;
                Err(off)
            }
        }
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let number = state.file(from)?;
        if matches!(state.node(to), Ok(Node::Directory)) || parent(from) != parent(to) {
            return Err(ErrorKind::IsADirectory.into());
        }
        state.rename_all(parent(to), vec![(from.to_path_buf(), None), (to.to_path_buf(), Some(Node::File(number)))]);
        Ok(())
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let number = state.file(from)?;
        state.free(to)?;
        state.rename_all(parent(to), vec![(to.to_path_buf(), Some(Node::File(number)))]);
        Ok(())
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        state.file(path)?;
        state.rename_all(parent(path), vec![(path.to_path_buf(), None)]);
        Ok(())
    }
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        if state.node(path)? != Node::Directory || !state.is_empty(path) {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        state.rename_all(parent(path), vec![(path.to_path_buf(), None)]);
        Ok(())
    }
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        state.free(path)?;
        state.rename_all(parent(path), vec![(path.to_path_buf(), Some(Node::Directory))]);
        Ok(())
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        if state.node(path)? != Node::Directory {
            return Err(ErrorKind::NotADirectory.into());
        }
        if state.unsynced.names {
            return Ok(());
        }
        let (synced, pending) = std::mem::take(&mut state.pending).into_iter().partition(|c: &Change| c.directory == path);
        state.pending = pending;
        for change in synced {
            apply(&mut state.kept, &change);
        }
        Ok(())
    }
}
