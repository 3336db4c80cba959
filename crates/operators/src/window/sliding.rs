//! What the slices of a sliding window add up to, at a cost that does not grow with the number of slices.
//!
//! A key gets a dense id once per slice that holds it; everything after that is vectors by id. Calls that can be taken back (counts,
//! exact sums) are *running*: a slice that enters the window is added, one that leaves is taken out. The others (minima, maxima, sums of
//! floats) are *stacked* on two stacks (Tangwongsan et al., "Low-Latency Sliding-Window Aggregation in Worst-Case Constant Time", DEBS
//! 2017, §2): `front` holds, per slice and oldest on top, the aggregate of that slice and all later ones up to the last turn; `back` the
//! aggregate of everything newer. The window is the top of `front` plus `back`; when `front` runs out, `back`'s slices are turned over.
//! Distinct values are counted by the number of slices that hold them. All of it follows from the slices, so no snapshot holds it.

use super::bounds::Place;
use super::calls::{Call, Calls, add_rows};
use super::slice::Slice;
use arrow_array::{ArrayRef, Int64Array, UInt32Array};
use arrow_select::take::take;
use millstream_dataflow::{Error, Result, SqlType, StateColumn, StateType};
use millstream_state::KeyIndex;
use millstream_state::table::KeyedTable;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Ids that may lie idle before it is worth starting over.
const IDLE_IDS: usize = 1024;

pub(super) struct Sliding {
    /// The keys of all slices held, and of some that have left.
    keys: KeyIndex,
    held: BTreeMap<Place, Held>,
    /// By id: row count and the states of running and distinct calls. Columns of stacked calls stay empty, as those of the others do
    /// in the stacks.
    running: Vec<StateColumn>,
    /// Suffix aggregates by the end of their first slice, the oldest last: popping it slides the window.
    front: Vec<(i64, Vec<StateColumn>)>,
    back: Option<Vec<StateColumn>>,
    /// Per distinct call: (id, value) to the number of slices that hold it.
    members: Vec<Option<KeyedTable>>,
    /// A value left that could not be taken out of its sum.
    spoilt: bool,
}

/// What is remembered of a slice in the window, so that it leaves without a look at its keys.
struct Held {
    ids: Vec<u32>,
    /// Per distinct call, by place in the slice's set: the member's id and its group's.
    members: Vec<Option<(Vec<u32>, Vec<u32>)>>,
    in_back: bool,
}

fn is_running(call: &Call) -> bool {
    !call.distinct && call.function.invertible()
}

fn is_stacked(call: &Call) -> bool {
    !call.distinct && !call.function.invertible()
}

fn columns(calls: &Calls) -> Vec<StateColumn> {
    calls.state().into_iter().map(StateColumn::new).collect()
}

impl Sliding {
    pub(super) fn new(calls: &Calls) -> Result<Self> {
        let members = |ty: &Option<SqlType>| {
            ty.as_ref()
                .map(|ty| KeyedTable::new("members", &[SqlType::BigInt, ty.clone()], &[StateType::I64]))
                .transpose()
        };
        Ok(Sliding {
            keys: KeyIndex::new(&calls.key_types)?,
            held: BTreeMap::new(),
            running: columns(calls),
            front: Vec::new(),
            back: None,
            members: calls.distinct_types.iter().map(members).collect::<Result<_>>()?,
            spoilt: false,
        })
    }

    pub(super) fn holds(&self, place: &Place) -> bool {
        self.held.contains_key(place)
    }

    /// Number of ids.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys of ids in a range.
    pub(super) fn keys(&self, ids: Range<usize>) -> Result<Vec<ArrayRef>> {
        self.keys.keys(ids)
    }

    pub(super) fn bytes(&self) -> usize {
        let stacks = self.front.iter().map(|(_, c)| c).chain(&self.back).flatten();
        let columns = self.running.iter().chain(stacks).map(StateColumn::bytes).sum::<usize>();
        self.keys.bytes() + columns + self.members.iter().flatten().map(KeyedTable::bytes).sum::<usize>()
    }

    /// Brings the window to hold the slices of `(end - size, end]`, those that left it a slide ago being among `slices` still. Gives, by id,
    /// row counts and states; a key that is not in the window has no rows.
    pub(super) fn advance(&mut self, calls: &Calls, slices: &BTreeMap<Place, Slice>, end: i64, size: i64) -> Result<Vec<StateColumn>> {
        let oldest = end.saturating_sub(size);
        let leaving: Vec<Place> = self.held.keys().filter(|(e, _)| *e <= oldest).copied().collect();
        if leaving.len() == self.held.len() && !leaving.is_empty() {
            *self = Sliding::new(calls)?;
        } else {
            self.remove(calls, slices, &leaving, oldest)?;
        }
        let entering = |(e, from): &Place| *e > oldest && *e <= end && *from <= end;
        for (place, slice) in slices.iter().filter(|(p, _)| entering(p)) {
            if !self.spoilt && !self.held.contains_key(place) {
                self.add(calls, *place, slice)?;
            }
        }
        if self.spoilt || self.is_crowded() {
            *self = Sliding::new(calls)?;
            for (place, slice) in slices.iter().filter(|(p, _)| entering(p)) {
                self.add(calls, *place, slice)?;
            }
        }
        self.result(calls)
    }

    /// Whether more ids and members lie idle than are used.
    fn is_crowded(&self) -> bool {
        let idle = |column: &StateColumn, n: usize| match column {
            StateColumn::I64(c) => c.iter(0..n).filter(|v| **v == 0).count(),
            _ => 0,
        };
        let crowded = |column: &StateColumn, n: usize| n > IDLE_IDS && idle(column, n) * 2 > n;
        crowded(&self.running[0], self.keys.len()) || self.members.iter().flatten().any(|m| crowded(&m.columns()[0], m.len()))
    }

    fn add(&mut self, calls: &Calls, place: Place, slice: &Slice) -> Result<()> {
        let n = slice.groups.len();
        let mut ids = Vec::new();
        self.keys.intern(&slice.groups.keys(0..n)?, n, &mut ids)?;
        let len = self.keys.len();
        self.running[0].grow(len);
        grow(calls, |c| !is_stacked(c), &mut self.running, len);
        add_rows(&mut self.running[0], &ids, &slice.groups.columns()[0].to_array(0..n), 1)?;
        pour(calls, is_running, &mut self.running, &ids, slice.groups.columns(), n)?;
        // A patch of an older slice belongs into the middle of `front`.
        let in_back = self.front.first().is_none_or(|(newest, _)| place.0 > *newest);
        if calls.calls.iter().any(is_stacked) {
            if in_back {
                let mut back = self.back.take().unwrap_or_else(|| columns(calls));
                grow(calls, is_stacked, &mut back, len);
                pour(calls, is_stacked, &mut back, &ids, slice.groups.columns(), n)?;
                self.back = Some(back);
            } else {
                self.patch(calls, place.0, &ids, slice)?;
            }
        }
        let members = (0..calls.calls.len()).map(|call| self.add_members(calls, call, slice)).collect::<Result<_>>()?;
        self.held.insert(place, Held { ids, members, in_back });
        Ok(())
    }

    /// Adds a slice to every suffix of `front` that covers it.
    fn patch(&mut self, calls: &Calls, end: i64, ids: &[u32], slice: &Slice) -> Result<()> {
        let at = self.front.partition_point(|(e, _)| *e > end);
        if self.front.get(at).is_none_or(|(e, _)| *e != end) {
            let newer = at.checked_sub(1).map_or_else(|| columns(calls), |i| self.front[i].1.clone());
            self.front.insert(at, (end, newer));
        }
        for (_, suffix) in &mut self.front[at..] {
            grow(calls, is_stacked, suffix, self.keys.len());
            pour(calls, is_stacked, suffix, ids, slice.groups.columns(), slice.groups.len())?;
        }
        Ok(())
    }

    fn remove(&mut self, calls: &Calls, slices: &BTreeMap<Place, Slice>, leaving: &[Place], oldest: i64) -> Result<()> {
        let mut turn = false;
        for place in leaving {
            let (Some(held), Some(slice)) = (self.held.remove(place), slices.get(place)) else {
                return Err(Error::bug("a slice is gone before its window"));
            };
            turn |= held.in_back;
            let n = slice.groups.len();
            add_rows(&mut self.running[0], &held.ids, &slice.groups.columns()[0].to_array(0..n), -1)?;
            for call in calls.calls.iter().filter(|c| is_running(c)) {
                let partial = arrays(&slice.groups.columns()[call.columns.clone()], n);
                call.function.unmerge(&mut self.running[call.columns.clone()], &held.ids, &partial)?;
            }
            for (call, members) in held.members.into_iter().enumerate() {
                if let Some((members, groups)) = members {
                    self.remove_members(calls, call, slice, &members, &groups)?;
                }
            }
        }
        while self.front.last().is_some_and(|(e, _)| *e <= oldest) {
            self.front.pop();
        }
        if turn { self.turn(calls, slices) } else { Ok(()) }
    }

    /// Makes suffix aggregates of all slices held, newest first; `back` is then empty.
    fn turn(&mut self, calls: &Calls, slices: &BTreeMap<Place, Slice>) -> Result<()> {
        self.front.clear();
        self.back = None;
        if !calls.calls.iter().any(is_stacked) {
            return Ok(());
        }
        let len = self.keys.len();
        let mut suffix = columns(calls);
        grow(calls, is_stacked, &mut suffix, len);
        for (place, held) in self.held.iter_mut().rev() {
            let slice = slices.get(place).ok_or_else(|| Error::bug("a slice is gone before its window"))?;
            pour(calls, is_stacked, &mut suffix, &held.ids, slice.groups.columns(), slice.groups.len())?;
            held.in_back = false;
            match self.front.last_mut() {
                Some((end, same)) if *end == place.0 => *same = suffix.clone(),
                _ => self.front.push((place.0, suffix.clone())),
            }
        }
        Ok(())
    }

    /// The window by id.
    fn result(&self, calls: &Calls) -> Result<Vec<StateColumn>> {
        let mut window = self.running.clone();
        let parts: Vec<&Vec<StateColumn>> = self.front.last().map(|(_, c)| c).into_iter().chain(&self.back).collect();
        let len = self.keys.len();
        let all: Vec<u32> = (0..len as u32).collect();
        for call in calls.calls.iter().filter(|c| is_stacked(c)) {
            let target = &mut window[call.columns.clone()];
            let mut parts = parts.iter().map(|p| p[call.columns.clone()].to_vec());
            if let Some(first) = parts.next() {
                target.clone_from_slice(&first);
            }
            target.iter_mut().for_each(|c| c.grow(len));
            for mut part in parts {
                part.iter_mut().for_each(|c| c.grow(len));
                call.function.merge(target, &all, &arrays(&part, len))?;
            }
        }
        Ok(window)
    }

    fn add_members(&mut self, calls: &Calls, call: usize, slice: &Slice) -> Result<Option<(Vec<u32>, Vec<u32>)>> {
        let (Some(table), Some(set)) = (&mut self.members[call], &slice.sets[call]) else {
            return Ok(None);
        };
        let n = set.len();
        let mut keys = set.keys(0..n)?;
        let values = keys.pop().ok_or_else(|| Error::bug("a member without a value"))?;
        let (mut groups, mut members) = (Vec::new(), Vec::new());
        self.keys.intern(&keys, n, &mut groups)?;
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(groups.iter().map(|g| i64::from(*g))));
        table.intern(&[ids, Arc::clone(&values)], n, &mut members)?;
        let mut fresh = Vec::new();
        {
            let mut slices = table.columns_mut()[0].i64s()?.writer(&members);
            for (i, member) in members.iter().enumerate() {
                let slices = slices.at(*member);
                *slices += 1;
                if *slices == 1 {
                    fresh.push(i as u32);
                }
            }
        }
        let of: Vec<u32> = fresh.iter().map(|i| groups[*i as usize]).collect();
        let values = take(&values, &UInt32Array::from(fresh), None)?;
        let call = &calls.calls[call];
        call.function.update(&mut self.running[call.columns.clone()], &of, &[values], None)?;
        Ok(Some((members, groups)))
    }

    fn remove_members(&mut self, calls: &Calls, call: usize, slice: &Slice, members: &[u32], groups: &[u32]) -> Result<()> {
        let (Some(table), Some(set)) = (&mut self.members[call], &slice.sets[call]) else {
            return Ok(());
        };
        let mut gone = Vec::new();
        {
            let mut slices = table.columns_mut()[0].i64s()?.writer(members);
            for (i, member) in members.iter().enumerate() {
                let slices = slices.at(*member);
                *slices -= 1;
                if *slices == 0 {
                    gone.push(i as u32);
                }
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        let call = &calls.calls[call];
        if !call.function.invertible() {
            self.spoilt = true;
            return Ok(());
        }
        // Each value's own contribution, taken out again.
        let of: Vec<u32> = gone.iter().map(|i| groups[*i as usize]).collect();
        let values = set.keys(0..set.len())?.pop().ok_or_else(|| Error::bug("a member without a value"))?;
        let values = take(&values, &UInt32Array::from(gone), None)?;
        let mut single: Vec<StateColumn> = call.function.state().into_iter().map(StateColumn::new).collect();
        single.iter_mut().for_each(|c| c.grow(of.len()));
        let each: Vec<u32> = (0..of.len() as u32).collect();
        call.function.update(&mut single, &each, &[values], None)?;
        call.function
            .unmerge(&mut self.running[call.columns.clone()], &of, &arrays(&single, each.len()))
    }
}

/// Makes ids `0..len` valid for some calls.
fn grow(calls: &Calls, which: fn(&Call) -> bool, columns: &mut [StateColumn], len: usize) {
    for call in calls.calls.iter().filter(|c| which(c)) {
        columns[call.columns.clone()].iter_mut().for_each(|c| c.grow(len));
    }
}

/// The first `n` values of state columns.
fn arrays(columns: &[StateColumn], n: usize) -> Vec<ArrayRef> {
    columns.iter().map(|c| c.to_array(0..n)).collect()
}

/// Adds the first `n` states of some calls to those of `ids`.
fn pour(calls: &Calls, which: fn(&Call) -> bool, into: &mut [StateColumn], ids: &[u32], from: &[StateColumn], n: usize) -> Result<()> {
    for call in calls.calls.iter().filter(|c| which(c)) {
        call.function
            .merge(&mut into[call.columns.clone()], ids, &arrays(&from[call.columns.clone()], n))?;
    }
    Ok(())
}
