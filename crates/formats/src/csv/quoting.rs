//! Which texts stand between quotes or behind escape characters, as Flink decides it.

use super::CsvOptions;

/// Longer texts are quoted without a look at them.
const LOOKED_AT: usize = 24;

/// A byte that any field is quoted for, and one that a text is.
const SPECIAL: u8 = 1;
const IN_TEXT: u8 = 2;

/// How fields are written.
pub(super) struct Quoting {
    quote: Option<u8>,
    escape: Option<u8>,
    comments: bool,
    /// The line has no other fields.
    alone: bool,
    /// What each byte is.
    bytes: [u8; 256],
}

impl Quoting {
    pub(super) fn new(options: &CsvOptions, fields_in_line: usize) -> Quoting {
        let dialect = &options.dialect;
        // Texts with smaller bytes are quoted, and those with the other one.
        let plain_from = [Some(dialect.delimiter), dialect.quote, Some(b'\r')].into_iter().flatten().max();
        let other = dialect.escape.unwrap_or(b'\\');
        let mut bytes = [0; 256];
        for (b, kind) in (0..=u8::MAX).zip(&mut bytes) {
            let special = b == dialect.delimiter || matches!(b, b'\n' | b'\r') || Some(b) == dialect.quote || Some(b) == dialect.escape;
            let in_text = plain_from.is_some_and(|from| b <= from) || b == other;
            *kind = if special { SPECIAL } else { 0 } | if in_text { IN_TEXT } else { 0 };
        }
        Quoting {
            quote: dialect.quote,
            escape: dialect.escape,
            comments: options.comments,
            alone: fields_in_line == 1,
            bytes,
        }
    }

    /// Whether no field of these bytes alone is quoted.
    pub(super) fn spares(&self, bytes: &[u8]) -> bool {
        let quoted = self.alone || self.holds(bytes, SPECIAL) || (self.comments && bytes.contains(&b'#'));
        !quoted
    }

    /// Puts the field that begins at `start` into the form of a line.
    #[inline]
    pub(super) fn protect(&self, line: &mut String, start: usize, is_text: bool) {
        match self.quote {
            Some(quote) if self.is_quoted(&line[start..], is_text) => self.quote(line, start, quote),
            Some(_) => {}
            None => self.escape(line, start),
        }
    }

    #[inline]
    fn is_quoted(&self, text: &str, is_text: bool) -> bool {
        let kinds = if is_text { SPECIAL | IN_TEXT } else { SPECIAL };
        (is_text && is_long(text))
            || self.holds(text.as_bytes(), kinds)
            || (self.comments && text.starts_with('#'))
            // An empty line would be no record.
            || (self.alone && text.is_empty())
    }

    #[inline]
    fn holds(&self, text: &[u8], kinds: u8) -> bool {
        text.iter().any(|b| self.bytes[usize::from(*b)] & kinds != 0)
    }

    fn quote(&self, line: &mut String, start: usize, quote: u8) {
        let find = |text: &str| match self.escape {
            None => memchr::memchr(quote, text.as_bytes()),
            Some(escape) => memchr::memchr2(quote, escape, text.as_bytes()),
        };
        if find(&line[start..]).is_none() {
            line.insert(start, char::from(quote));
            line.push(char::from(quote));
            return;
        }
        let text = line.split_off(start);
        let mut rest = &text[..];
        line.push(char::from(quote));
        while let Some(at) = find(rest) {
            // Doubled, both are meant as they are.
            line.push_str(&rest[..=at]);
            line.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        line.push_str(rest);
        line.push(char::from(quote));
    }

    fn escape(&self, line: &mut String, start: usize) {
        let Some(escape) = self.escape.filter(|_| self.holds(&line.as_bytes()[start..], SPECIAL)) else {
            return;
        };
        let text = line.split_off(start);
        for c in text.chars() {
            if u8::try_from(c).is_ok_and(|b| self.bytes[usize::from(b)] & SPECIAL != 0) {
                line.push(char::from(escape));
            }
            // As letters: a carriage return at a record's end would be taken for a part of the line end.
            line.push(match c {
                '\n' => 'n',
                '\r' => 'r',
                other => other,
            });
        }
    }
}

/// Whether a text has more UTF-16 units than Flink looks at. A unit takes one to three bytes.
#[inline]
fn is_long(text: &str) -> bool {
    text.len() > LOOKED_AT && (text.len() > 3 * LOOKED_AT || text.is_ascii() || text.encode_utf16().count() > LOOKED_AT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The rule, a character at a time.
    fn expected(text: &str, is_text: bool, options: &CsvOptions, fields_in_line: usize) -> String {
        let d = &options.dialect;
        let special = |c: char| u8::try_from(c).is_ok_and(|b| b == d.delimiter || matches!(b, b'\n' | b'\r') || Some(b) == d.quote || Some(b) == d.escape);
        let Some(quote) = d.quote else {
            let Some(escape) = d.escape else { return text.to_string() };
            let written = |c: char| match c {
                '\n' => format!("{}n", char::from(escape)),
                '\r' => format!("{}r", char::from(escape)),
                c if special(c) => format!("{}{c}", char::from(escape)),
                c => c.to_string(),
            };
            return text.chars().map(written).collect();
        };
        let greatest = d.delimiter.max(quote).max(b'\r');
        let looked_for = |c: char| c <= char::from(greatest) || c == char::from(d.escape.unwrap_or(b'\\'));
        let is_quoted = text.chars().any(special)
            || (is_text && (text.chars().any(looked_for) || text.encode_utf16().count() > 24))
            || (options.comments && text.starts_with('#'))
            || (text.is_empty() && fields_in_line == 1);
        if !is_quoted {
            return text.to_string();
        }
        let quote = char::from(quote);
        let doubled = |c: char| if c == quote || d.escape.is_some_and(|e| c == char::from(e)) { 2 } else { 1 };
        let inside: String = text.chars().flat_map(|c| std::iter::repeat_n(c, doubled(c))).collect();
        format!("{quote}{inside}{quote}")
    }

    fn check(texts: impl Iterator<Item = String> + Clone) {
        let dialects: [&[(&str, &str)]; 9] = [
            &[],
            &[("allow-comments", "true")],
            &[("escape-character", "\\")],
            &[("escape-character", "#"), ("field-delimiter", ";"), ("quote-character", "'")],
            &[("field-delimiter", "\\t"), ("quote-character", "~")],
            &[("field-delimiter", "1")],
            &[("disable-quote-character", "true")],
            &[("disable-quote-character", "true"), ("escape-character", "\\"), ("allow-comments", "true")],
            &[("quote-character", "\\u0001"), ("field-delimiter", "\\u0002"), ("escape-character", "~")],
        ];
        for dialect in dialects {
            let options: BTreeMap<String, String> = dialect.iter().map(|(k, v)| (format!("csv.{k}"), v.to_string())).collect();
            let options = CsvOptions::new(&options).unwrap();
            for (fields_in_line, is_text) in [(1, false), (1, true), (2, false), (2, true)] {
                let quoting = Quoting::new(&options, fields_in_line);
                for text in texts.clone() {
                    let mut line = format!("é,{text}");
                    quoting.protect(&mut line, "é,".len(), is_text);
                    let expected = expected(&text, is_text, &options, fields_in_line);
                    assert_eq!(line.strip_prefix("é,"), Some(&expected[..]), "{text:?} {dialect:?}");
                    assert!(is_text || !quoting.spares(text.as_bytes()) || expected == text, "{text:?} {dialect:?}");
                }
            }
        }
    }

    #[test]
    fn short_texts_are_written_by_the_rule() {
        let characters: Vec<char> = "\",\\ \r\n\t;'#~1aé".chars().collect();
        let count = characters.len();
        check((0..5).flat_map(|length| {
            let characters = &characters;
            (0..count.pow(length)).step_by(if length < 4 { 1 } else { 7 }).map(move |number| {
                let places = 0..length;
                places.map(|i| characters[number / count.pow(i) % count]).collect()
            })
        }));
    }

    #[test]
    fn long_texts_are_written_by_the_rule() {
        check((20..30).flat_map(|length| {
            ["a", "é", "€", "😀"].into_iter().flat_map(move |c| {
                let text = c.repeat(length);
                ["", "a", "\"", "\\x", "\n"].map(|end| format!("{text}{end}"))
            })
        }));
    }
}
