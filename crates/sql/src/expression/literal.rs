//! Literals with Flink's types.

use crate::constant::convert;
use crate::diagnostic::unsupported;
use crate::relation::Bound;
use millstream_dataflow::option::nearest;
use millstream_dataflow::text::parse_decimal;
use millstream_dataflow::{Error, Result, SqlType};
use millstream_plan::{Expr as Plan, Type, Value};
use sqlparser::ast::{DateTimeField, Expr, Interval, TypedString, Value as Literal};

fn literal(value: Value, ty: SqlType) -> Bound {
    let ty = Type::new(ty, value == Value::Null);
    Bound {
        expr: Plan::Literal { value, ty: ty.clone() },
        ty,
    }
}

pub(super) fn int(value: i64, ty: SqlType) -> Bound {
    literal(Value::Int(value), ty)
}

/// A STRING constant.
pub(super) fn text(value: &str) -> Bound {
    literal(Value::Text(value.to_string()), SqlType::STRING)
}

/// The bytes of `x'…'`.
fn bytes(digits: &str) -> Result<Bound> {
    let wrong = || Error::sql(format!("x'{digits}' is no binary string: it has to have an even number of hexadecimal digits")).code("E0301");
    let digits: Vec<u8> = digits
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    if !digits.len().is_multiple_of(2) {
        return Err(wrong());
    }
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|d| d[0] << 4 | d[1]).collect();
    let length = bytes.len().max(1) as u32;
    Ok(literal(Value::Bytes(bytes), SqlType::Binary(length)))
}

pub(super) fn value(value: &Literal) -> Result<Bound> {
    Ok(match value {
        Literal::Null => literal(Value::Null, SqlType::Null),
        Literal::Boolean(b) => literal(Value::Boolean(*b), SqlType::Boolean),
        // Java's length: characters beyond the first 65536 count twice.
        Literal::SingleQuotedString(s) => literal(Value::Text(s.clone()), SqlType::Char(s.encode_utf16().count().max(1) as u32)),
        Literal::HexStringLiteral(digits) => bytes(digits)?,
        Literal::Number(text, false) => number(text)?,
        Literal::Placeholder(sign) => {
            let first = sign.chars().next().unwrap_or('?');
            let e = Error::sql(format!("what begins with \"{first}\" stands for no value")).code("E0102");
            return Err(e.hint("a variable is ${NAME}, and gets its value from -D NAME=value"));
        }
        other => return Err(Error::sql(format!("the literal {other} is not supported yet")).code("E0101")),
    })
}

/// INT, BIGINT, DECIMAL or DOUBLE, whichever the text tells.
fn number(text: &str) -> Result<Bound> {
    let wrong = || Error::sql(format!("the number {text} is out of range")).code("E0301");
    if text.contains(['e', 'E']) {
        let value: f64 = text.parse().map_err(|_| wrong())?;
        return if value.is_finite() {
            Ok(literal(Value::Float(value), SqlType::Double))
        } else {
            Err(wrong())
        };
    }
    let Some((whole, fraction)) = text.split_once('.') else {
        if let Ok(v) = text.parse::<i64>() {
            let ty = if i32::try_from(v).is_ok() { SqlType::Int } else { SqlType::BigInt };
            return Ok(int(v, ty));
        }
        let digits = text.len() as u8;
        return if digits <= 38 {
            Ok(literal(Value::Decimal(text.parse().map_err(|_| wrong())?), SqlType::Decimal(digits, 0)))
        } else {
            Err(wrong())
        };
    };
    let (precision, scale) = (whole.len().max(1) + fraction.len(), fraction.len());
    if precision > 38 {
        return Err(wrong());
    }
    let unscaled = parse_decimal(text.as_bytes(), scale as u8).ok_or_else(wrong)?;
    Ok(literal(Value::Decimal(unscaled), SqlType::Decimal(precision as u8, scale as u8)))
}

/// `TIMESTAMP '…'`, `DATE '…'`, `TIME '…'`.
pub(super) fn typed_string(typed: &TypedString) -> Result<Bound> {
    let Literal::SingleQuotedString(text) = &typed.value.value else {
        return Err(Error::sql(format!("{typed} is not supported yet")).code("E0101"));
    };
    let fraction = text.rsplit_once('.').map_or(0, |(_, f)| f.len().min(9)) as u8;
    let ty = match typed.data_type.to_string().to_uppercase().as_str() {
        "DATE" => SqlType::Date,
        "TIME" => SqlType::Time(fraction),
        "TIMESTAMP" => SqlType::Timestamp(fraction),
        other => return Err(Error::sql(format!("the literal {other} '…' is not supported yet")).code("E0101")),
    };
    let value = convert(&Value::Text(text.clone()), &SqlType::STRING, &ty, false).ok().flatten();
    Ok(literal(value.ok_or_else(|| Error::sql(format!("'{text}' is no {ty}")).code("E0301"))?, ty))
}

pub(super) fn interval(interval: &Interval) -> Result<Bound> {
    match folded(interval)? {
        Folded::Months(m) => Ok(int(m, SqlType::IntervalYearMonth)),
        Folded::Millis(ms) => Ok(int(ms, SqlType::IntervalDayTime)),
    }
}

/// The length of a day-time interval in an expression, ms.
///
/// # Errors
/// `Sql` if it is no interval literal, or one of months.
pub(crate) fn interval_ms(expr: &Expr) -> Result<i64> {
    let at = super::span(expr);
    match expr {
        Expr::Nested(inner) => interval_ms(inner),
        Expr::Interval(i) => match folded(i).map_err(|e| if e.span.is_none() { e.span(at) } else { e })? {
            Folded::Millis(ms) => Ok(ms),
            Folded::Months(_) => Err(Error::sql("a window cannot be as long as months or years: they differ in length")
                .code("E0404")
                .hint("use days")
                .span(at)),
        },
        _ => Err(Error::sql(format!("expected an interval such as INTERVAL '5' MINUTES, found {expr}"))
            .code("E0404")
            .span(at)),
    }
}

/// `INTERVAL '5 minutes'`, as it is written here.
fn unit_inside(i: &Interval) -> Option<String> {
    let Expr::Value(v) = i.value.as_ref() else { return None };
    let Literal::SingleQuotedString(text) = &v.value else { return None };
    let (number, unit) = text.trim().split_once(' ')?;
    let unit = nearest(unit.trim().trim_end_matches(['s', 'S']), ["SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR"])?;
    (i.leading_field.is_none() && number.parse::<u32>().is_ok()).then(|| format!("INTERVAL '{number}' {unit}"))
}

enum Folded {
    Months(i64),
    Millis(i64),
}

fn folded(i: &Interval) -> Result<Folded> {
    let wrong = || {
        let e = Error::sql(format!("{i} is no interval")).code("E0301");
        match unit_inside(i) {
            Some(meant) => e.hint(format!("the unit stands behind the quotes: {meant}")),
            None => e.hint("as in INTERVAL '5' MINUTE or INTERVAL '1-2' YEAR TO MONTH"),
        }
    };
    let Expr::Value(v) = i.value.as_ref() else {
        return Err(unsupported("an interval that is no literal", super::span(i.value.as_ref())));
    };
    let Literal::SingleQuotedString(text) = &v.value else { return Err(wrong()) };
    let (negative, text) = match text.trim().strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.trim()),
    };
    let sign = if negative { -1 } else { 1 };
    let field = i.leading_field.as_ref().ok_or_else(wrong)?;
    let whole = |t: &str| t.trim().parse::<i64>().map_err(|_| wrong());
    let over = || Error::sql(format!("{i} is too long")).code("E0301");
    use DateTimeField as F;
    if let (F::Year | F::Years, Some(F::Month | F::Months)) = (field, &i.last_field) {
        let (years, months) = text.split_once('-').ok_or_else(wrong)?;
        return Ok(Folded::Months(sign * (whole(years)?.checked_mul(12).ok_or_else(over)? + whole(months)?)));
    }
    let millis_of = |f: &F| -> Option<i64> {
        Some(match f {
            F::Day | F::Days => 86_400_000,
            F::Hour | F::Hours => 3_600_000,
            F::Minute | F::Minutes => 60_000,
            F::Second | F::Seconds => 1_000,
            F::Week(None) | F::Weeks => 7 * 86_400_000,
            _ => return None,
        })
    };
    match (field, &i.last_field) {
        (F::Year | F::Years, None) => Ok(Folded::Months(sign * whole(text)?.checked_mul(12).ok_or_else(over)?)),
        (F::Month | F::Months, None) => Ok(Folded::Months(sign * whole(text)?)),
        (f, None) => {
            let unit = millis_of(f).ok_or_else(wrong)?;
            // Seconds may have a fraction, down to the millisecond.
            let (whole_part, fraction) = text.split_once('.').unwrap_or((text, ""));
            if !fraction.is_empty() && unit != 1_000 {
                return Err(wrong());
            }
            let millis = if fraction.is_empty() { 0 } else { whole(&format!("{fraction:0<3}")[..3])? };
            let number = if whole_part.is_empty() { 0 } else { whole(whole_part)? };
            Ok(Folded::Millis(
                sign * number.checked_mul(unit).and_then(|v| v.checked_add(millis)).ok_or_else(over)?,
            ))
        }
        // `DAY TO SECOND`: '1 02:03:04.5', and the shorter forms.
        (first, Some(last)) => {
            let (mut total, mut unit, least) = (0i64, millis_of(first).ok_or_else(wrong)?, millis_of(last).ok_or_else(wrong)?);
            let mut rest = text;
            loop {
                let end = rest.find([' ', ':']).unwrap_or(rest.len());
                let (part, fraction) = rest[..end].split_once('.').unwrap_or((&rest[..end], ""));
                total = whole(part)?.checked_mul(unit).and_then(|v| total.checked_add(v)).ok_or_else(over)?;
                if !fraction.is_empty() {
                    total += whole(&format!("{fraction:0<3}")[..3])?;
                }
                if unit == least {
                    return if end == rest.len() { Ok(Folded::Millis(sign * total)) } else { Err(wrong()) };
                }
                if end == rest.len() {
                    return Err(wrong());
                }
                rest = &rest[end + 1..];
                unit = match unit {
                    86_400_000 => 3_600_000,
                    3_600_000 => 60_000,
                    _ => 1_000,
                };
            }
        }
    }
}
