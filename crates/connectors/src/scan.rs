//! Options that say what becomes of records on their way in: those of all sources.

use millstream_dataflow::option::{OptionSpec, OptionType};

pub(crate) const ON_ERROR: OptionSpec = OptionSpec::new(
    "on-error",
    OptionType::OneOf(&["fail", "skip", "route"]),
    "What happens to a record that is no row: the job stops; it is counted and left out; it is counted and put into another table.",
)
.default("fail");
pub(crate) const ON_ERROR_TABLE: OptionSpec = OptionSpec::new(
    "on-error.table",
    OptionType::Text,
    "The table for `'on-error' = 'route'`: some of the columns of [dead letters](semantics.md#dead-letters).",
)
.examples(&["dead_letters"]);
pub(crate) const ON_LATE: OptionSpec = OptionSpec::new(
    "on-late",
    OptionType::OneOf(&["drop", "route"]),
    "What happens to a row that comes too late for all its windows: it is counted and left out, or counted and put into another table.",
)
.default("drop");
pub(crate) const ON_LATE_TABLE: OptionSpec = OptionSpec::new(
    "on-late.table",
    OptionType::Text,
    "The table for `'on-late' = 'route'`: some of the columns of [dead letters](semantics.md#dead-letters).",
)
.examples(&["late_events"]);
pub(crate) const ALIGNMENT_GROUP: OptionSpec = OptionSpec::new(
    "scan.watermark.alignment.group",
    OptionType::Text,
    "Tables of the job with the same group wait for each other: what is ahead in event time is not read until the others have come closer, so that \
     less state piles up between them. Results are the same. Needs 'scan.watermark.alignment.max-drift'.",
)
.examples(&["orders-and-payments"]);
pub(crate) const ALIGNMENT_DRIFT: OptionSpec = OptionSpec::new(
    "scan.watermark.alignment.max-drift",
    OptionType::Duration,
    "How far a split (a partition, a file) of this table may be ahead of the least watermark of the group.",
)
.examples(&["1 min"]);
pub(crate) const ALIGNMENT_INTERVAL: OptionSpec = OptionSpec::new(
    "scan.watermark.alignment.update-interval",
    OptionType::Duration,
    "How often the least watermark of the group is looked at; sooner when it has moved by half of 'scan.watermark.alignment.max-drift'.",
)
.default("1 s");
pub(crate) const SKEW: OptionSpec = OptionSpec::new(
    "scan.watermark.max-future-skew",
    OptionType::Duration,
    "How far a row's event time may be ahead of the clock when it is read. One that is further is a bad record (`future-rowtime`): else it would \
     move the watermark, and all rows behind it would be late.",
)
.examples(&["1 h"]);
/// Flink's FLIP-367.
pub(crate) const PARALLELISM: OptionSpec = OptionSpec::new(
    "scan.parallelism",
    OptionType::Integer,
    "In how many subtasks the table is read, whatever 'parallelism.default' says. What comes behind them gets the rows in turn.",
)
.examples(&["2"]);
/// Of sinks.
pub(crate) const SINK_PARALLELISM: OptionSpec = OptionSpec::new(
    "sink.parallelism",
    OptionType::Integer,
    "In how many subtasks the table is written, whatever 'parallelism.default' says: 1 makes one file per checkpoint. Changes need a primary key, unless it is 1.",
)
.examples(&["1"]);
