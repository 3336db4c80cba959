//! Times as texts and texts as times.

use super::parse::{fallback, parse, plain_date, plain_timestamp};
use super::pattern::{Dialect, Pattern};
use super::zone::{from_utc, shifted, to_utc};
use super::{from_parts, parts};
use crate::Zone;
use crate::scalar::rows::{long, refused, text, try_longs, try_texts};
use crate::scalar::{Function, Signature, fixed, nullable};
use crate::types::{Type, is_numeric, is_text, is_timestamp};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use millstream_dataflow::temporal::split;
use millstream_dataflow::{Error, Result, SqlType};
use std::collections::HashMap;

const S: SqlType = SqlType::STRING;
const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss";

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "date_format",
        usage: "DATE_FORMAT(timestamp or text, pattern)",
        doc: "The time as a text. Patterns as in java.time.format.DateTimeFormatter.",
        example: ("DATE_FORMAT(TIMESTAMP '2024-02-29 13:45:06', 'dd.MM.yyyy')", "29.02.2024"),
        resolve: |a| match a {
            [t, p] if (is_timestamp(&t.ty) || is_text(&t.ty)) && (is_text(&p.ty) || p.ty == SqlType::Null) => Some(Signature {
                args: vec![if is_text(&t.ty) { S } else { t.ty.clone() }, S],
                result: Type::new(S, true),
            }),
            _ => None,
        },
        evaluate: date_format,
    },
    Function {
        name: "to_timestamp",
        usage: "TO_TIMESTAMP(text [, pattern])",
        doc: "A text as a TIMESTAMP(3). By default yyyy-MM-dd HH:mm:ss, or a date alone. NULL for a text that does not fit.",
        example: ("TO_TIMESTAMP('29.02.2024 13:45', 'dd.MM.yyyy HH:mm')", "2024-02-29 13:45:00.000"),
        resolve: |a| nullable(a, &[S], SqlType::Timestamp(3)).or_else(|| nullable(a, &[S, S], SqlType::Timestamp(3))),
        evaluate: to_timestamp,
    },
    Function {
        name: "to_timestamp_ltz",
        usage: "TO_TIMESTAMP_LTZ(number [, precision]), TO_TIMESTAMP_LTZ(text [, pattern [, zone]])",
        doc: "A point in time. A number counts units of 10^-precision seconds: 0 for seconds, 3 (the default) for milliseconds.",
        example: ("TO_TIMESTAMP_LTZ(1700000000, 0)", "2023-11-14 22:13:20.000Z"),
        resolve: ltz_type,
        evaluate: to_timestamp_ltz,
    },
    Function {
        name: "to_date",
        usage: "TO_DATE(text [, pattern])",
        doc: "A text as a DATE. By default yyyy-MM-dd; else a pattern as in java.text.SimpleDateFormat. NULL for a text that does not fit.",
        example: ("TO_DATE('29.02.2024', 'dd.MM.yyyy')", "2024-02-29"),
        resolve: |a| nullable(a, &[S], SqlType::Date).or_else(|| nullable(a, &[S, S], SqlType::Date)),
        evaluate: |a, rows, t| {
            let mut patterns = Patterns::new(Dialect::Simple);
            let day = |i: usize| -> Result<Option<(i64, i64)>> {
                let Some(s) = text(&a[0], i) else { return Ok(None) };
                let days = match a.get(1) {
                    None => plain_date(s),
                    Some(p) => match text(p, i) {
                        None => None,
                        Some(p) => parse(s, patterns.get(p)?).map(|(days, _)| days),
                    },
                };
                Ok(days.map(|d| (d, 0)))
            };
            from_parts((0..rows).map(day).collect::<Result<_>>()?, t)
        },
    },
    Function {
        name: "unix_timestamp",
        usage: "UNIX_TIMESTAMP(text [, pattern [, zone]])",
        doc: "Seconds since 1970 of a time of the zone, `table.local-time-zone` by default; the least BIGINT for a text that does not fit. Patterns as in java.text.SimpleDateFormat.",
        example: ("UNIX_TIMESTAMP('29.02.2024', 'dd.MM.yyyy', 'UTC')", "1709164800"),
        resolve: |a| (1..=3).contains(&a.len()).then(|| fixed(a, &[S, S, S][..a.len()], SqlType::BigInt)).flatten(),
        evaluate: |a, rows, _| {
            let mut patterns = Patterns::new(Dialect::Simple);
            try_longs(rows, |i| {
                let pattern = a.get(1).map_or(Some(DEFAULT), |p| text(p, i));
                let (Some(s), Some(pattern)) = (text(&a[0], i), pattern) else {
                    return Ok(None);
                };
                let Some(mut moment) = parse(s, patterns.get(pattern)?) else {
                    return Ok(Some(i64::MIN));
                };
                if let Some(zone) = a.get(2) {
                    let Some(zone) = text(zone, i) else { return Ok(None) };
                    moment = to_utc(moment, &Zone::parse(zone)?)?;
                }
                Ok(Some(moment.0 * 86_400 + moment.1 / 1_000_000_000))
            })
        },
    },
    Function {
        name: "from_unixtime",
        usage: "FROM_UNIXTIME(seconds [, pattern [, zone]])",
        doc: "Seconds since 1970 as a text. As the clocks of the zone show it, `table.local-time-zone` by default; the pattern is yyyy-MM-dd HH:mm:ss by default.",
        example: ("FROM_UNIXTIME(1700000000, 'dd.MM.yyyy HH:mm', 'UTC')", "14.11.2023 22:13"),
        resolve: |a| {
            (1..=3)
                .contains(&a.len())
                .then(|| nullable(a, &[SqlType::BigInt, S, S][..a.len()], S))
                .flatten()
        },
        evaluate: |a, rows, _| {
            let mut patterns = Patterns::new(Dialect::Simple);
            try_texts(rows, |i| {
                let pattern = a.get(1).map_or(Some(DEFAULT), |p| text(p, i));
                let (Some(seconds), Some(pattern)) = (long(&a[0], i), pattern) else {
                    return Ok(None);
                };
                let mut moment = split(seconds, 1);
                if let Some(zone) = a.get(2) {
                    let Some(zone) = text(zone, i) else { return Ok(None) };
                    moment = from_utc(moment, &Zone::parse(zone)?)?;
                }
                let (days, nanos) = moment;
                let mut out = String::new();
                patterns.get(pattern)?.format(days, nanos, &mut out)?;
                Ok(Some(out))
            })
        },
    },
];

/// Read patterns of one call, which are few and usually one.
pub(super) struct Patterns(Dialect, HashMap<String, Pattern>);

/// Patterns kept: a column of patterns must not fill the memory.
const PATTERNS_MAX: usize = 1000;

impl Patterns {
    pub(super) fn new(dialect: Dialect) -> Patterns {
        Patterns(dialect, HashMap::new())
    }

    pub(super) fn get(&mut self, text: &str) -> Result<&Pattern> {
        if !self.1.contains_key(text) {
            if self.1.len() >= PATTERNS_MAX {
                self.1.clear();
            }
            self.1.insert(text.to_string(), Pattern::new(text, self.0)?);
        }
        self.1.get(text).ok_or_else(|| Error::bug("a pattern vanished"))
    }
}

fn date_format(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut patterns = Patterns::new(Dialect::Time);
    let of_texts = *args[0].data_type() == DataType::Utf8View;
    let times = if of_texts {
        // A text is read to the second, as UNIX_TIMESTAMP does.
        let default = Pattern::new(DEFAULT, Dialect::Simple)?;
        (0..rows).map(|i| parse(text(&args[0], i)?, &default)).collect()
    } else {
        parts(&args[0])?
    };
    try_texts(rows, |i| {
        let (Some((days, nanos)), Some(pattern)) = (times[i], text(&args[1], i)) else {
            return Ok(None);
        };
        let mut out = String::new();
        patterns.get(pattern)?.format(days, nanos, &mut out)?;
        Ok(Some(out))
    })
}

/// The time of a text by a pattern or the default form.
fn moment(args: &[ArrayRef], row: usize, patterns: &mut Patterns) -> Result<Option<(i64, i64)>> {
    let Some(s) = text(&args[0], row) else { return Ok(None) };
    Ok(match args.get(1) {
        None => plain_timestamp(s),
        Some(p) => match text(p, row) {
            None => None,
            Some(p) => parse(s, patterns.get(p)?).or_else(|| fallback(s)),
        },
    })
}

/// Beyond it a TIMESTAMP's number is out of range.
const DAYS_MAX: i64 = 100_000_000;

fn to_timestamp(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let mut patterns = Patterns::new(Dialect::Time);
    let times = (0..rows).map(|i| Ok(moment(args, i, &mut patterns)?.filter(|(days, _)| days.abs() < DAYS_MAX)));
    from_parts(times.collect::<Result<_>>()?, ty)
}

fn ltz_type(args: &[Type]) -> Option<Signature> {
    let [first, rest @ ..] = args else { return None };
    if is_text(&first.ty) {
        return (args.len() <= 3)
            .then(|| nullable(args, &[S, S, S][..args.len()], SqlType::TimestampLtz(3)))
            .flatten();
    }
    let number = match &first.ty {
        SqlType::Null => SqlType::BigInt,
        t if t.is_integer() => SqlType::BigInt,
        t if is_numeric(t) => SqlType::Double,
        _ => return None,
    };
    let precision = match rest {
        [] => 3,
        [p] if p.ty == SqlType::Int || p.ty == SqlType::Null => p.literal.unwrap_or(3),
        _ => return None,
    };
    let mut types = vec![number];
    types.extend(rest.iter().map(|_| SqlType::Int));
    Some(Signature {
        args: types,
        result: Type::new(SqlType::TimestampLtz(u8::try_from(precision).ok().filter(|p| *p <= 9)?.max(3)), true),
    })
}

fn to_timestamp_ltz(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    if *args[0].data_type() == DataType::Utf8View {
        let mut patterns = Patterns::new(Dialect::Time);
        let one = |i: usize| -> Result<Option<(i64, i64)>> {
            let wall = moment(args, i, &mut patterns)?.filter(|(days, _)| days.abs() < DAYS_MAX);
            match (wall, args.get(2)) {
                (Some(wall), Some(zone)) => match text(zone, i) {
                    Some(zone) => {
                        let zone = Zone::parse(zone)?;
                        Ok(Some(shifted(wall, |wall| zone.instant(wall))?))
                    }
                    None => Ok(None),
                },
                (wall, _) => Ok(wall),
            }
        };
        return from_parts((0..rows).map(one).collect::<Result<_>>()?, ty);
    }
    let precision = |i: usize| args.get(1).map_or(Some(3), |p| crate::scalar::rows::int(p, i));
    let one = |i: usize| -> Result<Option<(i64, i64)>> {
        if args[0].is_null(i) {
            return Ok(None);
        }
        let Some(p) = precision(i) else { return Ok(None) };
        if !(0..=9).contains(&p) {
            return Err(refused(format!("TO_TIMESTAMP_LTZ takes a precision of 0 to 9, not {p}")));
        }
        let unit = 10i64.pow(p as u32);
        let moment = match args[0].data_type() {
            DataType::Int64 => split(args[0].as_primitive::<Int64Type>().value(i), unit),
            // Fractions of a millisecond are cut off.
            _ => {
                let millis = args[0].as_primitive::<Float64Type>().value(i) * 1000.0 / unit as f64;
                if millis.is_nan() || millis.abs() >= 9.2e18 {
                    return Err(super::out_of_range(ty));
                }
                split(millis as i64, 1000)
            }
        };
        Ok(Some(moment))
    };
    from_parts((0..rows).map(one).collect::<Result<_>>()?, ty)
}
