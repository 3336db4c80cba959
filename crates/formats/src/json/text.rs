//! JSON strings with escapes.

use super::cursor::{Fault, Parsed};

const WRONG: Fault = Fault::Malformed("a wrong escape in a string");

/// Replaces the escapes of a string that is valid UTF-8 otherwise.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Parsed<()> {
    out.clear();
    let mut rest = raw;
    while let Some(i) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..i]);
        let kind = *rest.get(i + 1).ok_or(WRONG)?;
        rest = &rest[i + 2..];
        match kind {
            b'"' | b'\\' | b'/' => out.push(kind),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let mut code = hex4(&mut rest)?;
                if (0xd800..0xdc00).contains(&code) {
                    // A high surrogate needs its low one.
                    rest = rest.strip_prefix(b"\\u").ok_or(WRONG)?;
                    let low = hex4(&mut rest)?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(WRONG);
                    }
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                }
                let c = char::from_u32(code).ok_or(WRONG)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return Err(WRONG),
        }
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Whether [`unescape`] would succeed.
pub(super) fn check_escapes(raw: &[u8]) -> Parsed<()> {
    unescape(raw, &mut Vec::with_capacity(raw.len()))
}

fn hex4(rest: &mut &[u8]) -> Parsed<u32> {
    let digits = rest.get(..4).ok_or(WRONG)?;
    *rest = &rest[4..];
    digits
        .iter()
        .try_fold(0, |code, d| (*d as char).to_digit(16).map(|d| code << 4 | d).ok_or(WRONG))
}
