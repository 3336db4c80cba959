//! Numbers.

use super::{Function, Signature, any_nullable, fixed};
use crate::types::{Type, as_decimal, common_numeric, decimal, is_numeric, is_timestamp};
use arrow_arith::numeric::{add, div, mul, neg, rem, sub};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, PrimitiveArray};
use arrow_schema::DataType;
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "add",
        usage: "a + b",
        resolve: |a| plus_minus(a, true),
        evaluate: |a, _, t| sum(a, t, true),
    },
    Function {
        name: "subtract",
        usage: "a - b",
        resolve: |a| plus_minus(a, false),
        evaluate: |a, _, t| sum(a, t, false),
    },
    Function {
        name: "multiply",
        usage: "a * b",
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
        resolve: modulo_type,
        evaluate: modulo,
    },
    Function {
        name: "mod",
        usage: "MOD(a, b)",
        resolve: modulo_type,
        evaluate: modulo,
    },
    Function {
        name: "negate",
        usage: "-a",
        resolve: |a| match a {
            [x] if is_numeric(&x.ty) || matches!(x.ty, SqlType::IntervalDayTime | SqlType::IntervalYearMonth) => Some(Signature {
                args: vec![x.ty.clone()],
                result: x.clone(),
            }),
            _ => None,
        },
        evaluate: |a, _, _| Ok(neg(&a[0])?),
    },
    Function {
        name: "abs",
        usage: "ABS(number)",
        resolve: same_number,
        evaluate: abs,
    },
    Function {
        name: "sign",
        usage: "SIGN(number)",
        resolve: same_number,
        evaluate: sign,
    },
    Function {
        name: "floor",
        usage: "FLOOR(number)",
        resolve: whole_number,
        evaluate: |a, _, t| to_whole(a, t, f64::floor, |v, u| v.div_euclid(u)),
    },
    Function {
        name: "ceil",
        usage: "CEIL(number)",
        resolve: whole_number,
        evaluate: |a, _, t| to_whole(a, t, f64::ceil, |v, u| -((-v).div_euclid(u))),
    },
    Function {
        name: "sqrt",
        usage: "SQRT(number)",
        resolve: double1,
        evaluate: |a, _, _| double(a, f64::sqrt),
    },
    Function {
        name: "exp",
        usage: "EXP(number)",
        resolve: double1,
        evaluate: |a, _, _| double(a, f64::exp),
    },
    Function {
        name: "ln",
        usage: "LN(number)",
        resolve: double1,
        evaluate: |a, _, _| double(a, f64::ln),
    },
    Function {
        name: "log10",
        usage: "LOG10(number)",
        resolve: double1,
        evaluate: |a, _, _| double(a, f64::log10),
    },
    Function {
        name: "log2",
        usage: "LOG2(number)",
        resolve: double1,
        evaluate: |a, _, _| double(a, f64::log2),
    },
    Function {
        name: "sin",
        usage: "SIN(number)",
        resolve: double1,
        evaluate: |a, _, _| double(a, f64::sin),
    },
    Function {
        name: "cos",
        usage: "COS(number)",
        resolve: double1,
        evaluate: |a, _, _| double(a, f64::cos),
    },
    Function {
        name: "tan",
        usage: "TAN(number)",
        resolve: double1,
        evaluate: |a, _, _| double(a, f64::tan),
    },
    Function {
        name: "power",
        usage: "POWER(base, exponent)",
        resolve: |a| fixed(a, &[SqlType::Double, SqlType::Double], SqlType::Double),
        evaluate: power,
    },
    Function {
        name: "round",
        usage: "ROUND(double [, digits])",
        resolve: |a| match a {
            [x] if x.ty == SqlType::Double => fixed(a, &[SqlType::Double], SqlType::Double),
            [x, _] if x.ty == SqlType::Double => fixed(a, &[SqlType::Double, SqlType::Int], SqlType::Double),
            [x] if x.ty.is_integer() => Some(Signature {
                args: vec![x.ty.clone()],
                result: x.clone(),
            }),
            _ => None,
        },
        evaluate: round,
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
    let timely = |t: &SqlType| is_timestamp(t) || *t == SqlType::Date;
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

fn modulo_type(args: &[Type]) -> Option<Signature> {
    numeric(args, |(p1, s1), (p2, s2)| {
        let scale = s1.max(s2);
        decimal((p1 - s1).min(p2 - s2) + scale, scale)
    })
}

fn overflow(e: arrow_schema::ArrowError, what: &str) -> Error {
    use arrow_schema::ArrowError as A;
    match e {
        A::DivideByZero => Error::data("division by zero").code("E0702"),
        A::ArithmeticOverflow(m) => Error::data(format!("{what} overflows its type: {m}"))
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
    let unit = 10i128.pow(u32::from(from - to));
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
        t if is_timestamp(t) || *t == SqlType::Date => super::times::shift(args, ty, plus),
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
        _ => rem(&args[0], &args[1]).map_err(|e| overflow(e, "%")),
    }
}

fn same_number(args: &[Type]) -> Option<Signature> {
    match args {
        [x] if is_numeric(&x.ty) => Some(Signature {
            args: vec![x.ty.clone()],
            result: x.clone(),
        }),
        _ => None,
    }
}

fn whole_number(args: &[Type]) -> Option<Signature> {
    match args {
        [x] => {
            let result = match &x.ty {
                SqlType::Decimal(p, s) => SqlType::Decimal((*p - *s + 1).min(38), 0),
                t if is_numeric(t) => t.clone(),
                _ => return None,
            };
            Some(Signature {
                args: vec![x.ty.clone()],
                result: Type::new(result, x.nullable),
            })
        }
        _ => None,
    }
}

fn double1(args: &[Type]) -> Option<Signature> {
    fixed(args, &[SqlType::Double], SqlType::Double)
}

fn double(args: &[ArrayRef], f: fn(f64) -> f64) -> Result<ArrayRef> {
    Ok(Arc::new(args[0].as_primitive::<Float64Type>().unary::<_, Float64Type>(f)))
}

fn power(args: &[ArrayRef], _rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let (a, b) = (args[0].as_primitive::<Float64Type>(), args[1].as_primitive::<Float64Type>());
    let out: Float64Array = a.iter().zip(b.iter()).map(|(a, b)| Some(a?.powf(b?))).collect();
    Ok(Arc::new(out))
}

macro_rules! each_number {
    ($array:expr, $int:expr, $float:expr) => {{
        let array = $array;
        let wrong = || Error::data("a number overflows its type").code("E0702");
        macro_rules! int {
            ($t:ty) => {
                Arc::new(
                    array
                        .as_primitive::<$t>()
                        .try_unary::<_, $t, Error>(|v| $int(i128::from(v)).and_then(|v| v.try_into().ok()).ok_or_else(wrong))?
                        .with_data_type(array.data_type().clone()),
                ) as ArrayRef
            };
        }
        match array.data_type() {
            DataType::Int8 => int!(Int8Type),
            DataType::Int16 => int!(Int16Type),
            DataType::Int32 => int!(Int32Type),
            DataType::Int64 => int!(Int64Type),
            DataType::Decimal128(..) => int!(Decimal128Type),
            DataType::Float32 => Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(|v| $float(f64::from(v)) as f32)),
            DataType::Float64 => Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>($float)),
            other => return Err(Error::bug(format!("{other} is no number"))),
        }
    }};
}

fn abs(args: &[ArrayRef], _rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    Ok(each_number!(&args[0], |v: i128| v.checked_abs(), |v: f64| v.abs()))
}

fn sign(args: &[ArrayRef], _rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let unit = if let SqlType::Decimal(_, s) = ty { 10i128.pow(u32::from(*s)) } else { 1 };
    Ok(each_number!(&args[0], |v: i128| Some(v.signum() * unit), |v: f64| if v == 0.0 || v.is_nan() {
        v
    } else {
        v.signum()
    }))
}

fn to_whole(args: &[ArrayRef], ty: &SqlType, float: fn(f64) -> f64, exact: fn(i128, i128) -> i128) -> Result<ArrayRef> {
    let unit = match args[0].data_type() {
        DataType::Decimal128(_, s) => 10i128.pow(*s as u32),
        _ => 1,
    };
    let out = each_number!(&args[0], |v: i128| Some(exact(v, unit)), |v: f64| float(v));
    if let SqlType::Decimal(..) = ty {
        crate::cast::unchecked(&out, ty.to_arrow())
    } else {
        Ok(out)
    }
}

fn round(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    if !matches!(args[0].data_type(), DataType::Float64) {
        return Ok(Arc::clone(&args[0]));
    }
    let digits = args.get(1).map(|d| d.as_primitive::<Int32Type>());
    let values = args[0].as_primitive::<Float64Type>();
    let out: PrimitiveArray<Float64Type> = (0..rows)
        .map(|i| {
            let d = digits.map_or(Some(0), |d| d.is_valid(i).then(|| d.value(i)))?;
            let v = values.is_valid(i).then(|| values.value(i))?;
            let unit = 10f64.powi(d);
            let scaled = v * unit;
            Some(if scaled.is_finite() { scaled.round() / unit } else { v })
        })
        .collect();
    Ok(Arc::new(out))
}
