//! Values as people and comparisons read them.

use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, cast::AsArray};
use millstream_dataflow::temporal;
pub use millstream_dataflow::text::{decimal_text, java_double, java_float};
use millstream_dataflow::{Batch, Error, Field, Result, Schema, SqlType};
use std::fmt::Write;

/// `{"columns":[{"name":"a","type":"BIGINT NOT NULL"},…]}`
pub fn json_header(schema: &Schema) -> String {
    let mut out = String::from("{\"columns\":[");
    for (i, field) in schema.fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str("{\"name\":");
        quote(&field.name, &mut out);
        out.push_str(",\"type\":");
        quote(&field.serialized_type(), &mut out);
        out.push('}');
    }
    out + "]}"
}

/// `{"kind":"+I","row":[…]}`
pub fn json_row(batch: &Batch, row: usize, schema: &Schema) -> String {
    let mut out = format!("{{\"kind\":\"{}\",\"row\":[", batch.kind(row).short());
    for (i, field) in schema.fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        json_value(batch.column(i), row, field, &mut out);
    }
    out + "]}"
}

/// `{"a":1,"b":{"c":"x"}}`
pub fn json_object(batch: &Batch, row: usize, schema: &Schema) -> String {
    let columns = batch.data.columns();
    let mut out = String::new();
    named(columns.iter().zip(&schema.fields), row, Form::Objects, &mut out);
    out
}

/// How values are written as JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Exactly: decimals as strings, ROW as an array, as a changelog has them.
    Exact,
    /// As people read it: decimals as numbers, ROW as an array.
    Text,
    /// As programs expect it: decimals as numbers, bytes as base64, ROW as an object.
    Objects,
}

/// A value as JSON: timestamps with their precision, decimals and bytes as strings, ROW and ARRAY as arrays, MAP sorted by key.
pub fn json_value(array: &ArrayRef, row: usize, field: &Field, out: &mut String) {
    value(array, row, field, Form::Exact, out);
}

fn value(array: &ArrayRef, row: usize, field: &Field, form: Form, out: &mut String) {
    if is_null(array, row, field) {
        out.push_str("null");
        return;
    }
    match &field.ty {
        SqlType::Boolean | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => out.push_str(&plain(array, row, field)),
        SqlType::Decimal(..) if form != Form::Exact => out.push_str(&plain(array, row, field)),
        SqlType::Binary(_) | SqlType::VarBinary(_) if form == Form::Objects => quote(&crate::base64::encode(array.as_binary_view().value(row)), out),
        SqlType::Float | SqlType::Double => {
            let (text, finite) = if field.ty == SqlType::Float {
                let f = array.as_primitive::<Float32Type>().value(row);
                (java_float(f), f.is_finite())
            } else {
                let d = array.as_primitive::<Float64Type>().value(row);
                (java_double(d), d.is_finite())
            };
            if finite { out.push_str(&text) } else { quote(&text, out) }
        }
        SqlType::Array(element) => {
            let values = array.as_list::<i32>().value(row);
            out.push('[');
            for i in 0..values.len() {
                if i > 0 {
                    out.push(',');
                }
                value(&values, i, element, form, out);
            }
            out.push(']');
        }
        SqlType::Row(fields) if form == Form::Objects => named(array.as_struct().columns().iter().zip(fields), row, form, out),
        SqlType::Row(fields) => {
            out.push('[');
            for (i, (column, f)) in array.as_struct().columns().iter().zip(fields).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                value(column, row, f, form, out);
            }
            out.push(']');
        }
        SqlType::Multiset(key) => map(array, row, key, &Field::new("value", SqlType::Int, false), form, out),
        SqlType::Map(key, of) => map(array, row, key, of, form, out),
        _ => quote(&plain(array, row, field), out),
    }
}

/// An object of some columns.
fn named<'a>(columns: impl Iterator<Item = (&'a ArrayRef, &'a Field)>, row: usize, form: Form, out: &mut String) {
    out.push('{');
    for (i, (column, f)) in columns.enumerate() {
        if i > 0 {
            out.push(',');
        }
        quote(&f.name, out);
        out.push(':');
        value(column, row, f, form, out);
    }
    out.push('}');
}

fn map(array: &ArrayRef, row: usize, key: &Field, of: &Field, form: Form, out: &mut String) {
    let entries = array.as_map().value(row);
    let mut pairs: Vec<(String, String)> = (0..entries.len())
        .map(|i| {
            let (mut k, mut v) = (String::new(), String::new());
            value(entries.column(0), i, key, form, &mut k);
            value(entries.column(1), i, of, form, &mut v);
            if !k.starts_with('"') {
                let bare = std::mem::take(&mut k);
                quote(&bare, &mut k);
            }
            (k, v)
        })
        .collect();
    pairs.sort();
    out.push('{');
    for (i, (k, v)) in pairs.iter().enumerate() {
        let _ = write!(out, "{}{k}:{v}", if i > 0 { "," } else { "" });
    }
    out.push('}');
}

/// Whether a value is NULL, which those of the type NULL are without saying it.
pub fn is_null(array: &ArrayRef, row: usize, field: &Field) -> bool {
    array.is_null(row) || field.ty == SqlType::Null
}

/// A value for a terminal or a log line; NULL is shown as such.
pub fn text_value(array: &ArrayRef, row: usize, field: &Field) -> String {
    if array.is_null(row) {
        return "NULL".to_string();
    }
    match &field.ty {
        SqlType::Array(_) | SqlType::Row(_) | SqlType::Map(..) | SqlType::Multiset(_) => {
            let mut out = String::new();
            value(array, row, field, Form::Text, &mut out);
            out
        }
        _ => plain(array, row, field),
    }
}

/// The text of a scalar that is not null.
fn plain(array: &ArrayRef, row: usize, field: &Field) -> String {
    match &field.ty {
        SqlType::Boolean => array.as_boolean().value(row).to_string(),
        SqlType::TinyInt => array.as_primitive::<Int8Type>().value(row).to_string(),
        SqlType::SmallInt => array.as_primitive::<Int16Type>().value(row).to_string(),
        SqlType::Int => array.as_primitive::<Int32Type>().value(row).to_string(),
        SqlType::BigInt => array.as_primitive::<Int64Type>().value(row).to_string(),
        SqlType::Float => java_float(array.as_primitive::<Float32Type>().value(row)),
        SqlType::Double => java_double(array.as_primitive::<Float64Type>().value(row)),
        SqlType::Decimal(_, scale) => decimal_text(array.as_primitive::<Decimal128Type>().value(row), *scale),
        SqlType::Char(_) | SqlType::VarChar(_) => array.as_string_view().value(row).to_string(),
        SqlType::Binary(_) | SqlType::VarBinary(_) => {
            let hex: String = array.as_binary_view().value(row).iter().map(|b| format!("{b:02x}")).collect();
            format!("x'{hex}'")
        }
        SqlType::Date => {
            let mut out = String::new();
            temporal::write_date(array.as_primitive::<Date32Type>().value(row).into(), &mut out);
            out
        }
        SqlType::Time(_) => local_time(i64::from(array.as_primitive::<Time32MillisecondType>().value(row)) * 1_000_000),
        SqlType::Timestamp(p) | SqlType::TimestampLtz(p) => {
            let Ok((days, nanos)) = timestamp_parts(array, row) else {
                return "?".to_string();
            };
            let mut out = String::new();
            temporal::write_date(days, &mut out);
            out.push(' ');
            temporal::write_time(nanos, usize::from(*p), &mut out);
            if matches!(field.ty, SqlType::TimestampLtz(_)) {
                out.push('Z');
            }
            out
        }
        SqlType::IntervalYearMonth => array.as_primitive::<IntervalYearMonthType>().value(row).to_string(),
        SqlType::IntervalDayTime => array.as_primitive::<DurationMillisecondType>().value(row).to_string(),
        _ => String::new(),
    }
}

/// Days and nanoseconds of the day of a timestamp of any unit.
pub(crate) fn timestamp_parts(array: &ArrayRef, row: usize) -> Result<(i64, i64)> {
    use arrow_schema::{DataType, TimeUnit};
    Ok(match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => temporal::split(array.as_primitive::<TimestampMillisecondType>().value(row), 1_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => temporal::split(array.as_primitive::<TimestampMicrosecondType>().value(row), 1_000_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => temporal::split(array.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000_000),
        other => return Err(Error::bug(format!("a timestamp is carried by {other}"))),
    })
}

/// `2026-01-31 23:59:59.123` of epoch milliseconds.
pub fn timestamp_ms(ms: i64) -> String {
    let (days, nanos) = temporal::split(ms, 1_000);
    let mut out = String::new();
    temporal::write_date(days, &mut out);
    out.push(' ');
    temporal::write_time(nanos, 3, &mut out);
    out
}

/// `23:59:59`, with a fraction only where it is not zero.
fn local_time(nanos: i64) -> String {
    let mut out = String::new();
    let digits = match nanos % 1_000_000_000 {
        0 => 0,
        fraction if fraction % 1_000_000 == 0 => 3,
        _ => 9,
    };
    temporal::write_time(nanos, digits, &mut out);
    out
}

/// As java.math.BigDecimal.toString: with an exponent when the value is very small, or the scale negative.
pub(crate) fn java_decimal(unscaled: i128, scale: i32) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let adjusted = digits.len() as i32 - 1 - scale;
    if let Ok(scale) = u8::try_from(scale)
        && adjusted >= -6
    {
        return decimal_text(unscaled, scale);
    }
    let (first, rest) = digits.split_at(1);
    format!(
        "{}{first}{}{rest}E{adjusted:+}",
        if unscaled < 0 { "-" } else { "" },
        if rest.is_empty() { "" } else { "." }
    )
}

/// A JSON string; everything but the five common escapes and other control characters stays as it is.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_get_an_exponent_as_in_java() {
        assert_eq!(java_decimal(27, 9), "2.7E-8");
        assert_eq!(java_decimal(5, 3), "0.005");
        assert_eq!(java_decimal(-12, -2), "-1.2E+3");
    }

    #[test]
    fn times_leave_out_zero_fractions() {
        assert_eq!(local_time(0), "00:00:00");
        assert_eq!(local_time(1_000_000_000), "00:00:01");
        assert_eq!(local_time(1_500_000_000), "00:00:01.500");
    }
}
