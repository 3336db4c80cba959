//! What a source does to decoded rows: when they arrived, computed columns, and the watermark expression.

use crate::expression::Evaluator;
use crate::project::Projection;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, TimestampMillisecondArray};
use millstream_dataflow::{BadRecord, BadRow, Batch, Error, ErrorKind, Result, Scan, Scanned, Schema, temporal};
use millstream_functions::zone::Zone;
use millstream_plan::{Column, SourceSpec};
use std::sync::Arc;

pub(crate) struct TableScan {
    columns: Projection,
    /// The event-time column and the watermark expression.
    rowtime: Option<(usize, Evaluator, String)>,
    /// How far event time may be ahead of the clock, ms, and by which zone's walls it is told.
    max_future: Option<(i64, Option<Zone>)>,
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
        let skew = spec.rowtime.as_ref().and_then(|r| r.max_future_skew.as_ref());
        let max_future = skew.map(|s| -> Result<_> {
            let zone = s.zone.as_deref().map(Zone::parse).transpose()?;
            Ok((i64::try_from(s.ms).unwrap_or(i64::MAX), zone))
        });
        let table = &spec.table;
        let arrivals: Vec<usize> = (0..table.columns.len()).filter(|i| table.is_arrival(*i)).collect();
        let all = || Schema::new(table.columns.iter().map(|(c, _)| c.field()).collect());
        Ok(TableScan {
            columns: Projection::new(&spec.columns, columns)?,
            rowtime,
            max_future: max_future.transpose()?,
            processing_time: spec.processing_time,
            arriving: (!arrivals.is_empty()).then(all),
            arrivals,
        })
    }
}

impl TableScan {
    /// The table's columns of the rows that have them all, and the other rows: a cast, a computed column or a NOT NULL does not hold for them.
    fn computed(&self, batch: &Batch) -> Result<(Batch, Vec<BadRow>)> {
        let wrong = match self.columns.apply(batch) {
            Ok(all) => return Ok((all, Vec::new())),
            Err(e) => e,
        };
        let mut bad = Vec::new();
        self.halve(batch, 0, wrong, &mut bad)?;
        Ok((self.columns.apply(&without(batch, &bad)?)?, bad))
    }
    /// Finds the rows for which a column cannot be computed.
    ///
    /// - `first`: the number of the first row
    /// - `wrong`: why not all of these rows can be computed
    fn halve(&self, rows: &Batch, first: usize, wrong: Error, bad: &mut Vec<BadRow>) -> Result<()> {
        if wrong.kind != ErrorKind::Data {
            return Err(wrong);
        }
        let half = rows.num_rows() / 2;
        if half == 0 {
            bad.push(BadRow {
                row: first,
                event_time: None,
                why: BadRecord {
                    reason: "computed",
                    message: match self.columns.wrong_column(rows) {
                        Some(name) if !wrong.message.contains(&format!("\"{name}\"")) => format!("column \"{name}\": {}", wrong.message),
                        _ => wrong.message.clone(),
                    },
                },
            });
            return Ok(());
        }
        for (offset, length) in [(0, half), (half, rows.num_rows() - half)] {
            let part = rows.slice(offset, length);
            if let Err(e) = self.columns.apply(&part) {
                self.halve(&part, first + offset, e, bad)?;
            }
        }
        Ok(())
    }
    /// The rows whose event time is none.
    fn bad(&self, times: &Int64Array, name: &str, arrived_ms: i64) -> Vec<BadRow> {
        let bad = |row: usize, reason: &'static str, message: String| BadRow {
            row,
            event_time: times.is_valid(row).then(|| times.value(row)),
            why: BadRecord { reason, message },
        };
        let mut found = Vec::new();
        if times.null_count() > 0 {
            let null = |row| bad(row, "null-rowtime", format!("the event time \"{name}\" is NULL"));
            found.extend((0..times.len()).filter(|row| times.is_null(*row)).map(null));
        }
        if let Some((skew, zone)) = &self.max_future {
            let now = zone.as_ref().map_or(arrived_ms, |z| z.wall(arrived_ms));
            let limit = now.saturating_add(*skew);
            let future = (0..times.len()).filter(|row| times.is_valid(*row) && times.value(*row) > limit);
            found.extend(future.map(|row| {
                let mut time = String::new();
                let (days, nanos) = temporal::split(times.value(row), 1000);
                temporal::write_date(days, &mut time);
                time.push(' ');
                temporal::write_time(nanos, 3, &mut time);
                let message = format!("the event time \"{name}\" is {time}: further ahead of the clock than 'scan.watermark.max-future-skew' allows");
                bad(row, "future-rowtime", message)
            }));
            found.sort_by_key(|bad| bad.row);
        }
        found
    }
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
        Ok(batch.with_data(data))
    }
}

impl Scan for TableScan {
    fn scan(&mut self, batch: Batch, arrived_ms: i64) -> Result<Scanned> {
        let (mut batch, mut bad) = self.computed(&self.with_arrival(batch, arrived_ms)?)?;
        if self.processing_time {
            // A later row may arrive in the same millisecond.
            let candidates = Int64Array::from_value(arrived_ms - 1, batch.num_rows());
            return Ok(Scanned {
                batch,
                event_times: None,
                candidates: Some(candidates),
                bad,
            });
        }
        let Some((column, watermark, name)) = &self.rowtime else {
            return Ok(Scanned {
                batch,
                candidates: None,
                event_times: None,
                bad,
            });
        };
        let mut times = millis(batch.column(*column))?;
        let untimely = self.bad(&times, name, arrived_ms);
        if !untimely.is_empty() {
            batch = without(&batch, &untimely)?;
            times = millis(batch.column(*column))?;
            bad = both(bad, untimely);
        }
        let candidates = watermark.evaluate(&batch.data)?;
        Ok(Scanned {
            batch,
            candidates: Some(millis(&candidates)?),
            event_times: Some(times),
            bad,
        })
    }
}

/// The rows but the bad ones.
fn without(batch: &Batch, bad: &[BadRow]) -> Result<Batch> {
    let mut valid = vec![true; batch.num_rows()];
    bad.iter().for_each(|b| valid[b.row] = false);
    batch.filter(&BooleanArray::from(valid))
}

/// Bad rows with those found among the rest, all by their number in the whole.
fn both(mut bad: Vec<BadRow>, among_rest: Vec<BadRow>) -> Vec<BadRow> {
    let mut before = bad.iter().map(|b| b.row).collect::<Vec<_>>().into_iter().peekable();
    let mut skipped = 0;
    for mut b in among_rest {
        while before.next_if(|row| *row <= b.row + skipped).is_some() {
            skipped += 1;
        }
        b.row += skipped;
        bad.push(b);
    }
    bad.sort_by_key(|b| b.row);
    bad
}

/// TIMESTAMP(≤3) is carried in milliseconds.
fn millis(times: &ArrayRef) -> Result<Int64Array> {
    let data = times
        .to_data()
        .into_builder()
        .data_type(arrow_schema::DataType::Int64)
        .build()
        .map_err(|e| Error::bug("an event time is no timestamp").source(e))?;
    Ok(Int64Array::from(data))
}

#[cfg(test)]
mod tests;
