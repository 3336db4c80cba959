//! Whole numbers: divisors, factorials, binary digits.

use crate::scalar::rows::{long, refused, texts, try_longs};
use crate::scalar::{Function, fixed};
use arrow_array::ArrayRef;
use millstream_dataflow::{Result, SqlType};

const L: SqlType = SqlType::BigInt;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "bin",
        usage: "BIN(whole number)",
        doc: "Binary digits; a negative number as its 64 bits.",
        example: ("BIN(10)", "1010"),
        resolve: |a| fixed(a, &[L], SqlType::STRING),
        evaluate: |a, rows, _| texts(rows, |i| Some(format!("{:b}", long(&a[0], i)?))),
    },
    Function {
        name: "factorial",
        usage: "FACTORIAL(whole number)",
        doc: "The product of 1 up to the number. Of 0 to 20. Not in Flink.",
        example: ("FACTORIAL(5)", "120"),
        resolve: |a| fixed(a, &[L], L),
        evaluate: |a, rows, _| {
            try_longs(rows, |i| match long(&a[0], i) {
                None => Ok(None),
                Some(n @ 0..=20) => Ok(Some((1..=n).product())),
                Some(n) => Err(refused(format!("FACTORIAL of {n} is no BIGINT"))),
            })
        },
    },
    Function {
        name: "gcd",
        usage: "GCD(a, b)",
        doc: "The greatest common divisor, never negative. Not in Flink.",
        example: ("GCD(12, 18)", "6"),
        resolve: |a| fixed(a, &[L, L], L),
        evaluate: |a, rows, _| pairs(a, rows, "GCD", |x, y| Some(i128::from(gcd(x, y)))),
    },
    Function {
        name: "lcm",
        usage: "LCM(a, b)",
        doc: "The least common multiple, never negative; 0 if one is 0. Not in Flink.",
        example: ("LCM(4, 6)", "12"),
        resolve: |a| fixed(a, &[L, L], L),
        evaluate: |a, rows, _| {
            pairs(a, rows, "LCM", |x, y| match gcd(x, y) {
                0 => Some(0),
                g => i128::from(x / g).checked_mul(i128::from(y)),
            })
        },
    },
];

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn pairs(args: &[ArrayRef], rows: usize, name: &str, f: impl Fn(u64, u64) -> Option<i128>) -> Result<ArrayRef> {
    try_longs(rows, |i| {
        let (Some(x), Some(y)) = (long(&args[0], i), long(&args[1], i)) else {
            return Ok(None);
        };
        let value = f(x.unsigned_abs(), y.unsigned_abs()).and_then(|v| i64::try_from(v).ok());
        value.map(Some).ok_or_else(|| refused(format!("{name} of {x} and {y} overflows BIGINT")))
    })
}
