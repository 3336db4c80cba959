//! What a job has written: rows are seen once the checkpoint that holds them is complete.

use super::input::{Input, partition_of};
use super::row::{Row, RowKey, Value, cells, quoted};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use millstream_dataflow::{Batch, BoxFuture, Committable, Epoch, EpochCommit, Error, Result, RowKind, Schema, Sink, SinkCommitter, SinkWriter, SubtaskContext};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What rows are kept apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Of a table that is written.
    Table(String),
    /// Of a table that is read, too late.
    Late(String),
    /// Of a table that is read, no rows.
    Rejected(String),
}

#[derive(Debug, Default)]
struct State {
    /// By number: rows of epochs that nobody has decided yet, or that were committed.
    staged: BTreeMap<u64, Vec<(Place, Row)>>,
    next: u64,
    committed: BTreeMap<Place, Vec<Row>>,
    /// How many of them were looked at.
    seen: BTreeMap<Place, usize>,
}

/// Shared by all lives of a job in one cell. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Output {
    // A std mutex: everything is on one thread.
    state: Arc<Mutex<State>>,
}

impl Output {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// All rows of a place.
    pub(super) fn all(&self, place: &Place) -> Vec<Row> {
        self.state().committed.get(place).cloned().unwrap_or_default()
    }
    /// Those since the last look at it.
    pub(super) fn new_rows(&self, place: &Place) -> Vec<Row> {
        let mut state = self.state();
        let rows = state.committed.get(place).cloned().unwrap_or_default();
        let seen = state.seen.insert(place.clone(), rows.len()).unwrap_or(0);
        rows[seen..].to_vec()
    }
    /// A sink for one of the job's tables.
    pub(super) fn table(&self, name: &str, schema: Schema) -> Arc<dyn Sink> {
        Arc::new(CollectingSink {
            output: self.clone(),
            of: Of::Rows(Place::Table(name.to_string()), schema),
        })
    }
    /// A sink for the rows of these tables that come too late.
    pub(super) fn late(&self, tables: Vec<String>, input: &Input) -> Arc<dyn Sink> {
        Arc::new(CollectingSink {
            output: self.clone(),
            of: Of::Late(tables, input.clone()),
        })
    }
    /// A sink for a table's records that are no rows.
    pub(super) fn rejected(&self, table: &str) -> Arc<dyn Sink> {
        Arc::new(CollectingSink {
            output: self.clone(),
            of: Of::Rejected(table.to_string()),
        })
    }
}

#[derive(Clone)]
enum Of {
    Rows(Place, Schema),
    Late(Vec<String>, Input),
    Rejected(String),
}

impl Of {
    fn rows(&self, batch: &Batch) -> Result<Vec<(Place, Row)>> {
        match self {
            Of::Rows(place, schema) => Ok((0..batch.num_rows())
                .map(|row| {
                    let made = Row {
                        kind: batch.kind(row),
                        cells: cells(&batch.data, row, schema),
                        key: None,
                    };
                    (place.clone(), made)
                })
                .collect()),
            Of::Late(tables, input) => {
                let mut late = Vec::new();
                for table in tables {
                    let Some(origins) = &batch.origins else { continue };
                    let letters = origins.late_letters(table)?;
                    for row in 0..letters.num_rows() {
                        let key = RowKey {
                            table: table.clone(),
                            partition: partition_of(text(&letters, "split", row).unwrap_or_default())?,
                            number: number(&letters, row),
                        };
                        late.push((Place::Late(table.clone()), input.row(&key)?));
                    }
                }
                Ok(late)
            }
            Of::Rejected(table) => (0..batch.num_rows())
                .map(|row| Ok((Place::Rejected(table.clone()), rejected(&batch.data, row)?)))
                .collect(),
        }
    }
}

/// A dead letter as EXPECT REJECTED shows it.
fn rejected(letters: &RecordBatch, row: usize) -> Result<Row> {
    let record = letters
        .column_by_name("record")
        .and_then(|c| c.as_binary_view_opt())
        .filter(|c| c.is_valid(row));
    let record = record.map(|c| String::from_utf8_lossy(c.value(row)).into_owned());
    let partition = partition_of(text(letters, "split", row).unwrap_or_default())?.to_string();
    let of = |text: Option<String>| Value {
        literal: text.as_deref().map_or("NULL".to_string(), quoted),
        text,
    };
    let owned = |name: &str| text(letters, name, row).map(str::to_string);
    let number = Value {
        text: Some(partition.clone()),
        literal: partition,
    };
    Ok(Row {
        kind: RowKind::Insert,
        cells: vec![of(owned("reason")), of(owned("message")), of(record), number],
        key: None,
    })
}

fn text<'a>(letters: &'a RecordBatch, name: &str, row: usize) -> Option<&'a str> {
    let column = letters.column_by_name(name)?.as_string_view_opt()?;
    column.is_valid(row).then(|| column.value(row))
}

fn number(letters: &RecordBatch, row: usize) -> u64 {
    let column = letters.column_by_name("offset").and_then(|c| c.as_primitive_opt::<Int64Type>());
    column.map_or(0, |c| c.value(row) as u64)
}

struct CollectingSink {
    output: Output,
    of: Of,
}

struct Writer {
    output: Output,
    of: Of,
    rows: Vec<(Place, Row)>,
}

struct Committer(Output);

impl Sink for CollectingSink {
    fn writer(&self, _subtask: &SubtaskContext, _incarnation: &str) -> Result<Box<dyn SinkWriter>> {
        Ok(Box::new(Writer {
            output: self.output.clone(),
            of: self.of.clone(),
            rows: Vec::new(),
        }))
    }
    fn committer(&self, _incarnation: &str) -> Result<Option<Box<dyn SinkCommitter>>> {
        Ok(Some(Box::new(Committer(self.output.clone()))))
    }
}

impl SinkWriter for Writer {
    fn write(&mut self, batch: Batch) -> Result<()> {
        self.rows.extend(self.of.rows(&batch)?);
        Ok(())
    }
    /// A committable is the number under which the rows are staged.
    fn pre_commit(&mut self, _epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        let rows = std::mem::take(&mut self.rows);
        let mut state = self.output.state();
        let number = state.next;
        let committables = match rows.is_empty() {
            true => Vec::new(),
            false => {
                state.next += 1;
                state.staged.insert(number, rows);
                vec![Committable(number.to_le_bytes().to_vec())]
            }
        };
        Ok(Box::pin(async { Ok(committables) }))
    }
}

impl SinkCommitter for Committer {
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        let done = commit.committables.iter().try_for_each(|c| {
            let number = <[u8; 8]>::try_from(c.0.as_slice()).map_err(|_| Error::corrupt("a committable of a test is no number"))?;
            let mut state = self.0.state();
            // What was committed before is not there any more.
            let rows = state.staged.remove(&u64::from_le_bytes(number)).unwrap_or_default();
            for (place, row) in rows {
                state.committed.entry(place).or_default().push(row);
            }
            Ok(())
        });
        Box::pin(std::future::ready(done))
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
