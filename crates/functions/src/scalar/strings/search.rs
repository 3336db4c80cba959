//! Where a text stands in another.

use super::S;
use crate::scalar::rows::{int, ints, refused, text, try_ints};
use crate::scalar::{Function, Signature, fixed};
use crate::types::Type;
use arrow_array::ArrayRef;
use millstream_dataflow::{Result, SqlType};

const INT: SqlType = SqlType::Int;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "position",
        usage: "POSITION(part IN text)",
        doc: "Where the part first stands in the text, counted from 1. 0 where it does not stand there.",
        example: ("POSITION('in' IN 'flink')", "3"),
        resolve: |a| fixed(a, &[S, S], INT),
        evaluate: |a, rows, _| ints(rows, |i| Some(position(text(&a[1], i)?, text(&a[0], i)?, 1))),
    },
    Function {
        name: "locate",
        usage: "LOCATE(part, text [, start])",
        doc: "Where the part first stands in the text, at the start or later; counted from 1, 0 where it does not.",
        example: ("LOCATE('a', 'banana', 3)", "4"),
        resolve: |a| fixed(a, &[S, S], INT).or_else(|| fixed(a, &[S, S, INT], INT)),
        evaluate: |a, rows, _| {
            ints(rows, |i| {
                let start = a.get(2).map_or(Some(1), |s| int(s, i))?;
                Some(position(text(&a[1], i)?, text(&a[0], i)?, start))
            })
        },
    },
    Function {
        name: "instr",
        usage: "INSTR(text, part [, start [, nth]])",
        doc: "Where the part stands in the text for the nth time, counted from 1; 0 where it does not. A negative start counts from the end and looks backwards.",
        example: ("INSTR('banana', 'a', 1, 2)", "4"),
        resolve: instr_type,
        evaluate: instr,
    },
    Function {
        name: "strpos",
        usage: "STRPOS(text, part)",
        doc: "The same as POSITION(part IN text). Not in Flink.",
        example: ("STRPOS('flink', 'in')", "3"),
        resolve: |a| fixed(a, &[S, S], INT),
        evaluate: |a, rows, _| ints(rows, |i| Some(position(text(&a[0], i)?, text(&a[1], i)?, 1))),
    },
    Function {
        name: "find_in_set",
        usage: "FIND_IN_SET(text, comma-separated list)",
        doc: "The place in the list, 0 where it is not in it. Not in Flink.",
        example: ("FIND_IN_SET('b', 'a,b,c')", "2"),
        resolve: |a| fixed(a, &[S, S], INT),
        evaluate: |a, rows, _| {
            ints(rows, |i| {
                let (wanted, list) = (text(&a[0], i)?, text(&a[1], i)?);
                Some(list.split(',').position(|item| item == wanted).map_or(0, |p| p as i32 + 1))
            })
        },
    },
    Function {
        name: "levenshtein",
        usage: "LEVENSHTEIN(a, b)",
        doc: "The least number of insertions, deletions and replacements. Not in Flink.",
        example: ("LEVENSHTEIN('kitten', 'sitting')", "3"),
        resolve: |a| fixed(a, &[S, S], INT),
        evaluate: levenshtein,
    },
];

/// An empty part stands at 1 whatever the start.
fn position(text: &str, part: &str, start: i32) -> i32 {
    if part.is_empty() {
        return 1;
    }
    let skipped = start.saturating_sub(1).max(0) as usize;
    let from = match text.char_indices().map(|(at, _)| at).nth(skipped) {
        Some(at) => at,
        None => return 0,
    };
    text[from..].find(part).map_or(0, |at| text[..from + at].chars().count() as i32 + 1)
}

fn instr_type(args: &[Type]) -> Option<Signature> {
    let types = [S, S, INT, INT];
    (2..=4).contains(&args.len()).then(|| fixed(args, &types[..args.len()], INT)).flatten()
}

fn instr(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    try_ints(rows, |i| {
        let optional = |n: usize| args.get(n).map_or(Some(1), |a| int(a, i));
        let (Some(s), Some(part), Some(start), Some(nth)) = (text(&args[0], i), text(&args[1], i), optional(2), optional(3)) else {
            return Ok(None);
        };
        if nth <= 0 {
            return Err(refused("INSTR counts occurrences from 1"));
        }
        Ok(Some(match start {
            0 => 0,
            1.. => nth_position(s, part, start, nth),
            _ => {
                let back = |t: &str| t.chars().rev().collect::<String>();
                match nth_position(&back(s), &back(part), start.saturating_neg(), nth) {
                    0 => 0,
                    p => s.chars().count() as i32 + 2 - p - part.chars().count() as i32,
                }
            }
        }))
    })
}

fn nth_position(text: &str, part: &str, start: i32, nth: i32) -> i32 {
    let mut from = start;
    for n in 0..nth {
        let found = position(text, part, from);
        if found == 0 || n + 1 == nth || part.is_empty() {
            return found;
        }
        from = found.saturating_add(1);
    }
    0
}

/// Longest texts compared: the work grows with the product of their lengths.
const LEVENSHTEIN_CHARS_MAX: usize = 10_000;

fn levenshtein(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    try_ints(rows, |i| {
        let (Some(a), Some(b)) = (text(&args[0], i), text(&args[1], i)) else {
            return Ok(None);
        };
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        if a.len().max(b.len()) > LEVENSHTEIN_CHARS_MAX {
            return Err(refused(format!("LEVENSHTEIN takes texts of at most {LEVENSHTEIN_CHARS_MAX} characters")));
        }
        let mut line: Vec<i32> = (0..=b.len() as i32).collect();
        for (x, ca) in a.iter().enumerate() {
            let mut diagonal = line[0];
            line[0] = x as i32 + 1;
            for (y, cb) in b.iter().enumerate() {
                let replaced = diagonal + i32::from(ca != cb);
                diagonal = line[y + 1];
                line[y + 1] = replaced.min(diagonal + 1).min(line[y] + 1);
            }
        }
        Ok(line.last().copied())
    })
}
