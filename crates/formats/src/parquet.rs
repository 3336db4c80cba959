//! The `parquet` format.

mod convert;
mod skip;
mod sort;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::DataType;
use bytes::Bytes;
use convert::{convert, reads};
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Batch, Encoder, Error, Field, FormatSpec, Result, Schema, SqlType};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use sort::{SORT_BY, Sorter};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

const COMPRESSION: OptionSpec = OptionSpec::new(
    "parquet.compression",
    OptionType::OneOf(&[
        "zstd",
        "snappy",
        "lz4",
        "gzip",
        "brotli",
        "uncompressed",
        "ZSTD",
        "SNAPPY",
        "LZ4_RAW",
        "GZIP",
        "BROTLI",
        "UNCOMPRESSED",
    ]),
    "How column chunks are compressed that are written; read is each of these.",
)
.default("zstd");

const LEVEL: OptionSpec = OptionSpec::new(
    "parquet.compression.level",
    OptionType::Integer,
    "How hard zstd (1 to 22), gzip (0 to 9) or brotli (0 to 11) try; with zstd, more than a few costs much time and saves little.",
)
.default("1");
const BLOCK_SIZE: OptionSpec = OptionSpec::new("parquet.block.size", OptionType::Memory, "Bytes of a row group, about, as they are written.").default("128 MB");
const PAGE_SIZE: OptionSpec = OptionSpec::new("parquet.page.size", OptionType::Memory, "Bytes of a page, about, before compression.").default("1 MB");
const DICTIONARY: OptionSpec = OptionSpec::new(
    "parquet.enable.dictionary",
    OptionType::Boolean,
    "Whether columns have dictionaries: all or none of them. Decided for each by a look at its first rows unless given.",
);
const STATISTICS: OptionSpec = OptionSpec::new(
    "parquet.statistics",
    OptionType::OneOf(&["none", "chunk", "page"]),
    "What minima, maxima and NULL counts are written of: nothing, each column of a row group, or each page as well.",
)
.default("page");
const BLOOM: OptionSpec = OptionSpec::new(
    "parquet.bloom-filter.columns",
    OptionType::Text,
    "Columns with a bloom filter, by which readers that look for one value leave out row groups.",
)
.examples(&["user_id;page"]);

pub const SPEC: FormatSpec = FormatSpec {
    name: "parquet",
    doc: "Parquet files, read by column name. Encodings are chosen by a look at the first rows.",
    options: &[BLOCK_SIZE, BLOOM, COMPRESSION, LEVEL, DICTIONARY, PAGE_SIZE, SORT_BY, STATISTICS],
    changes: false,
    skips: true,
};

/// Share of distinct values up to which a column gets a dictionary: above it the dictionary costs time and space.
const DICTIONARY_SHARE_MAX: f64 = 0.1;
/// Rows looked at for that.
const SAMPLE_ROWS: usize = 4096;

/// Writes Parquet files one after the other. Deterministic: no clock and no random names go into a file.
pub struct ParquetEncoder {
    schema: Schema,
    compression: Compression,
    block_bytes: usize,
    page_bytes: usize,
    dictionary: Option<bool>,
    statistics: EnabledStatistics,
    /// Columns with a bloom filter.
    bloom: Vec<String>,
    sorter: Option<Sorter>,
    writer: Option<ArrowWriter<Vec<u8>>>,
}

impl ParquetEncoder {
    /// # Errors
    /// `Sql` for a column type that Parquet cannot hold.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        if let Some(f) = schema.fields.iter().find(|f| !holds(&f.ty)) {
            return Err(Error::sql(format!("column \"{}\": the parquet format does not write {}", f.name, f.ty)).code("E0302"));
        }
        let o = Options::new(options);
        let compression = match o.text(&COMPRESSION).unwrap_or("zstd").to_lowercase().as_str() {
            "snappy" => Compression::SNAPPY,
            "lz4" | "lz4_raw" => Compression::LZ4_RAW,
            "uncompressed" => Compression::UNCOMPRESSED,
            name => {
                let level: i32 = o.parsed(&LEVEL)?.unwrap_or(1);
                let wrong = |expected: &str| {
                    let value = format!("option '{}' has the value '{level}', expected {expected}", LEVEL.name);
                    Error::config(format!("{value} for {name}")).code("E0502")
                };
                let positive = u32::try_from(level).unwrap_or(u32::MAX);
                match name {
                    "gzip" => Compression::GZIP(GzipLevel::try_new(positive).map_err(|_| wrong("0 to 9"))?),
                    "brotli" => Compression::BROTLI(BrotliLevel::try_new(positive).map_err(|_| wrong("0 to 11"))?),
                    _ => Compression::ZSTD(ZstdLevel::try_new(level).map_err(|_| wrong("1 to 22"))?),
                }
            }
        };
        let bloom: Vec<String> = o
            .text(&BLOOM)
            .unwrap_or_default()
            .split(';')
            .map(|c| c.trim().to_string())
            .filter(|c| !c.is_empty())
            .collect();
        if let Some(unknown) = bloom.iter().find(|c| schema.index_of(c).is_none()) {
            return Err(Error::config(format!("option '{}' names '{unknown}', which is no column of the files", BLOOM.name)).code("E0502"));
        }
        let bytes = |spec: &OptionSpec| o.memory(spec).and_then(|b| usize::try_from(b).ok()).unwrap_or(usize::MAX).max(1);
        Ok(ParquetEncoder {
            schema: schema.clone(),
            compression,
            block_bytes: bytes(&BLOCK_SIZE),
            page_bytes: bytes(&PAGE_SIZE),
            dictionary: options.contains_key(DICTIONARY.name).then(|| o.boolean(&DICTIONARY)),
            statistics: match o.text(&STATISTICS) {
                Some("none") => EnabledStatistics::None,
                Some("chunk") => EnabledStatistics::Chunk,
                _ => EnabledStatistics::Page,
            },
            bloom,
            sorter: o.text(&SORT_BY).map(|text| Sorter::new(text, schema)).transpose()?,
            writer: None,
        })
    }
    fn open(&self, first: &RecordBatch) -> Result<ArrowWriter<Vec<u8>>> {
        let mut properties = WriterProperties::builder()
            .set_compression(self.compression)
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_max_row_group_bytes(Some(self.block_bytes))
            .set_data_page_size_limit(self.page_bytes)
            .set_statistics_enabled(self.statistics)
            .set_created_by(format!("millstream version {}", env!("CARGO_PKG_VERSION")));
        if let Some(sorter) = &self.sorter {
            properties = properties.set_sorting_columns(Some(sorter.columns(&self.schema)));
        }
        for (field, column) in self.schema.fields.iter().zip(first.columns()) {
            let path = ColumnPath::from(field.name.clone());
            match &field.ty {
                SqlType::Int | SqlType::BigInt | SqlType::Timestamp(_) | SqlType::TimestampLtz(_) | SqlType::Date | SqlType::Time(_) => {
                    properties = properties
                        .set_column_dictionary_enabled(path.clone(), false)
                        .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
                }
                SqlType::Char(_) | SqlType::VarChar(_) => properties = properties.set_column_dictionary_enabled(path, few_distinct(column)),
                _ => {}
            }
            if let Some(is) = self.dictionary {
                properties = properties.set_column_dictionary_enabled(ColumnPath::from(field.name.clone()), is);
            }
        }
        for column in &self.bloom {
            properties = properties.set_column_bloom_filter_enabled(ColumnPath::from(column.clone()), true);
        }
        let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
        ArrowWriter::try_new_with_options(Vec::new(), plain_schema(&self.schema), options).map_err(failed)
    }
    /// Writes the rows that wait as a row group.
    fn write_sorted(&mut self) -> Result<()> {
        if let (Some(sorter), Some(writer)) = (&mut self.sorter, &mut self.writer)
            && let Some(rows) = sorter.take()?
        {
            writer.write(&rows).map_err(failed)?;
            writer.flush().map_err(failed)?;
        }
        Ok(())
    }
    fn drain(&mut self, out: &mut Vec<u8>) {
        if let Some(writer) = &mut self.writer {
            out.append(writer.inner_mut());
        }
    }
}

/// Whether files have a form for all parts of a type.
fn holds(ty: &SqlType) -> bool {
    match ty {
        SqlType::IntervalYearMonth | SqlType::IntervalDayTime | SqlType::Null => false,
        SqlType::Array(part) | SqlType::Multiset(part) => holds(&part.ty),
        SqlType::Map(key, value) => holds(&key.ty) && holds(&value.ty),
        SqlType::Row(fields) => fields.iter().all(|f| holds(&f.ty)),
        _ => true,
    }
}

/// Whether values of a type have an order that readers share.
fn holds_order(ty: &SqlType) -> bool {
    holds(ty) && !matches!(ty, SqlType::Array(_) | SqlType::Multiset(_) | SqlType::Map(..) | SqlType::Row(_))
}

/// The schema as it goes into files: without our metadata keys.
fn plain_schema(schema: &Schema) -> arrow_schema::SchemaRef {
    let plain = |f: &Field| f.to_arrow().with_metadata(Default::default());
    Arc::new(arrow_schema::Schema::new(schema.fields.iter().map(plain).collect::<Vec<_>>()))
}

fn few_distinct(column: &ArrayRef) -> bool {
    let Some(strings) = column.as_string_view_opt() else { return true };
    let sample = strings.iter().take(SAMPLE_ROWS);
    let distinct: HashSet<Option<&str>> = sample.collect();
    // A handful of distinct values is worth a dictionary in a small batch, too.
    distinct.len() <= 64 || (distinct.len() as f64) < DICTIONARY_SHARE_MAX * strings.len().min(SAMPLE_ROWS) as f64
}

impl Encoder for ParquetEncoder {
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        if self.writer.is_none() {
            self.writer = Some(self.open(&batch.data)?);
        }
        let plain = RecordBatch::try_new(plain_schema(&self.schema), batch.data.columns().to_vec())
            .map_err(|e| Error::bug("a batch does not fit its sink").source(e))?;
        match (&mut self.sorter, &mut self.writer) {
            (Some(sorter), _) => {
                sorter.push(plain);
                if sorter.bytes() >= self.block_bytes {
                    self.write_sorted()?;
                }
            }
            (None, Some(writer)) => writer.write(&plain).map_err(failed)?,
            (None, None) => {}
        }
        self.drain(out);
        Ok(())
    }
    fn buffered(&self) -> usize {
        self.writer.as_ref().map_or(0, ArrowWriter::in_progress_size) + self.sorter.as_ref().map_or(0, Sorter::bytes)
    }
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.write_sorted()?;
        if let Some(writer) = &mut self.writer {
            writer.finish().map_err(failed)?;
        }
        self.drain(out);
        self.writer = None;
        Ok(())
    }
}

fn failed(e: parquet::errors::ParquetError) -> Error {
    Error::bug("a Parquet file could not be written").source(e)
}

/// A whole file in memory, read by row group.
#[derive(Debug, Clone)]
pub struct ParquetFile {
    bytes: Bytes,
    metadata: ArrowReaderMetadata,
    schema: Schema,
}

impl ParquetFile {
    /// Opens a file for these columns, found by name.
    ///
    /// # Errors
    /// `Data` for bytes that are no Parquet file, a NOT NULL column that is missing, or a column whose type in the file is not its type in
    /// the table.
    pub fn open(bytes: Bytes, schema: &Schema) -> Result<ParquetFile> {
        let metadata = metadata(&bytes)?;
        for field in schema.fields.iter().filter(|f| !f.nullable) {
            if metadata.schema().index_of(&field.name).is_err() {
                return Err(Error::data(format!("the file has no column \"{}\", which is NOT NULL", field.name)).code("E0700"));
            }
        }
        for field in &schema.fields {
            if let Ok(column) = metadata.schema().field_with_name(&field.name)
                && !reads(column.data_type(), &field.ty.to_arrow())
            {
                return Err(differs(field, column.data_type()));
            }
        }
        Ok(ParquetFile {
            bytes,
            metadata,
            schema: schema.clone(),
        })
    }
    /// The names of a file's columns.
    ///
    /// # Errors
    /// `Data` for bytes that are no Parquet file.
    pub fn names(bytes: Bytes) -> Result<Vec<String>> {
        Ok(metadata(&bytes)?.schema().fields().iter().map(|f| f.name().clone()).collect())
    }
    /// Number of row groups.
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }
    /// The batches of a row group, in order, in the carriers of the schema.
    ///
    /// # Errors
    /// `Data` for damaged bytes or values that do not fit their column.
    pub fn read(&self, row_group: usize, rows_max: usize) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
        let names = Arc::clone(self.metadata.schema());
        let wanted: Vec<usize> = self.schema.fields.iter().filter_map(|f| names.index_of(&f.name).ok()).collect();
        let mask = parquet::arrow::ProjectionMask::roots(self.metadata.parquet_schema(), wanted);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.bytes.clone(), self.metadata.clone())
            .with_row_groups(vec![row_group])
            .with_batch_size(rows_max)
            .with_projection(mask);
        let mut reader = Some(guarded(|| builder.build())?.map_err(unreadable)?);
        let schema = self.schema.clone();
        Ok(std::iter::from_fn(move || {
            let mut open = reader.take()?;
            match guarded(|| open.next()) {
                Ok(None) => None,
                Ok(Some(batch)) => {
                    reader = Some(open);
                    Some(batch.map_err(|_| damaged()).and_then(|b| fit(&b, &schema)))
                }
                Err(e) => Some(Err(e)),
            }
        }))
    }
}

fn metadata(bytes: &Bytes) -> Result<ArrowReaderMetadata> {
    guarded(|| ArrowReaderMetadata::load(bytes, ArrowReaderOptions::new()))?.map_err(unreadable)
}

fn damaged() -> Error {
    Error::data("a Parquet file is damaged").code("E0700")
}

/// The reader takes a file at its word in places and panics over a damaged one. What it worked on is dropped then.
fn guarded<T>(read: impl FnOnce() -> T) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).map_err(|_| damaged())
}

fn unreadable(e: parquet::errors::ParquetError) -> Error {
    let e0700 = |message: String| Error::data(message).code("E0700");
    match e {
        parquet::errors::ParquetError::NYI(what) => e0700(format!("the Parquet file has what is not read: {what}")),
        _ => e0700("the file is no readable Parquet file".into()).hint("it is damaged, was not written to its end, or is of another format"),
    }
}

fn differs(field: &Field, file: &DataType) -> Error {
    let there = SqlType::from_arrow(file).map_or_else(|_| file.to_string(), |ty| ty.to_string());
    Error::data(format!("column \"{}\" is {there} in the file and {} in the table", field.name, field.ty))
        .code("E0700")
        .hint("declare it in the table as it is in the file, and cast it in the query")
}

/// The columns of a schema out of a batch of a file: by name, converted to our carriers, NULL where a column is missing.
fn fit(batch: &RecordBatch, schema: &Schema) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let column = |f: &Field| -> Result<ArrayRef> {
        let wanted = f.ty.to_arrow();
        let Some(there) = batch.column_by_name(&f.name) else {
            return Ok(new_null_array(&wanted, rows));
        };
        let holds = |what: &str| Error::data(format!("column \"{}\" holds {what}", f.name)).code("E0700");
        if !f.nullable && there.logical_null_count() > 0 {
            return Err(holds("NULL, and is NOT NULL in the table").hint("declare it without NOT NULL"));
        }
        convert(there, &wanted).map_err(|e| holds(&e).hint("declare it in the table as it is in the file, and cast it in the query"))
    };
    let columns = schema.fields.iter().map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.to_arrow(), columns, &options)
        .map_err(|e| Error::data("a file's columns do not fit the table").code("E0700").source(e))
}

#[cfg(test)]
mod tests;
