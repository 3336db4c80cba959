use super::*;
use crate::alignment::AlignmentGroup;
use crate::feed::FeedQueue;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch};
use millstream_dataflow::{Decoded, Places, Scanned, SplitReader};
use std::sync::atomic::AtomicI64;

fn stamps(candidates: &[Option<i64>], start: i64) -> (Vec<i64>, i64) {
    let mut watermark = start;
    let stamp = stamp(&Int64Array::from(candidates.to_vec()), &mut watermark);
    ((0..candidates.len()).map(|i| stamp.at(i)).collect(), watermark)
}

#[test]
fn a_row_is_stamped_with_the_watermark_before_it() {
    assert_eq!(stamps(&[Some(5), Some(3), None, Some(9), Some(7)], 4), (vec![4, 5, 5, 5, 9], 9));
    assert_eq!(stamps(&[Some(1), Some(2)], 4), (vec![4, 4], 4));
    assert_eq!(stamps(&[Some(9)], 4), (vec![4], 9));
    assert_eq!(stamps(&[], 4), (vec![], 4));
}

#[test]
fn stamps_do_not_depend_on_batch_cuts() {
    let all = [Some(5), Some(3), None, Some(9), Some(7), Some(10), Some(2)];
    let whole = stamps(&all, Watermark::NONE);
    for cut in 0..all.len() {
        let (mut left, middle) = stamps(&all[..cut], Watermark::NONE);
        let (right, end) = stamps(&all[cut..], middle);
        left.extend(right);
        assert_eq!((left, end), whole, "cut at {cut}");
    }
}

/// One split has rows without end, the other none.
struct Busy;

impl SplitReader for Busy {
    fn fetch(&mut self, _wait: Duration) -> Result<Fetch> {
        Ok(Fetch::Chunk(Chunk {
            split: "busy".to_string(),
            bytes: 0,
            payload: Box::new(()),
        }))
    }
}

fn one_row() -> Batch {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    Batch::new(RecordBatch::try_from_iter([("n", column)]).unwrap())
}

impl SplitDecoder for Busy {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        Ok(Decoded {
            tombstones: 0,
            batch: one_row(),
            split: Split {
                id: chunk.split,
                position: String::new(),
            },
            records: 1,
            bad: Vec::new(),
            places: Places::default(),
            raw: None,
        })
    }
}

/// Rows arrive when they are said to.
impl Scan for Busy {
    fn scan(&mut self, batch: Batch, arrived_ms: i64) -> Result<Scanned> {
        Ok(Scanned {
            candidates: Some(Int64Array::from(vec![arrived_ms - 1; batch.num_rows()])),
            batch,
            event_times: None,
            bad: Vec::new(),
        })
    }
}

/// Goes on by 100 ms with each look.
#[derive(Debug, Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now_ms(&self) -> i64 {
        self.0.fetch_add(100, Relaxed)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn processing_time_goes_on_though_a_split_has_no_rows_and_another_no_pause() {
    let time = Arc::new(SourceTime::new(true));
    let split = |id: &str| {
        let split = Split {
            id: id.to_string(),
            position: String::new(),
        };
        (split, Watermark::NONE)
    };
    let mut head = SourceHead::new(SourceHeadParts {
        feed: Feed::Inline(Box::new(Busy), Arc::clone(&time)),
        decoder: Box::new(Busy),
        scan: Box::new(Busy),
        splits: vec![split("busy"), split("quiet")],
        bounded: false,
        bad_records: BadRecords::Fail,
        keep_origins: false,
        idle_timeout: None,
        processing_time: true,
        alignment: None,
        clock: Arc::new(Ticking::default()),
        metrics: crate::metrics::JobMetrics::default().node("job", "t", "t", crate::metrics::NodeRole::Source, 1),
        time,
        table: "t".to_string(),
        subtask: 0,
    });
    let (mut rows, mut watermarks) = (0, Vec::new());
    for _ in 0..8 {
        match head.step().unwrap() {
            Some(Emitted::Chunk { rows: batch, .. }) => {
                // No row is late for a window that time has passed.
                let before = watermarks.last().copied().unwrap_or(Watermark::NONE);
                assert!(batch.stamp.as_ref().unwrap().at(0) <= before);
                rows += 1;
            }
            Some(Emitted::Watermark(time)) => watermarks.push(time),
            _ => panic!("there are always rows"),
        }
    }
    assert_eq!((rows, watermarks.len()), (4, 4));
    assert!(watermarks.is_sorted_by(|a, b| a < b), "{watermarks:?}");
}

/// Chunks of one row, its event time. The first split that has any and is wanted goes first.
struct Times {
    left: Vec<(&'static str, VecDeque<i64>)>,
    paused: BTreeSet<String>,
}

impl SplitReader for Times {
    fn fetch(&mut self, _wait: Duration) -> Result<Fetch> {
        let Some(at) = self.left.iter().position(|(id, _)| !self.paused.contains(*id)) else {
            return Ok(Fetch::Nothing);
        };
        let (id, times) = &mut self.left[at];
        match times.pop_front() {
            Some(time) => Ok(Fetch::Chunk(Chunk {
                split: id.to_string(),
                bytes: 8,
                payload: Box::new(time),
            })),
            None => Ok(Fetch::Finished(self.left.remove(at).0.to_string())),
        }
    }
    fn pause(&mut self, splits: &BTreeSet<String>) -> Result<()> {
        self.paused = splits.clone();
        Ok(())
    }
}

struct TimesDecoder;

impl SplitDecoder for TimesDecoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![*chunk.payload.downcast::<i64>().unwrap()]));
        Ok(Decoded {
            tombstones: 0,
            batch: Batch::new(RecordBatch::try_from_iter([("ts", column)]).unwrap()),
            split: Split {
                id: chunk.split,
                position: String::new(),
            },
            records: 1,
            bad: Vec::new(),
            places: Places::default(),
            raw: None,
        })
    }
}

impl Scan for TimesDecoder {
    fn scan(&mut self, batch: Batch, _arrived_ms: i64) -> Result<Scanned> {
        Ok(Scanned {
            candidates: Some(batch.column(0).as_primitive::<Int64Type>().clone()),
            batch,
            event_times: None,
            bad: Vec::new(),
        })
    }
}

const DRIFT: i64 = 20;

/// A bounded table in a group, its reader on a thread or not.
fn aligned(group: &Arc<AlignmentGroup>, on_a_thread: bool, splits: &[(&'static str, i64, i64)]) -> SourceHead {
    let time = Arc::new(SourceTime::new(false));
    let reader = Box::new(Times {
        left: splits.iter().map(|(id, from, to)| (*id, (*from..*to).collect())).collect(),
        paused: BTreeSet::new(),
    });
    let split = |id: &str| Split {
        id: id.to_string(),
        position: String::new(),
    };
    let alignment = millstream_dataflow::Alignment {
        group: String::new(),
        max_drift_ms: DRIFT as u64,
        update_interval_ms: 1_000,
    };
    SourceHead::new(SourceHeadParts {
        feed: match on_a_thread {
            true => Feed::Thread(FeedQueue::start("reader".to_string(), reader, Arc::clone(&time), Arc::default(), Arc::default()).unwrap()),
            false => Feed::Inline(reader, Arc::clone(&time)),
        },
        decoder: Box::new(TimesDecoder),
        scan: Box::new(TimesDecoder),
        splits: splits.iter().map(|(id, ..)| (split(id), Watermark::NONE)).collect(),
        bounded: true,
        bad_records: BadRecords::Fail,
        keep_origins: false,
        idle_timeout: None,
        processing_time: false,
        alignment: Some(Member::new(group, &alignment)),
        clock: Arc::new(Ticking::default()),
        metrics: crate::metrics::JobMetrics::default().node("job", "t", "t", crate::metrics::NodeRole::Source, 1),
        time,
        table: "t".to_string(),
        subtask: 0,
    })
}

/// Steps tables in turn until all have ended: the event times in the order in which they were let through.
fn run_aligned(mut heads: Vec<SourceHead>) -> Vec<i64> {
    let mut times = Vec::new();
    while heads.iter().any(|h| !h.ended()) {
        for head in &mut heads {
            if let Some(Emitted::Chunk { rows: batch, .. }) = head.step().unwrap() {
                times.push(batch.column(0).as_primitive::<Int64Type>().value(0));
            }
        }
    }
    times
}

/// Rows of 0 and of 1 000 on: but for the first of them, those that are ahead wait until the others are as near as the drift, or have ended.
fn check_aligned(times: &[i64]) {
    let mut behind = 0;
    for time in times {
        match *time {
            1_000 => {}
            ahead @ 1_001.. => assert!(behind == 999 || ahead - 1 <= behind + DRIFT, "{ahead} was read at {behind}"),
            time => behind = time,
        }
    }
    let mut all = times.to_vec();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..1_100), "no row is lost, none comes twice");
}

#[test]
fn a_split_that_is_ahead_waits_for_those_behind() {
    for on_a_thread in [false, true] {
        let one = aligned(&Arc::default(), on_a_thread, &[("ahead", 1_000, 1_100), ("behind", 0, 1_000)]);
        check_aligned(&run_aligned(vec![one]));
        let group = Arc::default();
        let ahead = aligned(&group, on_a_thread, &[("ahead", 1_000, 1_100)]);
        let behind = aligned(&group, on_a_thread, &[("behind", 0, 1_000)]);
        check_aligned(&run_aligned(vec![ahead, behind]));
    }
}

#[test]
fn splits_of_the_same_times_keep_within_the_drift_of_each_other() {
    let times = run_aligned(vec![aligned(&Arc::default(), false, &[("a", 0, 500), ("b", 0, 500)])]);
    let mut seen = BTreeMap::new();
    for time in &times {
        *seen.entry(*time).or_insert(0) += 1;
        let behind = (0..).find(|t| seen.get(t) != Some(&2)).unwrap();
        assert!(*time <= behind + DRIFT, "{time} was read when all before {behind} were");
    }
    assert_eq!(times.len(), 1_000);
}

/// A row and a record that is none, at every chunk.
struct Spoilt;

impl SplitDecoder for Spoilt {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let mut decoded = Busy.decode(chunk)?;
        decoded.split.position = "behind".to_string();
        decoded.bad.push(Rejected {
            number: 7,
            record: Some(b"{".to_vec()),
            event_time: None,
            why: millstream_dataflow::BadRecord {
                reason: "malformed",
                message: String::new(),
            },
        });
        Ok(decoded)
    }
}

/// A barrier may come behind any step: what the position covers must have left by then.
#[test]
fn dead_letters_leave_with_the_rows_of_their_chunk() {
    let time = Arc::new(SourceTime::new(true));
    let split = Split {
        id: "busy".to_string(),
        position: "before".to_string(),
    };
    let mut head = SourceHead::new(SourceHeadParts {
        feed: Feed::Inline(Box::new(Busy), Arc::clone(&time)),
        decoder: Box::new(Spoilt),
        scan: Box::new(Busy),
        splits: vec![(split, Watermark::NONE)],
        bounded: false,
        bad_records: BadRecords::Route,
        keep_origins: false,
        idle_timeout: None,
        processing_time: false,
        alignment: None,
        clock: Arc::new(Ticking::default()),
        metrics: crate::metrics::JobMetrics::default().node("job", "t", "t", crate::metrics::NodeRole::Source, 1),
        time,
        table: "t".to_string(),
        subtask: 0,
    });
    for _ in 0..4 {
        let letters = match head.step().unwrap() {
            Some(Emitted::Chunk { rows, rejected }) => rejected.map(|letters| (rows.num_rows(), letters.num_rows())),
            _ => continue,
        };
        let position = head.snapshot().remove(0).0.position;
        assert_eq!((letters, position.as_str()), (Some((1, 1)), "behind"));
    }
}

/// A row, then a watermark of the split itself, then a row that is behind it.
struct SaysItself(VecDeque<Fetch>);

impl SplitReader for SaysItself {
    fn fetch(&mut self, _wait: Duration) -> Result<Fetch> {
        Ok(self.0.pop_front().unwrap_or(Fetch::Nothing))
    }
}

#[test]
fn a_split_may_say_its_watermark_itself() {
    let time = Arc::new(SourceTime::new(true));
    let split = |position: &str| Split {
        id: "a".to_string(),
        position: position.to_string(),
    };
    let row = |time: i64| {
        Fetch::Chunk(Chunk {
            split: "a".to_string(),
            bytes: 8,
            payload: Box::new(time),
        })
    };
    let found = VecDeque::from([row(5), Fetch::Watermark(split("said"), 30), row(7), Fetch::Watermark(split("less"), 20)]);
    let mut head = SourceHead::new(SourceHeadParts {
        feed: Feed::Inline(Box::new(SaysItself(found)), Arc::clone(&time)),
        decoder: Box::new(TimesDecoder),
        scan: Box::new(TimesDecoder),
        splits: vec![(split(""), Watermark::NONE)],
        bounded: true,
        bad_records: BadRecords::Fail,
        keep_origins: false,
        idle_timeout: None,
        processing_time: false,
        alignment: None,
        clock: Arc::new(Ticking::default()),
        metrics: crate::metrics::JobMetrics::default().node("job", "t", "t", crate::metrics::NodeRole::Source, 1),
        time: Arc::clone(&time),
        table: "t".to_string(),
        subtask: 0,
    });
    let mut told = Vec::new();
    for _ in 0..8 {
        match head.step().unwrap() {
            Some(Emitted::Chunk { rows, .. }) => told.push(format!("row, stamped {}", rows.stamp_at(0))),
            Some(Emitted::Watermark(time)) => told.push(format!("watermark {time}")),
            Some(Emitted::Idle | Emitted::End) => told.push("end".to_string()),
            None => {}
        }
    }
    assert_eq!(
        told,
        [
            format!("row, stamped {}", Watermark::NONE).as_str(),
            "watermark 5",
            "watermark 30",
            "row, stamped 30"
        ]
    );
    assert_eq!((head.snapshot(), time.furthest()), (vec![(split("less"), 30)], 30));
}
