//! JSON_VALUE, JSON_QUERY, JSON_EXISTS and IS JSON. What is to be done ON EMPTY and ON ERROR comes as texts, from the parser.

use super::path::{Found, Path};
use super::{S, value};
use crate::cast;
use crate::scalar::rows::{refused, text, try_booleans};
use crate::scalar::{Function, Signature, fixed, nullable};
use crate::types::{Type, is_text};
use arrow_array::builder::{ListBuilder, StringViewBuilder};
use arrow_array::{Array, ArrayRef, BooleanArray, StringViewArray, make_array};
use millstream_dataflow::{Result, SqlType};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "json_value",
        usage: "JSON_VALUE(text, path [RETURNING type] [NULL | ERROR | DEFAULT value ON EMPTY] [… ON ERROR])",
        doc: "The scalar at a path. A path is strict unless it starts with `lax`: what is not there is an error. An error gives NULL if nothing is said.",
        example: (r#"JSON_VALUE('{"a": {"b": 7}}', '$.a.b')"#, "7"),
        resolve: |a| match a {
            [json, path, empty, on_empty, error, on_error] if on_empty.ty == on_error.ty => {
                let texts = [json, path, empty, error].iter().all(|t| is_text(&t.ty) || t.ty == SqlType::Null);
                (texts && cast::can_cast(&S, &on_empty.ty)).then(|| Signature {
                    args: vec![S, S, S, on_empty.ty.clone(), S, on_error.ty.clone()],
                    result: Type::new(on_empty.ty.clone(), true),
                })
            }
            _ => None,
        },
        evaluate: json_value,
    },
    Function {
        name: "json_query",
        usage: "JSON_QUERY(text, path [RETURNING type] [wrapper] [NULL | ERROR | EMPTY ARRAY | EMPTY OBJECT ON EMPTY] [… ON ERROR])",
        doc: "The array or object at a path as JSON, or RETURNING `ARRAY<STRING>`. Wrapper: WITHOUT, WITH or WITH CONDITIONAL ARRAY WRAPPER.",
        example: (r#"JSON_QUERY('{"a": [1, 2]}', '$.a')"#, "[1,2]"),
        resolve: |a| match a {
            [_, _, _, _, _, returning] if is_text(&returning.ty) || strings(&returning.ty) => {
                nullable(&a[..5], &[S, S, S, S, S], returning.ty.clone()).map(|mut s| {
                    s.args.push(returning.ty.clone());
                    s
                })
            }
            _ => None,
        },
        evaluate: json_query,
    },
    Function {
        name: "json_exists",
        usage: "JSON_EXISTS(text, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR])",
        doc: "Whether a path leads to something other than null.",
        example: (r#"JSON_EXISTS('{"a": [1, 2]}', '$.a[1]')"#, "true"),
        resolve: |a| nullable(a, &[S, S, S], SqlType::Boolean),
        evaluate: json_exists,
    },
    Function {
        name: "is_json",
        usage: "text IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]",
        doc: "Whether the text is JSON, or JSON of that kind. FALSE for NULL.",
        example: ("'[1, 2]' IS JSON ARRAY", "true"),
        resolve: |a| {
            fixed(a, &[S, S], SqlType::Boolean).map(|mut s| {
                s.result.nullable = false;
                s
            })
        },
        evaluate: |a, rows, _| {
            try_booleans(rows, |i| {
                let parsed = text(&a[0], i).and_then(value::parse);
                Ok(Some(parsed.is_some_and(|v| match text(&a[1], i) {
                    Some("OBJECT") => v.is_object(),
                    Some("ARRAY") => v.is_array(),
                    Some("SCALAR") => !v.is_object() && !v.is_array(),
                    _ => true,
                })))
            })
        },
    },
];

fn strings(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Array(e) if is_text(&e.ty))
}

/// What a row's path gives before ON EMPTY and ON ERROR.
enum Outcome {
    /// The text or the path is NULL.
    Null,
    Value(Value),
    Empty,
    Error,
}

#[derive(Default)]
struct Paths(HashMap<String, Path>);

impl Paths {
    /// The value at a row's path and whether the path is strict.
    fn follow(&mut self, args: &[ArrayRef], row: usize) -> Result<(Outcome, bool)> {
        let (Some(json), Some(path)) = (text(&args[0], row), text(&args[1], row)) else {
            return Ok((Outcome::Null, false));
        };
        if !self.0.contains_key(path) {
            if self.0.len() >= PATHS_MAX {
                self.0.clear();
            }
            self.0.insert(path.to_string(), Path::parse(path)?);
        }
        let Some(path) = self.0.get(path) else {
            return Ok((Outcome::Null, false));
        };
        let failed = if path.strict { Outcome::Error } else { Outcome::Empty };
        let outcome = match value::parse(json).filter(|root| !root.is_null()).map(|root| path.follow(&root)) {
            None | Some(Found::Missing) => failed,
            Some(Found::One(v)) => Outcome::Value(v),
            Some(Found::Many(v)) => Outcome::Value(Value::Array(v)),
        };
        Ok((outcome, path.strict))
    }
}

/// Paths kept: a column of paths must not fill the memory.
const PATHS_MAX: usize = 1000;

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn failed(name: &str, when: &str, args: &[ArrayRef], row: usize) -> millstream_dataflow::Error {
    let path = text(&args[1], row).unwrap_or_default();
    refused(format!("{name} found {when} at '{path}', and is told to fail then"))
}

const NOTHING: &str = "nothing";
const UNFIT: &str = "an error or an unfit value";

fn json_value(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let mut paths = Paths::default();
    let (mut found, mut empty, mut error) = (Vec::with_capacity(rows), Vec::with_capacity(rows), Vec::with_capacity(rows));
    for row in 0..rows {
        let (outcome, strict) = paths.follow(args, row)?;
        let (mut is_empty, mut is_error, mut shown) = (false, false, None);
        match outcome {
            Outcome::Null => {}
            Outcome::Value(Value::String(s)) => shown = Some(s),
            Outcome::Value(v) if is_scalar(&v) && !v.is_null() => shown = Some(value::to_text(&v)),
            Outcome::Value(_) => (is_empty, is_error) = (!strict, strict),
            Outcome::Empty => is_empty = true,
            Outcome::Error => is_error = true,
        }
        found.push(shown);
        empty.push(is_empty);
        error.push(is_error);
    }
    let texts: ArrayRef = Arc::new(StringViewArray::from_iter(found));
    let values = cast(&texts, &S, ty, true)?;
    for row in 0..rows {
        // A text that is no value of the type is an error too.
        error[row] |= texts.is_valid(row) && values.is_null(row);
        if empty[row] && text(&args[2], row) == Some("ERROR") {
            return Err(failed("JSON_VALUE", NOTHING, args, row));
        }
        if error[row] && text(&args[4], row) == Some("ERROR") {
            return Err(failed("JSON_VALUE", UNFIT, args, row));
        }
    }
    let values = crate::scalar::choose(&BooleanArray::from(empty), &args[3], &values)?;
    crate::scalar::choose(&BooleanArray::from(error), &args[5], &values)
}

fn json_query(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let mut paths = Paths::default();
    let mut found: Vec<Option<Value>> = Vec::with_capacity(rows);
    for row in 0..rows {
        let (outcome, strict) = paths.follow(args, row)?;
        let wrapped = match outcome {
            Outcome::Value(v) => match text(&args[2], row) {
                _ if v.is_null() => Outcome::Value(v),
                Some("WITH") => Outcome::Value(Value::Array(vec![v])),
                Some("CONDITIONAL") if !v.is_array() => Outcome::Value(Value::Array(vec![v])),
                _ => Outcome::Value(v),
            },
            other => other,
        };
        let outcome = match wrapped {
            Outcome::Value(v) if is_scalar(&v) => {
                if strict {
                    Outcome::Error
                } else {
                    Outcome::Empty
                }
            }
            Outcome::Value(v) if strings(ty) && !v.is_array() => Outcome::Error,
            other => other,
        };
        let (what, when) = match outcome {
            Outcome::Null => {
                found.push(None);
                continue;
            }
            Outcome::Value(v) => {
                found.push(Some(v));
                continue;
            }
            Outcome::Empty => (&args[3], NOTHING),
            Outcome::Error => (&args[4], UNFIT),
        };
        found.push(match text(what, row) {
            Some("ERROR") => return Err(failed("JSON_QUERY", when, args, row)),
            Some("EMPTY ARRAY") => Some(Value::Array(Vec::new())),
            Some("EMPTY OBJECT") => Some(Value::Object(serde_json::Map::new())),
            _ => None,
        });
    }
    if !strings(ty) {
        return Ok(Arc::new(found.iter().map(|v| v.as_ref().map(value::to_text)).collect::<StringViewArray>()));
    }
    let mut out = ListBuilder::new(StringViewBuilder::new());
    for v in &found {
        let Some(Value::Array(items)) = v else {
            out.append(false);
            continue;
        };
        for item in items {
            match item {
                Value::Null => out.values().append_null(),
                Value::String(s) => out.values().append_value(s),
                other => out.values().append_value(value::to_text(other)),
            }
        }
        out.append(true);
    }
    let list: ArrayRef = Arc::new(out.finish());
    Ok(make_array(list.to_data().into_builder().data_type(ty.to_arrow()).build()?))
}

fn json_exists(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut paths = Paths::default();
    try_booleans(rows, |row| {
        Ok(match paths.follow(args, row)?.0 {
            Outcome::Null => None,
            Outcome::Value(v) => Some(!v.is_null()),
            Outcome::Empty => Some(false),
            Outcome::Error => match text(&args[2], row) {
                Some("TRUE") => Some(true),
                Some("UNKNOWN") => None,
                Some("ERROR") => return Err(failed("JSON_EXISTS", UNFIT, args, row)),
                _ => Some(false),
            },
        })
    })
}
