//! Arrays as sets. The order is that of first appearance.

use super::pool::Pool;
use super::{array_of, element_of};
use crate::scalar::{Function, Signature, any_nullable};
use crate::types::{Type, common};
use arrow_array::ArrayRef;
use arrow_schema::SortOptions;
use millstream_dataflow::{Error, Field, Result, SqlType};
use std::collections::HashSet;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "array_distinct",
        usage: "ARRAY_DISTINCT(array)",
        doc: "Each element once, NULL too, where it comes first.",
        example: ("ARRAY_DISTINCT(ARRAY[2, 1, 2, NULL, NULL])", "[2,1,null]"),
        resolve: |a| if a.len() == 1 { united(a) } else { None },
        evaluate: |a, rows, t| combine(a, rows, t, |_| true, true),
    },
    Function {
        name: "array_union",
        usage: "ARRAY_UNION(array, array)",
        doc: "What is in the first, then what else is in the second. Without duplicates.",
        example: ("ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3])", "[1,2,3]"),
        resolve: |a| if a.len() == 2 { united(a) } else { None },
        evaluate: |a, rows, t| combine(a, rows, t, |_| true, true),
    },
    Function {
        name: "array_concat",
        usage: "ARRAY_CONCAT(array, …)",
        doc: "The elements of all arrays one array after the other, duplicates included.",
        example: ("ARRAY_CONCAT(ARRAY[1, 2], ARRAY[2, 3])", "[1,2,2,3]"),
        resolve: united,
        evaluate: |a, rows, t| combine(a, rows, t, |_| true, false),
    },
    Function {
        name: "array_except",
        usage: "ARRAY_EXCEPT(array, array)",
        doc: "What is in the first and not in the second, without duplicates.",
        example: ("ARRAY_EXCEPT(ARRAY[1, 2, 3], ARRAY[2])", "[1,3]"),
        resolve: |a| if a.len() == 2 { of_first(a) } else { None },
        evaluate: |a, rows, t| combine(a, rows, t, |in_second| !in_second, true),
    },
    Function {
        name: "array_intersect",
        usage: "ARRAY_INTERSECT(array, array)",
        doc: "What is in both, without duplicates.",
        example: ("ARRAY_INTERSECT(ARRAY[1, 2, 3], ARRAY[3, 1])", "[1,3]"),
        resolve: |a| if a.len() == 2 { of_first(a) } else { None },
        evaluate: |a, rows, t| combine(a, rows, t, |in_second| in_second, true),
    },
];

fn united(args: &[Type]) -> Option<Signature> {
    let mut element = element_of(args.first()?)?.clone();
    for a in &args[1..] {
        let other = element_of(a)?;
        element = Field::new("element", common(&element.ty, &other.ty)?, element.nullable || other.nullable);
    }
    let ty = array_of(&element);
    Some(Signature {
        args: vec![ty.clone(); args.len()],
        result: Type::new(ty, any_nullable(args)),
    })
}

fn of_first(args: &[Type]) -> Option<Signature> {
    united(args)
}

/// The elements of the first array (of a union or concatenation: of all) that `keep` wants.
///
/// - `keep`: told whether the element is in the second array too
fn combine(args: &[ArrayRef], rows: usize, ty: &SqlType, keep: fn(bool) -> bool, distinct: bool) -> Result<ArrayRef> {
    let SqlType::Array(element) = ty else {
        return Err(Error::bug("an array function gives no array"));
    };
    let pool = Pool::new(args, &[], &element.ty)?;
    let keys = pool.keys(SortOptions::default())?;
    // EXCEPT and INTERSECT read the second array, the others take it.
    let filtered = !(keep(true) && keep(false));
    let taken = if filtered { 1 } else { args.len() };
    let mut out = Vec::with_capacity(rows);
    'rows: for row in 0..rows {
        let mut arrays = Vec::with_capacity(args.len());
        for arg in 0..args.len() {
            match pool.places(arg, row)? {
                Some(places) => arrays.push(places),
                None => {
                    out.push(None);
                    continue 'rows;
                }
            }
        }
        let second: HashSet<_> = if filtered {
            arrays[1].clone().map(|p| keys.of(p)).collect()
        } else {
            HashSet::new()
        };
        let mut seen = HashSet::new();
        let places = arrays[..taken].iter().cloned().flatten();
        let kept = places.filter(|p| keep(second.contains(&keys.of(*p))) && (!distinct || seen.insert(keys.of(*p))));
        out.push(Some(kept.collect()));
    }
    pool.arrays(out, ty)
}
