//! Records that are no rows, and rows that came too late, as the rows of a table.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use millstream_dataflow::{Batch, Error, Operator, Output, Result, Step};
use millstream_plan::DeadLetters;
use std::sync::Arc;

pub(crate) struct DeadLetterRows {
    pub(crate) of: DeadLetters,
    /// The columns of a dead letter, times as the table has them.
    pub(crate) schema: SchemaRef,
}

impl Operator for DeadLetterRows {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let letters = match (&self.of, &batch.origins) {
            (DeadLetters::Rejected, _) => batch.data,
            (DeadLetters::Late { table }, Some(origins)) => origins.late_letters(table)?,
            // Of a table that drops its late rows.
            (DeadLetters::Late { .. }, None) => return Ok(Step::Done),
        };
        let columns = letters
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| timed(column, field.data_type()));
        let data = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_>>()?);
        out.push(Batch::new(data.map_err(|e| Error::corrupt("dead letters do not fit their columns").source(e))?));
        Ok(Step::Done)
    }
}

/// Milliseconds as the time that they are.
fn timed(column: &ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    match (column.as_primitive_opt::<Int64Type>(), ty) {
        (Some(_), DataType::Timestamp(..)) => {
            let data = column.to_data().into_builder().data_type(ty.clone()).build();
            Ok(arrow_array::make_array(data.map_err(|e| Error::bug("a time is no time").source(e))?))
        }
        _ => Ok(Arc::clone(column)),
    }
}

#[cfg(test)]
mod tests;
