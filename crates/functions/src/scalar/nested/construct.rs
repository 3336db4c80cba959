//! `ARRAY[…]`, `MAP[…]` and `ROW(…)`.

use super::pool::Pool;
use super::{array_of, map};
use crate::scalar::{Function, Signature};
use crate::types::{Type, common};
use arrow_array::{ArrayRef, StructArray};
use arrow_schema::DataType;
use millstream_dataflow::{Error, Field, Result, SqlType};
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "array",
        usage: "ARRAY[a, b, …]",
        doc: "An array of the values, which are given a common type; there has to be one at least.",
        example: ("ARRAY[1, 2, NULL]", "[1,2,null]"),
        resolve: |a| {
            let element = alike(a.iter())?;
            Some(Signature {
                args: vec![element.ty.clone(); a.len()],
                result: Type::new(array_of(&element), false),
            })
        },
        evaluate: array,
    },
    Function {
        name: "map",
        usage: "MAP[key, value, …]",
        doc: "A map from each key to the value behind it. The last of equal keys counts.",
        example: ("MAP['a', 1, 'b', 2]", r#"{"a":1,"b":2}"#),
        resolve: |a| {
            if a.len() % 2 != 0 {
                return None;
            }
            let (key, value) = (alike(a.iter().step_by(2))?, alike(a.iter().skip(1).step_by(2))?);
            Some(Signature {
                args: [key.ty.clone(), value.ty.clone()].into_iter().cycle().take(a.len()).collect(),
                result: Type::new(map::map_of(&key, &value), false),
            })
        },
        evaluate: |a, rows, t| map::of_pairs(a, rows, t),
    },
    Function {
        name: "row",
        usage: "ROW(a, b, …)",
        doc: "A row whose fields are EXPR$0, EXPR$1, …; a cast gives them other names.",
        example: ("ROW(1, 'a')", r#"[1,"a"]"#),
        resolve: |a| {
            if a.is_empty() {
                return None;
            }
            let fields = a.iter().enumerate().map(|(i, t)| Field::new(format!("EXPR${i}"), t.ty.clone(), t.nullable));
            Some(Signature {
                args: a.iter().map(|t| t.ty.clone()).collect(),
                result: Type::new(SqlType::Row(fields.collect()), false),
            })
        },
        evaluate: row,
    },
];

/// The common type of values.
fn alike<'a>(types: impl Iterator<Item = &'a Type>) -> Option<Field> {
    let mut found: Option<Field> = None;
    for t in types {
        found = Some(match found {
            None => Field::new("", t.ty.clone(), t.nullable),
            Some(f) => Field::new("", common(&f.ty, &t.ty)?, f.nullable || t.nullable),
        });
    }
    found.filter(|f| f.ty != SqlType::Null)
}

fn array(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let SqlType::Array(element) = ty else {
        return Err(Error::bug("ARRAY gives no array"));
    };
    let pool = Pool::new(&[], args, &element.ty)?;
    let lists = (0..rows).map(|row| (0..args.len()).map(|arg| pool.place(arg, row)).collect());
    pool.arrays(lists.map(Some).collect(), ty)
}

fn row(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let DataType::Struct(fields) = ty.to_arrow() else {
        return Err(Error::bug("a ROW is not carried by a struct"));
    };
    let columns = args
        .iter()
        .zip(&fields)
        .map(|(a, f)| Ok(arrow_array::make_array(a.to_data().into_builder().data_type(f.data_type().clone()).build()?)));
    Ok(Arc::new(StructArray::try_new_with_length(
        fields.clone(),
        columns.collect::<Result<_>>()?,
        None,
        rows,
    )?))
}
