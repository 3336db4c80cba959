use super::*;
use millstream_dataflow::ErrorKind;
use millstream_dataflow::testing::columns;

/// The fields of the record, as text.
fn fields(text: &str, legacy: bool) -> String {
    let (schema, _) = of_columns(&columns(text), Mapping { format: "avro", legacy }).unwrap();
    let start = r#"{"type":"record","name":"record","namespace":"org.apache.flink.avro.generated","fields":["#;
    schema.strip_prefix(start).and_then(|s| s.strip_suffix("]}")).unwrap().to_string()
}

#[test]
fn columns_have_the_schema_that_flink_gives_them() {
    for (column, expected) in [
        ("a INT", r#"{"name":"a","type":["null","int"],"default":null}"#),
        ("a SMALLINT NOT NULL", r#"{"name":"a","type":"int"}"#),
        ("a BYTES NOT NULL", r#"{"name":"a","type":"bytes"}"#),
        ("a VARCHAR(3) NOT NULL", r#"{"name":"a","type":"string"}"#),
        ("a DATE NOT NULL", r#"{"name":"a","type":{"type":"int","logicalType":"date"}}"#),
        ("a TIME(3) NOT NULL", r#"{"name":"a","type":{"type":"int","logicalType":"time-millis"}}"#),
        (
            "a TIMESTAMP(3)",
            r#"{"name":"a","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null}"#,
        ),
        (
            "a DECIMAL(10, 2) NOT NULL",
            r#"{"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}}"#,
        ),
        ("a ARRAY<INT> NOT NULL", r#"{"name":"a","type":{"type":"array","items":["null","int"]}}"#),
        (
            "a MAP<STRING, BIGINT NOT NULL> NOT NULL",
            r#"{"name":"a","type":{"type":"map","values":"long"}}"#,
        ),
        (
            "a ROW<b ROW<c INT> NOT NULL>",
            r#"{"name":"a","type":["null",{"type":"record","name":"record_a","fields":[{"name":"b","type":{"type":"record","name":"record_a_b","fields":[{"name":"c","type":["null","int"],"default":null}]}}]}],"default":null}"#,
        ),
    ] {
        assert_eq!(fields(column, true), expected);
    }
    for (column, logical) in [
        ("a TIMESTAMP(0) NOT NULL", "local-timestamp-millis"),
        ("a TIMESTAMP(6) NOT NULL", "local-timestamp-micros"),
        ("a TIMESTAMP_LTZ(3) NOT NULL", "timestamp-millis"),
        ("a TIMESTAMP_LTZ(4) NOT NULL", "timestamp-micros"),
        ("a TIMESTAMP(9) NOT NULL", "local-timestamp-nanos"),
        ("a TIMESTAMP_LTZ(7) NOT NULL", "timestamp-nanos"),
    ] {
        assert_eq!(
            fields(column, false),
            format!(r#"{{"name":"a","type":{{"type":"long","logicalType":"{logical}"}}}}"#)
        );
    }
}

#[test]
fn what_avro_does_not_have_is_refused() {
    for (text, legacy, told) in [
        ("a TIMESTAMP(6)", true, "does not hold TIMESTAMP(6)"),
        ("a TIMESTAMP_LTZ(3)", true, "does not hold TIMESTAMP_LTZ(3)"),
        ("a TIME(6)", true, "does not hold TIME(6)"),
        (
            "a ROW<b ARRAY<MULTISET<INT>>>",
            true,
            "column \"b\": the avro format does not hold MULTISET<INT>",
        ),
        ("a MAP<INT, INT>", true, "does not hold MAP<INT, INT>"),
        ("é INT", true, "column \"é\": names in Avro"),
        ("1a INT", true, "column \"1a\": names in Avro"),
        (
            "a_b ROW<x INT>, a ROW<b ROW<x INT>>",
            true,
            "two types org.apache.flink.avro.generated.record_a_b",
        ),
    ] {
        let e = of_columns(&columns(text), Mapping { format: "avro", legacy }).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Sql, "{text}");
        assert!(e.message.contains(told), "{text}: {e}");
    }
}
