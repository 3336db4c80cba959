//! The state of one slice: a table of groups, and a set of values per distinct call.

use super::bounds::Place;
use super::calls::{Calls, counted};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, UInt32Array};
use arrow_select::take::take;
use millstream_dataflow::{Batch, Result, TableSnapshot};
use millstream_state::table::KeyedTable;
use std::sync::Arc;

pub(super) struct Slice {
    /// Keys to row count and states.
    pub(super) groups: KeyedTable,
    /// Per call: (keys, value) seen in this slice; `None` for calls that are not distinct.
    pub(super) sets: Vec<Option<KeyedTable>>,
}

pub(super) fn group_table(place: &Place) -> String {
    format!("slice/{}/{}", place.0, place.1)
}

pub(super) fn set_table(call: usize, place: &Place) -> String {
    format!("distinct/{call}/{}/{}", place.0, place.1)
}

/// The place that a table's name tells, of slices only.
pub(super) fn place_of(table: &str) -> Option<Place> {
    let (end, from) = table.strip_prefix("slice/")?.split_once('/')?;
    Some((end.parse().ok()?, from.parse().ok()?))
}

impl Slice {
    pub(super) fn new(calls: &Calls, place: &Place) -> Result<Slice> {
        let set = |(i, ty): (usize, &Option<millstream_dataflow::SqlType>)| {
            ty.as_ref()
                .map(|ty| {
                    let mut keys = calls.key_types.clone();
                    keys.push(ty.clone());
                    KeyedTable::new(set_table(i, place), &keys, &[])
                })
                .transpose()
        };
        Ok(Slice {
            groups: KeyedTable::new(group_table(place), &calls.key_types, &calls.state())?,
            sets: calls.distinct_types.iter().enumerate().map(set).collect::<Result<_>>()?,
        })
    }

    /// Adds rows.
    pub(super) fn update(&mut self, calls: &Calls, batch: &Batch, ids: &mut Vec<u32>) -> Result<()> {
        let keys: Vec<ArrayRef> = calls.keys.iter().map(|k| Arc::clone(batch.column(*k))).collect();
        self.groups.intern(&keys, batch.num_rows(), ids)?;
        calls.update(self.groups.columns_mut(), ids, |c| Arc::clone(batch.column(c)))?;
        for (call, set) in calls.calls.iter().zip(&mut self.sets) {
            let Some(set) = set else { continue };
            let argument = batch.column(call.args[0]);
            let filter = call.filter.map(|f| Arc::clone(batch.column(f)));
            let rows = UInt32Array::from(counted(argument, filter.as_ref().map(|f| f.as_boolean())));
            let taken = |a: &ArrayRef| -> Result<ArrayRef> { Ok(take(a, &rows, None)?) };
            let values = taken(argument)?;
            let mut members = keys.iter().map(taken).collect::<Result<Vec<_>>>()?;
            members.push(Arc::clone(&values));
            // A member is new iff it got an id beyond those there were.
            let before = set.len() as u32;
            let mut member_ids = Vec::new();
            set.intern(&members, rows.len(), &mut member_ids)?;
            let (mut fresh, mut next) = (Vec::new(), before);
            for (i, id) in member_ids.iter().enumerate() {
                if *id == next {
                    fresh.push(i as u32);
                    next += 1;
                }
            }
            if fresh.is_empty() {
                continue;
            }
            let groups: Vec<u32> = fresh.iter().map(|i| ids[rows.value(*i as usize) as usize]).collect();
            let fresh_values = take(&values, &UInt32Array::from(fresh), None)?;
            call.function
                .update(&mut self.groups.columns_mut()[call.columns.clone()], &groups, &[fresh_values], None)?;
        }
        Ok(())
    }

    /// Takes rows out again.
    pub(super) fn take_back(&mut self, calls: &Calls, batch: &Batch, place: &Place, ids: &mut Vec<u32>) -> Result<()> {
        let mut gone = Slice::new(calls, place)?;
        gone.update(calls, batch, ids)?;
        let n = gone.groups.len();
        let partial: Vec<ArrayRef> = gone.groups.columns().iter().map(|c| c.to_array(0..n)).collect();
        self.groups.intern(&gone.groups.keys(0..n)?, n, ids)?;
        calls.unmerge(self.groups.columns_mut(), ids, &partial)
    }

    /// Adds what a local phase made of rows: keys, then one array per state column.
    pub(super) fn merge(&mut self, calls: &Calls, keys: &[ArrayRef], partial: &[ArrayRef], rows: usize, ids: &mut Vec<u32>) -> Result<()> {
        self.groups.intern(keys, rows, ids)?;
        calls.merge(self.groups.columns_mut(), ids, partial)
    }

    pub(super) fn snapshot(&self, tables: &mut Vec<TableSnapshot>) {
        tables.push(self.groups.snapshot());
        tables.extend(self.sets.iter().flatten().map(KeyedTable::snapshot));
    }

    pub(super) fn bytes(&self) -> usize {
        self.groups.bytes() + self.sets.iter().flatten().map(KeyedTable::bytes).sum::<usize>()
    }
}
