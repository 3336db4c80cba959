//! The columns of a batch, looked through once for all rows that are written in binary.

use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BinaryViewArray, BooleanArray, PrimitiveArray, StringViewArray, cast::AsArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use millstream_dataflow::{Batch, Error, Field, Result, Schema, SqlType};

pub(crate) struct Cells<'a> {
    pub(crate) name: &'a str,
    pub(crate) nullable: bool,
    nulls: Option<&'a NullBuffer>,
    pub(crate) values: Values<'a>,
}

pub(crate) enum Values<'a> {
    Null,
    Boolean(&'a BooleanArray),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Decimal(&'a [i128]),
    Text(&'a StringViewArray),
    Bytes(&'a BinaryViewArray),
    List(&'a [i32], Box<Cells<'a>>),
    Map(&'a [i32], Box<Cells<'a>>, Box<Cells<'a>>),
    Row(Vec<Cells<'a>>),
}

/// The values of a primitive column.
fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<&[T::Native]> {
    array.as_primitive_opt::<T>().map(|a: &PrimitiveArray<T>| &a.values()[..])
}

impl<'a> Cells<'a> {
    fn new(array: &'a ArrayRef, field: &'a Field) -> Result<Cells<'a>> {
        let values = match &field.ty {
            SqlType::Null => Some(Values::Null),
            SqlType::Boolean => array.as_boolean_opt().map(Values::Boolean),
            SqlType::TinyInt => primitive::<Int8Type>(array).map(Values::I8),
            SqlType::SmallInt => primitive::<Int16Type>(array).map(Values::I16),
            SqlType::Int => primitive::<Int32Type>(array).map(Values::I32),
            SqlType::Date => primitive::<Date32Type>(array).map(Values::I32),
            SqlType::Time(_) => primitive::<Time32MillisecondType>(array).map(Values::I32),
            SqlType::BigInt => primitive::<Int64Type>(array).map(Values::I64),
            SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => match array.data_type() {
                DataType::Timestamp(TimeUnit::Millisecond, _) => primitive::<TimestampMillisecondType>(array),
                DataType::Timestamp(TimeUnit::Microsecond, _) => primitive::<TimestampMicrosecondType>(array),
                _ => primitive::<TimestampNanosecondType>(array),
            }
            .map(Values::I64),
            SqlType::Float => primitive::<Float32Type>(array).map(Values::F32),
            SqlType::Double => primitive::<Float64Type>(array).map(Values::F64),
            SqlType::Decimal(..) => primitive::<Decimal128Type>(array).map(Values::Decimal),
            SqlType::Char(_) | SqlType::VarChar(_) => array.as_string_view_opt().map(Values::Text),
            SqlType::Binary(_) | SqlType::VarBinary(_) => array.as_binary_view_opt().map(Values::Bytes),
            SqlType::Array(element) => match array.as_list_opt::<i32>() {
                Some(list) => Some(Values::List(list.value_offsets(), Box::new(Cells::new(list.values(), element)?))),
                None => None,
            },
            SqlType::Map(key, value) => match array.as_map_opt() {
                Some(map) => Some(Values::Map(
                    map.value_offsets(),
                    Box::new(Cells::new(map.keys(), key)?),
                    Box::new(Cells::new(map.values(), value)?),
                )),
                None => None,
            },
            SqlType::Row(fields) => match array.as_struct_opt() {
                Some(row) => {
                    let columns = row.columns().iter().zip(fields);
                    Some(Values::Row(columns.map(|(c, f)| Cells::new(c, f)).collect::<Result<_>>()?))
                }
                None => None,
            },
            SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Multiset(_) => None,
        };
        Ok(Cells {
            name: &field.name,
            nullable: field.nullable && field.ty != SqlType::Null,
            nulls: array.nulls(),
            values: values.ok_or_else(|| Error::bug(format!("{} for {} reached an encoder", array.data_type(), field.ty)))?,
        })
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }
}

/// Those of a whole batch.
///
/// # Errors
/// `Bug` for columns that do not fit the schema.
pub(crate) fn of_batch<'a>(batch: &'a Batch, schema: &'a Schema) -> Result<Vec<Cells<'a>>> {
    let columns = batch.data.columns().iter().zip(&schema.fields);
    columns.map(|(column, field)| Cells::new(column, field)).collect()
}
