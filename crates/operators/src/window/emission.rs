//! The rows of a fired window, handed out piece by piece.

use super::calls::Calls;
use super::cut::Cut;
use super::sliding::Sliding;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter;
use millstream_dataflow::{Batch, Error, Output, Result, Stamp, StateColumn};
use millstream_state::table::KeyedTable;
use std::ops::Range;
use std::sync::Arc;

/// Rows per emitted batch.
const ROWS: usize = 8192;

/// The groups of a window.
pub(super) enum Groups {
    /// Those of its only slice; one without rows is not in the window.
    Slice(KeyedTable),
    /// Of several slices: states by id, where a group without rows is not in the window. [`Sliding`] has the keys.
    Window(Vec<StateColumn>),
}

pub(super) struct Emission {
    groups: Groups,
    len: usize,
    end: i64,
    /// The watermark before the firing: what the rows are stamped with.
    stamp: i64,
    next: usize,
}

impl Emission {
    /// - `len`: number of groups, those without rows included
    pub(super) fn new(groups: Groups, len: usize, end: i64, stamp: i64) -> Self {
        Emission {
            groups,
            len,
            end,
            stamp,
            next: 0,
        }
    }
    /// Emits until all is out (true) or the output is full (false).
    pub(super) fn run(&mut self, calls: &Calls, sliding: Option<&Sliding>, cut: &Cut, schema: &SchemaRef, out: &mut Output) -> Result<bool> {
        while self.next < self.len {
            if out.is_full() {
                return Ok(false);
            }
            let ids = self.next..(self.next + ROWS).min(self.len);
            self.next = ids.end;
            let (mut columns, states) = match &self.groups {
                Groups::Slice(table) => (table.keys(ids.clone())?, table.columns()),
                Groups::Window(states) => {
                    let sliding = sliding.ok_or_else(|| Error::bug("a window lost its slices"))?;
                    (sliding.keys(ids.clone())?, states.as_slice())
                }
            };
            for call in &calls.calls {
                columns.push(call.function.finish(&states[call.columns.clone()], ids.clone())?);
            }
            columns.extend(cut.bounds(&vec![self.end; ids.len()], schema.field(columns.len() + 2).data_type())?);
            // Groups without rows go before the columns meet their types: what is never NULL of a group with rows is of one without.
            if let Some(mask) = in_window(&self.groups, ids) {
                columns = columns.iter().map(|c| Ok(filter(c, &mask)?)).collect::<Result<_>>()?;
            }
            let data = RecordBatch::try_new(Arc::clone(schema), columns).map_err(|e| Error::bug("a window's rows do not fit their columns").source(e))?;
            out.push(Batch {
                data,
                kinds: None,
                stamp: Some(Stamp::Constant(cut.instant(self.stamp))),
                origins: None,
            });
        }
        Ok(true)
    }
}

/// Which of the ids have rows; `None` if all have. Rows may have been taken back.
fn in_window(groups: &Groups, ids: Range<usize>) -> Option<BooleanArray> {
    let states = match groups {
        Groups::Slice(table) => table.columns(),
        Groups::Window(states) => states,
    };
    let StateColumn::I64(rows) = &states[0] else { return None };
    let mask: BooleanArray = rows.iter(ids).map(|n| Some(*n != 0)).collect();
    (mask.true_count() < mask.values().len()).then_some(mask)
}
