//! A small job on top of the protocol: each epoch counts one more row in a table and hands it to a sink. Whatever fails, the sink
//! must show each row once and the table must have counted as many.

mod faulty;

use super::*;
use crate::{KeyedTable, singleton};
use arrow_array::{ArrayRef, Int64Array, cast::AsArray, types::Int64Type};
use faulty::{FAULTS, Fault, Faulty};
use futures::executor::block_on;
use millstream_dataflow::{ErrorKind, Snapshot, SqlType, StateType};
use std::collections::BTreeMap;
use std::sync::Mutex;

const ALL: KeyGroupRange = KeyGroupRange { start: 0, end: 128 };

/// What readers see: epoch → row.
type Shown = Mutex<BTreeMap<u64, String>>;

fn commit(shown: &Shown, manifest: &Manifest) {
    let commit = manifest.commit_of("sink").unwrap();
    let row = String::from_utf8(commit.committables[0].0.clone()).unwrap();
    let before = shown.lock().unwrap().insert(commit.epoch, row.clone());
    assert!(before.is_none_or(|b| b == row), "epoch {} was shown with other rows", commit.epoch);
}

struct Job {
    writer: Writer,
    /// One changes in odd epochs, the other in even ones.
    tables: [KeyedTable; 2],
    last: u64,
}

impl Job {
    fn empty() -> [KeyedTable; 2] {
        ["even", "odd"].map(|name| KeyedTable::new(name, &[SqlType::BigInt], &[StateType::I64]).unwrap())
    }
    /// Takes the job over and restores it, as the coordinator does.
    async fn start(store: &Arc<Faulty>, attempt: usize, shown: &Shown) -> Result<Job> {
        let checkpoints = Checkpoints::new(Arc::clone(store) as Arc<dyn Store>, "job");
        let after = checkpoints.generation().await?;
        let incarnation = checkpoints.latest().await?.map_or_else(|| format!("life-{attempt}"), |m| m.incarnation);
        let mut writer = checkpoints.start(&incarnation, after, &format!("start-{attempt}"), 0).await?;
        let manifest = match checkpoints.recover().await? {
            Action::Fresh => None,
            Action::Restore(manifest) => Some(manifest),
            Action::RollForward(manifest) => {
                commit(shown, &manifest);
                writer.committed(manifest.epoch).await?;
                Some(manifest)
            }
            Action::Refuse(e) => return Err(e),
        };
        let (mut tables, mut last) = (Self::empty(), 0);
        if let Some(manifest) = manifest {
            writer.after(&manifest);
            last = manifest.epoch;
            let parts = checkpoints.read_parts(&manifest, "count", ALL).await?;
            for table in &mut tables {
                table.restore(&parts, ALL, 128, &[0])?;
            }
            assert_eq!(total(&tables), last as i64, "state and position are of one epoch");
        }
        Ok(Job { writer, tables, last })
    }
    /// The next row, and what its checkpoint consists of.
    async fn prepare(&mut self, attempt: usize) -> Result<Manifest> {
        let epoch = self.last + 1;
        let mut ids = Vec::new();
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(0..3));
        let table = &mut self.tables[epoch as usize % 2];
        table.intern(&[keys], 3, &mut ids)?;
        *table.columns_mut()[0].i64s()?.writer(&[1]).at(1) += 1;
        let mut snapshot = Snapshot {
            tables: self.tables.iter().map(KeyedTable::snapshot).collect(),
        };
        snapshot.tables.push(singleton("meta", "x"));
        Ok(Manifest {
            job: "job".into(),
            incarnation: self.writer.incarnation().into(),
            nonce: format!("{attempt}-{epoch}"),
            epoch,
            max_parallelism: 128,
            parallelism: 1,
            operators: vec![self.writer.write_state(epoch, "count", 0, ALL, &snapshot).await?],
            sinks: vec![SinkState {
                node: "sink".into(),
                committables: vec![format!("row {epoch}").into_bytes()],
            }],
            ..Manifest::default()
        })
    }
    async fn step(&mut self, attempt: usize, shown: &Shown) -> Result<()> {
        let manifest = self.prepare(attempt).await?;
        if let Err(e) = self.writer.publish(manifest.clone()).await {
            // Half the attempts try once more, the others restart.
            match e.is_transient() && attempt.is_multiple_of(2) {
                true => self.writer.publish(manifest.clone()).await?,
                false => return Err(e),
            }
        }
        commit(shown, &manifest);
        self.writer.committed(manifest.epoch).await?;
        self.last = manifest.epoch;
        self.writer.retain(1).await
    }
}

fn total(tables: &[KeyedTable; 2]) -> i64 {
    let sum = |t: &KeyedTable| t.columns()[0].to_array(0..t.len()).as_primitive::<Int64Type>().values().iter().sum::<i64>();
    tables.iter().map(sum).sum()
}

/// Runs the job to an epoch, starting again after each failure.
fn run(store: &Arc<Faulty>, attempts: std::ops::Range<usize>, until: u64, shown: &Shown) {
    for attempt in attempts.clone() {
        let outcome: Result<()> = block_on(async {
            let mut job = Job::start(store, attempt, shown).await?;
            while job.last < until {
                job.step(attempt, shown).await?;
            }
            Ok(())
        });
        match outcome {
            Ok(()) => return,
            Err(e) => assert!(matches!(e.kind, ErrorKind::Unavailable | ErrorKind::Config), "{e}"),
        }
        store.revive();
    }
    panic!("did not end in attempts {attempts:?}");
}

#[test]
fn every_fault_at_every_call_leaves_each_row_shown_once() {
    let quiet = Arc::new(Faulty::default());
    run(&quiet, 0..1, 4, &Shown::default());
    let calls = quiet.state.lock().unwrap().calls;
    assert!(calls > 40, "{calls}");
    for first in [0, 1] {
        for call in 0..calls {
            for fault in FAULTS {
                let store = Arc::new(Faulty::default());
                store.state.lock().unwrap().fault = Some((call, fault));
                let shown = Shown::default();
                run(&store, first..first + 3, 4, &shown);
                let rows: Vec<_> = shown.lock().unwrap().values().cloned().collect();
                assert_eq!(rows, ["row 1", "row 2", "row 3", "row 4"], "{fault:?} at call {call}");
                // One more epoch without faults leaves nothing behind that nobody needs.
                run(&store, 10..11, 5, &shown);
                let manifest = block_on(Checkpoints::new(Arc::clone(&store) as Arc<dyn Store>, "job").latest())
                    .unwrap()
                    .unwrap();
                let needed: BTreeSet<_> = manifest.chunks().map(|c| c.file.clone()).collect();
                let life = format!("{}/state/", manifest.incarnation);
                assert_eq!(store.paths(&life), needed.into_iter().collect::<Vec<_>>(), "{fault:?} at call {call}");
                assert_eq!(store.paths("/manifest/").len(), 1);
                assert_eq!(store.paths("/committed/").len(), 1);
            }
        }
    }
}

#[test]
fn only_changed_chunks_are_written_and_only_published_ones_are_reused() {
    let store = Arc::new(Faulty::default());
    let shown = Shown::default();
    block_on(async {
        let mut job = Job::start(&store, 0, &shown).await.unwrap();
        job.step(0, &shown).await.unwrap();
        let files = |m: &Manifest| m.operators[0].tables[..2].iter().map(|t| t.chunks[0].file.clone()).collect::<Vec<_>>();
        let never_published = job.prepare(0).await.unwrap();
        let second = job.prepare(0).await.unwrap();
        assert_eq!(files(&second)[1], files(&never_published)[1], "of epoch 1");
        assert_ne!(files(&second)[0], files(&never_published)[0]);
        job.writer.publish(second.clone()).await.unwrap();
        job.last = 2;
        let third = job.prepare(0).await.unwrap();
        assert_eq!(files(&third)[0], files(&second)[0]);
        assert_ne!(files(&third)[1], files(&second)[1]);
    });
}

#[test]
fn retention_keeps_what_kept_and_coming_checkpoints_need() {
    let store = Arc::new(Faulty::default());
    let shown = Shown::default();
    block_on(async {
        let mut job = Job::start(&store, 0, &shown).await.unwrap();
        let mut published = Vec::new();
        let mut manifest = job.prepare(0).await.unwrap();
        for _ in 0..5 {
            job.writer.publish(manifest.clone()).await.unwrap();
            job.last = manifest.epoch;
            published.push(manifest);
            // The state of the next epoch is written before the files of older ones are deleted.
            manifest = job.prepare(0).await.unwrap();
            job.writer.committed(job.last).await.unwrap();
            job.writer.retain(2).await.unwrap();
        }
        assert_eq!(store.paths("manifest/").len(), 2);
        published.push(manifest);
        let whole = |m: &Manifest| block_on_reads(&store, m).is_ok();
        assert_eq!(published.iter().map(whole).collect::<Vec<_>>(), [false, false, false, true, true, true]);
    });
}

/// Reads all chunks; the store answers at once.
fn block_on_reads(store: &Arc<Faulty>, manifest: &Manifest) -> Result<()> {
    let checkpoints = Checkpoints::new(Arc::clone(store) as Arc<dyn Store>, "job");
    let read = async { checkpoints.read_parts(manifest, "count", ALL).await };
    futures::FutureExt::now_or_never(read).unwrap().map(|_| ())
}

#[test]
fn a_second_process_fences_the_first() {
    let store = Arc::new(Faulty::default());
    let shown = Shown::default();
    block_on(async {
        let mut first = Job::start(&store, 0, &shown).await.unwrap();
        first.step(0, &shown).await.unwrap();
        let mut second = Job::start(&store, 1, &shown).await.unwrap();
        let error = first.step(0, &shown).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Fenced);
        assert!(error.to_string().contains("another process has taken over this job"), "{error}");
        assert_eq!(first.writer.check().await.unwrap_err().kind, ErrorKind::Fenced);
        assert_eq!(first.writer.retain(1).await.unwrap_err().kind, ErrorKind::Fenced);
        second.step(1, &shown).await.unwrap();
        assert_eq!(second.last, 2);
    });
}

/// Both saw the same highest generation; the second creates the next one while the first is about to.
#[test]
fn two_processes_that_start_at_once_do_not_share_a_generation() {
    let store = Arc::new(Faulty::default());
    let shown = Arc::new(Shown::default());
    block_on(async {
        let second = Arc::new(Mutex::new(None));
        let meanwhile = {
            let (store, shown, second) = (Arc::clone(&store), Arc::clone(&shown), Arc::clone(&second));
            async move {
                let job = Job::start(&store, 1, &shown).await.unwrap();
                *second.lock().unwrap() = Some(job);
            }
        };
        store.state.lock().unwrap().meanwhile = Some(("generation/", Box::pin(meanwhile)));
        let first = Job::start(&store, 0, &shown).await;
        let mut second = second.lock().unwrap().take().unwrap();
        match first {
            Err(e) => assert_eq!(e.kind, ErrorKind::Fenced),
            Ok(mut first) => {
                assert_ne!(first.writer.generation(), second.writer.generation());
                assert_eq!(second.step(1, &shown).await.unwrap_err().kind, ErrorKind::Fenced);
                first.step(0, &shown).await.unwrap();
                return;
            }
        }
        second.step(1, &shown).await.unwrap();
    });
    assert_eq!(shown.lock().unwrap().values().cloned().collect::<Vec<_>>(), ["row 1"]);
}

/// What a stale listing leaves out is looked for by its name.
#[test]
fn the_latest_manifest_is_found_though_no_listing_shows_it() {
    let store = Arc::new(Faulty::default());
    let shown = Shown::default();
    block_on(async {
        let mut first = Job::start(&store, 0, &shown).await.unwrap();
        for _ in 0..3 {
            let manifest = first.prepare(0).await.unwrap();
            first.writer.publish(manifest.clone()).await.unwrap();
            commit(&shown, &manifest);
            first.writer.committed(manifest.epoch).await.unwrap();
            first.last = manifest.epoch;
        }
        let newest = store.paths("manifest/").pop().unwrap();
        store.state.lock().unwrap().unlisted.push(newest);
        assert_eq!(Job::start(&store, 1, &shown).await.unwrap().last, 3);
        let all = store.paths("manifest/");
        store.state.lock().unwrap().unlisted = all;
        assert_eq!(Job::start(&store, 2, &shown).await.unwrap().last, 3);
        // Where the first ones are deleted, too, there is nothing but to wait.
        store.state.lock().unwrap().objects.remove(&names::manifest(first.writer.incarnation(), 1));
        let error = Job::start(&store, 3, &shown).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    });
}

/// The first process made up its incarnation before the second one published under another: its restart may not bring it back.
#[test]
fn a_paused_process_does_not_begin_its_life_again() {
    let store = Arc::new(Faulty::default());
    let shown = Shown::default();
    let checkpoints = Checkpoints::new(Arc::clone(&store) as Arc<dyn Store>, "job");
    block_on(async {
        checkpoints.start("life-0", None, "a", 0).await.unwrap();
        checkpoints.start("life-0", None, "a restart", 0).await.unwrap();
        let mut second = Job::start(&store, 1, &shown).await.unwrap();
        second.step(1, &shown).await.unwrap();
        let error = checkpoints.start("life-0", None, "another restart", 0).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Fenced);
        second.step(1, &shown).await.unwrap();
    });
}

/// The first process looks at the generation, sleeps, and creates its manifest after the second one took over, published and
/// deleted the manifest of the same number.
#[test]
fn a_paused_process_that_gets_a_freed_name_commits_nothing() {
    let store = Arc::new(Faulty::default());
    let shown = Arc::new(Shown::default());
    block_on(async {
        let mut first = Job::start(&store, 0, &shown).await.unwrap();
        first.step(0, &shown).await.unwrap();
        let meanwhile = {
            let (store, shown) = (Arc::clone(&store), Arc::clone(&shown));
            async move {
                let mut second = Job::start(&store, 1, &shown).await.unwrap();
                second.step(1, &shown).await.unwrap();
                second.step(1, &shown).await.unwrap();
                assert_eq!(store.paths("manifest/").len(), 1, "epoch 2 was deleted");
            }
        };
        store.state.lock().unwrap().meanwhile = Some(("manifest/", Box::pin(meanwhile)));
        let manifest = first.prepare(0).await.unwrap();
        assert_eq!(first.writer.publish(manifest).await.unwrap_err().kind, ErrorKind::Fenced);
        assert_eq!(store.paths("manifest/").len(), 2, "it did get the name");
        let mut third = Job::start(&store, 2, &shown).await.unwrap();
        assert_eq!(third.last, 3);
        third.step(2, &shown).await.unwrap();
        assert_eq!(store.paths("manifest/").len(), 1);
    });
    assert_eq!(
        shown.lock().unwrap().values().cloned().collect::<Vec<_>>(),
        ["row 1", "row 2", "row 3", "row 4"]
    );
}

#[test]
fn a_manifest_of_the_former_process_that_lands_late_is_rolled_forward() {
    let store = Arc::new(Faulty::default());
    let shown = Shown::default();
    block_on(async {
        let mut first = Job::start(&store, 0, &shown).await.unwrap();
        first.step(0, &shown).await.unwrap();
        let mut late = first.prepare(0).await.unwrap();
        late.generation = first.writer.generation();
        let mut second = Job::start(&store, 1, &shown).await.unwrap();
        store.put_now(&names::manifest(&late.incarnation, 2), late.encode().unwrap());
        let manifest = second.prepare(1).await.unwrap();
        assert_eq!(second.writer.publish(manifest.clone()).await.unwrap_err().kind, ErrorKind::Unavailable);
        let skipped = Manifest { epoch: 3, ..manifest };
        let error = second.writer.publish(skipped).await.unwrap_err();
        assert!(
            error.is_transient() && error.message.contains("restart"),
            "epoch 2 may not be passed over: {error}"
        );
        let third = Job::start(&store, 2, &shown).await.unwrap();
        assert_eq!(third.last, 2);
    });
    assert_eq!(shown.lock().unwrap().values().cloned().collect::<Vec<_>>(), ["row 1", "row 2"]);
}

#[test]
fn a_damaged_checkpoint_stops_the_job_and_never_gives_an_older_one() {
    let store = Arc::new(Faulty::default());
    run(&store, 0..1, 2, &Shown::default());
    let checkpoints = Checkpoints::new(Arc::clone(&store) as Arc<dyn Store>, "job");
    let manifest = block_on(checkpoints.latest()).unwrap().unwrap();
    assert!(block_on(checkpoints.is_committed(2, &manifest.incarnation)).unwrap());
    assert!(!block_on(checkpoints.is_committed(3, &manifest.incarnation)).unwrap());
    // Bytes of a state file that an older checkpoint referred to do not matter.
    let mut places: Vec<(String, usize)> = Vec::new();
    for path in store.paths("manifest/").into_iter().chain(store.paths("generation/")) {
        let bytes = store.state.lock().unwrap().objects[&path].len();
        places.extend((0..bytes).map(|at| (path.clone(), at)));
    }
    for chunk in manifest.chunks() {
        places.extend(
            (chunk.offset..chunk.offset + chunk.length)
                .step_by(50)
                .map(|at| (chunk.file.clone(), at as usize)),
        );
    }
    for (path, at) in places {
        let good = store.state.lock().unwrap().objects[&path].clone();
        let mut bad = good.to_vec();
        bad[at] ^= 0x10;
        for bytes in [bad, good[..at].to_vec()] {
            store.put_now(&path, bytes);
            let restored = block_on(async {
                let manifest = checkpoints.latest().await?.unwrap();
                checkpoints.read_parts(&manifest, "count", ALL).await
            });
            let error = restored.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Corrupt, "{path}");
            assert!(error.detail.as_ref().unwrap().contains(&path), "{error}");
            assert!(error.hint.is_some());
        }
        store.put_now(&path, good);
    }
}

#[test]
fn a_store_of_another_job_or_without_conditional_create_is_refused() {
    let store = Arc::new(Faulty::default());
    run(&store, 0..1, 1, &Shown::default());
    let other = Checkpoints::new(Arc::clone(&store) as Arc<dyn Store>, "other");
    for error in [block_on(other.latest()).unwrap_err(), block_on(other.start("x", Some(1), "n", 0)).unwrap_err()] {
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.message.contains("\"job\""), "{error}");
    }
    let store = Arc::new(Faulty::default());
    store.state.lock().unwrap().creates_overwrite = true;
    let error = block_on(Checkpoints::new(store as Arc<dyn Store>, "job").start("x", None, "n", 0)).unwrap_err();
    assert!(error.message.contains("conditional creation"), "{error}");
}

#[test]
fn a_full_disk_fails_the_checkpoint_and_the_next_one_succeeds() {
    let store = Arc::new(Faulty::default());
    let shown = Shown::default();
    block_on(async {
        let mut job = Job::start(&store, 0, &shown).await.unwrap();
        let manifest = job.prepare(0).await.unwrap();
        // The disk is full at the first call, then at the second, and so on: the same checkpoint is tried again.
        let mut refused = 0;
        for call in 0..20 {
            let calls = store.state.lock().unwrap().calls;
            store.state.lock().unwrap().fault = Some((calls + call, Fault::Full));
            match job.writer.publish(manifest.clone()).await {
                Ok(()) => break,
                Err(e) => assert!(e.kind == ErrorKind::Config || e.is_transient(), "{e}"),
            }
            refused += 1;
        }
        assert!((2..10).contains(&refused), "{refused}");
        commit(&shown, &manifest);
    });
    assert_eq!(shown.lock().unwrap().len(), 1);
}

/// Checkpoints of every release must restore. `UPDATE=1` writes golden files that are not there yet; old ones never change.
#[test]
fn the_golden_checkpoint_restores() {
    let root = std::path::PathBuf::from("src/checkpoint/golden/1");
    let store = Arc::new(Faulty::default());
    if std::env::var_os("UPDATE").is_some() && !root.exists() {
        run(&store, 0..1, 2, &Shown::default());
        for (path, bytes) in &store.state.lock().unwrap().objects {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        store.state.lock().unwrap().objects.clear();
    }
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false => store.put_now(entry.strip_prefix(&root).unwrap().to_str().unwrap(), std::fs::read(&entry).unwrap()),
            }
        }
    }
    assert!(!store.paths("/manifest/").is_empty());
    let shown = Shown::default();
    let job = block_on(Job::start(&store, 7, &shown)).unwrap();
    assert_eq!(job.last, 2);
    assert_eq!(total(&job.tables), 2);
}
