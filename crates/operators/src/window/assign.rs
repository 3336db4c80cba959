//! A window TVF without aggregation: each row once per window that holds it. Nothing is late here: what groups the rows judges.

use super::bounds::{last_end, millis};
use arrow_array::{ArrayRef, RecordBatch, TimestampMillisecondArray, UInt32Array};
use arrow_schema::SchemaRef;
use millstream_dataflow::{Batch, Error, Operator, Output, Result, Step};
use millstream_plan::Window;
use std::sync::Arc;

pub(crate) struct WindowAssign {
    window: Window,
    time: usize,
    schema: SchemaRef,
}

impl WindowAssign {
    pub(crate) fn new(window: Window, time: usize, schema: SchemaRef) -> Self {
        WindowAssign { window, time, schema }
    }
}

impl Operator for WindowAssign {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let times = millis(batch.column(self.time))?;
        let (mut rows, mut ends) = (Vec::new(), Vec::new());
        for (row, t) in times.values().iter().enumerate() {
            let slice_end = self.window.slice_end(*t);
            let mut end = slice_end;
            let last = last_end(&self.window, slice_end);
            loop {
                rows.push(row as u32);
                ends.push(end);
                if end >= last {
                    break;
                }
                end = end.saturating_add(self.window.slide_ms());
            }
        }
        let taken = batch.take(&UInt32Array::from(rows))?;
        let mut columns = taken.data.columns().to_vec();
        columns.extend(bounds(&ends, self.window.size_ms(), self.schema.field(columns.len() + 2).data_type())?);
        let data = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|e| Error::bug("windowed rows do not fit their columns").source(e))?;
        out.push(taken.with_data(data));
        Ok(Step::Done)
    }
}

/// `window_start`, `window_end` and `window_time` of window ends.
pub(super) fn bounds(ends: &[i64], size: i64, window_time: &arrow_schema::DataType) -> Result<[ArrayRef; 3]> {
    let column = |f: &dyn Fn(i64) -> i64| TimestampMillisecondArray::from_iter_values(ends.iter().map(|e| f(*e)));
    let zone = match window_time {
        arrow_schema::DataType::Timestamp(_, zone) => zone.clone(),
        other => return Err(Error::bug(format!("window_time is {other}"))),
    };
    Ok([
        Arc::new(column(&|e| e.saturating_sub(size))),
        Arc::new(column(&|e| e)),
        Arc::new(column(&|e| e.saturating_sub(1)).with_timezone_opt(zone)),
    ])
}

#[cfg(test)]
mod tests;
