//! Event time and watermarks.

/// Event time: milliseconds since 1970-01-01T00:00:00 (wall time without zone for `TIMESTAMP`, UTC for `TIMESTAMP_LTZ`).
pub type EventTime = i64;

/// Which clock a watermark speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeDomain {
    /// Time in the rows.
    Event,
    /// Time of the machine, stamped by the source: input like any other.
    Processing,
}

/// A promise: no row with a time at or before `time` follows that is not late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Watermark {
    /// The clock it speaks of.
    pub domain: TimeDomain,
    /// Epoch milliseconds.
    pub time: EventTime,
}

impl Watermark {
    /// Before any row.
    pub const NONE: EventTime = EventTime::MIN;
    /// After all rows: the end of a bounded input.
    pub const END: EventTime = EventTime::MAX;

    /// A watermark in event time.
    pub fn event(time: EventTime) -> Self {
        Watermark {
            domain: TimeDomain::Event,
            time,
        }
    }
}
