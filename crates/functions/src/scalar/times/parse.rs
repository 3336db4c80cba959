//! Texts read as times.

use super::DAY_NANOS;
use super::field::weekday;
use super::pattern::{DAYS, Dialect, Item, MONTHS, Pattern};
use millstream_dataflow::temporal::{civil_from_days, days_from_civil};

/// A wall time: days since 1970-01-01 and nanoseconds of the day.
pub(super) type Moment = (i64, i64);

/// What a text says, before it is a time.
#[derive(Debug, Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    weekday: Option<i64>,
    hour: Option<i64>,
    /// 0 to 11, with `pm`.
    half_hour: Option<i64>,
    pm: bool,
    minute: i64,
    second: i64,
    nanos: i64,
    /// Seconds east of UTC.
    offset: Option<i64>,
}

/// The time a text says by a pattern.
///
/// A `Time` pattern has to cover the whole text and takes fields in their ranges, but for the days 29 to 31 of shorter months; a
/// `Simple` one ignores what follows and carries any field over into the next larger one. An offset counts in `Simple` ones only.
pub(super) fn parse(text: &str, pattern: &Pattern) -> Option<Moment> {
    let mut rest = text;
    let mut fields = Fields::default();
    let simple = pattern.dialect == Dialect::Simple;
    for (i, item) in pattern.items.iter().enumerate() {
        match item {
            Item::Text(t) => rest = rest.strip_prefix(t.as_str())?,
            Item::Field(letter, n) => rest = field(rest, *letter, *n, &pattern.items[i + 1..], simple, &mut fields)?,
        }
    }
    if simple {
        fields.lenient()
    } else if rest.is_empty() {
        fields.smart()
    } else {
        None
    }
}

fn is_number(letter: char, n: usize) -> bool {
    match letter {
        'M' | 'L' => n <= 2,
        _ => "yuYdDHhkKmsSnNA".contains(letter),
    }
}

/// Reads one field at the start of a text; gives what follows.
fn field<'a>(text: &'a str, letter: char, n: usize, next: &[Item], simple: bool, fields: &mut Fields) -> Option<&'a str> {
    if !is_number(letter, n) {
        return named(text, letter, n, simple, fields);
    }
    let text = if simple { text.trim_start() } else { text };
    let run = text.bytes().take_while(u8::is_ascii_digit).count();
    let fixed = |letter: char, n: usize| is_number(letter, n) && (n > 1 && !(letter == 'y' && n != 2));
    // Fields that touch share the digits: those of fixed width come first.
    let mut touching = 0;
    for item in next {
        match item {
            Item::Field(l, n) if is_number(*l, *n) && (simple || fixed(*l, *n)) => touching += n,
            _ => break,
        }
    }
    let width = match (simple, letter, n) {
        (true, ..) if touching > 0 => n.min(run),
        (true, ..) => run,
        (false, 'y' | 'u', 2) => 2,
        (false, 'y' | 'u', _) => {
            let width = run.saturating_sub(touching);
            // More digits than the pattern's need a sign, which is not read here.
            if width < n || (n >= 4 && width > n) {
                return None;
            }
            width
        }
        (false, 'S', n) => n,
        (false, _, 1) => run.saturating_sub(touching).min(18),
        (false, ..) => n,
    };
    if width == 0 || width > run || width > 18 {
        return None;
    }
    let (digits, rest) = text.split_at(width);
    let value: i64 = digits.parse().ok()?;
    match letter {
        'y' | 'u' | 'Y' if simple && n <= 2 && width == 2 => fields.year = Some(if value < 50 { 2000 + value } else { 1900 + value }),
        'y' | 'u' if !simple && n == 2 => fields.year = Some(2000 + value),
        'y' | 'u' | 'Y' => fields.year = Some(value),
        'M' | 'L' => fields.month = Some(value),
        'd' => fields.day = Some(value),
        'D' => fields.day_of_year = Some(value),
        'H' => fields.hour = Some(value),
        'k' => fields.hour = Some(value % 24),
        'h' if simple || (1..=12).contains(&value) => fields.half_hour = Some(value % 12),
        'K' if simple || value < 12 => fields.half_hour = Some(value),
        'm' => fields.minute = value,
        's' => fields.second = value,
        'S' if simple => fields.nanos = value.checked_mul(1_000_000)?,
        'S' => fields.nanos = format!("{digits:0<9}")[..9].parse().ok()?,
        'n' => fields.nanos = value,
        _ => return None,
    }
    Some(rest)
}

/// Fields that are words, and zones.
fn named<'a>(text: &'a str, letter: char, n: usize, simple: bool, fields: &mut Fields) -> Option<&'a str> {
    let starts = |name: &str| {
        text.get(..name.len())
            .is_some_and(|t| if simple { t.eq_ignore_ascii_case(name) } else { t == name })
    };
    // Of two names that fit, the longer: a full one begins with the short one.
    let one_of = |names: &[&str]| -> Option<(i64, &'a str)> {
        let forms = |name: &'_ str| -> Vec<String> {
            match (simple, n) {
                (false, 4) => vec![name.to_string()],
                (false, _) => vec![name[..3].to_string()],
                (true, _) => vec![name.to_string(), name[..3].to_string()],
            }
        };
        names
            .iter()
            .enumerate()
            .find_map(|(i, name)| forms(name).iter().find(|f| starts(f)).map(|f| (i as i64, &text[f.len()..])))
    };
    match letter {
        'M' | 'L' => {
            let (month, rest) = one_of(&MONTHS)?;
            fields.month = Some(month + 1);
            Some(rest)
        }
        'E' => {
            let (day, rest) = one_of(&DAYS)?;
            fields.weekday = Some(day);
            Some(rest)
        }
        'a' => {
            fields.pm = starts("PM");
            (fields.pm || starts("AM")).then(|| &text[2..])
        }
        'Z' | 'X' | 'x' | 'z' => {
            let (offset, rest) = zone(text)?;
            fields.offset = Some(offset);
            Some(rest)
        }
        _ => None,
    }
}

/// `Z`, `UTC`, `GMT`, `+08`, `+0800`, `+08:00`.
fn zone(text: &str) -> Option<(i64, &str)> {
    for name in ["UTC", "GMT", "Z"] {
        if let Some(rest) = text.strip_prefix(name) {
            return Some((0, rest));
        }
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |t: &str| -> Option<i64> { t.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?.parse().ok() };
    let hours = two(&text[1..])?;
    let after = &text[3..];
    let minutes = after.strip_prefix(':').unwrap_or(after);
    Some(match two(minutes) {
        Some(m) => (sign * (hours * 3600 + m * 60), &minutes[2..]),
        None => (sign * hours * 3600, after),
    })
}

impl Fields {
    fn hour(&self) -> i64 {
        match (self.hour, self.half_hour) {
            (Some(h), _) => h,
            (None, Some(h)) => h + if self.pm { 12 } else { 0 },
            (None, None) => 0,
        }
    }

    /// Every field in its range, a day no longer than its month.
    fn smart(self) -> Option<Moment> {
        let year = self.year.unwrap_or(1970);
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year > 999_999_999 {
            return None;
        }
        let days = match self.day_of_year {
            Some(n) => {
                let first = days_from_civil(year, 1, 1);
                (1..=days_from_civil(year + 1, 1, 1) - first).contains(&n).then_some(first + n - 1)?
            }
            None => {
                let next = days_from_civil(year + i64::from(month == 12), month as u32 % 12 + 1, 1);
                (days_from_civil(year, month as u32, 1) + day - 1).min(next - 1)
            }
        };
        if self.weekday.is_some_and(|w| w != weekday(days)) {
            return None;
        }
        let hour = self.hour();
        if hour == 24 && self.minute == 0 && self.second == 0 && self.nanos == 0 {
            return Some((days + 1, 0));
        }
        if hour > 23 || self.minute > 59 || self.second > 59 || self.nanos > 999_999_999 {
            return None;
        }
        Some((days, (hour * 3600 + self.minute * 60 + self.second) * 1_000_000_000 + self.nanos))
    }

    /// Any field may be beyond its range.
    fn lenient(self) -> Option<Moment> {
        let bounded = |v: i64, max: i64| (v.abs() <= max).then_some(v);
        let year = bounded(self.year.unwrap_or(1970), 200_000_000)?;
        let month = bounded(self.month.unwrap_or(1), 1_000_000)? - 1;
        let first = days_from_civil(year + month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1);
        let days = match self.day_of_year {
            Some(n) => days_from_civil(year, 1, 1) + bounded(n, 1_000_000_000)? - 1,
            None => first + bounded(self.day.unwrap_or(1), 1_000_000_000)? - 1,
        };
        let max = 1_000_000_000_000;
        let hours = i128::from(bounded(self.hour(), max)?) * 3600;
        let seconds = hours + i128::from(bounded(self.minute, max)?) * 60 + i128::from(bounded(self.second, max)?) - i128::from(self.offset.unwrap_or(0));
        let nanos = seconds * 1_000_000_000 + i128::from(self.nanos);
        let day = i128::from(DAY_NANOS);
        Some((days + i64::try_from(nanos.div_euclid(day)).ok()?, nanos.rem_euclid(day) as i64))
    }
}

/// `yyyy-M-d[ H:m:s[.fraction]]`: what TO_TIMESTAMP takes without a pattern.
pub(super) fn plain_timestamp(text: &str) -> Option<Moment> {
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut fields = date_fields(date)?;
    if let Some(time) = time {
        let (time, fraction) = match time.split_once('.') {
            Some((time, fraction)) => (time, fraction),
            None => (time, ""),
        };
        let mut parts = time.split(':');
        fields.hour = Some(digits(parts.next()?, 2)?);
        fields.minute = digits(parts.next()?, 2)?;
        fields.second = digits(parts.next()?, 2)?;
        fields.nanos = if fraction.is_empty() {
            0
        } else {
            digits(fraction, 9).map(|_| format!("{fraction:0<9}"))?.parse().ok()?
        };
        if parts.next().is_some() {
            return None;
        }
    }
    fields.smart()
}

/// What Java's `Timestamp.valueOf` and `Date.valueOf` take: TO_TIMESTAMP tries them when the pattern does not fit.
pub(super) fn fallback(text: &str) -> Option<Moment> {
    let text = text.trim();
    match text.contains(' ') {
        true => plain_timestamp(text),
        false => date_fields(text)?.smart(),
    }
}

fn date_fields(text: &str) -> Option<Fields> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|y| y.len() == 4)?;
    let fields = Fields {
        year: Some(digits(year, 4)?),
        month: Some(digits(parts.next()?, 2)?),
        day: Some(digits(parts.next()?, 2)?),
        ..Fields::default()
    };
    parts.next().is_none().then_some(fields)
}

/// At most so many digits.
fn digits(text: &str, max: usize) -> Option<i64> {
    (!text.is_empty() && text.len() <= max && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `yyyy[-M[-d]]`, and a time after a blank that does not count: what TO_DATE takes without a pattern, and CAST.
pub(crate) fn plain_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let date = text.split(' ').next()?;
    let mut parts = date.split('-').map(|p| digits(p.trim(), 9));
    let year = parts.next()??;
    let month = parts.next().unwrap_or(Some(1))?;
    let day = parts.next().unwrap_or(Some(1))?;
    let days = days_from_civil(year, month.clamp(1, 12) as u32, day.clamp(1, 31) as u32);
    let exact = year <= 9999 && civil_from_days(days) == (year, month as u32, day as u32);
    (exact && parts.next().is_none()).then_some(days)
}
