//! Dates, times and timestamps as text, both ways.

/// Days since 1970-01-01 of a civil date (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * i64::from((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The civil date of days since 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (
        year_of_era + era * 400 + i64::from(month <= 2),
        month,
        (day_of_year - (153 * mp + 2) / 5 + 1) as u32,
    )
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn two(bytes: &[u8]) -> Option<u32> {
    let (a, b) = (bytes.first()?.wrapping_sub(b'0'), bytes.get(1)?.wrapping_sub(b'0'));
    (a < 10 && b < 10).then(|| u32::from(a) * 10 + u32::from(b))
}

/// `yyyy-MM-dd` at the start of a text: days since 1970-01-01 and the rest.
pub fn parse_date(text: &[u8]) -> Option<(i64, &[u8])> {
    if text.len() < 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let year = i64::from(two(text)? * 100 + two(&text[2..])?);
    let (month, day) = (two(&text[5..])?, two(&text[8..])?);
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    Some((days_from_civil(year, month, day), &text[10..]))
}

/// `HH:mm[:ss[.fraction]]` at the start of a text: nanoseconds of the day and the rest.
pub fn parse_time(text: &[u8]) -> Option<(i64, &[u8])> {
    if text.len() < 5 || text[2] != b':' {
        return None;
    }
    let (hour, minute) = (two(text)?, two(&text[3..])?);
    let mut rest = &text[5..];
    let mut second = 0;
    let mut nanos = 0;
    if rest.first() == Some(&b':') {
        second = two(&rest[1..])?;
        rest = &rest[3..];
        if rest.first() == Some(&b'.') {
            let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return None;
            }
            for d in &rest[1..=digits] {
                nanos = nanos * 10 + i64::from(d - b'0');
            }
            nanos *= 10i64.pow(9 - digits as u32);
            rest = &rest[1 + digits..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((i64::from(hour * 3600 + minute * 60 + second) * 1_000_000_000 + nanos, rest))
}

/// `yyyy-MM-dd` + separator + time: days and nanoseconds of the day, and the rest.
pub fn parse_timestamp(text: &[u8], separator: u8) -> Option<((i64, i64), &[u8])> {
    let (days, rest) = parse_date(text)?;
    let (nanos, rest) = parse_time(rest.strip_prefix(&[separator])?)?;
    Some(((days, nanos), rest))
}

/// Appends `yyyy-MM-dd`; years beyond four digits get a sign, as in Java.
pub fn write_date(days: i64, out: &mut String) {
    use std::fmt::Write;
    let (year, month, day) = civil_from_days(days);
    match year {
        0..=9999 => {
            write_two(year / 100, out);
            write_two(year % 100, out);
        }
        10_000.. => {
            let _ = write!(out, "+{year}");
        }
        _ => {
            let _ = write!(out, "-{:04}", -year);
        }
    }
    out.push('-');
    write_two(month.into(), out);
    out.push('-');
    write_two(day.into(), out);
}

/// Appends `HH:mm:ss`, then `digits` digits of fraction.
pub fn write_time(nanos_of_day: i64, digits: usize, out: &mut String) {
    use std::fmt::Write;
    let seconds = nanos_of_day / 1_000_000_000;
    write_two(seconds / 3600, out);
    out.push(':');
    write_two(seconds / 60 % 60, out);
    out.push(':');
    write_two(seconds % 60, out);
    if digits > 0 {
        let _ = write!(out, ".{}", &format!("{:09}", nanos_of_day % 1_000_000_000)[..digits.min(9)]);
    }
}

/// Appends a number with two digits at least. Almost all have no more.
fn write_two(number: i64, out: &mut String) {
    use std::fmt::Write;
    if !(0..100).contains(&number) {
        let _ = write!(out, "{number:02}");
        return;
    }
    let digit = |n: i64| char::from(b'0' + n as u8);
    out.push(digit(number / 10));
    out.push(digit(number % 10));
}

/// Units of a second in what carries a TIMESTAMP of a precision, as [`crate::SqlType::to_arrow`] has it: milli-, micro- or nanoseconds.
pub fn units_per_second(precision: u8) -> i64 {
    match precision {
        0..=3 => 1_000,
        4..=6 => 1_000_000,
        _ => 1_000_000_000,
    }
}

/// Splits epoch units into days and nanoseconds of the day; `per_second` is 1000, 1 000 000 or 1 000 000 000.
pub fn split(value: i64, per_second: i64) -> (i64, i64) {
    let per_day = per_second * 86_400;
    (value.div_euclid(per_day), value.rem_euclid(per_day) * (1_000_000_000 / per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        for days in (-800_000..3_000_000).step_by(997) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
        assert_eq!(parse_date(b"2024-02-29x"), Some((19_782, &b"x"[..])));
        assert_eq!(parse_date(b"2023-02-29"), None);
        assert_eq!(parse_date(b"2023-2-9"), None);
    }

    #[test]
    fn times_take_up_to_nine_digits() {
        assert_eq!(parse_time(b"23:59:59.123456789"), Some((86_399_123_456_789, &b""[..])));
        assert_eq!(parse_time(b"00:00"), Some((0, &b""[..])));
        assert_eq!(parse_time(b"24:00:00"), None);
        assert_eq!(parse_time(b"12:00:00."), None);
        let mut text = String::new();
        write_date(-1, &mut text);
        write_time(500_000_000, 3, &mut text);
        assert_eq!(text, "1969-12-3100:00:00.500");
        for (days, text) in [
            (-719_529, "-0001-12-31"),
            (-719_528, "0000-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
        ] {
            let mut out = String::new();
            write_date(days, &mut out);
            assert_eq!(out, text);
        }
        for (seconds, text) in [(86_399, "23:59:59"), (-61, "00:-1:-1"), (3_600_000, "1000:00:00")] {
            let mut out = String::new();
            write_time(seconds * 1_000_000_000, 0, &mut out);
            assert_eq!(out, text);
        }
    }
}
