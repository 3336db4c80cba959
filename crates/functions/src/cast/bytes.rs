//! Casts of binary strings.

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BinaryViewArray};
use millstream_dataflow::{Error, Result, SqlType};
use std::sync::Arc;

/// BINARY(n) and VARBINARY(n) to another length: too long ones are cut, BINARY is filled with zeros.
pub(super) fn resize(array: &ArrayRef, to: &SqlType) -> Result<ArrayRef> {
    let (length, pad) = match to {
        SqlType::Binary(n) => (*n as usize, true),
        SqlType::VarBinary(n) => (*n as usize, false),
        _ => return Err(Error::bug("resize to a type that is no binary string")),
    };
    if length == i32::MAX as usize {
        return Ok(Arc::clone(array));
    }
    let fit = |bytes: &[u8]| {
        let mut fitted = bytes[..bytes.len().min(length)].to_vec();
        if pad {
            fitted.resize(length, 0);
        }
        fitted
    };
    Ok(Arc::new(array.as_binary_view().iter().map(|b| b.map(fit)).collect::<BinaryViewArray>()))
}
