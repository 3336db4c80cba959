//! Questions about texts.

use super::S;
use crate::scalar::rows::{binary, booleans, text};
use crate::scalar::{Function, Signature, fixed};
use crate::types::{Type, is_numeric, is_text};
use arrow_array::ArrayRef;
use arrow_schema::DataType;
use millstream_dataflow::{Result, SqlType};

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "startswith",
        usage: "STARTSWITH(text, start)",
        doc: "Whether the text starts so; the case counts. Of binary strings too.",
        example: ("STARTSWITH('flink', 'fl')", "true"),
        resolve: two,
        evaluate: |a, rows, _| either(a, rows, |s, t| s.starts_with(t), |s, t| s.starts_with(t)),
    },
    Function {
        name: "starts_with",
        usage: "STARTS_WITH(text, start)",
        doc: "The same as STARTSWITH. Not in Flink.",
        example: ("STARTS_WITH('flink', 'F')", "false"),
        resolve: two,
        evaluate: |a, rows, _| either(a, rows, |s, t| s.starts_with(t), |s, t| s.starts_with(t)),
    },
    Function {
        name: "endswith",
        usage: "ENDSWITH(text, end)",
        doc: "Whether the text ends so; the case counts. Of binary strings too.",
        example: ("ENDSWITH('flink', 'ink')", "true"),
        resolve: two,
        evaluate: |a, rows, _| either(a, rows, |s, t| s.ends_with(t), |s, t| s.ends_with(t)),
    },
    Function {
        name: "ends_with",
        usage: "ENDS_WITH(text, end)",
        doc: "The same as ENDSWITH. Not in Flink.",
        example: ("ENDS_WITH('flink', 'in')", "false"),
        resolve: two,
        evaluate: |a, rows, _| either(a, rows, |s, t| s.ends_with(t), |s, t| s.ends_with(t)),
    },
    Function {
        name: "contains",
        usage: "CONTAINS(text, part)",
        doc: "Whether the part stands in the text; the case counts. Not in Flink.",
        example: ("CONTAINS('flink', 'lin')", "true"),
        resolve: |a| fixed(a, &[S, S], SqlType::Boolean),
        evaluate: |a, rows, _| booleans(rows, |i| Some(text(&a[0], i)?.contains(text(&a[1], i)?))),
    },
    Function {
        name: "is_alpha",
        usage: "IS_ALPHA(text)",
        doc: "Whether there are letters only; FALSE for NULL, an empty text and a number.",
        example: ("IS_ALPHA('Flink2')", "false"),
        resolve: whether,
        evaluate: |a, rows, _| is(a, rows, false, |s| !s.is_empty() && s.chars().all(char::is_alphabetic)),
    },
    Function {
        name: "is_digit",
        usage: "IS_DIGIT(text)",
        doc: "Whether there are digits only; TRUE for numbers. FALSE for NULL.",
        example: ("IS_DIGIT('2024')", "true"),
        resolve: whether,
        evaluate: |a, rows, _| is(a, rows, true, |s| !s.is_empty() && s.chars().all(is_digit)),
    },
    Function {
        name: "is_decimal",
        usage: "IS_DECIMAL(text)",
        doc: "Whether it reads as a number. FALSE for NULL.",
        example: ("IS_DECIMAL('-3.5')", "true"),
        resolve: whether,
        evaluate: |a, rows, _| is(a, rows, true, is_decimal),
    },
];

fn two(args: &[Type]) -> Option<Signature> {
    fixed(args, &[S, S], SqlType::Boolean).or_else(|| fixed(args, &[SqlType::BYTES, SqlType::BYTES], SqlType::Boolean))
}

fn either(args: &[ArrayRef], rows: usize, texts: fn(&str, &str) -> bool, bytes: fn(&[u8], &[u8]) -> bool) -> Result<ArrayRef> {
    if *args[0].data_type() == DataType::BinaryView {
        return booleans(rows, |i| Some(bytes(binary(&args[0], i)?, binary(&args[1], i)?)));
    }
    booleans(rows, |i| Some(texts(text(&args[0], i)?, text(&args[1], i)?)))
}

fn whether(args: &[Type]) -> Option<Signature> {
    let [a] = args else { return None };
    (is_text(&a.ty) || is_numeric(&a.ty) || a.ty == SqlType::Null).then(|| Signature {
        args: vec![if is_numeric(&a.ty) { a.ty.clone() } else { S }],
        result: Type::new(SqlType::Boolean, false),
    })
}

fn is(args: &[ArrayRef], rows: usize, of_numbers: bool, of_texts: fn(&str) -> bool) -> Result<ArrayRef> {
    if *args[0].data_type() != DataType::Utf8View {
        return booleans(rows, |_| Some(of_numbers));
    }
    booleans(rows, |i| Some(text(&args[0], i).is_some_and(of_texts)))
}

/// Digits of any script, as in Java; `char` knows only ASCII digits and the wider class of numbers.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (c.is_numeric() && decimal_script(c))
}

/// The scripts' ten digits stand in a row and start where the code ends in 0 or 6.
fn decimal_script(c: char) -> bool {
    const ZEROS: [u32; 24] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946,
        0x19d0, 0x1b50, 0xa620, 0xff10,
    ];
    ZEROS.iter().any(|z| (*z..z + 10).contains(&u32::from(c)))
}

/// What Java reads as a double, and digits of any script.
fn is_decimal(text: &str) -> bool {
    let text = text.trim();
    let plain = text.strip_prefix(['-', '+']).unwrap_or(text);
    if plain == "NaN" || plain == "Infinity" {
        return true;
    }
    let number = plain.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(plain);
    let starts = number.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    starts && number.parse::<f64>().is_ok() || !text.is_empty() && text.chars().all(is_digit)
}
