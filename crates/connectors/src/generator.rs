//! Sources that make their rows up: each row is a pure function of its number, so a position is a number.

use crate::ConnectorContext;
use arrow_array::RecordBatch;
use millstream_dataflow::{Batch, BoxFuture, Chunk, Clock, Decoded, Error, Fetch, Places, Result, Source, Split, SplitDecoder, SplitReader};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Rows per chunk.
const CHUNK: u64 = 4096;

/// How many rows there are and how fast they come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Without it they never end.
    pub(crate) rows: Option<u64>,
    /// Parts the rows are dealt to.
    pub(crate) splits: u64,
    /// Per second of real time, all parts together; as fast as they are taken if not set.
    pub(crate) per_second: Option<u64>,
}

#[cfg(test)]
impl Pace {
    /// The numbers of all parts of a bounded source, from a row of each part on.
    pub(crate) fn all(self, from: u64) -> Vec<Numbers> {
        let of = |part: u64| Numbers {
            from,
            to: self.rows_of(part),
            part,
            inside: 1,
            splits: self.splits,
            started_ms: 0,
        };
        (0..self.splits).map(of).collect()
    }
}

impl Pace {
    /// How many rows a part has: the numbers n with n % splits == part.
    fn rows_of(self, part: u64) -> u64 {
        self.rows.map_or(u64::MAX, |n| n.saturating_sub(part).div_ceil(self.splits))
    }
}

/// Some of the numbers that belong to a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    from: u64,
    to: u64,
    part: u64,
    splits: u64,
    /// How many numbers belong to one row.
    pub(crate) inside: u64,
    /// When the source first started, epoch ms: the same after each restart.
    pub(crate) started_ms: i64,
}

impl Numbers {
    /// Numbers of values inside of rows, one after the other.
    ///
    /// - `each`: how many numbers each row has
    pub(crate) fn only(self, from: u64, count: u64, each: u64) -> Numbers {
        Numbers {
            from,
            to: from.saturating_add(count),
            part: 0,
            splits: 1,
            inside: self.inside.saturating_mul(each),
            ..self
        }
    }
    pub(crate) fn iter(self) -> impl Iterator<Item = u64> + Clone {
        (self.from..self.to).map(move |i| i * self.splits + self.part)
    }
}

/// Makes rows from their numbers.
pub(crate) trait GeneratedRows: Send + Sync {
    fn batch(&self, numbers: Numbers) -> Result<RecordBatch>;
}

pub(crate) struct GeneratorSource {
    pace: Pace,
    rows: Arc<dyn GeneratedRows>,
    clock: Arc<dyn Clock>,
}

impl GeneratorSource {
    pub(crate) fn new(pace: Pace, rows: Arc<dyn GeneratedRows>, context: &ConnectorContext) -> Self {
        GeneratorSource {
            pace,
            rows,
            clock: Arc::clone(&context.clock),
        }
    }
}

/// Which of its rows a part gives next, and when the source first started: a persisted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    next: u64,
    started_ms: i64,
}

impl Position {
    fn text(self) -> String {
        format!("v1 {} {}", self.next, self.started_ms)
    }
    fn parse(text: &str) -> Result<Position> {
        let parts = text.strip_prefix("v1 ").and_then(|t| t.split_once(' '));
        parts
            .and_then(|(next, started)| {
                Some(Position {
                    next: next.parse().ok()?,
                    started_ms: started.parse().ok()?,
                })
            })
            .ok_or_else(|| Error::corrupt(format!("\"{text}\" is no position of a generator")))
    }
}

/// The number of a part; of `splits` parts, because rows are dealt otherwise where there are more or fewer.
fn part_of(id: &str, splits: u64) -> Result<u64> {
    let parts = id.strip_prefix("part-").and_then(|r| r.split_once("-of-"));
    let number = |text: &str| text.parse::<u64>().ok();
    let numbers = parts.and_then(|(part, of)| Some((number(part)?, number(of)?)));
    match numbers {
        Some((part, of)) if of == splits && part < splits => Ok(part),
        Some(_) => Err(
            Error::config(format!("the checkpoint holds \"{id}\" of a generator that has {splits} parts now"))
                .code("E0602")
                .hint("give the table the options it had, or start with --fresh"),
        ),
        None => Err(Error::corrupt(format!("\"{id}\" is no part of a generator"))),
    }
}

impl Source for GeneratorSource {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        let first = Position {
            next: 0,
            started_ms: self.clock.now_ms(),
        };
        let of = |id: String| Split {
            position: known.iter().find(|k| k.id == id).map_or_else(|| first.text(), |k| k.position.clone()),
            id,
        };
        let known_are_ours = known.iter().try_for_each(|k| part_of(&k.id, self.pace.splits).map(|_| ()));
        let splits = (0..self.pace.splits).map(|s| of(format!("part-{s}-of-{}", self.pace.splits))).collect();
        Box::pin(async move { known_are_ours.map(|()| splits) })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        let splits_len = splits.len();
        let parts = splits
            .into_iter()
            .map(|s| Ok((part_of(&s.id, self.pace.splits)?, Position::parse(&s.position)?, s.id)))
            .collect::<Result<_>>()?;
        Ok(Box::new(Reader {
            parts,
            pace: self.pace,
            start: self.clock.monotonic(),
            parts_at_start: splits_len,
            clock: Arc::clone(&self.clock),
            given: 0,
            paused: BTreeSet::new(),
        }))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(Box::new(Maker(Arc::clone(&self.rows))))
    }
    fn bounded(&self) -> bool {
        self.pace.rows.is_some()
    }
}

struct Reader {
    /// Number, position, id.
    parts: Vec<(u64, Position, String)>,
    pace: Pace,
    clock: Arc<dyn Clock>,
    start: Duration,
    parts_at_start: usize,
    /// Rows given since the start, for the rate.
    given: u64,
    /// Ids of parts that are not wanted for now.
    paused: BTreeSet<String>,
}

impl Reader {
    /// How many rows may be given now.
    fn allowance(&self) -> u64 {
        match self.pace.per_second {
            None => CHUNK,
            Some(rate) => {
                // Each reader gives its parts' share, those included that are done.
                let elapsed = (self.clock.monotonic() - self.start).as_secs_f64();
                let share = self.parts_at_start as f64 / self.pace.splits as f64;
                ((elapsed * rate as f64 * share) as u64).saturating_sub(self.given).min(CHUNK)
            }
        }
    }
    /// Rows of a part that are still to be given.
    fn left_of(&self, part: u64, position: &Position) -> u64 {
        self.pace.rows_of(part).saturating_sub(position.next)
    }
}

impl SplitReader for Reader {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        if self.parts.is_empty() {
            std::thread::sleep(wait);
            return Ok(Fetch::Nothing);
        }
        // The one that is behind: times are those of the numbers, and the slowest part holds the watermark.
        let wanted = self.parts.iter().enumerate().filter(|(_, (_, _, id))| !self.paused.contains(id));
        let Some((turn, _)) = wanted.min_by_key(|(_, (_, position, _))| position.next) else {
            std::thread::sleep(wait.min(Duration::from_millis(10)));
            return Ok(Fetch::Nothing);
        };
        let allowed = self.allowance();
        let (part, position, id) = &mut self.parts[turn];
        let of_part = self.pace.rows_of(*part);
        if position.next >= of_part {
            let id = self.parts.remove(turn).2;
            return Ok(Fetch::Finished(id));
        }
        if allowed == 0 {
            std::thread::sleep(wait.min(Duration::from_millis(10)));
            return Ok(Fetch::Nothing);
        }
        let numbers = Numbers {
            from: position.next,
            to: (position.next + allowed).min(of_part),
            part: *part,
            splits: self.pace.splits,
            inside: 1,
            started_ms: position.started_ms,
        };
        self.given += numbers.to - numbers.from;
        position.next = numbers.to;
        Ok(Fetch::Chunk(Chunk {
            split: id.clone(),
            bytes: 64,
            payload: Box::new(numbers),
        }))
    }
    fn pause(&mut self, splits: &BTreeSet<String>) -> Result<()> {
        self.paused = splits.clone();
        Ok(())
    }
    fn lag(&self) -> Vec<(String, u64)> {
        if self.pace.rows.is_none() {
            return Vec::new();
        }
        self.parts
            .iter()
            .map(|(part, position, id)| (id.clone(), self.left_of(*part, position)))
            .collect()
    }
    fn left(&self) -> Option<u64> {
        self.pace.rows?;
        Some(self.parts.iter().map(|(part, position, _)| self.left_of(*part, position)).sum())
    }
}

struct Maker(Arc<dyn GeneratedRows>);

impl SplitDecoder for Maker {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let numbers = *chunk
            .payload
            .downcast::<Numbers>()
            .map_err(|_| Error::bug("a generator's decoder got another chunk"))?;
        let next = Position {
            next: numbers.to,
            started_ms: numbers.started_ms,
        };
        Ok(Decoded {
            tombstones: 0,
            records: numbers.to - numbers.from,
            places: Places::consecutive(format!("{}, row", chunk.split), numbers.from, (numbers.to - numbers.from) as usize),
            batch: Batch::new(self.0.batch(numbers)?),
            split: Split {
                id: chunk.split,
                position: next.text(),
            },
            bad: Vec::new(),
            raw: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_a_persisted_form() {
        let position = Position {
            next: 7,
            started_ms: 1_704_067_200_000,
        };
        assert_eq!(position.text(), "v1 7 1704067200000");
        assert_eq!(Position::parse(&position.text()).unwrap(), position);
        assert!(Position::parse("v2 7 0").is_err());
        assert_eq!(part_of("part-3-of-4", 4).unwrap(), 3);
        assert!(part_of("part-3-of-4", 8).is_err());
    }

    /// A clock that moves with each look at it, by a time that has nothing to do with the number of parts.
    #[derive(Debug, Default)]
    struct Looked(std::sync::atomic::AtomicU64);

    impl Clock for Looked {
        fn now_ms(&self) -> i64 {
            0
        }
        fn monotonic(&self) -> Duration {
            let looks = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Duration::from_millis(looks * looks % 7 + looks * 7)
        }
    }

    #[test]
    fn parts_come_evenly_at_any_pace() {
        let pace = Pace {
            rows: None,
            splits: 4,
            per_second: Some(1_000),
        };
        let part = |part: u64| (part, Position { next: 0, started_ms: 0 }, format!("part-{part}-of-4"));
        let mut reader = Reader {
            parts: (0..3).map(part).collect(),
            pace,
            clock: Arc::new(Looked::default()),
            start: Duration::ZERO,
            parts_at_start: 3,
            given: 0,
            paused: BTreeSet::new(),
        };
        for _ in 0..1_000 {
            reader.fetch(Duration::ZERO).unwrap();
        }
        let next: Vec<u64> = reader.parts.iter().map(|(_, position, _)| position.next).collect();
        let (least, most) = (next.iter().min().unwrap(), next.iter().max().unwrap());
        assert!(*least > 1_000 && most - least <= 12, "{next:?}");
    }
}
