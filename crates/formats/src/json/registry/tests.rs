use super::*;
use crate::registry::tests::{Memory, arc, schema};
use millstream_dataflow::testing::{MessageCase, columns, message_suite, rows, texts};
use millstream_dataflow::{Batch, RecordEncoder, Records, SqlType};

fn refuses(ty: &SqlType) -> bool {
    match ty {
        SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Multiset(_) => true,
        SqlType::Timestamp(p) | SqlType::TimestampLtz(p) => *p > 6,
        SqlType::Map(key, _) => !matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)),
        _ => false,
    }
}

#[test]
fn messages_keep_what_a_format_must() {
    let memory = Arc::new(Memory::default());
    message_suite(&MessageCase {
        encoder: &|schema| crate::registry_encoder(SPEC.name, schema, "t-value", &BTreeMap::new(), arc(&memory)),
        decoder: &|_, wanted| crate::registry_decoder(SPEC.name, wanted, &BTreeMap::new(), arc(&memory)),
        refuses: &refuses,
        plain_lists: false,
        name: "a \"name\" é",
        single: false,
    });
}

/// As the tables of Confluent's documentation have it, type by type.
#[test]
fn the_schema_of_a_table_is_that_of_confluents_flink() {
    let table = columns(
        "a INT NOT NULL, b DECIMAL(10, 2), c TIMESTAMP(3) NOT NULL, d TIMESTAMP_LTZ(6) NOT NULL, e DATE NOT NULL, f TIME(0) NOT NULL, \
         g MAP<STRING, BIGINT NOT NULL> NOT NULL, h ARRAY<ROW<x CHAR(3) NOT NULL>>, i VARBINARY(9) NOT NULL",
    );
    let memory = Arc::new(Memory::default());
    let mut out = Records::default();
    let row = "1 | 2.50 | 1970-01-01 00:00:01.234 | 1970-01-01 00:00:00.000005 | 1970-01-02 | 00:00:01 | {k = 7} | [(abc)] | x'00ff'";
    encoder(&table, "s", arc(&memory))
        .unwrap()
        .encode(&Batch::new(rows(&table, [row])), &mut out)
        .unwrap();
    let (subject, kept) = memory.schemas.lock().unwrap()[0].clone();
    let expected = serde_json::json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "title": "Record",
        "properties": {
            "a": {"connect.index": 0, "type": "number", "connect.type": "int32"},
            "b": {"connect.index": 1, "oneOf": [{"type": "null"}, {"type": "number", "title": "org.apache.kafka.connect.data.Decimal",
                "connect.type": "bytes", "connect.parameters": {"scale": "2", "connect.decimal.precision": "10"}}]},
            "c": {"connect.index": 2, "type": "number", "connect.type": "int64", "flink.type": "timestamp", "flink.version": "1"},
            "d": {"connect.index": 3, "type": "number", "connect.type": "int64", "title": "org.apache.kafka.connect.data.Timestamp",
                "flink.precision": 6, "flink.version": "1"},
            "e": {"connect.index": 4, "type": "number", "connect.type": "int32", "title": "org.apache.kafka.connect.data.Date"},
            "f": {"connect.index": 5, "type": "number", "connect.type": "int32", "title": "org.apache.kafka.connect.data.Time",
                "flink.precision": 0, "flink.version": "1"},
            "g": {"connect.index": 6, "type": "object", "connect.type": "map", "additionalProperties": {"type": "number", "connect.type": "int64"}},
            "h": {"connect.index": 7, "oneOf": [{"type": "null"}, {"type": "array", "items": {"oneOf": [{"type": "null"},
                {"type": "object", "title": "Record_h", "properties": {"x": {"connect.index": 0, "type": "string", "minLength": 3, "maxLength": 3}},
                 "required": ["x"]}]}}]},
            "i": {"connect.index": 8, "type": "string", "connect.type": "bytes", "flink.maxLength": 9, "flink.version": "1"}
        },
        "required": ["a", "c", "d", "e", "f", "g", "i"]
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&kept.text).unwrap(), expected);
    assert_eq!((subject.as_str(), kept.kind.as_str()), ("s", "JSON"));
    let record = out.iter().next().unwrap();
    let json = r#"{"a":1,"b":2.50,"c":1234,"d":5,"e":1,"f":1000,"g":{"k":7},"h":[{"x":"abc"}],"i":"AP8="}"#;
    assert_eq!(record, [b"\0\0\0\0\x01", json.as_bytes()].concat());
}

/// One table over records of other writers' schemas, each with forms of its own.
#[test]
fn the_schema_of_a_record_says_what_its_numbers_are() {
    let memory = Arc::new(Memory::default());
    let table = columns("id BIGINT NOT NULL, at TIMESTAMP(3), d DATE, list ARRAY<ROW<t TIME(3)>>, m MAP<STRING, TIMESTAMP_LTZ(6)>");
    let connect = r##"{"type":"object","allOf":[{"$ref":"#/definitions/Base"}],"definitions":{"Base":{"properties":{"id":{"type":"integer"},
        "at":{"oneOf":[{"type":"null"},{"$ref":"times.json#/definitions/Micros"}]}}}},
        "properties":{"d":{"type":["null","number"],"title":"org.apache.kafka.connect.data.Date"},
            "list":{"type":"array","items":{"type":"object","properties":{"t":{"title":"org.apache.kafka.connect.data.Time","type":"integer"}}}},
            "m":{"type":"object","additionalProperties":{"title":"org.apache.kafka.connect.data.Timestamp","type":"number"}}}}"##;
    let times = r#"{"definitions":{"Micros":{"type":"number","flink.type":"timestamp","flink.precision":6}}}"#;
    let texts_only = r#"{"type":"object","properties":{"at":{"type":"string","format":"date-time"},"d":{"type":"string"}}}"#;
    memory.keep("s", schema(KIND, connect, &[("times.json", times)]));
    memory.keep("s", schema(KIND, texts_only, &[]));
    memory.keep("s", schema(KIND, "true", &[]));
    let mut decoder = decoder(&table, arc(&memory)).unwrap();
    let numbers = r#"{"id":1,"at":-1,"d":-1,"list":[{"t":86399999},null],"m":{"k":-1}}"#;
    for (id, json) in [
        (1u32, numbers),
        (2, r#"{"id":2,"at":"2024-01-01T00:00:01","d":"2024-01-01"}"#),
        (1, numbers),
        (3, r#"{"id":3,"at":"2024-01-01 00:00:01","other":[1]}"#),
    ] {
        let record = [&[0], &id.to_be_bytes()[..], json.as_bytes()].concat();
        assert_eq!(decoder.decode(&record), Ok(1), "{json}");
    }
    let mut told = |id: u32, json: &str| {
        let e = decoder.decode(&[&[0], &id.to_be_bytes()[..], json.as_bytes()].concat()).unwrap_err();
        format!("{}: {}", e.reason, e.message)
    };
    assert_eq!(
        told(1, r#"{"id":1,"d":"2024-01-01"}"#),
        "type: column \"d\" (DATE): no whole number in the type's range: \"2024-01-01\", at byte 12"
    );
    assert!(told(1, r#"{"id":1,"list":[{"t":86400000}]}"#).starts_with("type: column \"list[1].t\""));
    assert!(told(2, r#"{"id":1,"at":5}"#).starts_with("type: column \"at\" (TIMESTAMP(3)): no timestamp"));
    assert_eq!(told(2, "{}"), "missing-field: the field \"id\" is missing");
    assert!(told(2, "").starts_with("malformed: "));
    let first = "1 | 1969-12-31 23:59:59.999 | 1969-12-31 | [(23:59:59.999), NULL] | {k = 1969-12-31 23:59:59.999000}";
    assert_eq!(
        texts(&Batch::new(decoder.finish().unwrap())),
        [
            first,
            "2 | 2024-01-01 00:00:01.000 | 2024-01-01 | NULL | NULL",
            first,
            "3 | 2024-01-01 00:00:01.000 | NULL | NULL | NULL"
        ]
    );
}

#[test]
fn schemas_that_do_not_fit_make_their_records_bad() {
    let memory = Arc::new(Memory::default());
    let table = columns("at TIMESTAMP(3), m MAP<STRING, INT>");
    let mut decoder = decoder(&table, arc(&memory)).unwrap();
    for (text, told) in [
        ("{", "the schema is no JSON"),
        ("[]", "it is no JSON Schema of objects"),
        (r#"{"type":"array"}"#, "the records are no JSON objects"),
        (
            r#"{"properties":{"at":{"type":"integer"}}}"#,
            "column \"at\" (TIMESTAMP(3)): the records have a number, and its title",
        ),
        (
            r#"{"properties":{"m":{"type":"array","connect.type":"map"}}}"#,
            "column \"m\": a map that is an array",
        ),
        (r##"{"$ref":"#/none"}"##, "there is no schema #/none"),
        (r#"{"$ref":"none.json"}"#, "there is no schema none.json"),
        (r##"{"$ref":"#"}"##, "more than 256 others, or of itself"),
        (r##"{"properties":{"at":{"$ref":"#/properties/at"}}}"##, "more than 256 others, or of itself"),
    ] {
        let id = memory.keep("s", schema(KIND, text, &[]));
        let e = decoder.decode(&[&[0], &id.to_be_bytes()[..], b"{}"].concat()).unwrap_err();
        assert!(e.reason == "schema" && e.message.contains(told), "{text}: {}", e.message);
    }
    let id = memory.keep("s", schema("AVRO", "\"int\"", &[]));
    let e = decoder.decode(&[&[0], &id.to_be_bytes()[..], b"{}"].concat()).unwrap_err();
    assert!(e.message.ends_with("it is of the kind AVRO and not JSON"), "{}", e.message);
    assert_eq!(decoder.finish().unwrap().num_rows(), 0);
}
