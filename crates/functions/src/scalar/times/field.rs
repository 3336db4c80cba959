//! Fields of dates, times and intervals.

use super::parts;
use crate::scalar::rows::{refused, text};
use crate::scalar::{Function, Signature, any_nullable};
use crate::types::{Type, is_text, is_timestamp};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::DataType;
use millstream_dataflow::temporal::{civil_from_days, days_from_civil};
use millstream_dataflow::{Result, SqlType};
use std::sync::Arc;

/// A function that gives one field.
macro_rules! field {
    ($name:literal, $usage:literal, $doc:literal, $example:expr, $unit:literal) => {
        Function {
            name: $name,
            usage: $usage,
            doc: $doc,
            example: $example,
            resolve: field_of,
            evaluate: |a, _, _| fields(&a[0], $unit),
        }
    };
}

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "extract",
        usage: "EXTRACT(unit FROM time or interval)",
        doc: "A field of a time as a BIGINT. NANOSECOND to SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER, YEAR, DECADE, CENTURY, MILLENNIUM, DOW (Sunday: 1), ISODOW (Monday: 1), DOY, ISOYEAR, EPOCH. A TIMESTAMP_LTZ by the clocks of `table.local-time-zone`, as for YEAR, HOUR and their like.",
        example: ("EXTRACT(DOY FROM DATE '2024-02-29')", "60"),
        resolve: |a| match a {
            [unit, t] if is_text(&unit.ty) && (timely(&t.ty) || matches!(t.ty, SqlType::IntervalDayTime | SqlType::IntervalYearMonth)) => Some(Signature {
                args: vec![SqlType::STRING, t.ty.clone()],
                result: Type::new(SqlType::BigInt, any_nullable(a)),
            }),
            _ => None,
        },
        evaluate: extract,
    },
    field!(
        "year",
        "YEAR(date or timestamp)",
        "The calendar's year.",
        ("YEAR(DATE '2024-02-29')", "2024"),
        "YEAR"
    ),
    field!(
        "quarter",
        "QUARTER(date or timestamp)",
        "The quarter of the year, 1 to 4.",
        ("QUARTER(DATE '2024-02-29')", "1"),
        "QUARTER"
    ),
    field!(
        "month",
        "MONTH(date or timestamp)",
        "The month of the year, 1 to 12.",
        ("MONTH(DATE '2024-02-29')", "2"),
        "MONTH"
    ),
    field!(
        "week",
        "WEEK(date or timestamp)",
        "ISO's week of the year.",
        ("WEEK(DATE '2024-12-30')", "1"),
        "WEEK"
    ),
    field!(
        "dayofmonth",
        "DAYOFMONTH(date or timestamp)",
        "The day of the month, 1 to 31.",
        ("DAYOFMONTH(DATE '2024-02-29')", "29"),
        "DAY"
    ),
    field!(
        "dayofyear",
        "DAYOFYEAR(date or timestamp)",
        "The day of the year, 1 to 366.",
        ("DAYOFYEAR(DATE '2024-12-31')", "366"),
        "DOY"
    ),
    field!(
        "dayofweek",
        "DAYOFWEEK(date or timestamp)",
        "The day of the week, 1 to 7. 1 is Sunday.",
        ("DAYOFWEEK(DATE '2024-02-29')", "5"),
        "DOW"
    ),
    field!(
        "hour",
        "HOUR(time or timestamp)",
        "The hour of the day, 0 to 23.",
        ("HOUR(TIMESTAMP '2024-02-29 13:45:06')", "13"),
        "HOUR"
    ),
    field!(
        "minute",
        "MINUTE(time or timestamp)",
        "The minute of the hour, 0 to 59.",
        ("MINUTE(TIME '13:45:06')", "45"),
        "MINUTE"
    ),
    field!(
        "second",
        "SECOND(time or timestamp)",
        "The second of the minute without its fraction, 0 to 59.",
        ("SECOND(TIME '13:45:06')", "6"),
        "SECOND"
    ),
];

fn timely(ty: &SqlType) -> bool {
    is_timestamp(ty) || matches!(ty, SqlType::Date | SqlType::Time(_))
}

fn field_of(args: &[Type]) -> Option<Signature> {
    match args {
        [a] if timely(&a.ty) => Some(Signature {
            args: vec![a.ty.clone()],
            result: Type::new(SqlType::BigInt, a.nullable),
        }),
        _ => None,
    }
}

fn extract(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    // The unit is a literal: all rows have the same.
    match (0..rows).find_map(|i| text(&args[0], i)) {
        Some(unit) => fields(&args[1], unit),
        None => Ok(arrow_array::new_null_array(&DataType::Int64, rows)),
    }
}

fn fields(array: &ArrayRef, unit: &str) -> Result<ArrayRef> {
    let of_interval = |values: Vec<Option<i64>>, f: &dyn Fn(i64) -> Option<i64>| -> Result<ArrayRef> {
        let out = values.into_iter().map(|v| v.map(|v| f(v).ok_or_else(|| unknown(unit))).transpose());
        Ok(Arc::new(out.collect::<Result<Int64Array>>()?))
    };
    match array.data_type() {
        DataType::Interval(_) => {
            let months = array.as_primitive::<IntervalYearMonthType>().iter().map(|m| m.map(i64::from)).collect();
            of_interval(months, &|m| of_months(m, unit))
        }
        DataType::Duration(_) => {
            let millis = array.as_primitive::<DurationMillisecondType>().iter().collect();
            of_interval(millis, &|ms| of_millis(ms, unit))
        }
        _ => {
            let of = |p: Option<(i64, i64)>| p.map(|(days, nanos)| field(days, nanos, unit).ok_or_else(|| unknown(unit))).transpose();
            Ok(Arc::new(parts(array)?.into_iter().map(of).collect::<Result<Int64Array>>()?))
        }
    }
}

fn unknown(unit: &str) -> millstream_dataflow::Error {
    refused(format!("EXTRACT has no {unit} here"))
}

fn of_months(months: i64, unit: &str) -> Option<i64> {
    Some(match unit {
        "MONTH" => months % 12,
        "QUARTER" => months % 12 / 3 + 1,
        "YEAR" => months / 12,
        "DECADE" => months / 120,
        "CENTURY" => months / 1200,
        "MILLENNIUM" => months / 12_000,
        _ => return None,
    })
}

fn of_millis(ms: i64, unit: &str) -> Option<i64> {
    Some(match unit {
        "MILLISECOND" => ms % 1000,
        "SECOND" => ms / 1000 % 60,
        "MINUTE" => ms / 60_000 % 60,
        "HOUR" => ms / 3_600_000 % 24,
        "DAY" => ms / 86_400_000,
        "EPOCH" => ms / 1000,
        _ => return None,
    })
}

fn field(days: i64, nanos: i64, unit: &str) -> Option<i64> {
    let (year, month, day) = civil_from_days(days);
    let seconds = nanos / 1_000_000_000;
    let fraction = nanos % 1_000_000_000;
    Some(match unit {
        "YEAR" => year,
        "QUARTER" => i64::from(month - 1) / 3 + 1,
        "MONTH" => i64::from(month),
        "WEEK" => iso_week(days).1,
        "ISOYEAR" => iso_week(days).0,
        "DAY" => i64::from(day),
        "DOY" => days - days_from_civil(year, 1, 1) + 1,
        "DOW" => weekday(days) + 1,
        "ISODOW" => (weekday(days) + 6) % 7 + 1,
        "DECADE" => year / 10,
        "CENTURY" if year > 0 => (year + 99) / 100,
        "CENTURY" => (year - 99) / 100,
        "MILLENNIUM" if year > 0 => (year + 999) / 1000,
        "MILLENNIUM" => (year - 999) / 1000,
        "EPOCH" => days * 86_400 + seconds,
        "HOUR" => seconds / 3600,
        "MINUTE" => seconds / 60 % 60,
        "SECOND" => seconds % 60,
        "MILLISECOND" => fraction / 1_000_000,
        "MICROSECOND" => fraction / 1000,
        "NANOSECOND" => fraction,
        _ => return None,
    })
}

/// 0 is Sunday; 1970-01-01 was a Thursday.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// ISO's year and week: weeks start on Monday and belong to the year of their Thursday.
fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - (weekday(days) + 6) % 7 + 3;
    let year = civil_from_days(thursday).0;
    (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::field;
    use millstream_dataflow::temporal::days_from_civil;

    #[test]
    fn weeks_are_isos() {
        for (y, m, d, year, week) in [(2021, 1, 3, 2020, 53), (2024, 12, 30, 2025, 1), (2024, 1, 1, 2024, 1), (2023, 1, 1, 2022, 52)] {
            let days = days_from_civil(y, m, d);
            assert_eq!((field(days, 0, "ISOYEAR"), field(days, 0, "WEEK")), (Some(year), Some(week)));
        }
    }
}
