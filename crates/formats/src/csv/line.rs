//! The fields of one record.

use super::Dialect;

/// The texts of a record's fields, without quotes and escapes.
#[derive(Debug, Default)]
pub(super) struct Line {
    bytes: Vec<u8>,
    /// Where each field ends.
    ends: Vec<usize>,
}

impl Line {
    /// Reads a record in place of the one before.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(&mut self, record: &[u8], dialect: &Dialect) -> Result<(), &'static str> {
        self.bytes.clear();
        self.ends.clear();
        let mut rest = record.strip_suffix(b"\n").unwrap_or(record);
        rest = rest.strip_suffix(b"\r").unwrap_or(rest);
        if rest.is_empty() {
            return Err("an empty line");
        }
        loop {
            rest = self.field(rest, dialect)?;
            self.ends.push(self.bytes.len());
            match rest.split_first() {
                Some((_, behind)) => rest = behind,
                None => return Ok(()),
            }
        }
    }
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
    pub(super) fn get(&self, field: usize) -> Option<&[u8]> {
        let start = match field.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..*self.ends.get(field)?)
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
