//! The forms that a JSON Schema gives to values, as Confluent's Flink and Kafka Connect read them.

use crate::registry::RegisteredSchema;
use millstream_dataflow::{Field, Schema, SqlType};
use serde_json::Value;

const DATE: &str = "org.apache.kafka.connect.data.Date";
const TIME: &str = "org.apache.kafka.connect.data.Time";
const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";

/// Parts that one schema may be made of, through references and combinations.
const PARTS_MAX: usize = 256;

/// How values of a column come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// As the `json` format has them.
    Plain,
    /// A date or time as a number; of a timestamp, with so many units in a second.
    Number(i64),
    /// A timestamp as ISO 8601 has it.
    Iso8601,
    List(Box<Form>),
    Map(Box<Form>),
    Row(Vec<Form>),
}

/// A schema and the one that it stands in, by which its references begin with `#`.
#[derive(Clone, Copy)]
struct Node<'a> {
    value: &'a Value,
    document: &'a Value,
}

/// Everything that one schema refers to.
struct Documents {
    whole: Value,
    /// By name.
    others: Vec<(String, Value)>,
}

/// The forms of the columns in records of a schema.
///
/// # Errors
/// What keeps the records from being read.
pub(super) fn of_columns(schema: &RegisteredSchema, columns: &Schema) -> Result<Vec<Form>, String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(|e| format!("the schema is no JSON: {e}"));
    let others = schema.references.iter().map(|r| Ok((r.name.clone(), parse(&r.text)?)));
    let documents = Documents {
        whole: parse(&schema.text)?,
        others: others.collect::<Result<_, String>>()?,
    };
    let whole = &documents.whole;
    if !whole.is_object() && *whole != Value::Bool(true) {
        return Err("it is no JSON Schema of objects".to_string());
    }
    documents.fields(Node { value: whole, document: whole }, &columns.fields)
}

impl Documents {
    /// What a schema is made of: itself, what it refers to, and what it combines, but null.
    ///
    /// # Errors
    /// A reference to nothing, and too many parts.
    fn parts<'a>(&'a self, node: Node<'a>) -> Result<Vec<Node<'a>>, String> {
        let mut parts = vec![node];
        let mut looked_at = 0;
        while let Some(Node { value, document }) = parts.get(looked_at).copied() {
            looked_at += 1;
            if let Some(name) = value.get("$ref").and_then(Value::as_str) {
                parts.push(self.find(name, document)?);
            }
            for combined in ["allOf", "oneOf", "anyOf"].iter().filter_map(|key| value.get(key)?.as_array()) {
                let some = combined.iter().filter(|v| v.get("type").and_then(Value::as_str) != Some("null"));
                parts.extend(some.map(|value| Node { value, document }));
            }
            if parts.len() > PARTS_MAX {
                return Err(format!("a schema is made of more than {PARTS_MAX} others, or of itself"));
            }
        }
        Ok(parts)
    }

    /// `#/definitions/Name`, `other.json` or `other.json#/definitions/Name`.
    fn find<'a>(&'a self, name: &str, document: &'a Value) -> Result<Node<'a>, String> {
        let (file, pointer) = name.split_once('#').unwrap_or((name, ""));
        let document = match file {
            "" => Some(document),
            file => self.others.iter().find(|(name, _)| name == file).map(|(_, v)| v),
        };
        let value = document.and_then(|d| d.pointer(pointer));
        match (value, document) {
            (Some(value), Some(document)) => Ok(Node { value, document }),
            _ => Err(format!("there is no schema {name} that it refers to")),
        }
    }

    fn fields(&self, node: Node<'_>, fields: &[Field]) -> Result<Vec<Form>, String> {
        let parts = self.parts(node)?;
        let of = |field: &Field| match parts.iter().find_map(|part| property(part, &field.name)) {
            Some(node) => self.form(node, field),
            None => Ok(Form::Plain),
        };
        let objects = |part: &Node<'_>| part.value.get("type").is_none_or(|ty| is(ty, "object"));
        match parts.iter().any(objects) {
            true => fields.iter().map(of).collect(),
            false => Err("the records are no JSON objects".to_string()),
        }
    }

    fn form(&self, node: Node<'_>, field: &Field) -> Result<Form, String> {
        let parts = self.parts(node)?;
        let titled = |title: &str| parts.iter().find(|p| p.value.get("title").and_then(Value::as_str) == Some(title));
        let has_type = |name: &str| parts.iter().any(|p| p.value.get("type").is_some_and(|ty| is(ty, name)));
        let inside = |e: String| format!("column \"{}\": {e}", field.name);
        let inner = |key: &str, field: &Field| {
            let inner = parts.iter().find_map(|p| {
                Some(Node {
                    value: p.value.get(key).filter(|v| v.is_object())?,
                    document: p.document,
                })
            });
            inner.map_or(Ok(Form::Plain), |node| self.form(node, field)).map_err(inside)
        };
        let number = |convention: Option<i64>, text: Form| match convention {
            Some(per_second) => Ok(Form::Number(per_second)),
            None if has_type("number") || has_type("integer") => Err(format!(
                "column \"{}\" ({}): the records have a number, and its title does not tell that it is one",
                field.name,
                field.type_text()
            )),
            None => Ok(text),
        };
        match &field.ty {
            SqlType::Date => number(titled(DATE).map(|_| 1), Form::Plain),
            SqlType::Time(_) => number(titled(TIME).map(|_| 1_000), Form::Plain),
            SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => {
                let flink = |p: &&Node<'_>| p.value.get("flink.type").and_then(Value::as_str) == Some("timestamp");
                let node = titled(TIMESTAMP).or(parts.iter().find(flink));
                let iso = parts.iter().any(|p| p.value.get("format").and_then(Value::as_str) == Some("date-time"));
                number(node.map(per_second), if iso { Form::Iso8601 } else { Form::Plain })
            }
            SqlType::Array(element) => Ok(Form::List(Box::new(inner("items", element)?))),
            SqlType::Map(_, value) => match has_type("array") {
                true => Err(inside("a map that is an array of keys and values is not read".to_string())),
                false => Ok(Form::Map(Box::new(inner("additionalProperties", value)?))),
            },
            SqlType::Row(fields) => match has_type("object") || parts.iter().any(|p| p.value.get("properties").is_some()) {
                true => Ok(Form::Row(self.fields(node, fields).map_err(inside)?)),
                false => Ok(Form::Plain),
            },
            _ => Ok(Form::Plain),
        }
    }
}

fn property<'a>(part: &Node<'a>, name: &str) -> Option<Node<'a>> {
    let value = part.value.get("properties")?.get(name)?;
    Some(Node {
        value,
        document: part.document,
    })
}

/// Whether `type` is this, or a list with it.
fn is(ty: &Value, name: &str) -> bool {
    ty.as_str() == Some(name) || ty.as_array().is_some_and(|list| list.iter().any(|t| t.as_str() == Some(name)))
}

/// Units of a second in a timestamp's number.
fn per_second(node: &Node<'_>) -> i64 {
    let parameters = node.value.get("flink.parameters").and_then(|p| p.get("precision"));
    let precision = node.value.get("flink.precision").or(parameters);
    let precision = precision.and_then(|p| p.as_u64().or_else(|| p.as_str()?.parse().ok()));
    match precision {
        None | Some(0..=3) => 1_000,
        Some(4..=6) => 1_000_000,
        Some(_) => 1_000_000_000,
    }
}
