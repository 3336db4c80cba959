//! Parts of texts.

use super::{S, varying};
use crate::scalar::rows::{int, text, texts};
use crate::scalar::{Function, Signature, fixed, nullable};
use crate::types::Type;
use arrow_array::ArrayRef;
use millstream_dataflow::{Result, SqlType};

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "substring",
        usage: "SUBSTRING(text, start [, length])",
        doc: "A part of the text, without a length up to its end; NULL for a negative length. Also `SUBSTRING(text FROM start FOR length)`. A start of 0 counts as 1, a negative one from the end.",
        example: ("SUBSTRING('flink', 2, 3)", "lin"),
        resolve: part,
        evaluate: substring,
    },
    Function {
        name: "substr",
        usage: "SUBSTR(text, start [, length])",
        doc: "The same as SUBSTRING.",
        example: ("SUBSTR('flink', -3)", "ink"),
        resolve: part,
        evaluate: substring,
    },
    Function {
        name: "left",
        usage: "LEFT(text, length)",
        doc: "The first characters; an empty text for a negative length.",
        example: ("LEFT('flink', 2)", "fl"),
        resolve: side,
        evaluate: |a, rows, _| texts(rows, |i| Some(text(&a[0], i)?.chars().take(int(&a[1], i)?.max(0) as usize).collect::<String>())),
    },
    Function {
        name: "right",
        usage: "RIGHT(text, length)",
        doc: "The last characters; an empty text for a negative length.",
        example: ("RIGHT('flink', 3)", "ink"),
        resolve: side,
        evaluate: |a, rows, _| {
            texts(rows, |i| {
                let s = text(&a[0], i)?;
                let skipped = s.chars().count().saturating_sub(int(&a[1], i)?.max(0) as usize);
                Some(s.chars().skip(skipped).collect::<String>())
            })
        },
    },
    Function {
        name: "split_index",
        usage: "SPLIT_INDEX(text, separator, index from 0)",
        doc: "One of the parts between separators. NULL where there is no such part. A number as separator is a character's code.",
        example: ("SPLIT_INDEX('a,b,c', ',', 1)", "b"),
        resolve: |a| nullable(a, &[S, S, SqlType::Int], S).or_else(|| nullable(a, &[S, SqlType::Int, SqlType::Int], S)),
        evaluate: split_index,
    },
    Function {
        name: "split_part",
        usage: "SPLIT_PART(text, separator, index from 1)",
        doc: "One of the parts between separators. A negative index counts from the end; an empty text where there is no such part. Not in Flink.",
        example: ("SPLIT_PART('a,b,c', ',', -1)", "c"),
        resolve: |a| fixed(a, &[S, S, SqlType::Int], S),
        evaluate: split_part,
    },
    Function {
        name: "substring_index",
        usage: "SUBSTRING_INDEX(text, separator, count)",
        doc: "What stands before the n-th separator, with a negative count after the n-th from the end. Not in Flink.",
        example: ("SUBSTRING_INDEX('www.flink.org', '.', 2)", "www.flink"),
        resolve: |a| fixed(a, &[S, S, SqlType::BigInt], S),
        evaluate: substring_index,
    },
    Function {
        name: "substr_index",
        usage: "SUBSTR_INDEX(text, separator, count)",
        doc: "The same as SUBSTRING_INDEX.",
        example: ("SUBSTR_INDEX('www.flink.org', '.', -2)", "flink.org"),
        resolve: |a| fixed(a, &[S, S, SqlType::BigInt], S),
        evaluate: substring_index,
    },
];

fn part(args: &[Type]) -> Option<Signature> {
    let signature = nullable(args, &[S, SqlType::Int], S).or_else(|| nullable(args, &[S, SqlType::Int, SqlType::Int], S))?;
    Some(Signature {
        result: Type::new(varying(&args[0].ty), true),
        ..signature
    })
}

fn side(args: &[Type]) -> Option<Signature> {
    (args.len() == 2).then(|| part(args)).flatten()
}

/// NULL for a negative length.
fn substring(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    texts(rows, |i| {
        let (s, start) = (text(&args[0], i)?, int(&args[1], i)?);
        let chars = s.chars().count() as i64;
        let skip = match start {
            0 => 0,
            1.. => i64::from(start) - 1,
            _ => chars + i64::from(start),
        };
        let take = match args.get(2) {
            None => chars,
            Some(l) => i64::from(int(l, i)?),
        };
        if take < 0 {
            return None;
        }
        if skip < 0 {
            return Some(String::new());
        }
        Some(s.chars().skip(skip as usize).take(take as usize).collect::<String>())
    })
}

fn split_index(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let coded = *args[1].data_type() == arrow_schema::DataType::Int32;
    texts(rows, |i| {
        let (s, index) = (text(&args[0], i)?, int(&args[2], i)?);
        let code = if coded {
            Some(char::from_u32(int(&args[1], i)? as u32)?.to_string())
        } else {
            None
        };
        let separator = match &code {
            Some(c) => c.as_str(),
            None => text(&args[1], i)?,
        };
        let index = usize::try_from(index).ok()?;
        if s.is_empty() || separator.is_empty() {
            (index == 0 && !s.is_empty()).then_some(s)
        } else {
            s.split(separator).nth(index)
        }
    })
}

fn split_part(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    crate::scalar::rows::try_texts(rows, |i| {
        let (Some(s), Some(separator), Some(index)) = (text(&args[0], i), text(&args[1], i), int(&args[2], i)) else {
            return Ok(None);
        };
        let place = index.unsigned_abs() as usize;
        if place == 0 {
            return Err(crate::scalar::rows::refused("SPLIT_PART counts from 1, or from -1 at the end"));
        }
        if separator.is_empty() {
            return Ok(Some(if place == 1 { s } else { "" }));
        }
        let found = if index > 0 {
            s.split(separator).nth(place - 1)
        } else {
            s.rsplit(separator).nth(place - 1)
        };
        Ok(Some(found.unwrap_or("")))
    })
}

fn substring_index(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    use crate::scalar::rows::long;
    texts(rows, |i| {
        let (s, separator, count) = (text(&args[0], i)?, text(&args[1], i)?, long(&args[2], i)?);
        if count == 0 || separator.is_empty() {
            return Some("");
        }
        let nth = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) - 1;
        Some(if count > 0 {
            s.match_indices(separator).nth(nth).map_or(s, |(at, _)| &s[..at])
        } else {
            s.rmatch_indices(separator).nth(nth).map_or(s, |(at, found)| &s[at + found.len()..])
        })
    })
}
