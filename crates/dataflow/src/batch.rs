//! What flows on an edge.

use crate::dead_letter::Origins;
use crate::{Result, RowKind, Watermark};
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt32Array, cast::AsArray};
use arrow_buffer::ScalarBuffer;
use arrow_select::{filter::filter, take::take};
use std::sync::Arc;

/// Rows in Arrow columns, with what travels beside them.
///
/// - `data`: the columns of the edge's schema
/// - `kinds`: one per row for a changelog, `None` for rows that are all inserts
/// - `stamp`: see [`Stamp`]; `None` where no event-time operator follows
/// - `origins`: of rows whose table routes late ones, `None` otherwise
#[derive(Debug, Clone)]
pub struct Batch {
    /// The visible columns.
    pub data: RecordBatch,
    /// What each row does to its table.
    pub kinds: Option<Arc<[RowKind]>>,
    /// The watermark of the row's own partition just before the row.
    pub stamp: Option<Stamp>,
    /// Where each row came from, for those that turn out to be late.
    pub origins: Option<Origins>,
}

/// For each row the watermark (epoch ms) that its own partition had before that row. Lateness is judged against it, so the
/// verdict does not depend on how partitions interleave.
#[derive(Debug, Clone, PartialEq)]
pub enum Stamp {
    /// One value for all rows.
    Constant(i64),
    /// One value per row.
    Rows(ScalarBuffer<i64>),
}

impl Stamp {
    /// The value of a row.
    pub fn at(&self, row: usize) -> i64 {
        match self {
            Stamp::Constant(w) => *w,
            Stamp::Rows(w) => w[row],
        }
    }
    /// The largest value, [`Watermark::NONE`] if there are no rows.
    pub fn max(&self) -> i64 {
        match self {
            Stamp::Constant(w) => *w,
            Stamp::Rows(w) => w.iter().copied().max().unwrap_or(Watermark::NONE),
        }
    }
    fn map_rows(&self, f: impl FnOnce(ArrayRef) -> Result<ArrayRef>) -> Result<Stamp> {
        Ok(match self {
            Stamp::Constant(w) => Stamp::Constant(*w),
            Stamp::Rows(w) => Stamp::Rows(
                f(Arc::new(Int64Array::new(w.clone(), None)))?
                    .as_primitive::<arrow_array::types::Int64Type>()
                    .values()
                    .clone(),
            ),
        })
    }
}

impl Batch {
    /// Rows that are all inserts, without stamps.
    pub fn new(data: RecordBatch) -> Self {
        Batch {
            data,
            kinds: None,
            stamp: None,
            origins: None,
        }
    }
    /// Number of rows.
    pub fn num_rows(&self) -> usize {
        self.data.num_rows()
    }
    /// A column.
    pub fn column(&self, index: usize) -> &ArrayRef {
        self.data.column(index)
    }
    /// Bytes of memory held, for budgets.
    pub fn bytes(&self) -> usize {
        self.data.get_array_memory_size() + self.num_rows() * 9 + self.origins.as_ref().map_or(0, Origins::bytes)
    }
    /// Other columns for the same rows.
    pub fn with_data(&self, data: RecordBatch) -> Self {
        debug_assert_eq!(data.num_rows(), self.num_rows());
        Batch {
            data,
            kinds: self.kinds.clone(),
            stamp: self.stamp.clone(),
            origins: self.origins.clone(),
        }
    }
    /// The rows where the mask is true (null counts as false).
    ///
    /// # Errors
    /// `Bug` if the mask has another length.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Batch> {
        let data = arrow_select::filter::filter_record_batch(&self.data, mask)?;
        let kinds = self.kinds.as_ref().map(|k| {
            k.iter()
                .enumerate()
                .filter(|(i, _)| mask.is_valid(*i) && mask.value(*i))
                .map(|(_, k)| *k)
                .collect()
        });
        let stamp = self.stamp.as_ref().map(|s| s.map_rows(|a| Ok(filter(&a, mask)?))).transpose()?;
        let origins = self.origins.as_ref().map(|o| o.filter(mask)).transpose()?;
        Ok(Batch { data, kinds, stamp, origins })
    }
    /// The rows at these indices, in that order; an index may repeat.
    ///
    /// # Errors
    /// `Bug` if an index is out of range.
    pub fn take(&self, indices: &UInt32Array) -> Result<Batch> {
        let columns = self.data.columns().iter().map(|c| Ok(take(c, indices, None)?)).collect::<Result<Vec<_>>>()?;
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(indices.len()));
        let data = RecordBatch::try_new_with_options(self.data.schema(), columns, &options)?;
        let kinds = self.kinds.as_ref().map(|k| indices.values().iter().map(|i| k[*i as usize]).collect());
        let stamp = self.stamp.as_ref().map(|s| s.map_rows(|a| Ok(take(&a, indices, None)?))).transpose()?;
        let origins = self.origins.as_ref().map(|o| o.take(indices)).transpose()?;
        Ok(Batch { data, kinds, stamp, origins })
    }
    /// A stretch of rows, without copying columns.
    pub fn slice(&self, offset: usize, rows: usize) -> Batch {
        Batch {
            data: self.data.slice(offset, rows),
            kinds: self.kinds.as_ref().map(|k| k[offset..offset + rows].into()),
            stamp: self.stamp.as_ref().map(|s| match s {
                Stamp::Constant(w) => Stamp::Constant(*w),
                Stamp::Rows(w) => Stamp::Rows(w.slice(offset, rows)),
            }),
            origins: self.origins.as_ref().map(|o| o.slice(offset, rows)),
        }
    }
    /// What a row does to its table.
    pub fn kind(&self, row: usize) -> RowKind {
        self.kinds.as_ref().map_or(RowKind::Insert, |k| k[row])
    }
    /// The stamp of a row, [`Watermark::NONE`] if there are none.
    pub fn stamp_at(&self, row: usize) -> i64 {
        self.stamp.as_ref().map_or(Watermark::NONE, |s| s.at(row))
    }
}
