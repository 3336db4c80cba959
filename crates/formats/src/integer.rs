//! Whole numbers as text.

/// Appends a number. Most are short: a digit at a time costs less than the general way to format.
pub(crate) fn write_integer(number: i64, out: &mut String) {
    // Nineteen digits and a sign.
    let mut text = [0; 20];
    let (mut start, mut rest) = (text.len(), number.unsigned_abs());
    loop {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        start -= 1;
        text[start] = b'-';
    }
    out.push_str(std::str::from_utf8(&text[start..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_are_written() {
        let powers = (0..19).map(|digits| 10_i64.pow(digits));
        let numbers = powers.flat_map(|p| [p, p - 1, -p, 1 - p, p.saturating_mul(7)]);
        for number in numbers.chain([i64::MAX, i64::MIN]) {
            let mut out = String::new();
            write_integer(number, &mut out);
            assert_eq!(out, number.to_string());
        }
    }
}
