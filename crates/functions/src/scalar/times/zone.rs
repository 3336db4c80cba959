//! Time zones.

use super::format::Patterns;
use super::parse::{Moment, parse};
use super::pattern::Dialect;
use crate::scalar::rows::{refused, text, try_texts};
use crate::scalar::{Function, nullable};
use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use millstream_dataflow::{Result, SqlType};

const S: SqlType = SqlType::STRING;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[Function {
    name: "convert_tz",
    usage: "CONVERT_TZ(text, from zone, to zone)",
    doc: "A yyyy-MM-dd HH:mm:ss of one zone in another: `Europe/Paris`, `UTC`, `GMT+8`. NULL for a text that does not fit.",
    resolve: |a| nullable(a, &[S, S, S], S),
    evaluate: |a, rows, _| {
        let mut patterns = Patterns::new(Dialect::Simple);
        let pattern = patterns.get("yyyy-MM-dd HH:mm:ss")?;
        try_texts(rows, |i| {
            let (Some(s), Some(from), Some(to)) = (text(&a[0], i), text(&a[1], i), text(&a[2], i)) else {
                return Ok(None);
            };
            let Some(wall) = parse(s, pattern) else { return Ok(None) };
            let (days, nanos) = from_utc(to_utc(wall, from)?, to)?;
            let mut out = String::new();
            pattern.format(days, nanos, &mut out)?;
            Ok(Some(out))
        })
    },
}];

enum Zone {
    Fixed(TimeDelta),
    Named(Tz),
}

/// Names that Java has and the zone database has not.
const SHORT: [(&str, &str); 9] = [
    ("PST", "America/Los_Angeles"),
    ("CST", "America/Chicago"),
    ("AKST", "America/Anchorage"),
    ("JST", "Asia/Tokyo"),
    ("IST", "Asia/Kolkata"),
    ("CTT", "Asia/Shanghai"),
    ("ECT", "Europe/Paris"),
    ("BST", "Asia/Dhaka"),
    ("AET", "Australia/Sydney"),
];

fn zone(name: &str) -> Result<Zone> {
    if let Some(seconds) = name.strip_prefix("GMT").and_then(offset) {
        return Ok(Zone::Fixed(TimeDelta::seconds(seconds)));
    }
    let known = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long);
    known.parse().map(Zone::Named).map_err(|_| {
        // Java would take any other text for GMT, silently.
        refused(format!("there is no time zone '{name}'")).hint("as in 'Europe/Paris', 'UTC' or 'GMT+08:00'")
    })
}

/// `+8`, `-08`, `+08:00`, `+0800` in seconds.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(pair) => pair,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let number = |t: &str, max: i64| t.parse::<i64>().ok().filter(|n| t.bytes().all(|b| b.is_ascii_digit()) && *n <= max);
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}

/// Beyond it offsets cannot be looked up.
fn naive((days, nanos): Moment) -> Result<NaiveDateTime> {
    let seconds = days.checked_mul(86_400).and_then(|s| s.checked_add(nanos / 1_000_000_000));
    let found = seconds.and_then(|s| DateTime::from_timestamp(s, (nanos % 1_000_000_000) as u32));
    found.map(|t| t.naive_utc()).ok_or_else(|| refused("a time is too far away for time zones"))
}

fn moment(time: NaiveDateTime) -> Moment {
    let utc = time.and_utc();
    let seconds = utc.timestamp();
    (
        seconds.div_euclid(86_400),
        seconds.rem_euclid(86_400) * 1_000_000_000 + i64::from(utc.timestamp_subsec_nanos()),
    )
}

/// A wall time of a zone in UTC. As in Java, an hour that comes twice is the second one, one that is left out goes on from before.
pub(super) fn to_utc(wall: Moment, name: &str) -> Result<Moment> {
    let wall = naive(wall)?;
    let shift = match zone(name)? {
        Zone::Fixed(shift) => shift,
        Zone::Named(tz) => {
            let offset = match tz.offset_from_local_datetime(&wall) {
                LocalResult::Single(o) | LocalResult::Ambiguous(_, o) => o,
                LocalResult::None => tz.offset_from_utc_datetime(&(wall - TimeDelta::days(1))),
            };
            TimeDelta::seconds(offset.fix().local_minus_utc().into())
        }
    };
    wall.checked_sub_signed(shift).map(moment).ok_or_else(|| refused("a time leaves its range"))
}

fn from_utc(utc: Moment, name: &str) -> Result<Moment> {
    let utc = naive(utc)?;
    let shift = match zone(name)? {
        Zone::Fixed(shift) => shift,
        Zone::Named(tz) => TimeDelta::seconds(tz.offset_from_utc_datetime(&utc).fix().local_minus_utc().into()),
    };
    utc.checked_add_signed(shift).map(moment).ok_or_else(|| refused("a time leaves its range"))
}

#[cfg(test)]
mod tests {
    use super::{from_utc, offset, to_utc};

    #[test]
    fn zones_shift_both_ways() {
        assert_eq!(offset("+8"), Some(28_800));
        assert_eq!(offset("-0330"), Some(-12_600));
        assert_eq!(offset("+25"), None);
        assert_eq!(from_utc((0, 0), "America/Los_Angeles").unwrap(), (-1, 57_600_000_000_000));
        assert_eq!(to_utc((0, 0), "GMT+08:00").unwrap(), (-1, 57_600_000_000_000));
        assert!(to_utc((0, 0), "Nope/No").is_err());
        assert!(to_utc((0, 0), "+08:00").is_err());
        assert!(to_utc((i64::MAX / 2, 0), "UTC").is_err());
    }
}
