//! SIMILAR TO.

use super::{Patterns, S};
use crate::scalar::rows::{refused, text, try_booleans};
use crate::scalar::{Signature, fixed};
use crate::types::Type;
use arrow_array::ArrayRef;
use millstream_dataflow::{Result, SqlType};

pub(super) fn types(args: &[Type]) -> Option<Signature> {
    fixed(args, &[S, S], SqlType::Boolean).or_else(|| fixed(args, &[S, S, S], SqlType::Boolean))
}

/// Whether a text can be used as a pattern.
pub(in crate::scalar) fn check(pattern: &str, escape: Option<&str>) -> Result<()> {
    let escape = escape.map(escape_of).transpose()?;
    Patterns::default().get_as(pattern, |p| regex_of(p, escape)).map(drop)
}

fn escape_of(text: &str) -> Result<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => Err(refused(format!("'{text}' is no escape: it has to be one character"))),
    }
}

pub(super) fn similar(args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let mut patterns = Patterns::default();
    try_booleans(rows, |i| {
        let (Some(s), Some(p)) = (text(&args[0], i), text(&args[1], i)) else {
            return Ok(None);
        };
        let escape = match args.get(2) {
            None => None,
            Some(e) => match text(e, i) {
                None => return Ok(None),
                Some(e) => Some(escape_of(e)?),
            },
        };
        Ok(Some(patterns.get_as(p, |p| regex_of(p, escape))?.is_match(s)))
    })
}

/// SQL's named classes.
const CLASSES: [(&str, &str); 12] = [
    ("[:ALPHA:]", r"\p{Alphabetic}"),
    ("[:alpha:]", r"\p{Alphabetic}"),
    ("[:UPPER:]", r"\p{Uppercase}"),
    ("[:upper:]", r"\p{Uppercase}"),
    ("[:LOWER:]", r"\p{Lowercase}"),
    ("[:lower:]", r"\p{Lowercase}"),
    ("[:DIGIT:]", "0-9"),
    ("[:digit:]", "0-9"),
    ("[:SPACE:]", " "),
    ("[:space:]", " "),
    ("[:WHITESPACE:]", r"\s"),
    ("[:ALNUM:]", r"\p{Alphabetic}0-9"),
];

fn regex_of(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::from("^(?s:");
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if Some(c) == escape {
            let Some(next) = rest.chars().next() else {
                return Err(refused(format!("'{pattern}' ends in its escape")));
            };
            rest = &rest[next.len_utf8()..];
            out += &regex::escape(next.encode_utf8(&mut [0; 4]));
            continue;
        }
        if in_class {
            let named = CLASSES.iter().find(|(name, _)| rest.strip_prefix(&name[1..]).is_some() && c == '[');
            match (named, c) {
                (Some((name, class)), _) => {
                    rest = &rest[name.len() - 1..];
                    out += class;
                }
                (None, ']') => {
                    in_class = false;
                    out.push(']');
                }
                (None, '[' | '\\' | '&' | '~') => {
                    out.push('\\');
                    out.push(c);
                }
                _ => out.push(c),
            }
            continue;
        }
        match c {
            '%' => out += ".*",
            '_' => out.push('.'),
            '[' => {
                in_class = true;
                out.push('[');
                if let Some(after) = rest.strip_prefix('^') {
                    rest = after;
                    out.push('^');
                }
            }
            '\\' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out += ")$";
    Ok(out)
}
