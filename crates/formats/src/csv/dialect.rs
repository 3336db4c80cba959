//! Which characters have a meaning, and where a record ends by them.

/// The characters of a table's lines, all ASCII.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) escape: Option<u8>,
    /// White space around fields without quotes is left out.
    pub(super) trim: bool,
}

impl Dialect {
    /// Where the line end is that ends the record beginning at `start`.
    pub(crate) fn record_end(&self, bytes: &[u8], start: usize) -> Option<usize> {
        let record = &bytes[start..];
        let line = &record[..memchr::memchr(b'\n', record)?];
        let special = match (self.quote, self.escape) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => memchr::memchr(one, line),
            (Some(quote), Some(escape)) => memchr::memchr2(quote, escape, line),
        };
        let length = match special {
            None => line.len(),
            Some(_) => match (self.quote, self.escape, self.trim) {
                (Some(quote), None, false) => self.end_by_quotes(record, quote)?,
                _ => {
                    let mut end = RecordEnd::new(*self);
                    record.iter().position(|b| end.is_at(*b))?
                }
            },
        };
        Some(start + length)
    }

    /// What [`RecordEnd`] finds where nothing but quotes matters, with a look at these only.
    fn end_by_quotes(&self, record: &[u8], quote: u8) -> Option<usize> {
        let (mut quoted, mut closed, mut from) = (false, None, 0);
        loop {
            let at = from + memchr::memchr2(b'\n', quote, &record[from..])?;
            let before = at.checked_sub(1);
            if record[at] == quote {
                let opens = before.is_none_or(|b| record[b] == self.delimiter || closed == Some(b));
                closed = quoted.then_some(at);
                quoted = !quoted && opens;
            } else if !quoted {
                return Some(at);
            }
            from = at + 1;
        }
    }

    pub(super) fn is_blank(&self, byte: u8) -> bool {
        byte <= b' ' && byte != self.delimiter
    }

    /// Without the white space around it.
    pub(super) fn trimmed<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let start = text.iter().position(|b| !self.is_blank(*b)).unwrap_or(text.len());
        let end = text.iter().rposition(|b| !self.is_blank(*b)).map_or(start, |last| last + 1);
        &text[start..end]
    }
}

/// Looks for the end of a record byte by byte: a line end that is neither in quotes nor escaped.
#[derive(Debug)]
pub struct RecordEnd {
    dialect: Dialect,
    quoted: bool,
    /// The byte before this one was an escape.
    escaped: bool,
    /// It was a closing quote.
    closed: bool,
    /// A field begins here.
    begins: bool,
}

impl RecordEnd {
    /// Before the first byte of a record.
    pub fn new(dialect: Dialect) -> RecordEnd {
        RecordEnd {
            dialect,
            quoted: false,
            escaped: false,
            closed: false,
            begins: true,
        }
    }
    /// Whether the next byte is the line end.
    pub fn is_at(&mut self, byte: u8) -> bool {
        let (closed, begins) = (std::mem::take(&mut self.closed), std::mem::take(&mut self.begins));
        if std::mem::take(&mut self.escaped) {
            return false;
        }
        if Some(byte) == self.dialect.escape {
            self.escaped = true;
        } else if Some(byte) == self.dialect.quote {
            self.closed = self.quoted;
            // A quote that follows a closing one is meant as it is, and so is one in the midst of a field.
            self.quoted = !self.quoted && (closed || begins);
        } else if !self.quoted {
            self.begins = byte == self.dialect.delimiter || (begins && self.dialect.trim && self.dialect.is_blank(byte));
            return byte == b'\n';
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_a_records_end_find_the_same() {
        let dialect = Dialect {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            trim: false,
        };
        // All texts of seven of these bytes.
        let bytes = *b"\",\nx";
        for number in 0..4_usize.pow(7) {
            let text: Vec<u8> = (0..7).map(|i| bytes[number / 4_usize.pow(i) % 4]).collect();
            let mut end = RecordEnd::new(dialect);
            let slow = text.iter().position(|b| end.is_at(*b));
            assert_eq!(dialect.end_by_quotes(&text, b'"'), slow, "{:?}", String::from_utf8_lossy(&text));
        }
    }
}
