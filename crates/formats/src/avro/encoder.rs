//! Rows to binary Avro.

use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BinaryViewArray, BooleanArray, PrimitiveArray, StringViewArray, cast::AsArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use millstream_dataflow::{Batch, Error, Field, Result, Schema, SqlType};

/// The columns of a batch, looked through once for all its rows.
pub(super) struct Row<'a>(Vec<Cells<'a>>);

impl<'a> Row<'a> {
    /// # Errors
    /// `Bug` for columns that do not fit the schema.
    pub(super) fn new(batch: &'a Batch, schema: &'a Schema) -> Result<Row<'a>> {
        let columns = batch.data.columns().iter().zip(&schema.fields);
        Ok(Row(columns.map(|(column, field)| Cells::new(column, field)).collect::<Result<_>>()?))
    }
    /// Appends a row's datum.
    ///
    /// # Errors
    /// `Data` for a NULL where there may be none.
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.0.iter().try_for_each(|cells| cells.write(row, out))
    }
}

struct Cells<'a> {
    name: &'a str,
    nullable: bool,
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
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
    Map(&'a [i32], &'a StringViewArray, Box<Cells<'a>>),
    Row(Row<'a>),
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
            SqlType::Map(_, value) => match array.as_map_opt().map(|map| (map, map.keys().as_string_view_opt())) {
                Some((map, Some(keys))) => Some(Values::Map(map.value_offsets(), keys, Box::new(Cells::new(map.values(), value)?))),
                _ => None,
            },
            SqlType::Row(fields) => match array.as_struct_opt() {
                Some(row) => {
                    let columns = row.columns().iter().zip(fields);
                    Some(Values::Row(Row(columns.map(|(c, f)| Cells::new(c, f)).collect::<Result<_>>()?)))
                }
                None => None,
            },
            SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Multiset(_) => None,
        };
        Ok(Cells {
            name: &field.name,
            nullable: field.nullable && field.ty != SqlType::Null,
            nulls: array.nulls(),
            values: values.ok_or_else(|| Error::bug(format!("{} for {} reached the Avro encoder", array.data_type(), field.ty)))?,
        })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let null = self.nulls.is_some_and(|nulls| nulls.is_null(row));
        match (self.nullable, null) {
            (true, true) => {
                out.push(0);
                return Ok(());
            }
            (true, false) => out.push(2),
            (false, true) => return Err(Error::data(format!("column \"{}\" is NOT NULL and a row has NULL", self.name)).code("E0704")),
            (false, false) => {}
        }
        match &self.values {
            Values::Null => {}
            Values::Boolean(v) => out.push(u8::from(v.value(row))),
            Values::I8(v) => long(v[row].into(), out),
            Values::I16(v) => long(v[row].into(), out),
            Values::I32(v) => long(v[row].into(), out),
            Values::I64(v) => long(v[row], out),
            Values::F32(v) => out.extend_from_slice(&v[row].to_le_bytes()),
            Values::F64(v) => out.extend_from_slice(&v[row].to_le_bytes()),
            Values::Decimal(v) => sized(shortest(&v[row].to_be_bytes()), out),
            Values::Text(v) => sized(v.value(row).as_bytes(), out),
            Values::Bytes(v) => sized(v.value(row), out),
            Values::List(ends, items) => block(ends, row, out, |i, out| items.write(i, out))?,
            Values::Map(ends, keys, values) => block(ends, row, out, |i, out| {
                sized(keys.value(i).as_bytes(), out);
                values.write(i, out)
            })?,
            Values::Row(columns) => columns.write(row, out)?,
        }
        Ok(())
    }
}

/// A number, zigzag, in groups of seven bits.
pub(super) fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = (value << 1 ^ value >> 63) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Bytes with their length in front.
pub(super) fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// A number in two's complement without bytes that only repeat its sign.
fn shortest(bytes: &[u8; 16]) -> &[u8] {
    let repeats = bytes.windows(2).take_while(|pair| pair[0] == if pair[1] & 0x80 == 0 { 0 } else { 0xff });
    &bytes[repeats.count()..]
}

/// All items of a row in one block, as Java writes them.
fn block(ends: &[i32], row: usize, out: &mut Vec<u8>, mut item: impl FnMut(usize, &mut Vec<u8>) -> Result<()>) -> Result<()> {
    let items = ends[row] as usize..ends[row + 1] as usize;
    if !items.is_empty() {
        long(items.len() as i64, out);
        for i in items {
            item(i, out)?;
        }
    }
    out.push(0);
    Ok(())
}
