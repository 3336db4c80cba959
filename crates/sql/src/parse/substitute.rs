//! `${NAME}` from `-D NAME=value`.

use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Span};
use std::collections::BTreeMap;

/// Replaces `${NAME}` outside comments.
///
/// # Errors
/// `Config`, one per name without a value, with its place.
pub fn substitute(text: &str, variables: &BTreeMap<String, String>) -> Result<String, Vec<Error>> {
    let mut out = String::with_capacity(text.len());
    let mut errors = Vec::new();
    let (mut line, mut column) = (1, 1);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let take = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |i| i + 2)
        } else if let Some(name) = rest.strip_prefix("${").and_then(|r| r.split_once('}')).map(|(n, _)| n).filter(|n| is_name(n)) {
            let length = name.len() + 3;
            match variables.get(name) {
                Some(value) => out += value,
                None => errors.push(missing(name, variables, Span::new((line, column), (line, column + length as u64)))),
            }
            column += length as u64;
            rest = &rest[length..];
            continue;
        } else {
            c.len_utf8()
        };
        for c in rest[..take].chars() {
            (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        out += &rest[..take];
        rest = &rest[take..];
    }
    if errors.is_empty() { Ok(out) } else { Err(errors) }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn missing(name: &str, variables: &BTreeMap<String, String>, span: Span) -> Error {
    let hint = match nearest(name, variables.keys().map(String::as_str)) {
        Some(near) => format!("did you mean '${{{near}}}'?"),
        None => format!("give it one: -D {name}=value"),
    };
    Error::config(format!("the variable '${{{name}}}' has no value"))
        .code("E0505")
        .hint(hint)
        .span(span)
}
