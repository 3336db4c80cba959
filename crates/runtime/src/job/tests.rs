//! Whole jobs over an in-memory source, a keyed counter and a ledger: rows must be committed exactly once whatever fails.

mod memory;

use super::*;
use crate::rim::{SystemClock, TokioTimer};
use arrow_array::{Int64Array, RecordBatch, cast::AsArray, types::Int64Type};
use arrow_schema::{DataType, Field, Schema};
use millstream_dataflow::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn batch(values: Vec<i64>) -> Batch {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    Batch::new(RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(values))]).unwrap())
}

/// Splits of numbers `0..rows`; split s holds those with n % splits == s. Fails once each time `failing` counts down to zero.
struct Numbers {
    splits: i64,
    rows: i64,
    bounded: bool,
    failing: Arc<AtomicU64>,
}

struct NumbersReader {
    source: (i64, i64, bool),
    at: Vec<(String, i64)>,
    failing: Arc<AtomicU64>,
}

impl Source for Numbers {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        let at = |id: &str| known.iter().find(|k| k.id == id).map_or("0".to_string(), |k| k.position.clone());
        let splits = (0..self.splits)
            .map(|s| Split {
                id: s.to_string(),
                position: at(&s.to_string()),
            })
            .collect();
        Box::pin(async move { Ok(splits) })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        let at = splits.into_iter().map(|s| (s.id, s.position.parse().unwrap())).collect();
        Ok(Box::new(NumbersReader {
            source: (self.splits, self.rows, self.bounded),
            at,
            failing: Arc::clone(&self.failing),
        }))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(Box::new(NumbersDecoder))
    }
    fn bounded(&self) -> bool {
        self.bounded
    }
}

impl SplitReader for NumbersReader {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        if self.at.is_empty() {
            std::thread::sleep(wait);
            return Ok(Fetch::Nothing);
        }
        if self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) == Ok(1) {
            return Err(Error::unavailable("planted"));
        }
        let (splits, rows, bounded) = self.source;
        self.at.rotate_left(1);
        let (id, next) = self.at.last_mut().unwrap();
        let of_split = (rows - id.parse::<i64>().unwrap() + splits - 1) / splits;
        if *next >= of_split {
            let id = id.clone();
            if !bounded {
                return Ok(Fetch::EndOfData(vec![id]));
            }
            self.at.pop();
            return Ok(Fetch::Finished(id));
        }
        let end = (*next + 7).min(of_split);
        let s: i64 = id.parse().unwrap();
        let values: Vec<i64> = (*next..end).map(|i| i * splits + s).collect();
        *next = end;
        Ok(Fetch::Chunk(Chunk {
            split: id.clone(),
            bytes: values.len() * 8,
            payload: Box::new((values, end)),
        }))
    }
}

struct NumbersDecoder;
impl SplitDecoder for NumbersDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let (values, end) = *chunk.payload.downcast::<(Vec<i64>, i64)>().unwrap();
        Ok(Decoded {
            tombstones: 0,
            records: values.len() as u64,
            batch: batch(values),
            split: Split {
                id: chunk.split,
                position: end.to_string(),
            },
            bad: vec![],
            places: Places::default(),
            raw: None,
        })
    }
}

/// Event time is the number itself, the watermark lags by 10.
struct NumbersScan;
impl Scan for NumbersScan {
    fn scan(&mut self, batch: Batch, _arrived_ms: i64) -> Result<Scanned> {
        let n = batch.column(0).as_primitive::<Int64Type>();
        let candidates = Int64Array::from_iter_values(n.values().iter().map(|v| v - 10));
        Ok(Scanned {
            batch,
            candidates: Some(candidates),
            event_times: None,
            bad: vec![],
        })
    }
}

/// Holds every row until the watermark passes it: state that a lost or doubled checkpoint would show at once.
#[derive(Default)]
struct HoldBack {
    held: BTreeMap<i64, u64>,
    key_groups: Option<(KeyGroupRange, u32)>,
    version: u64,
    until: i64,
}

#[derive(Debug)]
struct Held(Vec<(i64, u64)>);
impl ChunkData for Held {
    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self.0.iter().flat_map(|(n, count)| [n.to_le_bytes(), count.to_le_bytes()].concat()).collect())
    }
}

impl Operator for HoldBack {
    fn on_batch(&mut self, _input: usize, batch: Batch, _out: &mut Output) -> Result<Step> {
        for n in batch.column(0).as_primitive::<Int64Type>().values() {
            *self.held.entry(*n).or_default() += 1;
        }
        Ok(Step::Done)
    }
    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Step> {
        self.until = watermark.time;
        self.resume(out)
    }
    fn resume(&mut self, out: &mut Output) -> Result<Step> {
        while let Some(entry) = self.held.first_entry().filter(|e| *e.key() <= self.until) {
            let (n, count) = entry.remove_entry();
            out.push(batch(vec![n; count as usize]));
            if out.is_full() {
                return Ok(Step::More);
            }
        }
        Ok(Step::Done)
    }
    fn snapshot(&mut self) -> Snapshot {
        self.version += 1;
        let data = Arc::new(Held(self.held.iter().map(|(n, c)| (*n, *c)).collect()));
        Snapshot {
            tables: vec![TableSnapshot {
                name: "held".into(),
                chunks: vec![SnapshotChunk {
                    id: 0,
                    version: self.version,
                    data,
                }],
            }],
        }
    }
    fn restore(&mut self, parts: &[SnapshotPart]) -> Result<()> {
        let (range, max) = self.key_groups.unwrap();
        for part in parts {
            for pair in part.bytes.chunks(16) {
                let n = i64::from_le_bytes(pair[..8].try_into().unwrap());
                let mut groups = Vec::new();
                key_group::assign(&[Arc::new(Int64Array::from(vec![n]))], 1, max, &mut groups)?;
                if range.contains(groups[0]) {
                    *self.held.entry(n).or_default() += u64::from_le_bytes(pair[8..].try_into().unwrap());
                }
            }
        }
        Ok(())
    }
}

/// What was committed: per epoch the numbers. A second commit of an epoch changes nothing.
type Ledger = Arc<Mutex<BTreeMap<(String, Epoch), Vec<i64>>>>;

struct LedgerSink(Ledger);
struct LedgerWriter(Vec<i64>);
/// Also holds the coordinator to the order of calls: survey, commit what this run decided, clear once.
struct LedgerCommitter {
    ledger: Ledger,
    incarnation: String,
    surveyed: bool,
    /// An epoch was committed since.
    decided: bool,
    cleared: bool,
}

impl Sink for LedgerSink {
    fn writer(&self, _: &SubtaskContext, _: &str) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(LedgerWriter(vec![])))
    }
    fn committer(&self, incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        Ok(Some(Box::new(LedgerCommitter {
            ledger: Arc::clone(&self.0),
            incarnation: incarnation.to_string(),
            surveyed: false,
            decided: false,
            cleared: false,
        })))
    }
}
impl SinkWriter for LedgerWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.0.extend(batch.column(0).as_primitive::<Int64Type>().values());
        Ok(())
    }
    fn pre_commit(&mut self, _: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        let rows = std::mem::take(&mut self.0);
        Ok(Box::pin(
            async move { Ok(vec![Committable(rows.iter().flat_map(|n| n.to_le_bytes()).collect())]) },
        ))
    }
}
impl SinkCommitter for LedgerCommitter {
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        let rows: Vec<i64> = commit
            .committables
            .iter()
            .flat_map(|c| c.0.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())))
            .collect();
        self.decided = self.surveyed;
        let before = self.ledger.lock().unwrap().insert((self.incarnation.clone(), commit.epoch), rows.clone());
        assert!(before.is_none_or(|b| b == rows), "an epoch was committed with other rows");
        Box::pin(async { Ok(()) })
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        assert!(!self.surveyed, "surveyed twice");
        self.surveyed = true;
        Box::pin(async { Ok(()) })
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        assert!(self.decided, "cleared before this run has decided an epoch");
        assert!(!self.cleared, "cleared twice");
        self.cleared = true;
        Box::pin(async { Ok(()) })
    }
}

struct Setup {
    rows: i64,
    bounded: bool,
    parallelism: u32,
    workers: usize,
    failing: u64,
    store: Arc<dyn Store>,
    ledger: Ledger,
}

impl Setup {
    fn new(rows: i64) -> Self {
        Setup {
            rows,
            bounded: true,
            parallelism: 2,
            workers: 2,
            failing: 0,
            store: Arc::new(memory::Memory::default()),
            ledger: Ledger::default(),
        }
    }
    fn job(&self) -> Job {
        let node = |id: &str, kind| Node {
            id: id.into(),
            name: id.into(),
            kind,
            parallelism: None,
        };
        let source = SourceNode {
            source: Arc::new(Numbers {
                splits: 5,
                rows: self.rows,
                bounded: self.bounded,
                failing: Arc::new(AtomicU64::new(self.failing)),
            }),
            scan: Arc::new(|| Ok(Box::new(NumbersScan))),
            idle_timeout_ms: None,
            processing_time: false,
            alignment: None,
            table: "numbers".into(),
            bad_records: BadRecords::Fail,
            keep_origins: false,
        };
        let hold: MakeOperator = Arc::new(|c| {
            Ok(Box::new(HoldBack {
                key_groups: Some((c.key_groups, c.max_parallelism)),
                ..HoldBack::default()
            }))
        });
        let edge = |from, to, exchange| Edge {
            from,
            port: 0,
            to,
            input: 0,
            exchange,
        };
        let graph = Graph {
            nodes: vec![
                node("source", NodeKind::Source(source)),
                node("hold", NodeKind::Operator(hold)),
                node("sink", NodeKind::Sink(Arc::new(LedgerSink(Arc::clone(&self.ledger))))),
            ],
            edges: vec![edge(0, 1, Exchange::Hash(vec![0])), edge(1, 2, Exchange::Forward)],
        };
        let config = JobConfig {
            channel_rows: 1000,
            name: "test".into(),
            parallelism: self.parallelism,
            max_parallelism: 128,
            checkpoint_interval: Duration::from_millis(1),
            checkpoint_timeout: Duration::from_secs(60),
            checkpoints_retained: 1,
            tolerable_failed_checkpoints: 3,
            restart_attempts: 3,
            restart_backoff: Duration::ZERO,
            restart_backoff_max: Duration::ZERO,
            workers: self.workers,
            plan: "{}".into(),
        };
        let names = Arc::new(AtomicU64::new(0));
        let turn = AtomicU64::new(0);
        let rim = Rim {
            pick: Arc::new(move |n| turn.fetch_add(1, Relaxed) as usize % n),
            clock: Arc::new(SystemClock::default()),
            timer: Arc::new(TokioTimer),
            show: |_, row| format!("row {row}"),
            unique: Arc::new(move || format!("{:032x}", names.fetch_add(1, Ordering::SeqCst))),
        };
        Job {
            graph,
            config,
            rim,
            checkpoints: Some(Checkpoints::new(Arc::clone(&self.store), "test")),
            incarnation: "f".repeat(32),
            after: None,
            metrics: Arc::default(),
        }
    }
    fn committed(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.ledger.lock().unwrap().values().flatten().copied().collect();
        all.sort_unstable();
        all
    }
}

fn all(rows: i64) -> Vec<i64> {
    (0..rows).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_committed_once_at_any_parallelism() {
    for (parallelism, workers) in [(1, 1), (1, 0), (3, 0), (2, 2), (7, 2)] {
        let setup = Setup {
            parallelism,
            workers,
            ..Setup::new(2000)
        };
        let outcome = setup.job().run(&Control::default()).await.unwrap();
        assert_eq!(outcome, Outcome::Finished);
        assert_eq!(setup.committed(), all(2000), "parallelism {parallelism}, {workers} workers");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transient_failure_at_any_fetch_loses_and_doubles_nothing() {
    for failing in 1..60 {
        let setup = Setup {
            failing,
            workers: (failing % 3) as usize,
            ..Setup::new(250)
        };
        let job = setup.job();
        let metrics = Arc::clone(&job.metrics);
        job.run(&Control::default()).await.unwrap();
        assert_eq!(setup.committed(), all(250), "failure at fetch {failing}");
        if failing < 30 {
            assert_eq!(metrics.restarts.load(Relaxed), 1, "the planted failure was not met");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_job_goes_on_at_another_parallelism() {
    let mut setup = Setup {
        bounded: false,
        ..Setup::new(1000)
    };
    for parallelism in [2, 1, 4, 3] {
        setup.parallelism = parallelism;
        let control = Control::default();
        let job = setup.job();
        let metrics = Arc::clone(&job.metrics);
        let stop = control.clone();
        // Stop once a few checkpoints of this run are through.
        let watch = tokio::spawn(async move {
            while metrics.checkpoints.completed.load(Relaxed) < 3 {
                tokio::task::yield_now().await;
            }
            stop.stop();
        });
        assert_eq!(job.run(&control).await.unwrap(), Outcome::Stopped);
        watch.await.unwrap();
        setup.rows += 500;
    }
    setup.bounded = true;
    assert_eq!(setup.job().run(&Control::default()).await.unwrap(), Outcome::Finished);
    assert_eq!(setup.committed(), all(setup.rows));
    // The finished job does nothing when run again.
    assert_eq!(setup.job().run(&Control::default()).await.unwrap(), Outcome::Finished);
    assert_eq!(setup.committed(), all(setup.rows));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_taken_over_commits_nothing_more() {
    let setup = Setup {
        bounded: false,
        ..Setup::new(1000)
    };
    let first = setup.job();
    let metrics = Arc::clone(&first.metrics);
    let running = tokio::spawn(async move { first.run(&Control::default()).await });
    while metrics.checkpoints.completed.load(Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    let second = Setup {
        bounded: true,
        rows: setup.rows,
        store: Arc::clone(&setup.store),
        ledger: Arc::clone(&setup.ledger),
        ..Setup::new(1000)
    };
    let mut job = second.job();
    // Another process draws other names.
    job.rim.unique = Arc::new({
        let n = AtomicU64::new(1 << 40);
        move || format!("{:032x}", n.fetch_add(1, Ordering::SeqCst))
    });
    assert_eq!(job.run(&Control::default()).await.unwrap(), Outcome::Finished);
    let e = running.await.unwrap().unwrap_err();
    assert_eq!(e.kind, ErrorKind::Fenced, "{e}");
    assert_eq!(setup.committed(), all(1000));
}

/// Breaks down over a number.
struct Panics(Box<dyn Operator>);

impl Operator for Panics {
    fn on_batch(&mut self, input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let numbers = batch.column(0).as_primitive::<Int64Type>().values();
        assert!(!numbers.contains(&1500), "cannot count so far");
        self.0.on_batch(input, batch, out)
    }
    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Step> {
        self.0.on_watermark(watermark, out)
    }
    fn resume(&mut self, out: &mut Output) -> Result<Step> {
        self.0.resume(out)
    }
    fn snapshot(&mut self) -> Snapshot {
        self.0.snapshot()
    }
    fn restore(&mut self, parts: &[SnapshotPart]) -> Result<()> {
        self.0.restore(parts)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_the_job_and_its_last_checkpoint_goes_on() {
    for workers in [0, 2] {
        let setup = Setup { workers, ..Setup::new(2000) };
        let mut job = setup.job();
        let NodeKind::Operator(make) = &mut job.graph.nodes[1].kind else {
            unreachable!("the second node is the operator")
        };
        let inner = Arc::clone(make);
        *make = Arc::new(move |c| Ok(Box::new(Panics(inner(c)?))));
        let e = job.run(&Control::default()).await.unwrap_err();
        assert!(e.kind == ErrorKind::Bug && e.message.contains("cannot count so far"), "{e}");
        assert_eq!(setup.job().run(&Control::default()).await.unwrap(), Outcome::Finished);
        assert_eq!(setup.committed(), all(2000), "{workers} workers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_is_asked_for_is_taken_whatever_the_interval() {
    let setup = Setup {
        bounded: false,
        ..Setup::new(1000)
    };
    let mut job = setup.job();
    job.config.checkpoint_interval = Duration::from_secs(3600);
    let metrics = Arc::clone(&job.metrics);
    let control = Control::default();
    let asks = control.clone();
    // The first one before the job has begun.
    asks.checkpoint();
    let watch = tokio::spawn(async move {
        for number in 1..=3 {
            while metrics.checkpoints.completed.load(Relaxed) < number {
                tokio::task::yield_now().await;
            }
            assert_eq!(metrics.checkpoints.completed.load(Relaxed), number);
            asks.checkpoint();
        }
        asks.stop();
    });
    assert_eq!(job.run(&control).await.unwrap(), Outcome::Stopped);
    watch.await.unwrap();
}
