//! COALESCE, NULLIF and their like. CASE is an expression of its own.

use super::{Function, Signature, compare};
use crate::types::{Type, common, is_text};
use arrow_array::{Array, ArrayRef, BooleanArray, cast::AsArray};
use arrow_ord::cmp;
use arrow_select::zip::zip;
use millstream_dataflow::{Result, SqlType};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "coalesce",
        usage: "COALESCE(a, b, …)",
        doc: "The first that is not NULL.",
        example: ("COALESCE(NULL, 'b', 'c')", "b"),
        resolve: first_not_null,
        evaluate: coalesce,
    },
    Function {
        name: "ifnull",
        usage: "IFNULL(a, b)",
        doc: "The first, or the second where the first is NULL.",
        example: ("IFNULL(NULL, 0)", "0"),
        resolve: |a| if a.len() == 2 { first_not_null(a) } else { None },
        evaluate: coalesce,
    },
    Function {
        name: "nvl",
        usage: "NVL(a, b)",
        doc: "The same as IFNULL. Not in Flink.",
        example: ("NVL(NULL, 'none')", "none"),
        resolve: |a| if a.len() == 2 { first_not_null(a) } else { None },
        evaluate: coalesce,
    },
    Function {
        name: "nullif",
        usage: "NULLIF(a, b)",
        doc: "NULL if they are equal, else the first.",
        example: ("NULLIF('n/a', 'n/a')", "NULL"),
        resolve: |a| match a {
            [x, y] => {
                let ty = common(&x.ty, &y.ty)?;
                // The result keeps the first argument's type; a longer text is compared as it is.
                let second = if is_text(&ty) { SqlType::STRING } else { x.ty.clone() };
                (ty == x.ty || is_text(&ty)).then(|| Signature {
                    args: vec![x.ty.clone(), second],
                    result: Type::new(x.ty.clone(), true),
                })
            }
            _ => None,
        },
        evaluate: |a, rows, _| {
            let equal = compare::eq(&a[0], &a[1])?;
            let nulls = arrow_array::new_null_array(a[0].data_type(), rows);
            choose(&equal, &nulls, &a[0])
        },
    },
    Function {
        name: "if",
        usage: "IF(condition, a, b)",
        doc: "The first where the condition is TRUE, the second where it is FALSE or NULL.",
        example: ("IF(7 > 5, 'high', 'low')", "high"),
        resolve: |a| match a {
            [c, x, y] if c.ty == SqlType::Boolean => {
                let ty = common(&x.ty, &y.ty)?;
                Some(Signature {
                    args: vec![SqlType::Boolean, ty.clone(), ty.clone()],
                    result: Type::new(ty, super::any_nullable(a)),
                })
            }
            _ => None,
        },
        evaluate: |a, _, _| choose(a[0].as_boolean(), &a[1], &a[2]),
    },
    Function {
        name: "greatest",
        usage: "GREATEST(a, b, …)",
        doc: "The greatest of the values. NULL if any is NULL.",
        example: ("GREATEST(3, 9, 4)", "9"),
        resolve: all_alike,
        evaluate: |a, _, _| extreme(a, true),
    },
    Function {
        name: "least",
        usage: "LEAST(a, b, …)",
        doc: "The least of the values. NULL if any is NULL.",
        example: ("LEAST(3, 9, 4)", "3"),
        resolve: all_alike,
        evaluate: |a, _, _| extreme(a, false),
    },
];

/// Per row the one where the condition is true, else the other; NULL counts as false.
pub fn choose(condition: &BooleanArray, yes: &ArrayRef, no: &ArrayRef) -> Result<ArrayRef> {
    let definite = if condition.null_count() > 0 {
        BooleanArray::from_iter(condition.iter().map(|c| Some(c == Some(true))))
    } else {
        condition.clone()
    };
    Ok(zip(&definite, yes, no)?)
}

fn alike(args: &[Type]) -> Option<SqlType> {
    let mut ty = args.first()?.ty.clone();
    for a in &args[1..] {
        ty = common(&ty, &a.ty)?;
    }
    Some(ty)
}

fn first_not_null(args: &[Type]) -> Option<Signature> {
    let ty = alike(args)?;
    let nullable = args.iter().all(|a| a.nullable);
    Some(Signature {
        args: vec![ty.clone(); args.len()],
        result: Type::new(ty, nullable),
    })
}

fn all_alike(args: &[Type]) -> Option<Signature> {
    let ty = alike(args)?;
    Some(Signature {
        args: vec![ty.clone(); args.len()],
        result: Type::new(ty, super::any_nullable(args)),
    })
}

fn coalesce(args: &[ArrayRef], _rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let mut out = Arc::clone(&args[args.len() - 1]);
    for a in args[..args.len() - 1].iter().rev() {
        out = choose(&arrow_arith::boolean::is_not_null(a)?, a, &out)?;
    }
    Ok(out)
}

/// NULL if any argument is.
fn extreme(args: &[ArrayRef], greatest: bool) -> Result<ArrayRef> {
    let mut out = Arc::clone(&args[0]);
    for a in &args[1..] {
        let keep = if greatest { cmp::gt_eq(&out, a)? } else { cmp::lt_eq(&out, a)? };
        let chosen = choose(&keep, &out, a)?;
        let valid = arrow_arith::boolean::and(&arrow_arith::boolean::is_not_null(&out)?, &arrow_arith::boolean::is_not_null(a)?)?;
        out = choose(&valid, &chosen, &arrow_array::new_null_array(chosen.data_type(), chosen.len()))?;
    }
    Ok(out)
}
