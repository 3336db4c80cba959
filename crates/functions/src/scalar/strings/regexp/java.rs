//! Java's patterns in the words of the regex crate.

use crate::scalar::rows::refused;
use millstream_dataflow::Result;

/// The same pattern for the regex crate: `\d`, `\w` and `\s` are ASCII in Java, `.` stops at every line end, `\Q…\E` quotes.
///
/// # Errors
/// `Data` for what the crate would take for something else: possessive quantifiers.
pub(super) fn translate(pattern: &str) -> Result<String> {
    // A flag that changes what `.` is leaves it to the crate.
    let dot_all = pattern.contains("(?") && pattern.split("(?").skip(1).any(|f| f.split([':', ')']).next().is_some_and(is_dot_flag));
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut class = 0;
    // Whether the last thing was a quantifier.
    let mut quantified = false;
    while let Some(c) = chars.next() {
        let was_quantified = std::mem::take(&mut quantified);
        match c {
            '\\' => escape(&mut chars, &mut out, class > 0)?,
            '[' => {
                class += 1;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A bracket that opens a class's text stands for itself.
                if class == 1 && chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ']' if class > 0 => {
                class -= 1;
                out.push(']');
            }
            _ if class > 0 => match c {
                // What the crate would read as set operations or as a text class.
                '~' | ':' => {
                    out.push('\\');
                    out.push(c);
                }
                '-' if chars.peek() == Some(&'-') => out.push_str("\\-"),
                _ => out.push(c),
            },
            '.' if !dot_all => out.push_str("[^\\n\\r\\u{85}\\u{2028}\\u{2029}]"),
            '+' if was_quantified => {
                return Err(refused(format!("possessive quantifiers, as in '{pattern}', are not there")).hint("a plain quantifier may do"));
            }
            '*' | '+' | '?' | '}' => {
                // `a+?` is lazy and ends the quantifier.
                quantified = !(c == '?' && was_quantified);
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    Ok(out)
}

fn is_dot_flag(flags: &str) -> bool {
    flags.contains('s') && flags.chars().all(|c| c.is_ascii_alphabetic() || c == '-')
}

fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String, in_class: bool) -> Result<()> {
    let Some(c) = chars.next() else {
        out.push('\\');
        return Ok(());
    };
    let set = match c {
        'd' => "0-9",
        'w' => "a-zA-Z0-9_",
        's' => "\\t\\n\\x0b\\f\\r ",
        'h' => "\\t \\u{a0}\\u{1680}\\u{180e}\\u{2000}-\\u{200a}\\u{202f}\\u{205f}\\u{3000}",
        _ => "",
    };
    if !set.is_empty() {
        *out += &if in_class { set.to_string() } else { format!("[{set}]") };
        return Ok(());
    }
    match c {
        'D' => *out += "[^0-9]",
        'W' => *out += "[^a-zA-Z0-9_]",
        'S' => *out += "[^\\t\\n\\x0b\\f\\r ]",
        'R' if !in_class => *out += "(?:\\r\\n|[\\n\\x0b\\f\\r\\u{85}\\u{2028}\\u{2029}])",
        'e' => *out += "\\x1b",
        'Q' => {
            let mut quoted = String::new();
            while let Some(q) = chars.next() {
                if q == '\\' && chars.next_if_eq(&'E').is_some() {
                    break;
                }
                quoted.push(q);
            }
            *out += &regex::escape(&quoted);
        }
        _ => {
            out.push('\\');
            out.push(c);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::translate;
    use regex::Regex;

    #[test]
    fn patterns_match_as_in_java() {
        for (pattern, text, expected) in [
            (r"^\d+$", "٣", false),
            (r"^[\d-]+$", "1-2", true),
            (r"^[^\s\d]+$", "ab", true),
            ("^a.b$", "a\rb", false),
            ("(?s)^a.b$", "a\nb", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^\Q[(\E.$", "[(x", true),
            ("^[]a]+$", "]a", true),
            ("^[a-z&&[^b]]+$", "ac", true),
            ("^[a-z&&[^b]]+$", "ab", false),
            ("^a{2}?$", "aa", true),
            ("^a+?$", "aa", true),
            (r"^a\++$", "a++", true),
            (r"^[a+]+$", "a++", true),
            ("(?<name>b)", "abc", true),
        ] {
            assert_eq!(Regex::new(&translate(pattern).unwrap()).unwrap().is_match(text), expected, "{pattern} {text}");
        }
        for pattern in ["a++", "a*+b", "a?+", "a{1,2}+"] {
            assert!(translate(pattern).is_err(), "{pattern}");
        }
    }
}
