//! Avro schemas, read from their JSON text.

use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// Levels of nesting taken.
const DEPTH_MAX: usize = 64;

/// A type of the Avro specification 1.12. Named types are shared by what refers to them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AvroType {
    Null,
    Boolean,
    Int(Logical),
    Long(Logical),
    Float,
    Double,
    Bytes(Logical),
    String,
    Fixed(usize, Logical),
    Enum(Arc<[String]>),
    Array(Arc<AvroType>),
    Map(Arc<AvroType>),
    Union(Arc<[AvroType]>),
    Record(Arc<Record>),
}

/// What the value of a plain type means. What does not fit its type is as good as not there, as the specification has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    None,
    Date,
    /// Of this many units in a second.
    Time(i64),
    /// The same. Whether it is of a zone is not looked at.
    Timestamp(i64),
    /// Its scale.
    Decimal(u8),
}

#[derive(Debug, PartialEq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) fields: Vec<(String, AvroType)>,
    /// Whether a value takes any bytes.
    takes_bytes: bool,
}

impl AvroType {
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<AvroType, String> {
        Parser::default().text(text)
    }
    /// The same of a schema that refers to named types of others, which come after those that they refer to.
    ///
    /// # Errors
    /// What is wrong with a text.
    pub(super) fn parse_with<'a>(text: &str, references: impl Iterator<Item = &'a str>) -> Result<AvroType, String> {
        let mut parser = Parser::default();
        for reference in references {
            parser.text(reference).map_err(|e| format!("a schema that it refers to: {e}"))?;
        }
        parser.text(text)
    }
    /// Whether a value takes any bytes.
    pub(super) fn takes_bytes(&self) -> bool {
        match self {
            AvroType::Null | AvroType::Fixed(0, _) => false,
            AvroType::Record(record) => record.takes_bytes,
            _ => true,
        }
    }
}

impl fmt::Display for AvroType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logical = |f: &mut fmt::Formatter<'_>, name: &str, logical: &Logical| match logical {
            Logical::None => f.write_str(name),
            Logical::Date => write!(f, "{name} (date)"),
            Logical::Time(n) => write!(f, "{name} (time, {n} units a second)"),
            Logical::Timestamp(n) => write!(f, "{name} (timestamp, {n} units a second)"),
            Logical::Decimal(scale) => write!(f, "{name} (decimal of scale {scale})"),
        };
        match self {
            AvroType::Null => f.write_str("null"),
            AvroType::Boolean => f.write_str("boolean"),
            AvroType::Int(l) => logical(f, "int", l),
            AvroType::Long(l) => logical(f, "long", l),
            AvroType::Float => f.write_str("float"),
            AvroType::Double => f.write_str("double"),
            AvroType::Bytes(l) => logical(f, "bytes", l),
            AvroType::String => f.write_str("string"),
            AvroType::Fixed(size, l) => logical(f, &format!("fixed of {size} bytes"), l),
            AvroType::Enum(_) => f.write_str("enum"),
            AvroType::Array(item) => write!(f, "array of {item}"),
            AvroType::Map(value) => write!(f, "map of {value}"),
            AvroType::Union(branches) => {
                let names: Vec<String> = branches.iter().map(ToString::to_string).collect();
                write!(f, "union of {}", names.join(", "))
            }
            AvroType::Record(record) => write!(f, "record {}", record.name),
        }
    }
}

#[derive(Default)]
struct Parser {
    /// By full name; nothing while a type is being read.
    names: HashMap<String, Option<AvroType>>,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<AvroType, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| format!("the schema is no JSON: {e}"))?;
        self.ty(&value, "", 0)
    }
    fn ty(&mut self, value: &Value, space: &str, depth: usize) -> Result<AvroType, String> {
        if depth > DEPTH_MAX {
            return Err(format!("the schema is nested more than {DEPTH_MAX} levels"));
        }
        match value {
            Value::String(name) => self.named(name, space),
            Value::Array(branches) => {
                let branches: Vec<AvroType> = branches.iter().map(|b| self.ty(b, space, depth + 1)).collect::<Result<_, _>>()?;
                if branches.is_empty() || branches.iter().any(|b| matches!(b, AvroType::Union(_))) {
                    return Err("a union is empty or holds another union".to_string());
                }
                Ok(AvroType::Union(branches.into()))
            }
            Value::Object(object) => self.object(object, space, depth),
            other => Err(format!("{other} is no type")),
        }
    }

    fn named(&self, name: &str, space: &str) -> Result<AvroType, String> {
        if let Some(plain) = plain(name, Logical::None) {
            return Ok(plain);
        }
        let full = full_name(name, space);
        match self.names.get(&full).or_else(|| self.names.get(name)) {
            Some(Some(ty)) => Ok(ty.clone()),
            Some(None) => Err(format!("the type {full} holds itself, which no table column can")),
            None => Err(format!("there is no type {full}")),
        }
    }

    fn object(&mut self, object: &Map<String, Value>, space: &str, depth: usize) -> Result<AvroType, String> {
        let inner = object.get("type").ok_or("a type is missing")?;
        let Value::String(kind) = inner else {
            return self.ty(inner, space, depth + 1);
        };
        let part = |key: &str| object.get(key).ok_or_else(|| format!("\"{key}\" is missing in a type {kind}"));
        match kind.as_str() {
            "array" => Ok(AvroType::Array(Arc::new(self.ty(part("items")?, space, depth + 1)?))),
            "map" => Ok(AvroType::Map(Arc::new(self.ty(part("values")?, space, depth + 1)?))),
            "record" | "error" | "enum" | "fixed" => {
                let name = text(part("name")?)?;
                let space = object.get("namespace").map_or(Ok(space), text)?;
                let full = full_name(name, space);
                if self.names.insert(full.clone(), None).is_some() {
                    return Err(format!("there are two types {full}"));
                }
                let ty = match kind.as_str() {
                    "enum" => {
                        let symbols = part("symbols")?.as_array().ok_or("the symbols of an enum are no list")?;
                        AvroType::Enum(symbols.iter().map(|s| Ok(text(s)?.to_string())).collect::<Result<_, String>>()?)
                    }
                    "fixed" => {
                        let size = part("size")?.as_u64().and_then(|n| usize::try_from(n).ok());
                        AvroType::Fixed(size.ok_or("the size of a fixed is no number")?, logical(object))
                    }
                    _ => self.record(part("fields")?, &full, depth)?,
                };
                self.names.insert(full, Some(ty.clone()));
                Ok(ty)
            }
            _ => match plain(kind, logical(object)) {
                Some(ty) => Ok(ty),
                None => self.named(kind, space),
            },
        }
    }

    fn record(&mut self, fields: &Value, full: &str, depth: usize) -> Result<AvroType, String> {
        let space = full.rsplit_once('.').map_or("", |(space, _)| space);
        let mut list: Vec<(String, AvroType)> = Vec::new();
        let mut names = HashSet::new();
        for field in fields.as_array().ok_or("the fields of a record are no list")? {
            let name = text(field.get("name").ok_or("a field has no name")?)?;
            if !names.insert(name) {
                return Err(format!("the record {full} has two fields \"{name}\""));
            }
            let ty = field.get("type").ok_or_else(|| format!("the field \"{name}\" has no type"))?;
            list.push((name.to_string(), self.ty(ty, space, depth + 1)?));
        }
        Ok(AvroType::Record(Arc::new(Record {
            name: full.to_string(),
            takes_bytes: list.iter().any(|(_, ty)| ty.takes_bytes()),
            fields: list,
        })))
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is no name"))
}

fn full_name(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() {
        name.to_string()
    } else {
        format!("{space}.{name}")
    }
}

fn plain(name: &str, logical: Logical) -> Option<AvroType> {
    let fits = |fitting: &dyn Fn(Logical) -> bool| if fitting(logical) { logical } else { Logical::None };
    Some(match name {
        "null" => AvroType::Null,
        "boolean" => AvroType::Boolean,
        "int" => AvroType::Int(fits(&|l| matches!(l, Logical::Date | Logical::Time(1_000)))),
        "long" => AvroType::Long(fits(&|l| matches!(l, Logical::Time(1_000_000) | Logical::Timestamp(_)))),
        "float" => AvroType::Float,
        "double" => AvroType::Double,
        "bytes" => AvroType::Bytes(fits(&|l| matches!(l, Logical::Decimal(_)))),
        "string" => AvroType::String,
        _ => return None,
    })
}

fn logical(object: &Map<String, Value>) -> Logical {
    match object.get("logicalType").and_then(Value::as_str) {
        Some("date") => Logical::Date,
        Some("time-millis") => Logical::Time(1_000),
        Some("time-micros") => Logical::Time(1_000_000),
        Some("timestamp-millis" | "local-timestamp-millis") => Logical::Timestamp(1_000),
        Some("timestamp-micros" | "local-timestamp-micros") => Logical::Timestamp(1_000_000),
        Some("timestamp-nanos" | "local-timestamp-nanos") => Logical::Timestamp(1_000_000_000),
        Some("decimal") => {
            let scale = object.get("scale").map_or(Some(0), Value::as_u64);
            scale.and_then(|s| u8::try_from(s).ok()).map_or(Logical::None, Logical::Decimal)
        }
        _ => Logical::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_resolved_in_their_namespace() {
        let text = r#"{"type":"record","name":"a.b.R","fields":[
            {"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}},
            {"name":"again","type":["null","E"]},
            {"name":"full","type":{"type":"array","items":"a.b.E"}},
            {"name":"d","type":{"type":"fixed","name":"D","size":8,"logicalType":"decimal","precision":9,"scale":2}},
            {"name":"t","type":{"type":"string","logicalType":"date"}}]}"#;
        let AvroType::Record(record) = AvroType::parse(text).unwrap() else {
            panic!("a record")
        };
        let shown: Vec<String> = record.fields.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        assert_eq!(
            shown,
            [
                "e: enum",
                "again: union of null, enum",
                "full: array of enum",
                "d: fixed of 8 bytes (decimal of scale 2)",
                "t: string"
            ]
        );
    }

    #[test]
    fn what_is_no_schema_is_refused_with_the_reason() {
        let recursive = r#"{"type":"record","name":"n","fields":[{"name":"next","type":["null","n"]}]}"#;
        for (text, told) in [
            ("{", "no JSON"),
            ("1", "1 is no type"),
            ("\"strin\"", "there is no type strin"),
            ("{}", "a type is missing"),
            ("[]", "a union is empty"),
            ("[[\"int\"]]", "another union"),
            (recursive, "holds itself"),
            (r#"{"type":"record","name":"r"}"#, "\"fields\" is missing"),
            (r#"{"type":"fixed","name":"f","size":-1}"#, "no number"),
            (
                r#"["null",{"type":"fixed","name":"f","size":1},{"type":"enum","name":"f","symbols":[]}]"#,
                "two types f",
            ),
        ] {
            let message = AvroType::parse(text).unwrap_err();
            assert!(message.contains(told), "{text}: {message}");
        }
        let deep = format!("{}\"int\"{}", "{\"type\":\"array\",\"items\":".repeat(100), "}".repeat(100));
        assert!(AvroType::parse(&deep).unwrap_err().contains("64 levels"));
    }
}
