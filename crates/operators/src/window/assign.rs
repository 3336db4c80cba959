//! A window TVF without aggregation: each row once per window that holds it. Nothing is late here: what groups the rows judges.

use super::bounds::last_end;
use super::cut::Cut;
use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use millstream_dataflow::{Batch, Error, Operator, Output, Result, Step};
use millstream_plan::{Window, WindowTime};
use std::sync::Arc;

pub(crate) struct WindowAssign {
    cut: Cut,
    schema: SchemaRef,
}

impl WindowAssign {
    pub(crate) fn new(window: Window, time: usize, zone: Option<&str>, schema: SchemaRef) -> Result<Self> {
        let cut = Cut::new(window, WindowTime::Column(time), zone)?;
        Ok(WindowAssign { cut, schema })
    }
}

impl Operator for WindowAssign {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let (times, window) = (self.cut.times(&batch)?, &self.cut.window);
        let (mut rows, mut ends) = (Vec::new(), Vec::new());
        for (row, t) in times.values().iter().enumerate() {
            let slice_end = window.slice_end(*t);
            let mut end = slice_end;
            let last = last_end(window, slice_end);
            loop {
                rows.push(row as u32);
                ends.push(end);
                if end >= last {
                    break;
                }
                end = end.saturating_add(window.slide_ms());
            }
        }
        let taken = batch.take(&UInt32Array::from(rows))?;
        let mut columns = taken.data.columns().to_vec();
        columns.extend(self.cut.bounds(&ends, self.schema.field(columns.len() + 2).data_type())?);
        let data = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|e| Error::bug("windowed rows do not fit their columns").source(e))?;
        out.push(taken.with_data(data));
        Ok(Step::Done)
    }
}

#[cfg(test)]
mod tests;
