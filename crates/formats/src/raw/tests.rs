use super::*;
use millstream_dataflow::ErrorKind;
use millstream_dataflow::testing::{MessageCase, columns, message_suite, rows, texts};

fn options(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

#[test]
fn raw_keeps_what_a_format_must() {
    for endianness in ["big-endian", "little-endian"] {
        let options = options(&[("raw.endianness", endianness)]);
        message_suite(&MessageCase {
            encoder: &|schema| crate::record_encoder("raw", schema, &options),
            decoder: &|all, wanted| crate::decoder("raw", all, wanted, &options),
            refuses: &|ty| !holds(ty),
            plain_lists: false,
            name: "a \"name\" é",
            single: true,
        });
    }
}

#[test]
fn numbers_are_written_as_flink_writes_them() {
    let cases: [(&str, &str, &[u8], &[u8]); 8] = [
        ("BOOLEAN", "true", &[1], &[1]),
        ("TINYINT", "-2", &[0xfe], &[0xfe]),
        ("SMALLINT", "258", &[1, 2], &[2, 1]),
        ("INT", "16909060", &[1, 2, 3, 4], &[4, 3, 2, 1]),
        (
            "BIGINT",
            "-2",
            &[255, 255, 255, 255, 255, 255, 255, 254],
            &[254, 255, 255, 255, 255, 255, 255, 255],
        ),
        ("FLOAT", "1.5", &[0x3f, 0xc0, 0, 0], &[0, 0, 0xc0, 0x3f]),
        ("DOUBLE", "-2", &[0xc0, 0, 0, 0, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, 0, 0xc0]),
        ("STRING", "é", &[0xc3, 0xa9], &[0xc3, 0xa9]),
    ];
    for (ty, value, big, little) in cases {
        let schema = columns(&format!("v {ty}"));
        for (endianness, bytes) in [("big-endian", big), ("little-endian", little)] {
            let options = options(&[("raw.endianness", endianness), ("raw.charset", "utf-8")]);
            let mut records = Records::default();
            let batch = Batch::new(rows(&schema, [value]));
            RawEncoder::new(&schema, &options).unwrap().encode(&batch, &mut records).unwrap();
            assert_eq!(records.bytes, bytes, "{ty}");
        }
    }
}

#[test]
fn a_record_of_the_wrong_length_costs_only_itself() {
    let schema = columns("v INT");
    let mut decoder = RawDecoder::new(&schema, &schema, &options(&[])).unwrap();
    assert_eq!(decoder.decode(&[0, 0, 0, 7]), Ok(1));
    let e = decoder.decode(&[0, 0, 7]).unwrap_err();
    assert_eq!((e.reason, e.message.as_str()), ("type", "column \"v\" (INT): a record of 3 bytes instead of 4"));
    assert_eq!(decoder.decode(&[0, 0, 0, 8]), Ok(1));
    assert_eq!(texts(&Batch::new(decoder.finish().unwrap())), ["7", "8"]);

    let mut unwanted = RawDecoder::new(&schema, &Schema::default(), &options(&[])).unwrap();
    assert_eq!(unwanted.decode(&[0, 0, 0, 7]), Ok(1));
    assert_eq!(unwanted.finish().unwrap().num_rows(), 1);
}

#[test]
fn what_is_not_there_is_said_when_it_is_made() {
    let refused = |text: &str, list: &[(&str, &str)]| {
        let e = RawEncoder::new(&columns(text), &options(list)).err().unwrap();
        (e.kind, e.message.clone())
    };
    let two = "the raw format takes one physical column, the table has 2: a, b";
    assert_eq!(refused("a INT, b INT", &[]), (ErrorKind::Sql, two.to_string()));
    assert_eq!(
        refused("a DATE", &[]),
        (ErrorKind::Sql, "column \"a\": the raw format does not hold DATE".to_string())
    );
    assert_eq!(refused("a STRING", &[("raw.charset", "UTF-16")]).0, ErrorKind::Config);
    let null = Batch::new(rows(&columns("v INT"), ["NULL"]));
    let e = RawEncoder::new(&columns("v INT"), &options(&[]))
        .unwrap()
        .encode(&null, &mut Records::default());
    assert_eq!(e.unwrap_err().kind, ErrorKind::Data);
}

#[test]
fn a_text_is_a_line_of_a_file() {
    let schema = columns("v STRING");
    let mut encoder = crate::encoder("raw", &schema, &options(&[])).unwrap();
    let mut file = Vec::new();
    encoder.write(&Batch::new(rows(&schema, ["a", "''", "'é b '"])), &mut file).unwrap();
    assert_eq!(file, "a\n\né b \n".as_bytes());
    assert_eq!(crate::split_records(crate::Lines::Every, &file, true).0, [0..1, 2..2, 3..8]);
    for line in ["'a\nb'", "'a\r'"] {
        let e = encoder.write(&Batch::new(rows(&schema, [line])), &mut file).unwrap_err();
        assert_eq!(e.code, Some("E0704"), "{line}");
    }
    let e = crate::encoder("raw", &columns("v INT"), &options(&[])).err().unwrap();
    assert_eq!(e.code, Some("E0302"));
}
