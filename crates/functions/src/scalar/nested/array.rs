//! Arrays read and changed. NULL equals NULL among elements.

use super::pool::Pool;
use super::{array_of, element_of};
use crate::scalar::rows::{boolean, bounded, int, text, try_booleans, try_ints, try_texts};
use crate::scalar::{Function, Signature, any_nullable};
use crate::types::{Type, common, is_text};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::SortOptions;
use millstream_dataflow::{Field, Result, SqlType};

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "array_contains",
        usage: "ARRAY_CONTAINS(array, element)",
        doc: "Whether the element is in the array. NULL is found like any other element.",
        example: ("ARRAY_CONTAINS(ARRAY[1, 2, 3], 2)", "true"),
        resolve: |a| with_element(a, |_| SqlType::Boolean).map(|s| of_array(s, a)),
        evaluate: |a, rows, _| {
            let found = find(a, rows)?;
            try_booleans(rows, |i| Ok(found[i].map(|place| place > 0)))
        },
    },
    Function {
        name: "array_position",
        usage: "ARRAY_POSITION(array, element)",
        doc: "The first place of the element, counted from 1. 0 where it is not in it; NULL for the place of NULL.",
        example: ("ARRAY_POSITION(ARRAY['a', 'b', 'b'], 'b')", "2"),
        resolve: |a| with_element(a, |_| SqlType::Int),
        evaluate: |a, rows, _| {
            let found = find(a, rows)?;
            try_ints(rows, |i| Ok(found[i].filter(|_| a[1].is_valid(i))))
        },
    },
    Function {
        name: "array_remove",
        usage: "ARRAY_REMOVE(array, element)",
        doc: "Without all that equal the element.",
        example: ("ARRAY_REMOVE(ARRAY[1, 2, 1, 3], 1)", "[2,3]"),
        resolve: |a| with_element(a, array_of).map(|s| of_array(s, a)),
        evaluate: remove,
    },
    Function {
        name: "array_append",
        usage: "ARRAY_APPEND(array, element)",
        doc: "The array with one more element at its end, which may be NULL.",
        example: ("ARRAY_APPEND(ARRAY[1, 2], 3)", "[1,2,3]"),
        resolve: grown,
        evaluate: |a, rows, t| grow(a, rows, t, false),
    },
    Function {
        name: "array_prepend",
        usage: "ARRAY_PREPEND(array, element)",
        doc: "The array with one more element at its start, which may be NULL.",
        example: ("ARRAY_PREPEND(ARRAY[1, 2], 0)", "[0,1,2]"),
        resolve: grown,
        evaluate: |a, rows, t| grow(a, rows, t, true),
    },
    Function {
        name: "array_reverse",
        usage: "ARRAY_REVERSE(array)",
        doc: "The elements from the last to the first.",
        example: ("ARRAY_REVERSE(ARRAY[1, 2, 3])", "[3,2,1]"),
        resolve: |a| same(a, &[]),
        evaluate: |a, rows, t| change(a, rows, t, |_, _, places| Ok(places.rev().collect())),
    },
    Function {
        name: "array_slice",
        usage: "ARRAY_SLICE(array, start [, end])",
        doc: "The elements from one place to another, by default to the last. From 1, both ends in it; negative places count from the end.",
        example: ("ARRAY_SLICE(ARRAY[1, 2, 3, 4], 2, 3)", "[2,3]"),
        resolve: |a| same(a, &[SqlType::Int]).or_else(|| same(a, &[SqlType::Int, SqlType::Int])),
        evaluate: slice,
    },
    Function {
        name: "array_sort",
        usage: "ARRAY_SORT(array [, ascending [, nulls first]])",
        doc: "Ascending by default. NULLs come first when ascending, last when not.",
        example: ("ARRAY_SORT(ARRAY[3, 1, NULL, 2], FALSE)", "[3,2,1,null]"),
        resolve: |a| {
            let flags = [SqlType::Boolean, SqlType::Boolean];
            (1..=3).contains(&a.len()).then(|| same(a, &flags[..a.len() - 1])).flatten()
        },
        evaluate: sort,
    },
    Function {
        name: "array_max",
        usage: "ARRAY_MAX(array)",
        doc: "The greatest element, NULL if there is none. NULLs do not count.",
        example: ("ARRAY_MAX(ARRAY[3, 9, NULL])", "9"),
        resolve: extreme_type,
        evaluate: |a, rows, t| extreme(a, rows, t, true),
    },
    Function {
        name: "array_min",
        usage: "ARRAY_MIN(array)",
        doc: "The least element, NULL if there is none. NULLs do not count.",
        example: ("ARRAY_MIN(ARRAY[3, 9, NULL])", "3"),
        resolve: extreme_type,
        evaluate: |a, rows, t| extreme(a, rows, t, false),
    },
    Function {
        name: "array_join",
        usage: "ARRAY_JOIN(array, separator [, text for NULL])",
        doc: "The texts of an array with the separator between them. Leaves NULLs out unless there is a text for them.",
        example: ("ARRAY_JOIN(ARRAY['a', NULL, 'b'], '-', '?')", "a-?-b"),
        resolve: |a| {
            let [array, rest @ ..] = a else { return None };
            let texts = rest.iter().all(|t| is_text(&t.ty) || t.ty == SqlType::Null) && (1..=2).contains(&rest.len());
            let mut args = vec![array_of(&Field::new("", SqlType::STRING, true))];
            args.extend(rest.iter().map(|_| SqlType::STRING));
            (texts && is_text(&element_of(array)?.ty)).then(|| Signature {
                args,
                result: Type::new(SqlType::STRING, any_nullable(a)),
            })
        },
        evaluate: join,
    },
];

/// An array and an element of a type common with its own.
fn with_element(args: &[Type], result: impl Fn(&Field) -> SqlType) -> Option<Signature> {
    let [array, x] = args else { return None };
    let element = element_of(array)?;
    let mut ty = common(&element.ty, &x.ty)?;
    let mut element = Field::new("element", ty.clone(), element.nullable);
    if is_text(&ty) {
        // Texts compare whatever their lengths are: the array keeps its own.
        (element.ty, ty) = (element_of(array)?.ty.clone(), SqlType::STRING);
    }
    Some(Signature {
        args: vec![array_of(&element), ty],
        result: Type::new(result(&element), any_nullable(args)),
    })
}

/// The result is NULL only if the array is.
fn of_array(mut signature: Signature, args: &[Type]) -> Signature {
    signature.result.nullable = args[0].nullable;
    signature
}

fn grown(args: &[Type]) -> Option<Signature> {
    let [array, x] = args else { return None };
    let element = element_of(array)?;
    let ty = common(&element.ty, &x.ty)?;
    let whole = array_of(&Field::new("element", ty.clone(), element.nullable || x.nullable));
    Some(Signature {
        args: vec![whole.clone(), ty],
        result: Type::new(whole, any_nullable(args)),
    })
}

/// An array that stays of its type, and further arguments.
fn same(args: &[Type], rest: &[SqlType]) -> Option<Signature> {
    let [array, others @ ..] = args else { return None };
    element_of(array)?;
    crate::scalar::fixed(others, rest, array.ty.clone()).map(|s| Signature {
        args: std::iter::once(array.ty.clone()).chain(s.args).collect(),
        result: Type::new(array.ty.clone(), any_nullable(args)),
    })
}

/// The element type of an array's type.
fn element_type(ty: &SqlType) -> Result<&SqlType> {
    match ty {
        SqlType::Array(element) => Ok(&element.ty),
        other => Err(millstream_dataflow::Error::bug(format!("{other} is no array"))),
    }
}

/// The element type of a column.
fn carried(array: &ArrayRef) -> Result<SqlType> {
    match array.data_type() {
        arrow_schema::DataType::List(item) => Ok(Field::from_arrow(item)?.ty),
        other => Err(millstream_dataflow::Error::bug(format!("an array is carried by {other}"))),
    }
}

/// The first place of the element, 0 if it is not there, `None` if the array is NULL.
fn find(args: &[ArrayRef], rows: usize) -> Result<Vec<Option<i32>>> {
    let pool = Pool::new(&args[..1], &args[1..], &carried(&args[0])?)?;
    let keys = pool.keys(SortOptions::default())?;
    (0..rows)
        .map(|row| {
            let wanted = keys.of(pool.place(1, row));
            let places = pool.places(0, row)?;
            Ok(places.map(|mut places| places.position(|p| keys.of(p) == wanted).map_or(0, |p| p as i32 + 1)))
        })
        .collect()
}

fn remove(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let pool = Pool::new(&args[..1], &args[1..], element_type(ty)?)?;
    let keys = pool.keys(SortOptions::default())?;
    let mut out = Vec::with_capacity(rows);
    for row in 0..rows {
        let unwanted = keys.of(pool.place(1, row));
        out.push(pool.places(0, row)?.map(|places| places.filter(|p| keys.of(*p) != unwanted).collect()));
    }
    pool.arrays(out, ty)
}

fn grow(args: &[ArrayRef], rows: usize, ty: &SqlType, front: bool) -> Result<ArrayRef> {
    let pool = Pool::new(&args[..1], &args[1..], element_type(ty)?)?;
    let mut out = Vec::with_capacity(rows);
    for row in 0..rows {
        let new = pool.place(1, row);
        out.push(pool.places(0, row)?.map(|places| {
            let mut grown: Vec<u32> = places.collect();
            grown.insert(if front { 0 } else { grown.len() }, new);
            grown
        }));
    }
    pool.arrays(out, ty)
}

/// Each array with its elements chosen anew; NULL stays NULL.
fn change(args: &[ArrayRef], rows: usize, ty: &SqlType, f: impl Fn(&Pool, usize, std::ops::Range<u32>) -> Result<Vec<u32>>) -> Result<ArrayRef> {
    let pool = Pool::new(&args[..1], &[], element_type(ty)?)?;
    let mut out = Vec::with_capacity(rows);
    for row in 0..rows {
        let given = args[1..].iter().all(|a| a.is_valid(row));
        let places = pool.places(0, row)?.filter(|_| given);
        out.push(places.map(|places| f(&pool, row, places)).transpose()?);
    }
    pool.arrays(out, ty)
}

fn slice(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    change(args, rows, ty, |_, row, places| {
        let length = places.len() as i64;
        let from_start = |place: i64| match place {
            0 => 1,
            p if p < 0 => length + 1 + p,
            p => p,
        };
        let start = from_start(int(&args[1], row).map_or(0, i64::from));
        let end = from_start(args.get(2).and_then(|e| int(e, row)).map_or(length, i64::from)).min(length);
        // An array that ends before it starts is empty.
        let skipped = (start - 1).max(0) as usize;
        Ok(places.skip(skipped).take((end - skipped as i64).max(0) as usize).collect())
    })
}

fn sort(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let pool = Pool::new(&args[..1], &[], element_type(ty)?)?;
    let nulls_last = SortOptions {
        descending: false,
        nulls_first: false,
    };
    let keys = pool.keys(nulls_last)?;
    change(args, rows, ty, |pool, row, places| {
        let flag = |n: usize| args.get(n).and_then(|a| boolean(a, row));
        let ascending = flag(1).unwrap_or(true);
        let nulls_first = flag(2).unwrap_or(ascending);
        let (nulls, mut sorted): (Vec<u32>, Vec<u32>) = places.partition(|p| pool.is_null(*p));
        sorted.sort_by(|a, b| {
            if ascending {
                keys.of(*a).cmp(&keys.of(*b))
            } else {
                keys.of(*b).cmp(&keys.of(*a))
            }
        });
        Ok(if nulls_first { [nulls, sorted] } else { [sorted, nulls] }.concat())
    })
}

fn extreme_type(args: &[Type]) -> Option<Signature> {
    let [array] = args else { return None };
    let element = element_of(array)?;
    Some(Signature {
        args: vec![array.ty.clone()],
        result: Type::new(element.ty.clone(), true),
    })
}

fn extreme(args: &[ArrayRef], rows: usize, ty: &SqlType, greatest: bool) -> Result<ArrayRef> {
    let pool = Pool::new(args, &[], ty)?;
    let keys = pool.keys(SortOptions::default())?;
    let mut out = Vec::with_capacity(rows);
    for row in 0..rows {
        let places = pool.places(0, row)?.into_iter().flatten().filter(|p| !pool.is_null(*p));
        let by = |a: &u32, b: &u32| keys.of(*a).cmp(&keys.of(*b));
        out.push(if greatest { places.max_by(by) } else { places.min_by(by) });
    }
    pool.elements(out)
}

fn join(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let list = args[0].as_list::<i32>();
    try_texts(rows, |row| {
        let (Some(separator), true) = (text(&args[1], row), list.is_valid(row)) else {
            return Ok(None);
        };
        let for_null = match args.get(2) {
            None => None,
            Some(t) => match text(t, row) {
                None => return Ok(None),
                some => some,
            },
        };
        let items = list.value(row);
        let items: Vec<&str> = items.as_string_view().iter().filter_map(|item| item.or(for_null)).collect();
        let bytes = items.iter().fold(0usize, |n, i| n.saturating_add(i.len()).saturating_add(separator.len()));
        bounded("ARRAY_JOIN", bytes)?;
        Ok(Some(items.join(separator)))
    })
}
