//! JSON paths: members, elements, wildcards, slices and descent; no filters.

use crate::scalar::rows::refused;
use millstream_dataflow::Result;
use serde_json::Value;

/// A parsed path.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    /// A missing member is an error, not nothing.
    pub(super) strict: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Keys(Vec<String>),
    Indexes(Vec<i64>),
    Slice(Option<i64>, Option<i64>),
    All,
    /// All values below, and the value itself.
    Descend,
}

/// What a path leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    One(Value),
    /// Of a path that can lead to many.
    Many(Vec<Value>),
    Missing,
}

impl Path {
    /// # Errors
    /// `Data` for what is no path or one with a filter or a function.
    pub(super) fn parse(text: &str) -> Result<Path> {
        let trimmed = text.trim_start();
        let mode = |word: &str| trimmed.strip_prefix(word).filter(|rest| rest.starts_with(char::is_whitespace));
        let (strict, path) = match (mode("lax"), mode("strict")) {
            (Some(rest), _) => (false, rest.trim()),
            (_, Some(rest)) => (true, rest.trim()),
            // Flink takes a path without a mode as strict.
            _ => (true, text.trim()),
        };
        let wrong = || refused(format!("'{text}' is no JSON path that can be followed")).hint("filters (?(…)) and functions are not there");
        let with_root = if path.starts_with('$') { path.to_string() } else { format!("$.{path}") };
        let mut rest = &with_root[1..];
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("..") {
                steps.push(Step::Descend);
                rest = if after.starts_with('[') {
                    after
                } else {
                    Path::name(after, &mut steps).ok_or_else(wrong)?
                };
            } else if let Some(after) = rest.strip_prefix('.') {
                rest = Path::name(after, &mut steps).ok_or_else(wrong)?;
            } else {
                let inner = rest.strip_prefix('[').ok_or_else(wrong)?;
                rest = Path::bracket(inner, &mut steps).ok_or_else(wrong)?;
            }
        }
        Ok(Path { strict, steps })
    }

    /// `name` or `*` at the start; what follows.
    fn name<'a>(text: &'a str, steps: &mut Vec<Step>) -> Option<&'a str> {
        let end = text.find(['.', '[', '(', '?']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if name.is_empty() || rest.starts_with(['(', '?']) {
            return None;
        }
        steps.push(if name == "*" { Step::All } else { Step::Keys(vec![name.to_string()]) });
        Some(rest)
    }

    /// What stands between brackets, after the first; what follows them.
    fn bracket<'a>(text: &'a str, steps: &mut Vec<Step>) -> Option<&'a str> {
        let text = text.trim_start();
        if text.starts_with(['\'', '"']) {
            let (mut keys, mut rest) = (Vec::new(), text);
            loop {
                let quote = rest.chars().next().filter(|c| ['\'', '"'].contains(c))?;
                let (mut key, mut chars) = (String::new(), rest[1..].char_indices());
                let end = loop {
                    match chars.next()? {
                        (_, '\\') => key.push(chars.next()?.1),
                        (at, c) if c == quote => break at,
                        (_, c) => key.push(c),
                    }
                };
                keys.push(key);
                rest = rest[end + 2..].trim_start();
                if let Some(after) = rest.strip_prefix(']') {
                    steps.push(Step::Keys(keys));
                    return Some(after);
                }
                rest = rest.strip_prefix(',')?.trim_start();
            }
        }
        let (inner, rest) = text.split_once(']')?;
        let inner = inner.trim();
        let number = |t: &str| -> Option<Option<i64>> { if t.trim().is_empty() { Some(None) } else { t.trim().parse().ok().map(Some) } };
        steps.push(match inner.split_once(':') {
            _ if inner == "*" => Step::All,
            Some((from, to)) => Step::Slice(number(from)?, number(to)?),
            None => Step::Indexes(inner.split(',').map(|i| i.trim().parse().ok()).collect::<Option<_>>()?),
        });
        Some(rest)
    }

    /// Whether it leads to one place at most.
    fn definite(&self) -> bool {
        let single = |s: &Step| match s {
            Step::Keys(k) => k.len() == 1,
            Step::Indexes(i) => i.len() == 1,
            _ => false,
        };
        self.steps.iter().all(single)
    }

    pub(super) fn follow(&self, root: &Value) -> Found {
        let mut places = vec![root];
        for step in &self.steps {
            let mut next = Vec::new();
            for place in places {
                step.follow(place, &mut next);
            }
            places = next;
        }
        if !self.definite() {
            return Found::Many(places.into_iter().cloned().collect());
        }
        places.first().map_or(Found::Missing, |v| Found::One((*v).clone()))
    }
}

impl Step {
    fn follow<'a>(&self, value: &'a Value, out: &mut Vec<&'a Value>) {
        match (self, value) {
            (Step::Keys(keys), Value::Object(members)) => out.extend(keys.iter().filter_map(|k| members.get(k))),
            (Step::Indexes(indexes), Value::Array(items)) => out.extend(indexes.iter().filter_map(|i| items.get(from_end(*i, items.len())?))),
            (Step::Slice(from, to), Value::Array(items)) => {
                let place = |p: i64| if p < 0 { (items.len() as i64 + p).max(0) as usize } else { p as usize };
                let (from, to) = (from.map_or(0, place), to.map_or(items.len(), place).min(items.len()));
                out.extend(items.get(from..to).into_iter().flatten());
            }
            (Step::All, Value::Array(items)) => out.extend(items),
            (Step::All, Value::Object(members)) => out.extend(members.values()),
            (Step::Descend, value) => {
                out.push(value);
                match value {
                    Value::Array(items) => items.iter().for_each(|v| self.follow(v, out)),
                    Value::Object(members) => members.values().for_each(|v| self.follow(v, out)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// A negative index counts from the end.
fn from_end(index: i64, length: usize) -> Option<usize> {
    usize::try_from(if index < 0 { length as i64 + index } else { index }).ok()
}

#[cfg(test)]
mod tests {
    use super::super::value;
    use super::{Found, Path};

    #[test]
    fn paths_lead_where_they_say() {
        let root = value::parse(r#"{"a": [{"b": 1}, {"b": 2}, 3], "c d": {"e": null}, "f": {"b": 4}}"#).unwrap();
        for (path, expected) in [
            ("$.a[0].b", "1"),
            ("a[-1]", "3"),
            ("$['c d']", r#"{"e":null}"#),
            ("lax $[\"c d\"].e", "null"),
            ("strict $.f", r#"{"b":4}"#),
            ("$.a[*].b", "many [1,2]"),
            ("$..b", "many [1,2,4]"),
            ("$.a[0,2]", r#"many [{"b":1},3]"#),
            ("$.a[1:]", r#"many [{"b":2},3]"#),
            ("$.f.*", "many [4]"),
            ("$['f','x'].b", "many [4]"),
            ("$.a.b", "missing"),
            ("$.a[9]", "missing"),
        ] {
            let found = match Path::parse(path).unwrap().follow(&root) {
                Found::One(v) => value::to_text(&v),
                Found::Many(v) => format!("many {}", value::to_text(&serde_json::Value::Array(v))),
                Found::Missing => "missing".into(),
            };
            assert_eq!(found, expected, "{path}");
        }
        for path in ["$.a[?(@.b>1)]", "$.a.length()", "$.", "$[", "$['a", "$.a[x]", "$a"] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }
}
