//! Values of every type, and bytes of bad intent.

use crate::testing::random::Random;
use crate::testing::rows::Cell;
use crate::{Field, SqlType};

fn cells(texts: &[&str]) -> Vec<Cell> {
    texts.iter().map(|t| Cell::Text(t.to_string())).collect()
}

/// The scalar types with their extremes.
pub(super) fn scalars() -> Vec<(&'static str, Vec<Cell>)> {
    let nines = "99999999999999999999999999999999999999";
    let least = format!("-{nines}");
    let (fraction, least_fraction) = (format!("0.{nines}"), format!("-0.{nines}"));
    let long = "a text of more than twelve bytes, with é, 日本 and 😀 ".repeat(5);
    let texts = [
        "plain",
        "",
        " ",
        "  at the start and at the end ",
        "NULL",
        "null",
        "a \"quoted\" text",
        "\"",
        "'single'",
        "comma, semicolon; tab\t colon: pipe|",
        "line\nend",
        "both\r\nends",
        "\r",
        "\n",
        "# hash",
        "{\"json\":[1,null]}",
        "back\\slash \\n \\",
        "\u{1}\u{8}\u{c}\u{1f}\u{7f}",
        "\u{feff}a byte order mark",
        "é 日本 😀",
        "\u{2028}",
        "\0",
        long.as_str(),
    ];
    vec![
        ("BOOLEAN", cells(&["true", "false"])),
        ("TINYINT", cells(&["-128", "127", "0"])),
        ("SMALLINT", cells(&["-32768", "32767", "0"])),
        ("INT", cells(&["-2147483648", "2147483647", "0"])),
        ("BIGINT", cells(&["-9223372036854775808", "9223372036854775807", "0"])),
        (
            "FLOAT",
            cells(&["1.5", "3.4028235e38", "-3.4028235e38", "1e-45", "-0.0", "NaN", "inf", "-inf", "16777217"]),
        ),
        (
            "DOUBLE",
            cells(&[
                "0.1",
                "1.7976931348623157e308",
                "-1.7976931348623157e308",
                "5e-324",
                "-0.0",
                "NaN",
                "inf",
                "-inf",
                "1e21",
                "123456789.125",
            ]),
        ),
        ("DECIMAL(38, 0)", cells(&[nines, &least, "0"])),
        (
            "DECIMAL(38, 38)",
            cells(&[&fraction, &least_fraction, "0.00000000000000000000000000000000000001"]),
        ),
        ("DECIMAL(10, 2)", cells(&["12345678.90", "-0.01", "0.00"])),
        ("DECIMAL(20, 9)", cells(&["0.000000027", "-99999999999.999999999"])),
        ("DECIMAL(1, 0)", cells(&["9", "-9"])),
        ("CHAR(3)", cells(&["abc", "日本é"])),
        ("VARCHAR(10)", cells(&["x", "ten chars."])),
        ("STRING", cells(&texts)),
        ("BINARY(3)", cells(&["x'000102'", "x'ffffff'"])),
        ("VARBINARY(4)", cells(&["x'ff'", "x'00000000'"])),
        ("BYTES", cells(&["x''", "x'00'", "x'2c220a0d5c7b'", "x'000102030405060708090a0b0c0d0e0f80ff'"])),
        ("DATE", cells(&["1970-01-01", "1969-12-31", "2024-02-29", "0000-01-01", "9999-12-31"])),
        ("TIME(0)", cells(&["00:00:00", "23:59:59"])),
        ("TIME(3)", cells(&["00:00:00.001", "23:59:59.999", "12:00:00.500"])),
        ("TIMESTAMP(0)", cells(&["1969-12-31 23:59:59", "0000-01-01 00:00:00", "9999-12-31 23:59:59"])),
        (
            "TIMESTAMP(3)",
            cells(&["1969-12-31 23:59:59.999", "0000-01-01 00:00:00.001", "9999-12-31 23:59:59.999"]),
        ),
        (
            "TIMESTAMP(6)",
            cells(&["1969-12-31 23:59:59.999999", "2024-01-01 00:00:00", "9999-12-31 23:59:59.999999"]),
        ),
        (
            "TIMESTAMP(9)",
            cells(&[
                "1969-12-31 23:59:59.999999999",
                "1677-09-22 00:00:00.000000001",
                "2262-04-11 23:47:16.854775807",
            ]),
        ),
        ("TIMESTAMP_LTZ(0)", cells(&["1969-12-31 23:59:59", "2024-01-01 00:00:00"])),
        (
            "TIMESTAMP_LTZ(3)",
            cells(&["1969-12-31 23:59:59.999", "0000-01-01 00:00:00.001", "9999-12-31 23:59:59.999"]),
        ),
        ("TIMESTAMP_LTZ(6)", cells(&["1969-12-31 23:59:59.999999", "2024-01-01 00:00:00.100000"])),
        ("TIMESTAMP_LTZ(9)", cells(&["1969-12-31 23:59:59.999999999", "2262-04-11 23:47:16.854775807"])),
        ("INTERVAL YEAR(2) TO MONTH", cells(&["-1", "0", "1199"])),
        ("INTERVAL DAY(2) TO SECOND(3)", cells(&["-1", "0", "8639999999"])),
    ]
}

/// A scalar column in all shapes: nullable, NOT NULL, and nested in every way.
pub(super) fn shapes(scalar: &Field, values: &[Cell]) -> Vec<(Field, Vec<Cell>)> {
    let with_nulls = |rows: Vec<Cell>| -> Vec<Cell> {
        let mut all = vec![Cell::Null];
        all.extend(rows);
        all.push(Cell::Null);
        all
    };
    let null = || Cell::Null;
    let first = values[0].clone();
    let part = |name: &str, nullable: bool| Box::new(Field::new(name, scalar.ty.clone(), nullable));
    let int = |name: &str| Field::new(name, SqlType::Int, true);
    let one = || Cell::Text("1".to_string());
    let of = |ty: SqlType, rows: Vec<Cell>| (Field::new("v", ty, true), with_nulls(rows));
    let all = || values.to_vec();
    let named = |v: &[Cell]| -> Vec<(Cell, Cell)> {
        let pairs = v.iter().enumerate().map(|(i, v)| (Cell::Text(format!("key \"{i}\"")), v.clone()));
        pairs.collect()
    };
    vec![
        (Field::new("v", scalar.ty.clone(), false), all()),
        of(scalar.ty.clone(), all()),
        (Field::new("v", scalar.ty.clone(), true), vec![null(), null()]),
        of(
            SqlType::Array(part("element", true)),
            vec![
                Cell::List(all()),
                Cell::List(vec![]),
                Cell::List(vec![null()]),
                Cell::List(vec![null(), first.clone(), null()]),
            ],
        ),
        of(SqlType::Array(part("element", false)), vec![Cell::List(all()), Cell::List(vec![])]),
        of(
            SqlType::Row(vec![*part("x", true), int("y")]),
            values
                .iter()
                .map(|v| Cell::List(vec![v.clone(), null()]))
                .chain([Cell::List(vec![null(), null()]), Cell::List(vec![null(), one()])])
                .collect(),
        ),
        of(
            SqlType::Row(vec![*part("x", false), int("y")]),
            values.iter().map(|v| Cell::List(vec![v.clone(), one()])).collect(),
        ),
        of(
            SqlType::Map(Box::new(Field::new("key", SqlType::STRING, false)), part("value", true)),
            vec![Cell::Pairs(named(values)), Cell::Pairs(vec![]), Cell::Pairs(named(&[null()]))],
        ),
        of(
            SqlType::Map(part("key", false), Box::new(int("value"))),
            vec![
                Cell::Pairs(values.iter().map(|v| (v.clone(), one())).collect()),
                Cell::Pairs(vec![(first.clone(), null())]),
                Cell::Pairs(vec![]),
            ],
        ),
        of(
            SqlType::Multiset(part("element", false)),
            vec![Cell::Pairs(values.iter().map(|v| (v.clone(), one())).collect())],
        ),
        of(
            SqlType::Array(Box::new(Field::new(
                "element",
                SqlType::Row(vec![int("n"), Field::new("list", SqlType::Array(part("element", true)), true)]),
                true,
            ))),
            vec![
                Cell::List(vec![Cell::List(vec![one(), Cell::List(all())]), null(), Cell::List(vec![null(), null()])]),
                Cell::List(vec![Cell::List(vec![null(), Cell::List(vec![])])]),
                Cell::List(vec![]),
            ],
        ),
    ]
}

/// Texts where a value of another type is expected.
pub(super) fn hostile_texts() -> Vec<String> {
    let digits = "9".repeat(45);
    let mut texts: Vec<String> = [
        "",
        " ",
        "-",
        "+",
        ".",
        "-.",
        "1.",
        ".5",
        "1e",
        "e5",
        "0x10",
        "--1",
        "1e400",
        "-1e-400",
        "1e2147483647",
        "1e-2147483648",
        "1e99999999999",
        "NaN",
        "nan",
        "inf",
        "Infinity",
        "-Infinity",
        "true",
        "FALSE",
        "yes",
        "null",
        "2024-02-30",
        "2024-13-01",
        "0000-00-00",
        "9999-12-31",
        "10000-01-01",
        "+10000-01-01 00:00:00",
        "-0001-01-01",
        "2024-01-01",
        "2024-01-01 ",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01 00:00:00+01:00",
        "2024-01-01 00:00:00.1234567890",
        "0001-01-01 00:00:00",
        "24:00:00",
        "23:59:60",
        "12:00:0",
        "12:00:",
        "12:0",
        "12:00:00.",
        "5:",
        "é2:00:00",
        "2024-é1-01",
        "AAEC",
        "AAE",
        "A===",
        "=",
        "[1]",
        "{}",
        "\u{0}",
        "\u{feff}1",
        "１２",
    ]
    .map(str::to_string)
    .to_vec();
    texts.extend([
        digits.clone(),
        format!("-{digits}"),
        format!("{digits}.{digits}"),
        format!("0.{digits}"),
        format!("{digits}.9e-1"),
        format!("{digits}e-7"),
        "170141183460469231731687303715884105727".to_string(),
        "-170141183460469231731687303715884105728".to_string(),
        "9223372036854775808".to_string(),
        "-9223372036854775809".to_string(),
        "x".repeat(100_000),
    ]);
    texts
}

/// Changes bytes at one to three places.
pub(super) fn mutate(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    const TOKENS: [&[u8]; 16] = [
        b"\"",
        b"\\",
        b"\\u",
        b"\\ud800",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"99999999999999999999999999999999999999999999",
        b"e999",
        b"\n",
        b"\xff\xfe",
        b"\x00",
    ];
    let mut changed = bytes.to_vec();
    for _ in 0..=random.below(3) {
        if changed.is_empty() {
            changed.push(b'{');
        }
        let at = random.below(changed.len() as u64) as usize;
        match random.below(6) {
            0 => changed[at] ^= 1 << random.below(8),
            1 => changed[at] = random.below(256) as u8,
            2 => {
                changed.remove(at);
            }
            3 => changed.truncate(at),
            4 => {
                changed.splice(at..at, TOKENS[random.below(16) as usize].iter().copied());
            }
            _ => {
                let from = random.below(changed.len() as u64) as usize;
                let piece = changed[from..(from + random.below(40) as usize).min(changed.len())].to_vec();
                changed.splice(at..at, piece);
            }
        }
    }
    changed
}
