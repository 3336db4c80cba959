//! What the slices of a sliding window add up to, at a cost that does not grow with the number of slices.
//!
//! Two stacks (Tangwongsan et al., "Low-Latency Sliding-Window Aggregation in Worst-Case Constant Time", DEBS 2017, §2): `front` holds,
//! per slice and oldest on top, the aggregate of that slice and all later ones up to the last flip; `back` holds the aggregate of
//! everything newer. A window is the top of `front` plus `back`; dropping the oldest slice pops `front`; when it is empty, `back`'s slices
//! are turned over. Distinct values are counted by the number of slices that hold them. All of it follows from the slices, so no
//! snapshot holds it.

use super::calls::Calls;
use super::slice::Slice;
use arrow_array::{ArrayRef, UInt32Array};
use arrow_select::take::take;
use millstream_dataflow::{Result, StateColumn, StateType};
use millstream_state::table::KeyedTable;

#[derive(Default)]
pub(super) struct Sliding {
    /// Suffix aggregates, the oldest slice last: popping it slides the window.
    front: Vec<(i64, KeyedTable)>,
    back: Option<KeyedTable>,
    /// Ends of the slices in `back`, ascending.
    back_ends: Vec<i64>,
    /// Per distinct call: how many slices hold each (keys, value), and the state over the values held.
    distinct: Vec<Option<Distinct>>,
    /// Must be made again from the slices.
    stale: bool,
    /// Ids a call needs, kept to spare allocations.
    ids: Vec<u32>,
}

struct Distinct {
    /// (keys, value) to number of slices.
    members: KeyedTable,
    /// Keys to the call's state.
    groups: KeyedTable,
    live: usize,
}

/// The slices by end, oldest first; of one end there may be several (patches).
pub(super) type Slices<'a> = Vec<(i64, &'a Slice)>;

impl Sliding {
    pub(super) fn new() -> Self {
        Sliding {
            stale: true,
            ..Sliding::default()
        }
    }
    /// A slice that is not the newest one changed: start over at the next window.
    pub(super) fn invalidate(&mut self) {
        self.stale = true;
    }
    fn table(calls: &Calls) -> Result<KeyedTable> {
        KeyedTable::new("sliding", &calls.key_types, &calls.state())
    }

    /// Brings the window to hold exactly these slices. `added` are those that were not in the window before, `removed` those that
    /// leave it.
    pub(super) fn advance(&mut self, calls: &Calls, all: &Slices<'_>, added: &Slices<'_>, removed: &Slices<'_>) -> Result<()> {
        let crowded = self.distinct.iter().flatten().any(|d| d.members.len() > 2 * d.live + 1024);
        if self.stale || crowded {
            return self.rebuild(calls, all);
        }
        for (end, _) in removed {
            if self.front.is_empty() {
                // Turn what is left over, without the slices that leave.
                let kept: Slices<'_> = all.iter().filter(|(e, _)| self.back_ends.contains(e)).copied().collect();
                self.turn(calls, &kept)?;
            }
            if self.front.last().is_some_and(|(e, _)| e == end) {
                self.front.pop();
            }
        }
        for (end, slice) in added {
            let mut back = self.back.take().map_or_else(|| Self::table(calls), Ok)?;
            pour(calls, &mut back, &slice.groups, &mut self.ids)?;
            self.back = Some(back);
            self.back_ends.push(*end);
        }
        for (_, slice) in removed {
            self.remove_members(calls, slice)?;
        }
        for (_, slice) in added {
            self.add_members(calls, slice)?;
        }
        // A value that left could not be taken out of its sum.
        if self.stale { self.rebuild(calls, all) } else { Ok(()) }
    }

    /// Starts over from the slices.
    fn rebuild(&mut self, calls: &Calls, all: &Slices<'_>) -> Result<()> {
        *self = Sliding {
            ids: std::mem::take(&mut self.ids),
            ..Sliding::default()
        };
        self.turn(calls, all)?;
        let distinct = |(i, c): (usize, &super::calls::Call)| if c.distinct { Distinct::new(calls, i).map(Some) } else { Ok(None) };
        self.distinct = calls.calls.iter().enumerate().map(distinct).collect::<Result<_>>()?;
        for (_, slice) in all {
            self.add_members(calls, slice)?;
        }
        Ok(())
    }

    /// Makes suffix aggregates of slices, newest first; `back` is then empty.
    fn turn(&mut self, calls: &Calls, slices: &Slices<'_>) -> Result<()> {
        self.front.clear();
        let mut at = slices.len();
        while at > 0 {
            let end = slices[at - 1].0;
            let mut table = Self::table(calls)?;
            if let Some((_, newer)) = self.front.last() {
                pour(calls, &mut table, newer, &mut self.ids)?;
            }
            while at > 0 && slices[at - 1].0 == end {
                at -= 1;
                pour(calls, &mut table, &slices[at].1.groups, &mut self.ids)?;
            }
            self.front.push((end, table));
        }
        self.back = None;
        self.back_ends.clear();
        Ok(())
    }

    /// The window's groups: keys, row counts and states, those of distinct calls included.
    pub(super) fn result(&mut self, calls: &Calls) -> Result<KeyedTable> {
        let mut table = Self::table(calls)?;
        for part in self.front.last().map(|(_, t)| t).into_iter().chain(&self.back) {
            pour(calls, &mut table, part, &mut self.ids)?;
        }
        let rows = table.len();
        let keys = table.keys(0..rows)?;
        for (call, distinct) in calls.calls.iter().zip(&mut self.distinct) {
            let Some(d) = distinct else { continue };
            let mut places = Vec::new();
            d.groups.find(&keys, rows, &mut places)?;
            let found: Vec<u32> = places.iter().enumerate().filter(|(_, p)| p.is_some()).map(|(i, _)| i as u32).collect();
            let from = UInt32Array::from(places.iter().flatten().copied().collect::<Vec<u32>>());
            let all = d.groups.len();
            let states = d
                .groups
                .columns()
                .iter()
                .map(|c| Ok(take(&c.to_array(0..all), &from, None)?))
                .collect::<Result<Vec<ArrayRef>>>()?;
            call.function.merge(&mut table.columns_mut()[call.columns.clone()], &found, &states)?;
        }
        Ok(table)
    }

    fn add_members(&mut self, calls: &Calls, slice: &Slice) -> Result<()> {
        for ((call, distinct), set) in calls.calls.iter().zip(&mut self.distinct).zip(&slice.sets) {
            let (Some(d), Some(set)) = (distinct, set) else { continue };
            let n = set.len();
            let members = set.keys(0..n)?;
            d.members.intern(&members, n, &mut self.ids)?;
            let mut fresh = Vec::new();
            {
                let mut held = d.members.columns_mut()[0].i64s()?.writer(&self.ids);
                for (i, id) in self.ids.iter().enumerate() {
                    let held = held.at(*id);
                    *held += 1;
                    if *held == 1 {
                        fresh.push(i as u32);
                    }
                }
            }
            d.live += fresh.len();
            let (groups, values) = d.rows_of(&members, &fresh)?;
            call.function.update(d.groups.columns_mut(), &groups, &[values], None)?;
        }
        Ok(())
    }

    fn remove_members(&mut self, calls: &Calls, slice: &Slice) -> Result<()> {
        for ((call, distinct), set) in calls.calls.iter().zip(&mut self.distinct).zip(&slice.sets) {
            let (Some(d), Some(set)) = (distinct, set) else { continue };
            let n = set.len();
            let members = set.keys(0..n)?;
            d.members.intern(&members, n, &mut self.ids)?;
            let mut gone = Vec::new();
            {
                let mut held = d.members.columns_mut()[0].i64s()?.writer(&self.ids);
                for (i, id) in self.ids.iter().enumerate() {
                    let held = held.at(*id);
                    *held -= 1;
                    if *held == 0 {
                        gone.push(i as u32);
                    }
                }
            }
            if gone.is_empty() {
                continue;
            }
            d.live -= gone.len();
            if !call.function.invertible() {
                self.stale = true;
                continue;
            }
            // Each value's own contribution, taken out again.
            let (groups, values) = d.rows_of(&members, &gone)?;
            let mut single: Vec<StateColumn> = call.function.state().into_iter().map(StateColumn::new).collect();
            single.iter_mut().for_each(|c| c.grow(gone.len()));
            let each: Vec<u32> = (0..gone.len() as u32).collect();
            call.function.update(&mut single, &each, &[values], None)?;
            let partial: Vec<ArrayRef> = single.iter().map(|c| c.to_array(0..gone.len())).collect();
            call.function.unmerge(d.groups.columns_mut(), &groups, &partial)?;
        }
        Ok(())
    }
}

impl Distinct {
    fn new(calls: &Calls, call: usize) -> Result<Distinct> {
        let mut member = calls.key_types.clone();
        member.extend(calls.distinct_types[call].clone());
        Ok(Distinct {
            members: KeyedTable::new("members", &member, &[StateType::I64])?,
            groups: KeyedTable::new("groups", &calls.key_types, &calls.calls[call].function.state())?,
            live: 0,
        })
    }
    /// The group ids and values of some members.
    fn rows_of(&mut self, members: &[ArrayRef], which: &[u32]) -> Result<(Vec<u32>, ArrayRef)> {
        let which = UInt32Array::from(which.to_vec());
        let mut columns = members.iter().map(|m| Ok(take(m, &which, None)?)).collect::<Result<Vec<ArrayRef>>>()?;
        let values = columns.pop().ok_or_else(|| millstream_dataflow::Error::bug("a member without a value"))?;
        let mut ids = Vec::new();
        self.groups.intern(&columns, which.len(), &mut ids)?;
        Ok((ids, values))
    }
}

/// Adds all groups of a table to another.
fn pour(calls: &Calls, into: &mut KeyedTable, from: &KeyedTable, ids: &mut Vec<u32>) -> Result<()> {
    let n = from.len();
    if n == 0 {
        return Ok(());
    }
    into.intern(&from.keys(0..n)?, n, ids)?;
    let partial: Vec<ArrayRef> = from.columns().iter().map(|c| c.to_array(0..n)).collect();
    calls.merge(into.columns_mut(), ids, &partial)
}
