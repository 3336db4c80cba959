use super::*;
use crate::context::tests::context;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use millstream_dataflow::testing::{SourceCase, source_suite};
use millstream_dataflow::{Batch, Field, Schema};

const COLUMNS: &str = "event_type INT, \
    bid ROW<auction BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING>, \
    person ROW<id BIGINT, name STRING>";

fn table(options: &[(&str, &str)]) -> TableSpec {
    crate::context::tests::table(COLUMNS, options)
}

/// All events of a source as text, from a row of each part on.
fn read(options: &[(&str, &str)], from: u64) -> Vec<String> {
    let t = table(options);
    let settings = settings(&t).unwrap();
    let rows = Events {
        generator: settings.generator,
        columns: Columns::new(&t.schema()).unwrap(),
    };
    let mut texts = Vec::new();
    for numbers in settings.pace.all(from) {
        let batch = Batch::new(rows.batch(numbers).unwrap());
        texts.extend((0..batch.num_rows()).map(|r| millstream_formats::render::json_row(&batch, r, &t.schema())));
    }
    texts.sort();
    texts
}

#[test]
fn events_do_not_depend_on_how_they_are_dealt() {
    let one = read(&[("number-of-events", "1003"), ("splits", "1")], 0);
    assert_eq!(one.len(), 1003);
    assert_eq!(one, read(&[("number-of-events", "1003"), ("splits", "7")], 0));
    assert_ne!(one, read(&[("number-of-events", "1003"), ("seed", "7")], 0));
    let rest = read(&[("number-of-events", "1003"), ("splits", "1")], 1000);
    assert!(rest.len() == 3 && rest.iter().all(|r| one.contains(r)));
}

#[test]
fn proportions_and_hot_keys_are_nexmarks() {
    let t = table(&[("number-of-events", "50000")]);
    let s = settings(&t).unwrap();
    let batch = Columns::new(&t.schema()).unwrap().batch(&s.generator, 0..50_000).unwrap();
    let kinds = batch.column(0).as_primitive::<Int32Type>();
    let count = |k| kinds.values().iter().filter(|v| **v == k).count();
    assert_eq!([count(0), count(1), count(2)], [1000, 3000, 46_000]);
    let bids = batch.column(1).as_struct();
    assert_eq!(bids.null_count(), 4000);
    let auctions = bids.column(0).as_primitive::<Int64Type>();
    let hot = auctions.iter().flatten().filter(|a| (a - 1000) % 100 == 0).count();
    assert!((22_000..26_000).contains(&hot), "{hot} bids on hot auctions");
}

#[test]
fn columns_that_do_not_exist_are_named() {
    let wrong = Schema::new(vec![Field::parse_type("bid", "ROW<auctoin BIGINT>").unwrap()]);
    assert!(Columns::new(&wrong).unwrap_err().message.contains("auctoin"));
}

#[test]
fn nexmark_keeps_what_a_source_must() {
    let open = |options: &'static [(&str, &str)]| move || source(&table(options), &context());
    let fast = open(&[("number-of-events", "9003"), ("splits", "2")]);
    // Paced, so that chunks are cut elsewhere.
    let slow = open(&[("number-of-events", "9003"), ("splits", "2"), ("rows-per-second", "700000")]);
    source_suite(&SourceCase {
        open: &[&fast, &slow],
        rows: 9_003,
    });
    let endless = open(&[("splits", "2")]);
    source_suite(&SourceCase {
        open: &[&endless],
        rows: 5_000,
    });
}
