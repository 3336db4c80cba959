use super::*;
use crate::context::tests::context;
use millstream_dataflow::Batch;
use millstream_dataflow::testing::{SourceCase, source_suite};

fn table(columns: &[(&str, &str)], options: &[(&str, &str)]) -> TableSpec {
    let columns: Vec<String> = columns.iter().map(|(n, t)| format!("{n} {t}")).collect();
    crate::context::tests::table(&columns.join(", "), options)
}

fn rows(columns: &[(&str, &str)], options: &[(&str, &str)]) -> Vec<String> {
    let t = table(columns, options);
    let generator = Generator::new(&t).unwrap();
    let mut texts = Vec::new();
    for numbers in generator.pace.all(0) {
        let batch = Batch::new(generator.batch(numbers).unwrap());
        texts.extend((0..batch.num_rows()).map(|r| millstream_formats::render::json_row(&batch, r, &t.schema())));
    }
    texts.sort();
    texts
}

#[test]
fn sequences_bound_the_source_and_random_values_keep_their_bounds() {
    let columns = [("id", "BIGINT"), ("p", "INT"), ("d", "DECIMAL(6, 2)"), ("s", "STRING")];
    let options = [
        ("fields.id.kind", "sequence"),
        ("fields.id.start", "5"),
        ("fields.id.end", "104"),
        ("fields.p.min", "1"),
        ("fields.p.max", "3"),
        ("fields.d.min", "1.50"),
        ("fields.d.max", "1.52"),
        ("fields.s.length", "3"),
    ];
    let all = rows(&columns, &options);
    assert_eq!(all.len(), 100);
    let mut ids = Vec::new();
    let mut prices = std::collections::BTreeSet::new();
    for row in &all {
        let value: serde_json::Value = serde_json::from_str(row).unwrap();
        let row = &value["row"];
        ids.push(row[0].as_i64().unwrap());
        prices.insert(row[1].as_i64().unwrap());
        assert!(["1.50", "1.51", "1.52"].contains(&row[2].as_str().unwrap()), "{row}");
        assert_eq!(row[3].as_str().unwrap().len(), 3);
    }
    ids.sort_unstable();
    assert_eq!(ids, (5..=104).collect::<Vec<_>>());
    assert_eq!(prices, [1, 2, 3].into());
}

#[test]
fn a_column_has_the_same_values_whatever_others_are_read() {
    let options = [("number-of-rows", "50"), ("fields.a.null-rate", "0.3")];
    let one = rows(&[("a", "INT")], &options);
    let two = rows(&[("b", "DOUBLE"), ("a", "INT")], &options);
    let last = |row: &String| {
        serde_json::from_str::<serde_json::Value>(row).unwrap()["row"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .to_string()
    };
    let mut values = [one.iter().map(last).collect::<Vec<_>>(), two.iter().map(last).collect()];
    values.iter_mut().for_each(|v| v.sort());
    assert_eq!(values[0], values[1]);
    let nulls = values[0].iter().filter(|v| *v == "null").count();
    assert!((5..30).contains(&nulls), "{nulls} of 50 are NULL");
}

#[test]
fn every_type_is_made() {
    let columns = [
        ("a", "TINYINT"),
        ("b", "SMALLINT"),
        ("c", "FLOAT"),
        ("d", "BOOLEAN"),
        ("e", "CHAR(4)"),
        ("f", "DATE"),
        ("g", "TIME"),
        ("h", "TIMESTAMP(3)"),
        ("i", "TIMESTAMP_LTZ(6)"),
        ("j", "ROW<x INT, y STRING>"),
        ("k", "TIMESTAMP(9)"),
        ("l", "ARRAY<ROW<x INT, y ARRAY<TIMESTAMP(3)>>>"),
        ("m", "MAP<STRING, MAP<INT, DOUBLE>>"),
    ];
    assert_eq!(rows(&columns, &[("number-of-rows", "10")]).len(), 10);
}

#[test]
fn collections_have_as_many_values_as_is_said() {
    let columns = [("a", "ARRAY<INT>"), ("m", "MAP<BOOLEAN, TINYINT>"), ("n", "ARRAY<ARRAY<DATE>>")];
    let options = [
        ("number-of-rows", "40"),
        ("fields.a.length", "4"),
        ("fields.a.null-rate", "0.2"),
        ("fields.a.element.min", "7"),
        ("fields.a.element.max", "9"),
        ("fields.m.value.max", "0"),
    ];
    let (mut nulls, mut seen) = (0, std::collections::BTreeSet::new());
    for row in rows(&columns, &options) {
        let value: serde_json::Value = serde_json::from_str(&row).unwrap();
        match value["row"][0].as_array() {
            None => nulls += 1,
            Some(elements) => {
                assert_eq!(elements.len(), 4, "{row}");
                seen.extend(elements.iter().map(|e| e.as_i64().unwrap()));
            }
        }
        // There are no more than two keys, and each has one value.
        let entries = value["row"][1].to_string();
        assert!(entries.matches("true").count() <= 1 && entries.matches("false").count() <= 1, "{row}");
        // A day is that of the row, however deep it stands.
        assert_eq!(value["row"][2].to_string().matches("1970-01-01").count(), 9, "{row}");
    }
    assert!((2..20).contains(&nulls), "{nulls} of 40 are NULL");
    assert_eq!(seen, [7, 8, 9].into());
}

#[test]
fn wrong_options_are_named() {
    let error = |columns: &[(&str, &str)], options: &[(&str, &str)]| Generator::new(&table(columns, options)).unwrap_err().message.clone();
    assert!(error(&[("a", "INT")], &[("fields.b.min", "1")]).contains("\"b\""));
    assert!(error(&[("a", "TINYINT")], &[("fields.a.max", "300")]).contains("fields.a.max"));
    assert!(error(&[("a", "INT")], &[("fields.a.kind", "sequence")]).contains("fields.a.start"));
    assert!(error(&[("a", "BYTES")], &[]).contains("BYTES"));
    assert_eq!(
        error(&[("a", "INT")], &[("fields.a.min", "5"), ("fields.a.max", "1")]),
        "option 'fields.a.min' is greater than 'fields.a.max'"
    );
    assert!(error(&[("a", "TINYINT")], &[("fields.a.max", "1000")]).contains("'fields.a.max' has the value '1000'"));
    assert!(error(&[("a", "ARRAY<INT>")], &[("fields.a.element.kind", "sequence")]).contains("fields.a.element.kind"));
    assert!(error(&[("a", "ARRAY<INT>")], &[("fields.a.length", "1001")]).contains("fields.a.length"));
}

#[test]
fn datagen_keeps_what_a_source_must() {
    let columns = [
        ("id", "BIGINT"),
        ("s", "STRING"),
        ("d", "DECIMAL(6, 2)"),
        ("t", "TIMESTAMP(3)"),
        ("r", "ROW<x INT, y STRING>"),
        ("f", "DOUBLE"),
    ];
    let open = |options: &'static [(&str, &str)]| move || source(&table(&columns, options), &context());
    let by_number = open(&[
        ("number-of-rows", "9000"),
        ("fields.s.null-rate", "0.2"),
        ("fields.s.length", "12"),
        ("rows-per-second", "1000000"),
    ]);
    source_suite(&SourceCase {
        open: &[&by_number],
        rows: 9_000,
    });
    let sequence = open(&[
        ("fields.id.kind", "sequence"),
        ("fields.id.start", "1"),
        ("fields.id.end", "5000"),
        ("rows-per-second", "500000"),
    ]);
    source_suite(&SourceCase {
        open: &[&sequence],
        rows: 5_000,
    });
}
