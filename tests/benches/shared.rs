//! What a further statement over a table costs: `cargo bench -p tests --bench shared [-- EVENTS]`.
//!
//! One JSON file, and one topic of a real broker, read by a job with one INSERT and by a job with twenty, each of which keeps one row.
//! Consumer and decoder are shared, so the difference is what nineteen statements cost for the events they leave out. Every INSERT's file is
//! checked; a further statement that costs more than 50 ns per event is a failure.
#![allow(clippy::print_stdout, reason = "a measurement prints its figures")]

use anyhow::{Result, ensure};
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;
use tests::broker;
use tests::harness::{self, cpu_seconds, millstream};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: u64 = 2_000_000;
const STATEMENTS: u64 = 20;
const RUNS: usize = 3;
const PARTITIONS: i32 = 4;
/// Nanoseconds per event and further statement.
const GOAL: f64 = 50.0;

const COLUMNS: &str = "id BIGINT, page STRING, action STRING, price BIGINT";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|a| a == harness::AS_MILLSTREAM) {
        return ::millstream::main(std::iter::once("millstream".into()).chain(arguments));
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
    let events = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(EVENTS);
    let directory = tempfile::tempdir()?;
    let mut file = BufWriter::new(std::fs::File::create(directory.path().join("events.json"))?);
    for id in 0..events {
        writeln!(file, "{}", event(id))?;
    }
    file.flush()?;
    let mut tables = vec![("file", "'connector' = 'filesystem', 'path' = 'events.json', 'format' = 'json'".to_string())];
    match broker::missing() {
        Some(reason) => eprintln!("no topic is read: {reason}"),
        None => tables.push(("topic", filled_topic(events)?)),
    }
    println!("{events} events, ns of CPU per event, start-up included; at most {GOAL} per further INSERT is the goal");
    let mut above = Vec::new();
    for (of, table) in &tables {
        for condition in Condition::ALL {
            // Noise only adds: the fastest run of each, taken in turn.
            let (mut one, mut many) = (f64::MAX, f64::MAX);
            for _ in 0..RUNS {
                one = one.min(cpu(directory.path(), table, events, condition, 1)?);
                many = many.min(cpu(directory.path(), table, events, condition, STATEMENTS)?);
            }
            let nanos = |seconds: f64| seconds * 1e9 / events as f64;
            let each = nanos(many - one) / (STATEMENTS - 1) as f64;
            println!(
                "{of}, {condition:?}: 1 INSERT {:.0}, {STATEMENTS} INSERTs {:.0}, {each:.1} per further one",
                nanos(one),
                nanos(many)
            );
            if each > GOAL {
                above.push(format!("{of}, {condition:?}: {each:.1}"));
            }
        }
    }
    ensure!(above.is_empty(), "more than {GOAL} ns per event and further INSERT: {}", above.join(", "));
    Ok(())
}

/// The options of a table over a new topic with the events, spread over its partitions.
fn filled_topic(events: u64) -> Result<String> {
    let (address, topic) = (broker::shared()?, broker::unique("events"));
    broker::create_topic(address, &topic, PARTITIONS)?;
    let writer = broker::Writer::new(address, &topic, &[("batch.size", "262144")])?;
    for (id, partition) in (0..events).zip((0..PARTITIONS).cycle()) {
        writer.send((partition, Some(&event(id)), 0))?;
    }
    writer.flush()?;
    Ok(format!(
        "'connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{address}', 'format' = 'json', \
         'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'"
    ))
}

/// How a statement finds its event.
#[derive(Debug, Clone, Copy)]
enum Condition {
    Number,
    TextAndNumber,
    /// A function of each text.
    UpperAndNumber,
}

impl Condition {
    const ALL: [Condition; 3] = [Condition::Number, Condition::TextAndNumber, Condition::UpperAndNumber];
    fn of(self, id: u64) -> String {
        match self {
            Condition::Number => format!("id = {id}"),
            Condition::TextAndNumber => format!("page = '/p/{}' AND id = {id}", id % 997),
            Condition::UpperAndNumber => format!("UPPER(action) = '{}' AND id = {id}", action(id).to_uppercase()),
        }
    }
}

fn action(id: u64) -> &'static str {
    ["view", "click", "buy"][(id % 3) as usize]
}

fn event(id: u64) -> String {
    let action = action(id);
    format!(r#"{{"id":{id},"page":"/p/{}","action":"{action}","price":{}}}"#, id % 997, id * 7919 % 10_007)
}

/// The event that a statement keeps.
fn kept(statement: u64, events: u64) -> u64 {
    (statement + 1) * 90_001 % events
}

/// User and system seconds of a job with so many statements over a table of such options, whose files are as they must be.
fn cpu(directory: &Path, table: &str, events: u64, condition: Condition, statements: u64) -> Result<f64> {
    let mut sql = format!("SET 'parallelism.default' = '1';\nCREATE TABLE events ({COLUMNS}) WITH ({table});\n");
    for s in 0..statements {
        let _ = std::fs::remove_dir_all(directory.join(format!("out{s}")));
        let condition = condition.of(kept(s, events));
        writeln!(
            sql,
            "CREATE TABLE o{s} ({COLUMNS}) WITH ('connector' = 'filesystem', 'path' = 'out{s}', 'format' = 'json');"
        )?;
        writeln!(sql, "INSERT INTO o{s} SELECT id, page, action, price FROM events WHERE {condition};")?;
    }
    std::fs::write(directory.join("job.sql"), sql)?;
    let mut command = millstream(directory)?;
    command.args(["run", "job.sql", "--fresh"]);
    let seconds = cpu_seconds(command)?;
    for s in 0..statements {
        let files = harness::files(&directory.join(format!("out{s}")), "json");
        let rows = files.iter().map(std::fs::read_to_string).collect::<std::io::Result<String>>()?;
        ensure!(rows.trim_end() == event(kept(s, events)), "statement {s} of {statements} wrote \"{rows}\"");
    }
    Ok(seconds)
}
