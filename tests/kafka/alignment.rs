//! Partitions that wait for each other: 'scan.watermark.alignment.*'.

use super::{BOUNDED, prepare, rows, table};
use crate::broker::{Writer, create_topic, shared, unique};
use crate::harness::succeed;
use anyhow::{Context, Result, ensure};

/// Records per partition, a second of event time apart.
const RECORDS: i64 = 30_000;
/// What a reader takes in one call.
const CHUNK: i64 = 4_096;
const DRIFT_S: i64 = 60;

/// Partition 0, of which the client hands over a lot before it comes to the other, begins far ahead of all of partition 1.
pub(super) fn partition_ahead() -> Result<()> {
    let (address, topic) = (shared()?, unique("alignment"));
    create_topic(address, &topic, 2)?;
    let writer = Writer::new(address, &topic, &[])?;
    let start = RECORDS * 3 / 2;
    for second in 0..RECORDS {
        for (partition, s) in [(0, start + second), (1, second)] {
            writer.send((partition, Some(format!("{{\"s\":{s}}}").as_str()), 0))?;
        }
    }
    writer.flush()?;
    let columns = "p INT METADATA FROM 'partition', s BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts";
    let aligned = format!("{BOUNDED}, 'scan.watermark.alignment.group' = 'g', 'scan.watermark.alignment.max-drift' = '{DRIFT_S} s'");
    let windows = "SELECT window_end, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE) GROUP BY window_start, window_end;";
    let plain = rows(&(table(address, &topic, columns, BOUNDED) + windows))?;
    ensure!(plain.len() as i64 == 2 * RECORDS / 600, "{} windows: {plain:?}", plain.len());
    ensure!(rows(&(table(address, &topic, columns, &aligned) + windows))? == plain);

    // One after the other, in the order in which they were let through.
    let directory = tempfile::tempdir()?;
    let sql = table(address, &topic, columns, &aligned) + "SELECT p, s FROM t;";
    let mut command = prepare(directory.path(), "order.sql", &sql)?;
    command.args(["-p", "1"]);
    let (mut behind, mut ahead) = (-1, start - 1);
    for line in succeed(command)?.lines() {
        let value: serde_json::Value = serde_json::from_str(line)?;
        let Some(row) = value.get("row") else { continue };
        let s = row[1].as_i64().context("no number")?;
        match row[0].as_i64() {
            Some(1) => {
                ensure!(s == behind + 1, "{s} after {behind}");
                behind = s;
            }
            _ => {
                ensure!(s == ahead + 1, "{s} after {ahead}");
                ahead = s;
                let near = behind == RECORDS - 1 || s <= behind + DRIFT_S + CHUNK;
                ensure!(near || s < start + CHUNK, "partition 0 is at {s}, partition 1 at {behind}");
            }
        }
    }
    ensure!((behind, ahead) == (RECORDS - 1, start + RECORDS - 1), "the last are {behind} and {ahead}");
    Ok(())
}
