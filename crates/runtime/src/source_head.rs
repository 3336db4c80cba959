//! The head of a source subtask: chunks in, stamped batches and watermarks out.

use crate::alignment::{Member, NOBODY};
use crate::feed::{Feed, Found};
use crate::letters::{kept, left_out, watermarks};
use crate::metrics::NodeMetrics;
use crate::source_time::SourceTime;
use arrow_array::{Array, Int64Array};
use arrow_buffer::ScalarBuffer;
use millstream_dataflow::dead_letter::ChunkOrigin;
use millstream_dataflow::{BadRecords, Batch, Chunk, Clock, Error, Fetch, Places, Rejected, Result, Scan, Split, SplitDecoder, Stamp, Watermark};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tracing::warn;

/// How often processing time goes on while no rows come, ms.
const TICK_MS: i64 = 20;

/// What a source subtask remembers of a split; position and watermark are in every checkpoint.
#[derive(Debug, Clone)]
struct SplitState {
    position: String,
    /// Running maximum of the watermark expression, and of what the split itself says: a function of position.
    watermark: i64,
    /// The reader stands at the split's end.
    end: Option<AtEnd>,
    idle: bool,
    /// So far ahead of its group that it is not read.
    paused: bool,
    finished: bool,
}

#[derive(Debug, Clone, Copy)]
struct AtEnd {
    since: Duration,
    /// How far the others may go past the split once it is idle.
    allows: i64,
}

impl SplitState {
    /// How far event time may go for this split's sake.
    fn limit(&self) -> i64 {
        match self.end {
            Some(end) if self.idle => self.watermark.max(end.allows),
            _ => self.watermark,
        }
    }
    /// Whether splits of the same group wait for this one. Of one that is empty so far nothing is known to wait for.
    fn holds_others(&self) -> bool {
        let is_empty = self.watermark == Watermark::NONE && self.end.is_some();
        !self.idle && !self.finished && !is_empty
    }
}

/// What came out of a step.
pub(crate) enum Emitted {
    Chunk {
        rows: Batch,
        /// Dead letters of the same chunk: they leave with its rows, as the position behind it covers both.
        rejected: Option<Batch>,
    },
    Watermark(i64),
    Idle,
    End,
}

pub(crate) struct SourceHead {
    feed: Feed,
    decoder: Box<dyn SplitDecoder>,
    scan: Box<dyn Scan>,
    splits: BTreeMap<String, SplitState>,
    bounded: bool,
    bad_records: BadRecords,
    /// Rows tell where they came from, should they be late.
    keep_origins: bool,
    idle_timeout: Option<Duration>,
    /// The watermark follows the clock, whether rows come or not.
    processing_time: bool,
    alignment: Option<Member>,
    clock: Arc<dyn Clock>,
    metrics: Arc<NodeMetrics>,
    time: Arc<SourceTime>,
    table: String,
    subtask: u32,
    /// The last watermark sent.
    emitted: i64,
    /// A split is neither idle nor finished.
    awake: bool,
    /// Consumers were told not to wait for this subtask.
    told_idle: bool,
    ended: bool,
    /// What to send before the next fetch, in order.
    pending: VecDeque<Emitted>,
}

pub(crate) struct SourceHeadParts {
    pub(crate) feed: Feed,
    pub(crate) decoder: Box<dyn SplitDecoder>,
    pub(crate) scan: Box<dyn Scan>,
    /// The splits of this subtask with their watermarks.
    pub(crate) splits: Vec<(Split, i64)>,
    pub(crate) bounded: bool,
    pub(crate) bad_records: BadRecords,
    pub(crate) keep_origins: bool,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) processing_time: bool,
    pub(crate) alignment: Option<Member>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<NodeMetrics>,
    pub(crate) time: Arc<SourceTime>,
    pub(crate) table: String,
    pub(crate) subtask: u32,
}

impl SourceHead {
    pub(crate) fn new(p: SourceHeadParts) -> Self {
        let state = |(s, watermark): (Split, i64)| {
            (
                s.id,
                SplitState {
                    position: s.position,
                    watermark,
                    end: None,
                    idle: false,
                    paused: false,
                    finished: false,
                },
            )
        };
        let mut head = SourceHead {
            feed: p.feed,
            decoder: p.decoder,
            scan: p.scan,
            splits: p.splits.into_iter().map(state).collect(),
            bounded: p.bounded,
            bad_records: p.bad_records,
            keep_origins: p.keep_origins,
            idle_timeout: p.idle_timeout,
            processing_time: p.processing_time,
            alignment: p.alignment,
            clock: p.clock,
            metrics: p.metrics,
            time: p.time,
            table: p.table,
            subtask: p.subtask,
            emitted: Watermark::NONE,
            awake: false,
            told_idle: false,
            ended: false,
            pending: VecDeque::new(),
        };
        head.splits.values().for_each(|s| head.time.reached(s.watermark));
        head.note_awake();
        head.report_left();
        // A restored source speaks its checkpointed watermark before any row.
        let restored = head.advance();
        head.pending.extend(restored);
        head
    }

    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Positions and watermarks for a checkpoint.
    pub(crate) fn snapshot(&self) -> Vec<(Split, i64)> {
        self.splits
            .iter()
            .map(|(id, s)| {
                (
                    Split {
                        id: id.clone(),
                        position: s.position.clone(),
                    },
                    s.watermark,
                )
            })
            .collect()
    }

    /// Does one thing, if there is one to do.
    pub(crate) fn step(&mut self) -> Result<Option<Emitted>> {
        if let Some(pending) = self.pending.pop_front() {
            return Ok(Some(pending));
        }
        if self.ended {
            return Ok(None);
        }
        loop {
            self.align()?;
            if self.splits.is_empty() || self.splits.values().all(|s| s.finished) {
                return Ok(self.without_data());
            }
            let Some(Found { fetch, before }) = self.feed.poll()? else {
                return Ok(self.look_for_idle());
            };
            let moved = match fetch {
                Fetch::Chunk(chunk) => {
                    let start = self.clock.monotonic();
                    let emitted = self.chunk(chunk)?;
                    self.metrics.busy_ns.fetch_add((self.clock.monotonic() - start).as_nanos() as u64, Relaxed);
                    return Ok(Some(emitted));
                }
                Fetch::EndOfData(ids) => {
                    self.end_of_data(ids, before)?;
                    return Ok(self.look_for_idle());
                }
                Fetch::Nothing => return Ok(self.look_for_idle()),
                Fetch::Watermark(reached, time) => {
                    let split = self.split(&reached.id)?;
                    split.position = reached.position;
                    split.watermark = split.watermark.max(time);
                    self.time.reached(time);
                    self.advance()
                }
                Fetch::Finished(id) => {
                    let split = self.split(&id)?;
                    (split.paused, split.finished) = (false, true);
                    self.report_lag(Some(&id));
                    self.note_awake();
                    self.advance()
                }
            };
            // There is nothing to send, but what comes behind must not wait until somebody looks again.
            if moved.is_some() {
                return Ok(moved);
            }
        }
    }

    fn end_of_data(&mut self, ids: Vec<String>, before: i64) -> Result<()> {
        let now = self.clock.monotonic();
        for id in ids {
            let split = self.split(&id)?;
            if split.paused {
                continue;
            }
            let end = &mut split.end;
            *end = Some(AtEnd {
                since: end.map_or(now, |e| e.since),
                allows: end.map_or(before, |e| e.allows.max(before)),
            });
            self.report_lag(Some(&id));
        }
        Ok(())
    }

    /// Pauses the splits that are too far ahead of their group, and lets go on those that are not any more.
    fn align(&mut self) -> Result<()> {
        let Some(alignment) = &mut self.alignment else { return Ok(()) };
        let own = self.splits.values().filter(|s| s.holds_others()).map(|s| s.watermark).min().unwrap_or(NOBODY);
        let limit = alignment.limit(own, self.clock.monotonic());
        let mut changed = false;
        for split in self.splits.values_mut().filter(|s| !s.idle && !s.finished) {
            let pauses = split.watermark > limit;
            if split.paused != pauses {
                // Nobody looks for new data meanwhile: that it had ended is old news afterwards.
                (split.paused, split.end, changed) = (pauses, None, true);
            }
        }
        if changed {
            let paused: BTreeSet<String> = self.splits.iter().filter(|(_, s)| s.paused).map(|(id, _)| id.clone()).collect();
            self.metrics.set_paused(self.subtask, paused.len() as u64);
            self.feed.pause(paused)?;
        }
        Ok(())
    }

    fn split(&mut self, id: &str) -> Result<&mut SplitState> {
        let table = &self.table;
        self.splits
            .get_mut(id)
            .ok_or_else(|| Error::bug(format!("a reader of table \"{table}\" named the split \"{id}\", which it was not given")))
    }

    /// No split will ever deliver: the end of a bounded source, or nothing to do for this subtask until there are new ones.
    fn without_data(&mut self) -> Option<Emitted> {
        if self.bounded {
            self.ended = true;
            self.pending.push_back(Emitted::End);
            self.metrics.set_watermark(self.subtask, Watermark::END);
            self.report_left();
            return Some(Emitted::Watermark(Watermark::END));
        }
        self.go_idle()
    }

    fn go_idle(&mut self) -> Option<Emitted> {
        if self.told_idle {
            return None;
        }
        self.told_idle = true;
        self.metrics.set_idle(self.subtask);
        Some(Emitted::Idle)
    }

    /// Keeps the count of subtasks that deliver.
    fn note_awake(&mut self) {
        let awake = self.splits.values().any(|s| !s.idle && !s.finished);
        match (self.awake, awake) {
            (false, true) => self.time.wakes(),
            (true, false) => self.time.rests(),
            _ => {}
        }
        self.awake = awake;
    }

    /// No rows came: time goes on all the same.
    fn tick(&mut self) -> Option<Emitted> {
        let reached = self.clock.now_ms() - 1;
        if reached < self.emitted.saturating_add(TICK_MS) {
            return None;
        }
        self.clock_reached(reached);
        self.advance()
    }

    /// Time is the same for all splits: one without rows does not hold back those that have many.
    fn clock_reached(&mut self, time: i64) {
        for split in self.splits.values_mut() {
            split.watermark = split.watermark.max(time);
        }
    }

    fn look_for_idle(&mut self) -> Option<Emitted> {
        if self.processing_time {
            return self.tick();
        }
        let timeout = self.idle_timeout?;
        let now = self.clock.monotonic();
        for split in self.splits.values_mut().filter(|s| !s.idle && !s.paused && !s.finished) {
            split.idle = split.end.is_some_and(|end| now.saturating_sub(end.since) >= timeout);
        }
        self.note_awake();
        let moved = self.advance();
        // Subtasks of one source wait for each other: a watermark that goes as far as the idle splits allow is all there is to say.
        // Only another source, whose rows these would meet, must not wait for one that has nothing at all.
        let told = match !self.time.alone && self.time.all_rest() {
            true => self.go_idle(),
            false => std::mem::take(&mut self.told_idle).then_some(Emitted::Watermark(self.emitted)),
        };
        if moved.is_none() {
            return told;
        }
        self.pending.extend(told.filter(|t| matches!(t, Emitted::Idle)));
        moved
    }

    /// The watermark to send, if it has moved.
    fn advance(&mut self) -> Option<Emitted> {
        let time = self.splits.values().filter(|s| !s.finished).map(SplitState::limit).min()?;
        if time <= self.emitted {
            return None;
        }
        self.emitted = time;
        self.metrics.set_watermark(self.subtask, time);
        Some(Emitted::Watermark(time))
    }

    fn chunk(&mut self, chunk: Chunk) -> Result<Emitted> {
        let id = chunk.split.clone();
        let decoded = self.decoder.decode(chunk)?;
        self.metrics.records_in.fetch_add(decoded.records, Relaxed);
        self.metrics.tombstones.fetch_add(decoded.tombstones, Relaxed);
        let mut rejected = decoded.bad;
        self.judge(&rejected, &decoded.places)?;
        let mut arrived_ms = self.clock.now_ms();
        if self.processing_time {
            // Clocks differ between processes, and may be set back.
            arrived_ms = arrived_ms.max(self.split(&id)?.watermark.saturating_add(1));
        }
        let scanned = self.scan.scan(decoded.batch, arrived_ms)?;
        let left_out = left_out(&scanned.bad, &decoded.places, decoded.raw.as_ref());
        self.judge(&left_out, &decoded.places)?;
        rejected.extend(left_out);
        let mut batch = scanned.batch;
        let table = self.table.clone();
        let split = self.split(&id)?;
        split.position = decoded.split.position;
        (split.end, split.idle) = (None, false);
        let mut high = Watermark::NONE;
        if let Some(candidates) = &scanned.candidates {
            batch.stamp = Some(stamp(candidates, &mut split.watermark));
            high = split.watermark;
        }
        let origin = ChunkOrigin {
            table: &table,
            split: &id,
            places: &decoded.places,
        };
        if self.keep_origins
            && let (Some(times), Some(stamp)) = (&scanned.event_times, &batch.stamp)
        {
            let rows = kept(batch.num_rows(), &scanned.bad);
            batch.origins = Some(origin.of_rows(&rows, decoded.raw.as_ref(), times, stamp)?);
        }
        if self.processing_time {
            self.clock_reached(high);
        }
        self.time.reached(high);
        self.note_awake();
        if high > Watermark::NONE {
            self.metrics.event_time.fetch_max(high, Relaxed);
        }
        self.metrics.records_out.fetch_add(batch.num_rows() as u64, Relaxed);
        self.report_lag(None);
        let mut letters = None;
        if self.bad_records == BadRecords::Route && !rejected.is_empty() {
            rejected.sort_by_key(|r| r.number);
            let rows = kept(batch.num_rows(), &scanned.bad);
            let watermarks = watermarks(&rejected, &rows, &decoded.places, batch.stamp.as_ref(), high);
            letters = Some(Batch::new(origin.letters(&rejected, &watermarks)?));
        }
        let moved = self.advance();
        // Consumers must count this source again, at the watermark they know.
        let again = std::mem::take(&mut self.told_idle).then_some(Emitted::Watermark(self.emitted));
        self.pending.extend(moved.or(again));
        Ok(Emitted::Chunk {
            rows: batch,
            rejected: letters,
        })
    }

    /// What the reader knows of its distance to the end, which may be a while old; a split that stands at its end has none.
    fn report_lag(&self, at_end: Option<&str>) {
        let mut all = self.metrics.lag.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ended = |id: &str| self.splits.get(id).is_some_and(|s| s.finished || s.end.is_some());
        all.extend(self.feed.lag().into_iter().filter(|(id, _)| !ended(id)));
        match at_end {
            // A bounded table may have very many.
            Some(id) if self.splits.get(id).is_some_and(|s| s.finished) => drop(all.remove(id)),
            Some(id) => drop(all.insert(id.to_string(), 0)),
            None => {}
        }
        drop(all);
        self.report_left();
    }
    /// How much of a bounded source is left, if its reader knows.
    fn report_left(&self) {
        if self.bounded
            && let Some(left) = self.feed.left()
        {
            self.metrics.set_left(self.subtask, if self.ended { 0 } else { left });
        }
    }

    /// Counts records that are no rows.
    ///
    /// # Errors
    /// The first of them, where they are not to be left out.
    fn judge(&self, rejected: &[Rejected], places: &Places) -> Result<()> {
        for Rejected { number, why, .. } in rejected {
            if self.bad_records == BadRecords::Fail {
                return Err(Error::data(format!("a record of table \"{}\" cannot be read: {}", self.table, why.message))
                    .code("E0700")
                    .detail(format!("{}, reason {}", places.of(*number), why.reason))
                    .of_table(&self.table)
                    .hint("set 'on-error' = 'skip' in the table's options to count and leave out such records, 'route' to put them into a table"));
            }
            if self.metrics.count(why.reason, 1) > 0 {
                let action = match self.bad_records {
                    BadRecords::Route => "record routed",
                    _ => "record left out",
                };
                warn!(job = %self.metrics.job, operator = %self.metrics.id, table = %self.table, reason = why.reason, place = %places.of(*number), problem = %why.message, "{action}");
            }
        }
        Ok(())
    }
}

/// Stamps each row with the watermark before it and moves the watermark on.
fn stamp(candidates: &Int64Array, watermark: &mut i64) -> Stamp {
    let before = *watermark;
    let moves = |i: usize| candidates.is_valid(i) && candidates.value(i) > before;
    // Only rows after the first one that moves the watermark have another stamp than `before`.
    match (0..candidates.len()).find(|i| moves(*i)) {
        None => Stamp::Constant(before),
        Some(first) if first + 1 == candidates.len() => {
            *watermark = candidates.value(first);
            Stamp::Constant(before)
        }
        Some(_) => {
            let mut running = before;
            let stamps: Vec<i64> = (0..candidates.len())
                .map(|i| {
                    let stamp = running;
                    if candidates.is_valid(i) {
                        running = running.max(candidates.value(i));
                    }
                    stamp
                })
                .collect();
            *watermark = running;
            Stamp::Rows(ScalarBuffer::from(stamps))
        }
    }
}

#[cfg(test)]
mod tests;
