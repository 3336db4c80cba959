use super::*;
use crate::avro::schema::AvroType;
use millstream_dataflow::SqlType;
use millstream_dataflow::testing::{MessageCase, Random, columns, message_suite, rows, texts};

fn options(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

pub(super) fn refuses(ty: &SqlType, legacy: bool) -> bool {
    match ty {
        SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Multiset(_) => true,
        SqlType::Time(p) => *p > 3,
        SqlType::Timestamp(p) => legacy && *p > 3,
        SqlType::TimestampLtz(_) => legacy,
        SqlType::Map(key, _) => !matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)),
        _ => false,
    }
}

#[test]
fn messages_keep_what_a_format_must() {
    for legacy in ["true", "false"] {
        let options = options(&[("avro.timestamp_mapping.legacy", legacy)]);
        message_suite(&MessageCase {
            encoder: &|schema| crate::record_encoder("avro", schema, &options),
            decoder: &|all, wanted| crate::decoder("avro", all, wanted, &options),
            refuses: &|ty| refuses(ty, legacy == "true"),
            plain_lists: false,
            name: "_Name2",
            single: false,
        });
    }
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// Both ways: what fastavro 1.13 writes for the same values.
#[test]
fn the_bytes_are_those_of_other_writers() {
    let schema = columns(
        "b BOOLEAN, i INT NOT NULL, l BIGINT, f FLOAT, d DOUBLE, s STRING, y BYTES, dt DATE, tm TIME(3), ts TIMESTAMP(3), \
         dec DECIMAL(10, 2), a ARRAY<INT>, m MAP<STRING, STRING>, r ROW<x INT, z STRING NOT NULL>",
    );
    let long = "x".repeat(70);
    let lines = [
        "true | -2147483648 | 9223372036854775807 | 1.5 | -0.1 | é日 | x'00ff' | 2024-02-29 | 23:59:59.999 | 1969-12-31 23:59:59.999 | -1.28 \
         | [1, NULL, -64, 64] | {k = v, n = NULL} | (NULL, '')"
            .to_string(),
        "NULL | 0 | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL".to_string(),
        format!("false | 1 | -1 | inf | 1e300 | {long} | x'' | 1969-12-31 | 00:00:00 | 9999-12-31 23:59:59.999 | 12345678.90 | [] | {{}} | (7, end)"),
    ];
    let records = [
        "0201 ffffffff0f 02feffffffffffffffff01 020000c03f 029a9999999999b9bf 020ac3a9e697a5 020400ff 028cb502 02feefb252 0201 020280 \
         0208020200027f02800100 0204026b020276026e0000 020000",
        "00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        &format!(
            "0200 02 0201 020000807f 029c7500883ce4377e 028c01{} 0200 0201 0200 02feeffea1fa9d73 0208499602d2 0200 0200 02020e06656e64",
            "78".repeat(70)
        ),
    ]
    .map(hex);
    let batch = Batch::new(rows(&schema, lines));
    let mut out = Records::default();
    AvroEncoder::new(&schema, &options(&[])).unwrap().encode(&batch, &mut out).unwrap();
    assert_eq!(out.iter().collect::<Vec<_>>(), records);
    let mut decoder = AvroDecoder::new(&schema, &schema, &options(&[])).unwrap();
    records.iter().for_each(|r| assert_eq!(decoder.decode(r), Ok(1)));
    assert_eq!(texts(&Batch::new(decoder.finish().unwrap())), texts(&batch));
}

/// The examples in the text of the specification: a record of 27 and "foo", and an array of 3 and 27 in one block, in two, and in one that
/// tells its bytes.
#[test]
fn the_bytes_are_those_of_the_specification() {
    let schema = columns("a BIGINT NOT NULL, b STRING NOT NULL, c ARRAY<BIGINT NOT NULL> NOT NULL");
    let mut decoder = AvroDecoder::new(&schema, &schema, &options(&[])).unwrap();
    for record in ["36 06666f6f 04063600", "36 06666f6f 0206 0236 00", "36 06666f6f 0304 0636 00"] {
        assert_eq!(decoder.decode(&hex(record)), Ok(1), "{record}");
    }
    assert_eq!(texts(&Batch::new(decoder.finish().unwrap())), ["27 | foo | [3, 27]"; 3]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let schema = columns("id INT NOT NULL, r ROW<t STRING, list ARRAY<TINYINT>>");
    let mut decoder = AvroDecoder::new(&schema, &schema, &options(&[])).unwrap();
    let mut told = |record: &str| {
        let e = decoder.decode(&hex(record)).unwrap_err();
        format!("{}: {}", e.reason, e.message)
    };
    assert_eq!(told("02 02 02"), "malformed: column \"r.t\": the record ends within a value, at byte 3");
    assert_eq!(told("02 02 0202ff 00"), "utf8: column \"r.t\": a string that is no UTF-8 text, at byte 5");
    assert_eq!(told("02 04"), "malformed: column \"r\": a branch that a union does not have, at byte 1");
    assert_eq!(
        told("02 02 00 02 02 028002 00"),
        "type: column \"r.list\": a number out of the type's range, at byte 8"
    );
    assert_eq!(
        told("02 02 00 02 feffffffffffffffff01"),
        "malformed: column \"r.list\": the record ends within a value, at byte 14"
    );
    assert_eq!(told("02 00 00"), "malformed: 1 bytes follow the record's last field, at byte 2");
    assert_eq!(
        told("ffffffffffffffffff01 00"),
        "malformed: column \"id\": an int of more than 32 bits, at byte 0"
    );
    assert_eq!(decoder.rows(), 0);
    let null = Batch::new(rows(&columns("id INT"), ["NULL"]));
    let strict = columns("id INT NOT NULL");
    let e = AvroEncoder::new(&strict, &options(&[]))
        .unwrap()
        .encode(&null, &mut Records::default())
        .unwrap_err();
    assert_eq!(e.message, "column \"id\" is NOT NULL and a row has NULL");
}

/// Rows of records of a schema, as other writers write them.
fn read(writer: &str, wanted: &str, records: &[&str]) -> Result<Vec<String>, String> {
    let wanted = columns(wanted);
    let plan = Plan::new(&AvroType::parse(writer)?, &wanted)?;
    let mut rows = Rows::new(&wanted).unwrap();
    for record in records {
        plan.decode(&mut rows, &hex(record), 0).map_err(|e| e.message)?;
    }
    Ok(texts(&Batch::new(rows.finish().unwrap())))
}

const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"com.example","fields":[
    {"name":"skipped","type":{"type":"record","name":"Inner","fields":[{"name":"tags","type":{"type":"array","items":"string"}},
        {"name":"u","type":["null","int","string"]},{"name":"m","type":{"type":"map","values":"double"}},
        {"name":"fx","type":{"type":"fixed","name":"Md5","size":4}}]}},
    {"name":"total","type":"int"},{"name":"ratio","type":"float"},{"name":"name","type":["string","null"]},
    {"name":"status","type":{"type":"enum","name":"Status","symbols":["NEW","PAID"]}},{"name":"hash","type":"Md5"},
    {"name":"price","type":{"type":"fixed","name":"Price","size":5,"logicalType":"decimal","precision":9,"scale":1}},
    {"name":"blob","type":"string"},{"name":"text","type":"bytes"},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"again","type":["null","Inner"]},{"name":"one","type":["long"]},
    {"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[{"name":"qty","type":"int"},{"name":"sku","type":"string"}]}}}]}"#;

/// By fastavro 1.13.
const ORDERS: [&str; 2] = [
    "0402610462620004027802026b000000000000f83f0001020304 09 0000003f 00026e 02 deadbeef fffffffffb 04c3a9 046f6b 01 \
     020402610462620004027802026b000000000000f83f0001020304 0012 0402047331040473 3200",
    "0402610462620004027802026b000000000000f83f0001020304 0a 00000040 02 00 00000000 000001e240 00 00 a0a87a 00 0001 00",
];

#[test]
fn fields_are_found_by_name_and_widened() {
    let wanted = "items ARRAY<ROW<sku STRING, extra INT>>, one DOUBLE, at TIMESTAMP(3), text STRING, blob BYTES, price DECIMAL(12, 3), hash BINARY(4), \
                  status STRING, name STRING, ratio DOUBLE, total BIGINT NOT NULL, missing ROW<x INT>";
    let expected = [
        "[(s1, NULL), (s2, NULL)] | 9.0 | 1969-12-31 23:59:59.999 | ok | x'c3a9' | -0.500 | x'deadbeef' | PAID | n | 0.5 | -5 | NULL",
        "[] | -1.0 | 1970-01-01 00:00:01.002 | '' | x'' | 12345.600 | x'00000000' | NEW | NULL | 2.0 | 5 | NULL",
    ];
    assert_eq!(read(ORDER, wanted, &ORDERS).unwrap(), expected);
    let other = "at TIMESTAMP(6), total DOUBLE, price DECIMAL(4, 1), again ROW<fx BYTES, tags ARRAY<STRING>>";
    let expected = [
        "1969-12-31 23:59:59.999999 | -5.0 | -0.5 | (x'01020304', [a, bb])",
        // A number that is too large for its column is NULL.
        "1970-01-01 00:00:01.002000 | 5.0 | NULL | NULL",
    ];
    assert_eq!(read(ORDER, other, &ORDERS).unwrap(), expected);
    assert_eq!(read(ORDER, "", &ORDERS).unwrap().len(), 2);
}

/// Bytes changed at random: a row or an error, and the columns stay sound.
#[test]
fn damaged_records_of_another_schema_cost_only_themselves() {
    let wanted = columns(
        "items ARRAY<ROW<sku STRING, extra INT>>, one DOUBLE, at TIMESTAMP(3), price DECIMAL(12, 3), status STRING, name STRING, again ROW<tags ARRAY<STRING>>",
    );
    let plan = Plan::new(&AvroType::parse(ORDER).unwrap(), &wanted).unwrap();
    let mut rows = Rows::new(&wanted).unwrap();
    let (record, mut random, mut taken) = (hex(ORDERS[0]), Random::new(1), 0);
    for _ in 0..20_000 {
        let mut changed = record.clone();
        let at = random.below(changed.len() as u64) as usize;
        match random.below(3) {
            0 => changed[at] = random.below(256) as u8,
            1 => changed.truncate(at),
            _ => changed.insert(at, random.below(256) as u8),
        }
        taken += usize::from(plan.decode(&mut rows, &changed, 0).is_ok());
    }
    assert_eq!(rows.rows(), taken);
    let batch = rows.finish().unwrap();
    batch.columns().iter().for_each(|c| arrow_array::Array::to_data(c).validate_full().unwrap());
    assert!((1000..19_000).contains(&batch.num_rows()), "{taken}");
}

#[test]
fn what_does_not_fit_is_refused_before_a_record_comes() {
    for (wanted, told) in [
        ("none INT NOT NULL", "the records have no field \"none\", which is NOT NULL"),
        ("total STRING", "column \"total\" (STRING): the records have int"),
        ("one INT", "the records have long"),
        (
            "skipped ROW<u INT>",
            "column \"skipped\": column \"u\" (INT): the records have a union of null, int, string",
        ),
        ("price DECIMAL(9, 0)", "the records have fixed of 5 bytes (decimal of scale 1)"),
        ("at TIME(3)", "the records have long (timestamp, 1000000 units a second)"),
        ("status INT", "the records have enum"),
        ("items ROW<x INT>", "the records have array of record com.example.Item"),
    ] {
        let message = read(ORDER, wanted, &[]).unwrap_err();
        assert!(message.contains(told), "{wanted}: {message}");
    }
    for (writer, told) in [
        ("\"string\"", "the records are no Avro records but string"),
        ("[\"int\",\"string\"]", "the records are no Avro records but union of int, string"),
        (
            r#"{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}"#,
            "array of null",
        ),
    ] {
        let message = read(writer, "a ARRAY<INT>", &[]).unwrap_err();
        assert!(message.contains(told), "{writer}: {message}");
    }
}

/// Flink has written them, too.
#[test]
fn a_union_around_the_record_is_read() {
    let record = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}"#;
    for (writer, bytes) in [
        (format!("[{record}]"), "00 02"),
        (format!(r#"["null",{record}]"#), "02 02"),
        (format!(r#"[{record},"null"]"#), "00 02"),
    ] {
        assert_eq!(read(&writer, "a INT", &[bytes]).unwrap(), ["1"]);
    }
    let null = read(&format!(r#"["null",{record}]"#), "a INT", &["00"]);
    assert_eq!(null.unwrap_err(), "a null instead of a record, at byte 1");
}

/// Types that each hold the one before twice: 2^60 values, if they were all looked at.
#[test]
fn schemas_that_grow_beyond_all_bounds_are_refused() {
    for inner in ["\"int\"", "\"null\""] {
        let mut fields = format!(r#"{{"name":"f0","type":{{"type":"record","name":"r0","fields":[{{"name":"a","type":{inner}}}]}}}}"#);
        for i in 1..60 {
            let before = i - 1;
            fields += &format!(
                r#",{{"name":"f{i}","type":{{"type":"record","name":"r{i}","fields":[{{"name":"a","type":"r{before}"}},{{"name":"b","type":"r{before}"}}]}}}}"#
            );
        }
        let writer = format!(r#"{{"type":"record","name":"top","fields":[{fields}]}}"#);
        let message = read(&writer, "other INT", &[]).unwrap_err();
        assert!(message.contains("more than 100000 steps"), "{message}");
    }
}

/// Counts that the bytes do not bear out cost neither time nor memory.
#[test]
fn counts_are_not_believed() {
    let writer =
        r#"{"type":"record","name":"r","fields":[{"name":"nulls","type":{"type":"array","items":"null"}},{"name":"a","type":{"type":"array","items":"int"}}]}"#;
    assert_eq!(read(writer, "a ARRAY<INT>", &["feffffffffffffffff01 00 020200"]).unwrap(), ["[1]"]);
    assert!(
        read(writer, "a ARRAY<INT>", &["00 feffffffffffffffff01 0200"])
            .unwrap_err()
            .contains("ends within")
    );
    assert!(
        read(writer, "other INT", &["00 feffffffffffffffff01 0200"])
            .unwrap_err()
            .contains("ends within")
    );
    assert!(
        read(writer, "other INT", &["00 01feffffffffffffffff01 0200"])
            .unwrap_err()
            .contains("ends within")
    );
}
