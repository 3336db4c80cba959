//! Keyed tables: rows of key columns interned to dense ids, columns of state by id, snapshots by chunk.

mod chunk;
mod frame;
mod index;
mod singleton;

pub use index::KeyIndex;
pub use singleton::{read_singleton, singleton};

use arrow_array::{Array, ArrayRef, BooleanArray};
use chunk::TableChunk;
use millstream_dataflow::column::CHUNK_IDS;
use millstream_dataflow::{Error, KeyGroupRange, Result, SnapshotChunk, SnapshotPart, SqlType, StateColumn, StateType, TableSnapshot, key_group};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// State of one operator subtask by key.
///
/// An operator with a further dimension (slices of a window) keeps one table per value, named `slice/<end>`: an empty table owns
/// no heap beyond its name and types, so making and dropping many is cheap.
#[derive(Debug)]
pub struct KeyedTable {
    name: String,
    state: Vec<StateType>,
    index: KeyIndex,
    columns: Vec<StateColumn>,
    /// Tells the chunks of this table from those of an earlier table of the same name.
    generation: u64,
}

/// Chunks per table at most, as a power of two: ids are `u32`, a chunk holds 4096.
const CHUNK_BITS: u32 = u32::BITS - CHUNK_IDS.trailing_zeros();

/// A number no one else in this process has. It reaches chunk ids and versions only, never output.
fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl KeyedTable {
    /// An empty table.
    ///
    /// - `name`: unique within the operator, stable across versions of the job
    /// - `keys`: types of the key columns; none makes a table of at most one row, with id 0
    /// - `state`: types of the state columns
    ///
    /// # Errors
    /// `Sql` for a type that cannot be a key.
    pub fn new(name: impl Into<String>, keys: &[SqlType], state: &[StateType]) -> Result<Self> {
        Ok(KeyedTable {
            name: name.into(),
            state: state.to_vec(),
            index: KeyIndex::new(keys)?,
            columns: state.iter().map(|t| StateColumn::new(*t)).collect(),
            generation: unique(),
        })
    }
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Number of keys; ids are `0..len`.
    pub fn len(&self) -> usize {
        self.index.len()
    }
    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }
    /// Gives each row the id of its key, adding new keys (whose state is zero). See [`KeyIndex::intern`].
    ///
    /// # Errors
    /// As [`KeyIndex::intern`].
    pub fn intern(&mut self, keys: &[ArrayRef], rows: usize, ids: &mut Vec<u32>) -> Result<()> {
        self.index.intern(keys, rows, ids)?;
        let len = self.index.len();
        self.columns.iter_mut().for_each(|c| c.grow(len));
        Ok(())
    }
    /// Gives each row the id of its key, if it is there. See [`KeyIndex::find`].
    ///
    /// # Errors
    /// As [`KeyIndex::find`].
    pub fn find(&mut self, keys: &[ArrayRef], rows: usize, ids: &mut Vec<Option<u32>>) -> Result<()> {
        self.index.find(keys, rows, ids)
    }
    /// The keys of ids in a range, one array per key column.
    ///
    /// # Errors
    /// As [`KeyIndex::keys`].
    pub fn keys(&self, ids: Range<usize>) -> Result<Vec<ArrayRef>> {
        self.index.keys(ids)
    }
    /// The state columns, grown to cover all ids.
    pub fn columns(&self) -> &[StateColumn] {
        &self.columns
    }
    /// The state columns for writing. Write into them, never replace one: the chunk versions live in the column.
    pub fn columns_mut(&mut self) -> &mut [StateColumn] {
        &mut self.columns
    }
    /// Forgets all keys and their state.
    pub fn clear(&mut self) {
        self.index.clear();
        self.columns = self.state.iter().map(|t| StateColumn::new(*t)).collect();
        self.generation = unique();
    }
    /// Heap bytes held, for budgets.
    pub fn bytes(&self) -> usize {
        self.index.bytes() + self.columns.iter().map(StateColumn::bytes).sum::<usize>()
    }
    /// The table now: pointers to its chunks, no rows copied. The next write to a chunk copies it.
    pub fn snapshot(&self) -> TableSnapshot {
        let columns = Arc::new(self.columns.clone());
        let chunks = (0..self.len().div_ceil(CHUNK_IDS)).map(|i| {
            let keys = self.index.chunk(i);
            SnapshotChunk {
                id: self.generation << CHUNK_BITS | i as u64,
                // Keys are only appended and column versions only grow, so the sum grows iff something changed.
                version: keys.len() as u64 + self.columns.iter().map(|c| c.version(i)).sum::<u64>(),
                data: Arc::new(TableChunk {
                    keys,
                    columns: Arc::clone(&columns),
                    first: i * CHUNK_IDS,
                }),
            }
        });
        TableSnapshot {
            name: self.name.clone(),
            chunks: chunks.collect(),
        }
    }
    /// Fills this empty table from the parts that carry its name, leaving out rows of other subtasks' key groups.
    ///
    /// - `group_by`: which key columns decide the key group, in the order of the exchange; a table keyed by (group keys, value)
    ///   names the group keys only. None: all rows are in key group 0.
    ///
    /// # Errors
    /// `Corrupt` for damaged bytes, for columns that do not fit this table, and for a key that comes twice.
    pub fn restore(&mut self, parts: &[SnapshotPart], key_groups: KeyGroupRange, max_parallelism: u32, group_by: &[usize]) -> Result<()> {
        let (mut groups, mut ids) = (Vec::new(), Vec::new());
        let name = self.name.clone();
        for part in parts.iter().filter(|p| p.table == name) {
            let here = |e: Error| e.detail(format!("state table \"{name}\""));
            let decoded = chunk::decode(&part.bytes).and_then(|batch| {
                self.check_columns(batch.columns())?;
                Ok(batch)
            });
            let batch = decoded.map_err(here)?;
            let by = group_by.iter().map(|k| batch.columns()[..self.index.types().len()].get(*k).cloned());
            let by = by
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| Error::bug("a key group column is not a key column"))?;
            key_group::assign(&by, batch.num_rows(), max_parallelism, &mut groups)?;
            let mine = BooleanArray::from_iter(groups.iter().map(|g| Some(key_groups.contains(*g))));
            let rows = mine.true_count();
            let columns: Vec<ArrayRef> = match rows == batch.num_rows() {
                true => batch.columns().to_vec(),
                false => batch
                    .columns()
                    .iter()
                    .map(|c| arrow_select::filter::filter(c, &mine))
                    .collect::<Result<_, _>>()?,
            };
            let (keys, state) = columns.split_at(self.index.types().len());
            let before = self.len();
            self.intern(keys, rows, &mut ids)?;
            if self.len() != before + rows {
                return Err(here(Error::corrupt("a key stands twice in a checkpoint").code("E0601")));
            }
            for (column, array) in self.columns.iter_mut().zip(state) {
                column.set_from(&ids, array)?;
            }
        }
        Ok(())
    }
    fn check_columns(&self, columns: &[ArrayRef]) -> Result<()> {
        let expected: Vec<_> = self
            .index
            .types()
            .iter()
            .cloned()
            .chain(self.state.iter().map(|t| StateColumn::new(*t).to_array(0..0).data_type().clone()))
            .collect();
        let found: Vec<_> = columns.iter().map(|c| c.data_type().clone()).collect();
        if expected.len() == found.len() && expected.iter().zip(&found).all(|(a, b)| a.equals_datatype(b)) {
            return Ok(());
        }
        Err(Error::corrupt(format!("state has the columns {found:?}, expected {expected:?}"))
            .code("E0602")
            .hint("the state was written by another version of the job; start with --fresh to leave it behind"))
    }
}

/// The names of the tables that parts belong to, sorted: for an operator that keeps tables by slice.
pub fn table_names(parts: &[SnapshotPart]) -> Vec<&str> {
    parts.iter().map(|p| p.table.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests;
