//! JSON in texts: read by paths, made of values.

mod path;
mod query;
mod value;
mod write;

use super::rows::{boolean, text, texts, try_texts};
use super::{Function, Signature, any_nullable, fixed};
use crate::types::{Type, is_text};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use millstream_dataflow::{Error, Result, SqlType};
use std::collections::BTreeMap;

const S: SqlType = SqlType::STRING;

pub(super) const FUNCTIONS: &[&[Function]] = &[query::FUNCTIONS, MAKE];

/// Whether a text can be used as a path.
pub(super) fn check_path(text: &str) -> Result<()> {
    path::Path::parse(text).map(drop)
}

const MAKE: &[Function] = &[
    Function {
        name: "json_object",
        usage: "JSON_OBJECT([[KEY] key VALUE value, …] [NULL | ABSENT ON NULL])",
        doc: "A JSON object as a text. With its keys in order. Nested JSON_OBJECT, JSON_ARRAY and JSON calls stay JSON; NULL ON NULL if nothing is said.",
        example: ("JSON_OBJECT('b' VALUE 1, 'a' VALUE NULL)", r#"{"a":null,"b":1}"#),
        resolve: |a| made(a, 3),
        evaluate: object,
    },
    Function {
        name: "json_array",
        usage: "JSON_ARRAY([value, …] [NULL | ABSENT ON NULL])",
        doc: "A JSON array as a text. ABSENT ON NULL if nothing is said.",
        example: ("JSON_ARRAY(1, 'a', NULL)", r#"[1,"a"]"#),
        resolve: |a| made(a, 2),
        evaluate: array,
    },
    Function {
        name: "json_string",
        usage: "JSON_STRING(value)",
        doc: "Any value as JSON.",
        example: ("JSON_STRING(ARRAY['a', NULL])", r#"["a",null]"#),
        resolve: |a| match a {
            [v] if write::can_write(&v.ty) => Some(Signature {
                args: vec![v.ty.clone()],
                result: Type::new(S, v.nullable),
            }),
            _ => None,
        },
        evaluate: |a, rows, _| {
            try_texts(rows, |i| {
                if a[0].is_null(i) {
                    return Ok(None);
                }
                let mut out = String::new();
                write::value(&a[0], i, &mut out)?;
                Ok(Some(out))
            })
        },
    },
    Function {
        name: "json",
        usage: "JSON(text)",
        doc: "In JSON_OBJECT and JSON_ARRAY: the text is JSON already.",
        example: (r#"JSON_ARRAY(JSON('{"a": 1}'), '{"a": 1}')"#, r#"[{"a":1},"{\"a\": 1}"]"#),
        resolve: |a| fixed(a, &[S], S),
        evaluate: |a, rows, _| {
            try_texts(rows, |i| match text(&a[0], i) {
                None => Ok(None),
                Some(t) => {
                    let parsed = value::parse(t).ok_or_else(|| super::rows::refused("JSON was given a text that is no JSON"))?;
                    Ok(Some(value::to_text(&parsed)))
                }
            })
        },
    },
    Function {
        name: "json_quote",
        usage: "JSON_QUOTE(text)",
        doc: "As a JSON string in ASCII.",
        example: (r#"JSON_QUOTE('say "hi"')"#, r#""say \"hi\"""#),
        resolve: |a| fixed(a, &[S], S),
        evaluate: |a, rows, _| texts(rows, |i| text(&a[0], i).map(quote)),
    },
    Function {
        name: "json_unquote",
        usage: "JSON_UNQUOTE(text)",
        doc: "A JSON string's text; anything else as it is.",
        example: (r#"JSON_UNQUOTE('"caf\u00e9"')"#, "café"),
        resolve: |a| fixed(a, &[S], S),
        evaluate: |a, rows, _| {
            texts(rows, |i| {
                let t = text(&a[0], i)?;
                Some(serde_json::from_str::<String>(t).unwrap_or_else(|_| t.to_string()))
            })
        },
    },
];

/// Whether NULLs are left out, then groups that end in a value and whether that is JSON already.
fn made(args: &[Type], group: usize) -> Option<Signature> {
    let [absent, rest @ ..] = args else { return None };
    let fits = |g: &[Type]| {
        let key = group == 2 || is_text(&g[0].ty);
        let value = &g[group - 2].ty;
        key && g[group - 1].ty == SqlType::Boolean && (*value == SqlType::Null || write::can_write(value))
    };
    if absent.ty != SqlType::Boolean || rest.len() % group != 0 || !rest.chunks(group).all(fits) {
        return None;
    }
    let keys_nullable = group == 3 && rest.chunks(group).any(|g| any_nullable(&g[..1]));
    Some(Signature {
        args: args.iter().map(|a| if a.ty == SqlType::Null { S } else { a.ty.clone() }).collect(),
        result: Type::new(S, false),
    })
    .filter(|_| !keys_nullable)
}

fn member(value: &ArrayRef, is_json: &ArrayRef, row: usize) -> Result<String> {
    let mut out = String::new();
    match (value.is_null(row), boolean(is_json, row)) {
        (true, _) => out += "null",
        (_, Some(true)) if *value.data_type() == DataType::Utf8View => out += text(value, row).unwrap_or("null"),
        _ => write::value(value, row, &mut out)?,
    }
    Ok(out)
}

fn object(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    try_texts(rows, |row| {
        let absent = boolean(&args[0], row) == Some(true);
        let mut members = BTreeMap::new();
        for group in args[1..].chunks_exact(3) {
            let [key, value, is_json] = group else {
                return Err(Error::bug("JSON_OBJECT without a value"));
            };
            if !absent || value.is_valid(row) {
                let key = text(key, row).ok_or_else(|| Error::bug("JSON_OBJECT with a key that is NULL"))?;
                members.insert(key, member(value, is_json, row)?);
            }
        }
        let mut out = String::from("{");
        for (i, (key, member)) in members.iter().enumerate() {
            out += if i > 0 { "," } else { "" };
            value::write_text(key, &mut out);
            out.push(':');
            out += member;
        }
        out.push('}');
        Ok(Some(out))
    })
}

fn array(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    try_texts(rows, |row| {
        let absent = boolean(&args[0], row) == Some(true);
        let mut members = Vec::new();
        for group in args[1..].chunks_exact(2) {
            if !absent || group[0].is_valid(row) {
                members.push(member(&group[0], &group[1], row)?);
            }
        }
        Ok(Some(format!("[{}]", members.join(","))))
    })
}

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '/' => out += "\\/",
            '\u{8}' => out += "\\b",
            '\u{c}' => out += "\\f",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            c if c.is_ascii() => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}
