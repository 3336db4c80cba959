//! Letters: their case, their order, their codes.

use super::{S, same_text};
use crate::scalar::rows::{int, ints, long, text, texts};
use crate::scalar::{Function, fixed, nullable};
use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray};
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "upper",
        usage: "UPPER(text)",
        doc: "In upper case.",
        example: ("UPPER('flink')", "FLINK"),
        resolve: same_text,
        evaluate: |a, rows, _| Case::Upper.of(&a[0], rows),
    },
    Function {
        name: "lower",
        usage: "LOWER(text)",
        doc: "In lower case.",
        example: ("LOWER('FLINK')", "flink"),
        resolve: same_text,
        evaluate: |a, rows, _| Case::Lower.of(&a[0], rows),
    },
    Function {
        name: "initcap",
        usage: "INITCAP(text)",
        doc: "Each word with a capital first letter; words are of ASCII letters and digits.",
        example: ("INITCAP('hello SQL world')", "Hello Sql World"),
        resolve: same_text,
        evaluate: |a, rows, _| each(a, rows, initcap),
    },
    Function {
        name: "reverse",
        usage: "REVERSE(text)",
        doc: "The characters from the last to the first.",
        example: ("REVERSE('flink')", "knilf"),
        resolve: |a| nullable(a, &[S], S),
        evaluate: |a, rows, _| each(a, rows, |s| s.chars().rev().collect()),
    },
    Function {
        name: "char_length",
        usage: "CHAR_LENGTH(text)",
        doc: "In characters.",
        example: ("CHAR_LENGTH('naïve')", "5"),
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| Some(text(&a[0], i)?.chars().count() as i32)),
    },
    Function {
        name: "character_length",
        usage: "CHARACTER_LENGTH(text)",
        doc: "The same as CHAR_LENGTH.",
        example: ("CHARACTER_LENGTH('flink')", "5"),
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| Some(text(&a[0], i)?.chars().count() as i32)),
    },
    Function {
        name: "length",
        usage: "LENGTH(text)",
        doc: "The same as CHAR_LENGTH. Not in Flink.",
        example: ("LENGTH('flink')", "5"),
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| Some(text(&a[0], i)?.chars().count() as i32)),
    },
    Function {
        name: "octet_length",
        usage: "OCTET_LENGTH(text)",
        doc: "In bytes of UTF-8. Not in Flink.",
        example: ("OCTET_LENGTH('naïve')", "6"),
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| i32::try_from(text(&a[0], i)?.len()).ok()),
    },
    Function {
        name: "bit_length",
        usage: "BIT_LENGTH(text)",
        doc: "In bits of UTF-8. Not in Flink.",
        example: ("BIT_LENGTH('flink')", "40"),
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| i32::try_from(text(&a[0], i)?.len()).ok()?.checked_mul(8)),
    },
    Function {
        name: "ascii",
        usage: "ASCII(text)",
        doc: "The first byte of UTF-8 as a signed number, 0 for an empty text.",
        example: ("ASCII('A')", "65"),
        resolve: |a| fixed(a, &[S], SqlType::Int),
        evaluate: |a, rows, _| ints(rows, |i| Some(text(&a[0], i)?.bytes().next().map_or(0, |b| i32::from(b as i8)))),
    },
    Function {
        name: "chr",
        usage: "CHR(code)",
        doc: "The character of a code's lowest byte; nothing for a negative code.",
        example: ("CHR(65)", "A"),
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
        doc: "The text so many times; an empty text for 0 and less.",
        example: ("REPEAT('ab', 3)", "ababab"),
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

#[derive(Clone, Copy)]
enum Case {
    Upper,
    Lower,
}

/// Bytes of a text that stand in its view.
const INLINE: usize = 12;

impl Case {
    fn of(self, array: &ArrayRef, rows: usize) -> Result<ArrayRef> {
        if let Some(short) = self.of_short(array.as_string_view()) {
            return Ok(Arc::new(short?));
        }
        let mut out = StringViewBuilder::with_capacity(rows);
        let mut letters = String::new();
        for row in 0..rows {
            match text(array, row) {
                // Most texts are ASCII, which keeps its length and needs no memory of its own.
                Some(s) if s.is_ascii() => {
                    letters.clear();
                    letters.push_str(s);
                    match self {
                        Case::Upper => letters.make_ascii_uppercase(),
                        Case::Lower => letters.make_ascii_lowercase(),
                    }
                    out.append_value(&letters);
                }
                Some(s) => out.append_value(match self {
                    Case::Upper => s.to_uppercase(),
                    Case::Lower => s.to_lowercase(),
                }),
                None => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    }
    /// Where all are short and ASCII, views become views.
    fn of_short(self, texts: &StringViewArray) -> Option<Result<StringViewArray>> {
        let mut views = Vec::with_capacity(texts.len());
        for view in texts.views() {
            let mut bytes = view.to_le_bytes();
            // The length, then the text.
            let text = bytes[4..].get_mut(..*view as u32 as usize).filter(|t| t.len() <= INLINE && t.is_ascii())?;
            match self {
                Case::Upper => text.make_ascii_uppercase(),
                Case::Lower => text.make_ascii_lowercase(),
            }
            views.push(u128::from_le_bytes(bytes));
        }
        Some(StringViewArray::try_new(views.into(), vec![], texts.nulls().cloned()).map_err(Error::from))
    }
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

#[cfg(test)]
mod tests {
    use super::Case;
    use arrow_array::cast::AsArray;
    use arrow_array::{Array, ArrayRef, StringViewArray};
    use std::sync::Arc;

    #[test]
    fn short_and_long_texts_change_their_case() {
        for texts in [
            vec![Some("aB1"), None, Some(""), Some("twelve chars")],
            vec![Some("more than twelve"), Some("aB"), None],
            vec![Some("aé"), Some("ß"), Some("x")],
        ] {
            let array: ArrayRef = Arc::new(texts.iter().copied().collect::<StringViewArray>());
            let of = |case: Case| {
                let array = case.of(&array, array.len()).unwrap();
                array.as_string_view().iter().map(|t| t.map(str::to_string)).collect::<Vec<_>>()
            };
            assert_eq!(of(Case::Upper), texts.iter().map(|t| t.map(str::to_uppercase)).collect::<Vec<_>>());
            assert_eq!(of(Case::Lower), texts.iter().map(|t| t.map(str::to_lowercase)).collect::<Vec<_>>());
        }
    }
}
