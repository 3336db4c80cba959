//! Rows to JSON lines, in Flink's form.

use super::column::counts;
use super::{JsonOptions, TimestampStandard};
use crate::registry::FramedEncoder;
use crate::render::java_double;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::{DataType, TimeUnit};
use millstream_dataflow::temporal;
use millstream_dataflow::{Batch, Encoder, Error, Field, RecordEncoder, Records, Result, Schema, SqlType};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes one object per line or record.
pub struct JsonEncoder {
    schema: Schema,
    options: JsonOptions,
}

impl JsonEncoder {
    /// # Errors
    /// `Sql` for a column type that JSON cannot hold.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        if let Some(f) = schema.fields.iter().find(|f| !holds(&f.ty)) {
            return Err(Error::sql(format!("column \"{}\": the json format does not write {}", f.name, f.ty)).code("E0302"));
        }
        Ok(JsonEncoder {
            schema: schema.clone(),
            options: JsonOptions::checked(options)?,
        })
    }
}

/// Whether JSON has a form for all parts of a type; keys are texts.
pub(super) fn holds(ty: &SqlType) -> bool {
    match ty {
        SqlType::IntervalYearMonth | SqlType::IntervalDayTime => false,
        SqlType::Multiset(key) => matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)),
        SqlType::Map(key, value) => matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)) && holds(&value.ty),
        SqlType::Array(element) => holds(&element.ty),
        SqlType::Row(fields) => fields.iter().all(|f| holds(&f.ty)),
        _ => true,
    }
}

impl JsonEncoder {
    /// Writes dates and times as numbers; the caller knows that all types have such a form.
    pub(super) fn of_numbers(schema: &Schema) -> JsonEncoder {
        let options = JsonOptions {
            numbers: true,
            ..JsonOptions::new(&BTreeMap::new())
        };
        JsonEncoder {
            schema: schema.clone(),
            options,
        }
    }
    /// Each row's object, as text.
    fn each(&self, batch: &Batch, mut take: impl FnMut(&str)) -> Result<()> {
        let mut object_text = String::new();
        for row in 0..batch.num_rows() {
            object_text.clear();
            object(batch.data.columns(), &self.schema.fields, row, &self.options, &mut object_text)?;
            take(&object_text);
        }
        Ok(())
    }
}

impl FramedEncoder for JsonEncoder {
    fn encode_framed(&mut self, frame: &[u8], batch: &Batch, out: &mut Records) -> Result<()> {
        self.each(batch, |object| {
            out.bytes.extend_from_slice(frame);
            out.bytes.extend_from_slice(object.as_bytes());
            out.end();
        })
    }
}

impl RecordEncoder for JsonEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        self.encode_framed(&[], batch, out)
    }
}

impl Encoder for JsonEncoder {
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        self.each(batch, |object| {
            out.extend_from_slice(object.as_bytes());
            out.push(b'\n');
        })
    }
    fn buffered(&self) -> usize {
        0
    }
    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

pub(super) fn object(columns: &[ArrayRef], fields: &[Field], row: usize, options: &JsonOptions, out: &mut String) -> Result<()> {
    out.push('{');
    let mut first = true;
    for (column, field) in columns.iter().zip(fields) {
        if options.skip_nulls && column.is_null(row) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        quote(&field.name, out);
        out.push(':');
        value(column, row, field, options, out)?;
    }
    out.push('}');
    Ok(())
}

fn value(array: &ArrayRef, row: usize, field: &Field, options: &JsonOptions, out: &mut String) -> Result<()> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match &field.ty {
        SqlType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        SqlType::TinyInt => integer(array.as_primitive::<Int8Type>().value(row), out),
        SqlType::SmallInt => integer(array.as_primitive::<Int16Type>().value(row), out),
        SqlType::Int => integer(array.as_primitive::<Int32Type>().value(row), out),
        SqlType::BigInt => integer(array.as_primitive::<Int64Type>().value(row), out),
        SqlType::Float => float(&crate::render::java_float(array.as_primitive::<Float32Type>().value(row)), out),
        SqlType::Double => float(&java_double(array.as_primitive::<Float64Type>().value(row)), out),
        SqlType::Decimal(_, scale) => {
            let plain = crate::render::decimal_text(array.as_primitive::<Decimal128Type>().value(row), *scale);
            // Jackson writes a decimal as BigDecimal's text: plain unless it is very small.
            out.push_str(&if options.plain_decimals {
                plain
            } else {
                crate::render::java_decimal(array.as_primitive::<Decimal128Type>().value(row), (*scale).into())
            });
        }
        SqlType::Char(_) | SqlType::VarChar(_) => quote(array.as_string_view().value(row), out),
        SqlType::Binary(_) | SqlType::VarBinary(_) => quote(&crate::base64::encode(array.as_binary_view().value(row)), out),
        SqlType::Date if options.numbers => integer(array.as_primitive::<Date32Type>().value(row), out),
        SqlType::Time(_) if options.numbers => integer(array.as_primitive::<Time32MillisecondType>().value(row), out),
        SqlType::Timestamp(_) | SqlType::TimestampLtz(_) if options.numbers => integer(units(array, row)?, out),
        SqlType::Date => {
            out.push('"');
            temporal::write_date(array.as_primitive::<Date32Type>().value(row).into(), out);
            out.push('"');
        }
        SqlType::Time(_) => {
            let nanos = i64::from(array.as_primitive::<Time32MillisecondType>().value(row)) * 1_000_000;
            out.push('"');
            temporal::write_time(nanos, 0, out);
            fraction(nanos % 1_000_000_000, out);
            out.push('"');
        }
        SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => {
            let (days, nanos) = crate::render::timestamp_parts(array, row)?;
            out.push('"');
            temporal::write_date(days, out);
            out.push(if options.timestamps == TimestampStandard::Iso8601 { 'T' } else { ' ' });
            temporal::write_time(nanos, 0, out);
            fraction(nanos % 1_000_000_000, out);
            if matches!(field.ty, SqlType::TimestampLtz(_)) {
                out.push('Z');
            }
            out.push('"');
        }
        SqlType::Array(element) => {
            let values = array.as_list::<i32>().value(row);
            out.push('[');
            for i in 0..values.len() {
                if i > 0 {
                    out.push(',');
                }
                value(&values, i, element, options, out)?;
            }
            out.push(']');
        }
        SqlType::Map(..) | SqlType::Multiset(_) => {
            let counts = counts();
            let of = if let SqlType::Map(_, of) = &field.ty { of } else { &counts };
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0).as_string_view_opt(), entries.column(1));
            let keys = keys.ok_or_else(|| Error::data("a MAP without text keys cannot be written as JSON").code("E0704"))?;
            out.push('{');
            let mut first = true;
            for i in 0..entries.len() {
                let key = match (keys.is_null(i), &options.null_key) {
                    (false, _) => keys.value(i),
                    (true, Some(Some(literal))) => literal,
                    (true, Some(None)) => continue,
                    (true, None) => {
                        return Err(Error::data(format!("column \"{}\": a MAP has a NULL key", field.name))
                            .code("E0704")
                            .hint("set 'json.map-null-key.mode' to DROP or LITERAL"));
                    }
                };
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                value(values, i, of, options, out)?;
            }
            out.push('}');
        }
        SqlType::Row(fields) => object(array.as_struct().columns(), fields, row, options, out)?,
        SqlType::Null => out.push_str("null"),
        other => return Err(Error::bug(format!("{other} reached the JSON encoder"))),
    }
    Ok(())
}

/// A timestamp in its carrier's units.
fn units(array: &ArrayRef, row: usize) -> Result<i64> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => Ok(array.as_primitive::<TimestampMillisecondType>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        other => Err(Error::bug(format!("a timestamp carried by {other} became a number"))),
    }
}

/// JSON has no infinities: Jackson writes them as strings.
fn float(text: &str, out: &mut String) {
    if text.ends_with(|c: char| c.is_ascii_digit()) {
        out.push_str(text)
    } else {
        quote(text, out)
    }
}

/// A whole number, in digits.
#[inline]
pub(crate) fn integer(number: impl itoa::Integer, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// `.123` without trailing zeros; nothing for whole seconds.
pub(crate) fn fraction(nanos: i64, out: &mut String) {
    if nanos > 0 {
        out.push('.');
    }
    let (mut rest, mut unit) = (nanos, 100_000_000);
    while rest > 0 {
        out.push(char::from(b'0' + (rest / unit) as u8));
        (rest, unit) = (rest % unit, unit / 10);
    }
}

/// A JSON string.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
