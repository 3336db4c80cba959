//! A column under construction that binary values are appended to, one per schema field, nested ones included.

use crate::map::map_column;
use crate::validity::Validity;
use crate::views::{ROWS_EXPECTED_MAX, Views};
use arrow_array::types::*;
use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, ListArray, NullArray, PrimitiveArray, StructArray};
use arrow_buffer::{BooleanBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, TimeUnit};
use millstream_dataflow::{Error, Field, Result, SqlType};
use std::sync::Arc;

/// Values as their carrier has them.
#[derive(Debug)]
pub(crate) enum Values {
    Boolean(BooleanBufferBuilder),
    I8(Vec<i8>),
    I16(Vec<i16>),
    /// INT, DATE and TIME.
    I32(Vec<i32>),
    /// BIGINT and timestamps.
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Decimal(Vec<i128>),
    Text(Views),
    Bytes(Views),
    /// Where each list ends, after a first 0.
    List(Vec<i32>, Box<Column>),
    /// The same, of pairs.
    Map(Vec<i32>, Box<Column>, Box<Column>),
    Row(Vec<Column>),
    Null,
}

/// Whoever appends to `values` also appends to `validity`.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) values: Values,
    pub(crate) validity: Validity,
    pub(crate) nullable: bool,
    ty: DataType,
}

impl Column {
    /// # Errors
    /// `Bug` for the types that no binary format holds.
    pub(crate) fn new(field: &Field) -> Result<Column> {
        let values = match &field.ty {
            SqlType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            SqlType::TinyInt => Values::I8(Vec::new()),
            SqlType::SmallInt => Values::I16(Vec::new()),
            SqlType::Int | SqlType::Date | SqlType::Time(_) => Values::I32(Vec::new()),
            SqlType::BigInt | SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => Values::I64(Vec::new()),
            SqlType::Float => Values::F32(Vec::new()),
            SqlType::Double => Values::F64(Vec::new()),
            SqlType::Decimal(..) => Values::Decimal(Vec::new()),
            SqlType::Char(_) | SqlType::VarChar(_) => Values::Text(Views::default()),
            SqlType::Binary(_) | SqlType::VarBinary(_) => Values::Bytes(Views::default()),
            SqlType::Array(element) => Values::List(vec![0], Box::new(Column::new(element)?)),
            SqlType::Map(key, value) => {
                let key = Field::new(&*key.name, key.ty.clone(), false);
                Values::Map(vec![0], Box::new(Column::new(&key)?), Box::new(Column::new(value)?))
            }
            SqlType::Row(fields) => Values::Row(fields.iter().map(Column::new).collect::<Result<_>>()?),
            SqlType::Null => Values::Null,
            SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Multiset(_) => {
                return Err(Error::bug(format!("no binary format reads {}", field.ty)));
            }
        };
        Ok(Column {
            values,
            validity: Validity::default(),
            nullable: field.nullable,
            ty: field.ty.to_arrow(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.validity.len()
    }

    pub(crate) fn push_null(&mut self) {
        match &mut self.values {
            Values::Boolean(v) => v.append(false),
            Values::I8(v) => v.push(0),
            Values::I16(v) => v.push(0),
            Values::I32(v) => v.push(0),
            Values::I64(v) => v.push(0),
            Values::F32(v) => v.push(0.0),
            Values::F64(v) => v.push(0.0),
            Values::Decimal(v) => v.push(0),
            Values::Text(v) | Values::Bytes(v) => v.push_empty(),
            Values::List(ends, ..) | Values::Map(ends, ..) => ends.push(ends[ends.len() - 1]),
            Values::Row(columns) => columns.iter_mut().for_each(Column::push_null),
            Values::Null => {}
        }
        self.validity.push(false);
    }

    /// Forgets all rows from `len` on, also those that were left half done.
    pub(crate) fn truncate(&mut self, len: usize) {
        match &mut self.values {
            Values::Boolean(v) => v.truncate(len),
            Values::I8(v) => v.truncate(len),
            Values::I16(v) => v.truncate(len),
            Values::I32(v) => v.truncate(len),
            Values::I64(v) => v.truncate(len),
            Values::F32(v) => v.truncate(len),
            Values::F64(v) => v.truncate(len),
            Values::Decimal(v) => v.truncate(len),
            Values::Text(v) | Values::Bytes(v) => v.truncate(len),
            Values::List(ends, child) => {
                ends.truncate(len + 1);
                child.truncate(ends[len] as usize);
            }
            Values::Map(ends, keys, values) => {
                ends.truncate(len + 1);
                keys.truncate(ends[len] as usize);
                values.truncate(ends[len] as usize);
            }
            Values::Row(columns) => columns.iter_mut().for_each(|c| c.truncate(len)),
            Values::Null => {}
        }
        self.validity.truncate(len);
    }

    /// Takes the rows appended so far.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef> {
        let rows = self.validity.len();
        let nulls = self.validity.finish();
        macro_rules! primitive {
            ($t:ty, $v:expr) => {
                Arc::new(PrimitiveArray::<$t>::new(taken::<$t>($v), nulls).with_data_type(self.ty.clone())) as ArrayRef
            };
        }
        Ok(match (&mut self.values, &self.ty) {
            (Values::Boolean(v), _) => Arc::new(BooleanArray::new(v.finish(), nulls)),
            (Values::I8(v), _) => primitive!(Int8Type, v),
            (Values::I16(v), _) => primitive!(Int16Type, v),
            (Values::I32(v), DataType::Date32) => primitive!(Date32Type, v),
            (Values::I32(v), DataType::Time32(_)) => primitive!(Time32MillisecondType, v),
            (Values::I32(v), _) => primitive!(Int32Type, v),
            (Values::I64(v), DataType::Timestamp(TimeUnit::Millisecond, _)) => primitive!(TimestampMillisecondType, v),
            (Values::I64(v), DataType::Timestamp(TimeUnit::Microsecond, _)) => primitive!(TimestampMicrosecondType, v),
            (Values::I64(v), DataType::Timestamp(..)) => primitive!(TimestampNanosecondType, v),
            (Values::I64(v), _) => primitive!(Int64Type, v),
            (Values::F32(v), _) => primitive!(Float32Type, v),
            (Values::F64(v), _) => primitive!(Float64Type, v),
            (Values::Decimal(v), _) => primitive!(Decimal128Type, v),
            (Values::Text(v), _) => Arc::new(v.finish_text(nulls)?),
            (Values::Bytes(v), _) => Arc::new(v.finish_bytes(nulls)),
            (Values::List(ends, child), DataType::List(element)) => Arc::new(ListArray::try_new(Arc::clone(element), offsets(ends), child.finish()?, nulls)?),
            (Values::Map(ends, keys, values), DataType::Map(entries, _)) => {
                Arc::new(map_column(entries, offsets(ends), keys.finish()?, values.finish()?, nulls)?)
            }
            (Values::Row(columns), DataType::Struct(fields)) => {
                let columns = columns.iter_mut().map(Column::finish).collect::<Result<_>>()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)?)
            }
            (Values::Null, _) => Arc::new(NullArray::new(rows)),
            (_, ty) => return Err(Error::bug(format!("{ty} does not carry these values"))),
        })
    }
}

/// Takes values and makes room for as many.
fn taken<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>) -> ScalarBuffer<T::Native> {
    let room = Vec::with_capacity(values.len().min(ROWS_EXPECTED_MAX));
    ScalarBuffer::from(std::mem::replace(values, room))
}

fn offsets(ends: &mut Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, vec![0])))
}
