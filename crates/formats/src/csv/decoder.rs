//! Lines to rows.

use super::column::Column;
use super::line::{Fields, Line};
use super::{CsvOptions, check_types};
use arrow_array::{RecordBatch, RecordBatchOptions};
use millstream_dataflow::{BadRecord, Decoder, Error, Field, Result, Schema};
use std::collections::BTreeMap;

/// Decodes one line at a time.
pub struct CsvDecoder {
    options: CsvOptions,
    /// Per wanted column its place in the line.
    places: Vec<usize>,
    fields_in_line: usize,
    columns: Vec<Column>,
    schema: Schema,
    line: Line,
    rows: usize,
}

impl CsvDecoder {
    /// # Errors
    /// `Sql` for columns that a field does not hold, `Config` for options that are no character.
    pub fn new(all: &Schema, wanted: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        check_types(wanted)?;
        let place = |f: &Field| {
            all.index_of(&f.name)
                .ok_or_else(|| Error::bug(format!("column \"{}\" is not among the physical ones", f.name)))
        };
        Ok(CsvDecoder {
            places: wanted.fields.iter().map(place).collect::<Result<_>>()?,
            fields_in_line: all.fields.len(),
            columns: wanted.fields.iter().map(Column::new).collect::<Result<_>>()?,
            schema: wanted.clone(),
            line: Line::default(),
            rows: 0,
            options: CsvOptions::new(options)?,
        })
    }

    fn append(&mut self, record: &[u8]) -> Result<usize, (&'static str, String)> {
        if self.options.comments && record.first() == Some(&b'#') {
            return Ok(0);
        }
        let malformed = |what: &str| ("malformed", what.to_string());
        let fields = self.line.read(record, &self.options.dialect).map_err(malformed)?;
        let (found, expected) = (fields.len(), self.fields_in_line);
        let differs = |reason| (reason, format!("the line has {found} fields, the table {expected} columns"));
        let missing = || differs("missing-field");
        if !self.options.has_length(fields, expected) {
            return Err(if found > expected { differs("extra-field") } else { missing() });
        }
        for (i, column) in self.columns.iter_mut().enumerate() {
            let field = &self.schema.fields[i];
            let Some((text, around)) = fields.get(self.places[i]) else {
                column.push_missing().map_err(|_| missing())?;
                continue;
            };
            column.push(text, around, self.rows, &self.options).map_err(|what| {
                let text: String = String::from_utf8_lossy(text).chars().take(40).collect();
                ("type", format!("column \"{}\" ({}): {what}: {text:?}", field.name, field.ty))
            })?;
        }
        self.rows += 1;
        Ok(1)
    }
}

impl CsvOptions {
    /// Whether the line may have as many fields as it has.
    fn has_length(&self, fields: Fields<'_>, expected: usize) -> bool {
        match fields.len().cmp(&expected) {
            std::cmp::Ordering::Equal => true,
            std::cmp::Ordering::Less => self.ignore_errors && !self.fail_on_missing,
            std::cmp::Ordering::Greater => {
                let last = fields.get(expected).map_or(&[][..], |(text, _)| text);
                self.unmappable || (self.trailing_comma && fields.len() == expected + 1 && last.trim_ascii().is_empty())
            }
        }
    }
}

impl Decoder for CsvDecoder {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        let rows = self.rows;
        self.append(record).map_err(|(reason, message)| {
            self.columns.iter_mut().for_each(|c| c.truncate(rows));
            BadRecord { reason, message }
        })
    }
    fn rows(&self) -> usize {
        self.rows
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let columns = self.columns.iter_mut().map(Column::finish).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options).map_err(|e| Error::bug("decoded columns do not fit the schema").source(e))
    }
}
