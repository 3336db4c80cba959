//! The operators `+ - * / %`: numbers, and times with intervals.

use super::{Function, Signature, any_nullable};
use crate::types::{Type, as_decimal, common_numeric, decimal, is_numeric, is_timestamp};
use arrow_arith::numeric::{add, div, mul, neg, rem, sub};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Decimal128Array};
use arrow_schema::DataType;
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "add",
        usage: "a + b",
        doc: "The sum; an error beyond the range of a whole number's or decimal's type. Intervals are added to dates, times and timestamps.",
        example: ("DATE '2024-01-31' + INTERVAL '1' MONTH", "2024-02-29"),
        resolve: |a| plus_minus(a, true),
        evaluate: |a, _, t| sum(a, t, true),
    },
    Function {
        name: "subtract",
        usage: "a - b",
        doc: "The difference; intervals are taken from dates, times and timestamps.",
        example: ("TIMESTAMP '2024-03-01 00:30:00' - INTERVAL '1' HOUR", "2024-02-29 23:30:00"),
        resolve: |a| plus_minus(a, false),
        evaluate: |a, _, t| sum(a, t, false),
    },
    Function {
        name: "multiply",
        usage: "a * b",
        doc: "The product; a decimal has the digits after the point of both. Also an INTERVAL of days or less times a whole number.",
        example: ("1.10 * 2.5", "2.750"),
        resolve: |a| {
            if let [i, n] = a
                && i.ty == SqlType::IntervalDayTime
                && n.ty.is_integer()
            {
                return Some(Signature {
                    args: vec![SqlType::IntervalDayTime, SqlType::BigInt],
                    result: Type::new(SqlType::IntervalDayTime, any_nullable(a)),
                });
            }
            numeric(a, |(p1, s1), (p2, s2)| decimal(p1 + p2 + 1, s1 + s2))
        },
        evaluate: multiply,
    },
    Function {
        name: "divide",
        usage: "a / b",
        doc: "The quotient. Of whole numbers without a rest. Division by zero is an error; of DOUBLEs it gives an infinity or NaN.",
        example: ("7 / 2", "3"),
        resolve: |a| {
            numeric(a, |(p1, s1), (p2, s2)| {
                let scale = (s1 + p2 + 1).max(6);
                decimal(p1 - s1 + s2 + scale, scale)
            })
        },
        evaluate: divide,
    },
    Function {
        name: "modulo",
        usage: "a % b",
        doc: "The rest of a division; it has the sign of a. Zero as b is an error, of DOUBLEs NaN.",
        example: ("-7 % 3", "-1"),
        resolve: modulo_type,
        evaluate: modulo,
    },
    Function {
        name: "mod",
        usage: "MOD(a, b)",
        doc: "The same as a % b.",
        example: ("MOD(7.5, 2)", "1.5"),
        resolve: modulo_type,
        evaluate: modulo,
    },
    Function {
        name: "negate",
        usage: "-a",
        doc: "A number or an interval with the other sign.",
        example: ("-(2 - 5)", "3"),
        resolve: |a| match a {
            [x] if is_numeric(&x.ty) || matches!(x.ty, SqlType::IntervalDayTime | SqlType::IntervalYearMonth) => Some(Signature {
                args: vec![x.ty.clone()],
                result: x.clone(),
            }),
            _ => None,
        },
        evaluate: |a, _, _| Ok(neg(&a[0])?),
    },
];

/// Binary arithmetic: decimals keep their own precision and scale, everything else is brought to its common type.
fn numeric(args: &[Type], of_decimals: fn((u32, u32), (u32, u32)) -> SqlType) -> Option<Signature> {
    let [a, b] = args else { return None };
    let nullable = any_nullable(args);
    let (left, right) = (or_other(&a.ty, &b.ty), or_other(&b.ty, &a.ty));
    let common = common_numeric(left, right)?;
    if !matches!(common, SqlType::Decimal(..)) {
        return Some(Signature {
            args: vec![common.clone(), common.clone()],
            result: Type::new(common, nullable),
        });
    }
    let (x, y) = (as_decimal(left)?, as_decimal(right)?);
    let wide = |d: (u8, u8)| (u32::from(d.0), u32::from(d.1));
    let result = of_decimals(wide(x), wide(y));
    Some(Signature {
        args: vec![SqlType::Decimal(x.0, x.1), SqlType::Decimal(y.0, y.1)],
        result: Type::new(result, nullable),
    })
}

/// A bare NULL takes the other side's type.
fn or_other<'a>(ty: &'a SqlType, other: &'a SqlType) -> &'a SqlType {
    if *ty == SqlType::Null { other } else { ty }
}

fn plus_minus(args: &[Type], plus: bool) -> Option<Signature> {
    let [a, b] = args else { return None };
    let nullable = any_nullable(args);
    let interval = |t: &SqlType| matches!(t, SqlType::IntervalDayTime | SqlType::IntervalYearMonth);
    let timely = |t: &SqlType| is_timestamp(t) || matches!(t, SqlType::Date | SqlType::Time(_));
    let as_is = |result: &SqlType| {
        Some(Signature {
            args: vec![a.ty.clone(), b.ty.clone()],
            result: Type::new(result.clone(), nullable),
        })
    };
    match (&a.ty, &b.ty) {
        (t, i) if timely(t) && interval(i) => as_is(t),
        (i, t) if plus && timely(t) && interval(i) => as_is(t),
        (x, y) if interval(x) && x == y => as_is(x),
        _ => numeric(args, |(p1, s1), (p2, s2)| {
            let scale = s1.max(s2);
            decimal((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }),
    }
}

/// Of whole numbers the rest has the divisor's type.
fn modulo_type(args: &[Type]) -> Option<Signature> {
    let mut signature = numeric(args, |(p1, s1), (p2, s2)| {
        let scale = s1.max(s2);
        decimal((p1 - s1).min(p2 - s2) + scale, scale)
    })?;
    if args[0].ty.is_integer() && args[1].ty.is_integer() {
        signature.result.ty = args[1].ty.clone();
    }
    Some(signature)
}

fn overflow(e: arrow_schema::ArrowError, what: &str) -> Error {
    use arrow_schema::ArrowError as A;
    match e {
        A::DivideByZero => Error::data("division by zero").code("E0702"),
        A::ArithmeticOverflow(m) => Error::data(format!("{what} overflows its type: {}", m.trim_start_matches("Overflow happened on: ")))
            .code("E0702")
            .hint("cast an argument to a wider type"),
        other => other.into(),
    }
}

/// Unscaled decimals and their scale.
type Scaled<'a> = (&'a Decimal128Array, u8);

/// Both sides of an operator.
fn decimals(args: &[ArrayRef]) -> Result<(Scaled<'_>, Scaled<'_>)> {
    let one = |a: &'_ ArrayRef| match a.data_type() {
        DataType::Decimal128(_, s) => Ok(*s as u8),
        other => Err(Error::bug(format!("a decimal is carried by {other}"))),
    };
    Ok(((args[0].as_primitive(), one(&args[0])?), (args[1].as_primitive(), one(&args[1])?)))
}

/// Computes a decimal per pair of rows; `f` gives the value at the result's scale.
fn decimal_result(args: &[ArrayRef], ty: &SqlType, what: &str, f: impl Fn(i128, u8, i128, u8, u8) -> Result<Option<i128>>) -> Result<ArrayRef> {
    let SqlType::Decimal(precision, scale) = ty else {
        return Err(Error::bug("decimal arithmetic has no decimal result"));
    };
    let ((a, s1), (b, s2)) = decimals(args)?;
    let limit = 10u128.pow(u32::from(*precision));
    let mut out = Vec::with_capacity(a.len());
    for i in 0..a.len() {
        if a.is_null(i) || b.is_null(i) {
            out.push(None);
            continue;
        }
        match f(a.value(i), s1, b.value(i), s2, *scale)? {
            Some(v) if v.unsigned_abs() < limit => out.push(Some(v)),
            _ => {
                return Err(Error::data(format!("{what} overflows {ty}"))
                    .code("E0702")
                    .hint("cast an argument to a smaller precision"));
            }
        }
    }
    Ok(Arc::new(Decimal128Array::from(out).with_data_type(ty.to_arrow())))
}

/// Moves an unscaled value to another scale, rounding half away from zero.
fn rescale(value: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        return value.checked_mul(10i128.checked_pow(u32::from(to - from))?);
    }
    // Less than half of a unit that 128 bits do not hold.
    let Some(unit) = 10i128.checked_pow(u32::from(from - to)) else {
        return Some(0);
    };
    let (whole, rest) = (value / unit, value % unit);
    Some(whole + if rest.abs() * 2 >= unit { value.signum() } else { 0 })
}

fn sum(args: &[ArrayRef], ty: &SqlType, plus: bool) -> Result<ArrayRef> {
    let what = if plus { "+" } else { "-" };
    match ty {
        SqlType::Decimal(..) => decimal_result(args, ty, what, |a, s1, b, s2, s| {
            let (Some(a), Some(b)) = (rescale(a, s1, s), rescale(b, s2, s)) else {
                return Ok(None);
            };
            Ok(if plus { a.checked_add(b) } else { a.checked_sub(b) })
        }),
        t if is_timestamp(t) || matches!(t, SqlType::Date | SqlType::Time(_)) => super::times::shift(args, ty, plus),
        _ => if plus { add(&args[0], &args[1]) } else { sub(&args[0], &args[1]) }.map_err(|e| overflow(e, what)),
    }
}

fn multiply(args: &[ArrayRef], _rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    match ty {
        SqlType::Decimal(..) => decimal_result(args, ty, "*", |a, s1, b, s2, s| Ok(a.checked_mul(b).and_then(|v| rescale(v, s1 + s2, s)))),
        SqlType::IntervalDayTime => {
            let interval = crate::cast::unchecked(&args[0], DataType::Int64)?;
            let product = mul(&interval, &args[1]).map_err(|e| overflow(e, "*"))?;
            crate::cast::unchecked(&product, ty.to_arrow())
        }
        _ => mul(&args[0], &args[1]).map_err(|e| overflow(e, "*")),
    }
}

fn divide(args: &[ArrayRef], _rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    match ty {
        SqlType::Decimal(..) => decimal_result(args, ty, "/", |a, s1, b, s2, s| {
            if b == 0 {
                return Err(Error::data("division by zero").code("E0702"));
            }
            // One digit more than wanted, then rounded half up, all within 128 bits or not at all.
            let power = i32::from(s) + i32::from(s2) - i32::from(s1);
            let numerator = if power >= 0 {
                10i128.checked_pow(power as u32).and_then(|u| a.checked_mul(u))
            } else {
                rescale(a, s1, (i32::from(s1) + power) as u8)
            };
            let Some(n) = numerator else { return Ok(None) };
            let (whole, rest) = (n / b, n % b);
            let up = rest.unsigned_abs() * 2 >= b.unsigned_abs();
            Ok(Some(whole + if up { n.signum() * b.signum() } else { 0 }))
        }),
        _ => div(&args[0], &args[1]).map_err(|e| overflow(e, "/")),
    }
}

fn modulo(args: &[ArrayRef], _rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    match ty {
        SqlType::Decimal(..) => decimal_result(args, ty, "%", |a, s1, b, s2, s| {
            let (Some(a), Some(b)) = (rescale(a, s1, s), rescale(b, s2, s)) else {
                return Ok(None);
            };
            if b == 0 {
                Err(Error::data("division by zero").code("E0702"))
            } else {
                Ok(Some(a % b))
            }
        }),
        _ => {
            let rest = rem(&args[0], &args[1]).map_err(|e| overflow(e, "%"))?;
            Ok(arrow_cast::cast(&rest, &ty.to_arrow())?)
        }
    }
}
