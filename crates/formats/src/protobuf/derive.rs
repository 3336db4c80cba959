//! The `.proto` text of a table's columns, as Confluent's Flink makes it.

use super::descriptor;
use crate::registry::RegisteredSchema;
use millstream_dataflow::{Error, Field, Result, Schema, SqlType};
use prost_reflect::MessageDescriptor;
use std::fmt::Write;

/// What Confluent's Flink names the message of a table.
const MESSAGE: &str = "Row";
/// Not Confluent's, within which `confluent.field_meta` would be another name.
const PACKAGE: &str = "millstream.generated";

/// The length of what has no other.
const UNBOUNDED: u32 = i32::MAX as u32;

/// What a schema says beyond protobuf, by Confluent's names.
type Params = Vec<(&'static str, String)>;

/// The text, and its message.
///
/// # Errors
/// `Sql` for a column whose type or name the format does not hold.
pub(super) fn of_columns(columns: &Schema) -> Result<(String, MessageDescriptor)> {
    let mut body = String::new();
    message(MESSAGE, &columns.fields, &mut body)?;
    let mut text = format!("syntax = \"proto3\";\npackage {PACKAGE};\n\n");
    for (ty, file) in [
        (".google.type.Date ", "google/type/date.proto"),
        (".google.type.TimeOfDay ", "google/type/timeofday.proto"),
        (".google.protobuf.Timestamp ", "google/protobuf/timestamp.proto"),
        (".confluent.type.Decimal ", "confluent/type/decimal.proto"),
        ("(confluent.field_meta)", "confluent/meta.proto"),
    ] {
        if body.contains(ty) {
            let _ = writeln!(text, "import \"{file}\";");
        }
    }
    text += &body;
    let schema = RegisteredSchema {
        kind: super::registry::KIND.to_string(),
        text,
        references: Vec::new(),
    };
    let none = |why: String| {
        Error::sql(format!("the columns have no protobuf schema: {why}"))
            .code("E0302")
            .hint("types of messages are named after their columns: rename a column")
    };
    let file = descriptor::of_schema(&schema).map_err(none)?;
    let ty = file.messages().next().ok_or_else(|| none("it has no message".to_string()))?;
    Ok((schema.text, ty))
}

fn message(name: &str, fields: &[Field], out: &mut String) -> Result<()> {
    let _ = writeln!(out, "message {name} {{");
    for (i, field) in fields.iter().enumerate() {
        let first = field.name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !first || !field.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let e = format!("column \"{}\": names in protobuf are letters of ASCII, digits and _", field.name);
            return Err(Error::sql(e).code("E0302").hint("rename the column"));
        }
        declare(field, &field.name, &field.name, i + 1, out)?;
    }
    out.push_str("}\n");
    Ok(())
}

/// A field, and the types that it needs.
///
/// - `column`: for messages
fn declare(field: &Field, name: &str, column: &str, number: usize, out: &mut String) -> Result<()> {
    let wrapped = || vec![("flink.wrapped", "true".to_string())];
    let of = |ty: &SqlType, nullable: bool| Field::new("value", ty.clone(), nullable);
    let (label, ty, params) = match &field.ty {
        SqlType::Array(_) | SqlType::Map(..) if field.nullable => {
            let ty = format!("{name}RepeatedWrapper");
            let _ = writeln!(out, "message {ty} {{");
            declare(&of(&field.ty, false), "value", column, 1, out)?;
            out.push_str("}\n");
            ("", ty, wrapped())
        }
        SqlType::Array(element) if element.nullable || matches!(element.ty, SqlType::Array(_) | SqlType::Map(..)) => {
            let ty = format!("{name}ElementWrapper");
            let _ = writeln!(out, "message {ty} {{");
            declare(element, "value", column, 1, out)?;
            out.push_str("}\n");
            ("repeated ", ty, wrapped())
        }
        SqlType::Array(element) => {
            let (ty, params) = plain(&element.ty, name, column, out)?;
            ("repeated ", ty, params)
        }
        SqlType::Map(key, value) => {
            let mut ty = format!("{name}Entry");
            ty[..1].make_ascii_uppercase();
            let _ = writeln!(out, "message {ty} {{");
            declare(&of(&key.ty, false), "key", column, 1, out)?;
            declare(value, "value", column, 2, out)?;
            out.push_str("}\n");
            ("repeated ", ty, Vec::new())
        }
        other => {
            let (ty, mut params) = plain(other, name, column, out)?;
            let is_message = ty.starts_with('.') || matches!(other, SqlType::Row(_));
            if is_message && !field.nullable {
                params.push(("flink.notNull", "true".to_string()));
            }
            (if field.nullable { "optional " } else { "" }, ty, params)
        }
    };
    let _ = write!(out, "{label}{ty} {name} = {number}");
    meta(&params, out);
    out.push_str(";\n");
    Ok(())
}

fn meta(params: &Params, out: &mut String) {
    if params.is_empty() {
        return;
    }
    let version = params
        .iter()
        .any(|(key, _)| !key.starts_with("connect."))
        .then(|| ("flink.version", "1".to_string()));
    out.push_str(" [(confluent.field_meta) = { params: [");
    for (i, (key, value)) in params.iter().chain(&version).enumerate() {
        let _ = write!(out, "{}{{ key: \"{key}\", value: \"{value}\" }}", if i > 0 { ", " } else { "" });
    }
    out.push_str("] }]");
}

/// The name of a type that is neither array nor map, and what else there is to say of it.
fn plain(ty: &SqlType, name: &str, column: &str, out: &mut String) -> Result<(String, Params)> {
    let refused = |hint: &str| {
        let e = Error::sql(format!("column \"{column}\": the proto-registry format does not hold {ty}"));
        Err(e.code("E0302").hint(hint))
    };
    let lengths = |least: Option<u32>, most: u32| -> Params {
        let least = least.map(|n| ("flink.minLength", n.to_string()));
        let most = (most != UNBOUNDED).then(|| ("flink.maxLength", most.to_string()));
        most.into_iter().chain(least).collect()
    };
    let precision = |p: u8, usual: u8| -> Params { if p == usual { Vec::new() } else { vec![("flink.precision", p.to_string())] } };
    let (proto, params) = match ty {
        SqlType::Boolean => ("bool", Vec::new()),
        SqlType::TinyInt => ("int32", vec![("connect.type", "int8".to_string())]),
        SqlType::SmallInt => ("int32", vec![("connect.type", "int16".to_string())]),
        SqlType::Int => ("int32", Vec::new()),
        SqlType::BigInt => ("int64", Vec::new()),
        SqlType::Float => ("float", Vec::new()),
        SqlType::Double => ("double", Vec::new()),
        SqlType::Char(n) => ("string", lengths(Some(*n), *n)),
        SqlType::VarChar(n) => ("string", lengths(None, *n)),
        SqlType::Binary(n) => ("bytes", lengths(Some(*n), *n)),
        SqlType::VarBinary(n) => ("bytes", lengths(None, *n)),
        SqlType::Date => (".google.type.Date", Vec::new()),
        SqlType::Time(p @ 0..=3) => (".google.type.TimeOfDay", precision(*p, 3)),
        SqlType::Time(_) => return refused("declare it TIME(3)"),
        SqlType::Timestamp(p) => {
            let mut params = vec![("flink.type", "timestamp".to_string())];
            params.extend(precision(*p, 9));
            (".google.protobuf.Timestamp", params)
        }
        SqlType::TimestampLtz(p) => (".google.protobuf.Timestamp", precision(*p, 9)),
        SqlType::Decimal(p, s) => (".confluent.type.Decimal", vec![("precision", p.to_string()), ("scale", s.to_string())]),
        SqlType::Row(fields) => {
            let nested = format!("{name}_Row");
            message(&nested, fields, out)?;
            return Ok((nested, Vec::new()));
        }
        _ => return refused("cast it in the query, for example to STRING"),
    };
    Ok((proto.to_string(), params))
}
