use super::*;
use crate::registry::tests::{Memory, arc, schema};
use millstream_dataflow::testing::{MessageCase, columns, message_suite, rows, texts};
use millstream_dataflow::{Batch, RecordEncoder, Records, SqlType};
use std::collections::BTreeMap;
use std::sync::Mutex;

fn refuses(ty: &SqlType) -> bool {
    matches!(ty, SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Multiset(_))
}

/// A decoder that is used again once it has given its rows.
#[derive(Clone)]
struct Shared(Arc<Mutex<Box<dyn Decoder>>>);

impl Decoder for Shared {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        self.0.lock().unwrap().decode(record)
    }
    fn rows(&self) -> usize {
        self.0.lock().unwrap().rows()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        self.0.lock().unwrap().finish()
    }
}

#[test]
fn messages_keep_what_a_format_must() {
    let memory = Arc::new(Memory::default());
    // Thousands of decoders are made of one schema, which takes a while to compile.
    let last = RefCell::new(None::<(Schema, Shared)>);
    message_suite(&MessageCase {
        encoder: &|schema| crate::registry_encoder(SPEC.name, schema, "t-value", &BTreeMap::new(), arc(&memory)),
        decoder: &|_, wanted| {
            let mut last = last.borrow_mut();
            if last.as_ref().is_none_or(|(schema, _)| schema != wanted) {
                let decoder = crate::registry_decoder(SPEC.name, wanted, &BTreeMap::new(), arc(&memory))?;
                *last = Some((wanted.clone(), Shared(Arc::new(Mutex::new(decoder)))));
            }
            Ok(Box::new(last.as_ref().unwrap().1.clone()))
        },
        refuses: &refuses,
        plain_lists: false,
        name: "_Name2",
        single: false,
    });
}

/// As the tables of Confluent's documentation have it, type by type.
#[test]
fn the_schema_of_a_table_is_that_of_confluents_flink() {
    let table = columns(
        "id BIGINT NOT NULL, t SMALLINT, d DECIMAL(5, 1), at TIMESTAMP_LTZ(3) NOT NULL, day DATE, list ARRAY<BIGINT NOT NULL>, \
         nulls ARRAY<INT> NOT NULL, m MAP<STRING, BIGINT> NOT NULL, meta ROW<a FLOAT NOT NULL>",
    );
    let memory = Arc::new(Memory::default());
    let mut out = Records::default();
    let lines = [
        "7 | 1 | 2.5 | 1969-12-31 23:59:59.999 | 2024-02-29 | [] | [1, NULL] | {k = NULL} | (0.0)",
        "0 | NULL | NULL | 1970-01-01 00:00:00 | NULL | NULL | [] | {} | NULL",
    ];
    encoder(&table, "s", arc(&memory))
        .unwrap()
        .encode(&Batch::new(rows(&table, lines)), &mut out)
        .unwrap();
    let (subject, kept) = memory.schemas.lock().unwrap()[0].clone();
    assert_eq!((subject.as_str(), kept.kind.as_str()), ("s", "PROTOBUF"));
    let meta = |params: &str| format!(" [(confluent.field_meta) = {{ params: [{params}, {{ key: \"flink.version\", value: \"1\" }}] }}]");
    let param = |key: &str, value: &str| format!("{{ key: \"{key}\", value: \"{value}\" }}");
    let wrapped = meta(&param("flink.wrapped", "true"));
    let at = meta(&format!("{}, {}", param("flink.precision", "3"), param("flink.notNull", "true")));
    let expected = format!(
        "syntax = \"proto3\";\npackage millstream.generated;\n\nimport \"google/type/date.proto\";\n\
         import \"google/protobuf/timestamp.proto\";\nimport \"confluent/type/decimal.proto\";\nimport \"confluent/meta.proto\";\n\
         message Row {{\nint64 id = 1;\n\
         optional int32 t = 2 [(confluent.field_meta) = {{ params: [{{ key: \"connect.type\", value: \"int16\" }}] }}];\n\
         optional .confluent.type.Decimal d = 3{};\n.google.protobuf.Timestamp at = 4{at};\noptional .google.type.Date day = 5;\n\
         message listRepeatedWrapper {{\nrepeated int64 value = 1;\n}}\nlistRepeatedWrapper list = 6{wrapped};\n\
         message nullsElementWrapper {{\noptional int32 value = 1;\n}}\nrepeated nullsElementWrapper nulls = 7{wrapped};\n\
         message MEntry {{\nstring key = 1;\noptional int64 value = 2;\n}}\nrepeated MEntry m = 8;\n\
         message meta_Row {{\nfloat a = 1;\n}}\noptional meta_Row meta = 9;\n}}\n",
        meta(&format!("{}, {}", param("precision", "5"), param("scale", "1"))),
    );
    assert_eq!(kept.text, expected);
    let records: Vec<Vec<u8>> = out.iter().map(<[u8]>::to_vec).collect();
    let frame = [0, 0, 0, 0, 1, 0];
    let first = b"\x08\x07\x10\x01\x1a\x07\x0a\x01\x19\x10\x05\x18\x01\x22\x11\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\xc0\x8f\xae\xdc\x03\
        \x2a\x07\x08\xe8\x0f\x10\x02\x18\x1d\x32\x00\x3a\x02\x08\x01\x3a\x00\x42\x03\x0a\x01k\x4a\x00";
    assert_eq!(records[0], [&frame[..], first].concat());
    assert_eq!(records[1], [&frame[..], b"\x22\x00"].concat());
    let mut decoder = decoder(&table, arc(&memory)).unwrap();
    records.iter().for_each(|r| assert_eq!(decoder.decode(r), Ok(1)));
    let read = texts(&Batch::new(decoder.finish().unwrap()));
    assert_eq!(read[0], lines[0]);
    assert_eq!(read[1], "0 | NULL | NULL | 1970-01-01 00:00:00.000 | NULL | NULL | [] | {} | NULL");
}

/// Fields are found by name in whatever message a record names.
#[test]
fn records_of_other_writers_are_read_by_their_messages() {
    let memory = Arc::new(Memory::default());
    let text = "syntax = \"proto3\"; import \"other.proto\"; import \"google/protobuf/wrappers.proto\";
        message First { int32 id = 3; shop.Item item = 4; }
        message Second { map<string, int32> skipped = 1; message A {} message B { optional int64 id = 1; google.protobuf.StringValue s = 2; } }";
    let other = "syntax = \"proto3\"; package shop; message Item { string sku = 1; }";
    memory.keep("s", schema(KIND, text, &[("other.proto", other)]));
    memory.keep("s", schema(KIND, text, &[]));
    memory.keep("s", schema("JSON", "{}", &[]));
    // As Confluent's Flink writes it.
    let confluent = "syntax = \"proto3\"; package io.confluent.protobuf.generated; import \"confluent/meta.proto\"; message Row {
        WRepeatedWrapper w = 1 [(confluent.field_meta) = { params: [{ key: \"flink.wrapped\", value: \"true\" }, { key: \"flink.version\", value: \"1\" }] }];
        message WRepeatedWrapper { repeated int64 value = 1; } }";
    memory.keep("s", schema(KIND, confluent, &[]));
    let mut wrapped = decoder(&columns("w ARRAY<BIGINT>"), arc(&memory)).unwrap();
    for rest in [&b"\x00"[..], b"\x00\x0a\x00", b"\x00\x0a\x03\x0a\x01\x05"] {
        assert_eq!(wrapped.decode(&[&[0, 0, 0, 0, 4][..], rest].concat()), Ok(1));
    }
    assert_eq!(texts(&Batch::new(wrapped.finish().unwrap())), ["NULL", "[]", "[5]"]);
    let table = columns("id BIGINT, s STRING, item ROW<sku STRING, more INT>");
    let mut decoder = decoder(&table, arc(&memory)).unwrap();
    let record = |id: u8, rest: &[u8]| [&[0, 0, 0, 0, id][..], rest].concat();
    for rest in [
        &b"\x00\x18\x05\x22\x03\x0a\x01x"[..],
        b"\x02\x00",
        b"\x04\x02\x02\x08\x06\x12\x03\x0a\x01y",
        b"\x04\x02\x02\x12\x00",
    ] {
        assert_eq!(decoder.decode(&record(1, rest)), Ok(1), "{rest:?}");
    }
    let mut told = |id: u8, rest: &[u8]| {
        let e = decoder.decode(&record(id, rest)).unwrap_err();
        format!("{}: {}", e.reason, e.message)
    };
    assert_eq!(told(1, b"\x02\x0e"), "schema: the record's schema: it has no message at [7]");
    // The entries of a map are no messages of their own.
    assert_eq!(told(1, b"\x04\x02\x04"), "schema: the record's schema: it has no message at [1, 2]");
    assert_eq!(told(1, b"\x01"), "malformed: no place of a message in its file, at byte 6");
    assert_eq!(
        told(1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        "malformed: no place of a message in its file, at byte 15"
    );
    assert_eq!(told(1, b""), "malformed: the record ends within a value, at byte 5");
    assert_eq!(told(1, b"\x00\x18"), "malformed: the record ends within a value, at byte 7");
    assert!(told(2, b"\x00").contains("other.proto"), "{}", told(2, b"\x00"));
    assert_eq!(told(3, b"\x00"), "schema: schema 3: it is of the kind JSON and not PROTOBUF");
    assert_eq!(
        texts(&Batch::new(decoder.finish().unwrap())),
        ["5 | NULL | (x, NULL)", "0 | NULL | NULL", "6 | y | NULL", "NULL | '' | NULL"]
    );
}

/// Types that wrap themselves, for ever.
#[test]
fn a_schema_cannot_make_its_reader_run_in_circles() {
    let memory = Arc::new(Memory::default());
    let wrapped = "[(confluent.field_meta) = { params: [{ key: \"flink.wrapped\", value: \"true\" }] }]";
    for text in [
        format!("syntax = \"proto3\"; import \"confluent/meta.proto\"; message T {{ T value = 1 {wrapped}; T id = 2 {wrapped}; }}"),
        format!("syntax = \"proto3\"; import \"confluent/meta.proto\"; message R {{ W id = 1 {wrapped}; }} message W {{ W value = 1 {wrapped}; }}"),
        format!("syntax = \"proto3\"; import \"confluent/meta.proto\"; message R {{ repeated W id = 1 {wrapped}; }} message W {{ W value = 1 {wrapped}; }}"),
        "syntax = \"proto3\"; package google.protobuf; message R { repeated XValue id = 1; } message XValue { XValue value = 1; }".to_string(),
    ] {
        let id = memory.keep("s", schema(KIND, &text, &[]));
        for table in ["id BIGINT", "id ARRAY<BIGINT>", "id ARRAY<ARRAY<BIGINT>>"] {
            let mut decoder = decoder(&columns(table), arc(&memory)).unwrap();
            let e = decoder.decode(&[&[0], &id.to_be_bytes()[..], &[0]].concat()).unwrap_err();
            assert_eq!(e.reason, "schema", "{text}: {}", e.message);
        }
    }
}
