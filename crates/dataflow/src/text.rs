//! Numbers as Flink writes and reads them.

/// As java.lang.Double.toString (JDK 19 and later): the shortest digits that read back.
pub fn java_double(d: f64) -> String {
    java_text(d, &format!("{d:e}"))
}

/// As java.lang.Float.toString.
pub fn java_float(f: f32) -> String {
    java_text(f64::from(f), &format!("{f:e}"))
}

/// `scientific` is Rust's shortest form, such as `-1.25e-7`.
fn java_text(value: f64, scientific: &str) -> String {
    if value.is_nan() {
        return "NaN".to_string();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_string();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    if value == 0.0 {
        return format!("{sign}0.0");
    }
    if (-3..7).contains(&exponent) {
        if exponent < 0 {
            return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
        }
        let point = exponent as usize + 1;
        let padded = format!("{digits:0<point$}");
        let (whole, fraction) = padded.split_at(point);
        return format!("{sign}{whole}.{}", if fraction.is_empty() { "0" } else { fraction });
    }
    let (first, rest) = digits.split_at(1);
    format!("{sign}{first}.{}E{exponent}", if rest.is_empty() { "0" } else { rest })
}

/// An unscaled decimal without exponent.
pub fn decimal_text(unscaled: i128, scale: u8) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{}{whole}{}{fraction}", if unscaled < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" })
}

/// A decimal text at a scale, rounded half up (away from zero), saturating.
pub fn parse_decimal(text: &[u8], scale: u8) -> Option<i128> {
    let text = text.trim_ascii();
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match digits.iter().position(|b| matches!(b, b'e' | b'E')) {
        None => (digits, 0),
        Some(i) => (&digits[..i], std::str::from_utf8(&digits[i + 1..]).ok()?.parse::<i32>().ok()?),
    };
    let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len());
    let fraction = mantissa.len().saturating_sub(point + 1);
    if mantissa.len() == usize::from(point < mantissa.len()) {
        return None;
    }
    // The value is `digits * 10^power` at the wanted scale.
    let mut power = exponent.saturating_sub(fraction as i32).saturating_add(i32::from(scale));
    let mut value: i128 = 0;
    let mut kept: Vec<u8> = Vec::with_capacity(mantissa.len());
    for b in mantissa.iter().filter(|b| **b != b'.') {
        kept.push(b.checked_sub(b'0').filter(|d| *d < 10)?);
    }
    let mut round = 0;
    while power < 0 && !kept.is_empty() {
        round = kept.pop()?;
        power += 1;
    }
    if power < 0 {
        round = 0;
    }
    for d in kept {
        value = value.saturating_mul(10).saturating_add(i128::from(d));
    }
    if round >= 5 {
        value = value.saturating_add(1);
    }
    for _ in 0..power.min(60) {
        value = value.saturating_mul(10);
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_read_as_in_java() {
        for (d, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e-3, "0.001"),
            (1e-4, "1.0E-4"),
            (1.25e-7, "1.25E-7"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (123_456.789, "123456.789"),
            (1e20, "1.0E20"),
            (1e300, "1.0E300"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(java_double(d), text);
        }
        assert_eq!(java_float(3.25), "3.25");
    }

    #[test]
    fn decimals_go_both_ways() {
        assert_eq!(decimal_text(-5, 3), "-0.005");
        assert_eq!(decimal_text(1200, 2), "12.00");
        assert_eq!(decimal_text(7, 0), "7");
        for (text, scale, value) in [
            ("12345.678", 3, Some(12_345_678)),
            ("1.005", 2, Some(101)),
            ("-0.05", 1, Some(-1)),
            ("1e3", 0, Some(1000)),
            ("2.7E-8", 9, Some(27)),
            ("999999999999999999999999999999999999999999.9", 0, Some(i128::MAX)),
            ("x", 0, None),
            (".", 0, None),
            ("", 0, None),
            ("999999999999999999999999999999999999999999999.9", 0, Some(i128::MAX)),
        ] {
            assert_eq!(parse_decimal(text.as_bytes(), scale), value, "{text}");
        }
    }
}
