//! Rows to lines, as Flink writes them.

use super::{CsvOptions, check_types};
use crate::json::encoder::fraction;
use crate::render::{java_decimal, timestamp_parts};
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, cast::AsArray};
use millstream_dataflow::text::decimal_text;
use millstream_dataflow::{Batch, Encoder, Field, RecordEncoder, Records, Result, Schema, SqlType, temporal};
use std::collections::BTreeMap;

/// Longer texts are quoted without a look at them.
const LOOKED_AT: usize = 24;

/// Writes lines.
pub struct CsvEncoder {
    schema: Schema,
    options: CsvOptions,
    /// Texts with smaller bytes are quoted, and those with this one.
    plain_from: u8,
    quoted: u8,
}

impl CsvEncoder {
    /// # Errors
    /// `Sql` for columns that a field does not hold, `Config` for options that are no character.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        check_types(schema)?;
        let options = CsvOptions::new(options)?;
        let special = [Some(options.dialect.delimiter), options.dialect.quote, Some(b'\r')];
        Ok(CsvEncoder {
            schema: schema.clone(),
            plain_from: special.into_iter().flatten().max().unwrap_or_default() + 1,
            quoted: options.dialect.escape.unwrap_or(b'\\'),
            options,
        })
    }

    /// Each row's line, without an end.
    fn each(&self, batch: &Batch, mut take: impl FnMut(&str)) -> Result<()> {
        let (mut line, mut text) = (String::new(), String::new());
        for row in 0..batch.num_rows() {
            line.clear();
            for (i, (column, field)) in batch.data.columns().iter().zip(&self.schema.fields).enumerate() {
                if i > 0 {
                    line.push(char::from(self.options.dialect.delimiter));
                }
                text.clear();
                self.value(column, row, field, &mut text)?;
                self.append(&text, is_text(&field.ty) && !column.is_null(row), &mut line);
            }
            take(&line);
        }
        Ok(())
    }

    /// A value, whose parts nothing quotes.
    fn value(&self, array: &ArrayRef, row: usize, field: &Field, out: &mut String) -> Result<()> {
        match &field.ty {
            _ if array.is_null(row) => self.scalar(array, row, field, out),
            SqlType::Array(element) => {
                let values = array.as_list::<i32>().value(row);
                (0..values.len()).try_for_each(|i| self.part(i, &values, i, element, out))
            }
            SqlType::Row(fields) => {
                let parts = array.as_struct().columns().iter().zip(fields);
                parts.enumerate().try_for_each(|(i, (part, f))| self.part(i, part, row, f, out))
            }
            _ => self.scalar(array, row, field, out),
        }
    }

    fn part(&self, index: usize, array: &ArrayRef, row: usize, field: &Field, out: &mut String) -> Result<()> {
        if index > 0 {
            out.push(char::from(self.options.elements));
        }
        self.scalar(array, row, field, out)
    }

    fn scalar(&self, array: &ArrayRef, row: usize, field: &Field, out: &mut String) -> Result<()> {
        if array.is_null(row) {
            out.push_str(self.options.null_literal.as_deref().unwrap_or_default());
            return Ok(());
        }
        match &field.ty {
            SqlType::Char(_) | SqlType::VarChar(_) => out.push_str(array.as_string_view().value(row)),
            SqlType::Binary(_) | SqlType::VarBinary(_) => out.push_str(&crate::base64::encode(array.as_binary_view().value(row))),
            SqlType::Decimal(_, scale) => out.push_str(&self.decimal(array.as_primitive::<Decimal128Type>().value(row), *scale)),
            SqlType::Time(_) => time(i64::from(array.as_primitive::<Time32MillisecondType>().value(row)) * 1_000_000, out),
            SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => {
                let (days, nanos) = timestamp_parts(array, row)?;
                temporal::write_date(days, out);
                out.push(' ');
                time(nanos, out);
                if matches!(field.ty, SqlType::TimestampLtz(_)) {
                    out.push('Z');
                }
            }
            _ => out.push_str(&crate::render::text_value(array, row, field)),
        }
        Ok(())
    }

    /// Without zeros at its end.
    fn decimal(&self, mut unscaled: i128, scale: u8) -> String {
        if unscaled == 0 {
            return "0".to_string();
        }
        let mut scale = i32::from(scale);
        while unscaled % 10 == 0 && (self.options.exponents || scale > 0) {
            unscaled /= 10;
            scale -= 1;
        }
        match self.options.exponents {
            true => java_decimal(unscaled, scale),
            false => decimal_text(unscaled, scale.unsigned_abs() as u8),
        }
    }

    /// Appends a field.
    fn append(&self, text: &str, is_text: bool, line: &mut String) {
        let dialect = &self.options.dialect;
        let special = |b: u8| b == dialect.delimiter || matches!(b, b'\n' | b'\r') || Some(b) == dialect.quote || Some(b) == dialect.escape;
        let Some(quote) = dialect.quote else {
            for c in text.chars() {
                let Some(escape) = dialect.escape.filter(|_| u8::try_from(c).is_ok_and(special)) else {
                    line.push(c);
                    continue;
                };
                line.push(char::from(escape));
                // As letters: a carriage return at a record's end would be taken for a part of the line end.
                line.push(match c {
                    '\n' => 'n',
                    '\r' => 'r',
                    other => other,
                });
            }
            return;
        };
        let long = || text.encode_utf16().count() > LOOKED_AT;
        let is_quoted = text.bytes().any(special)
            || (is_text && (text.bytes().any(|b| b < self.plain_from || b == self.quoted) || long()))
            || (self.options.comments && text.starts_with('#'))
            // An empty line would be no record.
            || (text.is_empty() && self.schema.fields.len() == 1);
        if !is_quoted {
            line.push_str(text);
            return;
        }
        line.push(char::from(quote));
        for c in text.chars() {
            // Doubled, both are meant as they are.
            if u8::try_from(c).is_ok_and(|b| b == quote || Some(b) == dialect.escape) {
                line.push(c);
            }
            line.push(c);
        }
        line.push(char::from(quote));
    }
}

/// Whether Flink looks at what stands in a value before it writes it without quotes.
fn is_text(ty: &SqlType) -> bool {
    use SqlType as T;
    !matches!(
        ty,
        T::Boolean | T::TinyInt | T::SmallInt | T::Int | T::BigInt | T::Float | T::Double | T::Decimal(..) | T::Null
    )
}

/// `23:59:59.12`: a fraction only where there is one.
fn time(nanos: i64, out: &mut String) {
    temporal::write_time(nanos, 0, out);
    fraction(nanos % 1_000_000_000, out);
}

impl RecordEncoder for CsvEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        self.each(batch, |line| {
            out.bytes.extend_from_slice(line.as_bytes());
            out.end();
        })
    }
}

impl Encoder for CsvEncoder {
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        self.each(batch, |line| {
            out.extend_from_slice(line.as_bytes());
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
