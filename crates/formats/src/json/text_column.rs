//! A column that texts without quotes are parsed into: the fields of a CSV line.

use super::column::{Column, Values};
use super::cursor::{Cursor, Fault};
use super::{JsonOptions, JsonOptionsForText};
use arrow_array::ArrayRef;
use millstream_dataflow::text::parse_decimal;
use millstream_dataflow::{Field, Result, temporal};

/// The same types take the same texts as JSON strings.
#[derive(Debug)]
pub(crate) struct TextColumn {
    column: Column,
    options: JsonOptions,
    quoted: String,
    scratch: Vec<u8>,
}

/// One value, as a column of one row, of the text that [`crate::render::text_value`] gives it; `None` is NULL.
///
/// # Errors
/// What is wrong with the text.
pub fn value_of_text(field: &Field, text: Option<&str>) -> Result<ArrayRef, String> {
    let column = || -> Result<TextColumn> { TextColumn::new(field, &JsonOptionsForText::default()) };
    let mut column = column().map_err(|e| e.message.clone())?;
    match text {
        Some(text) => column.push(text.as_bytes())?,
        None => column.push_null(),
    }
    column.finish().map_err(|e| e.message.clone())
}

impl TextColumn {
    pub(crate) fn new(field: &Field, options: &JsonOptionsForText) -> Result<TextColumn> {
        Ok(TextColumn {
            column: Column::new(field, &options.0)?,
            options: options.0.clone(),
            quoted: String::new(),
            scratch: Vec::new(),
        })
    }

    /// Appends the value of a text that `around` begins with, if it has the form that most have; anything else leaves all as it was.
    #[inline]
    pub(crate) fn push_plain(&mut self, text: &[u8], around: &[u8]) -> bool {
        let pushed = match &mut self.column.values {
            Values::Text(v) => v.push_part_if_text(text, around),
            Values::I64(v) => push(v, integer(text, around)),
            Values::Timestamp(v) => v.push_plain_text(text, self.options.timestamps),
            _ => return self.push_other(text, around),
        };
        if pushed {
            self.column.validity.push(true);
        }
        pushed
    }

    fn push_other(&mut self, text: &[u8], around: &[u8]) -> bool {
        // The white space around a number is looked at by `push`: not all of it is allowed.
        let number = || std::str::from_utf8(text).ok()?.parse::<f64>().ok();
        let pushed = match &mut self.column.values {
            Values::I32(v) => push(v, integer(text, around).and_then(|n| n.try_into().ok())),
            Values::I16(v) => push(v, integer(text, around).and_then(|n| n.try_into().ok())),
            Values::I8(v) => push(v, integer(text, around).and_then(|n| n.try_into().ok())),
            Values::F64(v) => push(v, number()),
            Values::F32(v) => push(v, number().map(|n| n as f32)),
            Values::Decimal(v, precision, scale) if text.trim_ascii().len() == text.len() => {
                let fits = |d: &i128| d.unsigned_abs() < 10u128.pow(u32::from(*precision));
                push(v, parse_decimal(text, *scale).filter(fits))
            }
            Values::Boolean(v) if matches!(text, b"true" | b"false") => {
                v.append(text == b"true");
                true
            }
            Values::Date(v) => push(v, temporal::parse_date(text).filter(|(_, rest)| rest.is_empty()).map(|(days, _)| days as i32)),
            _ => false,
        };
        if pushed {
            self.column.validity.push(true);
        }
        pushed
    }

    /// Appends the value of any text; after an error the caller truncates.
    pub(crate) fn push(&mut self, text: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(text).map_err(|_| "no UTF-8 text".to_string())?;
        if let Values::Text(v) = &mut self.column.values {
            v.push_text(text);
            self.column.validity.push(true);
            return Ok(());
        }
        if text.bytes().any(|b| b < 0x20 || matches!(b, b'"' | b'\\')) {
            return Err("no value of the type".to_string());
        }
        self.quoted.clear();
        self.quoted.push('"');
        self.quoted.push_str(text);
        self.quoted.push('"');
        self.column
            .parse(&mut Cursor::new(self.quoted.as_bytes()), &self.options, &mut self.scratch, 1)
            .map_err(|fault| match fault {
                Fault::Malformed(what) | Fault::Type(what) => what.to_string(),
                Fault::Depth => "too deep".to_string(),
                Fault::Utf8 => "no UTF-8 text".to_string(),
            })
    }
    pub(crate) fn push_null(&mut self) {
        self.column.push_null();
    }
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.column.truncate(rows);
    }
    pub(crate) fn finish(&mut self) -> Result<ArrayRef> {
        self.column.finish()
    }
}

#[inline]
fn push<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    value.map(|v| values.push(v)).is_some()
}

/// A text that is a whole number of up to 18 digits, without leading zeros.
#[inline]
fn integer(text: &[u8], around: &[u8]) -> Option<i64> {
    let mut c = Cursor::new(around);
    // Where the number is the last of a line, too little follows to look at eight bytes at once.
    let n = match c.plain_integer() {
        Some(n) => n,
        None => c.short_integer()?,
    };
    (c.at == text.len()).then_some(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain form is taken as any text is, or gives way.
    fn check(column: &mut [TextColumn; 2], text: &[u8], behind: &[u8]) -> bool {
        let around = [text, behind].concat();
        let [plain, any] = column;
        let taken = plain.push_plain(text, &around);
        let pushed = any.push(text);
        let shown = String::from_utf8_lossy(&around);
        if taken {
            assert_eq!(pushed, Ok(()), "{shown:?}");
            let (plain, any) = (plain.finish().unwrap(), any.finish().unwrap());
            assert_eq!(&plain, &any, "{shown:?}");
        } else {
            any.truncate(0);
            assert_eq!(plain.finish().unwrap().len(), 0, "{shown:?}");
        }
        taken
    }

    fn columns(ty: &str) -> [TextColumn; 2] {
        let field = Field::parse_type("c", ty).unwrap();
        [(); 2].map(|()| TextColumn::new(&field, &JsonOptionsForText::default()).unwrap())
    }

    const TYPES: [&str; 17] = [
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL(5, 2)",
        "DECIMAL(38, 0)",
        "BOOLEAN",
        "STRING",
        "BYTES",
        "DATE",
        "TIME(3)",
        "TIMESTAMP(3)",
        "TIMESTAMP(6)",
        "TIMESTAMP(9)",
        "TIMESTAMP_LTZ(3)",
    ];

    #[test]
    fn short_texts_have_the_same_value_either_way() {
        for ty in TYPES {
            let mut columns = columns(ty);
            let bytes = *b"01-+.e \t\"x\xc3";
            for length in 0..5 {
                for number in 0..11_usize.pow(length) {
                    let text: Vec<u8> = (0..length).map(|i| bytes[number / 11_usize.pow(i) % 11]).collect();
                    check(&mut columns, &text, b"");
                    if length < 4 {
                        check(&mut columns, &text, b",1234567890");
                        check(&mut columns, &text, b"1234567890");
                    }
                }
            }
        }
    }

    #[test]
    fn long_texts_have_the_same_value_either_way() {
        let texts = [
            "127",
            "128",
            "-128",
            "-129",
            "32767",
            "32768",
            "-32768",
            "-32769",
            "2147483647",
            "2147483648",
            "-2147483648",
            "-2147483649",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "999999999999999999",
            "-999999999999999999",
            "1000000000000000000",
            "0000000000000000001",
            "12345678",
            "1234567",
            "99999999999999999999999999999999999999",
            "100000000000000000000000000000000000000",
            "999.99",
            "999.995",
            "1e400",
            "-1e-400",
            "3.4028236e38",
            "0.1",
            "NaN",
            "inf",
            "Infinity",
            "true",
            "false",
            "TRUE",
            "True",
            " true",
            "null",
            "AAEC",
            "AAE=",
            "é",
            "a longer text than a view holds",
            "a longer text thän that",
            "2024-02-29",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "0000-01-01",
            "9999-12-31",
            "2024-1-1",
            " 2024-01-01",
            "2024-01-01 ",
            "23:59:59",
            "24:00:00",
            "23:59",
            "23:59:59.1",
            "23:59:59.123456789",
            "23:59:59Z",
            "2024-01-01 23:59:59",
            "2024-01-01 23:59:59.",
            "2024-01-01 23:59:59.5",
            "2024-01-01 23:59:59.05",
            "2024-01-01 23:59:59.123",
            "2024-01-01 23:59:59.1234",
            "2024-01-01 23:59:59.123456",
            "2024-01-01 23:59:59.1234567",
            "2024-01-01 23:59:59.123456789",
            "2024-01-01 23:59:59.1234567890",
            "2024-01-01 24:00:00",
            "2024-01-01 23:60:00",
            "2024-01-01 23:59:60",
            "2024-01-01T23:59:59",
            "2024-02-30 00:00:00",
            "2024-01-01 23:59",
            "2024-01-01 23:59:59 ",
            "2024-01-01 23:59:5x",
            "1969-12-31 23:59:59.999",
            "0000-01-01 00:00:00",
            "9999-12-31 23:59:59.999",
        ];
        for ty in TYPES {
            let mut columns = columns(ty);
            for text in texts {
                for (end, behind) in ["", "Z"]
                    .into_iter()
                    .flat_map(|end| ["", ",1", ",1234567890123456789", "5", "\r\n"].map(|behind| (end, behind)))
                {
                    check(&mut columns, format!("{text}{end}").as_bytes(), behind.as_bytes());
                }
            }
        }
    }

    #[test]
    fn what_most_lines_hold_is_taken_the_fast_way() {
        for (ty, text) in [
            ("TINYINT", "-128"),
            ("SMALLINT", "32767"),
            ("INT", "-2147483648"),
            ("BIGINT", "999999999999999999"),
            ("FLOAT", "1.5"),
            ("DOUBLE", "-1.25e7"),
            ("DECIMAL(5, 2)", "-999.99"),
            ("BOOLEAN", "false"),
            ("STRING", "größer"),
            ("DATE", "2024-02-29"),
            ("TIMESTAMP(3)", "2024-01-01 00:00:00"),
            ("TIMESTAMP(3)", "2024-01-01 00:00:00.5"),
            ("TIMESTAMP(6)", "2024-01-01 00:00:00.123"),
            ("TIMESTAMP_LTZ(3)", "2024-01-01 00:00:00.12Z"),
        ] {
            for behind in ["", ",1234567890"] {
                assert!(check(&mut columns(ty), text.as_bytes(), behind.as_bytes()), "{ty} {text}");
            }
        }
    }
}
