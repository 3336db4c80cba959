//! A column that JSON values are parsed into, one per schema field, nested ones included.

use super::JsonOptions;
use super::cursor::{Cursor, DEPTH_MAX, Fault, Parsed};
use super::form::Form;
use super::object::Object;
use super::text::unescape;
use super::timestamp::Timestamps;
use crate::map::map_column;
use crate::validity::Validity;
use crate::views::{ROWS_EXPECTED_MAX, Views};
use arrow_array::types::*;
use arrow_array::{ArrayRef, BooleanArray, ListArray, NullArray, PrimitiveArray, StructArray};
use arrow_buffer::{BooleanBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field as ArrowField, FieldRef};
use millstream_dataflow::temporal;
use millstream_dataflow::text::parse_decimal;
use millstream_dataflow::{Error, Field, Result, SqlType};
use std::sync::Arc;

const MS_OF_DAY: i64 = 86_400_000;

#[derive(Debug)]
pub(super) enum Values {
    Boolean(BooleanBufferBuilder),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Decimal(Vec<i128>, u8, u8),
    Text(Views),
    Bytes(Views),
    Date(Vec<i32>),
    Time(Vec<i32>),
    Timestamp(Box<Timestamps>),
    List(Vec<i32>, Box<Column>, FieldRef),
    Map(Vec<i32>, Box<Column>, Box<Column>, FieldRef),
    Row(Box<Object>, arrow_schema::Fields),
    Null,
}

/// The values of a MULTISET.
pub(super) fn counts() -> Field {
    Field::new("value", SqlType::Int, false)
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) values: Values,
    pub(super) validity: Validity,
    ty: DataType,
    nullable: bool,
    /// A date or time is a number: days since 1970, milliseconds of the day, or units since 1970.
    number: bool,
}

impl Column {
    pub(super) fn new(field: &Field, options: &JsonOptions) -> Result<Column> {
        let ty = field.ty.to_arrow();
        let values = match &field.ty {
            SqlType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            SqlType::TinyInt => Values::I8(Vec::new()),
            SqlType::SmallInt => Values::I16(Vec::new()),
            SqlType::Int => Values::I32(Vec::new()),
            SqlType::BigInt => Values::I64(Vec::new()),
            SqlType::Float => Values::F32(Vec::new()),
            SqlType::Double => Values::F64(Vec::new()),
            SqlType::Decimal(p, s) => Values::Decimal(Vec::new(), *p, *s),
            SqlType::Char(_) | SqlType::VarChar(_) => Values::Text(Views::default()),
            SqlType::Binary(_) | SqlType::VarBinary(_) => Values::Bytes(Views::default()),
            SqlType::Date => Values::Date(Vec::new()),
            SqlType::Time(_) => Values::Time(Vec::new()),
            SqlType::Timestamp(p) | SqlType::TimestampLtz(p) => {
                let timestamps = Timestamps::new(temporal::units_per_second(*p), matches!(field.ty, SqlType::TimestampLtz(_)));
                Values::Timestamp(Box::new(timestamps))
            }
            SqlType::Array(e) => Values::List(vec![0], Box::new(Column::new(e, options)?), Arc::new(e.to_arrow())),
            SqlType::Multiset(e) => return Column::map(field, e, &counts(), options),
            SqlType::Map(k, v) => return Column::map(field, k, v, options),
            SqlType::Row(fields) => {
                let DataType::Struct(arrow) = &ty else {
                    return Err(Error::bug("a ROW is not carried by a struct"));
                };
                Values::Row(Box::new(Object::new(fields, options)?), arrow.clone())
            }
            SqlType::Null => Values::Null,
            SqlType::IntervalYearMonth | SqlType::IntervalDayTime => {
                return Err(Error::sql(format!("column \"{}\": the json format does not read {}", field.name, field.ty)).code("E0302"));
            }
        };
        Ok(Column::of(field, ty, values))
    }
    /// A MAP, or a MULTISET: what is in it, and how often.
    fn map(field: &Field, k: &Field, v: &Field, options: &JsonOptions) -> Result<Column> {
        let ty = field.ty.to_arrow();
        if !matches!(k.ty, SqlType::Char(_) | SqlType::VarChar(_)) {
            return Err(Error::sql(format!("column \"{}\": JSON objects have text keys, {} cannot be read", field.name, field.ty)).code("E0302"));
        }
        let DataType::Map(entries, _) = &ty else {
            return Err(Error::bug("a MAP is not carried by a map"));
        };
        let (keys, of) = (Box::new(Column::new(k, options)?), Box::new(Column::new(v, options)?));
        let values = Values::Map(vec![0], keys, of, Arc::clone(entries));
        Ok(Column::of(field, ty, values))
    }
    fn of(field: &Field, ty: DataType, values: Values) -> Column {
        Column {
            values,
            validity: Validity::default(),
            ty,
            nullable: field.nullable,
            number: false,
        }
    }

    /// Expects this form from now on.
    pub(super) fn expect(&mut self, form: &Form) {
        self.number = matches!(form, Form::Number(_));
        match (&mut self.values, form) {
            (Values::Timestamp(v), form) => v.expect(form),
            (Values::List(_, child, _), Form::List(element)) => child.expect(element),
            (Values::Map(_, _, values, _), Form::Map(value)) => values.expect(value),
            (Values::Row(object, _), Form::Row(forms)) => object.expect(forms),
            _ => {}
        }
    }

    pub(super) fn len(&self) -> usize {
        self.validity.len()
    }

    /// The fields of a ROW.
    pub(super) fn row(&self) -> Option<&Object> {
        match &self.values {
            Values::Row(object, _) => Some(object),
            _ => None,
        }
    }
    pub(super) fn row_mut(&mut self) -> Option<&mut Object> {
        match &mut self.values {
            Values::Row(object, _) => Some(object),
            _ => None,
        }
    }
    /// Appends the value at the cursor. After a [`Fault::Type`] the caller truncates and knows where the value began.
    #[inline]
    pub(super) fn parse(&mut self, c: &mut Cursor<'_>, options: &JsonOptions, scratch: &mut Vec<u8>, depth: u32) -> Parsed<()> {
        if self.parse_plain(c, options) {
            return Ok(());
        }
        self.parse_any(c, options, scratch, depth)
    }

    /// Appends what most records hold, texts without escapes and small whole numbers; anything else leaves all as it was.
    #[inline]
    pub(super) fn parse_plain(&mut self, c: &mut Cursor<'_>, options: &JsonOptions) -> bool {
        match &mut self.values {
            Values::I64(v) => match c.plain_integer() {
                Some(n) => v.push(n),
                None => return false,
            },
            Values::Text(v) if c.peek() == Some(b'"') => match c.plain_string() {
                Some((text, record)) => v.push_part(text, record),
                None => return false,
            },
            Values::Timestamp(v) => {
                if self.number || !v.push_plain(c, options.timestamps) {
                    return false;
                }
            }
            _ => return false,
        }
        self.validity.push(true);
        true
    }

    fn parse_any(&mut self, c: &mut Cursor<'_>, options: &JsonOptions, scratch: &mut Vec<u8>, depth: u32) -> Parsed<()> {
        if c.peek() == Some(b'n') {
            return if c.eat_word(b"null") {
                self.take_null()
            } else {
                Err(Fault::Malformed("no value"))
            };
        }
        match &mut self.values {
            Values::I64(v) => v.push(integer(c, scratch)?),
            Values::I32(v) => v.push(i32::try_from(integer(c, scratch)?).map_err(|_| OUT_OF_RANGE)?),
            Values::I16(v) => v.push(i16::try_from(integer(c, scratch)?).map_err(|_| OUT_OF_RANGE)?),
            Values::I8(v) => v.push(i8::try_from(integer(c, scratch)?).map_err(|_| OUT_OF_RANGE)?),
            Values::Text(v) => match c.peek() {
                Some(b'"') => {
                    let (raw, escaped) = c.string()?;
                    if escaped {
                        unescape(raw.as_bytes(), scratch)?;
                        v.push_text(utf8(scratch)?);
                    } else {
                        v.push_text(raw);
                    }
                }
                // Numbers, booleans, objects and arrays become their own JSON text.
                _ => {
                    let start = c.at;
                    c.skip(depth)?;
                    v.push_text(c.part(start, c.at)?);
                }
            },
            Values::Timestamp(v) if self.number => v.push_number(integer(c, scratch)?)?,
            Values::Timestamp(v) => v.push(scalar(c, scratch)?, options.timestamps)?,
            Values::F64(v) => v.push(float(c, scratch)?),
            Values::F32(v) => v.push(float(c, scratch)? as f32),
            Values::Boolean(v) => match c.peek() {
                Some(b't') if c.eat_word(b"true") => v.append(true),
                Some(b'f') if c.eat_word(b"false") => v.append(false),
                Some(b'"') => v.append(scalar(c, scratch)?.trim_ascii().eq_ignore_ascii_case(b"true")),
                _ => return Err(Fault::Type("no boolean")),
            },
            Values::Decimal(v, precision, scale) => match parse_decimal(scalar(c, scratch)?, *scale).ok_or(Fault::Type("no decimal number"))? {
                d if d.unsigned_abs() < 10u128.pow(u32::from(*precision)) => v.push(d),
                // As in Flink: a number that is too large for the type is NULL.
                _ => return self.take_null(),
            },
            Values::Date(v) if self.number => v.push(i32::try_from(integer(c, scratch)?).map_err(|_| OUT_OF_RANGE)?),
            Values::Date(v) => match temporal::parse_date(scalar(c, scratch)?) {
                Some((days, b"")) => v.push(days as i32),
                _ => return Err(Fault::Type("no date of the form yyyy-MM-dd")),
            },
            Values::Time(v) if self.number => match integer(c, scratch)? {
                ms @ 0..MS_OF_DAY => v.push(ms as i32),
                _ => return Err(OUT_OF_RANGE),
            },
            Values::Time(v) => {
                let text = scalar(c, scratch)?;
                match temporal::parse_time(text.strip_suffix(b"Z").unwrap_or(text)) {
                    Some((nanos, b"")) => v.push((nanos / 1_000_000) as i32),
                    _ => return Err(Fault::Type("no time of the form HH:mm:ss")),
                }
            }
            Values::Bytes(v) => {
                if c.peek() != Some(b'"') {
                    return Err(Fault::Type("no base64 text"));
                }
                let bytes = crate::base64::decode(scalar(c, scratch)?).ok_or(Fault::Type("no base64 text"))?;
                v.push_bytes(&bytes);
            }
            Values::Row(object, _) => {
                if c.peek() != Some(b'{') {
                    return Err(Fault::Type("no object"));
                }
                if depth >= DEPTH_MAX {
                    return Err(Fault::Depth);
                }
                object.parse(c, options, scratch, depth + 1)?;
            }
            Values::List(offsets, child, _) => {
                if !c.eat(b'[') {
                    return Err(Fault::Type("no array"));
                }
                if depth >= DEPTH_MAX {
                    return Err(Fault::Depth);
                }
                c.space();
                if !c.eat(b']') {
                    loop {
                        c.space();
                        parse_or_null(child, c, options, scratch, depth + 1)?;
                        c.space();
                        if c.eat(b']') {
                            break;
                        }
                        if !c.eat(b',') {
                            return Err(Fault::Malformed("no comma or end of an array"));
                        }
                    }
                }
                offsets.push(i32::try_from(child.len()).map_err(|_| OUT_OF_RANGE)?);
            }
            Values::Map(offsets, keys, values, _) => {
                if !c.eat(b'{') {
                    return Err(Fault::Type("no object"));
                }
                if depth >= DEPTH_MAX {
                    return Err(Fault::Depth);
                }
                c.space();
                if !c.eat(b'}') {
                    loop {
                        c.space();
                        if c.peek() != Some(b'"') {
                            return Err(Fault::Malformed("no field name"));
                        }
                        keys.parse(c, options, scratch, depth + 1)?;
                        c.space();
                        if !c.eat(b':') {
                            return Err(Fault::Malformed("no colon after a field name"));
                        }
                        c.space();
                        parse_or_null(values, c, options, scratch, depth + 1)?;
                        c.space();
                        if c.eat(b'}') {
                            break;
                        }
                        if !c.eat(b',') {
                            return Err(Fault::Malformed("no comma or end of an object"));
                        }
                    }
                }
                offsets.push(i32::try_from(keys.len()).map_err(|_| OUT_OF_RANGE)?);
            }
            Values::Null => {
                c.skip(depth)?;
                return self.take_null();
            }
        }
        self.validity.push(true);
        Ok(())
    }

    /// A NULL that came in the data.
    fn take_null(&mut self) -> Parsed<()> {
        if !self.nullable {
            return Err(Fault::Type("NULL for what is NOT NULL"));
        }
        self.push_null();
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        match &mut self.values {
            Values::Boolean(v) => v.append(false),
            Values::I8(v) => v.push(0),
            Values::I16(v) => v.push(0),
            Values::I32(v) | Values::Date(v) | Values::Time(v) => v.push(0),
            Values::I64(v) => v.push(0),
            Values::Timestamp(v) => v.values.push(0),
            Values::F32(v) => v.push(0.0),
            Values::F64(v) => v.push(0.0),
            Values::Decimal(v, ..) => v.push(0),
            Values::Text(v) | Values::Bytes(v) => v.push_empty(),
            Values::List(offsets, ..) | Values::Map(offsets, ..) => offsets.push(offsets[offsets.len() - 1]),
            Values::Row(object, _) => object.push_null(),
            Values::Null => {}
        }
        self.validity.push(false);
    }

    /// Forgets all rows from `len` on, also those a failed parse left half done.
    pub(super) fn truncate(&mut self, len: usize) {
        match &mut self.values {
            Values::Boolean(v) => v.truncate(len),
            Values::I8(v) => v.truncate(len),
            Values::I16(v) => v.truncate(len),
            Values::I32(v) | Values::Date(v) | Values::Time(v) => v.truncate(len),
            Values::I64(v) => v.truncate(len),
            Values::Timestamp(v) => v.values.truncate(len),
            Values::F32(v) => v.truncate(len),
            Values::F64(v) => v.truncate(len),
            Values::Decimal(v, ..) => v.truncate(len),
            Values::Text(v) | Values::Bytes(v) => v.truncate(len),
            Values::List(offsets, child, _) => {
                offsets.truncate(len + 1);
                child.truncate(offsets[len] as usize);
            }
            Values::Map(offsets, keys, values, _) => {
                offsets.truncate(len + 1);
                keys.truncate(offsets[len] as usize);
                values.truncate(offsets[len] as usize);
            }
            Values::Row(object, _) => object.truncate(len),
            Values::Null => {}
        }
        self.validity.truncate(len);
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        let rows = self.validity.len();
        let nulls = self.validity.finish();
        macro_rules! primitive {
            ($t:ty, $v:expr) => {
                Arc::new(
                    PrimitiveArray::<$t>::new(
                        ScalarBuffer::from(std::mem::replace($v, Vec::with_capacity(rows.min(ROWS_EXPECTED_MAX)))),
                        nulls,
                    )
                    .with_data_type(self.ty.clone()),
                ) as ArrayRef
            };
        }
        Ok(match &mut self.values {
            Values::Boolean(v) => Arc::new(BooleanArray::new(v.finish(), nulls)),
            Values::I8(v) => primitive!(Int8Type, v),
            Values::I16(v) => primitive!(Int16Type, v),
            Values::I32(v) => primitive!(Int32Type, v),
            Values::I64(v) => primitive!(Int64Type, v),
            Values::F32(v) => primitive!(Float32Type, v),
            Values::F64(v) => primitive!(Float64Type, v),
            Values::Decimal(v, ..) => primitive!(Decimal128Type, v),
            Values::Date(v) => primitive!(Date32Type, v),
            Values::Time(v) => primitive!(Time32MillisecondType, v),
            Values::Timestamp(v) => match v.per_second {
                1_000 => primitive!(TimestampMillisecondType, &mut v.values),
                1_000_000 => primitive!(TimestampMicrosecondType, &mut v.values),
                _ => primitive!(TimestampNanosecondType, &mut v.values),
            },
            Values::Text(v) => Arc::new(v.finish_text(nulls)?),
            Values::Bytes(v) => Arc::new(v.finish_bytes(nulls)),
            Values::List(offsets, child, field) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])));
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, child.finish()?, nulls)?)
            }
            Values::Map(offsets, keys, values, entries) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])));
                Arc::new(map_column(entries, offsets, keys.finish()?, values.finish()?, nulls)?)
            }
            Values::Row(object, fields) => {
                let columns = object.finish()?;
                let nullable: arrow_schema::Fields = fields.iter().map(|f: &Arc<ArrowField>| Arc::clone(f)).collect();
                Arc::new(StructArray::try_new_with_length(nullable, columns, nulls, rows)?)
            }
            Values::Null => Arc::new(NullArray::new(rows)),
        })
    }
}

/// Parses into a column; with `ignore-parse-errors` a value of the wrong type becomes NULL.
#[inline]
pub(super) fn parse_or_null(column: &mut Column, c: &mut Cursor<'_>, options: &JsonOptions, scratch: &mut Vec<u8>, depth: u32) -> Parsed<()> {
    let (start, rows) = (c.at, column.len());
    match column.parse(c, options, scratch, depth) {
        Err(Fault::Type(_)) if options.ignore_parse_errors && column.nullable => {
            column.truncate(rows);
            c.at = start;
            c.skip(depth)?;
            column.push_null();
            Ok(())
        }
        other => other,
    }
}

pub(super) const OUT_OF_RANGE: Fault = Fault::Type("a number out of the type's range");

fn utf8(bytes: &[u8]) -> Parsed<&str> {
    std::str::from_utf8(bytes).map_err(|_| Fault::Utf8)
}

/// The text of a string, number or boolean.
fn scalar<'s, 'a: 's>(c: &mut Cursor<'a>, scratch: &'s mut Vec<u8>) -> Parsed<&'s [u8]> {
    match c.peek() {
        Some(b'"') => {
            let (raw, escaped) = c.string()?;
            if !escaped {
                return Ok(raw.as_bytes());
            }
            unescape(raw.as_bytes(), scratch)?;
            Ok(scratch)
        }
        Some(b'-' | b'0'..=b'9') => c.number(),
        Some(b't') if c.eat_word(b"true") => Ok(b"true"),
        Some(b'f') if c.eat_word(b"false") => Ok(b"false"),
        Some(b'{' | b'[') => Err(Fault::Type("an object or array")),
        _ => Err(Fault::Malformed("no value")),
    }
}

/// An integer, or a text that holds one.
#[inline]
fn integer(c: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Parsed<i64> {
    if let Some(n) = c.short_integer() {
        return Ok(n);
    }
    let is_number = c.peek() != Some(b'"');
    let text = scalar(c, scratch)?;
    let text = std::str::from_utf8(text.trim_ascii()).ok();
    text.and_then(|t| t.parse().ok().or_else(|| whole(t).filter(|_| is_number)))
        .ok_or(Fault::Type("no whole number in the type's range"))
}

/// The whole number that a JSON number is although it is written as another one: `1.0`, `1.5e3`.
#[cold]
fn whole(text: &str) -> Option<i64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{before}{fraction}");
    let digits = all.trim_end_matches('0');
    if digits.trim_start_matches(['-', '0']).is_empty() {
        return Some(0);
    }
    // Zeros to append to the digits.
    let exponent: i64 = exponent.parse().ok()?;
    let dropped = i64::try_from(all.len() - digits.len()).ok()? - i64::try_from(fraction.len()).ok()?;
    match usize::try_from(exponent.checked_add(dropped)?).ok()? {
        // More have no room.
        20.. => None,
        zeros => format!("{digits}{}", "0".repeat(zeros)).parse().ok(),
    }
}

/// Where in an array or a map the value is that the column's type has no room for: `[2]`, its type, and the byte it begins at. The innermost one.
///
/// - `at`: where the array or map begins
#[cold]
pub(super) fn culprit(record: &[u8], at: usize, ty: &SqlType, options: &JsonOptions) -> Option<(String, SqlType, usize)> {
    let value = match (ty, record.get(at)) {
        (SqlType::Array(element), Some(b'[')) => element,
        (SqlType::Map(_, value), Some(b'{')) => value,
        _ => return None,
    };
    let (mut c, mut scratch) = (Cursor::new(record), Vec::new());
    c.at = at + 1;
    let mut number = 0;
    loop {
        c.space();
        number += 1;
        let mut name = format!("[{number}]");
        if matches!(ty, SqlType::Map(..)) {
            if c.peek() != Some(b'"') {
                return None;
            }
            name = format!("['{}']", c.string().ok()?.0);
            c.space();
            c.eat(b':');
            c.space();
        }
        let start = c.at;
        let mut column = Column::new(value, options).ok()?;
        if column.parse(&mut c, options, &mut scratch, 1).is_err() {
            let (name, ty, at) = match column.row().and_then(Object::failed) {
                Some((field, inner, at)) => (format!("{name}.{field}"), inner.ty.clone(), at),
                None => (name, value.ty.clone(), start),
            };
            return Some(match culprit(record, at, &ty, options) {
                Some((path, ty, at)) => (name + &path, ty, at),
                None => (name, ty, at),
            });
        }
        c.space();
        if !c.eat(b',') {
            return None;
        }
    }
}

fn float(c: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Parsed<f64> {
    let text = scalar(c, scratch)?.trim_ascii();
    std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).ok_or(Fault::Type("no number"))
}
