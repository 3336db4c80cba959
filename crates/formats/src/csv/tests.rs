use super::*;
use millstream_dataflow::testing::{FormatCase, Reading, format_suite};

fn schema(columns: &[(&str, &str)]) -> Schema {
    Schema::new(columns.iter().map(|(n, t)| Field::parse_type(n, t).unwrap()).collect())
}

#[test]
fn rows_come_back_and_bad_lines_cost_only_themselves() {
    let all = schema(&[
        ("id", "INT"),
        ("name", "STRING"),
        ("ts", "TIMESTAMP(3)"),
        ("v", "DECIMAL(8, 2)"),
        ("bin", "BYTES"),
    ]);
    let options = BTreeMap::from([
        ("csv.null-literal".to_string(), "NULL".to_string()),
        ("csv.field-delimiter".to_string(), ";".to_string()),
    ]);
    let mut decoder = CsvDecoder::new(&all, &all, &options).unwrap();
    let lines = [
        "1;\"a;\"\"b\";2024-01-01 00:00:01.500;1.5;AAEC",
        "2;NULL;NULL;NULL;NULL",
        "x;a;2024-01-01 00:00:01;1;AA==",
        "3;short",
        "4;a;NULL;1;AA==\n5;b;NULL;1;AA==",
        "6;last;NULL;-0.05;AA==",
    ];
    let results: Vec<_> = lines.iter().map(|l| decoder.decode(l.as_bytes()).map_err(|e| e.reason)).collect();
    assert_eq!(results, [Ok(1), Ok(1), Err("type"), Err("missing-field"), Err("malformed"), Ok(1)]);
    let batch = Batch::new(decoder.finish().unwrap());
    let mut bytes = Vec::new();
    CsvEncoder::new(&all, &options).unwrap().write(&batch, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        text,
        "1;\"a;\"\"b\";2024-01-01 00:00:01.500;1.50;AAEC\n2;NULL;NULL;NULL;NULL\n6;last;NULL;-0.05;AA==\n"
    );
    let wanted = schema(&[("v", "DECIMAL(8, 2)"), ("id", "INT")]);
    let mut decoder = CsvDecoder::new(&all, &wanted, &options).unwrap();
    text.lines().for_each(|l| assert_eq!(decoder.decode(l.as_bytes()), Ok(1)));
    assert_eq!(
        decoder.finish().unwrap(),
        RecordBatch::try_new(
            wanted.to_arrow(),
            vec![std::sync::Arc::clone(batch.column(3)), std::sync::Arc::clone(batch.column(0))]
        )
        .unwrap()
    );
}

#[test]
fn csv_keeps_what_a_format_must() {
    for (delimiter, quote) in [(",", "\""), ("\\t", "\""), (";", "'")] {
        let options = [("csv.null-literal", "\\N"), ("csv.field-delimiter", delimiter), ("csv.quote-character", quote)];
        let options: BTreeMap<String, String> = options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        format_suite(&FormatCase {
            encoder: &|schema| crate::encoder("csv", schema, &options),
            reading: Reading::Records {
                decoder: &|all, wanted| crate::decoder("csv", all, wanted, &options),
                split: &|bytes| crate::split_records("csv", Some(quote.as_bytes()[0]), bytes, true).0,
                messages: &|schema| crate::record_encoder("csv", schema, &options),
            },
            refuses: &|ty| {
                matches!(
                    ty,
                    SqlType::Array(_) | SqlType::Map(..) | SqlType::Row(_) | SqlType::Multiset(_) | SqlType::IntervalYearMonth | SqlType::IntervalDayTime
                )
            },
            name: "a \"name\" é",
        });
    }
}
