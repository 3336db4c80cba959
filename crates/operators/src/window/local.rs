//! First phase: partial states per batch, slice and key, before the exchange.

use super::bounds::{group, places};
use super::calls::Calls;
use super::cut::Cut;
use super::slice::Slice;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use millstream_dataflow::{Batch, Error, Operator, Output, Result, Step};
use millstream_plan::WindowAggregate;
use std::sync::Arc;

pub(crate) struct LocalAggregate {
    cut: Cut,
    calls: Calls,
    schema: SchemaRef,
    ids: Vec<u32>,
}

impl LocalAggregate {
    pub(crate) fn new(spec: &WindowAggregate, schema: SchemaRef) -> Result<Self> {
        let calls = Calls::new(spec)?;
        if calls.any_distinct() {
            return Err(Error::corrupt("a local phase cannot aggregate distinct values"));
        }
        Ok(LocalAggregate {
            cut: Cut::of(spec)?,
            calls,
            schema,
            ids: Vec::new(),
        })
    }
}

impl Operator for LocalAggregate {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let (groups, late) = group(&places(&batch, &self.cut)?);
        if !late.is_empty() {
            out.count("late", late.len() as u64);
            out.push_to(Output::LATE, batch.take(&UInt32Array::from(late))?);
        }
        for (place, rows) in groups {
            let part = if rows.len() == batch.num_rows() {
                batch.clone()
            } else {
                batch.take(&UInt32Array::from(rows))?
            };
            let mut slice = Slice::new(&self.calls, &place)?;
            slice.update(&self.calls, &part, &mut self.ids)?;
            let n = slice.groups.len();
            let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![place.0; n])), Arc::new(Int64Array::from(vec![place.1; n]))];
            columns.extend(slice.groups.keys(0..n)?);
            columns.extend(slice.groups.columns().iter().map(|c| c.to_array(0..n)));
            let data = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|e| Error::bug("partial states do not fit their columns").source(e))?;
            out.push(Batch::new(data));
        }
        Ok(Step::Done)
    }
}
