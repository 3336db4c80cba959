//! Times plus and minus intervals.

use super::{DAY_MS, out_of_range};
use crate::cast::{epoch, unchecked, unit_of};
use crate::scalar::rows::{long, refused, text};
use crate::scalar::{Function, Signature, any_nullable};
use crate::types::{Type, is_text, is_timestamp};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array};
use arrow_schema::DataType;
use millstream_dataflow::temporal::{civil_from_days, days_from_civil};
use millstream_dataflow::{Result, SqlType};
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[Function {
    name: "timestampadd",
    usage: "TIMESTAMPADD(unit, count, time)",
    doc: "The time plus so many units; at the end of a shorter month, its last day. MILLISECOND to DAY, WEEK, MONTH, QUARTER, YEAR.",
    example: ("TIMESTAMPADD(MONTH, 1, DATE '2024-01-31')", "2024-02-29"),
    resolve: |a| match a {
        [unit, n, t] if is_text(&unit.ty) && (n.ty.is_integer() || n.ty == SqlType::Null) && is_time(&t.ty) => Some(Signature {
            args: vec![SqlType::STRING, SqlType::BigInt, t.ty.clone()],
            result: Type::new(t.ty.clone(), any_nullable(a)),
        }),
        _ => None,
    },
    evaluate: |a, rows, ty| {
        let mut amounts = Vec::with_capacity(rows);
        for i in 0..rows {
            amounts.push(match (text(&a[0], i), long(&a[1], i)) {
                (Some(unit), Some(n)) => Some(amount(unit, n).ok_or_else(|| refused(format!("TIMESTAMPADD cannot add {n} {unit}")))?),
                _ => None,
            });
        }
        add(&a[2], amounts, ty)
    },
}];

fn is_time(ty: &SqlType) -> bool {
    is_timestamp(ty) || matches!(ty, SqlType::Date | SqlType::Time(_))
}

/// What is added to a time.
#[derive(Clone, Copy)]
enum Amount {
    Months(i64),
    Millis(i64),
}

fn amount(unit: &str, n: i64) -> Option<Amount> {
    let months = |m: i64| n.checked_mul(m).map(Amount::Months);
    let millis = |ms: i64| n.checked_mul(ms).map(Amount::Millis);
    match unit {
        "MILLISECOND" => millis(1),
        "SECOND" => millis(1000),
        "MINUTE" => millis(60_000),
        "HOUR" => millis(3_600_000),
        "DAY" => millis(DAY_MS),
        "WEEK" => millis(7 * DAY_MS),
        "MONTH" => months(1),
        "QUARTER" => months(3),
        "YEAR" => months(12),
        _ => None,
    }
}

/// Dates, times and timestamps plus or minus intervals; the time stands on either side of a plus.
pub(in crate::scalar) fn shift(args: &[ArrayRef], ty: &SqlType, plus: bool) -> Result<ArrayRef> {
    let is_interval = |a: &ArrayRef| matches!(a.data_type(), DataType::Duration(_) | DataType::Interval(_));
    let (time, interval) = if is_interval(&args[0]) { (&args[1], &args[0]) } else { (&args[0], &args[1]) };
    let signed = |n: i64| if plus { Ok(n) } else { n.checked_neg().ok_or_else(|| out_of_range(ty)) };
    let amounts: Result<Vec<Option<Amount>>> = match interval.as_primitive_opt::<IntervalYearMonthType>() {
        Some(months) => months.iter().map(|m| m.map(|m| signed(m.into()).map(Amount::Months)).transpose()).collect(),
        None => {
            let millis = interval.as_primitive::<DurationMillisecondType>();
            millis.iter().map(|m| m.map(|m| signed(m).map(Amount::Millis)).transpose()).collect()
        }
    };
    add(time, amounts?, ty)
}

fn add(time: &ArrayRef, amounts: Vec<Option<Amount>>, ty: &SqlType) -> Result<ArrayRef> {
    let refused = || out_of_range(ty);
    match time.data_type() {
        // A time of day goes round; months do not change it.
        DataType::Time32(_) => {
            let times = time.as_primitive::<Time32MillisecondType>().iter().zip(amounts);
            let moved = times.map(|(t, a)| {
                Some(match (t?, a?) {
                    (t, Amount::Months(_)) => t,
                    (t, Amount::Millis(ms)) => (i64::from(t) + ms % DAY_MS).rem_euclid(DAY_MS) as i32,
                })
            });
            unchecked(&(Arc::new(moved.collect::<Int32Array>()) as ArrayRef), time.data_type().clone())
        }
        // Dates are counted as timestamps at midnight.
        DataType::Date32 => {
            let dates = time.as_primitive::<Date32Type>().iter().zip(amounts);
            let moved = dates.map(|(d, a)| match (d, a) {
                (Some(d), Some(a)) => {
                    let at = moved(i64::from(d) * DAY_MS, a, 1000).ok_or_else(refused)?;
                    i32::try_from(at.div_euclid(DAY_MS)).map(Some).map_err(|_| refused())
                }
                _ => Ok(None),
            });
            unchecked(&(Arc::new(moved.collect::<Result<Int32Array>>()?) as ArrayRef), DataType::Date32)
        }
        carrier => {
            let (_, per_second) = unit_of(carrier)?;
            let numbers = epoch(time)?;
            let moved = numbers.iter().zip(amounts).map(|(v, a)| match (v, a) {
                (Some(v), Some(a)) => moved(v, a, per_second).map(Some).ok_or_else(refused),
                _ => Ok(None),
            });
            unchecked(&(Arc::new(moved.collect::<Result<Int64Array>>()?) as ArrayRef), ty.to_arrow())
        }
    }
}

fn moved(value: i64, amount: Amount, per_second: i64) -> Option<i64> {
    match amount {
        Amount::Millis(ms) => ms.checked_mul(per_second / 1000).and_then(|d| value.checked_add(d)),
        // Further than any carrier's range: the calendar's arithmetic must not overflow.
        Amount::Months(m) if m.unsigned_abs() > 12_000_000_000 => None,
        Amount::Months(m) => {
            let per_day = per_second * 86_400;
            let days = add_months(value.div_euclid(per_day), m);
            days.checked_mul(per_day)?.checked_add(value.rem_euclid(per_day))
        }
    }
}

/// The same day of another month, or its last.
pub(super) fn add_months(days: i64, months: i64) -> i64 {
    let (year, month, day) = civil_from_days(days);
    let count = year * 12 + i64::from(month) - 1 + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) as u32 + 1);
    let next = days_from_civil(year + i64::from(month == 12), month % 12 + 1, 1);
    let last = (next - days_from_civil(year, month, 1)) as u32;
    days_from_civil(year, month, day.min(last))
}
