//! Columns into messages.

use super::plan::{FieldStep, Integer, Message, Names, Shape, Value};
use super::wire::{SIZED, sized, varint};
use crate::cells::{Cells, Values};
use millstream_dataflow::{Error, Result, temporal};

/// How a message is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    /// What stands for a NULL text in an array or map.
    pub(super) null_text: &'a str,
}

impl Writer<'_> {
    /// Appends the fields of a row, in the order of their numbers.
    ///
    /// # Errors
    /// `Data` for a NULL where there must be a value, and values that the field cannot hold.
    pub(super) fn write(self, message: &Message, columns: &[Cells<'_>], row: usize, out: &mut Vec<u8>) -> Result<()> {
        for i in &message.order {
            let (Some(field), Some(cells)) = (&message.steps[*i].field, columns.get(*i)) else {
                continue;
            };
            // Of the fields of a oneof, the last column that has a value counts, as in Flink.
            let later = message.steps.iter().zip(columns).skip(i + 1);
            let taken = |(step, cells): (&super::plan::Step, &Cells<'_>)| {
                field.oneof.is_some() && step.field.as_ref().is_some_and(|f| f.oneof == field.oneof) && !cells.is_null(row)
            };
            if !later.into_iter().any(taken) {
                self.field(field, cells, row, out)?;
            }
        }
        Ok(())
    }

    fn field(self, field: &FieldStep, cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
        if cells.is_null(row) {
            let must = field.required || !cells.nullable;
            return match must {
                true => Err(Error::data(format!("column \"{}\" is NULL, and must have a value", cells.name)).code("E0704")),
                false => Ok(()),
            };
        }
        match (&field.shape, &cells.values) {
            (Shape::One(value), _) if field.implicit && is_default(value, cells, row) => Ok(()),
            (Shape::One(value), _) => self.tagged(field.number, value, cells, row, out),
            (Shape::List { item, packed: true }, Values::List(ends, items)) => {
                let range = ends[row] as usize..ends[row + 1] as usize;
                if range.is_empty() {
                    return Ok(());
                }
                varint(u64::from(field.number) << 3 | u64::from(SIZED), out);
                sized(out, |out| range.into_iter().try_for_each(|i| self.value(item, items, i, out)))
            }
            (Shape::List { item, .. }, Values::List(ends, items)) => {
                let mut range = ends[row] as usize..ends[row + 1] as usize;
                range.try_for_each(|i| self.tagged(field.number, item, items, i, out))
            }
            (Shape::Map(entry), Values::Map(ends, keys, values)) => {
                let mut range = ends[row] as usize..ends[row + 1] as usize;
                range.try_for_each(|i| {
                    varint(u64::from(field.number) << 3 | u64::from(SIZED), out);
                    sized(out, |out| self.entry(entry, [keys, values], i, out))
                })
            }
            _ => Err(unfit()),
        }
    }

    /// A key and a value, both also where they are defaults; NULL only where the entry is a message that can tell.
    fn entry(self, entry: &Message, pair: [&Cells<'_>; 2], row: usize, out: &mut Vec<u8>) -> Result<()> {
        for (step, cells) in entry.steps.iter().zip(pair) {
            let Some(field) = &step.field else {
                return Err(unfit());
            };
            let null_is_told = step.absent == super::plan::Absent::Null;
            match &field.shape {
                _ if null_is_told && cells.is_null(row) => {}
                Shape::One(value) => self.tagged(field.number, value, cells, row, out)?,
                _ => self.field(field, cells, row, out)?,
            }
        }
        Ok(())
    }

    fn tagged(self, number: u32, value: &Value, cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
        varint(u64::from(number) << 3 | u64::from(value.wire()), out);
        self.value(value, cells, row, out)
    }

    /// A value without its tag; the default for NULL, which items of arrays and maps can be.
    fn value(self, value: &Value, cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let null = cells.is_null(row);
        let number = || if null { Some(0) } else { integer(cells, row) };
        match (value, &cells.values) {
            (Value::Boolean, Values::Boolean(v)) => out.push(u8::from(!null && v.value(row))),
            (Value::Varint(kind), _) => varint(kind.to_varint(number().ok_or_else(unfit)?), out),
            (Value::Fixed4(_), _) => out.extend_from_slice(&(number().ok_or_else(unfit)? as u32).to_le_bytes()),
            (Value::Fixed8, _) => out.extend_from_slice(&number().ok_or_else(unfit)?.to_le_bytes()),
            (Value::Float, Values::F32(v)) => out.extend_from_slice(&if null { 0.0 } else { v[row] }.to_le_bytes()),
            (Value::Double, Values::F64(v)) => out.extend_from_slice(&if null { 0.0 } else { v[row] }.to_le_bytes()),
            (Value::Text, Values::Text(v)) => bytes(if null { self.null_text } else { v.value(row) }.as_bytes(), out),
            (Value::Bytes, Values::Bytes(v)) => bytes(if null { &[] } else { v.value(row) }, out),
            (Value::Enum(names), _) => varint(i64::from(enum_number(names, cells, row, null)) as u64, out),
            _ if null => out.push(0),
            (Value::Row(message), Values::Row(columns)) => sized(out, |out| self.write(message, columns, row, out))?,
            (Value::Wrapped(message), _) => sized(out, |out| match message.steps.first().and_then(|step| step.field.as_ref()) {
                Some(field) => self.field(field, cells, row, out),
                None => Err(unfit()),
            })?,
            (Value::Timestamp(per_second), Values::I64(v)) => {
                let (seconds, units) = (v[row].div_euclid(*per_second), v[row].rem_euclid(*per_second));
                numbers(&[seconds, units * (1_000_000_000 / per_second)], out);
            }
            (Value::Date, Values::I32(v)) => {
                let (year, month, day) = temporal::civil_from_days(v[row].into());
                if !(0..=9999).contains(&year) {
                    return Err(Error::data(format!("column \"{}\": a date of the year {year} has no form in protobuf", cells.name)).code("E0704"));
                }
                numbers(&[year, month.into(), day.into()], out);
            }
            (Value::Time, Values::I32(v)) => {
                let (seconds, ms) = (i64::from(v[row]) / 1_000, i64::from(v[row]) % 1_000);
                numbers(&[seconds / 3_600, seconds / 60 % 60, seconds % 60, ms * 1_000_000], out);
            }
            (Value::Decimal { precision, scale }, Values::Decimal(v)) => {
                let unscaled = v[row].to_be_bytes();
                let repeats = unscaled.windows(2).take_while(|pair| pair[0] == if pair[1] & 0x80 == 0 { 0 } else { 0xff });
                let shortest = &unscaled[repeats.count()..];
                sized(out, |out| {
                    out.push(1 << 3 | SIZED);
                    bytes(shortest, out);
                    out.extend_from_slice(&[2 << 3, *precision]);
                    if *scale > 0 {
                        out.extend_from_slice(&[3 << 3, *scale]);
                    }
                    Ok::<(), Error>(())
                })?;
            }
            _ => return Err(unfit()),
        }
        Ok(())
    }
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A message of varints, numbered from 1 on; zeros are left out.
fn numbers(all: &[i64], out: &mut Vec<u8>) {
    let write = |out: &mut Vec<u8>| {
        for (i, n) in all.iter().enumerate().filter(|(_, n)| **n != 0) {
            out.push((i as u8 + 1) << 3);
            varint(*n as u64, out);
        }
        Ok::<(), Error>(())
    };
    // It cannot fail.
    let _ = sized(out, write);
}

fn integer(cells: &Cells<'_>, row: usize) -> Option<i64> {
    match &cells.values {
        Values::I8(v) => Some(v[row].into()),
        Values::I16(v) => Some(v[row].into()),
        Values::I32(v) => Some(v[row].into()),
        Values::I64(v) => Some(v[row]),
        _ => None,
    }
}

/// Names and numbers that the enum does not have become its first, as in Flink.
fn enum_number(names: &Names, cells: &Cells<'_>, row: usize, null: bool) -> i32 {
    let number = match &cells.values {
        _ if null => None,
        Values::Text(v) => names.number(v.value(row)),
        _ => integer(cells, row).and_then(|n| i32::try_from(n).ok()).filter(|n| names.name(*n).is_some()),
    };
    number.unwrap_or_else(|| names.first())
}

/// Whether a reader would take the value for granted.
fn is_default(value: &Value, cells: &Cells<'_>, row: usize) -> bool {
    match (value, &cells.values) {
        (Value::Enum(names), _) => enum_number(names, cells, row, false) == 0,
        (_, Values::Boolean(v)) => !v.value(row),
        (_, Values::F32(v)) => v[row].to_bits() == 0,
        (_, Values::F64(v)) => v[row].to_bits() == 0,
        (_, Values::Text(v)) => v.value(row).is_empty(),
        (_, Values::Bytes(v)) => v.value(row).is_empty(),
        _ => integer(cells, row) == Some(0),
    }
}

impl Integer {
    fn to_varint(self, n: i64) -> u64 {
        match self {
            Integer::I32 | Integer::I64 => n as u64,
            Integer::U32 => u64::from(n as u32),
            Integer::S32 | Integer::S64 => (n << 1 ^ n >> 63) as u64,
        }
    }
}

fn unfit() -> Error {
    Error::bug("a column that does not fit its field reached the protobuf encoder")
}
