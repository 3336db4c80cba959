//! Characters taken from or added to the ends.

use super::{S, varying};
use crate::scalar::rows::{bounded, int, text, texts, try_texts};
use crate::scalar::{Function, Signature, any_nullable, fixed, nullable};
use crate::types::{Type, is_text};
use arrow_array::ArrayRef;
use millstream_dataflow::{Result, SqlType};

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "trim",
        usage: "TRIM([[BOTH | LEADING | TRAILING] [characters] FROM] text)",
        doc: "Takes away blanks, or any of the characters.",
        example: ("TRIM(LEADING '0' FROM '0070')", "70"),
        resolve: shorter,
        evaluate: |a, rows, _| trim(a, rows, true, true),
    },
    Function {
        name: "ltrim",
        usage: "LTRIM(text [, characters])",
        doc: "Takes blanks, or any of the characters, away at the start.",
        example: ("LTRIM('0070', '0')", "70"),
        resolve: shorter,
        evaluate: |a, rows, _| trim(a, rows, true, false),
    },
    Function {
        name: "rtrim",
        usage: "RTRIM(text [, characters])",
        doc: "Takes blanks, or any of the characters, away at the end.",
        example: ("RTRIM('0070', '0')", "007"),
        resolve: shorter,
        evaluate: |a, rows, _| trim(a, rows, false, true),
    },
    Function {
        name: "btrim",
        usage: "BTRIM(text [, characters])",
        doc: "Takes blanks, or any of the characters, away at both ends.",
        example: ("BTRIM('**flink**', '*')", "flink"),
        resolve: |a| fixed(a, &[S], S).or_else(|| fixed(a, &[S, S], S)),
        evaluate: |a, rows, _| trim(a, rows, true, true),
    },
    Function {
        name: "lpad",
        usage: "LPAD(text, length, pad)",
        doc: "Fills a text up to a length in characters, with the pad over and over in front of it. Cuts a longer text; NULL for a negative length or an empty pad that is needed.",
        example: ("LPAD('7', 3, '0')", "007"),
        resolve: padded,
        evaluate: |a, rows, _| pad(a, rows, true),
    },
    Function {
        name: "rpad",
        usage: "RPAD(text, length, pad)",
        doc: "As LPAD, with the pad behind the text.",
        example: ("RPAD('flink', 8, '.')", "flink..."),
        resolve: padded,
        evaluate: |a, rows, _| pad(a, rows, false),
    },
];

/// The result is at most as long as the text.
fn shorter(args: &[Type]) -> Option<Signature> {
    let text = |t: &Type| is_text(&t.ty) || t.ty == SqlType::Null;
    let [first, rest @ ..] = args else { return None };
    (text(first) && rest.len() <= 1 && rest.iter().all(text)).then(|| Signature {
        args: vec![S; args.len()],
        result: Type::new(varying(&first.ty), any_nullable(args)),
    })
}

fn trim(args: &[ArrayRef], rows: usize, start: bool, end: bool) -> Result<ArrayRef> {
    texts(rows, |i| {
        let mut s = text(&args[0], i)?;
        let characters = match args.get(1) {
            Some(c) => text(c, i)?,
            None => " ",
        };
        let taken = |c: char| characters.contains(c);
        if start {
            s = s.trim_start_matches(taken);
        }
        if end {
            s = s.trim_end_matches(taken);
        }
        Some(s)
    })
}

/// A text whose length may be negative has no padded form.
fn padded(args: &[Type]) -> Option<Signature> {
    let types = [S, SqlType::Int, S];
    match args {
        [_, length, _] if length.literal.is_some_and(|n| n >= 0) => fixed(args, &types, S),
        _ => nullable(args, &types, S),
    }
}

fn pad(args: &[ArrayRef], rows: usize, left: bool) -> Result<ArrayRef> {
    try_texts(rows, |i| {
        let (Some(s), Some(length), Some(fill)) = (text(&args[0], i), int(&args[1], i), text(&args[2], i)) else {
            return Ok(None);
        };
        let Ok(length) = usize::try_from(length) else { return Ok(None) };
        let chars = s.chars().count();
        if length <= chars {
            return Ok(Some(s.chars().take(length).collect::<String>()));
        }
        if fill.is_empty() {
            return Ok(None);
        }
        bounded(if left { "LPAD" } else { "RPAD" }, length)?;
        let fill: String = fill.chars().cycle().take(length - chars).collect();
        Ok(Some(if left { format!("{fill}{s}") } else { format!("{s}{fill}") }))
    })
}
