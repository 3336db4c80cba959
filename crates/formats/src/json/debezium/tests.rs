use super::*;
use millstream_dataflow::SqlType;
use millstream_dataflow::testing::{FormatCase, Reading, columns, format_suite, rows, texts};

fn options(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

/// The rows of records with their kinds, and what is wrong with the others.
fn read(decoder: &mut DebeziumDecoder, records: &[&str]) -> Vec<String> {
    let mut told = Vec::new();
    for record in records {
        if let Err(e) = decoder.decode(record.as_bytes()) {
            told.push(format!("{}: {}", e.reason, e.message));
        }
    }
    let kinds = decoder.kinds().unwrap();
    let lines = texts(&Batch::new(decoder.finish().unwrap()));
    assert_eq!(kinds.len(), lines.len());
    let rows = kinds.iter().zip(lines).map(|(kind, line)| format!("{} {line}", kind.short()));
    rows.chain(told).collect()
}

#[test]
fn each_operation_is_its_rows() {
    let mut decoder = DebeziumDecoder::new(&columns("id INT, name STRING"), &options(&[])).unwrap();
    let records = [
        r#"{"op":"c","before":null,"after":{"id":1,"name":"a"},"source":{"op":"d","list":[1,"}"]}}"#,
        r#" { "after" : { "name" : "b" , "id" : 2 } , "op" : "r" } "#,
        r#"{"before":{"id":1,"name":"a"},"after":{"id":1,"name":"c"},"op":"u"}"#,
        r#"{"before":{"id":2,"name":"b"},"after":null,"op":"d"}"#,
        "",
    ];
    let expected = ["+I 1 | a", "+I 2 | b", "-U 1 | a", "+U 1 | c", "-D 2 | b"];
    assert_eq!(read(&mut decoder, &records), expected);
    // A decoder goes on as if it were new.
    assert_eq!(read(&mut decoder, &records), expected);
}

#[test]
fn nothing_of_a_bad_record_stays_behind() {
    let mut decoder = DebeziumDecoder::new(&columns("id INT"), &options(&[])).unwrap();
    let records = [
        r#"{"op":"c","after":{"id":1}}"#,
        r#"{"op":"u","before":null,"after":{"id":2}}"#,
        r#"{"op":"u","before":{"id":1},"after":{"id":"x"}}"#,
        r#"{"op":"d","after":{"id":2}}"#,
        r#"{"op":"x","after":{"id":2}}"#,
        r#"{"op":null,"after":{"id":2}}"#,
        r#"{"after":{"id":2}}"#,
        r#"{"op":"c","after":[{"id":2}]}"#,
        r#"{"op":"c","after":{"id":2}} "#,
        r#"{"op":"c","after":{"id":2}}}"#,
        r#"[{"op":"c","after":{"id":2}}]"#,
        r#"{"op":"c","after":{"id":2}"#,
        "7",
        "{",
        r#"{"op":"c" "after":{"id":2}}"#,
        r#"{"op":"c",}"#,
        r#"{"payload":{"op":"c","after":{"id":1}}}"#,
    ];
    assert_eq!(
        read(&mut decoder, &records),
        [
            "+I 1",
            "+I 2",
            "malformed: \"before\" is NULL in an update; of PostgreSQL tables that needs REPLICA IDENTITY FULL",
            "type: column \"id\" (INT): no whole number in the type's range: \"x\", at byte 6",
            "malformed: \"before\" is NULL in a deletion; of PostgreSQL tables that needs REPLICA IDENTITY FULL",
            "malformed: the record's \"op\" is \"x\", not one of \"c\", \"r\", \"u\", \"d\"",
            "malformed: the record's \"op\" is null, not one of \"c\", \"r\", \"u\", \"d\"",
            "malformed: the record has no \"op\"",
            "type: \"after\" is no object",
            "malformed: the record is no JSON: something follows the value",
            "type: no object",
            "malformed: the record is no JSON: no comma or end of an object",
            "type: no object",
            "malformed: the record is no JSON: no field name",
            "malformed: the record is no JSON: no comma or end of an object",
            "malformed: the record is no JSON: no field name",
            "malformed: the record has no \"op\", but a \"payload\": it is one for 'debezium-json.schema-include' = 'true'",
        ]
    );
}

#[test]
fn a_schema_stands_before_the_payload() {
    let mut decoder = DebeziumDecoder::new(&columns("id INT"), &options(&[("debezium-json.schema-include", "true")])).unwrap();
    let records = [
        r#"{"schema":{"type":"struct"},"payload":{"op":"c","after":{"id":1}}}"#,
        r#"{"op":"c","after":{"id":1}}"#,
        r#"{"payload":7}"#,
    ];
    assert_eq!(
        read(&mut decoder, &records),
        [
            "+I 1",
            "malformed: the record has no \"payload\", but an \"op\": it is one for 'debezium-json.schema-include' = 'false'",
            "type: no object"
        ]
    );
    let told = DebeziumEncoder::new(&columns("id INT"), &options(&[("debezium-json.schema-include", "true")]))
        .err()
        .unwrap();
    assert_eq!(told.code, Some("E0502"));
}

#[test]
fn options_are_those_of_json() {
    let iso = options(&[
        ("debezium-json.timestamp-format.standard", "ISO-8601"),
        ("debezium-json.ignore-parse-errors", "true"),
    ]);
    let mut decoder = DebeziumDecoder::new(&columns("id INT, ts TIMESTAMP(3)"), &iso).unwrap();
    let records = [r#"{"op":"c","after":{"id":"x","ts":"2024-01-01T00:00:01.5"}}"#];
    assert_eq!(read(&mut decoder, &records), ["+I NULL | 2024-01-01 00:00:01.500"]);
}

#[test]
fn written_changes_are_created_and_deleted() {
    let schema = columns("id INT, name STRING");
    let mut batch = Batch::new(rows(&schema, ["1 | a", "1 | a", "1 | b", "1 | NULL"]));
    batch.kinds = Some([RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete].into());
    let (mut encoder, mut out) = (DebeziumEncoder::new(&schema, &options(&[])).unwrap(), Records::default());
    encoder.encode(&batch, &mut out).unwrap();
    let lines: Vec<&str> = out.iter().map(|r| std::str::from_utf8(r).unwrap()).collect();
    assert_eq!(
        lines,
        [
            r#"{"before":null,"after":{"id":1,"name":"a"},"op":"c"}"#,
            r#"{"before":{"id":1,"name":"a"},"after":null,"op":"d"}"#,
            r#"{"before":null,"after":{"id":1,"name":"b"},"op":"c"}"#,
            r#"{"before":{"id":1,"name":null},"after":null,"op":"d"}"#,
        ]
    );
    let mut decoder = DebeziumDecoder::new(&schema, &options(&[])).unwrap();
    assert_eq!(read(&mut decoder, &lines), ["+I 1 | a", "-D 1 | a", "+I 1 | b", "-D 1 | NULL"]);
}

#[test]
fn every_type_goes_there_and_back() {
    let options = options(&[]);
    format_suite(&FormatCase {
        encoder: &|schema| crate::encoder("debezium-json", schema, &options),
        reading: Reading::Records {
            decoder: &|all, wanted| crate::decoder("debezium-json", all, wanted, &options),
            split: &|bytes| crate::split_records(crate::Lines::Written, bytes, true).0,
            messages: &|schema| crate::record_encoder("debezium-json", schema, &options),
        },
        refuses: &|ty| match ty {
            SqlType::IntervalYearMonth | SqlType::IntervalDayTime => true,
            SqlType::Map(key, _) | SqlType::Multiset(key) => !matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)),
            _ => false,
        },
        lone_nulls: true,
        name: "a \"name\" é",
    });
}
