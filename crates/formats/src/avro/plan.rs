//! How records of one schema become rows of a table: compiled once, then run for each record.

use super::cursor::{Cursor, Parsed};
use super::schema::{AvroType, Logical, Record};
use super::skip::{self, Skip};
use crate::column::{Column, Values};
use millstream_dataflow::{Field, Schema, SqlType};
use std::sync::Arc;

const MS_OF_DAY: i64 = 86_400_000;

/// What is done for each record.
#[derive(Debug)]
pub(super) struct Plan {
    union: Union,
    fields: Fields,
}

/// Steps over the fields of a record, in their order.
#[derive(Debug)]
struct Fields {
    steps: Vec<Step>,
    /// Columns that the records do not have.
    missing: Vec<usize>,
}

#[derive(Debug)]
enum Step {
    Skip(Vec<Skip>),
    Read { column: usize, name: String, value: Value },
}

#[derive(Debug)]
struct Value {
    union: Union,
    read: Read,
}

/// The union around a type that is read.
#[derive(Debug, Clone, Copy)]
enum Union {
    None,
    /// Of nothing else.
    One,
    /// With null, which is this branch.
    Null(usize),
}

/// What stands in the bytes; where it goes is the column's.
#[derive(Debug)]
enum Read {
    Null,
    Boolean,
    Int,
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
    /// Reads records of type `writer` as rows of these columns, which are found by name.
    ///
    /// # Errors
    /// What keeps a column from being read.
    pub(super) fn new(writer: &AvroType, columns: &Schema) -> Result<Plan, String> {
        match without_union(writer) {
            Some((union, AvroType::Record(record))) => Ok(Plan {
                union,
                fields: Compiler::default().record(record, &columns.fields)?,
            }),
            _ => Err(format!("the records are no Avro records but {writer}")),
        }
    }

    /// Appends the fields of a record. After an error the caller truncates.
    pub(super) fn read(&self, c: &mut Cursor<'_>, columns: &mut [Column]) -> Parsed<()> {
        match self.union.is_null(c)? {
            true => Err(c.fault("type", "a null instead of a record")),
            false => self.fields.read(c, columns),
        }
    }
}

impl Union {
    /// Takes the branch that follows.
    #[inline]
    fn is_null(self, c: &mut Cursor<'_>) -> Parsed<bool> {
        match self {
            Union::None => Ok(false),
            Union::One => c.branch(1).map(|_| false),
            Union::Null(null) => c.branch(2).map(|branch| branch == null),
        }
    }
}

/// A type and the union around it. Nothing if that has several types.
fn without_union(writer: &AvroType) -> Option<(Union, &AvroType)> {
    match writer {
        AvroType::Union(branches) => match &branches[..] {
            [one] => Some((Union::One, one)),
            [AvroType::Null, other] => Some((Union::Null(0), other)),
            [other, AvroType::Null] => Some((Union::Null(1), other)),
            _ => None,
        },
        other => Some((Union::None, other)),
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

#[derive(Default)]
struct Compiler {
    /// Steps over unwanted values so far.
    skipped: usize,
}

impl Compiler {
    fn record(&mut self, record: &Record, columns: &[Field]) -> Result<Fields, String> {
        let mut steps = Vec::new();
        let mut found = vec![false; columns.len()];
        for (name, ty) in &record.fields {
            match columns.iter().position(|f| f.name == *name) {
                Some(column) => {
                    found[column] = true;
                    let value = self.value(ty, &columns[column])?;
                    steps.push(Step::Read {
                        column,
                        name: name.clone(),
                        value,
                    });
                }
                None => {
                    if !matches!(steps.last(), Some(Step::Skip(_))) {
                        steps.push(Step::Skip(Vec::new()));
                    }
                    if let Some(Step::Skip(over)) = steps.last_mut() {
                        skip::plan(ty, over, &mut self.skipped)?;
                    }
                }
            }
        }
        let missing: Vec<usize> = (0..columns.len()).filter(|i| !found[*i]).collect();
        match missing.iter().map(|i| &columns[*i]).find(|f| !f.nullable) {
            Some(field) => Err(format!("the records have no field \"{}\", which is NOT NULL", field.name)),
            None => Ok(Fields { steps, missing }),
        }
    }

    fn value(&mut self, writer: &AvroType, field: &Field) -> Result<Value, String> {
        let Some((union, ty)) = without_union(writer) else {
            return Err(format!(
                "column \"{}\" ({}): the records have a {writer}, only a union of null and one type becomes a column",
                field.name, field.ty
            ));
        };
        let differs = || format!("column \"{}\" ({}): the records have {ty}", field.name, field.type_text());
        let inside = |e: String| format!("column \"{}\": {e}", field.name);
        let read = match (ty, &field.ty) {
            (AvroType::Null, _) if field.nullable => Read::Null,
            (AvroType::Boolean, SqlType::Boolean) => Read::Boolean,
            (AvroType::Int(_), SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt | SqlType::Float | SqlType::Double) => Read::Int,
            (AvroType::Long(_), SqlType::BigInt | SqlType::Float | SqlType::Double) => Read::Long,
            (AvroType::Float, SqlType::Float | SqlType::Double) => Read::Float,
            (AvroType::Double, SqlType::Double) => Read::Double,
            (AvroType::String | AvroType::Bytes(_), SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Binary(_) | SqlType::VarBinary(_)) => Read::Sized,
            (AvroType::Fixed(size, _), SqlType::Binary(_) | SqlType::VarBinary(_)) => Read::Fixed(*size),
            (AvroType::Enum(symbols), SqlType::Char(_) | SqlType::VarChar(_)) => Read::Enum(Arc::clone(symbols)),
            (AvroType::Bytes(Logical::Decimal(scale)), SqlType::Decimal(p, s)) => decimal(None, *scale, *p, *s).ok_or_else(differs)?,
            (AvroType::Fixed(size, Logical::Decimal(scale)), SqlType::Decimal(p, s)) => decimal(Some(*size), *scale, *p, *s).ok_or_else(differs)?,
            (AvroType::Int(Logical::None | Logical::Date), SqlType::Date) => Read::Date,
            (AvroType::Int(Logical::None | Logical::Time(_)), SqlType::Time(_)) => Read::Time(1),
            (AvroType::Long(Logical::Time(per_second)), SqlType::Time(_)) => Read::Time(per_second / 1_000),
            (AvroType::Long(logical @ (Logical::None | Logical::Timestamp(_))), SqlType::Timestamp(p) | SqlType::TimestampLtz(p)) => {
                let wanted = match p {
                    0..=3 => 1_000,
                    4..=6 => 1_000_000,
                    _ => 1_000_000_000,
                };
                let written = if let Logical::Timestamp(n) = logical { *n } else { wanted };
                Read::Timestamp {
                    factor: (wanted / written).max(1),
                    divisor: (written / wanted).max(1),
                }
            }
            (AvroType::Array(item), SqlType::Array(element)) if item.takes_bytes() => Read::List(Box::new(self.value(item, element).map_err(inside)?)),
            (AvroType::Map(of), SqlType::Map(key, value)) if matches!(key.ty, SqlType::Char(_) | SqlType::VarChar(_)) => {
                Read::Map(Box::new(self.value(of, value).map_err(inside)?))
            }
            (AvroType::Record(record), SqlType::Row(fields)) => Read::Row(self.record(record, fields).map_err(inside)?),
            _ => return Err(differs()),
        };
        Ok(Value { union, read })
    }
}

/// Nothing if digits would be lost.
fn decimal(fixed: Option<usize>, written: u8, precision: u8, scale: u8) -> Option<Read> {
    Some(Read::Decimal {
        fixed,
        factor: 10i128.checked_pow(scale.checked_sub(written)?.into())?,
        limit: 10u128.checked_pow(precision.into())?,
    })
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
                match std::str::from_utf8(bytes) {
                    Ok(text) => v.push_part(text, around),
                    Err(_) => return Err(c.fault("utf8", "a string that is no UTF-8 text")),
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
