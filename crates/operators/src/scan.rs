//! What a source does to decoded rows: computed columns, and the watermark expression.

use crate::expression::Evaluator;
use crate::project::Projection;
use arrow_array::{Array, BooleanArray, Int64Array};
use millstream_dataflow::{BadRecord, Batch, Error, Result, Scan, Scanned};
use millstream_plan::{Column, SourceSpec};

pub(crate) struct TableScan {
    columns: Projection,
    /// The event-time column and the watermark expression.
    rowtime: Option<(usize, Evaluator, String)>,
}

impl TableScan {
    pub(crate) fn new(spec: &SourceSpec, columns: &[Column]) -> Result<TableScan> {
        let rowtime = match &spec.rowtime {
            None => None,
            Some(r) => Some((r.column, Evaluator::new(&r.watermark)?, columns[r.column].name.clone())),
        };
        Ok(TableScan {
            columns: Projection::new(&spec.columns, columns)?,
            rowtime,
        })
    }
}

impl Scan for TableScan {
    fn scan(&mut self, batch: Batch) -> Result<Scanned> {
        let mut batch = self.columns.apply(&batch)?;
        let Some((column, watermark, name)) = &self.rowtime else {
            return Ok(Scanned {
                batch,
                candidates: None,
                bad: Vec::new(),
            });
        };
        let mut bad = Vec::new();
        let times = batch.column(*column);
        if times.null_count() > 0 {
            let valid: BooleanArray = (0..times.len()).map(|i| Some(times.is_valid(i))).collect();
            bad = (0..times.len())
                .filter(|i| times.is_null(*i))
                .map(|i| {
                    let bad = BadRecord {
                        reason: "null-rowtime",
                        message: format!("the event time \"{name}\" is NULL"),
                        place: String::new(),
                    };
                    (i, bad)
                })
                .collect();
            batch = batch.filter(&valid)?;
        }
        let candidates = watermark.evaluate(&batch.data)?;
        // TIMESTAMP(≤3) is carried in milliseconds.
        let data = candidates
            .to_data()
            .into_builder()
            .data_type(arrow_schema::DataType::Int64)
            .build()
            .map_err(|e| Error::bug("a watermark is no timestamp").source(e))?;
        Ok(Scanned {
            batch,
            candidates: Some(Int64Array::from(data)),
            bad,
        })
    }
}
