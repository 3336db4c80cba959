//! Functions whose result is a DOUBLE. Outside their domain they give NaN or an infinity, as in Flink.

use crate::scalar::rows::{booleans, double, doubles};
use crate::scalar::{Function, Signature, fixed};
use crate::types::Type;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Float64Array};
use millstream_dataflow::{Result, SqlType};
use std::f64::consts;
use std::sync::Arc;

const D: SqlType = SqlType::Double;

/// A function of one number.
macro_rules! of_double {
    ($name:literal, $usage:literal, $doc:literal, $f:expr) => {
        Function {
            name: $name,
            usage: $usage,
            doc: $doc,
            resolve: one,
            evaluate: |a, _, _| each(a, $f),
        }
    };
}

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    of_double!("sqrt", "SQRT(number)", "", f64::sqrt),
    of_double!("cbrt", "CBRT(number)", "Not in Flink.", f64::cbrt),
    of_double!("exp", "EXP(number)", "", f64::exp),
    of_double!("ln", "LN(number)", "", f64::ln),
    Function {
        name: "log",
        usage: "LOG([base,] number)",
        doc: "The natural logarithm without a base.",
        resolve: |a| one(a).or_else(|| two(a)),
        evaluate: |a, rows, _| match a {
            [x] => each(std::slice::from_ref(x), f64::ln),
            _ => doubles(rows, |i| Some(double(&a[1], i)?.ln() / double(&a[0], i)?.ln())),
        },
    },
    of_double!("log2", "LOG2(number)", "", f64::log2),
    of_double!("log10", "LOG10(number)", "", f64::log10),
    Function {
        name: "power",
        usage: "POWER(base, exponent)",
        doc: "",
        resolve: two,
        evaluate: power,
    },
    Function {
        name: "pow",
        usage: "POW(base, exponent)",
        doc: "The same as POWER. Not in Flink.",
        resolve: two,
        evaluate: power,
    },
    of_double!("sin", "SIN(number)", "", f64::sin),
    of_double!("cos", "COS(number)", "", f64::cos),
    of_double!("tan", "TAN(number)", "", f64::tan),
    of_double!("cot", "COT(number)", "", |v| 1.0 / v.tan()),
    of_double!("asin", "ASIN(number)", "", f64::asin),
    of_double!("acos", "ACOS(number)", "", f64::acos),
    of_double!("atan", "ATAN(number)", "", f64::atan),
    Function {
        name: "atan2",
        usage: "ATAN2(y, x)",
        doc: "",
        resolve: two,
        evaluate: |a, rows, _| doubles(rows, |i| Some(double(&a[0], i)?.atan2(double(&a[1], i)?))),
    },
    of_double!("sinh", "SINH(number)", "", f64::sinh),
    of_double!("cosh", "COSH(number)", "", f64::cosh),
    of_double!("tanh", "TANH(number)", "", f64::tanh),
    of_double!("asinh", "ASINH(number)", "Not in Flink.", f64::asinh),
    of_double!("acosh", "ACOSH(number)", "Not in Flink.", f64::acosh),
    of_double!("atanh", "ATANH(number)", "Not in Flink.", f64::atanh),
    of_double!("degrees", "DEGREES(radians)", "", f64::to_degrees),
    of_double!("radians", "RADIANS(degrees)", "", f64::to_radians),
    Function {
        name: "pi",
        usage: "PI()",
        doc: "",
        resolve: |a| fixed(a, &[], D),
        evaluate: |_, rows, _| Ok(Arc::new(Float64Array::from(vec![consts::PI; rows]))),
    },
    Function {
        name: "e",
        usage: "E()",
        doc: "",
        resolve: |a| fixed(a, &[], D),
        evaluate: |_, rows, _| Ok(Arc::new(Float64Array::from(vec![consts::E; rows]))),
    },
    Function {
        name: "isnan",
        usage: "ISNAN(number)",
        doc: "Not in Flink.",
        resolve: |a| fixed(a, &[D], SqlType::Boolean),
        evaluate: |a, rows, _| booleans(rows, |i| Some(double(&a[0], i)?.is_nan())),
    },
    Function {
        name: "iszero",
        usage: "ISZERO(number)",
        doc: "Not in Flink.",
        resolve: |a| fixed(a, &[D], SqlType::Boolean),
        evaluate: |a, rows, _| booleans(rows, |i| Some(double(&a[0], i)? == 0.0)),
    },
    Function {
        name: "nanvl",
        usage: "NANVL(a, b)",
        doc: "The second where the first is not a number. Not in Flink.",
        resolve: two,
        evaluate: |a, rows, _| {
            doubles(rows, |i| {
                let (x, y) = (double(&a[0], i)?, double(&a[1], i)?);
                Some(if x.is_nan() { y } else { x })
            })
        },
    },
];

fn one(args: &[Type]) -> Option<Signature> {
    fixed(args, &[D], D)
}

fn two(args: &[Type]) -> Option<Signature> {
    fixed(args, &[D, D], D)
}

fn each(args: &[ArrayRef], f: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    Ok(Arc::new(args[0].as_primitive::<Float64Type>().unary::<_, Float64Type>(f)))
}

fn power(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    doubles(rows, |i| Some(double(&args[0], i)?.powf(double(&args[1], i)?)))
}
