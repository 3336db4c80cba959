//! Columns of keyed state: values by dense id, in chunks that a snapshot shares and a write copies.

use crate::{Error, Result};
use arrow_array::{Array, ArrayRef, BinaryViewArray, Decimal128Array, Float64Array, Int64Array, cast::AsArray, types::*};
use std::ops::Range;
use std::sync::Arc;

/// Ids per chunk: the unit of copy-on-write and of incremental upload.
pub const CHUNK_IDS: usize = 4096;
const SHIFT: u32 = CHUNK_IDS.trailing_zeros();

/// What a state column holds per id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateType {
    /// 64-bit integers; also dates, times, timestamps, booleans.
    I64,
    /// 128-bit integers: decimals and sums that must not overflow on the way.
    I128,
    /// 64-bit floats.
    F64,
    /// Bytes or nothing: strings, binaries.
    Bytes,
}

/// A chunk's values, [`CHUNK_IDS`] long.
type Chunk<T> = Arc<Vec<T>>;

/// One column of state, its values addressed by dense `u32` ids. A new id holds zero (or no bytes).
#[derive(Debug, Clone)]
pub enum StateColumn {
    /// See [`StateType::I64`].
    I64(Chunked<i64>),
    /// See [`StateType::I128`].
    I128(Chunked<i128>),
    /// See [`StateType::F64`].
    F64(Chunked<f64>),
    /// See [`StateType::Bytes`].
    Bytes(Chunked<Option<Box<[u8]>>>),
}

impl StateColumn {
    /// An empty column.
    pub fn new(ty: StateType) -> Self {
        match ty {
            StateType::I64 => StateColumn::I64(Chunked::default()),
            StateType::I128 => StateColumn::I128(Chunked::default()),
            StateType::F64 => StateColumn::F64(Chunked::default()),
            StateType::Bytes => StateColumn::Bytes(Chunked::default()),
        }
    }
    /// Makes ids `0..ids` valid.
    pub fn grow(&mut self, ids: usize) {
        match self {
            StateColumn::I64(c) => c.grow(ids),
            StateColumn::I128(c) => c.grow(ids),
            StateColumn::F64(c) => c.grow(ids),
            StateColumn::Bytes(c) => c.grow(ids),
        }
    }
    /// The values of ids in a range as an Arrow array: Int64, Decimal128(38, 0), Float64 or BinaryView.
    pub fn to_array(&self, ids: Range<usize>) -> ArrayRef {
        match self {
            StateColumn::I64(c) => Arc::new(Int64Array::from_iter_values(c.iter(ids).copied())),
            StateColumn::I128(c) => Arc::new(Decimal128Array::from_iter_values(c.iter(ids).copied()).with_data_type(arrow_schema::DataType::Decimal128(38, 0))),
            StateColumn::F64(c) => Arc::new(Float64Array::from_iter_values(c.iter(ids).copied())),
            StateColumn::Bytes(c) => Arc::new(BinaryViewArray::from_iter(c.iter(ids).map(|v| v.as_deref()))),
        }
    }
    /// Sets ids from what [`StateColumn::to_array`] gave.
    ///
    /// # Errors
    /// `Corrupt` if the array has another type.
    pub fn set_from(&mut self, ids: &[u32], array: &ArrayRef) -> Result<()> {
        let wrong = || Error::corrupt(format!("a state column has the type {}", array.data_type()));
        match self {
            StateColumn::I64(c) => c.scatter(ids, array.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values()),
            StateColumn::I128(c) => c.scatter(ids, array.as_primitive_opt::<Decimal128Type>().ok_or_else(wrong)?.values()),
            StateColumn::F64(c) => c.scatter(ids, array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?.values()),
            StateColumn::Bytes(c) => {
                let a = array.as_binary_view_opt().ok_or_else(wrong)?;
                let mut w = c.writer(ids);
                for (i, id) in ids.iter().enumerate() {
                    *w.at(*id) = a.is_valid(i).then(|| a.value(i).into());
                }
            }
        }
        Ok(())
    }
    /// The version of a chunk: grows with every write to it.
    pub fn version(&self, chunk: usize) -> u64 {
        match self {
            StateColumn::I64(c) => c.versions[chunk],
            StateColumn::I128(c) => c.versions[chunk],
            StateColumn::F64(c) => c.versions[chunk],
            StateColumn::Bytes(c) => c.versions[chunk],
        }
    }
    /// Heap bytes held, for budgets.
    pub fn bytes(&self) -> usize {
        match self {
            StateColumn::I64(c) => c.chunks.len() * CHUNK_IDS * 8,
            StateColumn::I128(c) => c.chunks.len() * CHUNK_IDS * 16,
            StateColumn::F64(c) => c.chunks.len() * CHUNK_IDS * 8,
            StateColumn::Bytes(c) => c.chunks.len() * CHUNK_IDS * 16 + c.chunks.iter().flat_map(|c| c.iter()).flatten().map(|b| b.len()).sum::<usize>(),
        }
    }
    /// The integers of this column.
    ///
    /// # Errors
    /// `Bug` if it is of another type; so for the other three.
    pub fn i64s(&mut self) -> Result<&mut Chunked<i64>> {
        match self {
            StateColumn::I64(c) => Ok(c),
            _ => Err(Error::bug("state column is not I64")),
        }
    }
    /// See [`StateColumn::i64s`].
    ///
    /// # Errors
    /// `Bug` if it is of another type.
    pub fn i128s(&mut self) -> Result<&mut Chunked<i128>> {
        match self {
            StateColumn::I128(c) => Ok(c),
            _ => Err(Error::bug("state column is not I128")),
        }
    }
    /// See [`StateColumn::i64s`].
    ///
    /// # Errors
    /// `Bug` if it is of another type.
    pub fn f64s(&mut self) -> Result<&mut Chunked<f64>> {
        match self {
            StateColumn::F64(c) => Ok(c),
            _ => Err(Error::bug("state column is not F64")),
        }
    }
    /// See [`StateColumn::i64s`].
    ///
    /// # Errors
    /// `Bug` if it is of another type.
    pub fn byte_strings(&mut self) -> Result<&mut Chunked<Option<Box<[u8]>>>> {
        match self {
            StateColumn::Bytes(c) => Ok(c),
            _ => Err(Error::bug("state column is not Bytes")),
        }
    }
}

/// Values by id in chunks of [`CHUNK_IDS`]. Cloning shares the chunks; the next write to a chunk copies it.
#[derive(Debug, Clone)]
pub struct Chunked<T> {
    chunks: Vec<Chunk<T>>,
    versions: Vec<u64>,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Chunked {
            chunks: Vec::new(),
            versions: Vec::new(),
        }
    }
}

impl<T: Clone + Default> Chunked<T> {
    /// Makes ids `0..ids` valid.
    pub fn grow(&mut self, ids: usize) {
        while self.chunks.len() * CHUNK_IDS < ids {
            self.chunks.push(Arc::new(vec![T::default(); CHUNK_IDS]));
            self.versions.push(1);
        }
    }
    /// The value of an id.
    pub fn get(&self, id: u32) -> &T {
        &self.chunks[(id >> SHIFT) as usize][id as usize & (CHUNK_IDS - 1)]
    }
    /// The values of ids in a range.
    pub fn iter(&self, ids: Range<usize>) -> impl Iterator<Item = &T> {
        ids.map(|id| &self.chunks[id >> SHIFT][id & (CHUNK_IDS - 1)])
    }
    /// Write access to the chunks that `ids` touch: copies those that a snapshot shares and counts them as changed.
    /// Take one writer per batch, not per row.
    pub fn writer(&mut self, ids: &[u32]) -> Writer<'_, T> {
        let mut touched = vec![false; self.chunks.len()];
        for id in ids {
            touched[(*id >> SHIFT) as usize] = true;
        }
        let versions = &mut self.versions;
        let chunks = self.chunks.iter_mut().zip(touched).enumerate().map(|(i, (chunk, touched))| {
            if !touched {
                return &mut [][..];
            }
            versions[i] += 1;
            Arc::make_mut(chunk).as_mut_slice()
        });
        Writer { chunks: chunks.collect() }
    }
    fn scatter(&mut self, ids: &[u32], values: &[T]) {
        let mut w = self.writer(ids);
        for (id, v) in ids.iter().zip(values) {
            *w.at(*id) = v.clone();
        }
    }
}

/// Write access to the touched chunks of a [`Chunked`].
pub struct Writer<'a, T> {
    chunks: Vec<&'a mut [T]>,
}

impl<T> Writer<'_, T> {
    /// The value of an id that was among those given to [`Chunked::writer`].
    #[inline]
    pub fn at(&mut self, id: u32) -> &mut T {
        &mut self.chunks[(id >> SHIFT) as usize][id as usize & (CHUNK_IDS - 1)]
    }
}

#[cfg(test)]
mod tests;
