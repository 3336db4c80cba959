//! Texts put together and replaced.

use super::S;
use crate::scalar::rows::{bounded, text, texts, try_texts};
use crate::scalar::{Function, Signature, any_nullable, fixed};
use crate::types::{Type, is_text};
use arrow_array::ArrayRef;
use millstream_dataflow::{Result, SqlType};

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "concat_op",
        usage: "a || b",
        doc: "One text behind the other.",
        example: ("'Mill' || 'stream'", "Millstream"),
        resolve: concatenated,
        evaluate: |a, rows, _| texts(rows, |i| Some(format!("{}{}", text(&a[0], i)?, text(&a[1], i)?))),
    },
    Function {
        name: "concat",
        usage: "CONCAT(text, …)",
        doc: "The texts one behind the other. NULL if any is NULL.",
        example: ("CONCAT('a', 'b', 'c')", "abc"),
        resolve: |a| {
            (!a.is_empty()).then(|| Signature {
                args: vec![S; a.len()],
                result: Type::new(S, any_nullable(a)),
            })
        },
        evaluate: |a, rows, _| texts(rows, |i| a.iter().map(|c| text(c, i)).collect::<Option<String>>()),
    },
    Function {
        name: "concat_ws",
        usage: "CONCAT_WS(separator, text, …)",
        doc: "The texts with the separator between them. Leaves NULLs out.",
        example: ("CONCAT_WS('-', 'a', NULL, 'b')", "a-b"),
        resolve: |a| {
            (a.len() > 1 && a.iter().all(|a| is_text(&a.ty) || a.ty == SqlType::Null)).then(|| Signature {
                args: vec![S; a.len()],
                result: Type::new(S, any_nullable(a)),
            })
        },
        evaluate: |a, rows, _| {
            texts(rows, |i| {
                Some(a[1..].iter().filter_map(|c| text(c, i)).collect::<Vec<_>>().join(text(&a[0], i)?))
            })
        },
    },
    Function {
        name: "replace",
        usage: "REPLACE(text, from, to)",
        doc: "Each `from` in the text becomes `to`; the case counts.",
        example: ("REPLACE('banana', 'an', 'o')", "booa"),
        resolve: |a| fixed(a, &[S, S, S], S),
        evaluate: replace,
    },
    Function {
        name: "overlay",
        usage: "OVERLAY(text PLACING new FROM start [FOR length])",
        doc: "`new` in the place of so many characters, by default as many as it has, from a start counted from 1. A start outside the text changes nothing; a length of 0 or less cuts the rest off.",
        example: ("OVERLAY('flonk' PLACING 'i' FROM 3)", "flink"),
        resolve: overlaid,
        evaluate: overlay,
    },
    Function {
        name: "translate",
        usage: "TRANSLATE(text, from, to)",
        doc: "Each character of `from` becomes the one at its place in `to`, or nothing.",
        example: ("TRANSLATE('banana', 'bn', 'B')", "Baaa"),
        resolve: translated,
        evaluate: translate,
    },
    Function {
        name: "translate3",
        usage: "TRANSLATE3(text, from, to)",
        doc: "The same as TRANSLATE.",
        example: ("TRANSLATE3('2024-02-29', '-', '/')", "2024/02/29"),
        resolve: translated,
        evaluate: translate,
    },
];

/// `CHAR(a) || CHAR(b)` is as long as both.
fn concatenated(args: &[Type]) -> Option<Signature> {
    let [x, y] = args else { return None };
    if !is_text(&x.ty) && !is_text(&y.ty) {
        return None;
    }
    fixed(args, &[S, S], S).map(|mut s| {
        s.result.ty = match (&x.ty, &y.ty) {
            (SqlType::Char(a), SqlType::Char(b)) => SqlType::Char(a.saturating_add(*b)),
            (a, b) => longer(a, b),
        };
        s
    })
}

fn longer(a: &SqlType, b: &SqlType) -> SqlType {
    match (a, b) {
        (SqlType::Char(a) | SqlType::VarChar(a), SqlType::Char(b) | SqlType::VarChar(b)) => SqlType::VarChar(a.saturating_add(*b).min(i32::MAX as u32)),
        _ => S,
    }
}

fn replace(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    try_texts(rows, |i| {
        let (Some(s), Some(from), Some(to)) = (text(&args[0], i), text(&args[1], i), text(&args[2], i)) else {
            return Ok(None);
        };
        bounded("REPLACE", s.len().saturating_add(s.matches(from).count().saturating_mul(to.len())))?;
        Ok(Some(s.replace(from, to)))
    })
}

fn overlaid(args: &[Type]) -> Option<Signature> {
    let signature = fixed(args, &[S, S, SqlType::Int], S).or_else(|| fixed(args, &[S, S, SqlType::Int, SqlType::Int], S))?;
    Some(Signature {
        result: Type::new(longer(&args[0].ty, &args[1].ty), signature.result.nullable),
        ..signature
    })
}

/// As Flink has it: a place outside the text changes nothing, a length that is not positive cuts the rest off.
fn overlay(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    use crate::scalar::rows::int;
    texts(rows, |i| {
        let (s, new, start) = (text(&args[0], i)?, text(&args[1], i)?, i64::from(int(&args[2], i)?));
        let length = match args.get(3) {
            Some(l) => i64::from(int(l, i)?),
            None => new.chars().count() as i64,
        };
        let chars = s.chars().count() as i64;
        if start <= 0 || start > chars {
            return Some(s.to_string());
        }
        let mut out: String = s.chars().take(start as usize - 1).collect();
        out += new;
        if length > 0 && start + length <= chars {
            out.extend(s.chars().skip((start - 1 + length) as usize));
        }
        Some(out)
    })
}

fn translated(args: &[Type]) -> Option<Signature> {
    let signature = fixed(args, &[S, S, S], S)?;
    Some(Signature {
        result: Type::new(S, any_nullable(&args[..2])),
        ..signature
    })
}

fn translate(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    texts(rows, |i| {
        let (s, from) = (text(&args[0], i)?, text(&args[1], i)?);
        let to: Vec<char> = text(&args[2], i).unwrap_or("").chars().collect();
        let of = |c: char| match from.chars().position(|f| f == c) {
            Some(place) => to.get(place).copied(),
            None => Some(c),
        };
        Some(s.chars().filter_map(of).collect::<String>())
    })
}
