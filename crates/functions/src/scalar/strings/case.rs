//! Letters: their case, their order, their codes.

use super::{S, same_text};
use crate::scalar::rows::{int, ints, long, text, texts};
use crate::scalar::{Function, fixed, nullable};
use arrow_array::ArrayRef;
use arrow_array::builder::StringViewBuilder;
use millstream_dataflow::{Result, SqlType};
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "upper",
        usage: "UPPER(text)",
        doc: "",
        resolve: same_text,
        evaluate: |a, rows, _| cased(a, rows, str::make_ascii_uppercase, str::to_uppercase),
    },
    Function {
        name: "lower",
        usage: "LOWER(text)",
        doc: "",
        resolve: same_text,
        evaluate: |a, rows, _| cased(a, rows, str::make_ascii_lowercase, str::to_lowercase),
    },
    Function {
        name: "initcap",
        usage: "INITCAP(text)",
        doc: "Each word with a capital first letter; words are of ASCII letters and digits.",
        resolve: same_text,
        evaluate: |a, rows, _| each(a, rows, initcap),
    },
    Function {
        name: "reverse",
        usage: "REVERSE(text)",
        doc: "",
        resolve: |a| nullable(a, &[S], S),
        evaluate: |a, rows, _| each(a, rows, |s| s.chars().rev().collect()),
    },
    Function {
        name: "char_length",
        usage: "CHAR_LENGTH(text)",
        doc: "In characters.",
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| Some(text(&a[0], i)?.chars().count() as i32)),
    },
    Function {
        name: "character_length",
        usage: "CHARACTER_LENGTH(text)",
        doc: "The same as CHAR_LENGTH.",
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| Some(text(&a[0], i)?.chars().count() as i32)),
    },
    Function {
        name: "length",
        usage: "LENGTH(text)",
        doc: "The same as CHAR_LENGTH. Not in Flink.",
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| Some(text(&a[0], i)?.chars().count() as i32)),
    },
    Function {
        name: "octet_length",
        usage: "OCTET_LENGTH(text)",
        doc: "In bytes of UTF-8. Not in Flink.",
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| i32::try_from(text(&a[0], i)?.len()).ok()),
    },
    Function {
        name: "bit_length",
        usage: "BIT_LENGTH(text)",
        doc: "In bits of UTF-8. Not in Flink.",
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| i32::try_from(text(&a[0], i)?.len()).ok()?.checked_mul(8)),
    },
    Function {
        name: "ascii",
        usage: "ASCII(text)",
        doc: "The first byte of UTF-8 as a signed number, 0 for an empty text.",
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| Some(text(&a[0], i)?.bytes().next().map_or(0, |b| i32::from(b as i8)))),
    },
    Function {
        name: "chr",
        usage: "CHR(code)",
        doc: "The character of a code's lowest byte; nothing for a negative code.",
        resolve: |a| nullable(a, &[SqlType::BigInt], S),
        evaluate: |a, rows, _| {
            texts(rows, |i| {
                let code = long(&a[0], i)?;
                Some(if code < 0 {
                    String::new()
                } else {
                    char::from((code & 0xff) as u8).to_string()
                })
            })
        },
    },
    Function {
        name: "repeat",
        usage: "REPEAT(text, times)",
        doc: "",
        resolve: |a| fixed(a, &[S, SqlType::Int], S),
        evaluate: |a, rows, _| {
            crate::scalar::rows::try_texts(rows, |i| {
                let (Some(s), Some(n)) = (text(&a[0], i), int(&a[1], i)) else {
                    return Ok(None);
                };
                let times = n.max(0) as usize;
                crate::scalar::rows::bounded("REPEAT", s.len().saturating_mul(times))?;
                Ok(Some(s.repeat(times)))
            })
        },
    },
];

fn each(args: &[ArrayRef], rows: usize, f: impl Fn(&str) -> String) -> Result<ArrayRef> {
    texts(rows, |i| text(&args[0], i).map(&f))
}

/// Texts in another case. ASCII, which most are, keeps its length and needs no memory of its own.
fn cased(args: &[ArrayRef], rows: usize, ascii: fn(&mut str), any: fn(&str) -> String) -> Result<ArrayRef> {
    let mut out = StringViewBuilder::with_capacity(rows);
    let mut letters = String::new();
    for row in 0..rows {
        match text(&args[0], row) {
            Some(s) if s.is_ascii() => {
                letters.clear();
                letters.push_str(s);
                ascii(&mut letters);
                out.append_value(&letters);
            }
            Some(s) => out.append_value(any(s)),
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn initcap(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .map(|c| {
            let first = !inside;
            inside = c.is_ascii_alphanumeric();
            if first { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
        })
        .collect()
}
