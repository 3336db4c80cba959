//! Rows under construction that binary records are appended to.

use crate::column::Column;
use crate::fault::Parsed;
use arrow_array::{RecordBatch, RecordBatchOptions};
use millstream_dataflow::{BadRecord, Error, Result, Schema};

pub(crate) struct Rows {
    schema: Schema,
    columns: Vec<Column>,
    rows: usize,
}

impl Rows {
    pub(crate) fn new(schema: &Schema) -> Result<Rows> {
        Ok(Rows {
            schema: schema.clone(),
            columns: schema.fields.iter().map(Column::new).collect::<Result<_>>()?,
            rows: 0,
        })
    }
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }
    /// Appends what is read into the columns, or nothing.
    ///
    /// # Errors
    /// As [`millstream_dataflow::Decoder::decode`].
    pub(crate) fn append(&mut self, read: impl FnOnce(&mut [Column]) -> Parsed<()>) -> Result<(), BadRecord> {
        match read(&mut self.columns) {
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
    /// Takes the rows read so far.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let columns = self.columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options).map_err(|e| Error::bug("decoded columns do not fit the schema").source(e))
    }
}
