//! Wall times of zones.

use super::format::Patterns;
use super::parse::{Moment, parse};
use super::pattern::Dialect;
use super::{DAY_MS, out_of_range};
use crate::Zone;
use crate::cast::{epoch, unchecked, unit_of};
use crate::scalar::rows::{refused, text, try_texts};
use crate::scalar::{Function, Signature, any_nullable, nullable};
use crate::types::{Type, is_text};
use arrow_array::{Array, ArrayRef, Int64Array};
use millstream_dataflow::{Result, SqlType};
use std::sync::Arc;

const S: SqlType = SqlType::STRING;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "convert_tz",
        usage: "CONVERT_TZ(text, from zone, to zone)",
        doc: "A yyyy-MM-dd HH:mm:ss of one zone in another: `Europe/Paris`, `UTC`, `GMT+8`. NULL for a text that does not fit.",
        example: ("CONVERT_TZ('2024-07-01 12:00:00', 'UTC', 'Europe/Paris')", "2024-07-01 14:00:00"),
        resolve: |a| nullable(a, &[S, S, S], S),
        evaluate: |a, rows, _| {
            let mut patterns = Patterns::new(Dialect::Simple);
            let pattern = patterns.get("yyyy-MM-dd HH:mm:ss")?;
            try_texts(rows, |i| {
                let (Some(s), Some(from), Some(to)) = (text(&a[0], i), text(&a[1], i), text(&a[2], i)) else {
                    return Ok(None);
                };
                let Some(wall) = parse(s, pattern) else { return Ok(None) };
                let (days, nanos) = from_utc(to_utc(wall, &Zone::parse(from)?)?, &Zone::parse(to)?)?;
                let mut out = String::new();
                pattern.format(days, nanos, &mut out)?;
                Ok(Some(out))
            })
        },
    },
    Function {
        name: "ltz_to_local",
        usage: "LTZ_TO_LOCAL(timestamp_ltz, zone)",
        doc: "What the clocks of a zone show at a point in time. Not in Flink, which casts in `table.local-time-zone`.",
        example: ("LTZ_TO_LOCAL(TO_TIMESTAMP_LTZ(0, 0), 'Asia/Tokyo')", "1970-01-01 09:00:00.000"),
        resolve: |a| match a {
            [t, z] if is_text(&z.ty) => match t.ty {
                SqlType::TimestampLtz(p) => Some(signature(a, SqlType::Timestamp(p))),
                _ => None,
            },
            _ => None,
        },
        evaluate: |a, rows, t| in_zone(a, rows, t, |zone, times| zone.walls(times)),
    },
    Function {
        name: "local_to_ltz",
        usage: "LOCAL_TO_LTZ(timestamp, zone)",
        doc: "When the clocks of a zone show a time: the first of two times; one that they leave out counts on from before. Not in Flink.",
        example: ("LOCAL_TO_LTZ(TIMESTAMP '2024-07-01 12:00:00', 'Asia/Tokyo')", "2024-07-01 03:00:00Z"),
        resolve: |a| match a {
            [t, z] if is_text(&z.ty) => match t.ty {
                SqlType::Timestamp(p) => Some(signature(a, SqlType::TimestampLtz(p))),
                _ => None,
            },
            _ => None,
        },
        evaluate: |a, rows, t| in_zone(a, rows, t, |zone, times| times.iter().map(|t| zone.instant(*t)).collect()),
    },
];

fn signature(args: &[Type], result: SqlType) -> Signature {
    Signature {
        args: vec![args[0].ty.clone(), S],
        result: Type::new(result, any_nullable(args)),
    }
}

/// Moves times of any carrier, the zone given per row.
fn in_zone(args: &[ArrayRef], rows: usize, ty: &SqlType, moved: fn(&Zone, &[i64]) -> Vec<i64>) -> Result<ArrayRef> {
    let (_, per_second) = unit_of(args[0].data_type())?;
    let per_ms = per_second / 1000;
    let times = epoch(&args[0])?;
    let mut out: Vec<Option<i64>> = vec![None; rows];
    let mut known: Option<(&str, Zone)> = None;
    let mut from = 0;
    while from < rows {
        // Nearly always one run: the zone is a literal.
        let name = text(&args[1], from);
        let until = (from + 1..rows).find(|i| text(&args[1], *i) != name).unwrap_or(rows);
        if let Some(name) = name {
            let zone = match known {
                Some((same, zone)) if same == name => zone,
                _ => Zone::parse(name)?,
            };
            known = Some((name, zone));
            let millis: Vec<i64> = times.values()[from..until].iter().map(|t| t.div_euclid(per_ms)).collect();
            for (i, ms) in (from..until).zip(moved(&zone, &millis)) {
                if times.is_valid(i) {
                    let value = ms.checked_mul(per_ms).and_then(|v| v.checked_add(times.value(i).rem_euclid(per_ms)));
                    out[i] = Some(value.ok_or_else(|| out_of_range(ty))?);
                }
            }
        }
        from = until;
    }
    unchecked(&(Arc::new(Int64Array::from(out)) as ArrayRef), ty.to_arrow())
}

/// Moves a time by whole milliseconds.
pub(super) fn shifted((days, nanos): Moment, moved: impl Fn(i64) -> i64) -> Result<Moment> {
    let ms = days.checked_mul(DAY_MS).and_then(|ms| ms.checked_add(nanos / 1_000_000));
    let ms = ms.ok_or_else(|| refused("a time is too far away for time zones"))?;
    let moved = moved(ms);
    Ok((moved.div_euclid(DAY_MS), moved.rem_euclid(DAY_MS) * 1_000_000 + nanos % 1_000_000))
}

/// A wall time of a zone in UTC, as `java.util.Calendar` has it: of an hour that comes twice it is the second.
pub(super) fn to_utc(wall: Moment, zone: &Zone) -> Result<Moment> {
    use crate::zone::Wall;
    shifted(wall, |wall| match zone.at_wall(wall) {
        Wall::Twice(_, offset) => wall.saturating_sub(offset),
        _ => zone.instant(wall),
    })
}

/// The wall time of a zone at a time in UTC.
pub(super) fn from_utc(utc: Moment, zone: &Zone) -> Result<Moment> {
    shifted(utc, |t| zone.wall(t))
}

#[cfg(test)]
mod tests {
    use super::{from_utc, to_utc};
    use crate::Zone;

    #[test]
    fn zones_shift_both_ways() {
        let zone = |name: &str| Zone::parse(name).unwrap();
        assert_eq!(from_utc((0, 0), &zone("America/Los_Angeles")).unwrap(), (-1, 57_600_000_000_000));
        assert_eq!(to_utc((0, 7), &zone("GMT+08:00")).unwrap(), (-1, 57_600_000_000_007));
        assert!(to_utc((i64::MAX / 2, 0), &zone("UTC")).is_err());
    }
}
