use super::*;
use futures::executor::block_on;
use std::fs;

#[test]
fn a_directory_passes_the_suite() {
    let directory = tempfile::tempdir().unwrap();
    block_on(crate::suite::all(&LocalStore::new(directory.path().join("a/b")).unwrap())).unwrap();
}

#[test]
fn paths_stay_inside_the_root() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::new(directory.path().join("root")).unwrap();
    fs::create_dir(directory.path().join("outside")).unwrap();
    std::os::unix::fs::symlink(directory.path().join("outside"), directory.path().join("root/link")).unwrap();
    for path in ["../x", "/etc/passwd", "a/../../x", "", "link/x"] {
        let e = block_on(store.put(path, Bytes::from_static(b"x"), PutMode::Overwrite)).unwrap_err();
        assert_eq!(e.kind, millstream_dataflow::ErrorKind::Config, "{path}");
    }
    assert!(fs::read_dir(directory.path().join("outside")).unwrap().next().is_none());
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::new(directory.path()).unwrap();
    fs::create_dir(directory.path().join("taken")).unwrap();
    assert!(block_on(store.put("taken", Bytes::from_static(b"x"), PutMode::Overwrite)).is_err());
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["taken"]);
}

/// A disk on which somebody else removes each directory once, right after it was made.
#[derive(Debug, Default)]
struct Contended(Mutex<BTreeSet<PathBuf>>);

impl Disk for Contended {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        OsDisk.make_directory(path)?;
        if self.0.lock().unwrap().insert(path.to_path_buf()) {
            OsDisk.remove_directory(path)?;
        }
        Ok(())
    }
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        OsDisk.canonical(path)
    }
    fn entry(&self, path: &Path) -> io::Result<Entry> {
        OsDisk.entry(path)
    }
    fn read(&self, path: &Path, range: Option<Range<u64>>) -> io::Result<Vec<u8>> {
        OsDisk.read(path, range)
    }
    fn names(&self, directory: &Path) -> io::Result<Vec<String>> {
        OsDisk.names(directory)
    }
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OsDisk.write_synced(path, bytes)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.link(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_file(path)
    }
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_directory(path)
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        OsDisk.sync_directory(path)
    }
}

#[test]
fn directories_that_others_remove_are_made_once_more() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::on(Arc::new(Contended::default()), directory.path()).unwrap();
    let content = Bytes::from_static(b"x");
    assert!(matches!(block_on(store.put("a/b/c", content.clone(), PutMode::Create)), Ok(Put::Done)));
    assert!(matches!(block_on(store.link("a/b/c", "d/e/f")), Ok(Put::Done)));
    for path in ["a/b/c", "d/e/f"] {
        assert_eq!(block_on(store.get(path, None)).unwrap(), Some(content.clone()));
    }
    // A file that is missing is still an error.
    assert!(block_on(store.link("a/b/z", "d/z")).is_err());
}
