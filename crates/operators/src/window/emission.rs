//! The rows of a fired window, handed out piece by piece.

use super::assign::bounds;
use super::calls::Calls;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use millstream_dataflow::{Batch, Error, Output, Result, Stamp};
use millstream_state::table::KeyedTable;
use std::sync::Arc;

/// Rows per emitted batch.
const ROWS: usize = 8192;

pub(super) struct Emission {
    groups: KeyedTable,
    end: i64,
    /// The watermark before the firing: what the rows are stamped with.
    stamp: i64,
    next: usize,
}

impl Emission {
    pub(super) fn new(groups: KeyedTable, end: i64, stamp: i64) -> Self {
        Emission { groups, end, stamp, next: 0 }
    }
    /// Emits until all is out (true) or the output is full (false).
    pub(super) fn run(&mut self, calls: &Calls, size: i64, schema: &SchemaRef, out: &mut Output) -> Result<bool> {
        while self.next < self.groups.len() {
            if out.is_full() {
                return Ok(false);
            }
            let ids = self.next..(self.next + ROWS).min(self.groups.len());
            self.next = ids.end;
            let mut columns: Vec<ArrayRef> = self.groups.keys(ids.clone())?;
            for call in &calls.calls {
                columns.push(call.function.finish(&self.groups.columns()[call.columns.clone()], ids.clone())?);
            }
            columns.extend(bounds(&vec![self.end; ids.len()], size, schema.field(columns.len() + 2).data_type())?);
            let data = RecordBatch::try_new(Arc::clone(schema), columns).map_err(|e| Error::bug("a window's rows do not fit their columns").source(e))?;
            out.push(Batch {
                data,
                kinds: None,
                stamp: Some(Stamp::Constant(self.stamp)),
            });
        }
        Ok(true)
    }
}
