//! Comparisons, LIKE and IN.

use super::rows::{refused, text};
use super::{Function, Signature, any_nullable, compare};
use crate::types::{Type, common, is_text};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Datum, StringViewArray};
use arrow_ord::cmp;
use arrow_schema::ArrowError;
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "eq",
        usage: "a = b",
        doc: "Whether both are the same; the case and blanks of texts count.",
        example: ("'Flink' = 'flink'", "false"),
        resolve: compared,
        evaluate: |a, _, _| compared_rows(a, compare::eq),
    },
    Function {
        name: "neq",
        usage: "a <> b",
        doc: "Whether they differ; `a != b` is the same.",
        example: ("'Flink' <> 'flink'", "true"),
        resolve: compared,
        evaluate: |a, _, _| compared_rows(a, compare::neq),
    },
    Function {
        name: "lt",
        usage: "a < b",
        doc: "Whether a is less; texts go by the codes of their characters: capitals before small letters.",
        example: ("'Zebra' < 'apple'", "true"),
        resolve: compared,
        evaluate: |a, _, _| compared_rows(a, compare::lt),
    },
    Function {
        name: "lte",
        usage: "a <= b",
        doc: "Whether a is less or the same.",
        example: ("2 <= 2.0", "true"),
        resolve: compared,
        evaluate: |a, _, _| compared_rows(a, compare::lt_eq),
    },
    Function {
        name: "gt",
        usage: "a > b",
        doc: "Whether a is greater; of times, the later one is.",
        example: ("DATE '2024-03-01' > DATE '2024-02-29'", "true"),
        resolve: compared,
        evaluate: |a, _, _| compared_rows(a, compare::gt),
    },
    Function {
        name: "gte",
        usage: "a >= b",
        doc: "Whether a is greater or the same.",
        example: ("2 >= 2.5", "false"),
        resolve: compared,
        evaluate: |a, _, _| compared_rows(a, compare::gt_eq),
    },
    Function {
        name: "is_distinct_from",
        usage: "a IS DISTINCT FROM b",
        doc: "Whether they differ, NULL being a value like any other; never NULL.",
        example: ("1 IS DISTINCT FROM NULL", "true"),
        resolve: never_null,
        evaluate: |a, _, _| compared_rows(a, compare::distinct),
    },
    Function {
        name: "is_not_distinct_from",
        usage: "a IS NOT DISTINCT FROM b",
        doc: "Whether they are the same, NULL being a value like any other; never NULL.",
        example: ("NULL IS NOT DISTINCT FROM NULL", "true"),
        resolve: never_null,
        evaluate: |a, _, _| compared_rows(a, compare::not_distinct),
    },
    Function {
        name: "like",
        usage: "text LIKE pattern",
        doc: "Whether the whole text fits: `%` stands for any characters, `_` for one; the case counts.",
        example: ("'flink' LIKE 'f_in%'", "true"),
        resolve: texts,
        evaluate: |a, _, _| like(a, false),
    },
    Function {
        name: "not_like",
        usage: "text NOT LIKE pattern",
        doc: "Whether the whole text does not fit.",
        example: ("'flink' NOT LIKE 'in%'", "true"),
        resolve: texts,
        evaluate: |a, _, _| like(a, true),
    },
    Function {
        name: "like_escape",
        usage: "text [NOT] LIKE pattern ESCAPE character",
        doc: "As LIKE; behind the escape `%`, `_` and the escape stand for themselves.",
        example: ("'50%' LIKE '50!%' ESCAPE '!'", "true"),
        resolve: |a| super::fixed(a, &[SqlType::STRING, SqlType::STRING, SqlType::STRING], SqlType::Boolean),
        evaluate: |a, rows, _| like_escape(a, rows),
    },
    Function {
        name: "in",
        usage: "a IN (b, …)",
        doc: "Whether a is one of the values. NULL if nothing is equal but something is NULL.",
        example: ("2 IN (1, 2, 3)", "true"),
        resolve: list,
        evaluate: |a, _, _| is_in(a, false),
    },
    Function {
        name: "not_in",
        usage: "a NOT IN (b, …)",
        doc: "Whether a is none of the values; NULL if nothing is equal but something is NULL.",
        example: ("4 NOT IN (1, NULL)", "NULL"),
        resolve: list,
        evaluate: |a, _, _| is_in(a, true),
    },
];

/// The type two sides are compared in: a text beside another type is read as one of it.
fn side_by_side(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    // A point in time beside a wall time is what the clocks show.
    if let (SqlType::Timestamp(x), SqlType::TimestampLtz(y)) | (SqlType::TimestampLtz(x), SqlType::Timestamp(y)) = (a, b) {
        return Some(SqlType::Timestamp(*x.max(y)));
    }
    common(a, b).or_else(|| match (is_text(a), is_text(b)) {
        (true, false) if scalar(b) => Some(b.clone()),
        (false, true) if scalar(a) => Some(a.clone()),
        _ => None,
    })
}

fn scalar(ty: &SqlType) -> bool {
    !matches!(ty, SqlType::Row(_) | SqlType::Array(_) | SqlType::Map(..) | SqlType::Multiset(_))
}

fn both(args: &[Type]) -> Option<SqlType> {
    match args {
        [a, b] => side_by_side(&a.ty, &b.ty).filter(scalar),
        _ => None,
    }
}

fn compared(args: &[Type]) -> Option<Signature> {
    let ty = both(args)?;
    Some(Signature {
        args: vec![ty.clone(), ty],
        result: Type::new(SqlType::Boolean, any_nullable(args)),
    })
}

fn never_null(args: &[Type]) -> Option<Signature> {
    let ty = both(args)?;
    Some(Signature {
        args: vec![ty.clone(), ty],
        result: Type::new(SqlType::Boolean, false),
    })
}

fn texts(args: &[Type]) -> Option<Signature> {
    super::fixed(args, &[SqlType::STRING, SqlType::STRING], SqlType::Boolean)
}

fn list(args: &[Type]) -> Option<Signature> {
    let mut ty = args.first()?.ty.clone();
    for a in &args[1..] {
        ty = side_by_side(&ty, &a.ty)?;
    }
    scalar(&ty).then(|| Signature {
        args: vec![ty; args.len()],
        result: Type::new(SqlType::Boolean, any_nullable(args)),
    })
}

/// Compares columns, or a column with one value.
pub type Comparison = fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError>;

/// The comparison that a function of this name is; the result is the function's.
pub fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        "eq" => compare::eq,
        "neq" => compare::neq,
        "lt" => compare::lt,
        "lte" => compare::lt_eq,
        "gt" => compare::gt,
        "gte" => compare::gt_eq,
        _ => return None,
    })
}

fn compared_rows(args: &[ArrayRef], f: Comparison) -> Result<ArrayRef> {
    Ok(Arc::new(f(&args[0], &args[1])?))
}

/// Flink's patterns have no escape of their own, arrow's have `\\`.
fn like(args: &[ArrayRef], negated: bool) -> Result<ArrayRef> {
    let f = if negated { arrow_string::like::nlike } else { arrow_string::like::like };
    let patterns = args[1].as_string_view();
    let literal = patterns.null_count() == 0 && !patterns.is_empty() && patterns.iter().skip(1).all(|p| p == Some(patterns.value(0)));
    if literal {
        let pattern = patterns.value(0).replace('\\', "\\\\");
        return Ok(Arc::new(f(&args[0], &StringViewArray::new_scalar(pattern)).map_err(like_failed)?));
    }
    let escaped: StringViewArray = patterns.iter().map(|p| p.map(|p| p.replace('\\', "\\\\"))).collect();
    Ok(Arc::new(f(&args[0], &escaped).map_err(like_failed)?))
}

/// Arrow makes regular expressions of patterns, which are bounded.
fn like_failed(e: ArrowError) -> Error {
    match e {
        ArrowError::InvalidArgumentError(_) => refused("a pattern of LIKE is too long"),
        other => other.into(),
    }
}

fn like_escape(args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let mut patterns = Vec::with_capacity(rows);
    for row in 0..rows {
        patterns.push(match (text(&args[1], row), text(&args[2], row)) {
            (Some(pattern), Some(escape)) => Some(with_backslash(pattern, escape)?),
            _ => None,
        });
    }
    let patterns = StringViewArray::from_iter(patterns);
    Ok(Arc::new(arrow_string::like::like(&args[0], &patterns).map_err(like_failed)?))
}

/// The pattern with `\\` as its escape.
fn with_backslash(pattern: &str, escape: &str) -> Result<String> {
    let mut one = escape.chars();
    let (Some(escape), None) = (one.next(), one.next()) else {
        return Err(refused(format!("'{escape}' is no escape: it has to be one character")));
    };
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let (escaped, c) = match c {
            _ if c == escape => (true, chars.next().ok_or_else(|| refused(format!("'{pattern}' ends in its escape")))?),
            _ => (c == '\\', c),
        };
        if escaped {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(out)
}

/// Three-valued: NULL if nothing is equal but something is NULL. Floating-point numbers are looked up as Flink does it: by their bits.
fn is_in(args: &[ArrayRef], negated: bool) -> Result<ArrayRef> {
    let mut found: Option<BooleanArray> = None;
    for item in &args[1..] {
        let equal = cmp::eq(&args[0], item)?;
        found = Some(match found {
            None => equal,
            Some(f) => arrow_arith::boolean::or_kleene(&f, &equal)?,
        });
    }
    let found = found.ok_or_else(|| Error::bug("IN without a list"))?;
    debug_assert_eq!(found.len(), args[0].len());
    Ok(Arc::new(if negated { arrow_arith::boolean::not(&found)? } else { found }))
}
