//! Nexmark bids as Avro and as CSV: decoded whole and in part, beside the same rows as JSON, outputs compared first; and encoded.
//!
//! `cargo bench -p millstream-formats --bench formats`. Times are CPU times of this thread, the fastest of many rounds.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its figures, and a wrong result ends it")]

use cpu_time::ThreadTime;
use millstream_dataflow::{Batch, Decoder, Field, Records, Schema};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

/// As many as a Kafka reader hands over at once.
const EVENTS: usize = 4096;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn bid(i: usize) -> String {
    format!(
        "{{\"auction\":{},\"bidder\":{},\"price\":{},\"channel\":\"channel-{}\",\"url\":\"https://www.nexmark.com/abc/item.htm?query=1&channel_id={}\",\
         \"dateTime\":\"2024-01-01 00:{:02}:{:02}.{:03}\",\"extra\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrs\"}}",
        1000 + i % 5000,
        2000 + i % 700,
        i * 37 % 100_000,
        i % 1000,
        i % 1000,
        i / 60 % 60,
        i % 60,
        i % 1000
    )
}

/// CPU time per event, ns.
fn measure(mut once: impl FnMut()) -> f64 {
    let round = || {
        let start = ThreadTime::now();
        once();
        start.elapsed()
    };
    // As a test it only has to run.
    let rounds = if std::env::args().any(|a| a == "--bench") { 500 } else { 1 };
    let fastest = std::iter::repeat_with(round).take(rounds).min().unwrap_or(Duration::ZERO);
    fastest.as_nanos() as f64 / EVENTS as f64
}

fn decode(decoder: &mut dyn Decoder, records: &[Vec<u8>]) -> Batch {
    for record in records {
        decoder.decode(record).expect("a record");
    }
    Batch::new(decoder.finish().expect("a batch"))
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
    let some = Schema::new(vec![schema.fields[5].clone(), schema.fields[0].clone()]);
    let none = BTreeMap::new();
    let decoder = |format: &str, wanted: &Schema| millstream_formats::decoder(format, &schema, wanted, &none).expect("a decoder");
    let json: Vec<Vec<u8>> = (0..EVENTS).map(|i| bid(i).into_bytes()).collect();
    let rows = decode(decoder("json", &schema).as_mut(), &json);
    for format in ["avro", "csv"] {
        let mut encoder = millstream_formats::record_encoder(format, &schema, &none).expect("an encoder");
        let mut encoded = Records::default();
        encoder.encode(&rows, &mut encoded).expect("records");
        let records: Vec<Vec<u8>> = encoded.iter().map(<[u8]>::to_vec).collect();
        for wanted in [&schema, &some] {
            let (a, b) = (
                decode(decoder(format, wanted).as_mut(), &records),
                decode(decoder("json", wanted).as_mut(), &json),
            );
            assert_eq!(a.data, b.data, "{format} and JSON give the same rows");
            let (mut a, mut b) = (decoder(format, wanted), decoder("json", wanted));
            let a = measure(|| drop(black_box(decode(a.as_mut(), &records))));
            let b = measure(|| drop(black_box(decode(b.as_mut(), &json))));
            println!("{format}, {} of 7 columns: {a:.0} ns/event, JSON {b:.0} ns/event", wanted.fields.len());
        }
        let time = measure(|| {
            encoded.clear();
            encoder.encode(&rows, &mut encoded).expect("records");
        });
        println!("{format}, encoded: {time:.0} ns/event, {} bytes each", encoded.bytes.len() / EVENTS);
    }
}
