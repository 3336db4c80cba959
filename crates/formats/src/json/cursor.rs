//! A place in the bytes of one JSON record, and how to step over what stands there.

/// Nesting allowed in a record.
pub(super) const DEPTH_MAX: u32 = 128;

/// Why a value was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes are no JSON: the whole record is lost.
    Malformed(&'static str),
    /// Nested too deeply.
    Depth,
    /// JSON, but not a value of the column's type.
    Type(&'static str),
}

pub(super) type Parsed<T> = Result<T, Fault>;

/// Whether any byte of a word equals zero (Hacker's Delight, §6-1).
const fn has_zero(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

/// Whether any byte ends a run of plain characters in a string; a loop that compiles to vector instructions.
#[inline]
fn has_special(bytes: &[u8; 16]) -> bool {
    bytes
        .iter()
        .fold(0, |found, b| found | u8::from(*b == b'"') | u8::from(*b == b'\\') | u8::from(*b < 0x20))
        != 0
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    /// The same, as bytes.
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor {
            text,
            bytes: text.as_bytes(),
            at: 0,
        }
    }
    /// A part of the record that begins and ends beside ASCII characters.
    #[inline]
    pub(super) fn text(&self, from: usize, to: usize) -> Parsed<&'a str> {
        self.text.get(from..to).ok_or(Fault::Malformed("no UTF-8 text"))
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
        let found = self.bytes[self.at..].starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }
    /// The bytes between the quotes, and whether they hold escapes. The cursor stands on the first quote.
    #[inline]
    pub(super) fn string(&mut self) -> Parsed<(&'a [u8], bool)> {
        debug_assert_eq!(self.peek(), Some(b'"'));
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        while let Some(chunk) = self.bytes.get(self.at..).and_then(|b| b.first_chunk::<16>()) {
            if has_special(chunk) {
                break;
            }
            self.at += 16;
        }
        loop {
            // Eight bytes at a time while none of them is a quote, a backslash or a control character.
            while let Some(chunk) = self.bytes.get(self.at..).and_then(|b| b.first_chunk::<8>()) {
                let word = u64::from_le_bytes(*chunk);
                let quote = has_zero(word ^ 0x2222_2222_2222_2222);
                let backslash = has_zero(word ^ 0x5c5c_5c5c_5c5c_5c5c);
                let control = word.wrapping_sub(0x2020_2020_2020_2020) & !word & 0x8080_8080_8080_8080;
                let found = quote | backslash | control;
                if found != 0 {
                    self.at += (found.trailing_zeros() / 8) as usize;
                    break;
                }
                self.at += 8;
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((&self.bytes[start..self.at - 1], escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(c) if c >= 0x20 => self.at += 1,
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
        if escaped { super::text::check_escapes(raw) } else { Ok(()) }
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
