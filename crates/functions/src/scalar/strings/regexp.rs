//! Regular expressions: Java's, as far as they can be had without backtracking.

mod java;
mod similar;

use super::S;
use crate::scalar::rows::{bounded, int, refused, text, try_booleans, try_ints, try_texts};
use crate::scalar::{Function, Signature, fixed, nullable};
use crate::types::Type;
use arrow_array::Array;
use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::{ArrayRef, make_array};
use millstream_dataflow::{Error, Field, Result, SqlType};
use regex::Regex;
use std::collections::HashMap;
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "regexp",
        usage: "REGEXP(text, regex)",
        doc: "Whether a part of the text matches; FALSE for an empty regex.",
        example: ("REGEXP('order-42', '[0-9]+')", "true"),
        resolve: |a| fixed(a, &[S, S], SqlType::Boolean),
        evaluate: |a, rows, _| matches(a, rows, false),
    },
    Function {
        name: "regexp_like",
        usage: "REGEXP_LIKE(text, regex)",
        doc: "Whether a part of the text matches. Not in Flink.",
        example: ("REGEXP_LIKE('order-42', '^[0-9]+$')", "false"),
        resolve: |a| fixed(a, &[S, S], SqlType::Boolean),
        evaluate: |a, rows, _| matches(a, rows, true),
    },
    Function {
        name: "regexp_extract",
        usage: "REGEXP_EXTRACT(text, regex [, group])",
        doc: "The group (0: all) of the first match, else NULL.",
        example: ("REGEXP_EXTRACT('order-42', '([a-z]+)-([0-9]+)', 2)", "42"),
        resolve: |a| nullable(a, &[S, S], S).or_else(|| nullable(a, &[S, S, SqlType::Int], S)),
        evaluate: extract,
    },
    Function {
        name: "regexp_extract_all",
        usage: "REGEXP_EXTRACT_ALL(text, regex [, group])",
        doc: "The group (by default 1) of every match; NULL without a match.",
        example: ("REGEXP_EXTRACT_ALL('a1 b22', '[a-z]([0-9]+)')", r#"["1","22"]"#),
        resolve: extract_all_type,
        evaluate: extract_all,
    },
    Function {
        name: "regexp_replace",
        usage: "REGEXP_REPLACE(text, regex, replacement)",
        doc: "The text with every match replaced. The replacement is taken as it is: `$1` is no group.",
        example: ("REGEXP_REPLACE('a1 b22', '[0-9]+', '#')", "a# b#"),
        resolve: |a| fixed(a, &[S, S, S], S),
        evaluate: replace,
    },
    Function {
        name: "regexp_count",
        usage: "REGEXP_COUNT(text, regex)",
        doc: "How many matches there are in the text, none overlapping another.",
        example: ("REGEXP_COUNT('a1 b22', '[0-9]+')", "2"),
        resolve: |a| nullable(a, &[S, S], SqlType::Int),
        evaluate: |a, rows, _| {
            let mut patterns = Patterns::default();
            try_ints(rows, |i| patterns.with(a, i, |s, p| Some(p.find_iter(s).count() as i32)))
        },
    },
    Function {
        name: "regexp_instr",
        usage: "REGEXP_INSTR(text, regex)",
        doc: "Where the first match starts, 0 without a match. Counted from 1.",
        example: ("REGEXP_INSTR('order-42', '[0-9]')", "7"),
        resolve: |a| nullable(a, &[S, S], SqlType::Int),
        evaluate: |a, rows, _| {
            let mut patterns = Patterns::default();
            try_ints(rows, |i| {
                patterns.with(a, i, |s, p| Some(p.find(s).map_or(0, |m| s[..m.start()].chars().count() as i32 + 1)))
            })
        },
    },
    Function {
        name: "regexp_substr",
        usage: "REGEXP_SUBSTR(text, regex)",
        doc: "The first match, else NULL.",
        example: ("REGEXP_SUBSTR('order-42', '[0-9]+')", "42"),
        resolve: |a| nullable(a, &[S, S], S),
        evaluate: |a, rows, _| {
            let mut patterns = Patterns::default();
            try_texts(rows, |i| patterns.with(a, i, |s, p| p.find(s).map(|m| m.as_str().to_string())))
        },
    },
    Function {
        name: "similar_to",
        usage: "text SIMILAR TO pattern [ESCAPE character]",
        doc: "`%` and `_` as in LIKE, the rest as in regular expressions; the whole text has to match.",
        example: ("'flink' SIMILAR TO 'fl(i|a)%'", "true"),
        resolve: similar::types,
        evaluate: |a, rows, _| similar::similar(a, rows),
    },
];

/// Whether a text can be used as a regular expression.
pub(in crate::scalar) fn check_regex(pattern: &str) -> Result<()> {
    Patterns::default().get(pattern).map(drop)
}

pub(in crate::scalar) use similar::check as check_similar;

/// Compiled patterns of one call, which are few and usually one.
#[derive(Default)]
pub(super) struct Patterns(HashMap<String, Regex>);

/// Patterns kept: a column of patterns must not fill the memory.
const PATTERNS_MAX: usize = 1000;

impl Patterns {
    fn get(&mut self, pattern: &str) -> Result<&Regex> {
        self.get_as(pattern, java::translate)
    }

    fn get_as(&mut self, pattern: &str, translate: impl Fn(&str) -> Result<String>) -> Result<&Regex> {
        if !self.0.contains_key(pattern) {
            if self.0.len() >= PATTERNS_MAX {
                self.0.clear();
            }
            let regex = Regex::new(&translate(pattern)?).map_err(|e| {
                refused(format!("'{pattern}' is no regular expression that can be used"))
                    .hint("look-around and back references are not there")
                    .source(e)
            })?;
            self.0.insert(pattern.to_string(), regex);
        }
        self.0.get(pattern).ok_or_else(|| Error::bug("a pattern vanished"))
    }

    /// What `f` makes of the text and the pattern of a row, NULL if one is.
    fn with<T>(&mut self, args: &[ArrayRef], row: usize, f: impl FnOnce(&str, &Regex) -> Option<T>) -> Result<Option<T>> {
        match (text(&args[0], row), text(&args[1], row)) {
            (Some(s), Some(p)) => Ok(f(s, self.get(p)?)),
            _ => Ok(None),
        }
    }
}

fn matches(args: &[ArrayRef], rows: usize, empty: bool) -> Result<ArrayRef> {
    let mut patterns = Patterns::default();
    try_booleans(rows, |i| {
        patterns.with(args, i, |s, p| Some(p.is_match(s) && (empty || !p.as_str().is_empty())))
    })
}

fn extract(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut patterns = Patterns::default();
    try_texts(rows, |i| {
        let Some(group) = args.get(2).map_or(Some(0), |g| int(g, i)) else {
            return Ok(None);
        };
        patterns.with(args, i, |s, p| {
            let found = p.captures(s)?;
            found.get(usize::try_from(group).ok()?).map(|m| m.as_str().to_string())
        })
    })
}

fn extract_all_type(args: &[Type]) -> Option<Signature> {
    let ty = SqlType::Array(Box::new(Field::new("item", S, true)));
    nullable(args, &[S, S], ty.clone()).or_else(|| nullable(args, &[S, S, SqlType::Int], ty))
}

fn extract_all(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let mut patterns = Patterns::default();
    let mut out = ListBuilder::new(StringViewBuilder::new());
    for i in 0..rows {
        let group = args.get(2).map_or(Some(1), |g| int(g, i)).and_then(|g| usize::try_from(g).ok());
        let found = match group {
            None => None,
            Some(group) => patterns.with(args, i, |s, p| {
                if group >= p.captures_len() {
                    return None;
                }
                let all: Vec<_> = p.captures_iter(s).map(|c| c.get(group).map(|m| m.as_str().to_string())).collect();
                (!all.is_empty()).then_some(all)
            })?,
        };
        match found {
            None => out.append(false),
            Some(all) => {
                all.iter().for_each(|m| out.values().append_option(m.as_deref()));
                out.append(true);
            }
        }
    }
    let list = Arc::new(out.finish()) as ArrayRef;
    Ok(make_array(list.to_data().into_builder().data_type(ty.to_arrow()).build()?))
}

fn replace(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut patterns = Patterns::default();
    try_texts(rows, |i| {
        let (Some(s), Some(p), Some(to)) = (text(&args[0], i), text(&args[1], i), text(&args[2], i)) else {
            return Ok(None);
        };
        let pattern = patterns.get(p)?;
        if to.len() > 1 {
            bounded("REGEXP_REPLACE", s.len().saturating_add(pattern.find_iter(s).count().saturating_mul(to.len())))?;
        }
        Ok(Some(pattern.replace_all(s, regex::NoExpand(to)).into_owned()))
    })
}
