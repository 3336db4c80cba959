//! Three-valued logic.

use super::{Function, Signature, any_nullable};
use crate::types::Type;
use arrow_arith::boolean::{and_kleene, is_not_null, is_null, not, or_kleene};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use millstream_dataflow::{Result, SqlType};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "and",
        usage: "a AND b",
        doc: "TRUE if both are, FALSE if one is FALSE, else NULL.",
        example: ("FALSE AND NULL", "false"),
        resolve: two,
        evaluate: |a, _, _| Ok(Arc::new(and_kleene(a[0].as_boolean(), a[1].as_boolean())?)),
    },
    Function {
        name: "or",
        usage: "a OR b",
        doc: "TRUE if one is, FALSE if both are FALSE, else NULL.",
        example: ("TRUE OR NULL", "true"),
        resolve: two,
        evaluate: |a, _, _| Ok(Arc::new(or_kleene(a[0].as_boolean(), a[1].as_boolean())?)),
    },
    Function {
        name: "not",
        usage: "NOT a",
        doc: "TRUE for FALSE, FALSE for TRUE, NULL for NULL.",
        example: ("NOT 2 > 3", "true"),
        resolve: |a| super::fixed(a, &[SqlType::Boolean], SqlType::Boolean),
        evaluate: |a, _, _| Ok(Arc::new(not(a[0].as_boolean())?)),
    },
    Function {
        name: "is_null",
        usage: "a IS NULL",
        doc: "Whether there is no value.",
        example: ("NULLIF(7, 7) IS NULL", "true"),
        resolve: anything,
        evaluate: |a, _, _| Ok(Arc::new(is_null(&a[0])?)),
    },
    Function {
        name: "is_not_null",
        usage: "a IS NOT NULL",
        doc: "Whether there is a value; an empty text is one.",
        example: ("'' IS NOT NULL", "true"),
        resolve: anything,
        evaluate: |a, _, _| Ok(Arc::new(is_not_null(&a[0])?)),
    },
    Function {
        name: "is_true",
        usage: "a IS TRUE",
        doc: "Whether a condition is TRUE, and not NULL.",
        example: ("(NULL AND TRUE) IS TRUE", "false"),
        resolve: definite,
        evaluate: |a, _, _| is(a, Some(true), false),
    },
    Function {
        name: "is_not_true",
        usage: "a IS NOT TRUE",
        doc: "Whether a condition is FALSE or NULL.",
        example: ("(NULL AND TRUE) IS NOT TRUE", "true"),
        resolve: definite,
        evaluate: |a, _, _| is(a, Some(true), true),
    },
    Function {
        name: "is_false",
        usage: "a IS FALSE",
        doc: "Whether a condition is FALSE, and not NULL.",
        example: ("(NULL AND TRUE) IS FALSE", "false"),
        resolve: definite,
        evaluate: |a, _, _| is(a, Some(false), false),
    },
    Function {
        name: "is_not_false",
        usage: "a IS NOT FALSE",
        doc: "Whether a condition is TRUE or NULL.",
        example: ("(NULL AND TRUE) IS NOT FALSE", "true"),
        resolve: definite,
        evaluate: |a, _, _| is(a, Some(false), true),
    },
    Function {
        name: "is_unknown",
        usage: "a IS UNKNOWN",
        doc: "Whether a condition is NULL.",
        example: ("(NULL AND TRUE) IS UNKNOWN", "true"),
        resolve: definite,
        evaluate: |a, _, _| is(a, None, false),
    },
    Function {
        name: "is_not_unknown",
        usage: "a IS NOT UNKNOWN",
        doc: "Whether a condition is TRUE or FALSE.",
        example: ("(NULL AND FALSE) IS NOT UNKNOWN", "true"),
        resolve: definite,
        evaluate: |a, _, _| is(a, None, true),
    },
];

fn two(args: &[Type]) -> Option<Signature> {
    super::fixed(args, &[SqlType::Boolean, SqlType::Boolean], SqlType::Boolean).map(|s| Signature {
        result: Type::new(SqlType::Boolean, any_nullable(args)),
        ..s
    })
}

fn anything(args: &[Type]) -> Option<Signature> {
    match args {
        [a] => Some(Signature {
            args: vec![a.ty.clone()],
            result: Type::new(SqlType::Boolean, false),
        }),
        _ => None,
    }
}

fn definite(args: &[Type]) -> Option<Signature> {
    super::fixed(args, &[SqlType::Boolean], SqlType::Boolean).map(|s| Signature {
        result: Type::new(SqlType::Boolean, false),
        ..s
    })
}

fn is(args: &[ArrayRef], value: Option<bool>, negated: bool) -> Result<ArrayRef> {
    let a = args[0].as_boolean();
    let out: BooleanArray = (0..a.len()).map(|i| Some((a.is_valid(i).then(|| a.value(i)) == value) != negated)).collect();
    Ok(Arc::new(out))
}
