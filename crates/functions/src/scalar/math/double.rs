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
    ($name:literal, $usage:literal, $doc:literal, $example:expr, $f:expr) => {
        Function {
            name: $name,
            usage: $usage,
            doc: $doc,
            example: $example,
            resolve: one,
            evaluate: |a, _, _| each(a, $f),
        }
    };
}

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    of_double!("sqrt", "SQRT(number)", "The square root; NaN below 0.", ("SQRT(16)", "4.0"), f64::sqrt),
    of_double!("cbrt", "CBRT(number)", "The cube root. Not in Flink.", ("CBRT(-27)", "-3.0"), f64::cbrt),
    of_double!("exp", "EXP(number)", "e raised to the number.", ("EXP(1)", "2.718281828459045"), f64::exp),
    of_double!(
        "ln",
        "LN(number)",
        "The natural logarithm; -Infinity for 0, NaN below.",
        ("LN(10)", "2.302585092994046"),
        f64::ln
    ),
    Function {
        name: "log",
        usage: "LOG([base,] number)",
        doc: "The natural logarithm without a base.",
        example: ("LOG(2, 8)", "3.0"),
        resolve: |a| one(a).or_else(|| two(a)),
        evaluate: |a, rows, _| match a {
            [x] => each(std::slice::from_ref(x), f64::ln),
            _ => doubles(rows, |i| Some(double(&a[1], i)?.ln() / double(&a[0], i)?.ln())),
        },
    },
    of_double!(
        "log2",
        "LOG2(number)",
        "The logarithm to base 2; -Infinity for 0, NaN below.",
        ("LOG2(8)", "3.0"),
        f64::log2
    ),
    of_double!(
        "log10",
        "LOG10(number)",
        "The logarithm to base 10; -Infinity for 0, NaN below.",
        ("LOG10(1000)", "3.0"),
        f64::log10
    ),
    Function {
        name: "power",
        usage: "POWER(base, exponent)",
        doc: "The base raised to the exponent, always a DOUBLE.",
        example: ("POWER(2, 10)", "1024.0"),
        resolve: two,
        evaluate: power,
    },
    Function {
        name: "pow",
        usage: "POW(base, exponent)",
        doc: "The same as POWER. Not in Flink.",
        example: ("POW(2, -1)", "0.5"),
        resolve: two,
        evaluate: power,
    },
    of_double!("sin", "SIN(number)", "The sine of an angle in radians.", ("SIN(PI() / 2)", "1.0"), f64::sin),
    of_double!("cos", "COS(number)", "The cosine of an angle in radians.", ("COS(PI())", "-1.0"), f64::cos),
    of_double!(
        "tan",
        "TAN(number)",
        "The tangent of an angle in radians.",
        ("TAN(1)", "1.5574077246549023"),
        f64::tan
    ),
    of_double!(
        "cot",
        "COT(number)",
        "The cotangent of an angle in radians; Infinity for 0.",
        ("COT(1)", "0.6420926159343306"),
        |v| 1.0 / v.tan()
    ),
    of_double!(
        "asin",
        "ASIN(number)",
        "The angle with this sine, in radians from -π/2 to π/2; NaN beyond -1 and 1.",
        ("ASIN(1)", "1.5707963267948966"),
        f64::asin
    ),
    of_double!(
        "acos",
        "ACOS(number)",
        "The angle with this cosine, in radians from 0 to π; NaN beyond -1 and 1.",
        ("ACOS(-1)", "3.141592653589793"),
        f64::acos
    ),
    of_double!(
        "atan",
        "ATAN(number)",
        "The angle with this tangent, in radians from -π/2 to π/2.",
        ("ATAN(1)", "0.7853981633974483"),
        f64::atan
    ),
    Function {
        name: "atan2",
        usage: "ATAN2(y, x)",
        doc: "The angle of the point (x, y) from the x axis, in radians from -π to π.",
        example: ("ATAN2(1, -1)", "2.356194490192345"),
        resolve: two,
        evaluate: |a, rows, _| doubles(rows, |i| Some(double(&a[0], i)?.atan2(double(&a[1], i)?))),
    },
    of_double!("sinh", "SINH(number)", "The hyperbolic sine.", ("SINH(1)", "1.1752011936438014"), f64::sinh),
    of_double!("cosh", "COSH(number)", "The hyperbolic cosine.", ("COSH(0)", "1.0"), f64::cosh),
    of_double!("tanh", "TANH(number)", "The hyperbolic tangent.", ("TANH(1)", "0.7615941559557649"), f64::tanh),
    of_double!(
        "asinh",
        "ASINH(number)",
        "The inverse of SINH. Not in Flink.",
        ("ASINH(1)", "0.881373587019543"),
        f64::asinh
    ),
    of_double!(
        "acosh",
        "ACOSH(number)",
        "The inverse of COSH; NaN below 1. Not in Flink.",
        ("ACOSH(2)", "1.3169578969248166"),
        f64::acosh
    ),
    of_double!(
        "atanh",
        "ATANH(number)",
        "The inverse of TANH; infinite at -1 and 1, NaN beyond. Not in Flink.",
        ("ATANH(0.5)", "0.5493061443340548"),
        f64::atanh
    ),
    of_double!(
        "degrees",
        "DEGREES(radians)",
        "The degrees of an angle in radians.",
        ("DEGREES(PI())", "180.0"),
        f64::to_degrees
    ),
    of_double!(
        "radians",
        "RADIANS(degrees)",
        "The radians of an angle in degrees.",
        ("RADIANS(180)", "3.141592653589793"),
        f64::to_radians
    ),
    Function {
        name: "pi",
        usage: "PI()",
        doc: "The ratio of a circle's circumference to its diameter.",
        example: ("PI()", "3.141592653589793"),
        resolve: |a| fixed(a, &[], D),
        evaluate: |_, rows, _| Ok(Arc::new(Float64Array::from(vec![consts::PI; rows]))),
    },
    Function {
        name: "e",
        usage: "E()",
        doc: "The base of the natural logarithm.",
        example: ("E()", "2.718281828459045"),
        resolve: |a| fixed(a, &[], D),
        evaluate: |_, rows, _| Ok(Arc::new(Float64Array::from(vec![consts::E; rows]))),
    },
    Function {
        name: "isnan",
        usage: "ISNAN(number)",
        doc: "Whether it is NaN, which is no number but not NULL. Not in Flink.",
        example: ("ISNAN(SQRT(-1))", "true"),
        resolve: |a| fixed(a, &[D], SqlType::Boolean),
        evaluate: |a, rows, _| booleans(rows, |i| Some(double(&a[0], i)?.is_nan())),
    },
    Function {
        name: "iszero",
        usage: "ISZERO(number)",
        doc: "Whether it is 0. Not in Flink.",
        example: ("ISZERO(0.0)", "true"),
        resolve: |a| fixed(a, &[D], SqlType::Boolean),
        evaluate: |a, rows, _| booleans(rows, |i| Some(double(&a[0], i)? == 0.0)),
    },
    Function {
        name: "nanvl",
        usage: "NANVL(a, b)",
        doc: "The second where the first is not a number. Not in Flink.",
        example: ("NANVL(SQRT(-1), 0)", "0.0"),
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
