//! Reads the journal, on the rim.

use super::group::Group;
use super::intake::Intake;
use super::lines::Lines;
use super::position::Position;
use millstream_dataflow::{Chunk, Clock, Error, Fetch, Result, Split, SplitReader};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// What a chunk holds at most, but for one record that is larger.
const CHUNK_BYTES: usize = 1 << 20;
const CHUNK_RECORDS: usize = 8192;
/// How often it is told that all was handed over.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// An object of the journal, and where its records are.
pub(super) struct Loaded {
    pub(super) number: u64,
    pub(super) group: Group,
    /// Per record: which of the group's entries, and where in its body.
    pub(super) records: Vec<(u32, Range<usize>)>,
}

impl Loaded {
    fn new(number: u64, group: Group, lines: &Lines) -> Self {
        let of = |(i, body): (usize, &[u8])| lines.split(body).into_iter().map(move |r| (i as u32, r));
        let records = group.entries.iter().map(|e| &e.body[..]).enumerate().flat_map(of).collect();
        Loaded { number, group, records }
    }
}

/// Records of one object, in order, and where the split stands after them.
pub(super) struct Piece {
    pub(super) object: Arc<Loaded>,
    pub(super) records: Range<usize>,
    pub(super) next: Position,
}

pub(super) struct JournalReader {
    intake: Arc<Intake>,
    lines: Lines,
    handle: tokio::runtime::Handle,
    clock: Arc<dyn Clock>,
    /// None of them: another subtask has it.
    split: Option<(String, Position)>,
    open: Option<Arc<Loaded>>,
    /// Nobody makes checkpoints: what is read is not needed any more.
    forgetful: bool,
    chunk_records: usize,
    told: Option<Duration>,
    /// Records that were not handed over, when so many had been in the journal.
    behind: (u64, u64),
}

/// What a reader is made of.
pub(super) struct ReaderParts {
    pub(super) intake: Arc<Intake>,
    pub(super) lines: Lines,
    pub(super) handle: tokio::runtime::Handle,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) forgetful: bool,
    pub(super) chunk_records: usize,
}

impl ReaderParts {
    pub(super) fn default_chunk() -> usize {
        CHUNK_RECORDS
    }
}

impl JournalReader {
    /// # Errors
    /// `Corrupt` for what is no position.
    pub(super) fn new(parts: ReaderParts, split: Option<Split>) -> Result<Self> {
        let split = split.map(|s| Ok::<_, Error>((s.id, Position::parse(&s.position)?))).transpose()?;
        let (from, all) = split.as_ref().map_or((0, 0), |(_, p)| parts.intake.records_from(p.object));
        Ok(JournalReader {
            behind: (from.saturating_sub(split.as_ref().map_or(0, |(_, p)| p.record)), all),
            intake: parts.intake,
            lines: parts.lines,
            handle: parts.handle,
            clock: parts.clock,
            forgetful: parts.forgetful,
            chunk_records: parts.chunk_records,
            split,
            open: None,
            told: None,
        })
    }

    /// The object at a position, if there is one with records behind it within the wait.
    fn load(&mut self, position: &mut Position, wait: Duration) -> Result<Option<Arc<Loaded>>> {
        loop {
            if let Some(open) = self.open.take() {
                let record = position.record as usize;
                if record < open.records.len() {
                    self.open = Some(Arc::clone(&open));
                    return Ok(Some(open));
                }
                if record > open.records.len() {
                    return Err(super::lines::no_such_record(open.number, position.record));
                }
                *position = Position::start_of(open.number + 1);
                if self.forgetful {
                    self.handle.block_on(self.intake.release(position.object))?;
                }
            }
            if !self.intake.wait_for(position.object, wait)? {
                return Ok(None);
            }
            let group = self.handle.block_on(self.intake.read(position.object))?;
            self.open = Some(Arc::new(Loaded::new(position.object, group, &self.lines)));
        }
    }

    fn end_of_data(&mut self, id: String) -> Fetch {
        let now = self.clock.monotonic();
        if self.told.is_some_and(|at| now.saturating_sub(at) < TELL_EVERY) {
            return Fetch::Nothing;
        }
        self.told = Some(now);
        Fetch::EndOfData(vec![id])
    }
}

impl SplitReader for JournalReader {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        let Some((id, mut position)) = self.split.clone() else {
            std::thread::sleep(wait);
            return Ok(Fetch::Nothing);
        };
        let loaded = self.load(&mut position, wait)?;
        let Some(object) = loaded else {
            self.split = Some((id.clone(), position));
            return Ok(self.end_of_data(id));
        };
        let first = position.record as usize;
        let (mut bytes, mut count) = (0, 0);
        for (_, record) in object.records[first..].iter().take(self.chunk_records) {
            if count > 0 && bytes + record.len() > CHUNK_BYTES {
                break;
            }
            (bytes, count) = (bytes + record.len(), count + 1);
        }
        let records = first..first + count;
        let next = match records.end == object.records.len() {
            true => Position::start_of(object.number + 1),
            false => Position {
                object: object.number,
                record: records.end as u64,
            },
        };
        // The object stays open until its last record is on its way: then it is covered with it.
        self.split = Some((
            id.clone(),
            Position {
                record: records.end as u64,
                ..position
            },
        ));
        self.behind.0 = self.behind.0.saturating_sub(count as u64);
        self.told = None;
        Ok(Fetch::Chunk(Chunk {
            split: id,
            bytes,
            payload: Box::new(Piece { object, records, next }),
        }))
    }
    fn lag(&self) -> Vec<(String, u64)> {
        let came = self.intake.records().saturating_sub(self.behind.1);
        self.split.iter().map(|(id, _)| (id.clone(), self.behind.0 + came)).collect()
    }
}
