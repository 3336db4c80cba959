//! Binary Avro, read value by value.

use crate::fault::Fault;
use std::borrow::Cow;

pub(super) use crate::fault::Parsed;

pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Reads from a place on.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Cursor { bytes, at }
    }
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }
    #[cold]
    pub(super) fn fault(&self, reason: &'static str, what: impl Into<Cow<'static, str>>) -> Box<Fault> {
        Fault::new(reason, what, self.at)
    }
    #[cold]
    pub(super) fn ends(&self) -> Box<Fault> {
        self.fault("malformed", "the record ends within a value")
    }
    /// Zigzag in groups of seven bits, lowest first.
    #[inline(always)]
    pub(super) fn long(&mut self) -> Parsed<i64> {
        match self.bytes.get(self.at) {
            Some(byte) if *byte < 0x80 => {
                self.at += 1;
                Ok(i64::from(byte >> 1) ^ -i64::from(byte & 1))
            }
            _ => self.long_of_more(),
        }
    }
    fn long_of_more(&mut self) -> Parsed<i64> {
        let mut value = 0u64;
        // Mostly bytes enough follow to look at them without asking each time whether they are there.
        if let Some(bytes) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<9>()) {
            for (i, byte) in bytes.iter().enumerate() {
                value |= u64::from(byte & 0x7f) << (7 * i);
                if *byte < 0x80 {
                    self.at += i + 1;
                    return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
                }
            }
        }
        value = 0;
        for (i, byte) in self.bytes.get(self.at..).unwrap_or_default().iter().take(10).enumerate() {
            if i == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if *byte < 0x80 {
                self.at += i + 1;
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(if self.left() < 10 {
            self.ends()
        } else {
            self.fault("malformed", "a number of more than 64 bits")
        })
    }
    #[inline(always)]
    pub(super) fn int(&mut self) -> Parsed<i32> {
        let at = self.at;
        i32::try_from(self.long()?).map_err(|_| {
            self.at = at;
            self.fault("malformed", "an int of more than 32 bits")
        })
    }
    /// The next bytes.
    #[inline(always)]
    pub(super) fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..count)) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.ends()),
        }
    }
    pub(super) fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            Some(taken) => {
                self.at += N;
                Ok(*taken)
            }
            None => Err(self.ends()),
        }
    }
    /// How many bytes or the like follow.
    #[inline(always)]
    pub(super) fn count(&mut self) -> Parsed<usize> {
        let at = self.at;
        usize::try_from(self.long()?).map_err(|_| {
            self.at = at;
            self.fault("malformed", "a negative length")
        })
    }
    /// Bytes with their length in front, and all that starts with them.
    #[inline(always)]
    pub(super) fn sized(&mut self) -> Parsed<(&'a [u8], &'a [u8])> {
        let count = self.count()?;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        Ok((self.take(count)?, rest))
    }
    pub(super) fn boolean(&mut self) -> Parsed<bool> {
        match self.bytes.get(self.at) {
            Some(byte @ 0..=1) => {
                self.at += 1;
                Ok(*byte == 1)
            }
            Some(_) => Err(self.fault("malformed", "a boolean that is neither 0 nor 1")),
            None => Err(self.ends()),
        }
    }
    /// Which of `branches` of a union follows.
    #[inline(always)]
    pub(super) fn branch(&mut self, branches: usize) -> Parsed<usize> {
        self.choice(branches, "a branch that a union does not have")
    }
    /// The same of a union of two.
    #[inline(always)]
    pub(super) fn branch_of_two(&mut self) -> Parsed<usize> {
        match self.bytes.get(self.at) {
            Some(byte @ (0 | 2)) => {
                self.at += 1;
                Ok(usize::from(byte >> 1))
            }
            _ => self.branch(2),
        }
    }
    /// Which of the symbols of an enum follows.
    pub(super) fn symbol<'s>(&mut self, symbols: &'s [String]) -> Parsed<&'s str> {
        Ok(&symbols[self.choice(symbols.len(), "a symbol that an enum does not have")?])
    }
    #[inline(always)]
    fn choice(&mut self, count: usize, what: &'static str) -> Parsed<usize> {
        let at = self.at;
        match usize::try_from(self.long()?) {
            Ok(choice) if choice < count => Ok(choice),
            _ => {
                self.at = at;
                Err(self.fault("malformed", what))
            }
        }
    }
    /// How many items of an array or map follow, until there are none; and how many bytes they take, if that is told.
    pub(super) fn block(&mut self) -> Parsed<Option<(u64, Option<usize>)>> {
        Ok(match self.long()? {
            0 => None,
            items @ 1.. => Some((items as u64, None)),
            items => Some((items.unsigned_abs(), Some(self.count()?))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_specification() {
        let cases: [(&[u8], i64); 9] = [
            (&[0], 0),
            (&[1], -1),
            (&[2], 1),
            (&[0x7f], -64),
            (&[0x80, 1], 64),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f], 2147483647),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], -2147483648),
            (&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], i64::MAX),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], i64::MIN),
        ];
        for (bytes, value) in cases {
            let mut c = Cursor::new(bytes, 0);
            assert_eq!((c.long().unwrap(), c.left()), (value, 0));
            assert!(Cursor::new(&bytes[..bytes.len() - 1], 0).long().is_err());
        }
        assert!(Cursor::new(&[0xff; 20], 0).long().is_err());
        assert!(Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], 0).long().is_err());
        assert!(Cursor::new(&[0x80, 0x80, 0x80, 0x80, 0x10], 0).int().is_err());
    }
}
