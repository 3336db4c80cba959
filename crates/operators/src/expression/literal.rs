//! Constants as arrays of one row.

use arrow_array::*;
use millstream_dataflow::{Error, Result, SqlType};
use millstream_plan::Value;
use std::sync::Arc;

pub(super) fn array(value: &Value, ty: &SqlType) -> Result<ArrayRef> {
    let wanted = ty.to_arrow();
    let array: ArrayRef = match value {
        Value::Null => new_null_array(&wanted, 1),
        Value::Boolean(b) => Arc::new(BooleanArray::from(vec![*b])),
        Value::Int(v) => match ty {
            SqlType::TinyInt => Arc::new(Int8Array::from(vec![*v as i8])),
            SqlType::SmallInt => Arc::new(Int16Array::from(vec![*v as i16])),
            SqlType::Int => Arc::new(Int32Array::from(vec![*v as i32])),
            SqlType::Date | SqlType::Time(_) | SqlType::IntervalYearMonth => {
                make_array(Int32Array::from(vec![*v as i32]).into_data().into_builder().data_type(wanted).build()?)
            }
            _ => make_array(Int64Array::from(vec![*v]).into_data().into_builder().data_type(wanted).build()?),
        },
        Value::Decimal(v) => Arc::new(Decimal128Array::from(vec![*v]).with_data_type(wanted)),
        Value::Float(v) if *ty == SqlType::Float => Arc::new(Float32Array::from(vec![*v as f32])),
        Value::Float(v) => Arc::new(Float64Array::from(vec![*v])),
        Value::Text(t) => Arc::new(StringViewArray::from(vec![t.as_str()])),
        Value::Bytes(b) => Arc::new(BinaryViewArray::from(vec![b.as_slice()])),
    };
    if array.data_type().equals_datatype(&ty.to_arrow()) {
        Ok(array)
    } else {
        Err(Error::corrupt(format!("a literal of {ty} holds {}", array.data_type())))
    }
}
