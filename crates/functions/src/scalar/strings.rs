//! Character strings. Positions and lengths count characters, from 1.

use super::{Function, Signature, any_nullable, fixed};
use crate::types::{Type, is_text};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Int32Array, StringViewArray};
use millstream_dataflow::{Error, Result, SqlType};
use regex::Regex;
use std::collections::HashMap;
use std::sync::Arc;

const S: SqlType = SqlType::STRING;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "upper",
        usage: "UPPER(text)",
        resolve: same_text,
        evaluate: |a, _, _| each(a, |s| Some(s.to_uppercase())),
    },
    Function {
        name: "lower",
        usage: "LOWER(text)",
        resolve: same_text,
        evaluate: |a, _, _| each(a, |s| Some(s.to_lowercase())),
    },
    Function {
        name: "reverse",
        usage: "REVERSE(text)",
        resolve: text1,
        evaluate: |a, _, _| each(a, |s| Some(s.chars().rev().collect())),
    },
    Function {
        name: "trim",
        usage: "TRIM(text)",
        resolve: text1,
        evaluate: |a, _, _| each(a, |s| Some(s.trim_matches(' ').to_string())),
    },
    Function {
        name: "btrim",
        usage: "BTRIM(text)",
        resolve: text1,
        evaluate: |a, _, _| each(a, |s| Some(s.trim_matches(' ').to_string())),
    },
    Function {
        name: "ltrim",
        usage: "LTRIM(text)",
        resolve: text1,
        evaluate: |a, _, _| each(a, |s| Some(s.trim_start_matches(' ').to_string())),
    },
    Function {
        name: "rtrim",
        usage: "RTRIM(text)",
        resolve: text1,
        evaluate: |a, _, _| each(a, |s| Some(s.trim_end_matches(' ').to_string())),
    },
    Function {
        name: "char_length",
        usage: "CHAR_LENGTH(text)",
        resolve: length,
        evaluate: |a, _, _| count(a),
    },
    Function {
        name: "character_length",
        usage: "CHARACTER_LENGTH(text)",
        resolve: length,
        evaluate: |a, _, _| count(a),
    },
    Function {
        name: "concat",
        usage: "CONCAT(text, …)",
        resolve: |a| {
            (!a.is_empty()).then(|| Signature {
                args: vec![S; a.len()],
                result: Type::new(S, any_nullable(a)),
            })
        },
        evaluate: |a, rows, _| rowwise(rows, |i| a.iter().map(|c| text(c, i)).collect::<Option<String>>()),
    },
    Function {
        name: "concat_op",
        usage: "a || b",
        resolve: |a| match a {
            [x, y] if is_text(&x.ty) || is_text(&y.ty) => fixed(a, &[S, S], S),
            _ => None,
        },
        evaluate: |a, rows, _| rowwise(rows, |i| Some(format!("{}{}", text(&a[0], i)?, text(&a[1], i)?))),
    },
    Function {
        name: "concat_ws",
        usage: "CONCAT_WS(separator, text, …)",
        resolve: |a| {
            (a.len() > 1 && a.iter().all(|a| is_text(&a.ty) || a.ty == SqlType::Null)).then(|| Signature {
                args: vec![S; a.len()],
                result: Type::new(S, a[0].nullable),
            })
        },
        evaluate: |a, rows, _| {
            rowwise(rows, |i| {
                Some(a[1..].iter().filter_map(|c| text(c, i)).collect::<Vec<_>>().join(text(&a[0], i)?))
            })
        },
    },
    Function {
        name: "substring",
        usage: "SUBSTRING(text, start [, length])",
        resolve: part,
        evaluate: substring,
    },
    Function {
        name: "substr",
        usage: "SUBSTR(text, start [, length])",
        resolve: part,
        evaluate: substring,
    },
    Function {
        name: "replace",
        usage: "REPLACE(text, from, to)",
        resolve: |a| fixed(a, &[S, S, S], S),
        evaluate: |a, rows, _| rowwise(rows, |i| Some(text(&a[0], i)?.replace(text(&a[1], i)?, text(&a[2], i)?))),
    },
    Function {
        name: "position",
        usage: "POSITION(part IN text)",
        resolve: |a| fixed(a, &[S, S], SqlType::Int),
        evaluate: |a, rows, _| {
            Ok(Arc::new(
                (0..rows).map(|i| Some(position(text(&a[1], i)?, text(&a[0], i)?))).collect::<Int32Array>(),
            ))
        },
    },
    Function {
        name: "instr",
        usage: "INSTR(text, part)",
        resolve: |a| fixed(a, &[S, S], SqlType::Int),
        evaluate: |a, rows, _| {
            Ok(Arc::new(
                (0..rows).map(|i| Some(position(text(&a[0], i)?, text(&a[1], i)?))).collect::<Int32Array>(),
            ))
        },
    },
    Function {
        name: "repeat",
        usage: "REPEAT(text, times)",
        resolve: |a| fixed(a, &[S, SqlType::Int], S),
        evaluate: repeat,
    },
    Function {
        name: "left",
        usage: "LEFT(text, length)",
        resolve: |a| fixed(a, &[S, SqlType::Int], S),
        evaluate: |a, rows, _| rowwise(rows, |i| Some(text(&a[0], i)?.chars().take(int(&a[1], i)?.max(0) as usize).collect::<String>())),
    },
    Function {
        name: "right",
        usage: "RIGHT(text, length)",
        resolve: |a| fixed(a, &[S, SqlType::Int], S),
        evaluate: |a, rows, _| {
            rowwise(rows, |i| {
                let s = text(&a[0], i)?;
                Some(
                    s.chars()
                        .skip(s.chars().count().saturating_sub(int(&a[1], i)?.max(0) as usize))
                        .collect::<String>(),
                )
            })
        },
    },
    Function {
        name: "lpad",
        usage: "LPAD(text, length, pad)",
        resolve: |a| fixed(a, &[S, SqlType::Int, S], S).map(nullable),
        evaluate: |a, rows, _| pad(a, rows, true),
    },
    Function {
        name: "rpad",
        usage: "RPAD(text, length, pad)",
        resolve: |a| fixed(a, &[S, SqlType::Int, S], S).map(nullable),
        evaluate: |a, rows, _| pad(a, rows, false),
    },
    Function {
        name: "split_index",
        usage: "SPLIT_INDEX(text, separator, index from 0)",
        resolve: |a| fixed(a, &[S, S, SqlType::Int], S).map(nullable),
        evaluate: split_index,
    },
    Function {
        name: "regexp_extract",
        usage: "REGEXP_EXTRACT(text, regex [, group])",
        resolve: extract_type,
        evaluate: regexp_extract,
    },
    Function {
        name: "regexp_replace",
        usage: "REGEXP_REPLACE(text, regex, replacement)",
        resolve: |a| fixed(a, &[S, S, S], S),
        evaluate: regexp_replace,
    },
    Function {
        name: "regexp",
        usage: "REGEXP(text, regex)",
        resolve: |a| fixed(a, &[S, S], SqlType::Boolean),
        evaluate: regexp,
    },
];

fn nullable(mut s: Signature) -> Signature {
    s.result.nullable = true;
    s
}

fn text1(args: &[Type]) -> Option<Signature> {
    match args {
        [a] if is_text(&a.ty) || a.ty == SqlType::Null => Some(Signature {
            args: vec![S],
            result: Type::new(S, a.nullable),
        }),
        _ => None,
    }
}

/// The result is as long as the argument.
fn same_text(args: &[Type]) -> Option<Signature> {
    match args {
        [a] if is_text(&a.ty) => Some(Signature {
            args: vec![a.ty.clone()],
            result: a.clone(),
        }),
        _ => text1(args),
    }
}

fn length(args: &[Type]) -> Option<Signature> {
    fixed(args, &[S], SqlType::Int)
}

fn text(array: &ArrayRef, row: usize) -> Option<&str> {
    let strings = array.as_string_view();
    strings.is_valid(row).then(|| strings.value(row))
}

fn int(array: &ArrayRef, row: usize) -> Option<i32> {
    let ints = array.as_primitive::<Int32Type>();
    ints.is_valid(row).then(|| ints.value(row))
}

fn each(args: &[ArrayRef], f: impl Fn(&str) -> Option<String>) -> Result<ArrayRef> {
    Ok(Arc::new(args[0].as_string_view().iter().map(|s| s.and_then(&f)).collect::<StringViewArray>()))
}

fn rowwise<T: AsRef<str>>(rows: usize, f: impl Fn(usize) -> Option<T>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<StringViewArray>()))
}

fn count(args: &[ArrayRef]) -> Result<ArrayRef> {
    Ok(Arc::new(
        args[0]
            .as_string_view()
            .iter()
            .map(|s| s.map(|s| s.chars().count() as i32))
            .collect::<Int32Array>(),
    ))
}

fn position(text: &str, part: &str) -> i32 {
    text.find(part).map_or(0, |at| text[..at].chars().count() as i32 + 1)
}

fn part(args: &[Type]) -> Option<Signature> {
    fixed(args, &[S, SqlType::Int], S).or_else(|| fixed(args, &[S, SqlType::Int, SqlType::Int], S))
}

/// A start of 0 counts as 1, a negative one from the end; a negative length gives nothing.
fn substring(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    rowwise(rows, |i| {
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
        if skip < 0 || take <= 0 {
            return Some(String::new());
        }
        Some(s.chars().skip(skip as usize).take(take as usize).collect::<String>())
    })
}

/// Longest text a function makes of shorter ones.
const TEXT_BYTES_MAX: usize = 16 << 20;

fn repeat(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    for i in 0..rows {
        if let (Some(s), Some(n)) = (text(&args[0], i), int(&args[1], i))
            && s.len().saturating_mul(n.max(0) as usize) > TEXT_BYTES_MAX
        {
            return Err(Error::data(format!("REPEAT would make a text of more than {TEXT_BYTES_MAX} bytes")).code("E0702"));
        }
    }
    rowwise(rows, |i| Some(text(&args[0], i)?.repeat(int(&args[1], i)?.max(0) as usize)))
}

fn pad(args: &[ArrayRef], rows: usize, left: bool) -> Result<ArrayRef> {
    rowwise(rows, |i| {
        let (s, length, fill) = (text(&args[0], i)?, int(&args[1], i)?, text(&args[2], i)?);
        let length = usize::try_from(length).ok().filter(|l| *l <= TEXT_BYTES_MAX)?;
        let chars = s.chars().count();
        if length <= chars {
            return Some(s.chars().take(length).collect::<String>());
        }
        if fill.is_empty() {
            return None;
        }
        let fill: String = fill.chars().cycle().take(length - chars).collect();
        Some(if left { format!("{fill}{s}") } else { format!("{s}{fill}") })
    })
}

fn split_index(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    rowwise(rows, |i| {
        let (s, separator, index) = (text(&args[0], i)?, text(&args[1], i)?, int(&args[2], i)?);
        let index = usize::try_from(index).ok()?;
        if s.is_empty() || separator.is_empty() {
            (index == 0 && !s.is_empty()).then_some(s)
        } else {
            s.split(separator).nth(index)
        }
    })
}

/// Compiled patterns of one call, which are few and usually one.
#[derive(Default)]
struct Patterns(HashMap<String, Regex>);

impl Patterns {
    fn get(&mut self, pattern: &str) -> Result<&Regex> {
        if !self.0.contains_key(pattern) {
            let regex = Regex::new(pattern).map_err(|e| Error::data(format!("'{pattern}' is no regular expression")).code("E0702").source(e))?;
            self.0.insert(pattern.to_string(), regex);
        }
        self.0.get(pattern).ok_or_else(|| Error::bug("a pattern vanished"))
    }
}

fn extract_type(args: &[Type]) -> Option<Signature> {
    fixed(args, &[S, S], S).or_else(|| fixed(args, &[S, S, SqlType::Int], S)).map(nullable)
}

fn regexp_extract(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut patterns = Patterns::default();
    let mut out: Vec<Option<String>> = Vec::with_capacity(rows);
    for i in 0..rows {
        let group = args.get(2).map_or(Some(0), |g| int(g, i));
        out.push(match (text(&args[0], i), text(&args[1], i), group) {
            (Some(s), Some(p), Some(g)) => {
                let found = patterns.get(p)?.captures(s);
                found.and_then(|c| usize::try_from(g).ok().and_then(|g| c.get(g)).map(|m| m.as_str().to_string()))
            }
            _ => None,
        });
    }
    Ok(Arc::new(StringViewArray::from_iter(out)))
}

fn regexp_replace(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut patterns = Patterns::default();
    let mut out: Vec<Option<String>> = Vec::with_capacity(rows);
    for i in 0..rows {
        out.push(match (text(&args[0], i), text(&args[1], i), text(&args[2], i)) {
            (Some(s), Some(p), Some(to)) => Some(patterns.get(p)?.replace_all(s, to).into_owned()),
            _ => None,
        });
    }
    Ok(Arc::new(StringViewArray::from_iter(out)))
}

fn regexp(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut patterns = Patterns::default();
    let mut out: Vec<Option<bool>> = Vec::with_capacity(rows);
    for i in 0..rows {
        out.push(match (text(&args[0], i), text(&args[1], i)) {
            (Some(s), Some(p)) => Some(patterns.get(p)?.is_match(s)),
            _ => None,
        });
    }
    Ok(Arc::new(arrow_array::BooleanArray::from(out)))
}
