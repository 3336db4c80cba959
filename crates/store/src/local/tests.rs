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
