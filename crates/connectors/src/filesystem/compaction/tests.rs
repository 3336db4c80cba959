//! Which files become one.

use super::super::commit::Files;
use super::super::sink::FileSink;
use super::*;
use crate::context::tests::{context_in, handle, table};
use millstream_dataflow::testing::{block_on, columns, rows, texts};
use millstream_dataflow::{Committable, EpochCommit, KeyGroupRange, Sink, SubtaskContext, UndecidedEpoch, Watermark};
use millstream_store::{LocalStore, MemoryStore};

const WRITERS: u32 = 3;

struct Written {
    store: Arc<dyn Store>,
    sink: FileSink,
    committables: Vec<Committable>,
}

/// An epoch of three writers: each has a row for the partitions 0 and 1.
fn written(store: Arc<dyn Store>, format: &str, more: &[(&str, &str)]) -> Written {
    let mut options = vec![("connector", "filesystem"), ("path", "out"), ("format", format), (AUTO.name, "true")];
    options.extend(more);
    let mut table = table("n BIGINT, s STRING, p INT", &options);
    table.partition_keys = vec!["p".into()];
    let directory = tempfile::tempdir().unwrap();
    let sink = FileSink::over(Arc::clone(&store), &table, &context_in(directory.path())).unwrap();
    let mut committables = Vec::new();
    for subtask in 0..WRITERS {
        let context = SubtaskContext {
            subtask,
            parallelism: WRITERS,
            key_groups: KeyGroupRange::of(subtask, WRITERS, 128),
            max_parallelism: 128,
        };
        let mut writer = sink.writer(&context, "life-0").unwrap();
        let lines = (0..2).map(|p| format!("{subtask} | x | {p}"));
        writer.write(Batch::new(rows(&table.schema(), lines))).unwrap();
        committables.extend(block_on(writer.pre_commit(1).unwrap()).unwrap());
    }
    Written { store, sink, committables }
}

impl Written {
    fn prepare(&self, committables: Vec<Committable>) -> Vec<Committable> {
        let undecided = UndecidedEpoch {
            epoch: 1,
            watermark: Watermark::NONE,
            committables,
        };
        block_on(self.sink.committer("life-0").unwrap().unwrap().prepare(undecided)).unwrap()
    }
    /// What is there after the commit.
    fn commit(&self, committables: Vec<Committable>) -> Vec<String> {
        let commit = EpochCommit { epoch: 1, committables };
        block_on(self.sink.committer("life-0").unwrap().unwrap().commit(commit)).unwrap();
        let all = block_on(self.store.list("")).unwrap();
        all.into_iter().map(|m| m.path).filter(|p| !p.starts_with("_committed/")).collect()
    }
    fn texts(&self, path: &str, format: &str) -> Vec<String> {
        let bytes = block_on(self.store.get(path, None)).unwrap().unwrap();
        let data = columns("n BIGINT, s STRING");
        let batches = if is_read_in_blocks(format) {
            let file = Blocks::open(format, bytes, &data).unwrap();
            (0..file.count()).map(|block| file.read(block).unwrap()).collect::<Vec<_>>()
        } else {
            let options = BTreeMap::new();
            let mut decoder = millstream_formats::decoder(format, &data, &data, &options).unwrap();
            let lines = millstream_formats::Lines::of(format, &options).unwrap();
            for record in millstream_formats::split_records(lines, &bytes, true).0 {
                decoder.decode(&bytes[record]).unwrap();
            }
            vec![decoder.finish().unwrap()]
        };
        batches.into_iter().flat_map(|b| texts(&Batch::new(b))).collect()
    }
}

fn stores() -> (tempfile::TempDir, Vec<Arc<dyn Store>>) {
    let directory = tempfile::tempdir().unwrap();
    let local = LocalStore::new(directory.path()).unwrap();
    (
        directory,
        vec![Arc::new(local), Arc::new(MemoryStore::new()), Arc::new(MemoryStore::with_part_min(30))],
    )
}

#[test]
fn the_files_of_a_partition_become_one_and_nothing_else_stays() {
    let _entered = handle().enter();
    for format in ["json", "csv", "avro", "parquet"] {
        for store in stores().1 {
            let written = written(store, format, &[]);
            let prepared = written.prepare(written.committables.clone());
            let there = written.commit(prepared);
            assert_eq!(there.len(), 2, "{format}: {there:?}");
            for (path, partition) in there.iter().zip(["p=0/", "p=1/"]) {
                assert!(path.starts_with(partition) && path.ends_with(format), "{path}");
                let rows = written.texts(path, format);
                assert_eq!(rows, ["0 | x", "1 | x", "2 | x"]);
            }
        }
    }
}

#[test]
fn what_was_merged_for_a_failed_checkpoint_is_merged_again() {
    let _entered = handle().enter();
    for store in stores().1 {
        let mut written = written(store, "json", &[]);
        let later = written.committables.split_off(2);
        let mut carried = written.prepare(written.committables.clone());
        carried.extend(later);
        let there = written.commit(written.prepare(carried));
        // An upload is not merged again.
        assert!(there.len() == 2 || there.len() == 4 && written.store.part_min() == 30, "{there:?}");
        let mut rows: Vec<String> = there.iter().flat_map(|path| written.texts(path, "json")).collect();
        rows.sort();
        assert_eq!(rows, ["0 | x", "0 | x", "1 | x", "1 | x", "2 | x", "2 | x"]);
    }
}

#[test]
fn files_that_are_large_enough_stay_as_they_are() {
    let _entered = handle().enter();
    for store in stores().1 {
        let written = written(store, "json", &[(FILE_SIZE.name, "1 b")]);
        let there = written.commit(written.prepare(written.committables.clone()));
        assert_eq!(there.len(), 2 * WRITERS as usize, "{there:?}");
    }
}

#[test]
fn groups_come_to_about_the_size() {
    let file = |bytes| File {
        path: String::new(),
        bytes,
        content: Content::Inline(String::new()),
        crc32c: None,
    };
    let sizes = |bytes: &[u64]| -> Vec<Vec<u64>> {
        let groups = groups(bytes.iter().map(|b| file(*b)).collect(), 10);
        groups.into_iter().map(|g| g.into_iter().map(|f| f.bytes).collect()).collect()
    };
    assert_eq!(sizes(&[]), [[0; 0]; 0]);
    assert_eq!(sizes(&[4, 6, 1, 9, 5]), [vec![4, 6], vec![1, 9], vec![5]]);
    assert_eq!(sizes(&[8, 8]), [[8], [8]]);
}

#[test]
fn what_was_merged_is_written_as_before() {
    let compacted = Compacted {
        files: Vec::new(),
        merged: vec![".staging/f/part-0.json.staged".into()],
    };
    let text = r#"{"version":2,"files":[],"merged":[".staging/f/part-0.json.staged"]}"#;
    assert_eq!(Files::encode_compacted(compacted).unwrap(), Committable(text.into()));
    assert_eq!(Files::decode(&Committable(text.into())).unwrap().merged.len(), 1);
}
