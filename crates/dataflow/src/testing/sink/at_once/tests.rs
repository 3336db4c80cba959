//! A table in memory that shows rows at once, with a defect on demand: the suite must find each.

use crate::testing::report::caught;
use crate::testing::rows::texts;
use crate::testing::{SinkCase, columns, rows, sink_suite};
use crate::{Batch, BoxFuture, Committable, Epoch, Result, Sink, SinkCommitter, SinkWriter, SubtaskContext};
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    /// Rows are kept until the epoch's end: none.
    Buffers,
    LosesTheSecondWriter,
    KeepsTheLastBatch,
    WritesTwice,
    EmptiesTheTable,
    HandsOver,
}

type Shared = Arc<Mutex<Vec<String>>>;

struct Memory(Defect, Shared);

struct Writer {
    defect: Defect,
    table: Shared,
    subtask: u32,
    kept: Vec<String>,
}

impl Sink for Memory {
    fn writer(&self, subtask: &SubtaskContext, _incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        if self.0 == Defect::EmptiesTheTable {
            self.1.lock().unwrap().clear();
        }
        Ok(Box::new(Writer {
            defect: self.0,
            table: Arc::clone(&self.1),
            subtask: subtask.subtask,
            kept: Vec::new(),
        }))
    }
    fn committer(&self, _incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        Ok(None)
    }
}

impl SinkWriter for Writer {
    fn write(&mut self, batch: Batch) -> Result<()> {
        let mut rows = texts(&batch);
        match self.defect {
            Defect::LosesTheSecondWriter if self.subtask == 1 => rows.clear(),
            Defect::KeepsTheLastBatch => std::mem::swap(&mut rows, &mut self.kept),
            Defect::Buffers => self.kept.append(&mut rows),
            Defect::WritesTwice => rows.extend(rows.clone()),
            _ => {}
        }
        self.table.lock().unwrap().extend(rows);
        Ok(())
    }
    fn pre_commit(&mut self, _: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        if self.defect == Defect::Buffers {
            self.table.lock().unwrap().append(&mut self.kept);
        }
        let handed = (self.defect == Defect::HandsOver).then(|| Committable(b"v1".to_vec()));
        Ok(Box::pin(async move { Ok(handed.into_iter().collect()) }))
    }
}

fn run(defect: Defect) -> String {
    let table = Shared::default();
    caught(|| {
        sink_suite(&SinkCase {
            open: &|| Ok(Arc::new(Memory(defect, Arc::clone(&table)))),
            rows: &|n| Batch::new(rows(&columns("n BIGINT"), [format!("{n}"), format!("{}", n + 1_000_000)])),
            visible: Some(&|| table.lock().unwrap().clone()),
            leftovers: &Vec::new,
            atomic: false,
        });
    })
}

#[test]
fn sound_sinks_pass() {
    assert_eq!(run(Defect::None), "");
    assert_eq!(run(Defect::Buffers), "");
}

#[test]
fn each_planted_defect_is_found() {
    for (defect, told) in [
        (Defect::LosesTheSecondWriter, "two writers: after an epoch was pre-committed"),
        (Defect::KeepsTheLastBatch, "two writers: after an epoch was pre-committed"),
        (Defect::WritesTwice, "two writers: after an epoch was pre-committed"),
        (Defect::EmptiesTheTable, "an epoch without rows"),
        (Defect::HandsOver, "which nobody commits"),
    ] {
        let message = run(defect);
        assert!(message.contains(told), "{defect:?}: {message}");
    }
}
