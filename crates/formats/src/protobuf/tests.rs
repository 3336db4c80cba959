use super::*;
use millstream_dataflow::testing::{MessageCase, Random, columns, message_suite, rows, texts};
use millstream_dataflow::{ErrorKind, Field, SqlType};
use std::fmt::Write;

/// A file of a test.
struct Proto {
    _directory: tempfile::TempDir,
    options: BTreeMap<String, String>,
}

impl Proto {
    fn new(text: &str, message: &str, more: &[(&str, &str)]) -> Proto {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.proto");
        std::fs::write(&path, text).unwrap();
        let own = [(DESCRIPTOR.name, path.to_str().unwrap()), (MESSAGE.name, message)];
        Proto {
            options: own.iter().chain(more).map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            _directory: directory,
        }
    }
    fn decoder(&self, wanted: &str) -> ProtobufDecoder {
        ProtobufDecoder::new(&columns(wanted), &self.options).unwrap()
    }
    fn encode(&self, table: &str, lines: &[&str]) -> Result<Vec<Vec<u8>>> {
        let schema = columns(table);
        let mut out = Records::default();
        ProtobufEncoder::new(&schema, &self.options)?.encode(&Batch::new(rows(&schema, lines)), &mut out)?;
        Ok(out.iter().map(<[u8]>::to_vec).collect())
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn refuses(ty: &SqlType) -> bool {
    match ty {
        SqlType::Boolean | SqlType::Int | SqlType::BigInt | SqlType::Float | SqlType::Double => false,
        SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Binary(_) | SqlType::VarBinary(_) => false,
        SqlType::Array(_) | SqlType::Row(_) => false,
        SqlType::Map(key, _) => !matches!(
            key.ty,
            SqlType::Boolean | SqlType::Int | SqlType::BigInt | SqlType::Char(_) | SqlType::VarChar(_)
        ),
        _ => true,
    }
}

/// A message with a field for each column; of types that protobuf does not have, one of another type.
fn proto_of(schema: &Schema) -> String {
    fn message(fields: &[Field], out: &mut String) {
        for (i, field) in fields.iter().enumerate() {
            let (name, number) = (&field.name, i + 1);
            let mut nested = |field: &Field| match &field.ty {
                SqlType::Row(fields) => {
                    let _ = write!(out, "message M{number} {{");
                    message(fields, out);
                    out.push('}');
                    format!("M{number}")
                }
                SqlType::Boolean => "bool".to_string(),
                SqlType::BigInt => "int64".to_string(),
                SqlType::Float => "float".to_string(),
                SqlType::Double => "double".to_string(),
                SqlType::Char(_) | SqlType::VarChar(_) => "string".to_string(),
                SqlType::Binary(_) | SqlType::VarBinary(_) => "bytes".to_string(),
                _ => "int32".to_string(),
            };
            let declared = match &field.ty {
                SqlType::Map(key, value) if !refuses(&field.ty) => format!("map<{}, {}>", nested(key), nested(value)),
                SqlType::Array(element) => format!("repeated {}", nested(element)),
                _ => format!("optional {}", nested(field)),
            };
            let _ = write!(out, "{declared} {name} = {number};");
        }
    }
    let mut out = "syntax = \"proto2\"; message T {".to_string();
    message(&schema.fields, &mut out);
    out + "}"
}

#[test]
fn messages_keep_what_a_format_must() {
    let last = std::cell::RefCell::new(None::<(Schema, MessageDescriptor)>);
    message_suite(&MessageCase {
        encoder: &|schema| crate::record_encoder("protobuf", schema, &Proto::new(&proto_of(schema), "T", &[]).options),
        decoder: &|all, wanted| {
            // Thousands of decoders are made of one type.
            let mut last = last.borrow_mut();
            if last.as_ref().is_none_or(|(schema, _)| schema != all) {
                *last = Some((all.clone(), message_type(&Proto::new(&proto_of(all), "T", &[]).options)?));
            }
            let (_, ty) = last.as_ref().unwrap();
            Ok(Box::new(ProtobufDecoder::of(ty, wanted, &BTreeMap::new())?))
        },
        refuses: &refuses,
        plain_lists: true,
        name: "_Name2",
        single: false,
    });
}

const ORDER: &str = include_str!("tests/order.proto");

const ORDER_COLUMNS: &str = "uid BIGINT, name STRING, category_type INT, content BYTES, price DOUBLE, value_map MAP<BIGINT, ROW<v1 BIGINT, v2 INT>>, \
    value_arr ARRAY<ROW<v1 BIGINT, v2 INT>>, corpus_int INT, corpus_str STRING, nums ARRAY<INT>, packed ARRAY<BIGINT>, \
    at ROW<seconds BIGINT, nanos INT>, a STRING, b INT, u INT, f BIGINT, s INT, fl FLOAT, ok BOOLEAN, all ARRAY<STRING>";

fn order(more: &[(&str, &str)]) -> Proto {
    Proto::new(ORDER, "com.example.Order", more)
}

/// Rows of records, or what is wrong with the first that is bad.
fn read(proto: &Proto, wanted: &str, records: &[&str]) -> Result<Vec<String>, String> {
    let mut decoder = proto.decoder(wanted);
    for record in records {
        decoder.decode(&hex(record)).map_err(|e| format!("{}: {}", e.reason, e.message))?;
    }
    Ok(texts(&Batch::new(decoder.finish().unwrap())))
}

/// Both ways: what Python's protobuf 7.36 writes for the same values, in the order of the fields' numbers.
#[test]
fn the_bytes_are_those_of_other_writers() {
    let full = "08ffffffffffffffffff01 1205c3a9e697a5 1807 220200ff 299a9999999999b9bf 321708fbffffffffffffffff01120a08ffffffffffffffff7f \
                3a021001 3a00 4001 4802 5001 50feffffffffffffffff01 50ac02 5a04000180 01 621108ffffffffffffffffff0110c08faedc03 7005 78ffffffff0f \
                8101ffffffffffffffff 8801ffffffff0f 95010000c03f 980101 a201020103";
    let sparse = format!("1200 1800 6200 6a8201{}", "78".repeat(130));
    let long = "x".repeat(130);
    let lines = [
        "-1 | é日 | 7 | x'00ff' | -0.1 | {-5 = (9223372036854775807, NULL)} | [(NULL, 1), (NULL, NULL)] | 1 | IMAGES | [1, -2, 300] | [0, -1, 64] \
         | (-1, 999000000) | NULL | 5 | -1 | -1 | -2147483648 | 1.5 | true | [WEB, UNIVERSAL]"
            .to_string(),
        ["NULL"; 20].join(" | "),
        format!("NULL | '' | 0 | {} | (0, 0) | {long} | {}", ["NULL"; 8].join(" | "), ["NULL"; 7].join(" | ")),
    ];
    let records = [full, "", &sparse];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(order(&[]).encode(ORDER_COLUMNS, &lines).unwrap(), records.map(hex));
    assert_eq!(read(&order(&[]), ORDER_COLUMNS, &records).unwrap(), lines);
}

/// PbFormatOptions, PbCodegenRowDeserializer and ProtoToRowConverter of Flink.
#[test]
fn what_is_not_there_is_null_or_the_default_as_in_flink() {
    let defaults = order(&[("protobuf.read-default-values", "true")]);
    let expected = "0 | '' | 10 | x'' | 0.0 | {} | [] | 3 | UNIVERSAL | [] | [] | (0, 0) | '' | 0 | 0 | 0 | 0 | 0.0 | false | []";
    assert_eq!(read(&defaults, ORDER_COLUMNS, &[""]).unwrap(), [expected]);
    let proto3 = "syntax = \"proto3\"; message T { int32 a = 1; optional int32 b = 2; string s = 3; E e = 4; E n = 5; repeated int32 l = 6; M m = 7;
                  enum E { ZERO = 0; ONE = 1; } message M { int32 x = 1; } }";
    let columns = "a INT, b INT, s STRING, e STRING, n INT, l ARRAY<INT>, m ROW<x INT>";
    let plain = Proto::new(proto3, "T", &[]);
    assert_eq!(
        read(&plain, columns, &["", "2007 2807 3a00"]).unwrap(),
        ["0 | 0 | '' | ZERO | 0 | NULL | NULL", "0 | 0 | '' | UNRECOGNIZED | 7 | NULL | (0)"]
    );
    let defaults = Proto::new(proto3, "T", &[("protobuf.read-default-values", "true")]);
    assert_eq!(read(&defaults, columns, &[""]).unwrap(), ["0 | 0 | '' | ZERO | 0 | [] | (0)"]);
    // Defaults without presence are not written, and names that an enum does not have become its first.
    let written = plain
        .encode(columns, &["0 | 0 | '' | NO | 9 | [] | (0)", "0 | NULL | a | ONE | 1 | [1, NULL] | NULL"])
        .unwrap();
    assert_eq!(written, [hex("1000 3a00"), hex("1a0161 2001 2801 32020100")]);
    let nulls = Proto::new(
        "syntax = \"proto3\"; message T { repeated string s = 1; map<string, string> m = 2; }",
        "T",
        &[("protobuf.write-null-string-literal", "-")],
    );
    let written = nulls.encode("s ARRAY<STRING>, m MAP<STRING, STRING>", &["[a, NULL] | {k = NULL}"]).unwrap();
    assert_eq!(written, [hex("0a0161 0a012d 1206 0a016b 12012d")]);
}

#[test]
fn fields_come_in_any_order_and_number() {
    let proto = order(&[]);
    for (wanted, record, row) in [
        // Packed and not, with others between.
        ("nums ARRAY<INT>, uid BIGINT", "5001 0805 52020203 0806 5004", "[1, 2, 3, 4] | 6"),
        ("packed ARRAY<BIGINT>", "5802 5a0102 5803", "[1, 1, -2]"),
        // Messages are put together.
        ("at ROW<seconds BIGINT, nanos INT>", "6202 0801 0801 6204 0803 1005", "(3, 5)"),
        // The last of a oneof counts, whoever wants it.
        ("a STRING, b INT", "6a0161 7005", "NULL | 5"),
        ("a STRING, b INT", "7005 6a0161", "a | NULL"),
        ("a STRING", "6a0161 7005", "NULL"),
        ("a STRING", "7005 6a0161 7006 6a0162", "b"),
        // Numbers that a closed enum does not have, fields of other wire types, unknown fields and groups are not there.
        ("corpus_int INT, corpus_str STRING", "4009 4802 4809", "NULL | IMAGES"),
        ("all ARRAY<STRING>", "a201 03 01 09 03 a001 09", "[WEB, UNIVERSAL]"),
        ("uid BIGINT", "09 0000000000000000 0a 01 00 0d 00000000", "NULL"),
        ("uid BIGINT", "a306 0805 ab06 0a00 ac06 a406 0807", "7"),
        // The entry of a map has defaults; a negative int32 has ten bytes or five.
        ("value_map MAP<BIGINT, ROW<v1 BIGINT>>", "3200", "{0 = (NULL)}"),
        ("b INT", "70 ffffffff0f", "-1"),
        ("ok BOOLEAN", "980105", "true"),
        ("", "0805", ""),
    ] {
        assert_eq!(read(&proto, wanted, &[record]).unwrap(), [row], "{wanted}: {record}");
    }
    // Of several values for a oneof, the last column's is written.
    assert_eq!(proto.encode("b INT, a STRING", &["5 | x", "5 | NULL"]).unwrap(), [hex("6a0178"), hex("7005")]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let proto = order(&[]);
    let told = |wanted: &str, record: &str| read(&proto, wanted, &[record]).unwrap_err();
    let at = "at ROW<seconds BIGINT NOT NULL, nanos INT>";
    assert_eq!(told(at, "62 05 08"), "malformed: the record ends within a value, at byte 1");
    assert_eq!(told(at, "62 01 08"), "malformed: column \"at\": the record ends within a value, at byte 3");
    assert_eq!(
        told("name STRING", "12 01 ff"),
        "utf8: column \"name\": a string that is no UTF-8 text, at byte 3"
    );
    assert_eq!(
        told("uid BIGINT", "0a ffffffffffffffffff01"),
        "malformed: the record ends within a value, at byte 1"
    );
    assert_eq!(
        told("uid BIGINT", "08 ffffffffffffffffffff01"),
        "malformed: a number of more than ten bytes, at byte 1"
    );
    assert_eq!(told("uid BIGINT", "00"), "malformed: a field without a number, at byte 0");
    assert_eq!(told("uid BIGINT", "0e"), "malformed: a field of an unknown wire type, at byte 1");
    assert_eq!(told("uid BIGINT", "0b 14"), "malformed: the end of another group, at byte 2");
    assert_eq!(
        told("uid BIGINT NOT NULL", "1000"),
        "type: column \"uid\": NULL for what is NOT NULL, at byte 0"
    );
    assert!(told("uid BIGINT", &"0b".repeat(10_000)).starts_with("too-deep: groups within more than 100 groups"));
    let required = Proto::new("syntax = \"proto2\"; message T { required int32 a = 1; optional int32 b = 2; }", "T", &[]);
    assert_eq!(
        read(&required, "b INT", &["1001"]).unwrap_err(),
        "missing-field: column \"a\": a required field is missing, at byte 2"
    );
    assert_eq!(read(&required, "b INT", &["0801"]).unwrap(), ["NULL"]);
    let e = required.encode("b INT", &[]).unwrap_err();
    assert!(e.kind == ErrorKind::Sql && e.message.contains("must have the field \"a\""), "{e}");
    let e = required.encode("a INT", &["NULL"]).unwrap_err();
    assert_eq!(e.message, "column \"a\" is NULL, and must have a value");
}

#[test]
fn columns_and_files_that_do_not_fit_are_refused() {
    let proto = order(&[]);
    for (wanted, told) in [
        ("none INT", "the message com.example.Order has no field \"none\""),
        ("uid INT", "column \"uid\" (INT): the messages have int64"),
        ("nums INT", "column \"nums\" (INT): the messages have repeated int32"),
        ("uid ARRAY<BIGINT>", "(ARRAY<BIGINT>): the messages have int64"),
        (
            "value_map MAP<STRING, INT>",
            "column \"value_map\": column \"key\" (STRING): the messages have int64",
        ),
        ("at TIMESTAMP(3)", "the messages have message google.protobuf.Timestamp"),
        ("corpus_int DOUBLE", "the messages have enum com.example.Order.Corpus"),
        (
            "value_arr ARRAY<ROW<v3 INT>>",
            "column \"value_arr\": column \"element\": the message com.example.Order.Inner has no field \"v3\"",
        ),
    ] {
        let e = ProtobufDecoder::new(&columns(wanted), &proto.options).err().unwrap();
        let message = e.message.clone();
        assert!(e.kind == ErrorKind::Sql && message.contains(told), "{wanted}: {message}");
    }
    // By the names of Java classes, too.
    for name in [
        "com.example.java.TestOuter.Order",
        "com.example.java.TestOuter$Order$Inner",
        "com.example.Order.Inner",
    ] {
        Proto::new(ORDER, name, &[]);
        assert!(message_type(&Proto::new(ORDER, name, &[]).options).is_ok(), "{name}");
    }
    let told = |proto: &Proto| {
        let e = message_type(&proto.options).unwrap_err();
        assert_eq!((e.kind, e.code), (ErrorKind::Config, Some("E0529")));
        format!(
            "{} ({}) {}",
            e.message,
            e.detail.clone().unwrap_or_default(),
            e.hint.clone().unwrap_or_default()
        )
    };
    assert!(told(&Proto::new(ORDER, "com.example.Ordr", &[])).ends_with("did you mean 'com.example.Order'?"));
    assert!(told(&Proto::new("message", "T", &[])).contains("cannot be compiled ("));
    assert!(told(&Proto::new("syntax = \"proto3\"; import \"none.proto\";", "T", &[])).contains("none.proto"));
    let deep = format!("syntax = \"proto3\"; option (x) = {}{};", "{a:".repeat(10_000), "}".repeat(10_000));
    assert!(told(&Proto::new(&deep, "T", &[])).contains("more than 100 brackets"));
    let with = |name: &str, bytes: &[u8]| {
        let mut proto = order(&[]);
        let path = proto._directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        proto.options.insert(DESCRIPTOR.name.to_string(), path.to_str().unwrap().to_string());
        proto
    };
    assert!(told(&with("set.bin", b"\x0a\xff")).contains("holds no FileDescriptorSet"));
    // What protoc makes of the file, and a file in a directory above that imports another.
    let pool = message_type(&proto.options).unwrap().parent_pool().clone();
    assert!(message_type(&with("set.bin", &pool.encode_to_vec()).options).is_ok());
}

/// Bytes changed at random: a row or an error, and the columns stay sound.
#[test]
fn damaged_records_cost_only_themselves() {
    let proto = order(&[]);
    let line = "-1 | é日 | 7 | x'00ff' | -0.1 | {-5 = (1, NULL), 6 = (2, 3)} | [(NULL, 1), (NULL, NULL)] | 1 | IMAGES | [1, -2, 300] | [0, -1, 64] \
         | (-1, 999000000) | NULL | 5 | -1 | -1 | -2147483648 | 1.5 | true | [WEB, UNIVERSAL]";
    let record = proto.encode(ORDER_COLUMNS, &[line]).unwrap().remove(0);
    let mut decoder = proto.decoder(ORDER_COLUMNS);
    let (mut random, mut taken) = (Random::new(1), 0);
    for _ in 0..20_000 {
        let mut changed = record.clone();
        let at = random.below(changed.len() as u64) as usize;
        match random.below(4) {
            0 => changed[at] = random.below(256) as u8,
            1 => changed.truncate(at),
            2 => changed.extend_from_within(at..),
            _ => changed.insert(at, random.below(256) as u8),
        }
        taken += decoder.decode(&changed).unwrap_or(0);
    }
    assert_eq!(decoder.rows(), taken);
    let batch = decoder.finish().unwrap();
    batch.columns().iter().for_each(|c| arrow_array::Array::to_data(c).validate_full().unwrap());
    assert!((1000..19_000).contains(&batch.num_rows()), "{taken}");
}
