//! The rows of a query in the order that is asked for.

use arrow_array::RecordBatch;
use arrow_ord::sort::{SortColumn, SortOptions, lexsort_to_indices};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use millstream_dataflow::{Error, Result};
use millstream_sql::{Shown, SortKey};

/// Rows beyond those that are shown, before they are sorted out.
const SURPLUS: usize = 100_000;

/// Keeps rows until all are there; of a limited number only those that may be shown.
pub(crate) struct Sorter {
    order: Vec<SortKey>,
    /// Columns that are shown.
    columns: usize,
    /// Rows that are needed.
    first: Option<usize>,
    kept: Vec<RecordBatch>,
    rows: usize,
}

impl Sorter {
    pub(crate) fn new(shown: &Shown) -> Sorter {
        let first = shown.limit.map(|limit| limit.saturating_add(shown.skip));
        Sorter {
            order: shown.order.clone(),
            columns: shown.columns,
            first: first.and_then(|n| usize::try_from(n).ok()),
            kept: Vec::new(),
            rows: 0,
        }
    }
    pub(crate) fn add(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.kept.push(batch);
        if self.first.is_some_and(|first| self.rows > first.saturating_mul(2).saturating_add(SURPLUS)) {
            self.kept = self.sorted()?.into_iter().collect();
            self.rows = self.kept.iter().map(RecordBatch::num_rows).sum();
        }
        Ok(())
    }
    /// The rows in their order, with the columns that are shown; none if there is no row.
    pub(crate) fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let shown: Vec<usize> = (0..self.columns).collect();
        let sorted = self.sorted()?;
        sorted.map(|batch| batch.project(&shown)).transpose().map_err(unsorted)
    }

    fn sorted(&mut self) -> Result<Option<RecordBatch>> {
        let kept = std::mem::take(&mut self.kept);
        let Some(first) = kept.first() else { return Ok(None) };
        let all = concat_batches(&first.schema(), &kept).map_err(unsorted)?;
        let key = |key: &SortKey| SortColumn {
            values: std::sync::Arc::clone(all.column(key.column)),
            options: Some(SortOptions {
                descending: key.descending,
                nulls_first: key.nulls_first,
            }),
        };
        let keys: Vec<SortColumn> = self.order.iter().map(key).collect();
        let order = lexsort_to_indices(&keys, self.first).map_err(unsorted)?;
        take_record_batch(&all, &order).map(Some).map_err(unsorted)
    }
}

fn unsorted(e: arrow_schema::ArrowError) -> Error {
    Error::bug("rows could not be sorted").source(e)
}

#[cfg(test)]
mod tests {
    use super::{SURPLUS, Sorter};
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use millstream_sql::{Shown, SortKey};
    use std::sync::Arc;

    #[test]
    fn only_what_may_be_shown_is_kept() -> millstream_dataflow::Result<()> {
        let by = |column, descending| SortKey {
            column,
            descending,
            nulls_first: !descending,
        };
        let mut sorter = Sorter::new(&Shown {
            order: vec![by(1, true), by(0, false)],
            columns: 1,
            skip: 1,
            limit: Some(2),
        });
        let mut most = 0;
        for n in 0..300 {
            let id: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1000).map(|i| n * 1000 + i)));
            let key: ArrayRef = Arc::new(Int64Array::from_iter((0..1000).map(|i| (i % 10 > 0).then_some((n * 1000 + i) / 7))));
            sorter.add(RecordBatch::try_from_iter_with_nullable([("id", id, true), ("key", key, true)])?)?;
            most = most.max(sorter.rows);
        }
        assert!(most <= SURPLUS + 1006, "{most} rows were kept");
        let rows = sorter.finish()?.ok_or_else(|| millstream_dataflow::Error::bug("no rows"))?;
        assert_eq!(rows.num_columns(), 1);
        // 299 999 / 7 = 42 857, as is that of 299 998.
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values().to_vec(), [299_999, 299_992, 299_993]);
        assert!(Sorter::new(&Shown::default()).finish()?.is_none());
        Ok(())
    }
}
