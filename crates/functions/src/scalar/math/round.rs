//! Signs and roundings. Decimals keep their own type; doubles are rounded as the decimals they print as.

use super::{Digits, same_number};
use crate::scalar::rows::refused;
use crate::scalar::{Function, Signature, any_nullable};
use crate::types::{Type, is_numeric};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, Int32Array, PrimitiveArray};
use arrow_schema::DataType;
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "abs",
        usage: "ABS(number)",
        doc: "The number without its sign.",
        example: ("ABS(-2.5)", "2.5"),
        resolve: same_number,
        evaluate: abs,
    },
    Function {
        name: "sign",
        usage: "SIGN(number)",
        doc: "-1, 0 or 1 in the number's own type.",
        example: ("SIGN(-42)", "-1"),
        resolve: same_number,
        evaluate: sign,
    },
    Function {
        name: "floor",
        usage: "FLOOR(number)",
        doc: "Down to a whole number; a DECIMAL and a DOUBLE stay such. Of a time: see FLOOR(time TO unit).",
        example: ("FLOOR(-2.5)", "-3"),
        resolve: whole_number,
        evaluate: |a, _, t| to_whole(a, t, f64::floor, |v, u| v.div_euclid(u)),
    },
    Function {
        name: "ceil",
        usage: "CEIL(number)",
        doc: "Up to a whole number; a DECIMAL and a DOUBLE stay such. Of a time: see CEIL(time TO unit).",
        example: ("CEIL(2.1)", "3"),
        resolve: whole_number,
        evaluate: |a, _, t| to_whole(a, t, f64::ceil, |v, u| -((-v).div_euclid(u))),
    },
    Function {
        name: "ceiling",
        usage: "CEILING(number)",
        doc: "The same as CEIL.",
        example: ("CEILING(-2.5)", "-2"),
        resolve: whole_number,
        evaluate: |a, _, t| to_whole(a, t, f64::ceil, |v, u| -((-v).div_euclid(u))),
    },
    Function {
        name: "round",
        usage: "ROUND(number [, digits])",
        doc: "To so many digits after the point, by default none. Half away from zero. Negative digits round before the point.",
        example: ("ROUND(2.345, 2)", "2.35"),
        resolve: rounded,
        evaluate: |a, rows, t| to_scale(a, rows, t, true),
    },
    Function {
        name: "truncate",
        usage: "TRUNCATE(number [, digits])",
        doc: "Cut off after so many digits behind the point, by default none. Towards zero.",
        example: ("TRUNCATE(-2.789, 1)", "-2.7"),
        resolve: rounded,
        evaluate: |a, rows, t| to_scale(a, rows, t, false),
    },
    Function {
        name: "trunc",
        usage: "TRUNC(number [, digits])",
        doc: "The same as TRUNCATE. Not in Flink.",
        example: ("TRUNC(2.789)", "2"),
        resolve: rounded,
        evaluate: |a, rows, t| to_scale(a, rows, t, false),
    },
];

fn whole_number(args: &[Type]) -> Option<Signature> {
    let [x] = args else { return None };
    let result = match &x.ty {
        SqlType::Decimal(p, _) => SqlType::Decimal(*p, 0),
        t if is_numeric(t) => t.clone(),
        _ => return None,
    };
    Some(Signature {
        args: vec![x.ty.clone()],
        result: Type::new(result, x.nullable),
    })
}

/// A decimal's scale becomes the digits if they are known.
fn rounded(args: &[Type]) -> Option<Signature> {
    let (x, digits) = match args {
        [x] => (x, Some(0)),
        [x, d] if d.ty.is_integer() && d.ty != SqlType::BigInt || d.ty == SqlType::Null => (x, d.literal),
        _ => return None,
    };
    let result = match (&x.ty, digits) {
        (SqlType::Decimal(p, s), Some(d)) if d < i64::from(*s) => {
            let scale = d.max(0) as u8;
            SqlType::Decimal((1 + *p - *s + scale).min(38), scale)
        }
        (t, _) if is_numeric(t) => t.clone(),
        _ => return None,
    };
    let mut types = vec![x.ty.clone()];
    types.extend((args.len() == 2).then_some(SqlType::Int));
    Some(Signature {
        args: types,
        result: Type::new(result, any_nullable(args)),
    })
}

fn overflow() -> Error {
    refused("a number overflows its type").hint("cast it to a wider type")
}

macro_rules! each_number {
    ($array:expr, $int:expr, $float:expr) => {{
        let array = $array;
        macro_rules! int {
            ($t:ty) => {
                Arc::new(
                    array
                        .as_primitive::<$t>()
                        .try_unary::<_, $t, Error>(|v| $int(i128::from(v)).and_then(|v| v.try_into().ok()).ok_or_else(overflow))?
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

fn to_scale(args: &[ArrayRef], rows: usize, ty: &SqlType, half_up: bool) -> Result<ArrayRef> {
    let zeros: ArrayRef;
    let digits = match args.get(1) {
        Some(d) => d.as_primitive::<Int32Type>(),
        None => {
            zeros = Arc::new(Int32Array::from(vec![0; rows]));
            zeros.as_primitive::<Int32Type>()
        }
    };
    let float = |v: f64, d: i32| Digits::of(v).map_or(v, |x| x.rounded(d, half_up).to_double());
    macro_rules! exact {
        ($t:ty, $from:expr, $to:expr, $limit:expr) => {
            each::<$t>(&args[0], digits, |v, d| {
                let v = to_digits(i128::from(v), $from, d, $to, half_up).filter(|v| v.unsigned_abs() < $limit);
                v.and_then(|v| v.try_into().ok()).ok_or_else(overflow)
            })
        };
    }
    Ok(match args[0].data_type() {
        DataType::Int8 => exact!(Int8Type, 0, 0, u128::MAX)?,
        DataType::Int16 => exact!(Int16Type, 0, 0, u128::MAX)?,
        DataType::Int32 => exact!(Int32Type, 0, 0, u128::MAX)?,
        DataType::Int64 => exact!(Int64Type, 0, 0, u128::MAX)?,
        DataType::Decimal128(_, from) => {
            let SqlType::Decimal(precision, to) = ty else {
                return Err(Error::bug("a rounded decimal is no decimal"));
            };
            let out = exact!(Decimal128Type, i32::from(*from), i32::from(*to), 10u128.pow(u32::from(*precision)))?;
            crate::cast::unchecked(&out, ty.to_arrow())?
        }
        DataType::Float32 => each::<Float32Type>(&args[0], digits, |v, d| Ok(float(f64::from(v), d) as f32))?,
        DataType::Float64 => each::<Float64Type>(&args[0], digits, |v, d| Ok(float(v, d)))?,
        other => return Err(Error::bug(format!("{other} is no number"))),
    })
}

fn each<T: ArrowPrimitiveType>(values: &ArrayRef, digits: &Int32Array, f: impl Fn(T::Native, i32) -> Result<T::Native>) -> Result<ArrayRef> {
    let pairs = values.as_primitive::<T>().iter().zip(digits.iter());
    let out = pairs.map(|(v, d)| v.zip(d).map(|(v, d)| f(v, d)).transpose());
    let out = out.collect::<Result<PrimitiveArray<T>>>()?;
    Ok(Arc::new(out.with_data_type(values.data_type().clone())))
}

/// An unscaled number of one scale, rounded to so many digits, at another scale.
fn to_digits(value: i128, from: i32, digits: i32, to: i32, half_up: bool) -> Option<i128> {
    let mut rounded = value;
    if digits < from {
        let Some(unit) = 10i128.checked_pow(from.abs_diff(digits)) else {
            return Some(0);
        };
        let rest = value % unit;
        rounded = value - rest;
        if half_up && rest.unsigned_abs() * 2 >= unit.unsigned_abs() {
            rounded = rounded.checked_add(unit * value.signum())?;
        }
    }
    if to >= from {
        rounded.checked_mul(10i128.checked_pow((to - from) as u32)?)
    } else {
        Some(rounded / 10i128.checked_pow((from - to) as u32)?)
    }
}
