//! Keeps the rows for which a condition is true.

use crate::expression::Evaluator;
use millstream_dataflow::{Batch, Operator, Output, Result, Step};

pub(crate) struct Filter(pub(crate) Evaluator);

impl Operator for Filter {
    fn on_batch(&mut self, _input: usize, batch: Batch, out: &mut Output) -> Result<Step> {
        let mask = self.0.mask(&batch.data)?;
        out.push(match mask.true_count() {
            n if n == batch.num_rows() => batch,
            _ => batch.filter(&mask)?,
        });
        Ok(Step::Done)
    }
}

#[cfg(test)]
mod tests;
