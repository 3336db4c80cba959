//! Rows under construction, whatever the schema of their records.

use super::cursor::Cursor;
use super::plan::Plan;
use crate::column::Column;
use crate::record::check_bytes;
use arrow_array::{RecordBatch, RecordBatchOptions};
use millstream_dataflow::{BadRecord, Error, Result, Schema};

pub(super) struct Rows {
    schema: Schema,
    columns: Vec<Column>,
    rows: usize,
}

impl Rows {
    pub(super) fn new(schema: &Schema) -> Result<Rows> {
        Ok(Rows {
            schema: schema.clone(),
            columns: schema.fields.iter().map(Column::new).collect::<Result<_>>()?,
            rows: 0,
        })
    }
    pub(super) fn rows(&self) -> usize {
        self.rows
    }
    /// Appends the row at the cursor, which must be followed by nothing if it stands alone.
    ///
    /// # Errors
    /// As [`millstream_dataflow::Decoder::decode`].
    pub(super) fn read(&mut self, plan: &Plan, c: &mut Cursor<'_>, alone: bool) -> Result<(), BadRecord> {
        let read = plan.read(c, &mut self.columns).and_then(|()| match c.left() {
            left @ 1.. if alone => Err(c.fault("malformed", format!("{left} bytes follow the record's last field"))),
            _ => Ok(()),
        });
        match read {
            Ok(()) => {
                self.rows += 1;
                Ok(())
            }
            Err(fault) => {
                self.columns.iter_mut().for_each(|c| c.truncate(self.rows));
                Err((*fault).into_bad())
            }
        }
    }
    /// Appends the row of a record, which starts there.
    ///
    /// # Errors
    /// As [`millstream_dataflow::Decoder::decode`].
    pub(super) fn decode(&mut self, plan: &Plan, record: &[u8], start: usize) -> Result<usize, BadRecord> {
        check_bytes(record)?;
        self.read(plan, &mut Cursor::new(record, start), true)?;
        Ok(1)
    }
    /// Takes the rows read so far.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let columns = self.columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options).map_err(|e| Error::bug("decoded columns do not fit the schema").source(e))
    }
}
