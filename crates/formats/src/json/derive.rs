//! The JSON Schema of a table's columns, as Confluent's Flink makes it: draft 7, with what Kafka Connect adds.

use super::encoder::quote;
use millstream_dataflow::{Error, Field, Result, Schema, SqlType};
use std::fmt::Write;

/// What Confluent's Flink names the object of a table.
const RECORD: &str = "Record";

/// The length of what has no other.
const UNBOUNDED: u32 = i32::MAX as u32;

/// # Errors
/// `Sql` for a column whose type the format does not hold.
pub(super) fn of_columns(columns: &Schema) -> Result<String> {
    let mut out = String::from("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",");
    object(&columns.fields, RECORD, &mut out)?;
    out.push('}');
    Ok(out)
}

/// What stands within the braces of an object's schema.
fn object(fields: &[Field], title: &str, out: &mut String) -> Result<()> {
    out.push_str("\"type\":\"object\",\"title\":");
    quote(title, out);
    out.push_str(",\"properties\":{");
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        quote(&field.name, out);
        let _ = write!(out, ":{{\"connect.index\":{i},");
        optional(field, &format!("{title}_{}", field.name), &field.name, out)?;
        out.push('}');
    }
    out.push('}');
    let required: Vec<&Field> = fields.iter().filter(|f| !f.nullable).collect();
    for (i, field) in required.iter().enumerate() {
        out.push_str(if i == 0 { ",\"required\":[" } else { "," });
        quote(&field.name, out);
    }
    if !required.is_empty() {
        out.push(']');
    }
    Ok(())
}

/// What stands within the braces of a value's schema.
fn optional(field: &Field, title: &str, column: &str, out: &mut String) -> Result<()> {
    if !field.nullable || field.ty == SqlType::Null {
        return value(field, title, column, out);
    }
    out.push_str("\"oneOf\":[{\"type\":\"null\"},{");
    value(field, title, column, out)?;
    out.push_str("}]");
    Ok(())
}

/// - `title`: that of an object, should it be one
/// - `column`: for messages
fn value(field: &Field, title: &str, column: &str, out: &mut String) -> Result<()> {
    let refused = |hint: &str| {
        let e = Error::sql(format!("column \"{column}\": the json-registry format does not hold {}", field.ty));
        Err(e.code("E0302").hint(hint))
    };
    let number = |connect: &str, title: &str, out: &mut String| {
        let _ = write!(out, "\"type\":\"number\",\"connect.type\":\"{connect}\"");
        if !title.is_empty() {
            let _ = write!(out, ",\"title\":\"org.apache.kafka.connect.data.{title}\"");
        }
    };
    let precision = |p: u8, out: &mut String| {
        if p != 3 {
            let _ = write!(out, ",\"flink.precision\":{p},\"flink.version\":\"1\"");
        }
    };
    match &field.ty {
        SqlType::Null => out.push_str("\"type\":\"null\""),
        SqlType::Boolean => out.push_str("\"type\":\"boolean\""),
        SqlType::TinyInt => number("int8", "", out),
        SqlType::SmallInt => number("int16", "", out),
        SqlType::Int => number("int32", "", out),
        SqlType::BigInt => number("int64", "", out),
        SqlType::Float => number("float32", "", out),
        SqlType::Double => number("float64", "", out),
        SqlType::Decimal(p, s) => {
            number("bytes", "Decimal", out);
            let _ = write!(out, ",\"connect.parameters\":{{\"scale\":\"{s}\",\"connect.decimal.precision\":\"{p}\"}}");
        }
        SqlType::Char(n) => {
            let _ = write!(out, "\"type\":\"string\",\"minLength\":{n},\"maxLength\":{n}");
        }
        SqlType::VarChar(UNBOUNDED) => out.push_str("\"type\":\"string\""),
        SqlType::VarChar(n) => {
            let _ = write!(out, "\"type\":\"string\",\"maxLength\":{n}");
        }
        SqlType::Binary(n) => {
            let _ = write!(
                out,
                "\"type\":\"string\",\"connect.type\":\"bytes\",\"flink.minLength\":{n},\"flink.maxLength\":{n},\"flink.version\":\"1\""
            );
        }
        SqlType::VarBinary(UNBOUNDED) => out.push_str("\"type\":\"string\",\"connect.type\":\"bytes\""),
        SqlType::VarBinary(n) => {
            let _ = write!(
                out,
                "\"type\":\"string\",\"connect.type\":\"bytes\",\"flink.maxLength\":{n},\"flink.version\":\"1\""
            );
        }
        SqlType::Date => number("int32", "Date", out),
        SqlType::Time(p) => {
            number("int32", "Time", out);
            precision(*p, out);
        }
        SqlType::Timestamp(p @ 0..=6) => {
            number("int64", "", out);
            out.push_str(",\"flink.type\":\"timestamp\"");
            match p {
                3 => out.push_str(",\"flink.version\":\"1\""),
                p => precision(*p, out),
            }
        }
        SqlType::TimestampLtz(p @ 0..=6) => {
            number("int64", "Timestamp", out);
            precision(*p, out);
        }
        SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => return refused("six digits of a second are the most: cast it, for example to TIMESTAMP(6)"),
        SqlType::Array(element) => {
            out.push_str("\"type\":\"array\",\"items\":{");
            optional(element, title, column, out)?;
            out.push('}');
        }
        SqlType::Map(key, of) => {
            if !matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)) {
                return refused("the keys of a MAP are texts in JSON: declare them STRING");
            }
            out.push_str("\"type\":\"object\",\"connect.type\":\"map\",\"additionalProperties\":{");
            optional(of, title, column, out)?;
            out.push('}');
        }
        SqlType::Row(fields) => object(fields, title, out)?,
        SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Multiset(_) => {
            return refused("cast it in the query, for example to STRING");
        }
    }
    Ok(())
}
