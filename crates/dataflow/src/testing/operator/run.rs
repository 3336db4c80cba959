//! One run of a case: instances, what flows between them, and their checkpoints.

use super::{Event, Regime, Stage};
use crate::testing::report::{Found, text};
use crate::testing::rows::{Floats, row_text};
use crate::{Batch, KeyGroupRange, Operator, Output, Port, Result, RowKind, Schema, Snapshot, SnapshotPart, Step, SubtaskContext, Watermark, key_group};
use arrow_array::UInt32Array;
use arrow_schema::SchemaRef;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What came out.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// Port, kind and text of each row, in order.
    pub(super) rows: Vec<(Port, RowKind, String)>,
    pub(super) schemas: BTreeMap<Port, SchemaRef>,
    pub(super) counts: BTreeMap<&'static str, u64>,
    pub(super) state_bytes: usize,
}

/// The state of all subtasks of an operator, some of it not encoded yet.
type Checkpoint = Vec<Vec<Snapshot>>;
/// Encoded chunks of an instance by table and chunk id, with their version: what a checkpoint store holds.
type Encoded = BTreeMap<(usize, usize, String, u64), (u64, bytes::Bytes)>;

pub(super) struct Run<'a> {
    stages: &'a [Stage],
    regime: &'a Regime,
    instances: Vec<Vec<Box<dyn Operator>>>,
    out: Output,
    outcome: Outcome,
    /// Rows of inputs without keys are dealt in turn.
    turn: usize,
    watermark: i64,
    /// The last checkpoint, encoded only after the next event: the operators go on meanwhile.
    taken: Checkpoint,
    encoded: Encoded,
    restores: usize,
}

impl<'a> Run<'a> {
    pub(super) fn new(stages: &'a [Stage], regime: &'a Regime) -> Found<Self> {
        let mut run = Run {
            stages,
            regime,
            instances: Vec::new(),
            out: Output::new(regime.output_rows),
            outcome: Outcome::default(),
            turn: 0,
            watermark: Watermark::NONE,
            taken: Vec::new(),
            encoded: BTreeMap::new(),
            restores: 0,
        };
        run.instances = run.fresh()?;
        Ok(run)
    }
    fn parallelism(&self) -> u32 {
        self.regime.parallelism[self.restores % self.regime.parallelism.len()]
    }
    fn fresh(&self) -> Found<Vec<Vec<Box<dyn Operator>>>> {
        let subtasks = self.parallelism();
        let context = |subtask| SubtaskContext {
            subtask,
            parallelism: subtasks,
            key_groups: KeyGroupRange::of(subtask, subtasks, self.regime.max_parallelism),
            max_parallelism: self.regime.max_parallelism,
        };
        let of = |stage: &Stage| (0..subtasks).map(|i| (stage.make)(&context(i)).map_err(text)).collect();
        self.stages.iter().map(of).collect()
    }
    pub(super) fn finish(mut self) -> Outcome {
        self.outcome.state_bytes = self.instances.iter().flatten().map(|o| o.state_bytes()).sum();
        self.outcome
    }

    pub(super) fn event(&mut self, event: &Event) -> Found<()> {
        match event {
            Event::Rows { input, batch, .. } => self.rows(0, *input, batch.clone()),
            Event::Watermark(time) => self.advance(*time),
            Event::End => {
                self.advance(Watermark::END)?;
                self.each_stage(|op, out| op.on_end(out))
            }
        }
    }
    fn advance(&mut self, time: i64) -> Found<()> {
        self.watermark = time;
        let mut time = time;
        for stage in 0..self.stages.len() {
            for subtask in 0..self.instances[stage].len() {
                self.call(stage, subtask, |op, out| op.on_watermark(Watermark::event(time), out))?;
            }
            time = self.instances[stage].iter().map(|o| o.output_watermark(time)).min().unwrap_or(time);
        }
        Ok(())
    }
    fn each_stage(&mut self, f: impl Fn(&mut dyn Operator, &mut Output) -> Result<Step>) -> Found<()> {
        for stage in 0..self.stages.len() {
            for subtask in 0..self.instances[stage].len() {
                self.call(stage, subtask, &f)?;
            }
        }
        Ok(())
    }

    /// Deals rows to the subtasks of an operator.
    fn rows(&mut self, stage: usize, input: usize, batch: Batch) -> Found<()> {
        let subtasks = self.instances[stage].len();
        let mut of_subtask: Vec<Vec<u32>> = vec![Vec::new(); subtasks];
        match &self.stages[stage].keys[input] {
            None => {
                for row in 0..batch.num_rows() {
                    of_subtask[self.turn % subtasks].push(row as u32);
                    self.turn += 1;
                }
            }
            Some(keys) => {
                let columns: Vec<_> = keys.iter().map(|k| Arc::clone(batch.column(*k))).collect();
                let mut groups = Vec::new();
                key_group::assign(&columns, batch.num_rows(), self.regime.max_parallelism, &mut groups).map_err(text)?;
                for (row, group) in groups.iter().enumerate() {
                    of_subtask[key_group::subtask_of(*group, subtasks as u32, self.regime.max_parallelism) as usize].push(row as u32);
                }
            }
        }
        for (subtask, rows) in of_subtask.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            let part = if rows.len() == batch.num_rows() {
                batch.clone()
            } else {
                batch.take(&UInt32Array::from(rows)).map_err(text)?
            };
            self.call(stage, subtask, |op, out| op.on_batch(input, part, out))?;
        }
        Ok(())
    }

    /// Calls an instance until it is done; what it emits goes on at once.
    fn call(&mut self, stage: usize, subtask: usize, f: impl FnOnce(&mut dyn Operator, &mut Output) -> Result<Step>) -> Found<()> {
        let mut step = f(self.instances[stage][subtask].as_mut(), &mut self.out).map_err(text)?;
        loop {
            if step == Step::More && !self.out.is_full() {
                return Err("the operator returns More although its output is not full".to_string());
            }
            for (reason, rows) in self.out.drain_counts() {
                *self.outcome.counts.entry(reason).or_default() += rows;
            }
            let emitted: Vec<(Port, Batch)> = self.out.drain().collect();
            for (port, batch) in emitted {
                if port == Output::MAIN && stage + 1 < self.stages.len() {
                    self.rows(stage + 1, 0, batch)?;
                } else {
                    self.record(port, &batch)?;
                }
            }
            if step == Step::Done {
                return Ok(());
            }
            step = self.instances[stage][subtask].resume(&mut self.out).map_err(text)?;
        }
    }
    fn record(&mut self, port: Port, batch: &Batch) -> Found<()> {
        let arrow = batch.data.schema();
        let schema = Schema::from_arrow(&arrow).map_err(text)?;
        let known = self.outcome.schemas.entry(port).or_insert_with(|| Arc::clone(&arrow));
        if *known != arrow {
            return Err(format!("the columns change from {known:?} to {arrow:?}"));
        }
        for row in 0..batch.num_rows() {
            self.outcome
                .rows
                .push((port, batch.kind(row), row_text(&batch.data, row, &schema, Floats::Rounded)));
        }
        Ok(())
    }

    /// Takes a checkpoint, as at a barrier. The one before it is stored now.
    pub(super) fn checkpoint(&mut self) -> Found<()> {
        self.store()?;
        self.each_stage(|op, out| op.before_barrier(out))?;
        self.taken = self.instances.iter_mut().map(|s| s.iter_mut().map(|op| op.snapshot()).collect()).collect();
        Ok(())
    }
    /// Stores the checkpoint that was taken last; chunks of a version that is stored already are not written again.
    fn store(&mut self) -> Found<Vec<Vec<Vec<SnapshotPart>>>> {
        let mut stored = Encoded::new();
        let mut parts = Vec::new();
        for (stage, subtasks) in self.taken.iter().enumerate() {
            let mut of_stage = Vec::new();
            for (subtask, snapshot) in subtasks.iter().enumerate() {
                let mut of_subtask = Vec::new();
                for table in &snapshot.tables {
                    for chunk in &table.chunks {
                        let key = (stage, subtask, table.name.clone(), chunk.id);
                        if stored.contains_key(&key) {
                            return Err(format!("table \"{}\" has two chunks with the id {}", table.name, chunk.id));
                        }
                        let bytes = match self.encoded.get(&key) {
                            Some((version, bytes)) if *version == chunk.version => bytes.clone(),
                            _ => chunk.data.encode().map_err(text)?.into(),
                        };
                        of_subtask.push(SnapshotPart {
                            table: table.name.clone(),
                            bytes: bytes.clone(),
                        });
                        stored.insert(key, (chunk.version, bytes));
                    }
                }
                of_stage.push(of_subtask);
            }
            parts.push(of_stage);
        }
        self.encoded = stored;
        Ok(parts)
    }
    /// An event that the instances still see before they are gone: nothing of it counts.
    pub(super) fn lost(&mut self, event: &Event) -> Found<()> {
        let (outcome, turn, watermark) = (self.outcome.clone(), self.turn, self.watermark);
        self.event(event)?;
        (self.outcome, self.turn, self.watermark) = (outcome, turn, watermark);
        Ok(())
    }
    /// Goes on with new instances from the checkpoint taken last.
    pub(super) fn restore(&mut self) -> Found<()> {
        let parts = self.store()?;
        let before = self.instances[0].len() as u32;
        self.restores += 1;
        self.instances = self.fresh()?;
        let (after, max) = (self.parallelism(), self.regime.max_parallelism);
        for (stage, instances) in self.instances.iter_mut().enumerate() {
            for (subtask, instance) in instances.iter_mut().enumerate() {
                let mine = KeyGroupRange::of(subtask as u32, after, max);
                let overlaps = |former: usize| {
                    let theirs = KeyGroupRange::of(former as u32, before, max);
                    theirs.start < mine.end && mine.start < theirs.end
                };
                let all = parts[stage].iter().enumerate().filter(|(former, _)| overlaps(*former));
                let all: Vec<SnapshotPart> = all.flat_map(|(_, p)| p.clone()).collect();
                if !all.is_empty() {
                    instance.restore(&all).map_err(|e| format!("restore: {}", text(e)))?;
                }
            }
        }
        (self.taken, self.encoded) = (Vec::new(), Encoded::new());
        // A restored source speaks its watermark before any row.
        if self.watermark > Watermark::NONE {
            self.advance(self.watermark)
        } else {
            Ok(())
        }
    }
}
