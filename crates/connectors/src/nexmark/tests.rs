use super::*;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use millstream_dataflow::{ColumnKind, Field, TableColumn};

fn table(options: &[(&str, &str)]) -> TableSpec {
    let columns = [
        ("event_type", "INT"),
        (
            "bid",
            "ROW<auction BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING>",
        ),
        ("person", "ROW<id BIGINT, name STRING>"),
    ];
    TableSpec {
        name: "nexmark".into(),
        columns: columns
            .iter()
            .map(|(n, t)| TableColumn {
                field: Field::parse_type(n, t).unwrap(),
                kind: ColumnKind::Physical,
            })
            .collect(),
        all_physical: vec![],
        partition_keys: vec![],
        primary_key: vec![],
        options: options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
    }
}

#[derive(Debug)]
struct NoClock;
impl Clock for NoClock {
    fn now_ms(&self) -> i64 {
        0
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// All events of a source, from positions on, as text by number order of their parts.
fn read(options: &[(&str, &str)], from: Option<u64>) -> Vec<String> {
    let t = table(options);
    let source = Nexmark {
        settings: settings(&t).unwrap(),
        columns: Columns::new(&t.schema()).unwrap(),
        clock: Arc::new(NoClock),
    };
    let mut splits = futures::executor::block_on(source.discover(&[])).unwrap();
    if let Some(from) = from {
        splits.iter_mut().for_each(|s| s.position = position(from));
    }
    let mut reader = source.reader(splits).unwrap();
    let mut decoder = source.decoder().unwrap();
    let mut rows = Vec::new();
    let mut open = source.settings.splits;
    while open > 0 {
        match reader.fetch(Duration::ZERO).unwrap() {
            Fetch::Chunk(c) => {
                let batch = decoder.decode(c).unwrap().batch;
                rows.extend((0..batch.num_rows()).map(|r| millstream_formats::render::json_row(&batch, r, &t.schema())));
            }
            Fetch::Finished(_) => open -= 1,
            _ => {}
        }
    }
    rows.sort();
    rows
}

#[test]
fn events_do_not_depend_on_how_they_are_dealt() {
    let one = read(&[("number-of-events", "1003"), ("splits", "1")], None);
    assert_eq!(one.len(), 1003);
    assert_eq!(one, read(&[("number-of-events", "1003"), ("splits", "7")], None));
    assert_ne!(one, read(&[("number-of-events", "1003"), ("seed", "7")], None));
    let rest = read(&[("number-of-events", "1003"), ("splits", "1")], Some(1000));
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

use millstream_dataflow::Schema;
