//! The jobs that are simulated, and their input.

use super::log::{Partition, Record};
use super::query::RandomQuery;
use super::world::{Chance, EPOCH_MS};
use bytes::Bytes;
use std::time::Duration;

/// A job: its SQL, and what [`super::oracle`] takes it for.
#[derive(Debug, Clone, Copy)]
pub struct JobCase {
    pub name: &'static str,
    /// Behind the table definition of the events.
    pub sql: &'static str,
    /// Per sink directory, or [`TOPIC`], what must be in it.
    pub sinks: &'static [(&'static str, Expected)],
}

/// What a sink must hold.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// What a random query gives.
    Query(&'static RandomQuery),
    /// The rows of another sink, in the end.
    SameAs(&'static str),
    /// Each event with v ≥ 0: id, k, v.
    Events,
    /// Each event with v ≥ 0: id, k, v, and its minute, which is its partition; each partition is marked as complete in the end.
    Marked,
    /// Each event: id, and that it was counted once, in whatever window it arrived.
    Counted,
    /// Each event without a value, which that job takes for no row: offset, and the watermark that the others made before it.
    Rejected,
    /// Each event that is too late for its window of `size_ms`: offset, event time, watermark.
    Late { size_ms: i64 },
    /// Per window of `size_ms` each `slide_ms`, and key: k, window_end, COUNT, SUM(v), MIN(id), MAX(id), COUNT(DISTINCT v).
    Windows { slide_ms: i64, size_ms: i64 },
}

/// Stands for the one topic that jobs write.
pub const TOPIC: &str = "topic";

/// The source, in every job.
pub const EVENTS: &str = "
CREATE TABLE events (id BIGINT, k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH (
  'connector' = 'kafka', 'topic' = 'events', 'properties.bootstrap.servers' = 'sim:9092', 'format' = 'json',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'scan.watermark.idle-timeout' = '0 s'
);
";

/// The events as a window job shows them.
macro_rules! windows {
    ($name:literal, $options:literal, $function:literal) => {
        concat!(
            "CREATE TABLE ",
            $name,
            " (k STRING, window_end TIMESTAMP(3), n BIGINT, s BIGINT, lo BIGINT, hi BIGINT, d BIGINT) ",
            $options,
            " INSERT INTO ",
            $name,
            " SELECT k, window_end, COUNT(*), SUM(v), MIN(id), MAX(id), COUNT(DISTINCT v) FROM TABLE(",
            $function,
            ") GROUP BY window_start, window_end, k;"
        )
    };
}

pub const JOBS: &[JobCase] = &[
    JobCase {
        name: "stateless",
        sql: concat!(
            "CREATE TABLE out_events (id BIGINT, k STRING, v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'events', 'format' = 'json');",
            "INSERT INTO out_events SELECT id, k, v FROM events WHERE v >= 0;"
        ),
        sinks: &[("events", Expected::Events)],
    },
    JobCase {
        name: "tumble",
        sql: windows!(
            "tumbles",
            "WITH ('connector' = 'filesystem', 'path' = 'tumbles', 'format' = 'json');",
            "TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)"
        ),
        sinks: &[(
            "tumbles",
            Expected::Windows {
                slide_ms: 10_000,
                size_ms: 10_000,
            },
        )],
    },
    JobCase {
        name: "hop",
        sql: windows!(
            "hops",
            "WITH ('connector' = 'filesystem', 'path' = 'hops', 'format' = 'json');",
            "HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '20' SECOND)"
        ),
        sinks: &[(
            "hops",
            Expected::Windows {
                slide_ms: 4_000,
                size_ms: 20_000,
            },
        )],
    },
    JobCase {
        name: "two-sinks",
        sql: concat!(
            "CREATE TABLE out_events (id BIGINT, k STRING, v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'events', 'format' = 'json');",
            "CREATE TABLE tumbles (k STRING, window_end TIMESTAMP(3), n BIGINT, s BIGINT, lo BIGINT, hi BIGINT, d BIGINT) ",
            "WITH ('connector' = 'filesystem', 'path' = 'tumbles', 'format' = 'json');",
            "EXECUTE STATEMENT SET BEGIN INSERT INTO out_events SELECT id, k, v FROM events WHERE v >= 0;",
            "INSERT INTO tumbles SELECT k, window_end, COUNT(*), SUM(v), MIN(id), MAX(id), COUNT(DISTINCT v) ",
            "FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k; END;"
        ),
        sinks: &[
            ("events", Expected::Events),
            (
                "tumbles",
                Expected::Windows {
                    slide_ms: 10_000,
                    size_ms: 10_000,
                },
            ),
        ],
    },
    JobCase {
        name: "to-kafka",
        sql: concat!(
            "CREATE TABLE sent (id BIGINT, k STRING, v BIGINT) WITH ('connector' = 'kafka', 'topic' = 'sent', ",
            "'properties.bootstrap.servers' = 'sim:9092', 'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once');",
            "CREATE TABLE tumbles (k STRING, window_end TIMESTAMP(3), n BIGINT, s BIGINT, lo BIGINT, hi BIGINT, d BIGINT) ",
            "WITH ('connector' = 'filesystem', 'path' = 'tumbles', 'format' = 'json');",
            "EXECUTE STATEMENT SET BEGIN INSERT INTO sent SELECT id, k, v FROM events WHERE v >= 0;",
            "INSERT INTO tumbles SELECT k, window_end, COUNT(*), SUM(v), MIN(id), MAX(id), COUNT(DISTINCT v) ",
            "FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k; END;"
        ),
        sinks: &[
            (TOPIC, Expected::Events),
            (
                "tumbles",
                Expected::Windows {
                    slide_ms: 10_000,
                    size_ms: 10_000,
                },
            ),
        ],
    },
    JobCase {
        name: "compacted",
        sql: concat!(
            "CREATE TABLE out_events (id BIGINT, k STRING, v BIGINT) PARTITIONED BY (k) ",
            "WITH ('connector' = 'filesystem', 'path' = 'events', 'format' = 'json', 'sink.rolling-policy.file-size' = '100 b', 'auto-compaction' = 'true', 'compaction.file-size' = '250 b');",
            "INSERT INTO out_events SELECT id, k, v FROM events WHERE v >= 0;"
        ),
        sinks: &[("events", Expected::Events)],
    },
    JobCase {
        name: "marked",
        sql: concat!(
            "CREATE TABLE marked (id BIGINT, k STRING, v BIGINT, m STRING) PARTITIONED BY (m) ",
            "WITH ('connector' = 'filesystem', 'path' = 'marked', 'format' = 'json', 'sink.partition-commit.policy.kind' = 'success-file', ",
            "'sink.partition-commit.trigger' = 'partition-time', 'sink.partition-commit.delay' = '20 s', ",
            "'partition.time-extractor.timestamp-formatter' = 'yyyyMMddHHmm');",
            "INSERT INTO marked SELECT id, k, v, DATE_FORMAT(ts, 'yyyyMMddHHmm') FROM events WHERE v >= 0;"
        ),
        sinks: &[("marked", Expected::Marked)],
    },
];

/// Late rows go into a table of their own.
pub const LATE_ROWS: JobCase = JobCase {
    name: "late-rows",
    sql: concat!(
        "CREATE TABLE routing WITH ('on-late' = 'route', 'on-late.table' = 'late') LIKE events;",
        "CREATE TABLE late (`offset` BIGINT, event_time TIMESTAMP(3), watermark TIMESTAMP(3)) ",
        "WITH ('connector' = 'filesystem', 'path' = 'late', 'format' = 'json');",
        "CREATE TABLE tumbles (k STRING, window_end TIMESTAMP(3), n BIGINT, s BIGINT, lo BIGINT, hi BIGINT, d BIGINT) ",
        "WITH ('connector' = 'filesystem', 'path' = 'tumbles', 'format' = 'json');",
        "INSERT INTO tumbles SELECT k, window_end, COUNT(*), SUM(v), MIN(id), MAX(id), COUNT(DISTINCT v) ",
        "FROM TABLE(TUMBLE(TABLE routing, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k;"
    ),
    sinks: &[
        (
            "tumbles",
            Expected::Windows {
                slide_ms: 10_000,
                size_ms: 10_000,
            },
        ),
        ("late", Expected::Late { size_ms: 10_000 }),
    ],
};

/// Records that are no rows go into a table of their own.
pub const BAD_ROWS: JobCase = JobCase {
    name: "bad-rows",
    sql: concat!(
        "CREATE TABLE strict (id BIGINT, k STRING, v BIGINT NOT NULL, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH (",
        "'connector' = 'kafka', 'topic' = 'events', 'properties.bootstrap.servers' = 'sim:9092', 'format' = 'json', ",
        "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'scan.watermark.idle-timeout' = '0 s', ",
        "'on-error' = 'route', 'on-error.table' = 'dead');",
        "CREATE TABLE dead (`offset` BIGINT, watermark TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = 'dead', 'format' = 'json');",
        "CREATE TABLE out_events (id BIGINT, k STRING, v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'events', 'format' = 'json');",
        "INSERT INTO out_events SELECT id, k, v FROM strict WHERE v >= 0;"
    ),
    sinks: &[("events", Expected::Events), ("dead", Expected::Rejected)],
};

/// Windows of processing time. Which one an event is in depends on the clock, but not that it is in one.
pub const BY_THE_CLOCK: JobCase = JobCase {
    name: "processing-time",
    sql: concat!(
        "CREATE TABLE arriving (arrived AS PROCTIME()) LIKE events;",
        "CREATE TABLE counted (id BIGINT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'counted', 'format' = 'json');",
        "INSERT INTO counted SELECT id, COUNT(*) FROM TABLE(TUMBLE(TABLE arriving, DESCRIPTOR(arrived), INTERVAL '1' SECOND)) ",
        "GROUP BY window_start, window_end, id;"
    ),
    sinks: &[("counted", Expected::Counted)],
};

/// Partitions that wait for each other: what comes of their events is the same.
pub const ALIGNED: JobCase = JobCase {
    name: "aligned",
    sql: windows!(
        "tumbles",
        "WITH ('connector' = 'filesystem', 'path' = 'tumbles', 'format' = 'json'); \
         CREATE TABLE aligned WITH ('scan.watermark.alignment.group' = 'g', 'scan.watermark.alignment.max-drift' = '500 ms', \
         'scan.watermark.alignment.update-interval' = '50 ms') LIKE events;",
        "TUMBLE(TABLE aligned, DESCRIPTOR(ts), INTERVAL '10' SECOND)"
    ),
    sinks: &[(
        "tumbles",
        Expected::Windows {
            slide_ms: 10_000,
            size_ms: 10_000,
        },
    )],
};

/// An event as the log holds it.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: u64,
    pub k: String,
    /// NULL now and then.
    pub v: Option<i64>,
    /// Epoch, ms.
    pub ts: i64,
}

/// How much input a run has.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub partitions: u64,
    /// In all partitions together.
    pub events: u64,
    /// From the first arrival to the last.
    pub span: Duration,
}

/// Events out of order, with late ones, by partition: those of the oracle, and the same in the log.
pub fn input(chance: &mut Chance, size: Size) -> (Vec<Vec<Event>>, Vec<Partition>) {
    events_from(chance, size, 0, 0)
}

/// Events that come after those of `earlier` in id and time.
pub fn input_after(chance: &mut Chance, size: Size, earlier: Size) -> (Vec<Vec<Event>>, Vec<Partition>) {
    events_from(chance, size, earlier.events, 2 * earlier.span.as_millis() as i64 + 100_000)
}

fn events_from(chance: &mut Chance, size: Size, first: u64, ahead_ms: i64) -> (Vec<Vec<Event>>, Vec<Partition>) {
    let mut events: Vec<Vec<Event>> = vec![Vec::new(); size.partitions as usize];
    let mut log: Vec<Partition> = (0..size.partitions)
        .map(|_| Partition {
            appears: Duration::ZERO,
            records: Vec::new(),
        })
        .collect();
    let keys = 1 + chance.below(8);
    let span_ms = size.span.as_millis() as u64;
    for id in 0..size.events {
        let arrives_ms = span_ms * id / size.events;
        let partition = chance.below(size.partitions) as usize;
        // Mostly up to 3 s old, and one in twenty up to 40 s.
        let age = if chance.per_mille(50) { chance.below(40_000) } else { chance.below(3_000) };
        let value = chance.below(12) as i64 - 2;
        let event = Event {
            id: first + id,
            k: format!("k{}", chance.below(keys)),
            v: (!chance.per_mille(100)).then_some(value),
            ts: EPOCH_MS + ahead_ms + arrives_ms as i64 - age as i64,
        };
        log[partition].records.push(Record {
            arrives: Duration::from_millis(arrives_ms),
            value: Bytes::from(json(&event)),
        });
        events[partition].push(event);
    }
    (events, log)
}

fn json(event: &Event) -> String {
    let mut time = String::new();
    let (days, nanos) = millstream_dataflow::temporal::split(event.ts, 1000);
    millstream_dataflow::temporal::write_date(days, &mut time);
    time.push(' ');
    millstream_dataflow::temporal::write_time(nanos, 3, &mut time);
    let v = event.v.map_or("null".to_string(), |v| v.to_string());
    format!(r#"{{"id":{},"k":"{}","v":{v},"ts":"{time}"}}"#, event.id, event.k)
}
