//! Time zones: instants (milliseconds UTC) to wall times (milliseconds as if the wall clock were UTC) and back.

use crate::scalar::refused;
use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use millstream_dataflow::Result;

/// A zone: `Europe/Paris`, `UTC`, `GMT+08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Milliseconds ahead of UTC.
    Fixed(i64),
    Named(Tz),
}

/// What a wall clock did at a wall time. Offsets are milliseconds ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wall {
    /// It showed it once.
    Once(i64),
    /// It was set back and showed it twice.
    Twice(i64, i64),
    /// It was set forward past it; the offset before.
    Never(i64),
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

/// Offsets change at multiples of it, or twice in none of them.
const QUARTER_MS: i64 = 900_000;

const DAY_MS: i64 = 86_400_000;

/// Beyond it offsets stay as they are there: the calendar ends.
const RANGE_MS: i64 = 200_000 * 366 * DAY_MS;

impl Zone {
    /// # Errors
    /// `Data` for a name that is none.
    pub fn parse(name: &str) -> Result<Zone> {
        if let Some(ms) = name.strip_prefix("GMT").and_then(offset) {
            return Ok(Zone::Fixed(ms));
        }
        let known = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long);
        known.parse().map(Zone::Named).map_err(|_| {
            // Java would take any other text for GMT, silently.
            refused(format!("there is no time zone '{name}'")).hint("as in 'Europe/Paris', 'UTC' or 'GMT+08:00'")
        })
    }

    /// Whether wall times are UTC's.
    pub fn is_utc(&self) -> bool {
        matches!(
            self,
            Zone::Fixed(0) | Zone::Named(Tz::UTC | Tz::GMT | Tz::Etc__UTC | Tz::Etc__GMT | Tz::Zulu | Tz::UCT | Tz::Universal | Tz::Etc__UCT)
        )
    }

    /// How far the wall clock is ahead of UTC at an instant, ms.
    pub fn offset(&self, instant: i64) -> i64 {
        match self {
            Zone::Fixed(ms) => *ms,
            Zone::Named(tz) => millis(tz.offset_from_utc_datetime(&naive(instant))),
        }
    }

    /// What the wall clock shows at an instant.
    pub fn wall(&self, instant: i64) -> i64 {
        instant.saturating_add(self.offset(instant))
    }

    /// What the wall clock shows at many instants.
    pub fn walls(&self, instants: &[i64]) -> Vec<i64> {
        // Most are close to the one before.
        let (mut from, mut until, mut offset) = (0, 0, 0);
        let mut one = |t: i64| {
            if t < from || t >= until {
                let start = t.clamp(-RANGE_MS, RANGE_MS).div_euclid(QUARTER_MS) * QUARTER_MS;
                offset = self.offset(t);
                (from, until) = (t, t.saturating_add(1));
                if (self.offset(start), self.offset(start + QUARTER_MS - 1)) == (offset, offset) {
                    (from, until) = (from.min(start), until.max(start + QUARTER_MS));
                }
            }
            t.saturating_add(offset)
        };
        instants.iter().map(|t| one(*t)).collect()
    }

    /// What the wall clock did at a wall time.
    pub fn at_wall(&self, wall: i64) -> Wall {
        let tz = match self {
            Zone::Fixed(ms) => return Wall::Once(*ms),
            Zone::Named(tz) => tz,
        };
        match tz.offset_from_local_datetime(&naive(wall)) {
            LocalResult::Single(o) => Wall::Once(millis(o)),
            LocalResult::Ambiguous(first, second) => Wall::Twice(millis(first), millis(second)),
            LocalResult::None => Wall::Never(self.offset(wall.saturating_sub(DAY_MS))),
        }
    }

    /// The instant of a wall time, as `java.time.LocalDateTime.atZone`: the first of two; one that is left out goes on from before.
    pub fn instant(&self, wall: i64) -> i64 {
        let (Wall::Once(offset) | Wall::Twice(offset, _) | Wall::Never(offset)) = self.at_wall(wall);
        wall.saturating_sub(offset)
    }

    /// The last instant up to another that has this wall time.
    pub fn latest(&self, wall: i64, until: i64) -> i64 {
        match self.at_wall(wall) {
            Wall::Twice(_, second) if wall.saturating_sub(second) <= until => wall.saturating_sub(second),
            _ => self.instant(wall),
        }
    }

    /// The first instant from another on that has this wall time.
    pub fn earliest(&self, wall: i64, from: i64) -> i64 {
        match self.at_wall(wall) {
            Wall::Twice(first, second) if wall.saturating_sub(first) < from => wall.saturating_sub(second),
            _ => self.instant(wall),
        }
    }

    /// The first instant at which a wall time is over for good: at it, a window whose last millisecond this is fires. Grows with the wall time.
    pub fn passed(&self, wall: i64) -> i64 {
        if wall == i64::MIN || wall == i64::MAX {
            return wall;
        }
        match self.at_wall(wall) {
            Wall::Once(offset) | Wall::Twice(_, offset) => wall.saturating_sub(offset),
            Wall::Never(before) => {
                let late = wall.saturating_sub(before);
                self.changed(late.saturating_sub(DAY_MS), late, before)
            }
        }
    }

    /// The last wall time that is over for good at an instant: the watermark of wall times. Grows with the instant.
    pub fn watermark(&self, instant: i64) -> i64 {
        if instant == i64::MIN || instant == i64::MAX {
            return instant;
        }
        let wall = self.wall(instant);
        match self.at_wall(wall) {
            Wall::Twice(first, second) if instant < wall.saturating_sub(second) => {
                let change = self.changed(instant, wall.saturating_sub(second), first);
                change.saturating_add(second) - 1
            }
            _ => wall,
        }
    }

    /// The first instant of `after..=until` whose offset is not the one from before.
    fn changed(&self, mut after: i64, mut until: i64, before: i64) -> i64 {
        while until - after > 1 {
            let middle = after + (until - after) / 2;
            if self.offset(middle) == before {
                after = middle;
            } else {
                until = middle;
            }
        }
        until
    }
}

fn millis(offset: impl Offset) -> i64 {
    i64::from(offset.fix().local_minus_utc()) * 1000
}

fn naive(ms: i64) -> NaiveDateTime {
    DateTime::from_timestamp_millis(ms.clamp(-RANGE_MS, RANGE_MS)).unwrap_or_default().naive_utc()
}

/// `+8`, `-08`, `+08:00`, `+0800` in milliseconds.
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
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60) * 1000)
}

#[cfg(test)]
mod tests {
    use super::{Wall, Zone, offset};

    const HOUR: i64 = 3_600_000;
    /// 2024-03-31T01:00:00Z, when Berlin's clocks go from 2:00 to 3:00.
    const SPRING: i64 = 1_711_846_800_000;
    /// 2024-10-27T01:00:00Z, when they go from 3:00 to 2:00.
    const AUTUMN: i64 = 1_729_990_800_000;

    #[test]
    fn names_are_read() {
        assert_eq!(offset("+8"), Some(8 * HOUR));
        assert_eq!(offset("-0330"), Some(-7 * HOUR / 2));
        assert_eq!(offset("+25"), None);
        assert_eq!(Zone::parse("GMT+08:00").unwrap(), Zone::Fixed(8 * HOUR));
        assert!(Zone::parse("UTC").unwrap().is_utc());
        assert!(Zone::parse("Nope/No").is_err());
        assert!(Zone::parse("+08:00").is_err());
    }

    #[test]
    fn clocks_are_set_forward_and_back() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let gap = SPRING + HOUR + HOUR / 2;
        assert_eq!(berlin.at_wall(gap), Wall::Never(HOUR));
        assert_eq!((berlin.instant(gap), berlin.passed(gap)), (SPRING + HOUR / 2, SPRING));
        assert_eq!((berlin.watermark(SPRING - 1), berlin.watermark(SPRING)), (SPRING + HOUR - 1, SPRING + 2 * HOUR));
        let twice = AUTUMN + HOUR + HOUR / 2;
        assert_eq!(berlin.at_wall(twice), Wall::Twice(2 * HOUR, HOUR));
        assert_eq!((berlin.instant(twice), berlin.passed(twice)), (AUTUMN - HOUR / 2, AUTUMN + HOUR / 2));
        // While 2:30 may come again, nothing past 2:00 is over.
        assert_eq!(berlin.watermark(AUTUMN - HOUR / 2), AUTUMN + HOUR - 1);
        assert_eq!(berlin.watermark(AUTUMN + HOUR / 2), twice);
    }

    #[test]
    fn watermarks_grow_and_agree_with_what_has_passed() {
        for zone in ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Tokyo", "GMT-03:30"] {
            let zone = Zone::parse(zone).unwrap();
            for day in [SPRING, AUTUMN, 1_712_413_800_000, 1_710_000_000_000] {
                let times: Vec<i64> = (-3000..3000).map(|i| day + i * 60_000).collect();
                let marks: Vec<i64> = times.iter().map(|t| zone.watermark(*t)).collect();
                assert!(marks.is_sorted(), "{zone:?}");
                assert!(times.iter().map(|t| zone.passed(*t)).is_sorted());
                for t in &times {
                    assert!(
                        zone.watermark(zone.passed(*t)) >= *t && zone.watermark(zone.passed(*t) - 1) < *t,
                        "{zone:?} {t}"
                    );
                }
                assert_eq!(zone.walls(&times), times.iter().map(|t| zone.wall(*t)).collect::<Vec<_>>());
            }
            assert_eq!((zone.watermark(i64::MIN), zone.watermark(i64::MAX)), (i64::MIN, i64::MAX));
            zone.passed(i64::MAX - 1);
            zone.watermark(i64::MIN + 1);
        }
    }
}
