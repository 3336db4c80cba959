//! Casts to and from character strings.

use super::{epoch, refused, step_of, unit_of};
use crate::types::is_timestamp;
use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, StringViewArray};
use millstream_dataflow::temporal;
use millstream_dataflow::text::{decimal_text, java_double, java_float, parse_decimal};
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

/// CHAR(n) and VARCHAR(n) to another length: too long ones are cut, CHAR is padded.
pub(super) fn resize(array: &ArrayRef, to: &SqlType) -> Result<ArrayRef> {
    let strings = array.as_string_view();
    let (length, pad) = match to {
        SqlType::Char(n) => (*n as usize, true),
        SqlType::VarChar(n) => (*n as usize, false),
        _ => return Err(Error::bug("resize to a type that is no text")),
    };
    if length == i32::MAX as usize {
        return Ok(Arc::clone(array));
    }
    let fit = |s: &str| {
        let mut cut: String = s.chars().take(length).collect();
        if pad {
            cut.extend(std::iter::repeat_n(' ', length.saturating_sub(cut.chars().count())));
        }
        cut
    };
    Ok(Arc::new(strings.iter().map(|s| s.map(fit)).collect::<StringViewArray>()))
}

/// Any scalar as Flink writes it: `TRUE`, `1.0E20`, `2026-01-01 00:00:00.120`.
pub(super) fn to_text(array: &ArrayRef, from: &SqlType, to: &SqlType) -> Result<ArrayRef> {
    let mut out = StringViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            out.append_null();
        } else {
            out.append_value(text_of(array, row, from)?);
        }
    }
    resize(&(Arc::new(out.finish()) as ArrayRef), to)
}

fn text_of(array: &ArrayRef, row: usize, from: &SqlType) -> Result<String> {
    let mut out = String::new();
    match from {
        SqlType::Boolean => out += if array.as_boolean().value(row) { "TRUE" } else { "FALSE" },
        SqlType::TinyInt => out = array.as_primitive::<Int8Type>().value(row).to_string(),
        SqlType::SmallInt => out = array.as_primitive::<Int16Type>().value(row).to_string(),
        SqlType::Int => out = array.as_primitive::<Int32Type>().value(row).to_string(),
        SqlType::BigInt => out = array.as_primitive::<Int64Type>().value(row).to_string(),
        SqlType::Float => out = java_float(array.as_primitive::<Float32Type>().value(row)),
        SqlType::Double => out = java_double(array.as_primitive::<Float64Type>().value(row)),
        SqlType::Decimal(_, s) => out = decimal_text(array.as_primitive::<Decimal128Type>().value(row), *s),
        SqlType::Date => temporal::write_date(array.as_primitive::<Date32Type>().value(row).into(), &mut out),
        SqlType::Time(p) => temporal::write_time(
            i64::from(array.as_primitive::<Time32MillisecondType>().value(row)) * 1_000_000,
            usize::from(*p).min(3),
            &mut out,
        ),
        SqlType::Timestamp(p) | SqlType::TimestampLtz(p) => {
            let (_, per_second) = unit_of(array.data_type())?;
            let (days, nanos) = temporal::split(epoch(array)?.value(row), per_second);
            temporal::write_date(days, &mut out);
            out.push(' ');
            temporal::write_time(nanos, usize::from(*p), &mut out);
        }
        SqlType::Binary(_) | SqlType::VarBinary(_) => {
            out = String::from_utf8(array.as_binary_view().value(row).to_vec())
                .map_err(|_| Error::data("bytes that are no UTF-8 cannot be cast to a string").code("E0702"))?;
        }
        // Within another value.
        SqlType::Char(_) | SqlType::VarChar(_) => out += array.as_string_view().value(row),
        SqlType::IntervalYearMonth => {
            let months = array.as_primitive::<IntervalYearMonthType>().value(row);
            let sign = if months < 0 { '-' } else { '+' };
            out = format!("{sign}{}-{:02}", months.unsigned_abs() / 12, months.unsigned_abs() % 12);
        }
        SqlType::IntervalDayTime => {
            let ms = array.as_primitive::<DurationMillisecondType>().value(row);
            let (days, rest) = (ms.unsigned_abs() / 86_400_000, ms.unsigned_abs() % 86_400_000);
            out = format!("{}{days} ", if ms < 0 { '-' } else { '+' });
            temporal::write_time(rest as i64 * 1_000_000, 3, &mut out);
        }
        SqlType::Array(element) => {
            let items = array.as_list::<i32>().value(row);
            let texts = (0..items.len()).map(|i| member(&items, i, &element.ty)).collect::<Result<Vec<_>>>()?;
            out = format!("[{}]", texts.join(", "));
        }
        SqlType::Map(key, value) => {
            let entries = array.as_map().value(row);
            let entry = |i| {
                Ok(format!(
                    "{}={}",
                    member(entries.column(0), i, &key.ty)?,
                    member(entries.column(1), i, &value.ty)?
                ))
            };
            out = format!("{{{}}}", (0..entries.len()).map(entry).collect::<Result<Vec<_>>>()?.join(", "));
        }
        SqlType::Row(fields) => {
            let columns = array.as_struct().columns().iter().zip(fields);
            let texts = columns.map(|(column, f)| member(column, row, &f.ty)).collect::<Result<Vec<_>>>()?;
            out = format!("({})", texts.join(", "));
        }
        other => return Err(Error::sql(format!("{other} cannot be cast to a string yet")).code("E0303")),
    }
    Ok(out)
}

/// A value within another.
fn member(array: &ArrayRef, row: usize, ty: &SqlType) -> Result<String> {
    if array.is_null(row) {
        Ok("NULL".to_string())
    } else {
        text_of(array, row, ty)
    }
}

/// A string as a value of any scalar type; blanks around it do not count.
pub(super) fn from_text(array: &ArrayRef, to: &SqlType, safe: bool) -> Result<ArrayRef> {
    let strings = array.as_string_view();
    macro_rules! parse {
        ($t:ty, $f:expr) => {{
            let parsed = parse(strings, to, safe, $f)?;
            Arc::new(PrimitiveArray::<$t>::from_iter(parsed).with_data_type(to.to_arrow())) as ArrayRef
        }};
    }
    Ok(match to {
        SqlType::Boolean => Arc::new(BooleanArray::from(parse(strings, to, safe, |s| match s.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "0" => Some(false),
            _ => None,
        })?)),
        SqlType::TinyInt => parse!(Int8Type, whole),
        SqlType::SmallInt => parse!(Int16Type, whole),
        SqlType::Int => parse!(Int32Type, whole),
        SqlType::BigInt => parse!(Int64Type, whole),
        SqlType::Float => parse!(Float32Type, |s| s.parse().ok()),
        SqlType::Double => parse!(Float64Type, |s| s.parse().ok()),
        SqlType::Decimal(p, s) => parse!(Decimal128Type, |t| parse_decimal(t.as_bytes(), *s)
            .filter(|d| d.unsigned_abs() < 10u128.pow(u32::from(*p)))),
        SqlType::Date => parse!(Date32Type, |s| crate::scalar::plain_date(s).map(|days| days as i32)),
        SqlType::Time(p) => parse!(Time32MillisecondType, |s| match temporal::parse_time(s.as_bytes()) {
            Some((nanos, b"")) => Some(super::cut_time((nanos / 1_000_000) as i32, *p)),
            _ => None,
        }),
        t if is_timestamp(t) => {
            let (_, per_second) = unit_of(&to.to_arrow())?;
            let step = step_of(to, per_second);
            let parsed = parse(strings, to, safe, |s| {
                let value = timestamp(s, per_second)?;
                value.checked_sub(value.rem_euclid(step))
            })?;
            let data = arrow_array::Int64Array::from(parsed)
                .into_data()
                .into_builder()
                .data_type(to.to_arrow())
                .build()?;
            arrow_array::make_array(data)
        }
        SqlType::Binary(_) | SqlType::VarBinary(_) => Arc::new(strings.clone().to_binary_view()),
        other => return Err(Error::sql(format!("a string cannot be cast to {other}")).code("E0303")),
    })
}

/// `yyyy-MM-dd[ HH:mm[:ss[.f]]]` (a `T` may stand between) in units since the epoch.
fn timestamp(text: &str, per_second: i64) -> Option<i64> {
    let (days, rest) = temporal::parse_date(text.as_bytes())?;
    let nanos = match rest.split_first() {
        None => 0,
        Some((b' ' | b'T', time)) => match temporal::parse_time(time)? {
            (nanos, b"") => nanos,
            _ => return None,
        },
        _ => return None,
    };
    days.checked_mul(86_400 * per_second)?.checked_add(nanos / (1_000_000_000 / per_second))
}

/// A whole number; a fraction is cut off.
fn whole<T: TryFrom<i128>>(text: &str) -> Option<T> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = fraction.bytes().all(|b| b.is_ascii_digit()) && !(digits.is_empty() && fraction.is_empty());
    plain.then(|| digits.parse::<i128>().ok()).flatten().and_then(|v| T::try_from(v).ok())
}

fn parse<T>(strings: &StringViewArray, to: &SqlType, safe: bool, f: impl Fn(&str) -> Option<T>) -> Result<Vec<Option<T>>> {
    let mut out = Vec::with_capacity(strings.len());
    for s in strings.iter() {
        match s.map(|s| (s, f(s.trim()))) {
            None => out.push(None),
            Some((_, Some(v))) => out.push(Some(v)),
            Some((_, None)) if safe => out.push(None),
            Some((s, None)) => return Err(refused(&format!("'{}'", s.chars().take(60).collect::<String>()), to)),
        }
    }
    Ok(out)
}
