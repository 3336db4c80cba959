//! One expression per output column.

use crate::expression::Typed;
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use millstream_dataflow::{Batch, Error, Operator, Output, Result, Step};
use millstream_plan::{Column, Expr};
use std::sync::Arc;

/// Columns computed from columns.
pub(crate) struct Projection {
    columns: Vec<(Typed, String)>,
    schema: SchemaRef,
}

impl Projection {
    pub(crate) fn new(exprs: &[Expr], columns: &[Column]) -> Result<Projection> {
        let typed = exprs
            .iter()
            .zip(columns)
            .map(|(e, c)| Ok((Typed::new(e, &c.ty)?, c.name.clone())))
            .collect::<Result<_>>()?;
        Ok(Projection {
            columns: typed,
            schema: Column::schema(columns).to_arrow(),
        })
    }
    /// The column that cannot be computed of these rows.
    pub(crate) fn wrong_column(&self, batch: &Batch) -> Option<&str> {
        let wrong = self.columns.iter().find(|(e, name)| e.evaluate(&batch.data, name).is_err());
        wrong.map(|(_, name)| name.as_str())
    }
    pub(crate) fn apply(&self, batch: &Batch) -> Result<Batch> {
        let columns = self.columns.iter().map(|(e, name)| e.evaluate(&batch.data, name)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let data =
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(|e| Error::bug("projected columns do not fit").source(e))?;
        Ok(batch.with_data(data))
    }
}

pub(crate) struct Project(pub(crate) Projection);

impl Operator for Project {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let projected = self.0.apply(&batch).map_err(|e| match self.0.wrong_column(&batch) {
            Some(name) => e.of_column(name),
            None => e,
        });
        out.push(projected?);
        Ok(Step::Done)
    }
}

#[cfg(test)]
mod tests;
