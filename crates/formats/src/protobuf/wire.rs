//! Protobuf's wire format, read field by field.

use crate::fault::{Fault, Parsed};

pub(super) const VARINT: u8 = 0;
pub(super) const EIGHT: u8 = 1;
pub(super) const SIZED: u8 = 2;
const GROUP: u8 = 3;
const END: u8 = 4;
pub(super) const FOUR: u8 = 5;

/// Groups within groups taken, as Java's parser has it.
const DEPTH_MAX: usize = 100;

/// A part of a record: a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Wire<'a> {
    /// - `bytes`: from the record's first on to the message's last
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Wire { bytes, at }
    }
    /// The same from another place on.
    pub(super) fn from(self, at: usize) -> Self {
        Wire { at, ..self }
    }
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }
    #[cold]
    pub(super) fn fault(&self, reason: &'static str, what: &'static str) -> Box<Fault> {
        Fault::new(reason, what, self.at)
    }
    #[cold]
    fn ends(&self) -> Box<Fault> {
        self.fault("malformed", "the record ends within a value")
    }
    /// Groups of seven bits, lowest first; bits beyond the 64th are lost, as elsewhere.
    #[inline]
    pub(super) fn varint(&mut self) -> Parsed<u64> {
        let mut value = 0;
        for (i, byte) in self.bytes.get(self.at..).unwrap_or_default().iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if *byte < 0x80 {
                self.at += i + 1;
                return Ok(value);
            }
        }
        Err(match self.bytes.len().saturating_sub(self.at) {
            0..10 => self.ends(),
            _ => self.fault("malformed", "a number of more than ten bytes"),
        })
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
    /// Bytes with their length in front, and all that starts with them.
    #[inline]
    pub(super) fn sized(&mut self) -> Parsed<(&'a [u8], &'a [u8])> {
        let length = self.length()?;
        let around = self.bytes.get(self.at..).unwrap_or_default();
        self.at += length;
        Ok((&around[..length], around))
    }
    /// The message that has its length in front, at its place in the record.
    pub(super) fn message(&mut self) -> Parsed<Wire<'a>> {
        let length = self.length()?;
        let start = self.at;
        self.at += length;
        Ok(Wire {
            bytes: &self.bytes[..self.at],
            at: start,
        })
    }
    fn length(&mut self) -> Parsed<usize> {
        let start = self.at;
        let length = self.varint()?;
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len().saturating_sub(self.at) => Ok(length),
            _ => {
                self.at = start;
                Err(self.ends())
            }
        }
    }
    /// The number and the wire type of the field that follows.
    #[inline]
    pub(super) fn tag(&mut self) -> Parsed<(u32, u8)> {
        let start = self.at;
        let tag = self.varint()?;
        match u32::try_from(tag) {
            Ok(tag @ 8..) => Ok((tag >> 3, tag as u8 & 7)),
            _ => {
                self.at = start;
                Err(self.fault("malformed", "a field without a number"))
            }
        }
    }
    /// Steps over a value.
    #[inline]
    pub(super) fn skip(&mut self, number: u32, wire: u8) -> Parsed<()> {
        match wire {
            VARINT => self.varint().map(|_| ()),
            EIGHT => self.array::<8>().map(|_| ()),
            SIZED => self.sized().map(|_| ()),
            FOUR => self.array::<4>().map(|_| ()),
            _ => self.skip_group(number, wire),
        }
    }
    fn skip_group(&mut self, number: u32, wire: u8) -> Parsed<()> {
        if wire != GROUP {
            return Err(self.fault("malformed", "a field of an unknown wire type"));
        }
        let mut open = vec![number];
        while let Some(innermost) = open.last().copied() {
            match self.tag()? {
                (_, GROUP) if open.len() >= DEPTH_MAX => return Err(self.fault("too-deep", "groups within more than 100 groups")),
                (number, GROUP) => open.push(number),
                (number, END) if number == innermost => {
                    open.pop();
                }
                (_, END) => return Err(self.fault("malformed", "the end of another group")),
                (number, wire) => self.skip(number, wire)?,
            }
        }
        Ok(())
    }
}

/// A number of either sign that was made one without.
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a number in groups of seven bits.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends what is written, with its length in front.
pub(super) fn sized<E>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
    let start = out.len();
    // Most lengths take one byte.
    out.push(0);
    write(out)?;
    let length = out.len() - start - 1;
    if length < 0x80 {
        out[start] = length as u8;
    } else {
        let mut bytes = Vec::with_capacity(10);
        varint(length as u64, &mut bytes);
        out.splice(start..=start, bytes);
    }
    Ok(())
}
