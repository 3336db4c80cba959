//! Interns rows of key columns to dense ids.

mod canonical;
mod keys;
mod word;

pub(super) use keys::KeyChunk;

use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::DataType;
use keys::{ByteKeys, Layout, WordKeys};
use millstream_dataflow::column::CHUNK_IDS;
use millstream_dataflow::{Error, Result, SqlType};
use std::ops::Range;
use std::sync::Arc;

/// Gives each distinct row of key columns a dense `u32` id, in order of first appearance.
///
/// NULL is a key like any other, `-0.0` equals `0.0`, all NaN are one. One column of at most 64 bits and one string column have
/// paths of their own; other keys go through Arrow's row format, whose bytes are equal iff the rows are.
#[derive(Debug)]
pub struct KeyIndex {
    types: Vec<DataType>,
    layout: Arc<Layout>,
    store: Store,
}

#[derive(Debug)]
enum Store {
    /// No key columns: whether the one row was seen.
    Unit(bool),
    Words(WordKeys),
    Bytes(ByteKeys),
    /// With the buffer that rows of a batch are encoded into.
    Rows(ByteKeys, Box<Rows>),
}

impl KeyIndex {
    /// An empty index.
    ///
    /// # Errors
    /// `Sql` for a type that cannot be a key.
    pub fn new(types: &[SqlType]) -> Result<Self> {
        let types: Vec<DataType> = types.iter().map(SqlType::to_arrow).collect();
        let layout = Arc::new(match types.as_slice() {
            [] => Layout::Unit,
            [ty] if word::fits(ty) => Layout::Word(ty.clone()),
            [DataType::Utf8View] => Layout::Text,
            many => {
                if let Some(ty) = many.iter().find(|t| !can_be_key(t)) {
                    return Err(Error::sql(format!("a value of type {ty} cannot be a key")));
                }
                Layout::Rows(RowConverter::new(many.iter().map(|t| SortField::new(t.clone())).collect())?)
            }
        });
        let store = Store::new(&layout);
        Ok(KeyIndex { types, layout, store })
    }
    /// Number of keys; ids are `0..len`.
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Unit(seen) => usize::from(*seen),
            Store::Words(keys) => keys.len(),
            Store::Bytes(keys) | Store::Rows(keys, _) => keys.len(),
        }
    }
    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The Arrow types of the key columns.
    pub fn types(&self) -> &[DataType] {
        &self.types
    }
    /// Gives each row the id of its key, adding new keys.
    ///
    /// - `keys`: one array per key column, `rows` long, in the carriers of the types
    /// - `ids`: cleared, then one id per row
    ///
    /// # Errors
    /// `Bug` for arrays of other types or lengths; `Data` for more than 2³² keys.
    pub fn intern(&mut self, keys: &[ArrayRef], rows: usize, ids: &mut Vec<u32>) -> Result<()> {
        self.check(keys, rows)?;
        if self.len() + rows > u32::MAX as usize {
            return Err(Error::data("a state table has more than 4294967295 keys").hint("raise the parallelism"));
        }
        ids.clear();
        match &mut self.store {
            Store::Unit(seen) => {
                *seen |= rows > 0;
                ids.resize(rows, 0);
            }
            Store::Words(store) => store.intern(&word::read(&keys[0])?, keys[0].nulls(), ids),
            Store::Bytes(store) => {
                let column = keys[0].as_string_view();
                store.intern(rows, |i| (!column.is_null(i)).then(|| column.value(i).as_bytes()), ids);
            }
            Store::Rows(store, buffer) => {
                self.layout.encode(keys, buffer)?;
                store.intern(rows, |i| Some(buffer.row(i).data()), ids);
            }
        }
        Ok(())
    }
    /// Gives each row the id of its key, or `None` for a key that is not there. Adds nothing.
    ///
    /// # Errors
    /// `Bug` for arrays of other types or lengths.
    pub fn find(&mut self, keys: &[ArrayRef], rows: usize, ids: &mut Vec<Option<u32>>) -> Result<()> {
        self.check(keys, rows)?;
        ids.clear();
        match &mut self.store {
            Store::Unit(seen) => ids.resize(rows, seen.then_some(0)),
            Store::Words(store) => store.find(&word::read(&keys[0])?, keys[0].nulls(), ids),
            Store::Bytes(store) => {
                let column = keys[0].as_string_view();
                store.find(rows, |i| (!column.is_null(i)).then(|| column.value(i).as_bytes()), ids);
            }
            Store::Rows(store, buffer) => {
                self.layout.encode(keys, buffer)?;
                store.find(rows, |i| Some(buffer.row(i).data()), ids);
            }
        }
        Ok(())
    }
    /// The keys of ids in a range, one array per key column, in the carriers of the types.
    ///
    /// # Errors
    /// `Bug` for ids beyond `len`.
    pub fn keys(&self, ids: Range<usize>) -> Result<Vec<ArrayRef>> {
        if ids.start > ids.end || ids.end > self.len() {
            return Err(Error::bug(format!("key ids {ids:?} of an index of {}", self.len())));
        }
        let mut pieces = Vec::new();
        for i in ids.start / CHUNK_IDS..ids.end.div_ceil(CHUNK_IDS) {
            let first = i * CHUNK_IDS;
            pieces.push(self.chunk(i).arrays(ids.start.max(first) - first..ids.end.min(first + CHUNK_IDS) - first)?);
        }
        match pieces.len() {
            0 => Ok(self.types.iter().map(arrow_array::new_empty_array).collect()),
            1 => Ok(pieces.swap_remove(0)),
            _ => (0..self.types.len())
                .map(|c| Ok(arrow_select::concat::concat(&pieces.iter().map(|p| p[c].as_ref()).collect::<Vec<_>>())?))
                .collect(),
        }
    }
    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.store = Store::new(&self.layout);
    }
    /// Heap bytes held, for budgets.
    pub fn bytes(&self) -> usize {
        match &self.store {
            Store::Unit(_) => 0,
            Store::Words(keys) => keys.bytes(),
            Store::Bytes(keys) => keys.bytes(),
            Store::Rows(keys, buffer) => keys.bytes() + buffer.size(),
        }
    }
    /// The keys of ids `i * CHUNK_IDS ..`, shared.
    pub(super) fn chunk(&self, i: usize) -> KeyChunk {
        let layout = Arc::clone(&self.layout);
        match &self.store {
            Store::Unit(seen) => KeyChunk::unit(layout, usize::from(*seen)),
            Store::Words(keys) => keys.chunk(layout, i),
            Store::Bytes(keys) | Store::Rows(keys, _) => keys.chunk(layout, i),
        }
    }
    fn check(&self, keys: &[ArrayRef], rows: usize) -> Result<()> {
        let fits = keys.len() == self.types.len() && keys.iter().zip(&self.types).all(|(k, t)| k.len() == rows && k.data_type().equals_datatype(t));
        if fits {
            return Ok(());
        }
        let found: Vec<_> = keys.iter().map(|k| (k.data_type(), k.len())).collect();
        Err(Error::bug(format!(
            "{rows} rows of key columns {found:?} do not fit an index of {:?}",
            self.types
        )))
    }
}

impl Store {
    fn new(layout: &Layout) -> Self {
        match layout {
            Layout::Unit => Store::Unit(false),
            Layout::Word(_) => Store::Words(WordKeys::default()),
            Layout::Text => Store::Bytes(ByteKeys::default()),
            Layout::Rows(converter) => Store::Rows(ByteKeys::default(), Box::new(converter.empty_rows(0, 0))),
        }
    }
}

/// What [`millstream_dataflow::key_group::assign`] can hash, too.
fn can_be_key(ty: &DataType) -> bool {
    match ty {
        DataType::Map(..) => false,
        DataType::Struct(fields) => fields.iter().all(|f| can_be_key(f.data_type())),
        DataType::List(field) => can_be_key(field.data_type()),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
