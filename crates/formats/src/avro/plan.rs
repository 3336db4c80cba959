//! How records of one schema become rows of a table: compiled once, run for each record.

use super::cursor::{Cursor, Parsed};
use super::skip::{self, Skip};
use crate::column::{Column, Values};
use crate::record::check_bytes;
use crate::rows::Rows;
use millstream_dataflow::BadRecord;
use std::sync::Arc;

const MS_OF_DAY: i64 = 86_400_000;

/// What is done for each record.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) union: Union,
    pub(super) fields: Fields,
}

/// Steps over the fields of a record, in their order.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) steps: Vec<Step>,
    /// Columns that the records do not have.
    pub(super) missing: Vec<usize>,
}

#[derive(Debug)]
pub(super) enum Step {
    Skip(Vec<Skip>),
    Read { column: usize, name: String, value: Value },
}

#[derive(Debug)]
pub(super) struct Value {
    pub(super) union: Union,
    pub(super) read: Read,
}

/// The union around a type that is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Union {
    None,
    /// Of nothing else.
    One,
    /// With null, which is this branch.
    Null(usize),
}

/// What stands in the bytes; where it goes is the column's.
#[derive(Debug)]
pub(super) enum Read {
    Null,
    Boolean,
    Int,
    /// Also a timestamp in the column's own unit.
    Long,
    Float,
    Double,
    Sized,
    Fixed(usize),
    Enum(Arc<[String]>),
    /// Of the bytes of a fixed, or sized; with this factor to the column's scale, and the column's limit.
    Decimal {
        fixed: Option<usize>,
        factor: i128,
        limit: u128,
    },
    /// Milliseconds of the day are so many units.
    Time(i64),
    /// In another unit than the column's.
    Timestamp {
        factor: i64,
        divisor: i64,
    },
    Date,
    List(Box<Value>),
    Map(Box<Value>),
    Row(Fields),
}

impl Plan {
    /// Appends the row at the cursor, which must be followed by nothing if it stands alone.
    ///
    /// # Errors
    /// As [`millstream_dataflow::Decoder::decode`].
    pub(super) fn append(&self, rows: &mut Rows, c: &mut Cursor<'_>, alone: bool) -> Result<(), BadRecord> {
        rows.append(|columns| {
            self.read(c, columns)?;
            match c.left() {
                left @ 1.. if alone => Err(c.fault("malformed", format!("{left} bytes follow the record's last field"))),
                _ => Ok(()),
            }
        })
    }
    /// Appends the row of a record, which starts there.
    ///
    /// # Errors
    /// As [`millstream_dataflow::Decoder::decode`].
    pub(super) fn decode(&self, rows: &mut Rows, record: &[u8], start: usize) -> Result<usize, BadRecord> {
        check_bytes(record)?;
        self.append(rows, &mut Cursor::new(record, start), true)?;
        Ok(1)
    }
    /// Appends the fields of a record. After an error the caller truncates.
    fn read(&self, c: &mut Cursor<'_>, columns: &mut [Column]) -> Parsed<()> {
        match self.union.is_null(c)? {
            true => Err(c.fault("type", "a null instead of a record")),
            false => self.fields.read(c, columns),
        }
    }
}

impl Union {
    /// Takes the branch that follows.
    #[inline(always)]
    fn is_null(self, c: &mut Cursor<'_>) -> Parsed<bool> {
        match self {
            Union::None => Ok(false),
            Union::One => c.branch(1).map(|_| false),
            Union::Null(null) => c.branch_of_two().map(|branch| branch == null),
        }
    }
}

impl Fields {
    fn read(&self, c: &mut Cursor<'_>, columns: &mut [Column]) -> Parsed<()> {
        for step in &self.steps {
            match step {
                Step::Skip(steps) => skip::pass(steps, c)?,
                Step::Read { column, name, value } => value.read(c, &mut columns[*column]).map_err(|fault| fault.inside(name))?,
            }
        }
        self.missing.iter().for_each(|column| columns[*column].push_null());
        Ok(())
    }
}

impl Value {
    #[inline]
    fn read(&self, c: &mut Cursor<'_>, column: &mut Column) -> Parsed<()> {
        if self.union.is_null(c)? {
            return take_null(c, column);
        }
        match (&self.read, &mut column.values) {
            (Read::Int, Values::I32(v)) => v.push(c.int()?),
            (Read::Int, Values::I64(v)) => v.push(c.int()?.into()),
            (Read::Int, Values::I16(v)) => v.push(i16::try_from(c.int()?).map_err(|_| c.fault("type", "a number out of the type's range"))?),
            (Read::Int, Values::I8(v)) => v.push(i8::try_from(c.int()?).map_err(|_| c.fault("type", "a number out of the type's range"))?),
            (Read::Int, Values::F32(v)) => v.push(c.int()? as f32),
            (Read::Int, Values::F64(v)) => v.push(c.int()?.into()),
            (Read::Long, Values::I64(v)) => v.push(c.long()?),
            (Read::Long, Values::F32(v)) => v.push(c.long()? as f32),
            (Read::Long, Values::F64(v)) => v.push(c.long()? as f64),
            (Read::Sized, Values::Text(v)) => {
                let (bytes, around) = c.sized()?;
                if !v.push_part_if_text(bytes, around) {
                    return Err(c.fault("utf8", "a string that is no UTF-8 text"));
                }
            }
            (Read::Sized, Values::Bytes(v)) => v.push_bytes(c.sized()?.0),
            (Read::Fixed(size), Values::Bytes(v)) => v.push_bytes(c.take(*size)?),
            (Read::Enum(symbols), Values::Text(v)) => v.push_text(c.symbol(symbols)?),
            (Read::Timestamp { factor, divisor }, Values::I64(v)) => {
                let units = c.long()?;
                let units = units.div_euclid(*divisor).checked_mul(*factor);
                v.push(units.ok_or_else(|| c.fault("type", "a timestamp out of the type's range"))?);
            }
            (Read::Float, Values::F32(v)) => v.push(f32::from_le_bytes(c.array()?)),
            (Read::Float, Values::F64(v)) => v.push(f32::from_le_bytes(c.array()?).into()),
            (Read::Double, Values::F64(v)) => v.push(f64::from_le_bytes(c.array()?)),
            (Read::Boolean, Values::Boolean(v)) => v.append(c.boolean()?),
            (Read::Decimal { fixed, factor, limit }, Values::Decimal(v)) => {
                let bytes = match fixed {
                    Some(size) => c.take(*size)?,
                    None => c.sized()?.0,
                };
                match unscaled(bytes).and_then(|d| d.checked_mul(*factor)).filter(|d| d.unsigned_abs() < *limit) {
                    Some(value) => v.push(value),
                    // As in Flink: a number that is too large for the type is NULL.
                    None => return take_null(c, column),
                }
            }
            (Read::Date, Values::I32(v)) => v.push(c.int()?),
            (Read::Time(units), Values::I32(v)) => match c.long()?.div_euclid(*units) {
                ms @ 0..MS_OF_DAY => v.push(ms as i32),
                _ => return Err(c.fault("type", "a time outside of the day")),
            },
            (Read::Null, _) => return take_null(c, column),
            (Read::List(item), Values::List(ends, child)) => {
                items(c, |c| item.read(c, child))?;
                ends.push(end(c, child.len())?);
            }
            (Read::Map(value), Values::Map(ends, keys, values)) => {
                items(c, |c| {
                    KEY.read(c, keys)?;
                    value.read(c, values)
                })?;
                ends.push(end(c, keys.len())?);
            }
            (Read::Row(plan), Values::Row(columns)) => plan.read(c, columns)?,
            // The compiler lets none of these pass.
            _ => return Err(c.fault("type", "a value of another type")),
        }
        column.validity.push(true);
        Ok(())
    }
}

const KEY: Value = Value {
    union: Union::None,
    read: Read::Sized,
};

fn take_null(c: &Cursor<'_>, column: &mut Column) -> Parsed<()> {
    if !column.nullable {
        return Err(c.fault("type", "NULL for what is NOT NULL"));
    }
    column.push_null();
    Ok(())
}

/// Each item of an array or map. Each takes a byte or more, so a count cannot ask for more than the record has.
fn items(c: &mut Cursor<'_>, mut item: impl FnMut(&mut Cursor<'_>) -> Parsed<()>) -> Parsed<()> {
    while let Some((count, _)) = c.block()? {
        if count > c.left() as u64 {
            return Err(c.ends());
        }
        for _ in 0..count {
            item(c)?;
        }
    }
    Ok(())
}

fn end(c: &Cursor<'_>, len: usize) -> Parsed<i32> {
    i32::try_from(len).map_err(|_| c.fault("too-large", "more than 2147483647 items in one batch"))
}

/// A number in two's complement, highest byte first. Nothing if it is too large.
fn unscaled(bytes: &[u8]) -> Option<i128> {
    let sign = if bytes.first()? & 0x80 == 0 { 0 } else { 0xff };
    let (over, low) = bytes.split_at(bytes.len().saturating_sub(16));
    let fits = over.iter().all(|b| *b == sign) && (over.is_empty() || low.first()? & 0x80 == sign & 0x80);
    let mut all = [sign; 16];
    all[16 - low.len()..].copy_from_slice(low);
    fits.then(|| i128::from_be_bytes(all))
}
