//! The keyed operator: state per slice, windows fired by the watermark.

use super::bounds::{Place, first_open, group, last_end, places};
use super::calls::Calls;
use super::cut::Cut;
use super::emission::{Emission, Groups};
use super::fire::next_due;
use super::slice::{Slice, group_table, place_of, set_table};
use super::sliding::Sliding;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, BooleanArray, UInt32Array};
use arrow_schema::SchemaRef;
use millstream_dataflow::{Batch, Error, Operator, Output, Result, RowKind, Snapshot, SnapshotPart, Step, SubtaskContext, Watermark};
use millstream_plan::{AggregateInput, WindowAggregate};
use millstream_state::table::{read_singleton, singleton, table_names};
use std::collections::BTreeMap;

/// Name of the table that holds the last watermark.
const FIRED: &str = "fired";

pub(crate) struct WindowAggregateOperator {
    cut: Cut,
    input: AggregateInput,
    calls: Calls,
    schema: SchemaRef,
    context: SubtaskContext,
    slices: BTreeMap<Place, Slice>,
    /// The last window that was assembled of several slices; `None` if the next one starts over.
    sliding: Option<Sliding>,
    /// Windows whose last millisecond is not past this have fired. In the windows' times, as is `target`.
    fired: i64,
    /// What the current firing goes up to.
    target: i64,
    emission: Option<Emission>,
    ids: Vec<u32>,
}

impl WindowAggregateOperator {
    pub(crate) fn new(spec: &WindowAggregate, input: AggregateInput, schema: SchemaRef, context: &SubtaskContext) -> Result<Self> {
        Ok(WindowAggregateOperator {
            cut: Cut::of(spec)?,
            input,
            calls: Calls::new(spec)?,
            schema,
            context: context.clone(),
            slices: BTreeMap::new(),
            sliding: None,
            fired: Watermark::NONE,
            target: Watermark::NONE,
            emission: None,
            ids: Vec::new(),
        })
    }
    /// The place where rows of `place` count now: windows that fired here take no more, which differs from the row's own verdict
    /// only after a partition was idle or joined.
    fn open_place(&self, (end, from): Place) -> Option<Place> {
        if self.cut.attached() {
            return (self.fired < end.saturating_sub(1)).then_some((end, from));
        }
        let from = from.max(first_open(end, self.cut.window.slide_ms(), self.fired));
        (from <= last_end(&self.cut.window, end)).then_some((end, from))
    }
    fn slice(&mut self, place: Place) -> Result<&mut Slice> {
        // Rows that come after a firing count from a later window on, so they form a patch of their own. Should a slice change that is
        // part of the assembled window, that is assembled anew.
        if self.sliding.as_ref().is_some_and(|s| s.holds(&place)) {
            self.sliding = None;
        }
        Ok(match self.slices.entry(place) {
            std::collections::btree_map::Entry::Occupied(e) => e.into_mut(),
            std::collections::btree_map::Entry::Vacant(e) => e.insert(Slice::new(&self.calls, &place)?),
        })
    }
    fn rows(&mut self, batch: &Batch, out: &mut Output) -> Result<()> {
        let (groups, mut late) = group(&places(batch, &self.cut)?);
        let mut after_idle = Vec::new();
        for (place, rows) in groups {
            let Some(place) = self.open_place(place) else {
                after_idle.extend(rows);
                continue;
            };
            let part = if rows.len() == batch.num_rows() {
                batch.clone()
            } else {
                batch.take(&UInt32Array::from(rows))?
            };
            let mut ids = std::mem::take(&mut self.ids);
            self.slice(place)?;
            let Some(slice) = self.slices.get_mut(&place) else {
                return Err(Error::bug("a slice vanished"));
            };
            let (added, gone) = by_sign(&part)?;
            if let Some(added) = added {
                slice.update(&self.calls, &added, &mut ids)?;
            }
            if let Some(gone) = gone {
                slice.take_back(&self.calls, &gone, &place, &mut ids)?;
            }
            self.ids = ids;
        }
        if !late.is_empty() {
            out.count("late", late.len() as u64);
        }
        if !after_idle.is_empty() {
            out.count("late-after-idle", after_idle.len() as u64);
        }
        late.extend(after_idle);
        if !late.is_empty() {
            late.sort_unstable();
            out.push_to(Output::LATE, batch.take(&UInt32Array::from(late))?);
        }
        Ok(())
    }
    fn partials(&mut self, batch: &Batch, out: &mut Output) -> Result<()> {
        let wrong = || Error::bug("partials lack their slice");
        let ends = batch.column(0).as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values().clone();
        let froms = batch.column(1).as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values().clone();
        let all: Vec<Option<Place>> = ends.iter().zip(froms.iter()).map(|(e, f)| Some((*e, *f))).collect();
        let keys = self.calls.keys.len();
        for (place, rows) in group(&all).0 {
            let part = if rows.len() == batch.num_rows() {
                batch.clone()
            } else {
                batch.take(&UInt32Array::from(rows))?
            };
            let columns: &[ArrayRef] = part.data.columns();
            let Some(place) = self.open_place(place) else {
                let rows: i64 = columns[2 + keys].as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values().iter().sum();
                out.count("late-after-idle", rows as u64);
                continue;
            };
            let mut ids = std::mem::take(&mut self.ids);
            self.slice(place)?;
            let Some(slice) = self.slices.get_mut(&place) else {
                return Err(Error::bug("a slice vanished"));
            };
            slice.merge(&self.calls, &columns[2..2 + keys], &columns[2 + keys..], part.num_rows(), &mut ids)?;
            self.ids = ids;
        }
        Ok(())
    }

    /// Fires windows in order until all that are due are out, or the output is full.
    fn fire(&mut self, out: &mut Output) -> Result<Step> {
        loop {
            if let Some(emission) = &mut self.emission {
                if !emission.run(&self.calls, self.sliding.as_ref(), &self.cut, &self.schema, out)? {
                    return Ok(Step::More);
                }
                self.emission = None;
            }
            let before = self.fired;
            let Some(end) = next_due(&self.slices, &self.cut.window, self.cut.attached(), before, self.target) else {
                break;
            };
            self.emission = Some(self.assemble(end, before)?);
            // The firing's own watermark, so that a resumed firing goes on behind this window.
            self.fired = end.saturating_sub(1);
            self.drop_slices(end);
        }
        self.fired = self.fired.max(self.target);
        self.forget_when_done();
        Ok(Step::Done)
    }

    /// What a window shows.
    fn assemble(&mut self, end: i64, stamp: i64) -> Result<Emission> {
        let calls = &self.calls;
        if !self.cut.slides() {
            let place = (end, end);
            let groups = self.slices.remove(&place).map_or_else(|| Slice::new(calls, &place), Ok)?.groups;
            let len = groups.len();
            return Ok(Emission::new(Groups::Slice(groups), len, end, stamp));
        }
        let mut sliding = self.sliding.take().map_or_else(|| Sliding::new(calls), Ok)?;
        let states = sliding.advance(calls, &self.slices, end, self.cut.window.size_ms())?;
        let len = sliding.len();
        self.sliding = Some(sliding);
        Ok(Emission::new(Groups::Window(states), len, end, stamp))
    }

    /// Drops slices whose last window has fired. Those that left the window just now stay for one more: they still have to be taken
    /// out of it.
    fn drop_slices(&mut self, fired_end: i64) {
        let (window, keep) = (self.cut.window, if self.cut.slides() { self.cut.window.slide_ms() } else { 0 });
        self.slices.retain(|(end, _), _| last_end(&window, *end).saturating_add(keep) > fired_end);
    }

    /// Between watermarks nothing is kept for windows that are over.
    fn forget_when_done(&mut self) {
        let done = |place: &Place| self.open_place(*place).is_none();
        if self.cut.slides() && !self.slices.is_empty() && self.slices.keys().all(done) {
            self.slices.clear();
            self.sliding = None;
        }
    }
}

/// The rows that are added, and those that are taken back; their order does not matter to aggregates that can do that.
fn by_sign(batch: &Batch) -> Result<(Option<Batch>, Option<Batch>)> {
    let Some(kinds) = &batch.kinds else {
        return Ok((Some(batch.clone()), None));
    };
    let some = |mask: BooleanArray| Ok::<_, Error>(Some(batch.filter(&mask)?).filter(|b| b.num_rows() > 0));
    let adds: BooleanArray = kinds.iter().map(|k| Some(matches!(k, RowKind::Insert | RowKind::UpdateAfter))).collect();
    let gone = BooleanArray::new(!adds.values(), None);
    Ok((some(adds)?, some(gone)?))
}

impl Operator for WindowAggregateOperator {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        match self.input {
            AggregateInput::Rows => self.rows(&batch, out)?,
            AggregateInput::Partials => self.partials(&batch, out)?,
        }
        Ok(Step::Done)
    }
    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Step> {
        self.target = self.cut.watermark(watermark.time);
        self.fire(out)
    }
    fn resume(&mut self, out: &mut Output) -> Result<Step> {
        self.fire(out)
    }
    fn snapshot(&mut self) -> Snapshot {
        let mut tables = vec![singleton(FIRED, self.fired.to_le_bytes().to_vec())];
        self.slices.values().for_each(|s| s.snapshot(&mut tables));
        Snapshot { tables }
    }
    fn restore(&mut self, parts: &[SnapshotPart]) -> Result<()> {
        for bytes in read_singleton(FIRED, parts)? {
            let time = <[u8; 8]>::try_from(bytes.as_ref()).map_err(|_| Error::corrupt("a stored watermark has no 8 bytes"))?;
            // All subtasks had seen the same watermark at the barrier.
            self.fired = self.fired.max(i64::from_le_bytes(time));
        }
        let group_by: Vec<usize> = (0..self.calls.keys.len()).collect();
        for place in table_names(parts).into_iter().filter_map(place_of) {
            let mut slice = Slice::new(&self.calls, &place)?;
            let of = |name: &str| parts.iter().filter(|p| p.table == name).cloned().collect::<Vec<_>>();
            slice
                .groups
                .restore(&of(&group_table(&place)), self.context.key_groups, self.context.max_parallelism, &group_by)?;
            for (i, set) in slice.sets.iter_mut().enumerate() {
                if let Some(set) = set {
                    set.restore(&of(&set_table(i, &place)), self.context.key_groups, self.context.max_parallelism, &group_by)?;
                }
            }
            if !slice.groups.is_empty() {
                self.slices.insert(place, slice);
            }
        }
        Ok(())
    }
    fn state_bytes(&self) -> usize {
        self.slices.values().map(Slice::bytes).sum::<usize>() + self.sliding.as_ref().map_or(0, Sliding::bytes)
    }
}
