use super::*;
use crate::render::json_row;
use arrow_array::RecordBatch;
use millstream_dataflow::testing::{FormatCase, Reading, format_suite};
use millstream_dataflow::{Batch, Decoder, Encoder, Field};

fn schema(columns: &[(&str, &str)]) -> Schema {
    Schema::new(columns.iter().map(|(n, t)| Field::parse_type(n, t).unwrap()).collect())
}

fn map(options: &[(&str, &str)]) -> BTreeMap<String, String> {
    options.iter().map(|(k, v)| (format!("csv.{k}"), v.to_string())).collect()
}

/// The rows and bad records of some lines, as text.
fn decode(columns: &[(&str, &str)], options: &[(&str, &str)], lines: &[&str]) -> Vec<String> {
    let all = schema(columns);
    let mut decoder = CsvDecoder::new(&all, &all, &map(options)).unwrap();
    let results: Vec<_> = lines.iter().map(|l| decoder.decode(l.as_bytes())).collect();
    let batch = Batch::new(decoder.finish().unwrap());
    let mut rows = (0..batch.num_rows()).map(|row| json_row(&batch, row, &all));
    let mut out = Vec::new();
    for result in results {
        match result {
            Ok(0) => {}
            Ok(_) => {
                let row = rows.next().unwrap();
                out.push(row.trim_start_matches("{\"kind\":\"+I\",\"row\":").trim_end_matches('}').to_string());
            }
            Err(bad) => out.push(format!("{}: {}", bad.reason, bad.message)),
        }
    }
    out
}

/// What is written for the rows of some lines.
fn rewrite(columns: &[(&str, &str)], options: &[(&str, &str)], lines: &[&str]) -> Vec<String> {
    let all = schema(columns);
    let mut decoder = CsvDecoder::new(&all, &all, &map(&[("null-literal", "NULL")])).unwrap();
    lines.iter().for_each(|l| assert_eq!(decoder.decode(l.as_bytes()), Ok(1)));
    let mut bytes = Vec::new();
    let mut encoder = CsvEncoder::new(&all, &map(options)).unwrap();
    encoder.write(&Batch::new(decoder.finish().unwrap()), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.strip_suffix('\n').unwrap().split('\n').map(str::to_string).collect()
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
    let options = map(&[("null-literal", "NULL"), ("field-delimiter", ";"), ("array-element-delimiter", ",")]);
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
        "1;\"a;\"\"b\";\"2024-01-01 00:00:01.5\";1.5;AAEC\n2;NULL;NULL;NULL;NULL\n6;last;NULL;-0.05;AA==\n"
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

const NESTED: [(&str, &str); 4] = [("id", "INT"), ("a", "ARRAY<STRING>"), ("b", "ARRAY<INT>"), ("r", "ROW<x INT, y STRING>")];

#[test]
fn arrays_and_rows_are_fields_of_several_parts() {
    assert_eq!(
        decode(
            &NESTED,
            &[("null-literal", "N")],
            &[
                "1,a;b,1;2,7;x",
                "2,,,",
                "3,\"a,b;\"\"c\"\"\", 1 ; 2,N;",
                "4,N;x,1;N,N",
                "5,N,N;N,N;N",
                "6,a,1;;2,1;x",
                "7,a,1,1",
                "8,a,1,1;x;y"
            ]
        ),
        [
            r#"[1,["a","b"],[1,2],[7,"x"]]"#,
            r#"[2,[],[],null]"#,
            r#"[3,["a,b","\"c\""],[1,2],[null,""]]"#,
            r#"[4,[null,"x"],[1,null],null]"#,
            r#"[5,null,[null,null],[null,null]]"#,
            "type: column \"b\" (ARRAY<INT>): no whole number in the type's range: \"1;;2\"",
            "type: column \"r\" (ROW<`x` INT, `y` STRING>): fewer parts than the ROW has fields: \"1\"",
            "type: column \"r\" (ROW<`x` INT, `y` STRING>): more parts than the ROW has fields: \"1;x;y\"",
        ]
    );
}

#[test]
fn ignored_errors_are_nulls_of_their_elements_and_of_missing_fields() {
    let lines = ["1,a,1;;3,8", "2,a,1,1;z;w", "3", "4,a,1,1;x,5", "x,a,y,q;x"];
    assert_eq!(
        decode(&NESTED, &[("ignore-parse-errors", "true")], &lines),
        [
            r#"[1,["a"],[1,null,3],[8,null]]"#,
            r#"[2,["a"],[1],[1,"z"]]"#,
            r#"[3,null,null,null]"#,
            "extra-field: the line has 5 fields, the table 4 columns",
            r#"[null,["a"],[null],[null,"x"]]"#,
        ]
    );
    let strict = [
        ("id", "INT"),
        ("a", "ARRAY<INT NOT NULL>"),
        ("r", "ROW<x INT NOT NULL> NOT NULL"),
        ("z", "INT NOT NULL"),
    ];
    assert_eq!(
        decode(&strict, &[("ignore-parse-errors", "true")], &["1,1;x,1,1", "2,1,x,1", "3,1,1", "4,1,,1"]),
        [
            "[1,null,[1],1]",
            "type: column \"r\" (ROW<`x` INT NOT NULL>): no whole number in the type's range: \"x\"",
            "missing-field: the line has 3 fields, the table 4 columns",
            "type: column \"r\" (ROW<`x` INT NOT NULL>): NULL for what is NOT NULL: \"\"",
        ]
    );
}

const PLAIN: [(&str, &str); 3] = [("id", "INT"), ("s", "STRING"), ("n", "INT")];

#[test]
fn quotes_are_such_at_the_start_of_a_field_only() {
    assert_eq!(
        decode(
            &PLAIN,
            &[],
            &["1, \"b\", 2", "2,\"b\" ,2", "3,a\"b\"c,3", "4,\"\",4", "5,\"a\"\"\",5", "6,\"x\"y,6", "7,\"x,7"]
        ),
        [
            r#"[1," \"b\"",2]"#,
            r#"[2,"b",2]"#,
            r#"[3,"a\"b\"c",3]"#,
            r#"[4,"",4]"#,
            r#"[5,"a\"",5]"#,
            "malformed: something between a closing quote and the delimiter",
            "malformed: a quote without end",
        ]
    );
    assert_eq!(
        decode(&PLAIN, &[("trim-spaces", "true")], &["1,  \" x,y\" , 7 ", " 2 , a\"b ,\t3"]),
        [r#"[1," x,y",7]"#, r#"[2,"a\"b",3]"#]
    );
}

#[test]
fn escapes_are_read_in_and_out_of_quotes() {
    let lines = [r"1,~\a\\~,1", r"2,a\,b,2", r"3,~x\ny~,3", r"4,x\ty\0z\qw,4", r"5,it~~s,5", r"6,ab,6\"];
    assert_eq!(
        decode(&PLAIN, &[("escape-character", "\\"), ("quote-character", "~")], &lines),
        [
            r#"[1,"a\\",1]"#,
            r#"[2,"a,b",2]"#,
            r#"[3,"x\ny",3]"#,
            r#"[4,"x\ty\u0000zqw",4]"#,
            r#"[5,"it~~s",5]"#,
            "malformed: an escape character without one behind it",
        ]
    );
}

#[test]
fn options_tell_which_lines_are_rows() {
    let lines = ["1,a,1,", "2,b,2,,", "3,c", "4,,4"];
    let too_long = |n: usize| {
        format!(
            "{}-field: the line has {n} fields, the table 3 columns",
            if n > 3 { "extra" } else { "missing" }
        )
    };
    for (options, expected) in [
        (&[][..], ["[1,\"a\",1]".to_string(), too_long(5), too_long(2), "[4,\"\",4]".into()]),
        (
            &[("allow-trailing-comma", "false")],
            [too_long(4), too_long(5), too_long(2), "[4,\"\",4]".into()],
        ),
        (
            &[("ignore-trailing-unmappable", "true"), ("empty-string-as-null", "true")],
            ["[1,\"a\",1]".into(), "[2,\"b\",2]".into(), too_long(2), "[4,null,4]".into()],
        ),
        (
            &[("ignore-parse-errors", "true"), ("fail-on-missing-columns", "true")],
            ["[1,\"a\",1]".into(), too_long(5), too_long(2), "[4,\"\",4]".into()],
        ),
    ] {
        assert_eq!(decode(&PLAIN, options, &lines), expected, "{options:?}");
    }
    assert_eq!(
        decode(
            &PLAIN,
            &[("field-delimiter", "\\u0001"), ("allow-comments", "true")],
            &["1\u{1}a\u{1}2", "#1\u{1}a\u{1}2"]
        ),
        ["[1,\"a\",2]"]
    );
    assert!(dialect("csv", &map(&[("field-delimiter", "\\u00e9")])).is_err());
    assert!(dialect("csv", &map(&[("disable-quote-character", "true"), ("quote-character", "'")])).is_err());
}

#[test]
fn texts_are_quoted_where_flink_quotes_them() {
    let columns = [
        ("s", "STRING"),
        ("d", "DECIMAL(10, 2)"),
        ("t", "TIME(3)"),
        ("a", "ARRAY<STRING>"),
        ("x", "STRING"),
    ];
    let lines = [
        "two words,100,10:00:00.500,a;b,#",
        "it's,-1.50,10:00:00,NULL,a~b",
        "ABCDEFGHIJKLMNOPQRSTUVWX,NULL,00:00:00.001,p\"q;NULL,",
        "ABCDEFGHIJKLMNOPQRSTUVWXY,0,23:59:59,,é",
    ];
    assert_eq!(
        rewrite(&columns, &[("null-literal", "N"), ("escape-character", "~")], &lines),
        [
            "\"two words\",1E+2,10:00:00.5,a;b,\"#\"",
            "\"it's\",-1.5,10:00:00,N,\"a~~b\"",
            "ABCDEFGHIJKLMNOPQRSTUVWX,N,00:00:00.001,\"p\"\"q;N\",",
            "\"ABCDEFGHIJKLMNOPQRSTUVWXY\",0,23:59:59,,é",
        ]
    );
    let others = [
        ("field-delimiter", "\\t"),
        ("array-element-delimiter", "|"),
        ("write-bigdecimal-in-scientific-notation", "false"),
    ];
    assert_eq!(
        rewrite(&columns, &others, &lines[..2]),
        ["\"two words\"\t100\t10:00:00.5\ta|b\t#", "it's\t-1.5\t10:00:00\t\ta~b"]
    );
    let without = [("disable-quote-character", "true"), ("escape-character", "~")];
    assert_eq!(rewrite(&columns, &without, &lines[1..2]), ["it's,-1.5,10:00:00,,a~~b"]);
    // Line ends come back, also the one at the record's end.
    let ends = rewrite(&columns[..1], &without, &["\"a\r\nb\r\""]);
    assert_eq!(ends, ["a~r~nb~r"]);
    assert_eq!(decode(&columns[..1], &without, &[&ends[0]]), ["[\"a\\r\\nb\\r\"]"]);
}

#[test]
fn csv_keeps_what_a_format_must() {
    let nested = |ty: &SqlType| !is_scalar(ty);
    for more in [
        [("field-delimiter", ","), ("quote-character", "\""), ("allow-comments", "true")],
        [
            ("field-delimiter", "\\t"),
            ("quote-character", "\""),
            ("write-bigdecimal-in-scientific-notation", "false"),
        ],
        [("field-delimiter", ";"), ("quote-character", "'"), ("escape-character", "\\")],
    ] {
        // No value holds the character between elements.
        let mut options = vec![("null-literal", "@N"), ("array-element-delimiter", "\\u001e")];
        options.extend(more);
        let options = map(&options);
        let lines = crate::Lines::of("csv", &options).unwrap();
        format_suite(&FormatCase {
            encoder: &|schema| crate::encoder("csv", schema, &options),
            reading: Reading::Records {
                decoder: &|all, wanted| crate::decoder("csv", all, wanted, &options),
                split: &|bytes| crate::split_records(lines, bytes, true).0,
                messages: &|schema| crate::record_encoder("csv", schema, &options),
            },
            refuses: &|ty| match ty {
                SqlType::Array(element) => nested(&element.ty),
                SqlType::Row(fields) => fields.iter().any(|f| nested(&f.ty)),
                ty => nested(ty),
            },
            lone_nulls: false,
            name: "a \"name\" é",
        });
    }
}

#[test]
fn deeper_nesting_is_refused() {
    for (ty, what) in [
        ("ARRAY<ARRAY<INT>>", "ARRAY<INT> inside of an ARRAY or ROW"),
        ("ROW<x INT, m MAP<STRING, INT>>", "MAP<STRING, INT> inside of an ARRAY or ROW"),
        ("MULTISET<STRING>", "MULTISET<STRING>"),
    ] {
        let e = CsvEncoder::new(&schema(&[("c", ty)]), &map(&[])).err().unwrap();
        assert_eq!(e.message, format!("column \"c\": the csv format does not hold {what}"));
    }
}
