//! The character sets every Java has.

use crate::scalar::rows::refused;
use millstream_dataflow::Result;

enum Charset {
    Utf8,
    /// Whether the high byte comes first, and whether a mark tells so.
    Utf16 {
        big: bool,
        mark: bool,
    },
    Latin1,
    Ascii,
}

fn charset(name: &str) -> Result<Charset> {
    Ok(match name.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => Charset::Utf8,
        "UTF-16" | "UTF16" | "UTF_16" => Charset::Utf16 { big: true, mark: true },
        "UTF-16BE" | "UTF_16BE" => Charset::Utf16 { big: true, mark: false },
        "UTF-16LE" | "UTF_16LE" => Charset::Utf16 { big: false, mark: false },
        "ISO-8859-1" | "ISO8859_1" | "ISO8859-1" | "LATIN1" => Charset::Latin1,
        "US-ASCII" | "ASCII" => Charset::Ascii,
        _ => {
            return Err(refused(format!("the character set '{name}' is not there")).hint("UTF-8, UTF-16, UTF-16BE, UTF-16LE, ISO-8859-1 and US-ASCII are"));
        }
    })
}

pub(super) fn encode(text: &str, name: &str) -> Result<Vec<u8>> {
    let narrow = |last: u32| text.chars().map(u32::from).map(|c| if c <= last { c as u8 } else { b'?' }).collect();
    Ok(match charset(name)? {
        Charset::Utf8 => text.as_bytes().to_vec(),
        Charset::Latin1 => narrow(0xff),
        Charset::Ascii => narrow(0x7f),
        Charset::Utf16 { big, mark } => {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        }
    })
}

pub(super) fn decode(bytes: &[u8], name: &str) -> Result<String> {
    Ok(match charset(name)? {
        Charset::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
        Charset::Latin1 => bytes.iter().copied().map(char::from).collect(),
        Charset::Ascii => bytes
            .iter()
            .map(|b| if b.is_ascii() { char::from(*b) } else { char::REPLACEMENT_CHARACTER })
            .collect(),
        Charset::Utf16 { big, mark } => {
            let (bytes, big) = match bytes {
                [0xfe, 0xff, rest @ ..] if mark => (rest, true),
                [0xff, 0xfe, rest @ ..] if mark => (rest, false),
                other => (other, big),
            };
            let units: Vec<u16> = bytes
                .chunks(2)
                .map(|c| match c {
                    [a, b] if big => u16::from_be_bytes([*a, *b]),
                    [a, b] => u16::from_le_bytes([*a, *b]),
                    _ => 0xfffd,
                })
                .collect();
            String::from_utf16_lossy(&units)
        }
    })
}
