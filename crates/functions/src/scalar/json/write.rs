//! SQL values as JSON.

use super::value::{number, write_text};
use crate::cast::{epoch, unit_of};
use crate::types::{is_bytes, is_numeric, is_text, is_timestamp};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_dataflow::text::{decimal_text, java_double};
use millstream_dataflow::{Error, Result, SqlType, temporal};
use std::collections::BTreeMap;

pub(super) fn can_write(ty: &SqlType) -> bool {
    match ty {
        SqlType::Array(e) => can_write(&e.ty),
        SqlType::Map(k, v) => is_text(&k.ty) && can_write(&v.ty),
        SqlType::Multiset(e) => is_text(&e.ty),
        SqlType::Row(fields) => fields.iter().all(|f| can_write(&f.ty)),
        SqlType::Boolean => true,
        other => is_text(other) || is_bytes(other) || is_numeric(other) || is_timestamp(other),
    }
}

/// # Errors
/// `Bug` for a type that [`can_write`] refuses.
pub(super) fn value(array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int8 => out.push_str(&array.as_primitive::<Int8Type>().value(row).to_string()),
        DataType::Int16 => out.push_str(&array.as_primitive::<Int16Type>().value(row).to_string()),
        DataType::Int32 => out.push_str(&array.as_primitive::<Int32Type>().value(row).to_string()),
        DataType::Int64 => out.push_str(&array.as_primitive::<Int64Type>().value(row).to_string()),
        DataType::Float32 => double(array.as_primitive::<Float32Type>().value(row).into(), out),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(row), out),
        DataType::Decimal128(_, s) => out.push_str(&number(&decimal_text(array.as_primitive::<Decimal128Type>().value(row), *s as u8))),
        DataType::Utf8View => write_text(array.as_string_view().value(row), out),
        DataType::BinaryView => write_text(&STANDARD.encode(array.as_binary_view().value(row)), out),
        DataType::Timestamp(_, zone) => {
            let (_, per_second) = unit_of(array.data_type())?;
            let (days, nanos) = temporal::split(epoch(&array.slice(row, 1))?.value(0), per_second);
            out.push('"');
            temporal::write_date(days, out);
            out.push('T');
            let mut time = String::new();
            temporal::write_time(nanos, 9, &mut time);
            let shown = time.trim_end_matches('0').len().max("HH:mm:ss".len());
            out.push_str(time[..shown].trim_end_matches('.'));
            out.push_str(if zone.is_some() { "Z\"" } else { "\"" });
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            out.push('[');
            for i in 0..items.len() {
                out.push_str(if i > 0 { "," } else { "" });
                value(&items, i, out)?;
            }
            out.push(']');
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let members = fields.iter().map(|f| f.name().as_str()).zip(columns);
            object(members.map(|(name, column)| (name, column, row)).collect(), out)?;
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0).as_string_view(), entries.column(1));
            object((0..entries.len()).map(|i| (keys.value(i), values, i)).collect(), out)?;
        }
        other => return Err(Error::bug(format!("{other} has no JSON"))),
    }
    Ok(())
}

/// Members by their keys' order; the last of equal ones counts.
fn object(members: Vec<(&str, &ArrayRef, usize)>, out: &mut String) -> Result<()> {
    let members: BTreeMap<&str, (&ArrayRef, usize)> = members.into_iter().map(|(k, v, i)| (k, (v, i))).collect();
    out.push('{');
    for (n, (key, (values, i))) in members.into_iter().enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        write_text(key, out);
        out.push(':');
        value(values, i, out)?;
    }
    out.push('}');
    Ok(())
}

/// JSON has no infinities; Flink writes them as texts.
fn double(value: f64, out: &mut String) {
    match value.is_finite() {
        true => out.push_str(&number(&java_double(value))),
        false => write_text(&java_double(value), out),
    }
}
