//! A place in the bytes of one JSON record, and how to step over what stands there.

/// Nesting allowed in a record.
pub(super) const DEPTH_MAX: u32 = 128;

/// Why a value was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes are no JSON: the whole record is lost.
    Malformed(&'static str),
    /// A text is not UTF-8.
    Utf8,
    /// Nested too deeply.
    Depth,
    /// JSON, but not a value of the column's type.
    Type(&'static str),
}

pub(super) type Parsed<T> = Result<T, Fault>;

/// Whether any byte of a word equals zero (Hacker's Delight, §6-1).
#[cfg(not(target_arch = "x86_64"))]
const fn has_zero(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

/// The high bits of the bytes that end a run of plain characters, a quote, a backslash or a control character; exact up to the first.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
const fn specials_of_word(word: u64) -> u64 {
    let control = word.wrapping_sub(0x2020_2020_2020_2020) & !word & 0x8080_8080_8080_8080;
    has_zero(word ^ 0x2222_2222_2222_2222) | has_zero(word ^ 0x5c5c_5c5c_5c5c_5c5c) | control
}

/// Per byte a bit for those that end a run of plain characters, exact up to the first, and one for those that are no ASCII.
#[cfg(target_arch = "x86_64")]
#[inline]
#[allow(unsafe_code, reason = "three compares for 16 bytes; benches/json_decode.rs shows the gain")]
fn look_at(bytes: &[u8; 16]) -> (u32, u32) {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8};
    let all = u128::from_le_bytes(*bytes);
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let chunk = _mm_set_epi64x((all >> 64) as i64, all as i64);
        let quote = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b'"' as i8));
        let backslash = _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b'\\' as i8));
        let control = _mm_cmpeq_epi8(chunk, _mm_min_epu8(chunk, _mm_set1_epi8(0x1f)));
        let specials = _mm_or_si128(_mm_or_si128(quote, backslash), control);
        (_mm_movemask_epi8(specials) as u32, _mm_movemask_epi8(chunk) as u32)
    }
}
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn look_at(bytes: &[u8; 16]) -> (u32, u32) {
    let gather = |high_bits: u64| (0..8).fold(0, |bits, i| bits | ((high_bits >> (8 * i + 7) & 1) as u32) << i);
    let all = u128::from_le_bytes(*bytes);
    let (low, high) = (all as u64, (all >> 64) as u64);
    (
        gather(specials_of_word(low)) | gather(specials_of_word(high)) << 8,
        gather(low & 0x8080_8080_8080_8080) | gather(high & 0x8080_8080_8080_8080) << 8,
    )
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }
    /// What is left of the record.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
    /// A part of the record as text.
    pub(super) fn part(&self, from: usize, to: usize) -> Parsed<&'a str> {
        self.bytes.get(from..to).and_then(|b| std::str::from_utf8(b).ok()).ok_or(Fault::Utf8)
    }
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
    #[inline]
    pub(super) fn space(&mut self) {
        // Mostly there is none.
        while self.peek().is_some_and(|b| b <= b' ') {
            let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() else { return };
            self.at += 1;
        }
    }
    /// Takes a byte if it is there, without skipping space.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }
    pub(super) fn eat_word(&mut self, word: &[u8]) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }
    /// Steps over plain characters of a string, up to what is none or the end; whether all of them were ASCII.
    #[inline(always)]
    fn plain(&mut self) -> bool {
        let (mut rest, mut others) = (self.rest(), 0);
        while let Some((chunk, after)) = rest.split_first_chunk::<16>() {
            let (specials, not_ascii) = look_at(chunk);
            if specials != 0 {
                let first = specials.trailing_zeros();
                self.at = self.bytes.len() - rest.len() + first as usize;
                return others | (not_ascii & ((1 << first) - 1)) == 0;
            }
            others |= not_ascii;
            rest = after;
        }
        self.at = self.bytes.len() - rest.len();
        self.plain_tail(rest) && others == 0
    }
    /// The same where fewer than 16 bytes are left.
    fn plain_tail(&mut self, rest: &[u8]) -> bool {
        let length = rest.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\').unwrap_or(rest.len());
        self.at += length;
        rest[..length].is_ascii()
    }
    /// A string of plain ASCII characters, and the record from the string's first byte on; `None` leaves the cursor where it was, on the
    /// first quote.
    #[inline(always)]
    #[allow(unsafe_code, reason = "skips a UTF-8 check per value; benches/json_decode.rs shows the gain")]
    pub(super) fn plain_string(&mut self) -> Option<(&'a str, &'a [u8])> {
        let quote = self.at;
        self.at += 1;
        if self.plain() && self.eat(b'"') {
            let around = &self.bytes[quote + 1..];
            // SAFETY: `plain` stepped over all bytes of it, and they were ASCII.
            let text = unsafe { std::str::from_utf8_unchecked(&around[..self.at - quote - 2]) };
            return Some((text, around));
        }
        self.at = quote;
        None
    }
    /// A whole number of up to 18 digits that something other than a number's character follows; `None` leaves the cursor where it was.
    /// Eight bytes at once: no branch depends on the number of digits up to seven.
    #[inline]
    pub(super) fn plain_integer(&mut self) -> Option<i64> {
        const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
        let negative = self.peek() == Some(b'-');
        let first = self.at + usize::from(negative);
        let (mut at, mut value) = (first, 0);
        let end = loop {
            let chunk = self.bytes.get(at..)?.first_chunk::<8>()?;
            let word = u64::from_le_bytes(*chunk) ^ 0x3030_3030_3030_3030;
            // The high bit of each byte that is no digit; exact up to the first of them.
            let others = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
            let digits = others.trailing_zeros() / 8;
            // The digits with leading zeros, then pairs, fours and eights of them (Lemire, "Quickly parsing eight digits", 2018).
            let eight = word.checked_shl(64 - 8 * digits).unwrap_or(0);
            let pairs = eight.wrapping_mul(10).wrapping_add(eight >> 8);
            let number = (pairs & 0x0000_00ff_0000_00ff)
                .wrapping_mul(0x000f_4240_0000_0064)
                .wrapping_add((pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001))
                >> 32;
            value = u64::wrapping_add(POWERS[digits as usize].wrapping_mul(value), number);
            at += digits as usize;
            if at - first > 18 {
                return None;
            }
            if digits < 8 {
                break chunk[digits as usize];
            }
        };
        let digits = at - first;
        if digits == 0 || matches!(end, b'.' | b'e' | b'E') || (digits > 1 && self.bytes[first] == b'0') {
            return None;
        }
        self.at = at;
        Some(if negative { -(value as i64) } else { value as i64 })
    }
    /// The same, digit by digit, where fewer than eight bytes may be left.
    #[inline]
    pub(super) fn short_integer(&mut self) -> Option<i64> {
        let start = self.at;
        let negative = self.eat(b'-');
        let first = self.at;
        let mut value: u64 = 0;
        while let Some(d @ b'0'..=b'9') = self.peek() {
            if self.at - first >= 18 {
                break;
            }
            value = value * 10 + u64::from(d - b'0');
            self.at += 1;
        }
        let digits = self.at - first;
        if digits == 0 || (digits > 1 && self.bytes[first] == b'0') || matches!(self.peek(), Some(b'0'..=b'9' | b'.' | b'e' | b'E')) {
            self.at = start;
            return None;
        }
        Some(if negative { -(value as i64) } else { value as i64 })
    }
    /// What is between the quotes, and whether it holds escapes. The cursor stands on the first quote.
    #[inline]
    pub(super) fn string(&mut self) -> Parsed<(&'a str, bool)> {
        debug_assert_eq!(self.peek(), Some(b'"'));
        if let Some((text, _)) = self.plain_string() {
            return Ok((text, false));
        }
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((self.part(start, self.at - 1)?, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(_) => return Err(Fault::Malformed("a control character in a string")),
                None => return Err(Fault::Malformed("a string without end")),
            }
        }
    }
    /// The text of a number. The cursor stands on its first character.
    pub(super) fn number(&mut self) -> Parsed<&'a [u8]> {
        let start = self.at;
        let wrong = Fault::Malformed("no value");
        self.eat(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(wrong),
        }
        if self.eat(b'.') {
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(wrong);
            }
            self.digits();
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(wrong);
            }
            self.digits();
        }
        Ok(&self.bytes[start..self.at])
    }
    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }
    /// Steps over one value of any kind, which is checked to be JSON. Iterative: depth costs no stack.
    pub(super) fn skip(&mut self, depth: u32) -> Parsed<()> {
        // One bit per open container: 1 is an object.
        let mut kinds: u128 = 0;
        let mut open = 0u32;
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(b'{' | b'[') => {
                    let object = self.peek() == Some(b'{');
                    self.at += 1;
                    open += 1;
                    if depth + open > DEPTH_MAX {
                        return Err(Fault::Depth);
                    }
                    kinds = (kinds << 1) | u128::from(object);
                    self.space();
                    if self.eat(if object { b'}' } else { b']' }) {
                        open -= 1;
                        kinds >>= 1;
                    } else {
                        if object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                Some(b't') if self.eat_word(b"true") => {}
                Some(b'f') if self.eat_word(b"false") => {}
                Some(b'n') if self.eat_word(b"null") => {}
                Some(_) => {
                    self.number()?;
                }
                None => return Err(Fault::Malformed("the record ends too early")),
            }
            // A value is complete: close containers until one goes on.
            loop {
                if open == 0 {
                    return Ok(());
                }
                let object = kinds & 1 == 1;
                self.space();
                if self.eat(b',') {
                    if object {
                        self.skip_key()?;
                    }
                    break;
                }
                if !self.eat(if object { b'}' } else { b']' }) {
                    return Err(Fault::Malformed("no comma or end of an object or array"));
                }
                open -= 1;
                kinds >>= 1;
            }
        }
    }
    fn skip_string(&mut self) -> Parsed<()> {
        let (raw, escaped) = self.string()?;
        if escaped { super::text::check_escapes(raw.as_bytes()) } else { Ok(()) }
    }
    fn skip_key(&mut self) -> Parsed<()> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(Fault::Malformed("no field name"));
        }
        self.skip_string()?;
        self.space();
        if self.eat(b':') {
            Ok(())
        } else {
            Err(Fault::Malformed("no colon after a field name"))
        }
    }
}
