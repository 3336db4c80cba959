//! A file of the configuration.

use super::{DEFINE, KEYS, Origin, SET, Wrong, check, unknown};
use crate::files::read_text;
use millstream_dataflow::{Error, Location, Span};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml_edit::{Document, Item, TableLike, Value};

/// What a file configures.
///
/// # Errors
/// All that is wrong with it.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, (String, Origin)>, Box<Wrong>> {
    let name = path.display().to_string();
    let text = read_text(path).map_err(|e| super::environment(Error::config(format!("{name} cannot be read")).source(e)))?;
    let mut found = Found {
        text: &text,
        path,
        values: BTreeMap::new(),
        errors: Vec::new(),
    };
    match Document::parse(text.as_str()) {
        Ok(document) => found.top(document.as_table()),
        Err(e) => {
            let place = e.span().unwrap_or_default();
            let message = e.message().lines().next().unwrap_or_default().to_string();
            found.wrong(Error::config(message).code("E0541"), place);
        }
    }
    match found.errors.is_empty() {
        true => Ok(found.values),
        false => Err(Box::new(Wrong {
            errors: found.errors,
            file: Some((name, text)),
        })),
    }
}

struct Found<'a> {
    text: &'a str,
    path: &'a Path,
    values: BTreeMap<String, (String, Origin)>,
    errors: Vec<Error>,
}

impl Found<'_> {
    fn top(&mut self, table: &dyn TableLike) {
        for (name, item) in table.iter() {
            let place = place(table, name);
            match (name, item.as_table_like()) {
                (DEFINE | SET, Some(inner)) => self.inner(name, inner),
                (DEFINE | SET, None) => self.wrong(Error::config(format!("'{name}' is a table: [{name}]")).code("E0541"), place),
                (_, None) => self.value(name.to_string(), item, place),
                (_, Some(_)) if KEYS.iter().any(|k| k.name == name) => {
                    self.wrong(Error::config(format!("'{name}' has one value, and is no table")).code("E0541"), place);
                }
                (_, Some(_)) => self.wrong(unknown(name), place),
            }
        }
    }
    /// Keys with dots are tables in tables, unless they are quoted.
    fn inner(&mut self, before: &str, table: &dyn TableLike) {
        for (name, item) in table.iter() {
            let (key, place) = (format!("{before}.{name}"), place(table, name));
            match item.as_table_like() {
                Some(inner) => self.inner(&key, inner),
                None => self.value(key, item, place),
            }
        }
    }
    fn value(&mut self, key: String, item: &Item, place: Range<usize>) {
        let text = match item.as_value() {
            Some(Value::String(text)) => text.value().clone(),
            Some(Value::Integer(n)) => n.value().to_string(),
            Some(Value::Boolean(b)) => b.value().to_string(),
            _ => {
                let e = Error::config(format!("'{key}' has a value that is no text, whole number, true or false"));
                return self.wrong(e.code("E0541"), item.span().unwrap_or(place));
            }
        };
        match check(&key, &text) {
            Ok(()) => {
                let line = location(self.text, place.start).line as usize;
                self.values.insert(key, (text, Origin::File(self.path.to_path_buf(), line)));
            }
            Err(e) => self.wrong(e, place),
        }
    }
    fn wrong(&mut self, e: Error, place: Range<usize>) {
        let span = Span {
            start: location(self.text, place.start),
            end: location(self.text, place.end),
        };
        self.errors.push(e.span(span));
    }
}

fn place(table: &dyn TableLike, name: &str) -> Range<usize> {
    table.key(name).and_then(toml_edit::Key::span).unwrap_or_default()
}

/// Line and column, from 1, of a byte.
fn location(text: &str, at: usize) -> Location {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Location {
        line: before.matches('\n').count() as u64 + 1,
        column: line.chars().count() as u64 + 1,
    }
}
