//! Times cut or raised to a unit, and counted in it.

use super::field::weekday;
use super::shift::add_months;
use super::zone::{from_utc, shifted};
use super::{DAY_MS, DAY_NANOS, from_parts, out_of_range, parts};
use crate::Zone;
use crate::scalar::rows::{int, refused, text};
use crate::scalar::{Function, Signature, any_nullable};
use crate::types::{Type, is_text, is_timestamp};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Int32Array};
use millstream_dataflow::temporal::{civil_from_days, days_from_civil};
use millstream_dataflow::{Result, SqlType};
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "floor_to",
        usage: "FLOOR(time TO unit)",
        doc: "The start of the unit that the time is in. MILLISECOND to DAY, WEEK (from Sunday), MONTH, QUARTER, YEAR, DECADE, CENTURY, MILLENNIUM. A TIMESTAMP_LTZ by the clocks of `table.local-time-zone`.",
        example: ("FLOOR(TIMESTAMP '2024-02-29 13:45:06' TO HOUR)", "2024-02-29 13:00:00"),
        resolve: to_unit_in_zone,
        evaluate: |a, rows, t| match a.get(2) {
            Some(zones) => round_in_zone(a, zones, t, floor, |zone, wall, time| zone.latest(wall, time)),
            None => round(a, rows, t, floor),
        },
    },
    Function {
        name: "ceil_to",
        usage: "CEIL(time TO unit)",
        doc: "The start of the next unit, or the time itself where one starts. Beyond DAY the date alone counts: a time on the first day of a month stays in it.",
        example: ("CEIL(DATE '2024-02-29' TO MONTH)", "2024-03-01"),
        resolve: to_unit_in_zone,
        evaluate: |a, rows, t| match a.get(2) {
            Some(zones) => round_in_zone(a, zones, t, ceil, |zone, wall, time| zone.earliest(wall, time)),
            None => round(a, rows, t, ceil),
        },
    },
    Function {
        name: "date_trunc",
        usage: "DATE_TRUNC('unit', time)",
        doc: "As FLOOR, with weeks from Monday. Not in Flink.",
        example: ("DATE_TRUNC('week', DATE '2024-02-29')", "2024-02-26"),
        resolve: to_unit_in_zone,
        evaluate: |a, rows, t| match a.get(2) {
            Some(zones) => round_in_zone(a, zones, t, truncated, |zone, wall, time| zone.latest(wall, time)),
            None => round(a, rows, t, truncated),
        },
    },
    Function {
        name: "timestampdiff",
        usage: "TIMESTAMPDIFF(unit, from, to)",
        doc: "The time from one to the other, negative where it goes back. Whole units: MILLISECOND to DAY, WEEK, MONTH, QUARTER, YEAR.",
        example: ("TIMESTAMPDIFF(DAY, DATE '2024-02-28', DATE '2024-03-01')", "2"),
        resolve: |a| match a {
            [unit, x, y] if is_text(&unit.ty) && countable(&x.ty) && countable(&y.ty) => Some(Signature {
                args: vec![SqlType::STRING, x.ty.clone(), y.ty.clone()],
                result: Type::new(SqlType::Int, any_nullable(a)),
            }),
            _ => None,
        },
        evaluate: difference,
    },
    Function {
        name: "datediff",
        usage: "DATEDIFF(to, from)",
        doc: "From one day to the other, whatever the time of day. In days. Not in Flink.",
        example: ("DATEDIFF(DATE '2024-03-01', DATE '2024-02-28')", "2"),
        resolve: |a| match a {
            [x, y] if countable(&x.ty) && countable(&y.ty) => Some(Signature {
                args: vec![x.ty.clone(), y.ty.clone()],
                result: Type::new(SqlType::Int, any_nullable(a)),
            }),
            _ => None,
        },
        evaluate: |a, _, _| {
            let days = |(x, y): (Option<Moment>, Option<Moment>)| match (x, y) {
                (Some((x, _)), Some((y, _))) => i32::try_from(x - y).map(Some).map_err(|_| out_of_range(&SqlType::Int)),
                _ => Ok(None),
            };
            Ok(Arc::new(
                parts(&a[0])?.into_iter().zip(parts(&a[1])?).map(days).collect::<Result<Int32Array>>()?,
            ))
        },
    },
    Function {
        name: "date_bin",
        usage: "DATE_BIN(interval, timestamp [, origin])",
        doc: "The start of the interval's length, counted from the origin or 1970-01-01. Not in Flink.",
        example: ("DATE_BIN(INTERVAL '15' MINUTE, TIMESTAMP '2024-02-29 13:44:59')", "2024-02-29 13:30:00"),
        resolve: |a| match a {
            [i, t, origin @ ..]
                if i.ty == SqlType::IntervalDayTime && is_timestamp(&t.ty) && origin.len() <= 1 && origin.iter().all(|o| is_timestamp(&o.ty)) =>
            {
                let mut args = vec![i.ty.clone(), t.ty.clone()];
                args.extend(origin.iter().map(|_| t.ty.clone()));
                Some(Signature {
                    args,
                    result: Type::new(t.ty.clone(), any_nullable(a)),
                })
            }
            _ => None,
        },
        evaluate: bin,
    },
    Function {
        name: "make_date",
        usage: "MAKE_DATE(year, month, day)",
        doc: "The date; an error for a day that does not exist. Not in Flink.",
        example: ("MAKE_DATE(2024, 2, 29)", "2024-02-29"),
        resolve: |a| crate::scalar::fixed(a, &[SqlType::Int, SqlType::Int, SqlType::Int], SqlType::Date),
        evaluate: |a, rows, t| {
            let day = |i: usize| -> Result<Option<(i64, i64)>> {
                let (Some(year), Some(month), Some(day)) = (int(&a[0], i), int(&a[1], i), int(&a[2], i)) else {
                    return Ok(None);
                };
                let days = days_from_civil(year.into(), month.clamp(1, 12) as u32, day.clamp(1, 31) as u32);
                if civil_from_days(days) != (i64::from(year), month as u32, day as u32) {
                    return Err(refused(format!("there is no day {year}-{month}-{day}")));
                }
                Ok(Some((days, 0)))
            };
            from_parts((0..rows).map(day).collect::<Result<_>>()?, t)
        },
    },
];

fn countable(ty: &SqlType) -> bool {
    is_timestamp(ty) || matches!(ty, SqlType::Date | SqlType::Time(_))
}

fn to_unit(args: &[Type]) -> Option<Signature> {
    match args {
        [unit, t] if is_text(&unit.ty) && countable(&t.ty) => Some(Signature {
            args: vec![SqlType::STRING, t.ty.clone()],
            result: Type::new(t.ty.clone(), any_nullable(args)),
        }),
        _ => None,
    }
}

/// The same, and for a TIMESTAMP_LTZ the zone of the wall clock as a third argument.
fn to_unit_in_zone(args: &[Type]) -> Option<Signature> {
    match args {
        [rest @ .., zone] if rest.len() == 2 && is_text(&zone.ty) && matches!(rest[1].ty, SqlType::TimestampLtz(_)) => {
            let mut signature = to_unit(rest)?;
            signature.args.push(SqlType::STRING);
            Some(signature)
        }
        _ => to_unit(args),
    }
}

type Moment = (i64, i64);

fn round(args: &[ArrayRef], rows: usize, ty: &SqlType, f: fn(Moment, &str) -> Option<Moment>) -> Result<ArrayRef> {
    let times = parts(&args[1])?;
    let mut out = Vec::with_capacity(rows);
    for (row, time) in times.into_iter().enumerate() {
        out.push(match (time, text(&args[0], row)) {
            (Some(time), Some(unit)) => {
                let unit = unit.to_uppercase();
                Some(f(time, &unit).ok_or_else(|| refused(format!("a {ty} cannot be rounded to {unit}")))?)
            }
            _ => None,
        });
    }
    from_parts(out, ty)
}

/// Rounds what the clocks of a zone show; `back` says when they show the result, given it and the time in UTC.
fn round_in_zone(
    args: &[ArrayRef],
    zones: &ArrayRef,
    ty: &SqlType,
    f: fn(Moment, &str) -> Option<Moment>,
    back: fn(&Zone, i64, i64) -> i64,
) -> Result<ArrayRef> {
    let mut out = Vec::new();
    for (row, time) in parts(&args[1])?.into_iter().enumerate() {
        out.push(match (time, text(&args[0], row), text(zones, row)) {
            (Some(time), Some(unit), Some(zone)) => {
                let (zone, unit) = (Zone::parse(zone)?, unit.to_uppercase());
                let rounded = f(from_utc(time, &zone)?, &unit).ok_or_else(|| refused(format!("a {ty} cannot be rounded to {unit}")))?;
                let utc = time.0 * DAY_MS + time.1 / 1_000_000;
                Some(shifted(rounded, |wall| back(&zone, wall, utc))?)
            }
            _ => None,
        });
    }
    from_parts(out, ty)
}

/// Units within a day, in nanoseconds.
fn nanos_of(unit: &str) -> Option<i64> {
    Some(match unit {
        "NANOSECOND" => 1,
        "MICROSECOND" => 1000,
        "MILLISECOND" => 1_000_000,
        "SECOND" => 1_000_000_000,
        "MINUTE" => 60_000_000_000,
        "HOUR" => 3_600_000_000_000,
        "DAY" => DAY_NANOS,
        _ => return None,
    })
}

fn floor((days, nanos): Moment, unit: &str) -> Option<Moment> {
    if let Some(unit) = nanos_of(unit) {
        return Some((days, nanos - nanos % unit));
    }
    let (year, month, _) = civil_from_days(days);
    Some((
        match unit {
            "WEEK" => days - weekday(days),
            "MONTH" => days_from_civil(year, month, 1),
            "QUARTER" => days_from_civil(year, (month - 1) / 3 * 3 + 1, 1),
            "YEAR" => days_from_civil(year, 1, 1),
            "DECADE" => days_from_civil(year.div_euclid(10) * 10, 1, 1),
            "CENTURY" => days_from_civil((year - 1).div_euclid(100) * 100 + 1, 1, 1),
            "MILLENNIUM" => days_from_civil((year - 1).div_euclid(1000) * 1000 + 1, 1, 1),
            _ => return None,
        },
        0,
    ))
}

/// Decades and longer go to the next one even at their first day, as in Flink.
fn ceil((days, nanos): Moment, unit: &str) -> Option<Moment> {
    if let Some(unit) = nanos_of(unit) {
        let up = (nanos + unit - 1) / unit * unit;
        return Some((days + up / DAY_NANOS, up % DAY_NANOS));
    }
    let (start, _) = floor((days, 0), unit)?;
    let (year, month, _) = civil_from_days(start);
    let months = |n: u32| days_from_civil(year + i64::from((month - 1 + n) / 12), (month - 1 + n) % 12 + 1, 1);
    let next = match unit {
        "WEEK" => start + 7,
        "MONTH" => months(1),
        "QUARTER" => months(3),
        "YEAR" => days_from_civil(year + 1, 1, 1),
        "DECADE" => return Some((days_from_civil(year + 10, 1, 1), 0)),
        "CENTURY" => return Some((days_from_civil(year + 100, 1, 1), 0)),
        _ => return Some((days_from_civil(year + 1000, 1, 1), 0)),
    };
    Some((if start == days { days } else { next }, 0))
}

fn truncated((days, nanos): Moment, unit: &str) -> Option<Moment> {
    match unit {
        "WEEK" => Some((days - (weekday(days) + 6) % 7, 0)),
        _ => floor((days, nanos), unit),
    }
}

fn difference(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let (from, to) = (parts(&args[1])?, parts(&args[2])?);
    let one = |i: usize| -> Result<Option<i32>> {
        let (Some(unit), Some(from), Some(to)) = (text(&args[0], i), from[i], to[i]) else {
            return Ok(None);
        };
        let count = match unit {
            "MONTH" => months_between(to, from),
            "QUARTER" => months_between(to, from) / 3,
            "YEAR" => months_between(to, from) / 12,
            _ => {
                let length = if unit == "WEEK" { Some(7 * DAY_NANOS) } else { nanos_of(unit) };
                let length = length.ok_or_else(|| refused(format!("TIMESTAMPDIFF has no {unit}")))?;
                let nanos = i128::from(to.0 - from.0) * i128::from(DAY_NANOS) + i128::from(to.1 - from.1);
                i64::try_from(nanos / i128::from(length)).unwrap_or(i64::MAX)
            }
        };
        let overflow = || refused(format!("TIMESTAMPDIFF in {unit}s overflows INT"));
        i32::try_from(count).map(Some).map_err(|_| overflow())
    };
    Ok(Arc::new((0..rows).map(one).collect::<Result<Int32Array>>()?))
}

/// Whole months from `b` to `a`, as Calcite counts them.
fn months_between(a: Moment, b: Moment) -> i64 {
    let months = days_to_months(a.0, b.0);
    // The same day, but not yet the same time.
    if add_months(b.0, months) == a.0 && a.1 < b.1 { months - 1 } else { months }
}

fn days_to_months(a: i64, b: i64) -> i64 {
    if a < b {
        return -days_to_months(b, a);
    }
    let mut months = (a - b) / 31;
    loop {
        if add_months(b, months) >= a || add_months(b, months + 1) > a {
            return months;
        }
        months += 1;
    }
}

fn bin(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let (_, per_second) = crate::cast::unit_of(&ty.to_arrow())?;
    let (times, lengths) = (crate::cast::epoch(&args[1])?, args[0].as_primitive::<DurationMillisecondType>());
    let origins = args.get(2).map(crate::cast::epoch).transpose()?;
    let one = |i: usize| -> Result<Option<i64>> {
        let origin = origins.as_ref().map_or(Some(0), |o| o.is_valid(i).then(|| o.value(i)));
        let (true, true, Some(origin)) = (times.is_valid(i), lengths.is_valid(i), origin) else {
            return Ok(None);
        };
        let length = lengths.value(i).checked_mul(per_second / 1000).filter(|l| *l > 0);
        let length = length.ok_or_else(|| refused("DATE_BIN needs an interval longer than nothing"))?;
        let since = times.value(i).checked_sub(origin).ok_or_else(|| out_of_range(ty))?;
        since
            .div_euclid(length)
            .checked_mul(length)
            .and_then(|v| v.checked_add(origin))
            .map(Some)
            .ok_or_else(|| out_of_range(ty))
    };
    let out = (0..rows).map(one).collect::<Result<arrow_array::Int64Array>>()?;
    crate::cast::unchecked(&(Arc::new(out) as ArrayRef), ty.to_arrow())
}

#[cfg(test)]
mod tests {
    use super::bin;
    use arrow_array::{Array, ArrayRef, DurationMillisecondArray, TimestampMillisecondArray, cast::AsArray, types::TimestampMillisecondType};
    use millstream_dataflow::SqlType;
    use std::sync::Arc;

    #[test]
    fn bins_start_at_multiples_of_the_interval() {
        let intervals: ArrayRef = Arc::new(DurationMillisecondArray::from(vec![Some(900_000), Some(900_000), None]));
        let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_000_000, -1, 0]));
        let out = bin(&[Arc::clone(&intervals), Arc::clone(&times)], 3, &SqlType::Timestamp(3)).unwrap();
        let out = out.as_primitive::<TimestampMillisecondType>();
        assert_eq!((out.value(0), out.value(1), out.is_null(2)), (900_000, -900_000, true));
        let origins: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_000; 3]));
        let out = bin(&[intervals, Arc::clone(&times), origins], 3, &SqlType::Timestamp(3)).unwrap();
        assert_eq!(out.as_primitive::<TimestampMillisecondType>().value(0), 901_000);
        let nothing: ArrayRef = Arc::new(DurationMillisecondArray::from(vec![0; 3]));
        assert!(bin(&[nothing, times], 3, &SqlType::Timestamp(3)).is_err());
    }
}
