//! What a test has given its tables, and the source that reads it in the place of a table's connector.

mod decoder;
mod reader;

use super::row::{Row, RowKey, cells};
use crate::testing::cell::Order;
use arrow_array::RecordBatch;
use decoder::Decoder;
use millstream_dataflow::{BoxFuture, Error, Places, Result, RowKind, Source, Split, SplitDecoder, SplitReader, TableSpec};
use millstream_plan::TableDef;
use millstream_runtime::simulation::World;
use reader::Reader;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Something that came into a partition.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// A row of a batch of all columns that the step gave.
    Row(Arc<RecordBatch>, usize, RowKind),
    /// A record as its connector would find it.
    Raw(Vec<u8>),
    Watermark(i64),
}

/// An entry and its number over all partitions of the table.
#[derive(Debug)]
struct Given {
    entry: Entry,
    number: u64,
}

#[derive(Debug, Default)]
struct Partition {
    entries: Vec<Given>,
    idle: bool,
}

#[derive(Debug)]
struct Table {
    def: TableDef,
    partitions: Vec<Partition>,
}

#[derive(Debug, Default)]
struct State {
    tables: BTreeMap<String, Table>,
    given: u64,
    /// How often a reader has handed something over: idle partitions are told anew after that.
    deliveries: u64,
    finished: bool,
}

/// Shared by all lives of a job in one cell. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Input {
    // A std mutex: everything is on one thread.
    state: Arc<Mutex<State>>,
    /// Where the files of options are.
    directory: PathBuf,
}

impl Input {
    /// - `tables`: with the number of their partitions
    pub(super) fn new(tables: &BTreeMap<String, (TableDef, u32)>, directory: PathBuf) -> Self {
        let table = |(def, partitions): &(TableDef, u32)| Table {
            def: def.clone(),
            partitions: (0..*partitions).map(|_| Partition::default()).collect(),
        };
        let tables = tables.iter().map(|(name, t)| (name.clone(), table(t))).collect();
        Input {
            state: Arc::new(Mutex::new(State { tables, ..State::default() })),
            directory,
        }
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn partition<T>(&self, table: &str, partition: u32, then: impl FnOnce(&mut Partition, &mut u64) -> T) -> Result<T> {
        let mut state = self.state();
        let State { tables, given, .. } = &mut *state;
        let found = tables.get_mut(table).and_then(|t| t.partitions.get_mut(partition as usize));
        found
            .map(|p| then(p, given))
            .ok_or_else(|| Error::bug(format!("the test has no partition {partition} of \"{table}\"")))
    }
    /// Adds to a partition, which is not idle any more.
    pub(super) fn give(&self, table: &str, partition: u32, entries: Vec<Entry>) -> Result<()> {
        self.partition(table, partition, |p, given| {
            p.idle = false;
            for entry in entries {
                p.entries.push(Given { entry, number: *given });
                *given += 1;
            }
        })
    }
    /// Sets the watermark of a partition, or of all.
    pub(super) fn advance(&self, table: &str, partition: Option<u32>, time: i64) -> Result<()> {
        let all = self.state().tables.get(table).map_or(0, |t| t.partitions.len() as u32);
        let partitions = partition.map_or(0..all, |p| p..p + 1);
        for partition in partitions {
            self.partition(table, partition, |p, given| {
                p.entries.push(Given {
                    entry: Entry::Watermark(time),
                    number: *given,
                });
                *given += 1;
            })?;
        }
        Ok(())
    }
    pub(super) fn idle(&self, table: &str, partition: u32) -> Result<()> {
        self.partition(table, partition, |p, _| p.idle = true)
    }
    /// Nothing more comes.
    pub(super) fn finish(&self) {
        self.state().finished = true;
    }
    /// The whole row that a late one was given as.
    pub(super) fn row(&self, key: &RowKey) -> Result<Row> {
        let (entry, def) = {
            let state = self.state();
            let table = state
                .tables
                .get(&key.table)
                .ok_or_else(|| Error::bug("a late row of a table that is not read"))?;
            let partition = table.partitions.get(key.partition as usize);
            let given = partition.and_then(|p| p.entries.get(key.number as usize));
            let entry = given.map(|g| g.entry.clone());
            (entry.ok_or_else(|| Error::bug("a late row that was not given"))?, table.def.clone())
        };
        let mut spec = def.spec();
        // Of metadata that was not given nothing is known.
        spec.columns.iter_mut().for_each(|c| c.field.nullable = true);
        let decoder = Decoder::new(&spec, &def, &self.directory)?;
        let batch = decoder.rows(key.partition, key.number, std::slice::from_ref(&entry))?;
        let schema = spec.schema();
        Ok(Row {
            kind: RowKind::Insert,
            cells: cells(&batch.batch.data, 0, &schema),
            key: Some(key.clone()),
        })
    }
    /// A table's source for the columns of a spec.
    pub(super) fn source(&self, spec: &TableSpec, order: &Order, world: &World) -> Result<Arc<dyn Source>> {
        let def = self.state().tables.get(&spec.name).map(|t| t.def.clone());
        Ok(Arc::new(TestSource {
            input: self.clone(),
            spec: spec.clone(),
            def: def.ok_or_else(|| Error::bug(format!("the test does not know the table \"{}\"", spec.name)))?,
            order: order.clone(),
            world: world.clone(),
        }))
    }
}

/// Whether records of a table can be given as they are.
///
/// # Errors
/// `Config` for a table that a record's bytes are not enough for.
pub(super) fn takes_raw(def: &TableDef, directory: &Path) -> Result<()> {
    Decoder::new(&def.spec(), def, directory)?.check_raw()
}

/// The name of a partition's split, as that of its connector would be.
fn split_id(def: &TableDef, partition: u32) -> String {
    match def.options.get("topic") {
        Some(topic) => format!("{topic}/{partition}"),
        None => format!("partition/{partition}"),
    }
}

/// The partition of a split.
pub(super) fn partition_of(split: &str) -> Result<u32> {
    let number = split.rsplit_once('/').and_then(|(_, n)| n.parse().ok());
    number.ok_or_else(|| Error::bug(format!("\"{split}\" is no partition of a test")))
}

fn places(def: &TableDef, partition: u32) -> Places {
    match def.options.get("topic") {
        Some(topic) => Places::of_partition(topic, partition as i32),
        None => Places::new(format!("partition {partition}, row")),
    }
}

/// How many entries of a partition were handed over.
fn position(text: &str) -> Result<usize> {
    let number = text.strip_prefix("v1 ").and_then(|n| n.parse().ok());
    number.ok_or_else(|| Error::corrupt(format!("\"{text}\" is no position of a test")))
}

struct TestSource {
    input: Input,
    spec: TableSpec,
    def: TableDef,
    order: Order,
    world: World,
}

impl Source for TestSource {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        let partitions = self.input.state().tables.get(&self.spec.name).map_or(0, |t| t.partitions.len() as u32);
        let of = |partition: u32| {
            let id = split_id(&self.def, partition);
            let position = known.iter().find(|k| k.id == id).map_or_else(|| "v1 0".to_string(), |k| k.position.clone());
            Split { id, position }
        };
        let splits = (0..partitions).map(of).collect();
        Box::pin(async move { Ok(splits) })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        Ok(Box::new(Reader::new(
            self.input.clone(),
            self.spec.name.clone(),
            splits,
            self.order.clone(),
            self.world.clone(),
        )?))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(Box::new(Decoder::new(&self.spec, &self.def, &self.input.directory)?))
    }
    fn bounded(&self) -> bool {
        true
    }
}
