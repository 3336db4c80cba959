//! Nexmark bids as JSON: our decoder beside arrow-json on the same bytes, outputs compared first.
//!
//! `cargo bench -p millstream-formats --bench json_decode`. Times are CPU times of the measuring thread.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its figures, and a wrong result ends it")]

use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, TimeUnit};
use cpu_time::ThreadTime;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use millstream_dataflow::{Decoder, Field, Schema};
use millstream_formats::json::JsonDecoder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// As many as a Kafka reader hands over at once.
const EVENTS: usize = 4096;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn records(case: &str) -> Vec<String> {
    (0..EVENTS)
        .map(|i| {
            let extra = if case == "escapes" {
                "line\\n\\\"quoted\\\" \\u00e9 and some more text"
            } else {
                "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrs"
            };
            let channel = if case == "nulls" && i % 2 == 0 {
                "null".to_string()
            } else {
                format!("\"channel-{}\"", i % 1000)
            };
            let mut fields = [
                format!("\"auction\":{}", 1000 + i % 5000),
                format!("\"bidder\":{}", 2000 + i % 700),
                format!("\"price\":{}", i * 37 % 100_000),
                format!("\"channel\":{channel}"),
                format!("\"url\":\"https://www.nexmark.com/abc/item.htm?query=1&channel_id={}\"", i % 1000),
                format!("\"dateTime\":\"2024-01-01 00:{:02}:{:02}.{:03}\"", i / 60 % 60, i % 60, i % 1000),
                format!("\"extra\":\"{extra}\""),
            ];
            if case == "shuffled keys" {
                fields.rotate_left(i * 5 % 7);
            }
            format!("{{{}}}", fields.join(","))
        })
        .collect()
}

/// Measures one side and gives the CPU time per event of its fastest run, ns: on a shared machine the others tell of the neighbours.
fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut once: impl FnMut()) -> f64 {
    let mut fastest = Duration::MAX;
    group.bench_function(name, |b| {
        b.iter_custom(|n| {
            (0..n)
                .map(|_| {
                    let start = ThreadTime::now();
                    once();
                    let time = start.elapsed();
                    fastest = fastest.min(time);
                    time
                })
                .sum()
        });
    });
    fastest.as_nanos() as f64 / EVENTS as f64
}

fn main() {
    let names = [
        ("auction", "BIGINT"),
        ("bidder", "BIGINT"),
        ("price", "BIGINT"),
        ("channel", "STRING"),
        ("url", "STRING"),
        ("dateTime", "TIMESTAMP(3)"),
        ("extra", "STRING"),
    ];
    let schema = Schema::new(names.iter().map(|(n, t)| Field::parse_type(n, t).expect("a type")).collect());
    let arrow = |(name, ty): &(&str, &str)| {
        let ty = match *ty {
            "BIGINT" => DataType::Int64,
            "STRING" => DataType::Utf8View,
            _ => DataType::Timestamp(TimeUnit::Millisecond, None),
        };
        ArrowField::new(*name, ty, true)
    };
    let arrow = Arc::new(ArrowSchema::new(names.iter().map(arrow).collect::<Vec<_>>()));
    let mut criterion = Criterion::default().configure_from_args();
    let mut lines = Vec::new();
    for case in ["regular keys", "shuffled keys", "escapes", "nulls"] {
        let records = records(case);
        let mut ours = JsonDecoder::new(&schema, &BTreeMap::new()).expect("a decoder");
        let mut ours = || {
            records.iter().for_each(|r| {
                ours.decode(r.as_bytes()).expect("a record");
            });
            ours.finish().expect("a batch")
        };
        let mut theirs = ReaderBuilder::new(Arc::clone(&arrow))
            .with_batch_size(EVENTS)
            .build_decoder()
            .expect("a decoder");
        let mut theirs = || {
            records.iter().for_each(|r| {
                theirs.decode(r.as_bytes()).expect("a record");
            });
            theirs.flush().expect("a batch").expect("rows")
        };
        let (a, b) = (ours(), theirs());
        for (i, (name, _)) in names.iter().enumerate() {
            assert_eq!(a.column(i), b.column(i), "{case}: column {name}");
        }
        let mut group = criterion.benchmark_group(case);
        group
            .throughput(Throughput::Elements(EVENTS as u64))
            .sample_size(20)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2));
        let a = measure(&mut group, "Millstream", || drop(std::hint::black_box(ours())));
        let b = measure(&mut group, "arrow-json", || drop(std::hint::black_box(theirs())));
        group.finish();
        lines.push(format!("{case}: {a:.0} ns/event, arrow-json {b:.0} ns/event, ratio {:.1}", b / a));
    }
    criterion.final_summary();
    println!("\nchecked: all columns as arrow-json's");
    lines.iter().for_each(|l| println!("{l}"));
}
