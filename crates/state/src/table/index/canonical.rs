//! Makes floats that are one key one bit pattern, also inside rows and arrays.

use arrow_array::{Array, ArrayRef, ListArray, StructArray, cast::AsArray, types::*};
use arrow_schema::DataType;
use millstream_dataflow::Result;
use std::sync::Arc;

/// The column with `-0.0` as `0.0` and every NaN as the one of Rust; unchanged if it holds no floats.
pub(super) fn canonical(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Float32 => Arc::new(
            column
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|v| if v.is_nan() { f32::NAN } else { v + 0.0 }),
        ),
        DataType::Float64 => Arc::new(
            column
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|v| if v.is_nan() { f64::NAN } else { v + 0.0 }),
        ),
        DataType::Struct(fields) if !fields.is_empty() => {
            let array = column.as_struct();
            let children = array.columns().iter().map(canonical).collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new(fields.clone(), children, array.nulls().cloned())?)
        }
        DataType::List(field) => {
            let array = column.as_list::<i32>();
            Arc::new(ListArray::try_new(
                Arc::clone(field),
                array.offsets().clone(),
                canonical(array.values())?,
                array.nulls().cloned(),
            )?)
        }
        _ => Arc::clone(column),
    })
}
