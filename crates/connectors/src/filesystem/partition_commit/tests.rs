//! When partitions are complete.

use super::super::commit::{Content, File, FileCommitter, Files};
use super::*;
use crate::context::tests::table;
use crate::staging::Leftovers;
use millstream_dataflow::testing::block_on;
use millstream_dataflow::{Clock, Committable, EpochCommit, SinkCommitter, Store, UndecidedEpoch};
use millstream_store::MemoryStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const HOUR: i64 = 3_600_000;

fn partitioned(options: &[(&str, &str)]) -> TableSpec {
    let mut all = vec![("connector", "filesystem"), ("format", "json"), ("path", "out"), (POLICY.name, "success-file")];
    all.extend(options);
    let mut table = table("n BIGINT, day STRING, hour STRING", &all);
    table.partition_keys = vec!["day".into(), "hour".into()];
    table
}

#[derive(Debug, Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A committer whose store, clock and last decided epoch outlive it.
struct Run {
    table: TableSpec,
    store: Arc<MemoryStore>,
    clock: Arc<SetClock>,
    last: EpochCommit,
    files: usize,
}

impl Run {
    fn new(options: &[(&str, &str)]) -> Run {
        Run {
            table: partitioned(options),
            store: Arc::new(MemoryStore::new()),
            clock: Arc::default(),
            last: EpochCommit {
                epoch: 0,
                committables: vec![],
            },
            files: 0,
        }
    }
    /// As after a crash.
    fn committer(&self) -> FileCommitter {
        let mut committer = FileCommitter {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            incarnation: "f".repeat(32),
            left: Leftovers::default(),
            compactor: None,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            partition_commit: PartitionCommit::new(&self.table).unwrap(),
            partitions: Partitions::default(),
        };
        committer.restore(&self.last).unwrap();
        committer
    }
    fn file(&mut self, directory: &str) -> Committable {
        self.files += 1;
        let file = File {
            path: format!("{directory}part-{}.json", self.files),
            bytes: 1,
            content: Content::Inline("0a".into()),
            crc32c: None,
        };
        Files::encode(vec![file]).unwrap()
    }
    fn prepare(&self, watermark: i64, committables: Vec<Committable>) -> Vec<Committable> {
        let epoch = self.last.epoch + 1;
        let undecided = UndecidedEpoch {
            epoch,
            watermark,
            committables,
        };
        block_on(self.committer().prepare(undecided)).unwrap()
    }
    /// An epoch with a file in each of these directories; gives the success files that are new then.
    fn epoch(&mut self, watermark: i64, directories: &[&str]) -> Vec<String> {
        let files = directories.iter().map(|d| self.file(d)).collect();
        let prepared = self.prepare(watermark, files);
        self.decide(prepared)
    }
    fn decide(&mut self, committables: Vec<Committable>) -> Vec<String> {
        let epoch = self.last.epoch + 1;
        assert_eq!(self.marked(), [""; 0], "marked before the decision");
        self.last = EpochCommit { epoch, committables };
        // Told twice, and once more by the next process.
        let mut committer = self.committer();
        block_on(committer.commit(self.last.clone())).unwrap();
        block_on(committer.commit(self.last.clone())).unwrap();
        let marked = self.marked();
        block_on(self.committer().commit(self.last.clone())).unwrap();
        assert_eq!(self.marked(), marked);
        for path in &marked {
            block_on(self.store.delete(path)).unwrap();
        }
        marked
    }
    fn marked(&self) -> Vec<String> {
        let all = block_on(self.store.list("")).unwrap();
        all.into_iter().map(|m| m.path).filter(|p| p.ends_with("/_SUCCESS")).collect()
    }
}

const NINE: &str = "day=1970-01-01/hour=09/";
const TEN: &str = "day=1970-01-01/hour=10/";

#[test]
fn with_partition_time_the_watermark_completes_and_late_rows_complete_again() {
    let mut run = Run::new(&[
        (TRIGGER.name, "partition-time"),
        (DELAY.name, "1 h"),
        ("partition.time-extractor.timestamp-pattern", "$day $hour:00:00"),
    ]);
    assert_eq!(run.epoch(9 * HOUR, &[NINE]), [""; 0]);
    assert_eq!(run.epoch(10 * HOUR, &[NINE, TEN]), [""; 0], "the watermark has not passed it");
    assert_eq!(run.epoch(10 * HOUR + 1, &[]), [format!("{NINE}_SUCCESS")]);
    assert_eq!(run.epoch(10 * HOUR + 2, &[]), [""; 0], "once");
    assert_eq!(run.epoch(10 * HOUR + 3, &[NINE]), [format!("{NINE}_SUCCESS")], "late rows");
    // The watermark that was does not go back.
    assert_eq!(run.epoch(0, &[NINE]), [format!("{NINE}_SUCCESS")]);
    assert_eq!(run.epoch(Watermark::END, &[NINE]), [format!("{NINE}_SUCCESS"), format!("{TEN}_SUCCESS")]);
}

#[test]
fn with_process_time_the_clock_completes() {
    let mut run = Run::new(&[(DELAY.name, "1 h")]);
    run.clock.0.store(5, Ordering::Relaxed);
    assert_eq!(run.epoch(Watermark::NONE, &[NINE]), [""; 0]);
    run.clock.0.store(5 + HOUR, Ordering::Relaxed);
    assert_eq!(run.epoch(Watermark::NONE, &[NINE, TEN]), [""; 0]);
    run.clock.0.store(6 + HOUR, Ordering::Relaxed);
    assert_eq!(run.epoch(Watermark::NONE, &[]), [format!("{NINE}_SUCCESS")]);
    assert_eq!(run.epoch(Watermark::END, &[]), [format!("{TEN}_SUCCESS")], "the end of the input");
    let mut at_once = Run::new(&[]);
    assert_eq!(at_once.epoch(Watermark::NONE, &[TEN]), [format!("{TEN}_SUCCESS")]);
}

#[test]
fn what_was_prepared_for_a_failed_checkpoint_is_prepared_again() {
    let mut run = Run::new(&[
        (TRIGGER.name, "partition-time"),
        ("partition.time-extractor.timestamp-pattern", "$day $hour:00:00"),
    ]);
    let first = run.file(NINE);
    let mut carried = run.prepare(9 * HOUR, vec![first]);
    carried.push(run.file(TEN));
    let prepared = run.prepare(9 * HOUR + 1, carried);
    assert_eq!(prepared.len(), 3);
    assert_eq!(run.decide(prepared), [format!("{NINE}_SUCCESS")]);
    assert_eq!(run.epoch(10 * HOUR + 1, &[]), [format!("{TEN}_SUCCESS")]);
}

#[test]
fn a_directory_tells_its_time_or_is_refused() {
    let time = |options: &[(&str, &str)], directory: &str| PartitionTime::new(&partitioned(options)).unwrap().of(directory);
    let pattern = ("partition.time-extractor.timestamp-pattern", "$day $hour");
    let formatter = ("partition.time-extractor.timestamp-formatter", "yyyyMMdd HH");
    assert_eq!(time(&[pattern, formatter], "day=19700102/hour=03/").unwrap(), 27 * HOUR);
    assert_eq!(time(&[], "day=1970-01-02/hour=x/").unwrap(), 24 * HOUR);
    assert_eq!(time(&[], "day=1970-01-02 03%3A00%3A00/hour=x/").unwrap(), 27 * HOUR);
    let zone = ("sink.partition-commit.watermark-time-zone", "Asia/Shanghai");
    assert_eq!(time(&[zone], "day=1970-01-02/hour=x/").unwrap(), 16 * HOUR);
    let mut two = partitioned(&[("partition.time-extractor.timestamp-pattern", "$day-$da")]);
    two.partition_keys = vec!["da".into(), "day".into()];
    assert_eq!(PartitionTime::new(&two).unwrap().of("da=03/day=1970-01/").unwrap(), 48 * HOUR);
    for directory in ["day=__DEFAULT_PARTITION__/hour=1/", "day=x/hour=1/"] {
        let error = time(&[], directory).unwrap_err();
        assert!(
            error.kind == millstream_dataflow::ErrorKind::Data && error.message.contains(directory),
            "{error}"
        );
    }
}

#[test]
fn partitions_are_written_as_before() {
    let state = Partitions {
        watermark: 7,
        pending: BTreeMap::from([(NINE.to_string(), 3)]),
        complete: BTreeSet::from([TEN.to_string()]),
    };
    let text = r#"{"watermark":7,"pending":{"day=1970-01-01/hour=09/":3},"complete":["day=1970-01-01/hour=10/"]}"#;
    assert_eq!(serde_json::to_string(&state).unwrap(), text);
    assert_eq!(serde_json::from_str::<Partitions>(text).unwrap(), state);
    let file = File {
        path: format!("{TEN}part-0.json"),
        bytes: 1,
        content: Content::Staged(".staging/f/part-0.json.staged".into()),
        crc32c: None,
    };
    let first = r#"{"version":1,"files":[{"path":"day=1970-01-01/hour=10/part-0.json","bytes":1,"content":{"staged":".staging/f/part-0.json.staged"}}]}"#;
    assert_eq!(Files::encode(vec![file]).unwrap(), Committable(first.into()));
    let whole = format!(r#"{{"version":2,"files":[],"partitions":{text}}}"#);
    assert_eq!(Files::decode(&Committable(whole.into_bytes())).unwrap().partitions, Some(state));
}
