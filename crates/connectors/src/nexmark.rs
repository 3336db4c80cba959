//! The `nexmark` connector: the auction events of the Nexmark benchmark, each a pure function of seed and number.

mod columns;
mod event;

use crate::ConnectorContext;
use crate::generator::{GeneratedRows, GeneratorSource, Numbers, Pace};
use crate::scan::{ALIGNMENT_DRIFT, ALIGNMENT_GROUP, ALIGNMENT_INTERVAL, ON_LATE, ON_LATE_TABLE, PARALLELISM};
use arrow_array::RecordBatch;
use columns::Columns;
use event::Generator;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{ConnectorSpec, Error, Result, Source, TableSpec};
use std::sync::Arc;

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
        PARALLELISM,
        ALIGNMENT_GROUP,
        ALIGNMENT_DRIFT,
        ALIGNMENT_INTERVAL,
        IDLE,
        ON_LATE,
        ON_LATE_TABLE,
        SEED,
        SPLITS,
    ],
    formats: &[],
    metadata: &[],
    changes: false,
    ends: |o| [EVENTS, EVENTS_ALIAS].iter().any(|spec| o.contains_key(spec.name)),
};

/// What valid options may still get wrong together.
pub fn check(table: &TableSpec) -> Vec<Error> {
    Columns::new(&table.physical()).err().into_iter().chain(settings(table).err()).collect()
}

#[derive(Debug, Clone)]
struct Settings {
    pace: Pace,
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
        pace: Pace {
            rows: match o.parsed(&EVENTS)? {
                Some(n) => Some(n),
                None => o.parsed(&EVENTS_ALIAS)?,
            },
            splits: positive(&SPLITS)?.unwrap_or(1),
            per_second: positive(&PER_SECOND)?,
        },
        generator: Generator {
            seed: o.parsed::<i64>(&SEED)?.unwrap_or(0) as u64,
            base_ms: o.parsed(&BASE_TIME)?.unwrap_or(0),
            rate: positive(&NEXT_RATE)?.unwrap_or(1),
            proportions,
        },
    })
}

pub fn source(table: &TableSpec, context: &ConnectorContext) -> Result<Arc<dyn Source>> {
    let settings = settings(table)?;
    let rows = Events {
        generator: settings.generator,
        columns: Columns::new(&table.schema())?,
    };
    Ok(Arc::new(GeneratorSource::new(settings.pace, Arc::new(rows), context)))
}

/// Event `n` is the row with the number `n`.
struct Events {
    generator: Generator,
    columns: Columns,
}

impl GeneratedRows for Events {
    fn batch(&self, numbers: Numbers) -> Result<RecordBatch> {
        self.columns.batch(&self.generator, numbers.iter())
    }
}

#[cfg(test)]
mod tests;
