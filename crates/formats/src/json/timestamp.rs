//! A column of timestamps.

use super::TimestampStandard;
use super::column::OUT_OF_RANGE;
use super::cursor::{Cursor, Fault, Parsed};
use super::form::Form;
use millstream_dataflow::temporal;

#[derive(Debug)]
pub(super) struct Timestamps {
    pub(super) values: Vec<i64>,
    pub(super) per_second: i64,
    /// A point in time: `Z` stands at its end.
    point: bool,
    /// Another form than the format's own.
    standard: Option<TimestampStandard>,
    /// Units of a second in a number.
    written: i64,
    /// The date read last, and its days since the epoch: mostly the next one is the same.
    date: ([u8; 10], i64),
}

impl Timestamps {
    /// - `per_second`: the carrier's units
    pub(super) fn new(per_second: i64, point: bool) -> Self {
        Timestamps {
            values: Vec::new(),
            per_second,
            point,
            standard: None,
            written: per_second,
            date: (*b"1970-01-01", 0),
        }
    }

    /// Expects this form from now on.
    pub(super) fn expect(&mut self, form: &Form) {
        self.standard = matches!(form, Form::Iso8601).then_some(TimestampStandard::Iso8601);
        if let Form::Number(per_second) = form {
            self.written = *per_second;
        }
    }

    /// Appends units since 1970, of the form's.
    pub(super) fn push_number(&mut self, units: i64) -> Parsed<()> {
        let fewer = units.div_euclid((self.written / self.per_second).max(1));
        let units = fewer.checked_mul((self.per_second / self.written).max(1));
        self.values.push(units.ok_or(OUT_OF_RANGE)?);
        Ok(())
    }

    /// Appends a text.
    pub(super) fn push(&mut self, text: &[u8], standard: TimestampStandard) -> Parsed<()> {
        let standard = self.standard.unwrap_or(standard);
        let end: &[u8] = if self.point { b"Z" } else { b"" };
        let parsed = temporal::parse_timestamp(text, standard.separator()).filter(|(_, rest)| *rest == end);
        let ((days, nanos), _) = parsed.ok_or(Fault::Type("no timestamp of the expected form"))?;
        let units = days
            .checked_mul(self.per_second * 86_400)
            .and_then(|units| units.checked_add(nanos / (1_000_000_000 / self.per_second)));
        self.values.push(units.ok_or(OUT_OF_RANGE)?);
        Ok(())
    }

    /// Appends what most writers write, seconds or milliseconds between quotes; anything else leaves all as it was.
    #[inline]
    pub(super) fn push_plain(&mut self, c: &mut Cursor<'_>, standard: TimestampStandard) -> bool {
        let text = c.rest().strip_prefix(b"\"").unwrap_or_default();
        match self.plain(text, self.standard.unwrap_or(standard)) {
            Some((units, length)) if text.get(length) == Some(&b'"') => {
                c.at += length + 2;
                self.values.push(units);
                true
            }
            _ => false,
        }
    }

    /// The same of a text without quotes.
    #[inline]
    pub(super) fn push_plain_text(&mut self, text: &[u8], standard: TimestampStandard) -> bool {
        match self.plain(text, self.standard.unwrap_or(standard)) {
            Some((units, length)) if text.len() == length => {
                self.values.push(units);
                true
            }
            _ => false,
        }
    }

    /// The units of a text that begins with a timestamp, and its length.
    #[inline]
    fn plain(&mut self, text: &[u8], standard: TimestampStandard) -> Option<(i64, usize)> {
        // `yyyy-MM-dd HH:mm:ss`
        let chunk = text.first_chunk::<19>()?;
        if chunk[10] != standard.separator() || self.per_second > 1_000_000 {
            return None;
        }
        let date = chunk.first_chunk::<10>()?;
        if *date != self.date.0 {
            let (days, _) = temporal::parse_date(date)?;
            self.date = (*date, days);
        }
        // Digits become their values and colons zeros; then the high bit of each byte that is none of these.
        let word = u64::from_le_bytes(*chunk[11..].first_chunk::<8>()?) ^ 0x3030_3a30_303a_3030;
        if (word.wrapping_add(0x7676_7f76_767f_7676) | word) & 0x8080_8080_8080_8080 != 0 {
            return None;
        }
        let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
        let (hour, minute, second) = (pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let (mut ms, mut length) = (0, 19);
        if text.get(19) == Some(&b'.') {
            length = 20;
            // Zeros at the end are mostly left out.
            for unit in [100, 10, 1] {
                let digit = text.get(length).map_or(u8::MAX, |b| b.wrapping_sub(b'0'));
                if digit > 9 {
                    break;
                }
                ms += unit * i64::from(digit);
                length += 1;
            }
            (length > 20).then_some(())?;
        }
        if self.point {
            (text.get(length) == Some(&b'Z')).then_some(())?;
            length += 1;
        }
        let seconds = self.date.1 * 86_400 + (hour * 3600 + minute * 60 + second) as i64;
        Some((seconds * self.per_second + ms * (self.per_second / 1000), length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways of reading give the same, or the fast one gives way.
    #[test]
    fn the_plain_form_is_read_as_any_form_is() {
        let texts = [
            "2024-02-29 23:59:59",
            "2024-02-29 23:59:59.123",
            "1969-12-31 00:00:00.001",
            "2023-02-29 00:00:00",
            "2024-01-01 24:00:00",
            "2024-01-01 00:60:00",
            "2024-01-01 0a:00:00",
            "2024-01-01 00;00:00",
            "2024-01-01 00:00:0:",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00.1",
            "2024-01-01 00:00:00.1234",
            "2024-01-01 00:00:00.12x",
            "2024-01-01 00:00:00Z",
            "\0\0\0\0\0\0\0\0\0\0 00:00:00",
            "1970-01-01 00:00:00",
        ];
        for (text, point, per_second) in texts.into_iter().flat_map(|t| [(t, false, 1_000), (t, true, 1_000), (t, false, 1_000_000)]) {
            let quoted = format!("\"{text}{}\"", if point { "Z" } else { "" });
            let (mut plain, mut any) = (Timestamps::new(per_second, point), Timestamps::new(per_second, point));
            let mut cursor = Cursor::new(quoted.as_bytes());
            let taken = plain.push_plain(&mut cursor, TimestampStandard::Sql);
            let mut unquoted = Timestamps::new(per_second, point);
            assert_eq!(
                unquoted.push_plain_text(&quoted.as_bytes()[1..quoted.len() - 1], TimestampStandard::Sql),
                taken,
                "{text}"
            );
            assert_eq!(unquoted.values, plain.values, "{text}");
            let expected = any.push(&quoted.as_bytes()[1..quoted.len() - 1], TimestampStandard::Sql);
            if taken {
                assert_eq!((expected, &plain.values, cursor.at), (Ok(()), &any.values, quoted.len()), "{text}");
            } else {
                assert_eq!((plain.values.len(), cursor.at), (0, 0), "{text}");
            }
        }
    }
}
