//! The `raw` format: a record is the value of the table's only column.

use crate::column::{Column, Values};
use crate::record::{bad, check_bytes};
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch, RecordBatchOptions, cast::AsArray};
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BadRecord, Batch, Decoder, Encoder, Error, Field, FormatSpec, RecordEncoder, Records, Result, Schema, SqlType};
use std::collections::BTreeMap;

const CHARSET: OptionSpec = OptionSpec::new("raw.charset", OptionType::Text, "How texts are encoded; UTF-8 is the only one there is.").default("UTF-8");
const ENDIANNESS: OptionSpec = OptionSpec::new(
    "raw.endianness",
    OptionType::OneOf(&["big-endian", "little-endian"]),
    "The order of the bytes of numbers.",
)
.default("big-endian");

/// What the format declares about itself.
pub const SPEC: FormatSpec = FormatSpec {
    name: "raw",
    doc: "A message is the value of the table's only physical column: a text, bytes, BOOLEAN (one byte, 0 is false) or a number. A message without a value is NULL; what is written cannot be NULL. A file has a text in each line, also an empty one.",
    options: &[CHARSET, ENDIANNESS],
    changes: false,
    skips: false,
};

/// The only column of a table, and whether its numbers start with the lowest byte.
fn column(all: &Schema, options: &BTreeMap<String, String>) -> Result<(Field, bool)> {
    let [field] = all.fields.as_slice() else {
        let names: Vec<&str> = all.fields.iter().map(|f| f.name.as_str()).collect();
        return Err(Error::sql(format!(
            "the raw format takes one physical column, the table has {}: {}",
            names.len(),
            names.join(", ")
        ))
        .code("E0302")
        .hint("leave one column, computed and metadata columns aside, or use a format with fields, such as json"));
    };
    if !holds(&field.ty) {
        return Err(Error::sql(format!("column \"{}\": the raw format does not hold {}", field.name, field.ty))
            .code("E0302")
            .hint("declare it STRING or BYTES and cast it in the query"));
    }
    let options = Options::new(options);
    match options.text(&CHARSET) {
        Some(charset) if !["utf-8", "utf8"].contains(&charset.to_lowercase().as_str()) => {
            Err(Error::config(format!("option '{}' has the value '{charset}', expected UTF-8", CHARSET.name))
                .code("E0502")
                .hint("declare the column BYTES to take other texts as they are"))
        }
        _ => Ok((field.clone(), options.text(&ENDIANNESS) == Some("little-endian"))),
    }
}

fn holds(ty: &SqlType) -> bool {
    let text_or_bytes = matches!(ty, SqlType::Char(_) | SqlType::VarChar(_) | SqlType::Binary(_) | SqlType::VarBinary(_));
    text_or_bytes || ty.is_integer() || matches!(ty, SqlType::Boolean | SqlType::Float | SqlType::Double)
}

/// Takes a record as a value.
pub struct RawDecoder {
    field: Field,
    column: Column,
    little: bool,
    wanted: Schema,
}

impl RawDecoder {
    /// # Errors
    /// `Sql` for a table of several columns or another type, `Config` for a charset other than UTF-8.
    pub fn new(all: &Schema, wanted: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        let (field, little) = column(all, options)?;
        if wanted.fields.iter().any(|f| *f != field) || wanted.fields.len() > 1 {
            return Err(Error::bug("the wanted columns are not among the physical ones"));
        }
        Ok(RawDecoder {
            column: Column::new(&field)?,
            field,
            little,
            wanted: wanted.clone(),
        })
    }
    /// The bytes of a number, highest first.
    fn number<const N: usize>(&self, record: &[u8]) -> Result<[u8; N], BadRecord> {
        let mut bytes: [u8; N] = record.try_into().map_err(|_| {
            bad(
                "type",
                format!(
                    "column \"{}\" ({}): a record of {} bytes instead of {N}",
                    self.field.name,
                    self.field.ty,
                    record.len()
                ),
            )
        })?;
        if self.little {
            bytes.reverse();
        }
        Ok(bytes)
    }
}

impl Decoder for RawDecoder {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        check_bytes(record)?;
        macro_rules! number {
            ($t:ty, $values:path) => {{
                let value = <$t>::from_be_bytes(self.number(record)?);
                if let $values(v) = &mut self.column.values {
                    v.push(value);
                }
            }};
        }
        match &mut self.column.values {
            Values::Text(v) => match std::str::from_utf8(record) {
                Ok(text) => v.push_text(text),
                Err(e) => {
                    let at = e.valid_up_to();
                    return Err(bad(
                        "utf8",
                        format!("column \"{}\": the record is no UTF-8 text from byte {at} on", self.field.name),
                    ));
                }
            },
            Values::Bytes(v) => v.push_bytes(record),
            Values::Boolean(_) => {
                let [byte] = self.number(record)?;
                if let Values::Boolean(v) = &mut self.column.values {
                    v.append(byte != 0);
                }
            }
            Values::I8(_) => number!(i8, Values::I8),
            Values::I16(_) => number!(i16, Values::I16),
            Values::I32(_) => number!(i32, Values::I32),
            Values::I64(_) => number!(i64, Values::I64),
            Values::F32(_) => number!(f32, Values::F32),
            Values::F64(_) => number!(f64, Values::F64),
            _ => return Err(bad("type", format!("column \"{}\" has another type", self.field.name))),
        }
        self.column.validity.push(true);
        Ok(1)
    }
    fn decode_null(&mut self) -> Result<usize, BadRecord> {
        if !self.field.nullable {
            return Err(bad(
                "missing-field",
                format!("the record has no value, and column \"{}\" is NOT NULL", self.field.name),
            ));
        }
        self.column.push_null();
        Ok(1)
    }
    fn rows(&self) -> usize {
        self.column.len()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.column.len()));
        let mut columns = vec![self.column.finish()?];
        columns.truncate(self.wanted.fields.len());
        RecordBatch::try_new_with_options(self.wanted.to_arrow(), columns, &options).map_err(|e| Error::bug("decoded columns do not fit the schema").source(e))
    }
}

/// Writes a value as a record.
pub struct RawEncoder {
    field: Field,
    little: bool,
}

impl RawEncoder {
    /// # Errors
    /// As [`RawDecoder::new`].
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        let (field, little) = column(schema, options)?;
        Ok(RawEncoder { field, little })
    }
}

impl RecordEncoder for RawEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        let column = batch.column(0);
        macro_rules! number {
            ($t:ty, $row:expr) => {{
                let value = column.as_primitive::<$t>().value($row);
                let bytes = if self.little { value.to_le_bytes() } else { value.to_be_bytes() };
                out.bytes.extend_from_slice(&bytes);
            }};
        }
        for row in 0..batch.num_rows() {
            if column.is_null(row) {
                return Err(Error::data(format!("column \"{}\": the raw format has no form for NULL", self.field.name))
                    .code("E0704")
                    .hint(format!("leave such rows out: WHERE {} IS NOT NULL", self.field.name)));
            }
            match &self.field.ty {
                SqlType::Boolean => out.bytes.push(u8::from(column.as_boolean().value(row))),
                SqlType::TinyInt => number!(Int8Type, row),
                SqlType::SmallInt => number!(Int16Type, row),
                SqlType::Int => number!(Int32Type, row),
                SqlType::BigInt => number!(Int64Type, row),
                SqlType::Float => number!(Float32Type, row),
                SqlType::Double => number!(Float64Type, row),
                SqlType::Char(_) | SqlType::VarChar(_) => out.bytes.extend_from_slice(column.as_string_view().value(row).as_bytes()),
                SqlType::Binary(_) | SqlType::VarBinary(_) => out.bytes.extend_from_slice(column.as_binary_view().value(row)),
                other => return Err(Error::bug(format!("{other} reached the raw encoder"))),
            }
            out.end();
        }
        Ok(())
    }
}

/// Writes a text as a line of a file.
pub struct RawFileEncoder {
    encoder: RawEncoder,
    records: Records,
}

impl RawFileEncoder {
    /// # Errors
    /// As [`RawDecoder::new`]; `Sql` for a column that is no text: other values may hold the byte of a line end.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        let encoder = RawEncoder::new(schema, options)?;
        if !matches!(encoder.field.ty, SqlType::Char(_) | SqlType::VarChar(_)) {
            let e = Error::sql(format!(
                "column \"{}\": files of the raw format hold texts, not {}",
                encoder.field.name, encoder.field.ty
            ));
            return Err(e.code("E0302").hint("declare it STRING: a line is a row"));
        }
        let records = Records::default();
        Ok(RawFileEncoder { encoder, records })
    }
}

impl Encoder for RawFileEncoder {
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        self.records.clear();
        self.encoder.encode(batch, &mut self.records)?;
        for line in self.records.iter() {
            if line.contains(&b'\n') || line.ends_with(b"\r") {
                let e = Error::data(format!("column \"{}\": a text with a line end is no line of a file", self.encoder.field.name));
                return Err(e.code("E0704").hint("use a format that quotes, such as json or csv"));
            }
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        Ok(())
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
