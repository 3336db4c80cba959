//! A counter per key, with a defect on demand: the harness must find each.

use super::*;
use crate::testing::report::caught;
use crate::*;
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray, StringViewArray};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    LosesStateOnRestore,
    LosesARowWhenFull,
    ForgetsToResume,
    TakesForeignKeys,
    KeepsAnOldVersion,
    SharesStateWithItsSnapshot,
    CountsPerBatch,
    DropsLateRowsSilently,
    GivesRowsInAnyOrder,
    KeepsABufferAtTheBarrier,
}

struct Counter {
    defect: Defect,
    context: SubtaskContext,
    /// Shared with snapshots by one of the defects.
    counts: Arc<Mutex<BTreeMap<String, i64>>>,
    buffer: BTreeMap<String, i64>,
    version: u64,
    emit: Vec<(String, i64)>,
}

#[derive(Debug)]
struct Counts(Arc<Mutex<BTreeMap<String, i64>>>);

impl ChunkData for Counts {
    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|(k, n)| format!("{k}={n}\n"))
            .collect::<String>()
            .into_bytes())
    }
}

static ORDER: AtomicUsize = AtomicUsize::new(0);

impl Counter {
    fn give(&mut self, out: &mut Output) -> Result<Step> {
        while let Some((key, n)) = self.emit.pop() {
            if out.is_full() {
                if self.defect != Defect::LosesARowWhenFull {
                    self.emit.push((key, n));
                }
                return Ok(if self.defect == Defect::ForgetsToResume { Step::Done } else { Step::More });
            }
            out.push(Batch::new(testing::rows(&columns("k STRING, n BIGINT"), [format!("{key} | {n}")])));
        }
        Ok(Step::Done)
    }
}

impl Operator for Counter {
    fn on_batch(&mut self, _: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let late: Vec<bool> = (0..batch.num_rows()).map(|r| batch.stamp_at(r) >= 100).collect();
        let late = BooleanArray::from(late);
        if late.true_count() > 0 && self.defect != Defect::DropsLateRowsSilently {
            out.count("late", late.true_count() as u64);
            out.push_to(Output::LATE, batch.filter(&late)?);
        }
        let mut seen = Vec::new();
        for (row, key) in batch.column(0).as_string_view().iter().enumerate().filter(|(r, _)| !late.value(*r)) {
            let key = key.unwrap_or_default().to_string();
            if self.defect == Defect::CountsPerBatch && seen.contains(&key) {
                continue;
            }
            seen.push(key.clone());
            let n = if batch.kind(row) == RowKind::Delete { -1 } else { 1 };
            if self.defect == Defect::KeepsABufferAtTheBarrier {
                *self.buffer.entry(key).or_default() += n;
            } else {
                *self.counts.lock().unwrap().entry(key).or_default() += n;
            }
        }
        if self.defect != Defect::KeepsAnOldVersion {
            self.version += 1;
        }
        Ok(Step::Done)
    }
    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Step> {
        if watermark.time == Watermark::END {
            let mut counts = std::mem::take(&mut *self.counts.lock().unwrap());
            for (key, n) in std::mem::take(&mut self.buffer) {
                *counts.entry(key).or_default() += n;
            }
            self.version += 1;
            self.emit = counts.into_iter().collect();
            if self.defect == Defect::GivesRowsInAnyOrder && ORDER.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
                self.emit.reverse();
            }
        }
        self.give(out)
    }
    fn resume(&mut self, out: &mut Output) -> Result<Step> {
        self.give(out)
    }
    fn snapshot(&mut self) -> Snapshot {
        let data = match self.defect {
            Defect::SharesStateWithItsSnapshot => Arc::clone(&self.counts),
            _ => Arc::new(Mutex::new(self.counts.lock().unwrap().clone())),
        };
        let chunk = SnapshotChunk {
            id: 1,
            version: self.version,
            data: Arc::new(Counts(data)),
        };
        let table = TableSnapshot {
            name: "counts".into(),
            chunks: vec![chunk],
        };
        Snapshot { tables: vec![table] }
    }
    fn restore(&mut self, parts: &[SnapshotPart]) -> Result<()> {
        if self.defect == Defect::LosesStateOnRestore {
            return Ok(());
        }
        let mut groups = Vec::new();
        for line in parts.iter().flat_map(|p| std::str::from_utf8(&p.bytes).unwrap().lines()) {
            let (key, n) = line.split_once('=').unwrap();
            let keys: ArrayRef = Arc::new(StringViewArray::from(vec![key]));
            key_group::assign(&[keys], 1, self.context.max_parallelism, &mut groups)?;
            if self.context.key_groups.contains(groups[0]) || self.defect == Defect::TakesForeignKeys {
                self.counts.lock().unwrap().insert(key.to_string(), n.parse().unwrap());
            }
        }
        Ok(())
    }
    fn state_bytes(&self) -> usize {
        self.counts.lock().unwrap().len()
    }
}

fn counter(defect: Defect) -> impl Fn(&SubtaskContext) -> Result<Box<dyn Operator>> {
    move |context| {
        Ok(Box::new(Counter {
            defect,
            context: context.clone(),
            counts: Arc::default(),
            buffer: BTreeMap::new(),
            version: 1,
            emit: Vec::new(),
        }))
    }
}

fn check(defect: Defect) -> String {
    caught(|| {
        check_operator(counter(defect), &["k STRING"])
            .keys(&[&[0]])
            .input(["a", "b", "a", "c @ 99", "b", "watermark 50", "a", "d", "e @ 100", "c", "-D a", "end"])
            .late(["e"])
            .counts(&[("late", 1)])
            .leaves_no_state()
            .expect(["a | 2", "b | 2", "c | 2", "d | 1"]);
    })
}

#[test]
fn a_sound_operator_passes() {
    assert_eq!(check(Defect::None), "");
}

#[test]
fn each_planted_defect_is_found() {
    for (defect, told) in [
        (Defect::LosesStateOnRestore, "restored after every batch: rows differ"),
        (Defect::LosesARowWhenFull, "an output that is full after every row: rows differ"),
        (Defect::ForgetsToResume, "an output that is full after every row: rows differ"),
        (Defect::TakesForeignKeys, "rescaled 1 to 3 to 2 subtasks: rows differ"),
        (Defect::KeepsAnOldVersion, "crashed after event"),
        (Defect::SharesStateWithItsSnapshot, "crashed after event"),
        (Defect::CountsPerBatch, "whole input at once: rows differ"),
        (Defect::DropsLateRowsSilently, "whole input at once: late rows differ"),
        (Defect::GivesRowsInAnyOrder, "in another order"),
        (Defect::KeepsABufferAtTheBarrier, "restored after every batch: rows differ"),
    ] {
        let message = check(defect);
        assert!(message.contains(told), "{defect:?}: {message}");
    }
}

#[test]
fn a_finding_tells_regime_rows_and_input() {
    let message = check(Defect::LosesStateOnRestore);
    for told in [
        "expected, but missing:",
        "1 x a | 2",
        "there, but not expected:\n    nothing",
        "input:\n    a\n    b",
    ] {
        assert!(message.contains(told), "{told} in {message}");
    }
}

/// Passes rows on from two inputs, a changelog included.
struct Pass;

impl Operator for Pass {
    fn on_batch(&mut self, _: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        out.push(batch);
        Ok(Step::Done)
    }
}

#[test]
fn changelogs_are_compared_as_the_table_they_fold_to() {
    let case = || check_operator(|_| Ok(Box::new(Pass)), &["a INT", "a INT"]).input(["+I 1", "1> +I 2", "-U 1", "+U 3", "end"]);
    case().expect(["2", "3"]);
    let message = caught(|| case().expect(["1", "2", "3"]));
    assert!(message.contains("1 x 1"), "{message}");
    let message = caught(|| check_operator(|_| Ok(Box::new(Pass)), &["a INT"]).input(["-D 1"]).expect([""; 0]));
    assert!(message.contains("takes back a row that is not there"), "{message}");
}

#[test]
fn operators_are_chained_with_an_exchange_between() {
    check_operator(|_| Ok(Box::new(Pass)), &["k STRING"])
        .then(counter(Defect::None), &[0])
        .input(["a", "b", "a", "end"])
        .leaves_no_state()
        .expect(["a | 2", "b | 1"]);
}
