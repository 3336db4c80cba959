//! Dates, times and timestamps. Weeks of CEIL and FLOOR start on Sunday, those of WEEK are ISO's.

mod field;
mod format;
mod parse;
mod pattern;
mod reading;
mod shift;
mod unit;
mod zone;

use super::Function;
use crate::cast::{epoch, unchecked, unit_of};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array};
use arrow_schema::DataType;
use millstream_dataflow::temporal::split;
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

pub(crate) use parse::plain_date;
pub use reading::TimePattern;
pub(super) use shift::shift;

const DAY_MS: i64 = 86_400_000;
const DAY_NANOS: i64 = 86_400_000_000_000;

pub(super) const FUNCTIONS: &[&[Function]] = &[field::FUNCTIONS, unit::FUNCTIONS, shift::FUNCTIONS, format::FUNCTIONS, zone::FUNCTIONS];

/// Days and nanoseconds of the day, per row.
fn parts(array: &ArrayRef) -> Result<Vec<Option<(i64, i64)>>> {
    match array.data_type() {
        DataType::Date32 => Ok(array.as_primitive::<Date32Type>().iter().map(|d| d.map(|d| (i64::from(d), 0))).collect()),
        DataType::Time32(_) => {
            let times = array.as_primitive::<Time32MillisecondType>();
            Ok(times.iter().map(|t| t.map(|t| (0, i64::from(t) * 1_000_000))).collect())
        }
        other => {
            let (_, per_second) = unit_of(other)?;
            Ok(epoch(array)?.iter().map(|v| v.map(|v| split(v, per_second))).collect())
        }
    }
}

fn out_of_range(ty: &SqlType) -> Error {
    super::rows::refused(format!("a {ty} leaves its range"))
}

/// A column of days and nanoseconds of the day, in the carrier of the type.
fn from_parts(parts: Vec<Option<(i64, i64)>>, ty: &SqlType) -> Result<ArrayRef> {
    let refused = || out_of_range(ty);
    match ty.to_arrow() {
        DataType::Date32 => {
            let days = parts
                .into_iter()
                .map(|p| p.map(|(days, _)| i32::try_from(days).map_err(|_| refused())).transpose());
            unchecked(&(Arc::new(days.collect::<Result<Int32Array>>()?) as ArrayRef), DataType::Date32)
        }
        DataType::Time32(unit) => {
            let millis = parts.into_iter().map(|p| {
                p.map(|(days, nanos)| if days == 0 { Ok((nanos / 1_000_000) as i32) } else { Err(refused()) })
                    .transpose()
            });
            unchecked(&(Arc::new(millis.collect::<Result<Int32Array>>()?) as ArrayRef), DataType::Time32(unit))
        }
        carrier => {
            let (_, per_second) = unit_of(&carrier)?;
            // The least value's day begins before the range does.
            let of = |(days, nanos): (i64, i64)| {
                let value = i128::from(days) * i128::from(86_400 * per_second) + i128::from(nanos / (1_000_000_000 / per_second));
                i64::try_from(value).ok()
            };
            let values = parts.into_iter().map(|p| p.map(|p| of(p).ok_or_else(refused)).transpose());
            unchecked(&(Arc::new(values.collect::<Result<Int64Array>>()?) as ArrayRef), carrier)
        }
    }
}
