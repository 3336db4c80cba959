use super::*;
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
        clock: Arc::new(Ticking::default()),
        metrics: crate::metrics::JobMetrics::default().node("t", "t", crate::metrics::NodeRole::Source, 1),
        time,
        table: "t".to_string(),
        subtask: 0,
    });
    let (mut rows, mut watermarks) = (0, Vec::new());
    for _ in 0..8 {
        match head.step().unwrap() {
            Some(Emitted::Batch(batch)) => {
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
