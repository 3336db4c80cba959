//! Values of one row, and columns made row by row.

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BinaryViewArray, BooleanArray, PrimitiveArray, StringViewArray};
use millstream_dataflow::{Error, Result};
use std::sync::Arc;

/// Longest text or binary string that a function makes of shorter ones.
pub(super) const BYTES_MAX: usize = 16 << 20;

pub(super) fn text(array: &ArrayRef, row: usize) -> Option<&str> {
    let strings = array.as_string_view();
    strings.is_valid(row).then(|| strings.value(row))
}

pub(super) fn binary(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    let bytes = array.as_binary_view();
    bytes.is_valid(row).then(|| bytes.value(row))
}

pub(super) fn boolean(array: &ArrayRef, row: usize) -> Option<bool> {
    let booleans = array.as_boolean();
    booleans.is_valid(row).then(|| booleans.value(row))
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> Option<T::Native> {
    let values = array.as_primitive::<T>();
    values.is_valid(row).then(|| values.value(row))
}

pub(super) fn int(array: &ArrayRef, row: usize) -> Option<i32> {
    primitive::<Int32Type>(array, row)
}

pub(super) fn long(array: &ArrayRef, row: usize) -> Option<i64> {
    primitive::<Int64Type>(array, row)
}

pub(super) fn double(array: &ArrayRef, row: usize) -> Option<f64> {
    primitive::<Float64Type>(array, row)
}

pub(super) fn texts<T: AsRef<str>>(rows: usize, f: impl FnMut(usize) -> Option<T>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<StringViewArray>()))
}

/// Texts whose making can fail; `None` is NULL.
pub(super) fn try_texts<T: AsRef<str>>(rows: usize, mut f: impl FnMut(usize) -> Result<Option<T>>) -> Result<ArrayRef> {
    let mut out = arrow_array::builder::StringViewBuilder::with_capacity(rows);
    for row in 0..rows {
        out.append_option(f(row)?);
    }
    Ok(Arc::new(out.finish()))
}

pub(super) fn binaries(rows: usize, f: impl FnMut(usize) -> Option<Vec<u8>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<BinaryViewArray>()))
}

pub(super) fn booleans(rows: usize, f: impl FnMut(usize) -> Option<bool>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<BooleanArray>()))
}

pub(super) fn try_booleans(rows: usize, f: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
    Ok(Arc::new(BooleanArray::from((0..rows).map(f).collect::<Result<Vec<_>>>()?)))
}

pub(super) fn ints(rows: usize, f: impl FnMut(usize) -> Option<i32>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<PrimitiveArray<Int32Type>>()))
}

pub(super) fn try_ints(rows: usize, f: impl FnMut(usize) -> Result<Option<i32>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<Result<PrimitiveArray<Int32Type>>>()?))
}

pub(super) fn try_longs(rows: usize, f: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<Result<PrimitiveArray<Int64Type>>>()?))
}

pub(super) fn doubles(rows: usize, f: impl FnMut(usize) -> Option<f64>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<PrimitiveArray<Float64Type>>()))
}

/// A value that a function does not take.
pub(crate) fn refused(message: impl Into<String>) -> Error {
    Error::data(message).code("E0702")
}

/// # Errors
/// `Data` if a text of so many bytes would be too long to make.
pub(super) fn bounded(name: &str, bytes: usize) -> Result<()> {
    if bytes > BYTES_MAX {
        return Err(refused(format!("{name} would make a text of more than {BYTES_MAX} bytes")));
    }
    Ok(())
}
