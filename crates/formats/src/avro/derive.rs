//! The Avro schema of a table's columns, as Flink's AvroSchemaConverter makes it.

use super::schema::AvroType;
use millstream_dataflow::{Error, Field, Result, Schema, SqlType};
use std::fmt::Write;

/// What Flink names the record of a table.
const RECORD: &str = "record";
const NAMESPACE: &str = "org.apache.flink.avro.generated";

/// How types become those of Avro.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping {
    /// For messages and their hints.
    pub(super) format: &'static str,
    /// Whether TIMESTAMP is a point in time, as Flink wrote it first.
    pub(super) legacy: bool,
}

/// The schema's JSON text, and the same parsed.
///
/// # Errors
/// `Sql` for a column whose type or name Avro does not have.
pub(super) fn of_columns(columns: &Schema, mapping: Mapping) -> Result<(String, AvroType)> {
    let mut out = String::new();
    record(&columns.fields, RECORD, true, mapping, &mut out)?;
    let ty = AvroType::parse(&out).map_err(|e| {
        Error::sql(format!("the columns have no Avro schema: {e}"))
            .code("E0302")
            .hint("ROW types are named after their columns, joined by _: rename a column")
    })?;
    Ok((out, ty))
}

fn record(fields: &[Field], name: &str, outermost: bool, mapping: Mapping, out: &mut String) -> Result<()> {
    let _ = write!(out, "{{\"type\":\"record\",\"name\":\"{name}\",");
    if outermost {
        let _ = write!(out, "\"namespace\":\"{NAMESPACE}\",");
    }
    out.push_str("\"fields\":[");
    for (i, field) in fields.iter().enumerate() {
        if !is_name(&field.name) {
            return Err(
                Error::sql(format!("column \"{}\": names in Avro are letters of ASCII, digits and _", field.name))
                    .code("E0302")
                    .hint("rename the column"),
            );
        }
        let _ = write!(out, "{}{{\"name\":\"{}\",\"type\":", if i > 0 { "," } else { "" }, field.name);
        ty(field, &format!("{name}_{}", field.name), &field.name, mapping, out)?;
        out.push_str(if field.nullable { ",\"default\":null}" } else { "}" });
    }
    out.push_str("]}");
    Ok(())
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(plain) && name.starts_with(|c: char| !c.is_ascii_digit())
}

/// - `name`: that of a record, should it be one
/// - `column`: for messages
fn ty(field: &Field, name: &str, column: &str, mapping: Mapping, out: &mut String) -> Result<()> {
    let set = format!("set '{}.timestamp_mapping.legacy' = 'false'", mapping.format);
    let refused = |hint: &str| {
        Err(
            Error::sql(format!("column \"{column}\": the {} format does not hold {}", mapping.format, field.ty))
                .code("E0302")
                .hint(hint),
        )
    };
    // The type `null` is a union of nothing else.
    let optional = field.nullable && field.ty != SqlType::Null;
    if optional {
        out.push_str("[\"null\",");
    }
    match &field.ty {
        SqlType::Null => out.push_str("\"null\""),
        SqlType::Boolean => out.push_str("\"boolean\""),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int => out.push_str("\"int\""),
        SqlType::BigInt => out.push_str("\"long\""),
        SqlType::Float => out.push_str("\"float\""),
        SqlType::Double => out.push_str("\"double\""),
        SqlType::Char(_) | SqlType::VarChar(_) => out.push_str("\"string\""),
        SqlType::Binary(_) | SqlType::VarBinary(_) => out.push_str("\"bytes\""),
        SqlType::Date => out.push_str("{\"type\":\"int\",\"logicalType\":\"date\"}"),
        SqlType::Time(0..=3) => out.push_str("{\"type\":\"int\",\"logicalType\":\"time-millis\"}"),
        SqlType::Time(_) => return refused("declare it TIME(3)"),
        SqlType::Timestamp(p) => {
            let logical = match (p, mapping.legacy) {
                (0..=3, true) => "timestamp-millis",
                (0..=3, false) => "local-timestamp-millis",
                (4..=6, false) => "local-timestamp-micros",
                (_, false) => "local-timestamp-nanos",
                (_, true) => return refused(&format!("declare it TIMESTAMP(3), or {set}")),
            };
            let _ = write!(out, "{{\"type\":\"long\",\"logicalType\":\"{logical}\"}}");
        }
        SqlType::TimestampLtz(p) => {
            let logical = match (p, mapping.legacy) {
                (_, true) => return refused(&format!("{set}, or declare it TIMESTAMP(3)")),
                (0..=3, false) => "timestamp-millis",
                (4..=6, false) => "timestamp-micros",
                (_, false) => "timestamp-nanos",
            };
            let _ = write!(out, "{{\"type\":\"long\",\"logicalType\":\"{logical}\"}}");
        }
        SqlType::Decimal(p, s) => {
            let _ = write!(out, "{{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":{p},\"scale\":{s}}}");
        }
        SqlType::Array(element) if takes_no_bytes(element) => return refused("give the elements a type with values"),
        SqlType::Array(element) => {
            out.push_str("{\"type\":\"array\",\"items\":");
            ty(element, name, column, mapping, out)?;
            out.push('}');
        }
        SqlType::Map(key, value) => {
            if !matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)) {
                return refused("the keys of a MAP are texts in Avro: declare them STRING");
            }
            out.push_str("{\"type\":\"map\",\"values\":");
            ty(value, name, column, mapping, out)?;
            out.push('}');
        }
        SqlType::Row(fields) => record(fields, name, false, mapping, out)?,
        SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Multiset(_) => {
            return refused("cast it in the query, for example to STRING");
        }
    }
    if optional {
        out.push(']');
    }
    Ok(())
}

/// Any number of such elements would fit a record of a few bytes.
fn takes_no_bytes(field: &Field) -> bool {
    match &field.ty {
        SqlType::Null => true,
        SqlType::Row(fields) => !field.nullable && fields.iter().all(takes_no_bytes),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
