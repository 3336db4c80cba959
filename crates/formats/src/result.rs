//! Results of queries for programs: rows as they come, in each form from its beginning to its end.

use crate::render::{is_null, json_header, json_object, json_row, text_value};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow_cast::cast;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, SchemaRef};
use millstream_dataflow::{Batch, Encoder, Error, Field, Result, Schema, SqlType};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultForm {
    /// `{"columns":[…]}` with the types, then `{"kind":"+I","row":[…]}` per row.
    Changelog,
    /// One array of objects.
    Json,
    /// An object per line.
    JsonLines,
    /// With a head; NULL is nothing, an empty text is `""`.
    Csv,
    /// With a head; NULL is `\N`, tabs and line ends are `\t` and `\n`.
    Tsv,
    /// A stream of Arrow IPC.
    Arrow,
    /// One file.
    Parquet,
}

/// Writes one result. Where rows are changes they have a first column more, which says what each does: `op`.
pub struct ResultWriter {
    form: ResultForm,
    schema: Schema,
    changes: bool,
    rows: u64,
    inner: Inner,
}

enum Inner {
    Text,
    Arrow(Box<StreamWriter<Vec<u8>>>, SchemaRef),
    Parquet(Box<dyn Encoder>),
}

impl ResultWriter {
    /// Begins a result.
    ///
    /// # Errors
    /// `Sql` for a column type that the form does not have.
    pub fn new(form: ResultForm, schema: &Schema, changes: bool, out: &mut Vec<u8>) -> Result<ResultWriter> {
        let mut schema = schema.clone();
        if changes && form != ResultForm::Changelog {
            schema.fields.insert(0, Field::new(op_name(&schema), SqlType::STRING, false));
        }
        let mut writer = ResultWriter {
            inner: match form {
                ResultForm::Arrow => {
                    let plain = plain_schema(&schema);
                    let stream = StreamWriter::try_new(Vec::new(), &plain).map_err(failed)?;
                    Inner::Arrow(Box::new(stream), plain)
                }
                ResultForm::Parquet => Inner::Parquet(crate::encoder("parquet", &schema, &BTreeMap::new())?),
                _ => Inner::Text,
            },
            form,
            schema,
            changes,
            rows: 0,
        };
        match form {
            ResultForm::Changelog => out.extend((json_header(&writer.schema) + "\n").bytes()),
            ResultForm::Json => out.push(b'['),
            ResultForm::JsonLines | ResultForm::Arrow | ResultForm::Parquet => {}
            ResultForm::Csv | ResultForm::Tsv => {
                let names: Vec<String> = writer.schema.fields.iter().map(|f| writer.cell(Some(f.name.clone()))).collect();
                writer.line(&names, out);
            }
        }
        writer.drain(out);
        Ok(writer)
    }

    /// Appends what is ready of some rows.
    ///
    /// # Errors
    /// Those of the form's encoder.
    pub fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        if self.form == ResultForm::Changelog {
            for row in 0..batch.num_rows() {
                out.extend((json_row(batch, row, &self.schema) + "\n").bytes());
            }
            return Ok(());
        }
        let with_op;
        let batch = if self.changes {
            with_op = self.with_op(batch)?;
            &with_op
        } else {
            batch
        };
        match &mut self.inner {
            Inner::Arrow(stream, plain) => stream.write(&plain_batch(&batch.data, plain)?).map_err(failed)?,
            Inner::Parquet(encoder) => encoder.write(batch, out)?,
            Inner::Text => self.text(batch, out),
        }
        self.rows += batch.num_rows() as u64;
        self.drain(out);
        Ok(())
    }

    fn text(&self, batch: &Batch, out: &mut Vec<u8>) {
        for row in 0..batch.num_rows() {
            match self.form {
                ResultForm::Json | ResultForm::JsonLines => {
                    if self.form == ResultForm::Json {
                        out.extend(if self.rows + row as u64 == 0 { "\n " } else { ",\n " }.bytes());
                    }
                    out.extend(json_object(batch, row, &self.schema).bytes());
                    if self.form == ResultForm::JsonLines {
                        out.push(b'\n');
                    }
                }
                _ => {
                    let value = |(i, f): (usize, &Field)| {
                        let column = batch.column(i);
                        self.cell((!is_null(column, row, f)).then(|| text_value(column, row, f)))
                    };
                    let cells: Vec<String> = self.schema.fields.iter().enumerate().map(value).collect();
                    self.line(&cells, out);
                }
            }
        }
    }

    /// Appends the end.
    ///
    /// # Errors
    /// Those of the form's encoder.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match &mut self.inner {
            Inner::Arrow(stream, _) => stream.finish().map_err(failed)?,
            Inner::Parquet(encoder) => {
                if self.rows == 0 {
                    // A file without rows has its columns, too.
                    let none = RecordBatch::new_empty(self.schema.to_arrow());
                    encoder.write(&Batch::new(none), out)?;
                }
                encoder.finish(out)?;
            }
            Inner::Text if self.form == ResultForm::Json => out.extend(if self.rows == 0 { "]\n" } else { "\n]\n" }.bytes()),
            Inner::Text => {}
        }
        self.drain(out);
        Ok(())
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        if let Inner::Arrow(stream, _) = &mut self.inner {
            out.append(stream.get_mut());
        }
    }

    fn with_op(&self, batch: &Batch) -> Result<Batch> {
        let kinds: StringViewArray = (0..batch.num_rows()).map(|row| Some(batch.kind(row).short())).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(kinds)];
        columns.extend(batch.data.columns().iter().cloned());
        let data = RecordBatch::try_new(self.schema.to_arrow(), columns).map_err(failed)?;
        Ok(Batch::new(data))
    }

    /// A cell of CSV or TSV; `None` is NULL.
    fn cell(&self, value: Option<String>) -> String {
        match (self.form, value) {
            (ResultForm::Tsv, None) => "\\N".to_string(),
            (ResultForm::Tsv, Some(text)) => text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r"),
            (_, None) => String::new(),
            (_, Some(text)) if text.is_empty() || text.contains(['"', ',', '\n', '\r']) => format!("\"{}\"", text.replace('"', "\"\"")),
            (_, Some(text)) => text,
        }
    }

    fn line(&self, cells: &[String], out: &mut Vec<u8>) {
        let between = if self.form == ResultForm::Tsv { "\t" } else { "," };
        out.extend((cells.join(between) + "\n").bytes());
    }
}

/// A name for the column that says what a row does: `op`, unless there is one.
pub fn op_name(schema: &Schema) -> String {
    let mut name = "op".to_string();
    while schema.fields.iter().any(|f| f.name == name) {
        name.push('_');
    }
    name
}

/// Texts as a result: the columns with their names, all of one length.
///
/// # Errors
/// `Bug` if they are not.
pub fn texts(columns: &[(&str, Vec<&str>)]) -> Result<(Schema, Batch)> {
    let schema = Schema::new(columns.iter().map(|(name, _)| Field::new(*name, SqlType::STRING, true)).collect::<Vec<_>>());
    let arrays = columns
        .iter()
        .map(|(_, values)| Arc::new(StringViewArray::from_iter_values(values)) as ArrayRef);
    let data = RecordBatch::try_new(schema.to_arrow(), arrays.collect()).map_err(failed)?;
    Ok((schema, Batch::new(data)))
}

/// The schema as other programs take it: without our metadata, and with the types that all of them know.
fn plain_schema(schema: &Schema) -> SchemaRef {
    let plain = |f: &Field| {
        let f = f.to_arrow().with_metadata(Default::default());
        let ty = plain_type(f.data_type());
        f.with_data_type(ty)
    };
    Arc::new(arrow_schema::Schema::new(schema.fields.iter().map(plain).collect::<Vec<_>>()))
}

fn plain_type(ty: &DataType) -> DataType {
    let field = |f: &arrow_schema::FieldRef| Arc::new(f.as_ref().clone().with_metadata(Default::default()).with_data_type(plain_type(f.data_type())));
    match ty {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(f) => DataType::List(field(f)),
        DataType::Map(f, sorted) => DataType::Map(field(f), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        other => other.clone(),
    }
}

fn plain_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(c, f)| cast(c, f.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(failed)
}

fn failed(e: ArrowError) -> Error {
    Error::bug("a result could not be written").source(e)
}

#[cfg(test)]
mod tests;
