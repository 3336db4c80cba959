//! Grouping sets: each row once per set.

use arrow_array::{ArrayRef, Int64Array, RecordBatch, new_null_array};
use arrow_schema::SchemaRef;
use millstream_dataflow::{Batch, Error, Operator, Output, Result, Step};
use std::sync::Arc;

pub(crate) struct Expand {
    pub(crate) keys: Vec<usize>,
    pub(crate) sets: Vec<Vec<usize>>,
    pub(crate) schema: SchemaRef,
}

impl Operator for Expand {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        for set in &self.sets {
            let mut columns: Vec<ArrayRef> = batch.data.columns().to_vec();
            let mut id = 0;
            for (position, key) in self.keys.iter().enumerate() {
                if !set.contains(&position) {
                    columns[*key] = new_null_array(columns[*key].data_type(), batch.num_rows());
                    id |= 1 << (self.keys.len() - 1 - position);
                }
            }
            columns.push(Arc::new(Int64Array::from(vec![id; batch.num_rows()])));
            let data = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|e| Error::bug("expanded columns do not fit").source(e))?;
            out.push(batch.with_data(data));
        }
        Ok(Step::Done)
    }
}

#[cfg(test)]
mod tests;
