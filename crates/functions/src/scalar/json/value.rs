//! Parsed JSON and its text, as Flink writes it: keys in order, numbers as Java's BigDecimal.

use serde_json::{Deserializer, Value};

/// The first value of a text; what follows it does not count.
pub(super) fn parse(text: &str) -> Option<Value> {
    Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

pub(super) fn to_text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&number(n.as_str())),
        Value::String(s) => write_text(s, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (key, member)) in members.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                write_text(key, out);
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
    }
}

pub(super) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A JSON number as Java's BigInteger or BigDecimal prints it: `1E+2`, `1.50`, `0`.
pub(super) fn number(text: &str) -> String {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i64>().unwrap_or(0)),
        None => (text, 0),
    };
    let (negative, plain) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let (digits, negative) = if digits.is_empty() { ("0", false) } else { (digits, negative) };
    let scale = fraction.len() as i64 - exponent;
    let adjusted = digits.len() as i64 - 1 - scale;
    let mut out = String::from(if negative { "-" } else { "" });
    if scale == 0 {
        out += digits;
    } else if scale > 0 && adjusted >= -6 {
        let scale = scale as usize;
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        out += &format!("{whole}.{fraction}");
    } else {
        let (first, rest) = digits.split_at(1);
        out += first;
        if !rest.is_empty() {
            out += &format!(".{rest}");
        }
        out += &format!("E{adjusted:+}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{number, parse, to_text};

    #[test]
    fn numbers_print_as_in_java() {
        for (given, expected) in [
            ("1e2", "1E+2"),
            ("1.50", "1.50"),
            ("-0", "0"),
            ("1.0E20", "1.0E+20"),
            ("1.0E-5", "0.000010"),
            ("1E-8", "1E-8"),
            ("1.0E-10", "1.0E-10"),
            ("0.00", "0.00"),
            ("100", "100"),
            ("-12.5e1", "-125"),
            ("1e999999999999999999999", "1"),
        ] {
            assert_eq!(number(given), expected, "{given}");
        }
    }

    #[test]
    fn only_the_first_value_counts() {
        assert_eq!(parse("{} x").map(|v| to_text(&v)), Some("{}".into()));
        assert_eq!(parse("1x"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse(&"[".repeat(100_000)), None);
        assert_eq!(parse(r#"{"b":1,"a":"\u0001"}"#).map(|v| to_text(&v)), Some(r#"{"a":"\u0001","b":1}"#.into()));
    }
}
