//! The fields of one record.

use super::Dialect;
use super::specials::Specials;

/// Reads the fields of one record after the other.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The texts of a record whose quotes and escapes stand within them, one behind the other.
    bytes: Vec<u8>,
    /// Where each field begins and ends.
    places: Vec<(usize, usize)>,
}

/// The texts of a record's fields, without quotes and escapes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    places: &'a [(usize, usize)],
}

impl<'a> Fields<'a> {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
    /// A field, and all that begins with it.
    #[inline]
    pub(super) fn get(&self, field: usize) -> Option<(&'a [u8], &'a [u8])> {
        let (start, end) = *self.places.get(field)?;
        let around = self.bytes.get(start..)?;
        Some((around.get(..end - start)?, around))
    }
}

impl Line {
    /// Reads a record in place of the one before.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read<'a>(&'a mut self, record: &'a [u8], dialect: &Dialect) -> Result<Fields<'a>, &'static str> {
        let line = record.strip_suffix(b"\n").unwrap_or(record);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Err("an empty line");
        }
        let bytes = match self.find(line, dialect) {
            true => record,
            false => {
                self.copy(line, dialect)?;
                &self.bytes
            }
        };
        Ok(Fields { bytes, places: &self.places })
    }

    /// Finds fields that stand in the line as they are meant. Gives way to [`Line::copy`] for others, and for whatever is wrong.
    fn find(&mut self, line: &[u8], dialect: &Dialect) -> bool {
        self.places.clear();
        if dialect.escape.is_some_and(|escape| memchr::memchr(escape, line).is_some()) {
            return false;
        }
        let specials = Specials {
            delimiter: dialect.delimiter,
            quote: dialect.quote.unwrap_or(dialect.delimiter),
        };
        // `closing` counts the quote at the end of a field.
        let (mut start, mut quoted, mut closing) = (0, false, 0);
        let places = &mut self.places;
        let plain = specials.each(line, |at| {
            let byte = line[at];
            if quoted {
                if byte == specials.quote {
                    (quoted, closing) = (false, 1);
                    return line.get(at + 1).is_none_or(|next| *next == dialect.delimiter);
                }
            } else if byte == dialect.delimiter {
                places.push((start, at - closing));
                (start, closing) = (at + 1, 0);
            } else if byte == specials.quote && at == start && !dialect.trim {
                (start, quoted) = (at + 1, true);
            } else {
                // A quote in the midst of a field is a part of it; what else comes here is a line end.
                return byte == specials.quote && !dialect.trim && !matches!(byte, b'\n' | b'\r');
            }
            true
        });
        if !plain || quoted {
            return false;
        }
        places.push((start, line.len() - closing));
        if dialect.trim {
            for (start, end) in places {
                let text = &line[*start..*end];
                let blanks = text.iter().take_while(|b| dialect.is_blank(**b)).count();
                *start += blanks;
                *end = *start + dialect.trimmed(text).len();
            }
        }
        true
    }

    /// Copies the texts of all fields.
    fn copy(&mut self, mut rest: &[u8], dialect: &Dialect) -> Result<(), &'static str> {
        self.bytes.clear();
        self.places.clear();
        loop {
            let start = self.bytes.len();
            rest = self.field(rest, dialect)?;
            self.places.push((start, self.bytes.len()));
            match rest.split_first() {
                Some((_, behind)) => rest = behind,
                None => return Ok(()),
            }
        }
    }

    /// Appends a field; gives what follows, from its delimiter on.
    fn field<'a>(&mut self, rest: &'a [u8], dialect: &Dialect) -> Result<&'a [u8], &'static str> {
        let blanks = rest.iter().take_while(|b| dialect.trim && dialect.is_blank(**b)).count();
        let rest = &rest[blanks..];
        match rest.split_first() {
            Some((first, behind)) if Some(*first) == dialect.quote => self.quoted(behind, dialect),
            _ => self.plain(rest, dialect),
        }
    }

    fn plain<'a>(&mut self, mut rest: &'a [u8], dialect: &Dialect) -> Result<&'a [u8], &'static str> {
        let start = self.bytes.len();
        let special = |b: &u8| *b == dialect.delimiter || matches!(b, b'\n' | b'\r') || Some(*b) == dialect.escape;
        loop {
            let found = match dialect.escape {
                None => memchr::memchr3(dialect.delimiter, b'\n', b'\r', rest),
                Some(_) => rest.iter().position(special),
            };
            let found = found.unwrap_or(rest.len());
            self.bytes.extend_from_slice(&rest[..found]);
            rest = &rest[found..];
            match rest.first() {
                Some(b) if Some(*b) == dialect.escape => rest = self.escaped(rest)?,
                Some(b'\n' | b'\r') if rest.first() != Some(&dialect.delimiter) => return Err("several lines in one record"),
                _ => break,
            }
        }
        if dialect.trim {
            let blanks = self.bytes[start..].iter().rev().take_while(|b| dialect.is_blank(**b)).count();
            self.bytes.truncate(self.bytes.len() - blanks);
        }
        Ok(rest)
    }

    /// The cursor stands behind the first quote.
    fn quoted<'a>(&mut self, mut rest: &'a [u8], dialect: &Dialect) -> Result<&'a [u8], &'static str> {
        let special = |b: &u8| Some(*b) == dialect.quote || Some(*b) == dialect.escape;
        loop {
            let found = match (dialect.quote, dialect.escape) {
                (Some(quote), None) => memchr::memchr(quote, rest),
                _ => rest.iter().position(special),
            };
            let found = found.ok_or("a quote without end")?;
            self.bytes.extend_from_slice(&rest[..found]);
            rest = &rest[found..];
            if rest.first() != dialect.quote.as_ref() {
                rest = self.escaped(rest)?;
            } else if rest.get(1) == dialect.quote.as_ref() {
                self.bytes.push(rest[0]);
                rest = &rest[2..];
            } else {
                break;
            }
        }
        let blanks = rest[1..].iter().take_while(|b| dialect.is_blank(**b) && !matches!(b, b'\n' | b'\r')).count();
        match &rest[1 + blanks..] {
            [] => Ok(&[]),
            behind @ [first, ..] if *first == dialect.delimiter => Ok(behind),
            [b'\n' | b'\r', ..] => Err("several lines in one record"),
            _ => Err("something between a closing quote and the delimiter"),
        }
    }

    /// Appends the byte that the escape character at the cursor is for.
    fn escaped<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], &'static str> {
        let [_, byte, behind @ ..] = rest else {
            return Err("an escape character without one behind it");
        };
        self.bytes.push(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => 0,
            other => *other,
        });
        Ok(behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a line, or what is wrong with it, read either way.
    fn both_ways(line: &[u8], dialect: &Dialect) -> [Result<Vec<Vec<u8>>, &'static str>; 2] {
        let texts = |fields: Fields<'_>| {
            let places = 0..fields.len();
            places.map(|i| fields.get(i).unwrap().0.to_vec()).collect()
        };
        let mut slow = Line::default();
        let copied = slow.copy(line, dialect);
        let copied = copied.map(|()| Fields {
            bytes: &slow.bytes,
            places: &slow.places,
        });
        [Line::default().read(line, dialect).map(texts), copied.map(texts)]
    }

    #[test]
    fn both_ways_to_read_a_line_find_the_same() {
        let characters = [Some(b'"'), Some(b'\r'), Some(b' '), None];
        let escapes = [None, Some(b'\\'), Some(b' ')];
        let all = characters.into_iter().flat_map(|quote| escapes.map(|escape| (quote, escape)));
        let mut found = 0;
        for (quote, escape) in all.filter(|(quote, escape)| escape.is_none() || quote != escape) {
            for (delimiter, trim) in [(b',', false), (b',', true), (b'\n', false), (b'1', true)] {
                let dialect = Dialect {
                    delimiter,
                    quote,
                    escape,
                    trim,
                };
                // All lines of up to five of these bytes that are not cut at their end.
                let bytes = *b"\",\\ \r\n1a";
                for number in 1..9_usize.pow(5) {
                    let digits = (0..5).map(|i| number / 9_usize.pow(i) % 9).take_while(|digit| *digit > 0);
                    let line: Vec<u8> = digits.map(|digit| bytes[digit - 1]).collect();
                    if line.is_empty() || line.ends_with(b"\n") || line.ends_with(b"\r") {
                        continue;
                    }
                    let [read, copied] = both_ways(&line, &dialect);
                    assert_eq!(read, copied, "{dialect:?} {:?}", String::from_utf8_lossy(&line));
                    found += usize::from(Line::default().find(&line, &dialect));
                }
            }
        }
        assert!(found > 100_000, "{found} of the lines were read the fast way");
    }

    #[test]
    fn long_lines_are_read_the_same_both_ways() {
        let dialect = Dialect {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            trim: false,
        };
        // Every part begins at every place of a block.
        let parts = ["\"a,b\"", "\"a\"\"b\"", "a\"b", "\"\"", "", "\"x\ny\"", "\"a\"b", "\"", "a\rb"];
        for (before, part) in (0..130).flat_map(|before| parts.map(|part| (before, part))) {
            let line = format!("{},{part},end", "x".repeat(before));
            let [read, copied] = both_ways(line.as_bytes(), &dialect);
            assert_eq!(read, copied, "{line:?}");
        }
    }
}
