//! CPU time per event from Kafka to Parquet: `cargo bench -p tests --bench kafka [-- EVENTS]`.
//!
//! Nexmark events as JSON in four partitions of a real broker. The floor is measured in the same run: librdkafka's batch call, our decoder
//! on what it brings, our Parquet encoder on the result, with no engine around them. Windows are checked against the same query over the
//! generator. `MILLSTREAM_BENCH_FLINK` may name a program that runs a SQL file on a real Flink and prints `"cpu_seconds"` for an INSERT: it
//! then runs the same files on the same topic.

#![allow(clippy::print_stdout, reason = "a measurement prints its figures")]

#[path = "kafka/floor.rs"]
mod floor;

use anyhow::{Context, Result, ensure};
use millstream_dataflow::{Batch, Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode};
use tests::broker;
use tests::harness::{self, cpu_seconds, millstream, result_sets, succeed};

/// As in the binary: what C allocates comes from it, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: u64 = 4_000_000;
const PARTITIONS: i32 = 4;

const COLUMNS: &str = "event_type INT,
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, `dateTime` TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING>";
const TIME: &str = ",
  event_time AS CASE WHEN event_type = 0 THEN person.`dateTime` WHEN event_type = 1 THEN auction.`dateTime` ELSE bid.`dateTime` END,
  WATERMARK FOR event_time AS event_time - INTERVAL '4' SECOND";
const TUMBLE: &str = "SELECT window_start, window_end, bid.auction, COUNT(*), COUNT(DISTINCT bid.bidder), MAX(bid.price)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(event_time), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, bid.auction";
const HOP: &str = "SELECT window_start, window_end, bid.auction, COUNT(*), MAX(bid.price)
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(event_time), INTERVAL '1' SECOND, INTERVAL '60' SECOND)) GROUP BY window_start, window_end, bid.auction";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|a| a == harness::AS_MILLSTREAM) {
        return millstream::main(std::iter::once("millstream".into()).chain(arguments));
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    if let Some(reason) = broker::missing() {
        eprintln!("no measurement: {reason}");
        return Ok(());
    }
    let events = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(EVENTS);
    let directory = tempfile::tempdir()?;
    let (address, topic) = (broker::shared()?, broker::unique("nexmark"));
    fill(directory.path(), address, &topic, events)?;

    let kafka = |columns: &str| {
        format!(
            "SET 'execution.checkpointing.interval' = '1 s';\nSET 'parallelism.default' = '1';\nCREATE TABLE nexmark ({columns}) WITH ('connector' = 'kafka', 'topic' = '{topic}', \
             'properties.bootstrap.servers' = '{address}', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');\n"
        )
    };
    let events_with_time = kafka(&format!("{COLUMNS}{TIME}")) + "CREATE VIEW bids AS SELECT * FROM nexmark WHERE event_type = 2;\n";
    let tumbled = "CREATE TABLE o (window_start TIMESTAMP(3), window_end TIMESTAMP(3), auction BIGINT, bids BIGINT, bidders BIGINT, top BIGINT)";
    let parquet = "WITH ('connector' = 'filesystem', 'path' = 'tumbled', 'format' = 'parquet');\n";
    let jobs = [
        (
            "consume",
            kafka("`offset` BIGINT METADATA VIRTUAL")
                + "CREATE TABLE o (n BIGINT) WITH ('connector' = 'blackhole');\nINSERT INTO o SELECT `offset` FROM nexmark WHERE `offset` < 0;",
        ),
        (
            "consume and decode",
            kafka(COLUMNS)
                + "CREATE TABLE o (a BIGINT, b BIGINT, p BIGINT, t TIMESTAMP(3)) WITH ('connector' = 'blackhole');\nINSERT INTO o SELECT bid.auction, bid.bidder, bid.price, bid.`dateTime` FROM nexmark WHERE event_type = 2;",
        ),
        (
            "TUMBLE 10 s to Parquet",
            format!("{events_with_time}{tumbled} {parquet}INSERT INTO o {TUMBLE};"),
        ),
        (
            "HOP 60 s by 1 s",
            format!(
                "{events_with_time}CREATE TABLE o (window_start TIMESTAMP(3), window_end TIMESTAMP(3), auction BIGINT, bids BIGINT, top BIGINT) WITH ('connector' = 'blackhole');\nINSERT INTO o {HOP};"
            ),
        ),
    ];
    println!("{events} events, µs of CPU per event, start-up included");
    let micros = |seconds: f64| seconds * 1e6 / events as f64;
    let flink = std::env::var("MILLSTREAM_BENCH_FLINK").ok();
    let mut whole = 0.0;
    for (name, sql) in &jobs {
        let file = directory.path().join("job.sql");
        std::fs::write(&file, sql)?;
        let ours = cpu_of_millstream(directory.path())?;
        if name.contains("Parquet") {
            whole = ours;
        }
        print!("{name:24} {:8.3}", micros(ours));
        if let Some(program) = &flink {
            std::fs::write(&file, sql.replace("'path' = '", &format!("'path' = '{}/flink-", directory.path().display())))?;
            let theirs = cpu_of_flink(program, &file)?;
            print!("   Flink {:8.3}   ratio {:6.1}", micros(theirs), theirs / ours);
        }
        println!();
    }
    let consume = floor::consume(address, &topic, PARTITIONS, events, None)?;
    // The columns of the TUMBLE job, as its plan reads them.
    let fields = [
        ("event_type", "INT"),
        ("person", "ROW<`dateTime` TIMESTAMP(3)>"),
        ("auction", "ROW<`dateTime` TIMESTAMP(3)>"),
        ("bid", "ROW<auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3)>"),
    ];
    let decoder = millstream_formats::decoder("json", &schema(&fields)?, &schema(&fields)?, &BTreeMap::new())?;
    let decode = floor::consume(address, &topic, PARTITIONS, events, Some(decoder))? - consume;
    let write = floor::write(&schema(&OUTPUT)?, &written(directory.path())?)?;
    println!(
        "floor: consume {:.3} + decode {:.3} + write {:.3} = {:.3}; the TUMBLE job takes {:.2} times that",
        micros(consume),
        micros(decode),
        micros(write),
        micros(consume + decode + write),
        whole / (consume + decode + write)
    );
    check(directory.path(), tumbled, events)
}

const OUTPUT: [(&str, &str); 6] = [
    ("window_start", "TIMESTAMP(3)"),
    ("window_end", "TIMESTAMP(3)"),
    ("auction", "BIGINT"),
    ("bids", "BIGINT"),
    ("bidders", "BIGINT"),
    ("top", "BIGINT"),
];

fn schema(fields: &[(&str, &str)]) -> Result<Schema> {
    let fields = fields.iter().map(|(name, ty)| Field::parse_type(name, ty).map_err(|e| anyhow::anyhow!("{e}")));
    Ok(Schema::new(fields.collect::<Result<_>>()?))
}

/// The rows of the TUMBLE job's files.
fn written(directory: &Path) -> Result<Vec<Batch>> {
    let mut batches = Vec::new();
    for file in harness::files(&directory.join("tumbled"), "parquet") {
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file)?)?.build()?;
        for batch in reader {
            batches.push(Batch::new(batch?));
        }
    }
    Ok(batches)
}

/// Writes the events as JSON, event by event into the next partition.
fn fill(directory: &Path, address: &str, topic: &str, events: u64) -> Result<()> {
    broker::create_topic(address, topic, PARTITIONS)?;
    let sql = format!(
        "CREATE TABLE nexmark ({COLUMNS}) WITH ('connector' = 'nexmark', 'number-of-events' = '{events}', 'next-event.rate' = '50000');
         CREATE TABLE o ({COLUMNS}) WITH ('connector' = 'filesystem', 'path' = 'events', 'format' = 'json', 'sink.rolling-policy.file-size' = '4GB');
         INSERT INTO o SELECT * FROM nexmark;"
    );
    std::fs::write(directory.join("events.sql"), sql)?;
    let mut command = millstream(directory)?;
    command.args(["run", "events.sql", "-p", "1", "--set", "execution.checkpointing.interval=1 h"]);
    succeed(command)?;
    let writer = broker::Writer::new(address, topic, &[("batch.size", "262144")])?;
    let mut partition = 0;
    for file in harness::files(&directory.join("events"), "json") {
        for line in BufReader::new(std::fs::File::open(&file)?).lines() {
            writer.send((partition, Some(&line?), 0))?;
            partition = (partition + 1) % PARTITIONS;
        }
        std::fs::remove_file(&file)?;
    }
    writer.flush()
}

/// User and system seconds of a run of `job.sql`.
fn cpu_of_millstream(directory: &Path) -> Result<f64> {
    let mut command = millstream(directory)?;
    command.args(["run", "job.sql", "--fresh"]);
    cpu_seconds(command)
}

fn cpu_of_flink(program: &str, file: &Path) -> Result<f64> {
    let mut command = Command::new(program);
    command.arg(file);
    let text = succeed(command)?;
    let job = text
        .lines()
        .rev()
        .find_map(|l| serde_json::from_str::<serde_json::Value>(l).ok()?.get("cpu_seconds")?.as_f64());
    job.with_context(|| format!("no cpu_seconds in {text}"))
}

/// The Parquet files hold what the same query over the generator gives.
fn check(directory: &Path, tumbled: &str, events: u64) -> Result<()> {
    let rows = |sql: String| -> Result<BTreeMap<String, i64>> {
        std::fs::write(directory.join("check.sql"), sql)?;
        let mut command = millstream(directory)?;
        command.args(["run", "check.sql", "--format", "changelog"]);
        Ok(result_sets(&succeed(command)?)?.pop().context("no result")?.rows)
    };
    let expected = rows(format!(
        "CREATE TABLE nexmark ({COLUMNS}{TIME}) WITH ('connector' = 'nexmark', 'number-of-events' = '{events}', 'next-event.rate' = '50000');
         CREATE VIEW bids AS SELECT * FROM nexmark WHERE event_type = 2;\n{TUMBLE};"
    ))?;
    let actual = rows(format!(
        "{tumbled} WITH ('connector' = 'filesystem', 'path' = 'tumbled', 'format' = 'parquet');\nSELECT * FROM o;"
    ))?;
    ensure!(
        !expected.is_empty() && actual == expected,
        "{} rows expected, {} written",
        expected.len(),
        actual.len()
    );
    println!("checked: {} groups, as over the generator", expected.len());
    Ok(())
}
