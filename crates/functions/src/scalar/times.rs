//! Dates, times and timestamps.

use super::{Function, Signature, fixed};
use crate::cast::{epoch, timestamp, unchecked, unit_of};
use crate::types::{Type, is_timestamp};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Int64Array, StringViewArray};
use arrow_schema::DataType;
use millstream_dataflow::temporal::{civil_from_days, days_from_civil, split};
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

const DAY_MS: i64 = 86_400_000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "year",
        usage: "YEAR(date or timestamp)",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "year"),
    },
    Function {
        name: "quarter",
        usage: "QUARTER(date or timestamp)",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "quarter"),
    },
    Function {
        name: "month",
        usage: "MONTH(date or timestamp)",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "month"),
    },
    Function {
        name: "dayofmonth",
        usage: "DAYOFMONTH(date or timestamp)",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "day"),
    },
    Function {
        name: "dayofyear",
        usage: "DAYOFYEAR(date or timestamp)",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "doy"),
    },
    Function {
        name: "dayofweek",
        usage: "DAYOFWEEK(date or timestamp), 1 is Sunday",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "dow"),
    },
    Function {
        name: "hour",
        usage: "HOUR(timestamp)",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "hour"),
    },
    Function {
        name: "minute",
        usage: "MINUTE(timestamp)",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "minute"),
    },
    Function {
        name: "second",
        usage: "SECOND(timestamp)",
        resolve: field_of,
        evaluate: |a, _, _| field(a, "second"),
    },
    Function {
        name: "date_format",
        usage: "DATE_FORMAT(timestamp, pattern)",
        resolve: |a| match a {
            [t, p] if is_timestamp(&t.ty) => fixed(std::slice::from_ref(p), &[SqlType::STRING], SqlType::STRING).map(|_| Signature {
                args: vec![t.ty.clone(), SqlType::STRING],
                result: Type::new(SqlType::STRING, t.nullable || p.nullable),
            }),
            _ => None,
        },
        evaluate: date_format,
    },
    Function {
        name: "to_timestamp",
        usage: "TO_TIMESTAMP(text)",
        resolve: |a| {
            fixed(a, &[SqlType::STRING], SqlType::Timestamp(3)).map(|s| Signature {
                result: Type::new(SqlType::Timestamp(3), true),
                ..s
            })
        },
        evaluate: |a, _, t| {
            let parsed: Int64Array = a[0].as_string_view().iter().map(|s| s.and_then(|s| timestamp(s.trim(), 1_000))).collect();
            unchecked(&(Arc::new(parsed) as ArrayRef), t.to_arrow())
        },
    },
    Function {
        name: "to_timestamp_ltz",
        usage: "TO_TIMESTAMP_LTZ(number, 0 or 3)",
        resolve: |a| {
            fixed(a, &[SqlType::BigInt, SqlType::Int], SqlType::TimestampLtz(3)).map(|s| Signature {
                result: Type::new(SqlType::TimestampLtz(3), true),
                ..s
            })
        },
        evaluate: |a, rows, t| {
            let (numbers, precision) = (a[0].as_primitive::<Int64Type>(), a[1].as_primitive::<Int32Type>());
            let mut out = Vec::with_capacity(rows);
            for i in 0..rows {
                out.push(
                    match (numbers.is_valid(i) && precision.is_valid(i)).then(|| (numbers.value(i), precision.value(i))) {
                        None => None,
                        Some((n, 3)) => Some(n),
                        Some((n, 0)) => n.checked_mul(1000),
                        Some((_, p)) => return Err(Error::data(format!("TO_TIMESTAMP_LTZ takes the precision 0 or 3, not {p}")).code("E0702")),
                    },
                );
            }
            unchecked(&(Arc::new(Int64Array::from(out)) as ArrayRef), t.to_arrow())
        },
    },
    Function {
        name: "to_date",
        usage: "TO_DATE(text)",
        resolve: |a| {
            fixed(a, &[SqlType::STRING], SqlType::Date).map(|s| Signature {
                result: Type::new(SqlType::Date, true),
                ..s
            })
        },
        evaluate: |a, _, _| crate::cast(&a[0], &SqlType::STRING, &SqlType::Date, true),
    },
];

fn field_of(args: &[Type]) -> Option<Signature> {
    match args {
        [a] if is_timestamp(&a.ty) || a.ty == SqlType::Date => Some(Signature {
            args: vec![a.ty.clone()],
            result: Type::new(SqlType::BigInt, a.nullable),
        }),
        _ => None,
    }
}

/// Days and nanoseconds of the day, per row.
fn parts(array: &ArrayRef) -> Result<Vec<Option<(i64, i64)>>> {
    if let Some(dates) = array.as_primitive_opt::<Date32Type>() {
        return Ok(dates.iter().map(|d| d.map(|d| (i64::from(d), 0))).collect());
    }
    let (_, per_second) = unit_of(array.data_type())?;
    Ok(epoch(array)?.iter().map(|v| v.map(|v| split(v, per_second))).collect())
}

fn field(args: &[ArrayRef], name: &str) -> Result<ArrayRef> {
    let of = |(days, nanos): (i64, i64)| {
        let (year, month, day) = civil_from_days(days);
        let seconds = nanos / 1_000_000_000;
        match name {
            "year" => year,
            "quarter" => i64::from(month - 1) / 3 + 1,
            "month" => i64::from(month),
            "day" => i64::from(day),
            "doy" => days - days_from_civil(year, 1, 1) + 1,
            // 1970-01-01 was a Thursday.
            "dow" => (days + 4).rem_euclid(7) + 1,
            "hour" => seconds / 3600,
            "minute" => seconds / 60 % 60,
            _ => seconds % 60,
        }
    };
    Ok(Arc::new(parts(&args[0])?.into_iter().map(|p| p.map(of)).collect::<Int64Array>()))
}

/// Java's SimpleDateFormat letters that have one meaning whatever the locale.
fn date_format(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let (times, patterns) = (parts(&args[0])?, args[1].as_string_view());
    let mut out: Vec<Option<String>> = Vec::with_capacity(rows);
    for (row, time) in times.into_iter().enumerate() {
        out.push(match (time, patterns.is_valid(row)) {
            (Some(t), true) => Some(format(t, patterns.value(row))?),
            _ => None,
        });
    }
    Ok(Arc::new(StringViewArray::from_iter(out)))
}

fn format((days, nanos): (i64, i64), pattern: &str) -> Result<String> {
    let (year, month, day) = civil_from_days(days);
    let seconds = nanos / 1_000_000_000;
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' {
            // Text between quotes; two quotes are one.
            let mut text = String::new();
            for t in chars.by_ref() {
                if t == '\'' {
                    break;
                }
                text.push(t);
            }
            out += if text.is_empty() { "'" } else { &text };
            continue;
        }
        if !c.is_ascii_alphabetic() {
            out.push(c);
            continue;
        }
        let mut n = 1;
        while chars.next_if_eq(&c).is_some() {
            n += 1;
        }
        let value = match c {
            'y' if n == 2 => year.rem_euclid(100),
            'y' => year,
            'M' if n <= 2 => i64::from(month),
            'd' => i64::from(day),
            'H' => seconds / 3600,
            'h' => (seconds / 3600 + 11) % 12 + 1,
            'm' => seconds / 60 % 60,
            's' => seconds % 60,
            'S' => {
                out += &format!("{:09}", nanos % 1_000_000_000)[..n.min(9)];
                continue;
            }
            _ => return Err(Error::data(format!("DATE_FORMAT does not know '{}' in '{pattern}'", String::from(c).repeat(n))).code("E0702")),
        };
        out += &format!("{value:0n$}");
    }
    Ok(out)
}

/// Timestamps and dates plus or minus intervals; the time stands on either side of a plus.
pub(super) fn shift(args: &[ArrayRef], ty: &SqlType, plus: bool) -> Result<ArrayRef> {
    let is_interval = |a: &ArrayRef| matches!(a.data_type(), DataType::Duration(_) | DataType::Interval(_));
    let (time, interval) = if is_interval(&args[0]) { (&args[1], &args[0]) } else { (&args[0], &args[1]) };
    let sign = if plus { 1 } else { -1 };
    let out_of_range = || Error::data(format!("a {ty} leaves its range")).code("E0702");
    // Dates are counted as timestamps at midnight.
    let date = *time.data_type() == DataType::Date32;
    let (numbers, per_second) = if date {
        (
            Int64Array::from_iter(time.as_primitive::<Date32Type>().iter().map(|d| d.map(|d| i64::from(d) * DAY_MS))),
            1_000,
        )
    } else {
        (epoch(time)?, unit_of(time.data_type())?.1)
    };
    let mut out = Vec::with_capacity(numbers.len());
    if let Some(months) = interval.as_primitive_opt::<IntervalYearMonthType>() {
        for (n, m) in numbers.iter().zip(months.iter()) {
            out.push(n.zip(m).map(|(n, m)| add_months(n, sign * i64::from(m), per_second)));
        }
    } else {
        let unit = per_second / 1_000;
        for (n, ms) in numbers.iter().zip(interval.as_primitive::<DurationMillisecondType>().iter()) {
            out.push(match n.zip(ms) {
                None => None,
                Some((n, ms)) => Some(ms.checked_mul(sign * unit).and_then(|d| n.checked_add(d)).ok_or_else(out_of_range)?),
            });
        }
    }
    if date {
        let days = out.into_iter().map(|v| v.map(|v| v.div_euclid(DAY_MS) as i32));
        return Ok(Arc::new(days.collect::<arrow_array::Date32Array>()));
    }
    unchecked(&(Arc::new(Int64Array::from(out)) as ArrayRef), ty.to_arrow())
}

/// The same day of another month, or its last.
fn add_months(value: i64, months: i64, per_second: i64) -> i64 {
    let per_day = per_second * 86_400;
    let (days, rest) = (value.div_euclid(per_day), value.rem_euclid(per_day));
    let (year, month, day) = civil_from_days(days);
    let count = year * 12 + i64::from(month) - 1 + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) as u32 + 1);
    let next = days_from_civil(year + i64::from(month == 12), month % 12 + 1, 1);
    let last = (next - days_from_civil(year, month, 1)) as u32;
    days_from_civil(year, month, day.min(last)) * per_day + rest
}
