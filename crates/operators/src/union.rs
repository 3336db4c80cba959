//! All rows of all inputs, under one schema.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use millstream_dataflow::{Batch, Error, Operator, Output, Result, Step};
use std::sync::Arc;

pub(crate) struct Union(pub(crate) SchemaRef);

impl Operator for Union {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let data = RecordBatch::try_new_with_options(Arc::clone(&self.0), batch.data.columns().to_vec(), &options)
            .map_err(|e| Error::bug("the inputs of a union differ").source(e))?;
        out.push(batch.with_data(data));
        Ok(Step::Done)
    }
}

#[cfg(test)]
mod tests;
