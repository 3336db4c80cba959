//! Java's date patterns, of both its kinds, and times as text by them. Names are English, weeks start on Sunday.

use super::field::weekday;
use crate::scalar::rows::refused;
use millstream_dataflow::Result;
use millstream_dataflow::temporal::{civil_from_days, days_from_civil};

/// Whose letters a pattern has: Flink uses both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Dialect {
    /// `java.time.DateTimeFormatter`: DATE_FORMAT, TO_TIMESTAMP.
    Time,
    /// `java.text.SimpleDateFormat`: FROM_UNIXTIME, UNIX_TIMESTAMP, TO_DATE, CONVERT_TZ.
    Simple,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Text(String),
    /// A letter and how often it stands there.
    Field(char, usize),
}

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) dialect: Dialect,
    pub(super) items: Vec<Item>,
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Longest run of one letter.
const COUNT_MAX: usize = 32;

impl Pattern {
    /// # Errors
    /// `Data` naming the letter that is not known.
    pub(super) fn new(text: &str, dialect: Dialect) -> Result<Pattern> {
        let letters = match dialect {
            Dialect::Time => "yuYMLdDEecaHhkKmsSnNAGQqwWF",
            Dialect::Simple => "yYMLdDEuaHhkKmsSGwWFzZX",
        };
        let mut items: Vec<Item> = Vec::new();
        let mut chars = text.chars().peekable();
        let literal = |items: &mut Vec<Item>, c: &str| match items.last_mut() {
            Some(Item::Text(t)) => t.push_str(c),
            _ => items.push(Item::Text(c.to_string())),
        };
        while let Some(c) = chars.next() {
            if c == '\'' {
                // Two quotes are one, inside and outside of quoted text.
                if chars.next_if_eq(&'\'').is_some() {
                    literal(&mut items, "'");
                    continue;
                }
                loop {
                    match chars.next() {
                        Some('\'') if chars.next_if_eq(&'\'').is_some() => literal(&mut items, "'"),
                        Some('\'') => break,
                        Some(t) => literal(&mut items, t.encode_utf8(&mut [0; 4])),
                        None => return Err(refused(format!("the pattern '{text}' has a quote that does not end"))),
                    }
                }
            } else if c.is_ascii_alphabetic() {
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                let zone = dialect == Dialect::Time && "ZXx".contains(c);
                if count > COUNT_MAX || !letters.contains(c) && !zone {
                    return Err(refused(format!("the pattern '{text}' has '{c}', which is not known here")));
                }
                items.push(Item::Field(c, count));
            } else if dialect == Dialect::Time && "[]{}#".contains(c) {
                return Err(refused(format!("the pattern '{text}' has '{c}', which is not known here")));
            } else {
                literal(&mut items, c.encode_utf8(&mut [0; 4]));
            }
        }
        Ok(Pattern { dialect, items })
    }

    /// A wall time as text.
    ///
    /// # Errors
    /// `Data` for a zone where the time has none.
    pub(super) fn format(&self, days: i64, nanos: i64, out: &mut String) -> Result<()> {
        let (year, month, day) = civil_from_days(days);
        let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        let era = |y: i64| if y > 0 { y } else { 1 - y };
        let time = self.dialect == Dialect::Time;
        for item in &self.items {
            let (letter, n) = match item {
                Item::Text(t) => {
                    out.push_str(t);
                    continue;
                }
                Item::Field(letter, n) => (*letter, *n),
            };
            let number = match letter {
                'y' | 'Y' => {
                    let year = era(if letter == 'Y' { week_of_year(days).0 } else { year });
                    if n == 2 { year % 100 } else { year }
                }
                'u' if time && n == 2 => year.rem_euclid(100),
                'u' if time => year,
                'u' => (weekday(days) + 6) % 7 + 1,
                'M' | 'L' if n <= 2 => month.into(),
                'M' | 'L' => {
                    name(MONTHS[month as usize - 1], n, time, out);
                    continue;
                }
                'd' => day.into(),
                'D' => days - days_from_civil(year, 1, 1) + 1,
                'E' => {
                    name(DAYS[weekday(days) as usize], n.max(3), time, out);
                    continue;
                }
                'e' | 'c' if n <= 2 => weekday(days) + 1,
                'e' | 'c' => {
                    name(DAYS[weekday(days) as usize], n, time, out);
                    continue;
                }
                'a' => {
                    out.push_str(if seconds < 43_200 { "AM" } else { "PM" });
                    continue;
                }
                'H' => seconds / 3600,
                'k' => (seconds / 3600 + 23) % 24 + 1,
                'K' => seconds / 3600 % 12,
                'h' => (seconds / 3600 + 11) % 12 + 1,
                'm' => seconds / 60 % 60,
                's' => seconds % 60,
                'S' if time => {
                    out.push_str(&format!("{fraction:09}")[..n.min(9)]);
                    continue;
                }
                'S' => fraction / 1_000_000,
                'n' => fraction,
                'N' => nanos,
                'A' => nanos / 1_000_000,
                'G' => {
                    let texts = if year > 0 { ["AD", "Anno Domini", "A"] } else { ["BC", "Before Christ", "B"] };
                    out.push_str(texts[if time { n.saturating_sub(3).min(2) } else { 0 }]);
                    continue;
                }
                'Q' | 'q' => match (i64::from(month - 1) / 3 + 1, n) {
                    (quarter, 1 | 2) => quarter,
                    (quarter, 3) => {
                        out.push_str(&format!("Q{quarter}"));
                        continue;
                    }
                    (quarter, _) => {
                        out.push_str(["1st", "2nd", "3rd", "4th"][quarter as usize - 1]);
                        out.push_str(" quarter");
                        continue;
                    }
                },
                'w' => week_of_year(days).1,
                'W' => (i64::from(day) - 1 + weekday(days - i64::from(day) + 1)) / 7 + 1,
                'F' if time => (i64::from(day) - 1) % 7 + 1,
                'F' => (i64::from(day) - 1) / 7 + 1,
                'z' if n > 3 => {
                    out.push_str("Coordinated Universal Time");
                    continue;
                }
                'z' => {
                    out.push_str("UTC");
                    continue;
                }
                'Z' if !time => {
                    out.push_str("+0000");
                    continue;
                }
                'X' if !time => {
                    out.push('Z');
                    continue;
                }
                _ => return Err(refused(format!("a timestamp without zone has no '{letter}'"))),
            };
            out.push_str(&format!("{number:0n$}"));
        }
        Ok(())
    }
}

fn name(name: &str, count: usize, time: bool, out: &mut String) {
    out.push_str(match count {
        5 if time => &name[..1],
        4.. => name,
        _ => &name[..3],
    });
}

/// Year and week where weeks start on Sunday and the first holds January the first.
fn week_of_year(days: i64) -> (i64, i64) {
    let year = civil_from_days(days).0;
    let start = |y: i64| {
        let first = days_from_civil(y, 1, 1);
        first - weekday(first)
    };
    let year = if days >= start(year + 1) { year + 1 } else { year };
    (year, (days - start(year)) / 7 + 1)
}
