//! A table in memory, with a defect on demand: the suite must find each.

use super::*;
use crate::testing::report::caught;
use crate::testing::{columns, rows};
use crate::{BoxFuture, Error};
use std::collections::BTreeMap;
use std::sync::Mutex;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    ShowsRowsAtOnce,
    ShowsRowsAtPreCommit,
    CommitsTwice,
    KeepsLeftovers,
    KeepsRowsInTheProcess,
    SharesNames,
    MovesTheBarrier,
    ClearsOtherJobs,
    RemovesWhatCameLater,
    LosesTheSecondWriter,
    TakesDamagedCommittables,
}

/// What survives processes.
#[derive(Default)]
struct Table {
    visible: Vec<String>,
    committed: Vec<String>,
    staged: BTreeMap<String, Vec<String>>,
    writers: usize,
}

type Shared = Arc<Mutex<Table>>;

struct Memory {
    defect: Defect,
    table: Shared,
    /// Rows that a defect keeps in the process.
    process: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

struct Writer {
    defect: Defect,
    table: Shared,
    process: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    name: String,
    epochs: usize,
    rows: Arc<Mutex<Vec<String>>>,
}

struct Committer(Defect, Shared, Arc<Mutex<BTreeMap<String, Vec<String>>>>, String, Vec<String>);

impl Sink for Memory {
    fn writer(&self, subtask: &SubtaskContext, incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        let mut table = self.table.lock().unwrap();
        table.writers += 1;
        let number = if self.defect == Defect::SharesNames { 0 } else { table.writers };
        Ok(Box::new(Writer {
            defect: self.defect,
            table: Arc::clone(&self.table),
            process: Arc::clone(&self.process),
            name: format!("{incarnation}/{number}-{}", subtask.subtask),
            epochs: 0,
            rows: Arc::default(),
        }))
    }
    fn committer(&self, incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        let (table, process) = (Arc::clone(&self.table), Arc::clone(&self.process));
        Ok(Some(Box::new(Committer(self.defect, table, process, incarnation.to_string(), Vec::new()))))
    }
}

impl SinkWriter for Writer {
    fn write(&mut self, batch: Batch) -> Result<()> {
        if self.defect == Defect::ShowsRowsAtOnce {
            self.table.lock().unwrap().visible.extend(texts(&batch));
        }
        self.rows.lock().unwrap().extend(texts(&batch));
        Ok(())
    }
    fn pre_commit(&mut self, _: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        let name = format!("{}-{}", self.name, self.epochs);
        self.epochs += 1;
        let rows = match self.defect {
            Defect::MovesTheBarrier => Arc::clone(&self.rows),
            _ => Arc::new(Mutex::new(std::mem::take(&mut *self.rows.lock().unwrap()))),
        };
        let (table, process, defect) = (Arc::clone(&self.table), Arc::clone(&self.process), self.defect);
        Ok(Box::pin(async move {
            let rows = std::mem::take(&mut *rows.lock().unwrap());
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            if defect == Defect::ShowsRowsAtPreCommit {
                table.lock().unwrap().visible.extend(rows.clone());
            }
            match defect {
                Defect::KeepsRowsInTheProcess => process.lock().unwrap().insert(name.clone(), rows),
                _ => table.lock().unwrap().staged.insert(name.clone(), rows),
            };
            Ok(vec![Committable(format!("v1 {name}.").into_bytes())])
        }))
    }
}

impl SinkCommitter for Committer {
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let taken = if self.0 == Defect::LosesTheSecondWriter { 1 } else { usize::MAX };
            for c in commit.committables.iter().take(taken) {
                let name = std::str::from_utf8(&c.0)
                    .ok()
                    .and_then(|t| t.strip_prefix("v1 ")?.strip_suffix('.'))
                    .map(str::to_string);
                let Some(name) = name else {
                    if self.0 == Defect::TakesDamagedCommittables {
                        continue;
                    }
                    return Err(Error::corrupt("a committable is damaged"));
                };
                let mut table = self.1.lock().unwrap();
                if table.committed.contains(&name) && self.0 != Defect::CommitsTwice {
                    continue;
                }
                let kept = if self.0 == Defect::CommitsTwice {
                    table.staged.get(&name).cloned()
                } else {
                    table.staged.remove(&name)
                };
                let rows = kept.or_else(|| self.2.lock().unwrap().remove(&name));
                let rows = rows.ok_or_else(|| Error::corrupt(format!("{name} is gone")))?;
                table.visible.extend(rows);
                table.committed.push(name);
            }
            Ok(())
        })
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        self.4 = self.1.lock().unwrap().staged.keys().cloned().collect();
        Box::pin(std::future::ready(Ok(())))
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        let (defect, life, seen) = (self.0, self.3.clone(), std::mem::take(&mut self.4));
        let keep = |name: &String| match defect {
            Defect::KeepsLeftovers => true,
            Defect::ClearsOtherJobs => !seen.contains(name),
            Defect::RemovesWhatCameLater => !name.starts_with(&life),
            _ => !name.starts_with(&life) || !seen.contains(name),
        };
        self.1.lock().unwrap().staged.retain(|name, _| keep(name));
        Box::pin(std::future::ready(Ok(())))
    }
}

fn run(defect: Defect) -> String {
    let table = Shared::default();
    caught(|| {
        sink_suite(&SinkCase {
            open: &|| {
                Ok(Arc::new(Memory {
                    defect,
                    table: Arc::clone(&table),
                    process: Arc::default(),
                }))
            },
            rows: &|n| Batch::new(rows(&columns("n BIGINT"), [format!("{n}"), format!("{}", n + 1_000_000)])),
            visible: Some(&|| table.lock().unwrap().visible.clone()),
            leftovers: &|| table.lock().unwrap().staged.keys().cloned().collect(),
            atomic: false,
        });
    })
}

#[test]
fn a_sound_sink_passes() {
    assert_eq!(run(Defect::None), "");
}

#[test]
fn each_planted_defect_is_found() {
    for (defect, told) in [
        (Defect::ShowsRowsAtOnce, "after rows were written"),
        (Defect::ShowsRowsAtPreCommit, "after an epoch was pre-committed"),
        (Defect::CommitsTwice, "committed again"),
        (Defect::KeepsLeftovers, "is left"),
        (Defect::KeepsRowsInTheProcess, "a crash between decision and commit"),
        (Defect::SharesNames, "after the epoch was committed"),
        (Defect::MovesTheBarrier, "rows behind the barrier"),
        (Defect::ClearsOtherJobs, "another job"),
        (Defect::RemovesWhatCameLater, "a former process that clears up"),
        (Defect::LosesTheSecondWriter, "two writers"),
        (Defect::TakesDamagedCommittables, "damaged committables"),
    ] {
        let message = run(defect);
        assert!(message.contains(told), "{defect:?}: {message}");
    }
}
