//! PRINTF, by the rules of Java's formatter.

use super::S;
use crate::scalar::math::Digits;
use crate::scalar::rows::{boolean, bounded, refused, text, try_texts};
use crate::scalar::{Function, Signature};
use crate::types::{Type, is_numeric, is_text};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use millstream_dataflow::text::{decimal_text, java_double, java_float};
use millstream_dataflow::{Result, SqlType};

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[Function {
    name: "printf",
    usage: "PRINTF(format, value, …)",
    doc: "The format with the values in its places. %b %s %c %d %o %x %f %e with Java's flags, width and precision; NULL where a value does not fit its place: cast a DECIMAL to DOUBLE for %f.",
    example: ("PRINTF('%s: %05d', 'order', 42)", "order: 00042"),
    resolve: |a| {
        let [format, values @ ..] = a else { return None };
        let printable = |t: &Type| is_text(&t.ty) || is_numeric(&t.ty) || matches!(t.ty, SqlType::Boolean | SqlType::Null);
        (is_text(&format.ty) && values.iter().all(printable)).then(|| {
            let types = values.iter().map(|v| if is_text(&v.ty) || v.ty == SqlType::Null { S } else { v.ty.clone() });
            Signature {
                args: std::iter::once(S).chain(types).collect(),
                result: Type::new(S, true),
            }
        })
    },
    evaluate: |a, rows, _| {
        try_texts(rows, |i| match text(&a[0], i) {
            None => Ok(None),
            Some(format) => print(format, &a[1..], i),
        })
    },
}];

/// One `%…` of a format.
struct Place<'a> {
    index: Option<usize>,
    flags: &'a str,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

impl Place<'_> {
    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn padded(&self, text: String) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        let blanks = " ".repeat(missing);
        if self.has('-') { text + &blanks } else { blanks + &text }
    }

    /// A number's digits with sign, zeros and groups as the flags say.
    fn number(&self, negative: bool, digits: &str) -> String {
        let mut digits = digits.to_string();
        if self.has(',') {
            let end = digits.find(['.', 'e']).unwrap_or(digits.len());
            let mut place = end;
            while place > 3 {
                place -= 3;
                digits.insert(place, ',');
            }
        }
        let (before, after) = match negative {
            true if self.has('(') => ("(", ")"),
            true => ("-", ""),
            false if self.has('+') => ("+", ""),
            false if self.has(' ') => (" ", ""),
            false => ("", ""),
        };
        if self.has('0') {
            let missing = self.width.saturating_sub(before.len() + digits.len() + after.len());
            digits = "0".repeat(missing) + &digits;
        }
        self.padded(format!("{before}{digits}{after}"))
    }
}

/// Longest width and precision.
const WIDTH_MAX: usize = 10_000;

fn print(format: &str, values: &[ArrayRef], row: usize) -> Result<Option<String>> {
    let mut out = String::new();
    let mut rest = format;
    let (mut next, mut last) = (0, None);
    while let Some(at) = rest.find('%') {
        out += &rest[..at];
        let Some((place, after)) = place(&rest[at + 1..])? else { return Ok(None) };
        rest = after;
        match place.conversion {
            '%' => out += &place.padded("%".to_string()),
            'n' => out.push('\n'),
            _ => {
                let index = match (place.index, place.has('<')) {
                    (Some(i), _) => i,
                    (None, true) => match last {
                        Some(i) => i,
                        None => return Ok(None),
                    },
                    (None, false) => {
                        next += 1;
                        next - 1
                    }
                };
                last = Some(index);
                let Some(value) = values.get(index) else { return Ok(None) };
                let Some(shown) = convert(&place, value, row)? else { return Ok(None) };
                out += &shown;
            }
        }
        bounded("PRINTF", out.len())?;
    }
    out += rest;
    Ok(Some(out))
}

/// Reads what follows a `%`; `None` for what Java would refuse.
fn place(text: &str) -> Result<Option<(Place<'_>, &str)>> {
    let number = |t: &str| -> usize { t.bytes().take_while(u8::is_ascii_digit).count() };
    let mut rest = text;
    let mut index = None;
    let digits = number(rest);
    if digits > 0 && rest[digits..].starts_with('$') {
        index = rest[..digits].parse::<usize>().ok().and_then(|i| i.checked_sub(1));
        if index.is_none() {
            return Ok(None);
        }
        rest = &rest[digits + 1..];
    }
    let flags = rest.bytes().take_while(|b| b"-#+ 0,(<".contains(b)).count();
    let (flags, after) = rest.split_at(flags);
    rest = after;
    let size = |t: &str| -> Result<usize> {
        let size = t.parse::<usize>().ok().filter(|w| *w <= WIDTH_MAX);
        size.ok_or_else(|| refused(format!("PRINTF takes widths of at most {WIDTH_MAX}")))
    };
    let digits = number(rest);
    let width = if digits > 0 { size(&rest[..digits])? } else { 0 };
    rest = &rest[digits..];
    let mut precision = None;
    if let Some(after) = rest.strip_prefix('.') {
        let digits = number(after);
        if digits == 0 {
            return Ok(None);
        }
        precision = Some(size(&after[..digits])?);
        rest = &after[digits..];
    }
    let Some(conversion) = rest.chars().next() else { return Ok(None) };
    // Flags that contradict each other, and a width they need.
    if flags.contains('-') && flags.contains('0') || flags.contains(['-', '0']) && width == 0 || flags.contains('+') && flags.contains(' ') {
        return Ok(None);
    }
    let place = Place {
        index,
        flags,
        width,
        precision,
        conversion,
    };
    Ok(Some((place, &rest[conversion.len_utf8()..])))
}

/// `None` where the value does not fit.
fn convert(place: &Place<'_>, value: &ArrayRef, row: usize) -> Result<Option<String>> {
    let upper = place.conversion.is_ascii_uppercase();
    let shown = match place.conversion.to_ascii_lowercase() {
        'b' => Some(cut(place, (boolean_of(value, row)).to_string())),
        's' => Some(cut(place, plain(value, row))),
        'c' if value.is_null(row) => Some(place.padded("null".to_string())),
        'c' => match value.data_type() {
            DataType::Int32 => u32::try_from(value.as_primitive::<Int32Type>().value(row))
                .ok()
                .and_then(char::from_u32)
                .map(|c| place.padded(c.to_string())),
            _ => None,
        },
        'd' | 'o' | 'x' | 'e' | 'f' if value.is_null(row) => Some(place.padded("null".to_string())),
        'd' if !upper && place.precision.is_none() => whole(value, row).map(|(v, _)| place.number(v < 0, &v.unsigned_abs().to_string())),
        'o' if !upper && place.precision.is_none() => whole(value, row).map(|(v, bits)| place.number(false, &format!("{:o}", (v as u64) & bits))),
        'x' if place.precision.is_none() => whole(value, row).map(|(v, bits)| place.number(false, &format!("{:x}", (v as u64) & bits))),
        'f' if !upper => double(value, row).map(|v| decimal(place, v, |d, scale| d.fixed(scale), true)),
        'e' => double(value, row).map(|v| decimal(place, v, |d, scale| d.scientific(scale), false)),
        'a' | 'g' | 'h' | 't' => return Err(refused(format!("PRINTF does not know %{}", place.conversion))),
        _ => None,
    };
    Ok(shown.map(|s| if upper { s.to_uppercase() } else { s }))
}

fn cut(place: &Place<'_>, text: String) -> String {
    place.padded(match place.precision {
        Some(p) => text.chars().take(p).collect(),
        None => text,
    })
}

/// Anything that is neither FALSE nor NULL is true.
fn boolean_of(value: &ArrayRef, row: usize) -> bool {
    match value.data_type() {
        DataType::Boolean => boolean(value, row) == Some(true),
        _ => value.is_valid(row),
    }
}

/// A whole number and the bits it has.
fn whole(value: &ArrayRef, row: usize) -> Option<(i64, u64)> {
    Some(match value.data_type() {
        DataType::Int8 => (value.as_primitive::<Int8Type>().value(row).into(), 0xff),
        DataType::Int16 => (value.as_primitive::<Int16Type>().value(row).into(), 0xffff),
        DataType::Int32 => (value.as_primitive::<Int32Type>().value(row).into(), 0xffff_ffff),
        DataType::Int64 => (value.as_primitive::<Int64Type>().value(row), u64::MAX),
        _ => return None,
    })
}

fn double(value: &ArrayRef, row: usize) -> Option<f64> {
    match value.data_type() {
        DataType::Float32 => Some(value.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Some(value.as_primitive::<Float64Type>().value(row)),
        _ => None,
    }
}

fn decimal(place: &Place<'_>, value: f64, f: impl Fn(&Digits, usize) -> String, round: bool) -> String {
    let scale = place.precision.unwrap_or(6);
    match Digits::of(value) {
        Some(digits) => {
            let negative = digits.negative;
            let digits = if round { digits.rounded(scale as i32, true) } else { digits };
            place.number(negative, &f(&digits, scale))
        }
        None => place.padded(java_double(value)),
    }
}

fn plain(value: &ArrayRef, row: usize) -> String {
    if value.is_null(row) {
        return "null".to_string();
    }
    match value.data_type() {
        DataType::Utf8View => value.as_string_view().value(row).to_string(),
        DataType::Boolean => value.as_boolean().value(row).to_string(),
        DataType::Float32 => java_float(value.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => java_double(value.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, s) => decimal_text(value.as_primitive::<Decimal128Type>().value(row), *s as u8),
        _ => whole(value, row).map_or_else(String::new, |(v, _)| v.to_string()),
    }
}
