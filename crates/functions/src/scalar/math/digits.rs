//! A double's shortest decimal digits: what Java rounds and prints.

/// `0.d1d2d3… × 10^exponent` of a finite number.
#[derive(Debug, Clone)]
pub(in crate::scalar) struct Digits {
    pub(in crate::scalar) negative: bool,
    digits: Vec<u8>,
    exponent: i32,
}

impl Digits {
    /// `None` if it is infinite or no number.
    pub(in crate::scalar) fn of(value: f64) -> Option<Digits> {
        if !value.is_finite() {
            return None;
        }
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e')?;
        let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        Some(Digits {
            negative: value.is_sign_negative(),
            digits,
            exponent: exponent.parse::<i32>().ok()? + 1,
        })
    }

    /// Cut to so many digits behind the point (before it, where negative), rounded half up or just cut off.
    pub(in crate::scalar) fn rounded(mut self, scale: i32, half_up: bool) -> Digits {
        let kept = i64::from(self.exponent) + i64::from(scale);
        if kept >= self.digits.len() as i64 {
            return self;
        }
        if kept < 0 {
            self.digits = vec![0];
            return self;
        }
        let kept = kept as usize;
        let up = half_up && self.digits[kept] >= 5;
        self.digits.truncate(kept);
        if up {
            let mut place = kept;
            loop {
                if place == 0 {
                    self.digits.insert(0, 1);
                    self.exponent += 1;
                    break;
                }
                place -= 1;
                if self.digits[place] < 9 {
                    self.digits[place] += 1;
                    break;
                }
                self.digits[place] = 0;
            }
        }
        if self.digits.is_empty() {
            self.digits.push(0);
        }
        self
    }

    pub(in crate::scalar) fn to_double(&self) -> f64 {
        let digits: String = self.digits.iter().map(|d| char::from(b'0' + d)).collect();
        let value: f64 = format!("0.{digits}e{}", self.exponent).parse().unwrap_or(f64::NAN);
        if self.negative { -value } else { value }
    }

    /// The number without its sign, with exactly so many digits behind the point.
    pub(in crate::scalar) fn fixed(&self, scale: usize) -> String {
        let digit = |place: i32| -> char {
            let at = i64::from(self.exponent) - i64::from(place) - 1;
            usize::try_from(at)
                .ok()
                .and_then(|at| self.digits.get(at))
                .map_or('0', |d| char::from(b'0' + d))
        };
        let mut out: String = (0..self.exponent.max(1)).rev().map(digit).collect();
        if scale > 0 {
            out.push('.');
            out.extend((1..=scale as i32).map(|p| digit(-p)));
        }
        out
    }

    /// `d.dde+02` without its sign.
    pub(in crate::scalar) fn scientific(&self, scale: usize) -> String {
        let zero = self.digits.iter().all(|d| *d == 0);
        let mut shifted = Digits { exponent: 1, ..self.clone() };
        shifted = shifted.rounded(scale as i32, true);
        let mut exponent = if zero { 0 } else { self.exponent - 1 };
        if shifted.exponent > 1 {
            exponent += 1;
            shifted.exponent = 1;
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", shifted.fixed(scale), exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::Digits;

    #[test]
    fn digits_round_as_in_decimals() {
        for (value, scale, rounded, cut) in [
            (1.005, 2, 1.01, 1.0),
            (2.345, 2, 2.35, 2.34),
            (-2.5, 0, -3.0, -2.0),
            (99.99, 1, 100.0, 99.9),
            (125.0, -1, 130.0, 120.0),
            (4.0, -1, 0.0, 0.0),
            (5.0, -1, 10.0, 0.0),
            (0.001, 2, 0.0, 0.0),
            (1e300, 2, 1e300, 1e300),
            (1e-300, 300, 1e-300, 1e-300),
        ] {
            assert_eq!(Digits::of(value).unwrap().rounded(scale, true).to_double(), rounded, "{value}");
            assert_eq!(Digits::of(value).unwrap().rounded(scale, false).to_double(), cut, "{value}");
        }
        assert_eq!(Digits::of(1234.5).unwrap().fixed(2), "1234.50");
        assert_eq!(Digits::of(0.05).unwrap().rounded(2, true).fixed(2), "0.05");
        assert_eq!(Digits::of(999_999.9).unwrap().scientific(2), "1.00e+06");
        assert_eq!(Digits::of(0.0).unwrap().scientific(2), "0.00e+00");
        assert!(Digits::of(f64::NAN).is_none());
    }
}
