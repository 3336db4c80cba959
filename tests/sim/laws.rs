//! Laws that hold whatever the rows are: two ways to say the same, in one job over the same events.

use super::job::{Expected, JobCase};
use super::world::Chance;

/// What is said twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// HOP whose slide is its size is TUMBLE.
    HopIsTumble,
    /// Sums of sums over finer windows are those over coarser ones, where no row is late.
    FinerIsCoarser,
    /// Parts of a group make up the whole.
    PartsAreWhole,
    /// Rows for which a condition is true, false and unknown are all rows.
    ThreeValues,
    /// The same for the groups of a window, where the condition is one of the key.
    ThreeValuesOfGroups,
}

impl Law {
    pub const ALL: [Law; 5] = [
        Law::HopIsTumble,
        Law::FinerIsCoarser,
        Law::PartsAreWhole,
        Law::ThreeValues,
        Law::ThreeValuesOfGroups,
    ];
    /// Both ways as a job of two sinks, with sizes and conditions that a seed decides. Its text lives as long as the process.
    pub fn job(self, seed: u64) -> JobCase {
        let mut c = Chance::new(seed);
        let (one, other) = self.ways(&mut c);
        let sink = |name: &str| {
            format!(
                "CREATE TABLE {name} (at TIMESTAMP(3), k STRING, a BIGINT, b BIGINT) WITH ('connector' = 'filesystem', 'path' = '{name}', 'format' = 'json');\n"
            )
        };
        // No row of this table is late: the oldest are 40 s old.
        let patient = "CREATE TABLE patient (WATERMARK FOR ts AS ts - INTERVAL '60' SECOND, id BIGINT, k STRING, v BIGINT, ts TIMESTAMP(3)) WITH (\
             'connector' = 'kafka', 'topic' = 'events', 'properties.bootstrap.servers' = 'sim:9092', 'format' = 'json', \
             'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'scan.watermark.idle-timeout' = '0 s');\n";
        let sql = format!(
            "{patient}{}{}EXECUTE STATEMENT SET BEGIN INSERT INTO one {one}; INSERT INTO other {other}; END;",
            sink("one"),
            sink("other")
        );
        JobCase {
            name: "law",
            sql: Box::leak(sql.into_boxed_str()),
            sinks: &[("one", Expected::SameAs("other"))],
        }
    }

    fn ways(self, c: &mut Chance) -> (String, String) {
        let seconds = |n: u64| format!("INTERVAL '{n}' SECOND(5)");
        let size = 1 + c.below(20);
        let tumble = |table: &str, n: u64| format!("TABLE(TUMBLE(TABLE {table}, DESCRIPTOR(ts), {}))", seconds(n));
        let sums = "window_end, k, COUNT(*), SUM(v)";
        let by = "GROUP BY window_start, window_end";
        match self {
            Law::HopIsTumble => {
                let hop = format!("TABLE(HOP(TABLE events, DESCRIPTOR(ts), {s}, {s}))", s = seconds(size));
                let way = |from: &str| format!("SELECT {sums} FROM {from} {by}, k");
                (way(&tumble("events", size)), way(&hop))
            }
            Law::FinerIsCoarser => {
                let coarse = size * (1 + c.below(4));
                let finer = format!(
                    "(SELECT window_time AS ts, k, COUNT(*) AS n, SUM(v) AS s FROM {} {by}, window_time, k)",
                    tumble("patient", size)
                );
                (
                    format!("SELECT {sums} FROM {} {by}, k", tumble("patient", coarse)),
                    format!(
                        "SELECT window_end, k, SUM(n), SUM(s) FROM TABLE(TUMBLE(TABLE finer, DESCRIPTOR(ts), {})) {by}, k",
                        seconds(coarse)
                    )
                    .replacen("SELECT", &format!("WITH finer AS {finer} SELECT"), 1),
                )
            }
            Law::PartsAreWhole => {
                let parts = 2 + c.below(5);
                let part = format!("MOD(id, {parts})");
                let inner = format!(
                    "SELECT window_start, window_end, k, {part} AS part, COUNT(*) AS n, SUM(v) AS s FROM {} {by}, k, {part}",
                    tumble("events", size)
                );
                (
                    format!("SELECT {sums} FROM {} {by}, k", tumble("events", size)),
                    format!("SELECT window_end, k, SUM(n), SUM(s) FROM ({inner}) {by}, k"),
                )
            }
            Law::ThreeValues => {
                let p = format!("(v > {} OR NULLIF(k, 'k1') = 'k{}')", c.below(10) as i64 - 2, c.below(4));
                let way = |of: &str| format!("SELECT ts, k, id, v FROM events{of}");
                let three = [format!(" WHERE {p}"), format!(" WHERE NOT {p}"), format!(" WHERE {p} IS NULL")];
                (way(""), three.map(|w| way(&w)).join(" UNION ALL "))
            }
            Law::ThreeValuesOfGroups => {
                let p = format!("NULLIF(k, 'k{}') > 'k{}'", c.below(4), c.below(4));
                let from = tumble("events", size);
                let way = |of: &str| format!("SELECT {sums} FROM {from}{of} {by}, k");
                let three = [format!(" WHERE {p}"), format!(" WHERE NOT ({p})"), format!(" WHERE ({p}) IS NULL")];
                (way(""), three.map(|w| way(&w)).join(" UNION ALL "))
            }
        }
    }
}
