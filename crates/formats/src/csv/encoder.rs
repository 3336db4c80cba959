//! Rows to lines, as Flink writes them.

use super::quoting::Quoting;
use super::{CsvOptions, check_types};
use crate::cells::{self, Cells, Values};
use crate::json::encoder::{fraction, integer};
use crate::render::java_decimal;
use millstream_dataflow::text::{decimal_text, java_double, java_float};
use millstream_dataflow::{Batch, Encoder, Error, Field, RecordEncoder, Records, Result, Schema, SqlType, temporal};
use std::collections::BTreeMap;

/// All that whole numbers are made of.
const OF_NUMBERS: &[u8] = b"-0123456789";

/// Writes lines.
pub struct CsvEncoder {
    schema: Schema,
    options: CsvOptions,
    quoting: Quoting,
    /// Per column, whether its values are never quoted.
    spared: Vec<bool>,
}

impl CsvEncoder {
    /// # Errors
    /// `Sql` for columns that a field does not hold, `Config` for options that are no character.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        check_types(schema)?;
        let options = CsvOptions::new(options)?;
        let quoting = Quoting::new(&options, schema.fields.len());
        let spared = |f: &Field| is_whole(&f.ty) && quoting.spares(OF_NUMBERS);
        Ok(CsvEncoder {
            schema: schema.clone(),
            spared: schema.fields.iter().map(spared).collect(),
            quoting,
            options,
        })
    }

    /// Each row's line, without an end.
    fn each(&self, batch: &Batch, mut take: impl FnMut(&str)) -> Result<()> {
        let columns = cells::of_batch(batch, &self.schema)?;
        let mut line = String::new();
        for row in 0..batch.num_rows() {
            line.clear();
            for (i, (column, field)) in columns.iter().zip(&self.schema.fields).enumerate() {
                if i > 0 {
                    line.push(char::from(self.options.dialect.delimiter));
                }
                let (start, is_null) = (line.len(), column.is_null(row));
                self.value(column, row, field, &mut line)?;
                if is_null || !self.spared[i] {
                    self.quoting.protect(&mut line, start, !is_null && is_text(&field.ty));
                }
            }
            take(&line);
        }
        Ok(())
    }

    /// A value, whose parts nothing quotes.
    #[inline]
    fn value(&self, column: &Cells<'_>, row: usize, field: &Field, out: &mut String) -> Result<()> {
        match (&column.values, &field.ty) {
            _ if column.is_null(row) => self.scalar(column, row, field, out),
            (Values::List(offsets, values), SqlType::Array(element)) => {
                let elements = offsets[row] as usize..offsets[row + 1] as usize;
                elements.enumerate().try_for_each(|(i, at)| self.part(i, values, at, element, out))
            }
            (Values::Row(parts), SqlType::Row(fields)) => {
                let parts = parts.iter().zip(fields);
                parts.enumerate().try_for_each(|(i, (part, f))| self.part(i, part, row, f, out))
            }
            _ => self.scalar(column, row, field, out),
        }
    }

    fn part(&self, index: usize, column: &Cells<'_>, row: usize, field: &Field, out: &mut String) -> Result<()> {
        if index > 0 {
            out.push(char::from(self.options.elements));
        }
        self.scalar(column, row, field, out)
    }

    #[inline]
    fn scalar(&self, column: &Cells<'_>, row: usize, field: &Field, out: &mut String) -> Result<()> {
        if column.is_null(row) {
            out.push_str(self.options.null_literal.as_deref().unwrap_or_default());
            return Ok(());
        }
        match (&column.values, &field.ty) {
            (Values::Text(v), _) => out.push_str(v.value(row)),
            (Values::I64(v), SqlType::Timestamp(p) | SqlType::TimestampLtz(p)) => {
                let (days, nanos) = temporal::split(v[row], temporal::units_per_second(*p));
                temporal::write_date(days, out);
                out.push(' ');
                time(nanos, out);
                if matches!(field.ty, SqlType::TimestampLtz(_)) {
                    out.push('Z');
                }
            }
            (Values::I32(v), SqlType::Date) => temporal::write_date(v[row].into(), out),
            (Values::I32(v), SqlType::Time(_)) => time(i64::from(v[row]) * 1_000_000, out),
            (Values::I64(v), _) => integer(v[row], out),
            (Values::I32(v), _) => integer(v[row], out),
            (Values::I16(v), _) => integer(v[row], out),
            (Values::I8(v), _) => integer(v[row], out),
            (Values::F64(v), _) => out.push_str(&java_double(v[row])),
            (Values::F32(v), _) => out.push_str(&java_float(v[row])),
            (Values::Decimal(v), SqlType::Decimal(_, scale)) => out.push_str(&self.decimal(v[row], *scale)),
            (Values::Boolean(v), _) => out.push_str(if v.value(row) { "true" } else { "false" }),
            (Values::Bytes(v), _) => out.push_str(&crate::base64::encode(v.value(row))),
            (Values::Null, _) => {}
            (_, other) => return Err(Error::bug(format!("{other} reached the CSV encoder"))),
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
}

/// Whether Flink looks at what stands in a value before it writes it without quotes.
fn is_text(ty: &SqlType) -> bool {
    use SqlType as T;
    !matches!(
        ty,
        T::Boolean | T::TinyInt | T::SmallInt | T::Int | T::BigInt | T::Float | T::Double | T::Decimal(..) | T::Null
    )
}

/// Whole numbers hold digits and a sign only.
fn is_whole(ty: &SqlType) -> bool {
    matches!(ty, SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt)
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
