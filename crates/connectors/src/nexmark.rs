//! The `nexmark` connector: the auction events of the Nexmark benchmark, each a pure function of seed and number.

mod columns;
mod event;

use crate::ConnectorContext;
use columns::Columns;
use event::Generator;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Batch, BoxFuture, Chunk, Clock, ConnectorSpec, Decoded, Error, Fetch, Result, Source, Split, SplitDecoder, SplitReader, TableSpec};
use std::sync::Arc;
use std::time::Duration;

const EVENTS: OptionSpec =
    OptionSpec::new("number-of-events", OptionType::Integer, "How many events there are; without it they never end.").examples(&["1000000"]);
const EVENTS_ALIAS: OptionSpec = OptionSpec::new("events.num", OptionType::Integer, "The same as 'number-of-events'.");
const NEXT_RATE: OptionSpec = OptionSpec::new("next-event.rate", OptionType::Integer, "Events per second of event time.").default("10000");
const FIRST_RATE: OptionSpec = OptionSpec::new(
    "first-event.rate",
    OptionType::Integer,
    "Accepted for compatibility; the rate is 'next-event.rate' throughout.",
);
const PER_SECOND: OptionSpec = OptionSpec::new(
    "rows-per-second",
    OptionType::Integer,
    "Events per second of real time; as fast as they are taken if not set.",
)
.examples(&["1000"]);
const BASE_TIME: OptionSpec = OptionSpec::new("base-time", OptionType::Integer, "Event time of the first event, epoch milliseconds.").default("1704067200000");
const SEED: OptionSpec = OptionSpec::new("seed", OptionType::Integer, "Another seed gives other events.").default("42");
const SPLITS: OptionSpec = OptionSpec::new(
    "splits",
    OptionType::Integer,
    "Into how many parts the events are dealt, to be read in parallel.",
)
.default("4");
const PERSONS: OptionSpec = OptionSpec::new("person.proportion", OptionType::Integer, "Persons among (persons + auctions + bids) events.").default("1");
const AUCTIONS: OptionSpec = OptionSpec::new("auction.proportion", OptionType::Integer, "Auctions among (persons + auctions + bids) events.").default("3");
const BIDS: OptionSpec = OptionSpec::new("bid.proportion", OptionType::Integer, "Bids among (persons + auctions + bids) events.").default("46");
const IDLE: OptionSpec = OptionSpec::new(
    "scan.watermark.idle-timeout",
    OptionType::Duration,
    "After how long without data a part stops holding the watermark back.",
);

pub const SPEC: ConnectorSpec = ConnectorSpec {
    name: "nexmark",
    doc: "Events of the Nexmark benchmark: `event_type` 0 with a `person`, 1 with an `auction`, 2 with a `bid` (1 : 3 : 46). The same seed gives the same events, however they are read.",
    source: true,
    sink: false,
    options: &[
        AUCTIONS,
        BASE_TIME,
        BIDS,
        EVENTS_ALIAS,
        FIRST_RATE,
        NEXT_RATE,
        EVENTS,
        PERSONS,
        PER_SECOND,
        IDLE,
        SEED,
        SPLITS,
    ],
    formats: &[],
    metadata: &[],
};

/// Events per chunk.
const CHUNK: u64 = 4096;

/// What valid options may still get wrong together.
pub fn check(table: &TableSpec) -> Vec<Error> {
    Columns::new(&table.physical()).err().into_iter().chain(settings(table).err()).collect()
}

#[derive(Debug, Clone)]
struct Settings {
    events: Option<u64>,
    splits: u64,
    per_second: Option<u64>,
    generator: Generator,
}

fn settings(table: &TableSpec) -> Result<Settings> {
    let o = Options::new(&table.options);
    let positive = |spec: &OptionSpec| -> Result<Option<u64>> {
        match o.parsed::<u64>(spec)? {
            Some(0) => Err(Error::config(format!("option '{}' must be greater than 0", spec.name)).code("E0502")),
            v => Ok(v),
        }
    };
    let proportion = |spec: &OptionSpec| Ok::<u64, Error>(o.parsed::<u64>(spec)?.unwrap_or(0));
    let proportions = [proportion(&PERSONS)?, proportion(&AUCTIONS)?, proportion(&BIDS)?];
    if proportions[0] == 0 || proportions[1] == 0 {
        return Err(Error::config("options 'person.proportion' and 'auction.proportion' must be greater than 0").code("E0502"));
    }
    Ok(Settings {
        events: match o.parsed(&EVENTS)? {
            Some(n) => Some(n),
            None => o.parsed(&EVENTS_ALIAS)?,
        },
        splits: positive(&SPLITS)?.unwrap_or(1),
        per_second: positive(&PER_SECOND)?,
        generator: Generator {
            seed: o.parsed::<i64>(&SEED)?.unwrap_or(0) as u64,
            base_ms: o.parsed(&BASE_TIME)?.unwrap_or(0),
            rate: positive(&NEXT_RATE)?.unwrap_or(1),
            proportions,
        },
    })
}

pub fn source(table: &TableSpec, context: &ConnectorContext) -> Result<Arc<dyn Source>> {
    Ok(Arc::new(Nexmark {
        settings: settings(table)?,
        columns: Columns::new(&table.schema())?,
        clock: Arc::clone(&context.clock),
    }))
}

struct Nexmark {
    settings: Settings,
    columns: Columns,
    clock: Arc<dyn Clock>,
}

/// Which of its events a part gives next, and its number: event `next · splits + part` of all.
fn position(next: u64) -> String {
    format!("v1 {next}")
}

fn parse_position(text: &str) -> Result<u64> {
    let next = text.strip_prefix("v1 ").and_then(|n| n.parse().ok());
    next.ok_or_else(|| Error::corrupt(format!("\"{text}\" is no position of a nexmark source")))
}

impl Source for Nexmark {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        let of = |id: String| Split {
            position: known.iter().find(|k| k.id == id).map_or_else(|| position(0), |k| k.position.clone()),
            id,
        };
        let splits = (0..self.settings.splits).map(|s| of(format!("part-{s}-of-{}", self.settings.splits))).collect();
        Box::pin(async move { Ok(splits) })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        let parts = splits
            .into_iter()
            .map(|s| Ok((part_of(&s.id)?, parse_position(&s.position)?, s.id)))
            .collect::<Result<_>>()?;
        let start = self.clock.monotonic();
        Ok(Box::new(Reader {
            parts,
            settings: self.settings.clone(),
            clock: Arc::clone(&self.clock),
            start,
            given: 0,
            turn: 0,
        }))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(Box::new(Decoder {
            settings: self.settings.clone(),
            columns: self.columns.clone(),
        }))
    }
    fn bounded(&self) -> bool {
        self.settings.events.is_some()
    }
}

fn part_of(id: &str) -> Result<u64> {
    let part = id.strip_prefix("part-").and_then(|r| r.split_once("-of-")).and_then(|(p, _)| p.parse().ok());
    part.ok_or_else(|| Error::corrupt(format!("\"{id}\" is no part of a nexmark source")))
}

struct Reader {
    /// Number, next event, id.
    parts: Vec<(u64, u64, String)>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    start: Duration,
    /// Events given since the start, for the rate.
    given: u64,
    turn: usize,
}

/// Events `from..to` of a part.
struct Range(u64, u64);

impl Reader {
    /// How many events may be given now.
    fn allowance(&self) -> u64 {
        match self.settings.per_second {
            None => CHUNK,
            Some(rate) => {
                // Each reader gives its parts' share.
                let elapsed = (self.clock.monotonic() - self.start).as_secs_f64();
                let share = self.parts.len() as f64 / self.settings.splits as f64;
                ((elapsed * rate as f64 * share) as u64).saturating_sub(self.given).min(CHUNK)
            }
        }
    }
}

impl SplitReader for Reader {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        if self.parts.is_empty() {
            std::thread::sleep(wait);
            return Ok(Fetch::Nothing);
        }
        self.turn = (self.turn + 1) % self.parts.len();
        let allowed = self.allowance();
        let (part, next, id) = &mut self.parts[self.turn];
        // Events of this part: those n with n % splits == part.
        let of_part = self
            .settings
            .events
            .map_or(u64::MAX, |n| n.saturating_sub(*part).div_ceil(self.settings.splits));
        if *next >= of_part {
            let id = self.parts.remove(self.turn).2;
            return Ok(Fetch::Finished(id));
        }
        if allowed == 0 {
            std::thread::sleep(wait.min(Duration::from_millis(10)));
            return Ok(Fetch::Nothing);
        }
        let end = (*next + allowed).min(of_part);
        let range = Range(*next, end);
        self.given += end - *next;
        *next = end;
        Ok(Fetch::Chunk(Chunk {
            split: id.clone(),
            bytes: 64,
            payload: Box::new(range),
        }))
    }
    fn lag(&self) -> Vec<(String, u64)> {
        let Some(events) = self.settings.events else { return Vec::new() };
        let left = |part: u64, next: u64| events.saturating_sub(part).div_ceil(self.settings.splits).saturating_sub(next);
        self.parts.iter().map(|(part, next, id)| (id.clone(), left(*part, *next))).collect()
    }
}

struct Decoder {
    settings: Settings,
    columns: Columns,
}

impl SplitDecoder for Decoder {
    fn decode(&mut self, chunk: Chunk) -> Result<Decoded> {
        let part = part_of(&chunk.split)?;
        let range = chunk
            .payload
            .downcast::<Range>()
            .map_err(|_| Error::bug("a nexmark decoder got another chunk"))?;
        let numbers = (range.0..range.1).map(|i| i * self.settings.splits + part);
        let batch = self.columns.batch(&self.settings.generator, numbers)?;
        Ok(Decoded {
            records: range.1 - range.0,
            batch: Batch::new(batch),
            split: Split {
                id: chunk.split,
                position: position(range.1),
            },
            bad: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
