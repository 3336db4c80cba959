//! A column that the fields of lines are parsed into.

use super::CsvOptions;
use crate::json::JsonOptionsForText;
use crate::json::text_column::TextColumn;
use crate::validity::Validity;
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, FieldRef, Fields};
use millstream_dataflow::{Error, Field, Result, SqlType};
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Column {
    values: Values,
    nullable: bool,
}

#[derive(Debug)]
enum Values {
    Scalar(Scalar),
    /// Where each list ends, after a first 0.
    List(Vec<i32>, Scalar, Validity, FieldRef),
    Row(Vec<Scalar>, Validity, Fields),
}

/// Scalar values: of a column, of all elements, or of one field of a ROW.
#[derive(Debug)]
struct Scalar {
    column: TextColumn,
    nullable: bool,
}

const NOT_NULL: &str = "NULL for what is NOT NULL";

impl Scalar {
    fn new(field: &Field) -> Result<Scalar> {
        Ok(Scalar {
            column: TextColumn::new(field, &JsonOptionsForText::default())?,
            nullable: field.nullable,
        })
    }
    /// Appends the value of a text that `around` begins with, which is the one at `row`.
    #[inline]
    fn push(&mut self, text: &[u8], around: &[u8], row: usize, options: &CsvOptions) -> Result<(), String> {
        if is_null(text, options) || (options.empty_null && text.is_empty()) {
            return self.push_missing();
        }
        if self.column.push_plain(text, around) {
            return Ok(());
        }
        self.push_any(text, row, options)
    }
    fn push_any(&mut self, text: &[u8], row: usize, options: &CsvOptions) -> Result<(), String> {
        match self.column.push(text) {
            Err(_) if options.ignore_errors && self.nullable => {
                self.column.truncate(row);
                self.column.push_null();
                Ok(())
            }
            pushed => pushed,
        }
    }
    fn push_missing(&mut self) -> Result<(), String> {
        match self.nullable {
            true => self.column.push_null(),
            false => return Err(NOT_NULL.to_string()),
        }
        Ok(())
    }
}

impl Column {
    /// # Errors
    /// `Sql` for a type that no text holds, `Bug` for one that is nested twice.
    pub(super) fn new(field: &Field) -> Result<Column> {
        let values = match (&field.ty, field.ty.to_arrow()) {
            (SqlType::Array(element), DataType::List(carrier)) => Values::List(vec![0], Scalar::new(element)?, Validity::default(), carrier),
            (SqlType::Row(fields), DataType::Struct(carriers)) => {
                let parts = fields.iter().map(Scalar::new).collect::<Result<_>>()?;
                Values::Row(parts, Validity::default(), carriers)
            }
            _ => Values::Scalar(Scalar::new(field)?),
        };
        Ok(Column {
            values,
            nullable: field.nullable,
        })
    }

    /// Appends the value of a field that `around` begins with, which is the one at `row`. After an error the caller truncates.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8], around: &[u8], row: usize, options: &CsvOptions) -> Result<(), String> {
        match &mut self.values {
            Values::Scalar(values) => values.push(text, around, row, options),
            _ => self.push_nested(text, row, options),
        }
    }

    fn push_nested(&mut self, text: &[u8], row: usize, options: &CsvOptions) -> Result<(), String> {
        let is_row = matches!(self.values, Values::Row(..));
        if is_null(text, options) || (is_row && text.is_empty()) {
            return self.push_missing();
        }
        match self.push_parts(text, row, options) {
            Err(_) if options.ignore_errors && self.nullable => {
                self.truncate(row);
                self.push_missing()
            }
            pushed => pushed,
        }
    }

    fn push_parts(&mut self, text: &[u8], row: usize, options: &CsvOptions) -> Result<(), String> {
        let parts = text.split(|b| *b == options.elements);
        let mut parts = parts.map(|part| if options.dialect.trim { options.dialect.trimmed(part) } else { part });
        match &mut self.values {
            Values::Scalar(_) => {}
            Values::List(ends, values, validity, _) => {
                let mut end = ends[ends.len() - 1];
                if !text.is_empty() {
                    for part in parts {
                        values.push(part, part, end as usize, options)?;
                        end = end.checked_add(1).ok_or("too many elements in a batch")?;
                    }
                }
                ends.push(end);
                validity.push(true);
            }
            Values::Row(fields, validity, _) => {
                for field in fields.iter_mut() {
                    match parts.next() {
                        Some(part) => field.push(part, part, row, options)?,
                        None if options.ignore_errors => field.push_missing()?,
                        None => return Err("fewer parts than the ROW has fields".to_string()),
                    }
                }
                if parts.next().is_some() && !options.ignore_errors {
                    return Err("more parts than the ROW has fields".to_string());
                }
                validity.push(true);
            }
        }
        Ok(())
    }

    /// Appends NULL.
    ///
    /// # Errors
    /// That the column takes none.
    pub(super) fn push_missing(&mut self) -> Result<(), String> {
        if !self.nullable {
            return Err(NOT_NULL.to_string());
        }
        match &mut self.values {
            Values::Scalar(values) => values.column.push_null(),
            Values::List(ends, _, validity, _) => {
                ends.push(ends[ends.len() - 1]);
                validity.push(false);
            }
            Values::Row(fields, validity, _) => {
                fields.iter_mut().for_each(|f| f.column.push_null());
                validity.push(false);
            }
        }
        Ok(())
    }

    /// Forgets all rows from `len` on, also those that were left half done.
    pub(super) fn truncate(&mut self, len: usize) {
        match &mut self.values {
            Values::Scalar(values) => values.column.truncate(len),
            Values::List(ends, values, validity, _) => {
                ends.truncate(len + 1);
                values.column.truncate(ends[len] as usize);
                validity.truncate(len);
            }
            Values::Row(fields, validity, _) => {
                fields.iter_mut().for_each(|f| f.column.truncate(len));
                validity.truncate(len);
            }
        }
    }

    /// Takes the rows appended so far.
    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        let carried = |e| Error::bug("decoded columns do not fit the schema").source(e);
        match &mut self.values {
            Values::Scalar(values) => values.column.finish(),
            Values::List(ends, values, validity, element) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, vec![0])));
                let list = ListArray::try_new(Arc::clone(element), offsets, values.column.finish()?, validity.finish());
                Ok(Arc::new(list.map_err(carried)?))
            }
            Values::Row(fields, validity, carriers) => {
                let rows = validity.len();
                let columns = fields.iter_mut().map(|f| f.column.finish()).collect::<Result<_>>()?;
                let row = StructArray::try_new_with_length(carriers.clone(), columns, validity.finish(), rows);
                Ok(Arc::new(row.map_err(carried)?))
            }
        }
    }
}

fn is_null(text: &[u8], options: &CsvOptions) -> bool {
    options.null_literal.as_deref().is_some_and(|n| n.as_bytes() == text)
}
