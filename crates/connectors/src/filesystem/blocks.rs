//! Files that are read whole and in blocks: what Parquet calls row groups, and Avro blocks.

use arrow_array::RecordBatch;
use bytes::Bytes;
use millstream_dataflow::{Error, Result, RowTest, Schema};
use millstream_formats::avro::AvroFile;
use millstream_formats::parquet::ParquetFile;

/// Rows decoded at once.
const ROWS: usize = 8192;

/// Whether files of this format are read so, and not record by record.
pub(super) fn is_read_in_blocks(format: &str) -> bool {
    matches!(format, "avro" | "parquet")
}

/// A whole file in memory. Clones share it.
#[derive(Clone)]
pub(super) struct Blocks {
    file: File,
    schema: Schema,
}

#[derive(Clone)]
enum File {
    Avro(AvroFile),
    Parquet(ParquetFile),
}

impl Blocks {
    /// Opens a file for these columns.
    ///
    /// # Errors
    /// `Data` for bytes that are no file of the format, or one that does not fit the columns.
    pub(super) fn open(format: &str, bytes: Bytes, schema: &Schema) -> Result<Self> {
        let file = match format {
            "avro" => File::Avro(AvroFile::open(bytes, schema)?),
            "parquet" => File::Parquet(ParquetFile::open(bytes, schema)?),
            other => return Err(Error::bug(format!("files of the format '{other}' have no blocks"))),
        };
        let schema = schema.clone();
        Ok(Blocks { file, schema })
    }
    /// Number of blocks.
    pub(super) fn count(&self) -> usize {
        match &self.file {
            File::Avro(file) => file.blocks(),
            File::Parquet(file) => file.row_groups(),
        }
    }
    /// What the format calls a block.
    pub(super) fn noun(&self) -> &'static str {
        match &self.file {
            File::Avro(_) => "block",
            File::Parquet(_) => "row group",
        }
    }
    /// Whether no row of a block passes all tests.
    pub(super) fn skips(&self, block: usize, tests: &[RowTest]) -> bool {
        match &self.file {
            File::Avro(_) => false,
            File::Parquet(file) => file.skips(block, tests),
        }
    }
    /// The rows of a block.
    ///
    /// # Errors
    /// `Data` for damaged bytes, or values that do not fit their column.
    pub(super) fn read(&self, block: usize) -> Result<RecordBatch> {
        let batches = match &self.file {
            File::Avro(file) => file.read(block, ROWS)?.collect::<Result<Vec<_>>>()?,
            File::Parquet(file) => file.read(block, ROWS)?.collect::<Result<Vec<_>>>()?,
        };
        Ok(arrow_select::concat::concat_batches(&self.schema.to_arrow(), &batches)?)
    }
}
