//! Texts taken apart into arrays and maps, and one of several values.

use super::S;
use crate::scalar::rows::{long, text};
use crate::scalar::{Function, Signature, fixed, nullable};
use crate::types::{Type, common, is_bytes, is_text};
use arrow_array::builder::{ListBuilder, MapBuilder, StringViewBuilder};
use arrow_array::{Array, ArrayRef, MapArray, StructArray, make_array};
use arrow_schema::DataType;
use millstream_dataflow::{Error, Field, Result, SqlType};
use std::sync::Arc;

pub(in crate::scalar) const FUNCTIONS: &[Function] = &[
    Function {
        name: "split",
        usage: "SPLIT(text, separator)",
        doc: "An array of texts; of characters for an empty separator, without elements for an empty text.",
        example: ("SPLIT('a,b,c', ',')", r#"["a","b","c"]"#),
        resolve: |a| fixed(a, &[S, S], SqlType::Array(Box::new(Field::new("element", S, true)))),
        evaluate: split,
    },
    Function {
        name: "str_to_map",
        usage: "STR_TO_MAP(text [, separator of pairs, separator of key and value])",
        doc: "By default `,` and `=`. A key without a value has NULL; the last of equal keys counts.",
        example: ("STR_TO_MAP('a=1,b=2')", r#"{"a":"1","b":"2"}"#),
        resolve: |a| {
            let text = |name| Box::new(Field::new(name, S, true));
            let ty = SqlType::Map(text("key"), text("value"));
            nullable(a, &[S], ty.clone()).or_else(|| nullable(a, &[S, S, S], ty))
        },
        evaluate: str_to_map,
    },
    Function {
        name: "elt",
        usage: "ELT(index, value, …)",
        doc: "The value at a place from 1, of texts or binary strings; else NULL.",
        example: ("ELT(2, 'a', 'b', 'c')", "b"),
        resolve: |a| {
            let [index, values @ ..] = a else { return None };
            let mut ty = values.first()?.ty.clone();
            for v in values {
                ty = common(&ty, &v.ty)?;
            }
            let fits = (index.ty.is_integer() || index.ty == SqlType::Null) && (is_text(&ty) || is_bytes(&ty));
            fits.then(|| Signature {
                args: std::iter::once(SqlType::BigInt).chain(values.iter().map(|_| ty.clone())).collect(),
                result: Type::new(ty.clone(), true),
            })
        },
        evaluate: elt,
    },
];

/// The array under the type it is declared to have.
fn typed(array: &dyn Array, ty: &SqlType) -> Result<ArrayRef> {
    Ok(make_array(array.to_data().into_builder().data_type(ty.to_arrow()).build()?))
}

fn split(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let mut out = ListBuilder::new(StringViewBuilder::new());
    for i in 0..rows {
        let (Some(s), Some(separator)) = (text(&args[0], i), text(&args[1], i)) else {
            out.append(false);
            continue;
        };
        if separator.is_empty() {
            s.chars().for_each(|c| out.values().append_value(c.encode_utf8(&mut [0; 4])));
        } else if !s.is_empty() {
            s.split(separator).for_each(|part| out.values().append_value(part));
        }
        out.append(true);
    }
    typed(&out.finish(), ty)
}

fn str_to_map(args: &[ArrayRef], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let mut out = MapBuilder::new(None, StringViewBuilder::new(), StringViewBuilder::new());
    for i in 0..rows {
        let optional = |n: usize, default| args.get(n).map_or(Some(default), |a| text(a, i));
        let (Some(s), Some(pairs), Some(equals)) = (text(&args[0], i), optional(1, ","), optional(2, "=")) else {
            out.append(false)?;
            continue;
        };
        let mut entries: Vec<(&str, Option<&str>)> = Vec::new();
        let parts: Vec<&str> = if s.is_empty() || pairs.is_empty() {
            Vec::from_iter((!s.is_empty()).then_some(s))
        } else {
            s.split(pairs).collect()
        };
        for pair in parts {
            let (key, value) = match pair.split_once(equals) {
                Some((key, value)) if !equals.is_empty() => (key, Some(value)),
                _ => (pair, None),
            };
            match entries.iter_mut().find(|(k, _)| *k == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
        for (key, value) in entries {
            out.keys().append_value(key);
            out.values().append_option(value);
        }
        out.append(true)?;
    }
    let made = out.finish();
    let wrong = || Error::bug("a map is not carried by a map");
    let DataType::Map(entries, _) = ty.to_arrow() else { return Err(wrong()) };
    let DataType::Struct(fields) = entries.data_type().clone() else {
        return Err(wrong());
    };
    let pairs = StructArray::try_new(fields, vec![Arc::clone(made.keys()), Arc::clone(made.values())], None)?;
    Ok(Arc::new(MapArray::try_new(
        entries,
        made.offsets().clone(),
        pairs,
        made.nulls().cloned(),
        false,
    )?))
}

fn elt(args: &[ArrayRef], rows: usize, _ty: &SqlType) -> Result<ArrayRef> {
    let values: Vec<&dyn Array> = args[1..].iter().map(AsRef::as_ref).collect();
    let nulls = arrow_array::new_null_array(values.first().ok_or_else(|| Error::bug("ELT without values"))?.data_type(), 1);
    let sources: Vec<&dyn Array> = std::iter::once(nulls.as_ref()).chain(values.iter().copied()).collect();
    let places: Vec<(usize, usize)> = (0..rows)
        .map(|i| match long(&args[0], i).and_then(|n| usize::try_from(n).ok()) {
            Some(n) if n >= 1 && n < sources.len() => (n, i),
            _ => (0, 0),
        })
        .collect();
    Ok(arrow_select::interleave::interleave(&sources, &places)?)
}
