//! What a source does to decoded rows: when they arrived, computed columns, and the watermark expression.

use crate::expression::Evaluator;
use crate::project::Projection;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, TimestampMillisecondArray};
use millstream_dataflow::{BadRecord, Batch, Error, Result, Scan, Scanned, Schema};
use millstream_plan::{Column, SourceSpec};
use std::sync::Arc;

pub(crate) struct TableScan {
    columns: Projection,
    /// The event-time column and the watermark expression.
    rowtime: Option<(usize, Evaluator, String)>,
    /// The watermark follows the clock.
    processing_time: bool,
    /// The table's columns as the projection reads them, if one of them is when the rows arrived.
    arriving: Option<Schema>,
    arrivals: Vec<usize>,
}

impl TableScan {
    pub(crate) fn new(spec: &SourceSpec, columns: &[Column]) -> Result<TableScan> {
        let rowtime = match &spec.rowtime {
            None => None,
            Some(r) => Some((r.column, Evaluator::new(&r.watermark)?, columns[r.column].name.clone())),
        };
        let table = &spec.table;
        let arrivals: Vec<usize> = (0..table.columns.len()).filter(|i| table.is_arrival(*i)).collect();
        let all = || Schema::new(table.columns.iter().map(|(c, _)| c.field()).collect());
        Ok(TableScan {
            columns: Projection::new(&spec.columns, columns)?,
            rowtime,
            processing_time: spec.processing_time,
            arriving: (!arrivals.is_empty()).then(all),
            arrivals,
        })
    }
}

impl TableScan {
    /// The delivered columns with the arrival's among them.
    fn with_arrival(&self, batch: Batch, arrived_ms: i64) -> Result<Batch> {
        let Some(schema) = &self.arriving else { return Ok(batch) };
        let rows = batch.num_rows();
        let arrival: ArrayRef = Arc::new(TimestampMillisecondArray::from_value(arrived_ms, rows).with_timezone("UTC"));
        let mut columns = batch.data.columns().to_vec();
        for place in &self.arrivals {
            columns.insert(*place, Arc::clone(&arrival));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let data =
            RecordBatch::try_new_with_options(schema.to_arrow(), columns, &options).map_err(|e| Error::bug("the arrival does not fit its table").source(e))?;
        Ok(Batch::new(data))
    }
}

impl Scan for TableScan {
    fn scan(&mut self, batch: Batch, arrived_ms: i64) -> Result<Scanned> {
        let batch = self.with_arrival(batch, arrived_ms)?;
        let mut batch = self.columns.apply(&batch)?;
        if self.processing_time {
            // A later row may arrive in the same millisecond.
            let candidates = Int64Array::from_value(arrived_ms - 1, batch.num_rows());
            return Ok(Scanned {
                batch,
                candidates: Some(candidates),
                bad: Vec::new(),
            });
        }
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
