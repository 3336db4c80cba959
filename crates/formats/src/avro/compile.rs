//! The plan by which records of a writer's schema are read as a table's columns: what Avro calls schema resolution.

use super::plan::{Fields, Plan, Read, Step, Union, Value};
use super::schema::{AvroType, Logical, Record};
use super::skip;
use millstream_dataflow::{Field, Schema, SqlType, temporal};
use std::sync::Arc;

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
                let wanted = temporal::units_per_second(*p);
                let written = if let Logical::Timestamp(n) = logical { *n } else { wanted };
                match written == wanted {
                    true => Read::Long,
                    false => Read::Timestamp {
                        factor: (wanted / written).max(1),
                        divisor: (written / wanted).max(1),
                    },
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
