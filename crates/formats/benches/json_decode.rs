//! Nexmark bids as JSON: our decoder beside arrow-json on the same bytes, outputs compared first.
//!
//! `cargo bench -p millstream-formats --bench json_decode` prints ns per event and the ratio per case.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::useless_vec,
    reason = "a benchmark measures and prints"
)]

use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, TimeUnit};
use millstream_dataflow::{Decoder, Field, Schema};
use millstream_formats::json::JsonDecoder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const EVENTS: usize = 16_384;
const ROUNDS: usize = 15;

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
            let mut fields = vec![
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
    let arrow = Arc::new(ArrowSchema::new(
        names
            .iter()
            .map(|(n, t)| {
                let ty = match *t {
                    "BIGINT" => DataType::Int64,
                    "STRING" => DataType::Utf8View,
                    _ => DataType::Timestamp(TimeUnit::Millisecond, None),
                };
                ArrowField::new(*n, ty, true)
            })
            .collect::<Vec<_>>(),
    ));
    for case in ["regular keys", "shuffled keys", "escapes", "nulls"] {
        let records = records(case);
        let mut ours = JsonDecoder::new(&schema, &BTreeMap::new()).expect("a decoder");
        let mut theirs = ReaderBuilder::new(Arc::clone(&arrow))
            .with_batch_size(EVENTS)
            .build_decoder()
            .expect("a decoder");
        let (mut best_ours, mut best_theirs) = (f64::MAX, f64::MAX);
        for round in 0..ROUNDS {
            let start = Instant::now();
            for r in &records {
                ours.decode(r.as_bytes()).expect("a record");
            }
            let a = ours.finish().expect("a batch");
            best_ours = best_ours.min(start.elapsed().as_nanos() as f64 / EVENTS as f64);
            let start = Instant::now();
            for r in &records {
                theirs.decode(r.as_bytes()).expect("a record");
            }
            let b = theirs.flush().expect("a batch").expect("rows");
            best_theirs = best_theirs.min(start.elapsed().as_nanos() as f64 / EVENTS as f64);
            if round == 0 {
                for (i, (name, _)) in names.iter().enumerate() {
                    assert_eq!(a.column(i), b.column(i), "{case}: column {name}");
                }
            }
        }
        println!(
            "{case}: ours {best_ours:.0} ns/event, arrow-json {best_theirs:.0} ns/event, ratio {:.1}",
            best_theirs / best_ours
        );
    }
}
