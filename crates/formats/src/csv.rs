//! The `csv` format: fields by position, RFC 4180 quoting.

use crate::json::JsonOptionsForText;
use crate::json::column::TextColumn;
use crate::render::text_value;
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BadRecord, Batch, Decoder, Encoder, Error, Field, FormatSpec, RecordEncoder, Records, Result, Schema, SqlType};
use std::collections::BTreeMap;

const DELIMITER: OptionSpec = OptionSpec::new("csv.field-delimiter", OptionType::Text, "The character between fields; `\\t` is a tab.")
    .default(",")
    .examples(&[";", "\\t"]);
const QUOTE: OptionSpec = OptionSpec::new(
    "csv.quote-character",
    OptionType::Text,
    "The character around fields that hold delimiters, quotes or line ends.",
)
.default("\"")
.examples(&["'"]);
const NO_QUOTE: OptionSpec = OptionSpec::new("csv.disable-quote-character", OptionType::Boolean, "Whether no character quotes.").default("false");
const COMMENTS: OptionSpec = OptionSpec::new("csv.allow-comments", OptionType::Boolean, "Whether lines that start with # are left out.").default("false");
const IGNORE_ERRORS: OptionSpec = OptionSpec::new(
    "csv.ignore-parse-errors",
    OptionType::Boolean,
    "Puts NULL in the place of a field of the wrong type, and leaves out (and counts) lines with too few fields.",
)
.default("false");
const NULL_LITERAL: OptionSpec = OptionSpec::new("csv.null-literal", OptionType::Text, "The text that stands for NULL.").examples(&["NULL"]);

pub const SPEC: FormatSpec = FormatSpec {
    name: "csv",
    doc: "Lines of fields in the order of the table's physical columns. Scalar types only.",
    options: &[COMMENTS, NO_QUOTE, DELIMITER, IGNORE_ERRORS, NULL_LITERAL, QUOTE],
    changes: false,
    skips: false,
};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Debug, Clone)]
struct CsvOptions {
    delimiter: u8,
    quote: Option<u8>,
    comments: bool,
    ignore_errors: bool,
    null_literal: Option<String>,
}

impl CsvOptions {
    fn new(options: &BTreeMap<String, String>) -> Result<Self> {
        let o = Options::new(options);
        let byte = |spec: &OptionSpec| -> Result<u8> {
            match o.text(spec).unwrap_or_default() {
                "\\t" => Ok(b'\t'),
                text if text.len() == 1 => Ok(text.as_bytes()[0]),
                text => Err(Error::config(format!("option '{}' has the value '{text}', expected one ASCII character", spec.name)).code("E0502")),
            }
        };
        Ok(CsvOptions {
            delimiter: byte(&DELIMITER)?,
            quote: if o.boolean(&NO_QUOTE) { None } else { Some(byte(&QUOTE)?) },
            comments: o.boolean(&COMMENTS),
            ignore_errors: o.boolean(&IGNORE_ERRORS),
            null_literal: o.text(&NULL_LITERAL).map(str::to_string),
        })
    }
}

/// The quote character of a table's options, for cutting files into records.
///
/// # Errors
/// `Config` if the option is not one ASCII character.
pub fn quote_character(options: &BTreeMap<String, String>) -> Result<Option<u8>> {
    Ok(CsvOptions::new(options)?.quote)
}

fn check_types(schema: &Schema) -> Result<()> {
    for f in &schema.fields {
        let nested = matches!(
            f.ty,
            SqlType::Array(_) | SqlType::Map(..) | SqlType::Row(_) | SqlType::Multiset(_) | SqlType::IntervalYearMonth | SqlType::IntervalDayTime
        );
        if nested {
            return Err(Error::sql(format!("column \"{}\": the csv format does not hold {} yet", f.name, f.ty)).code("E0302"));
        }
    }
    Ok(())
}

/// Decodes one line at a time.
pub struct CsvDecoder {
    options: CsvOptions,
    /// Per wanted column its place in the line.
    places: Vec<usize>,
    fields_in_line: usize,
    columns: Vec<TextColumn>,
    schema: Schema,
    reader: csv::ReaderBuilder,
    record: csv::ByteRecord,
    rows: usize,
}

impl CsvDecoder {
    /// # Errors
    /// `Sql` for nested columns, `Config` for options of more than one character.
    pub fn new(all: &Schema, wanted: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        check_types(wanted)?;
        let options = CsvOptions::new(options)?;
        let place = |f: &Field| {
            all.index_of(&f.name)
                .ok_or_else(|| Error::bug(format!("column \"{}\" is not among the physical ones", f.name)))
        };
        let mut reader = csv::ReaderBuilder::new();
        reader
            .has_headers(false)
            .flexible(true)
            .delimiter(options.delimiter)
            .quoting(options.quote.is_some())
            .quote(options.quote.unwrap_or(b'"'));
        let text_options = JsonOptionsForText::default();
        Ok(CsvDecoder {
            places: wanted.fields.iter().map(place).collect::<Result<_>>()?,
            fields_in_line: all.fields.len(),
            columns: wanted.fields.iter().map(|f| TextColumn::new(f, &text_options)).collect::<Result<_>>()?,
            schema: wanted.clone(),
            reader,
            record: csv::ByteRecord::new(),
            rows: 0,
            options,
        })
    }
    fn line(&mut self, line: &[u8]) -> Result<usize, (&'static str, String)> {
        if self.options.comments && line.first() == Some(&b'#') {
            return Ok(0);
        }
        // The reader takes a byte order mark away, which here, in the midst of a file or topic, is the first value's own.
        let marked;
        let line = if line.starts_with(BYTE_ORDER_MARK) {
            marked = [BYTE_ORDER_MARK, line].concat();
            marked.as_slice()
        } else {
            line
        };
        let mut reader = self.reader.from_reader(line);
        let first = reader.read_byte_record(&mut self.record);
        if matches!(reader.read_byte_record(&mut csv::ByteRecord::new()), Ok(true)) {
            return Err(("malformed", "several lines in one record".to_string()));
        }
        match first {
            Ok(true) => {}
            Ok(false) => return Err(("malformed", "an empty line".to_string())),
            Err(e) => return Err(("malformed", e.to_string())),
        }
        if self.record.len() != self.fields_in_line {
            return Err((
                "missing-field",
                format!("the line has {} fields, the table {} columns", self.record.len(), self.fields_in_line),
            ));
        }
        for (i, column) in self.columns.iter_mut().enumerate() {
            let text = self.record.get(self.places[i]).unwrap_or_default();
            let field = &self.schema.fields[i];
            if self.options.null_literal.as_deref().is_some_and(|n| n.as_bytes() == text) {
                if !field.nullable {
                    return Err(("type", format!("column \"{}\" is NOT NULL", field.name)));
                }
                column.push_null();
            } else if let Err(what) = column.push(text) {
                column.truncate(self.rows);
                if !self.options.ignore_errors || !field.nullable {
                    let text: String = String::from_utf8_lossy(text).chars().take(40).collect();
                    return Err(("type", format!("column \"{}\" ({}): {what}: {text:?}", field.name, field.ty)));
                }
                column.push_null();
            }
        }
        self.rows += 1;
        Ok(1)
    }
}

impl Decoder for CsvDecoder {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        let rows = self.rows;
        self.line(record).map_err(|(reason, message)| {
            self.columns.iter_mut().for_each(|c| c.truncate(rows));
            BadRecord { reason, message }
        })
    }
    fn rows(&self) -> usize {
        self.rows
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let columns = self.columns.iter_mut().map(TextColumn::finish).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.to_arrow(), columns, &options).map_err(|e| Error::bug("decoded columns do not fit the schema").source(e))
    }
}

/// Writes lines.
pub struct CsvEncoder {
    schema: Schema,
    options: CsvOptions,
}

impl CsvEncoder {
    /// # Errors
    /// `Sql` for nested columns, `Config` for options of more than one character.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        check_types(schema)?;
        Ok(CsvEncoder {
            schema: schema.clone(),
            options: CsvOptions::new(options)?,
        })
    }
}

impl CsvEncoder {
    /// Each row's line, with its end.
    fn each(&self, batch: &Batch, mut take: impl FnMut(&[u8])) -> Result<()> {
        let style = if self.options.quote.is_some() {
            csv::QuoteStyle::Necessary
        } else {
            csv::QuoteStyle::Never
        };
        let mut writer = csv::WriterBuilder::new();
        writer
            .delimiter(self.options.delimiter)
            .quote(self.options.quote.unwrap_or(b'"'))
            .quote_style(style);
        let failed = |e: csv::Error| Error::bug("a CSV line could not be written").source(e);
        let mut line = Vec::new();
        for row in 0..batch.num_rows() {
            line.clear();
            let mut writer = writer.from_writer(&mut line);
            for (column, field) in batch.data.columns().iter().zip(&self.schema.fields) {
                let text = if column.is_null(row) {
                    self.options.null_literal.clone().unwrap_or_default()
                } else {
                    match &field.ty {
                        SqlType::Binary(_) | SqlType::VarBinary(_) => {
                            use arrow_array::cast::AsArray;
                            crate::base64::encode(column.as_binary_view().value(row))
                        }
                        _ => text_value(column, row, field),
                    }
                };
                writer.write_field(text).map_err(failed)?;
            }
            writer.write_record(None::<&[u8]>).map_err(failed)?;
            writer.flush().map_err(|e| Error::bug("a CSV line could not be written").source(e))?;
            drop(writer);
            take(&line);
        }
        Ok(())
    }
}

impl RecordEncoder for CsvEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        self.each(batch, |line| {
            out.bytes.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            out.end();
        })
    }
}

impl Encoder for CsvEncoder {
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        self.each(batch, |line| out.extend_from_slice(line))
    }
    fn buffered(&self) -> usize {
        0
    }
    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
