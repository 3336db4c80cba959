//! Object container files: a header with the schema, then blocks of records, each followed by the file's marker.

use super::codec::Codec;
use super::cursor::{Cursor, Parsed};
use super::encoder::{Row, long, sized};
use super::plan::Plan;
use super::schema::AvroType;
use super::{CODEC, derive, mapping};
use crate::rows::Rows;
use arrow_array::RecordBatch;
use bytes::Bytes;
use millstream_dataflow::option::Options;
use millstream_dataflow::{Batch, Encoder, Error, Result, Schema};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

const MAGIC: &[u8] = b"Obj\x01";
const SCHEMA: &str = "avro.schema";
const CODEC_NAME: &str = "avro.codec";

/// Bytes of records in a block, before they are packed; what Java's writer takes.
const BLOCK_BYTES: usize = 64_000;

/// What the header tells, by its key.
type Metadata<'a> = BTreeMap<&'a str, &'a [u8]>;
type Marker = [u8; 16];

/// Writes files one after the other. Deterministic: the marker between the blocks is made of the header, not drawn.
pub struct AvroFileEncoder {
    schema: Arc<Schema>,
    codec: Codec,
    header: Vec<u8>,
    marker: Marker,
    /// Whether the header of this file is written.
    open: bool,
    block: Vec<u8>,
    rows_in_block: i64,
}

impl AvroFileEncoder {
    /// # Errors
    /// `Sql` for a column whose type or name Avro does not have.
    pub fn new(schema: &Schema, options: &BTreeMap<String, String>) -> Result<Self> {
        let (text, _) = derive::of_columns(schema, mapping(options))?;
        let codec = Options::new(options).text(&CODEC).and_then(Codec::of_name).unwrap_or(Codec::Snappy);
        let mut header = MAGIC.to_vec();
        long(2, &mut header);
        for (key, value) in [(CODEC_NAME, codec.name()), (SCHEMA, &text)] {
            sized(key.as_bytes(), &mut header);
            sized(value.as_bytes(), &mut header);
        }
        long(0, &mut header);
        let marker = marker(&header);
        header.extend_from_slice(&marker);
        Ok(AvroFileEncoder {
            schema: Arc::new(schema.clone()),
            codec,
            header,
            marker,
            open: false,
            block: Vec::new(),
            rows_in_block: 0,
        })
    }
    fn end_block(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.rows_in_block > 0 {
            long(self.rows_in_block, out);
            sized(&self.codec.pack(&self.block)?, out);
            out.extend_from_slice(&self.marker);
            self.block.clear();
            self.rows_in_block = 0;
        }
        Ok(())
    }
}

/// 128 bits of FNV-1a.
fn marker(bytes: &[u8]) -> Marker {
    let step = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, step).to_be_bytes()
}

impl Encoder for AvroFileEncoder {
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        if !std::mem::replace(&mut self.open, true) {
            out.extend_from_slice(&self.header);
        }
        let schema = Arc::clone(&self.schema);
        let columns = Row::new(batch, &schema)?;
        for row in 0..batch.num_rows() {
            columns.write(row, &mut self.block)?;
            self.rows_in_block += 1;
            if self.block.len() >= BLOCK_BYTES {
                self.end_block(out)?;
            }
        }
        Ok(())
    }
    fn buffered(&self) -> usize {
        self.block.len()
    }
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.open = false;
        self.end_block(out)
    }
}

/// A whole file in memory, read by block.
#[derive(Debug, Clone)]
pub struct AvroFile {
    bytes: Bytes,
    codec: Codec,
    schema: Schema,
    plan: Arc<Plan>,
    /// Rows and packed bytes of each block.
    blocks: Arc<[(u64, Range<usize>)]>,
}

impl AvroFile {
    /// Opens a file for these columns, found by name.
    ///
    /// # Errors
    /// `Data` for bytes that are no Avro file, a NOT NULL column that is missing, or a column whose type in the file is not its type in the
    /// table.
    pub fn open(bytes: Bytes, schema: &Schema) -> Result<AvroFile> {
        let mut c = Cursor::new(&bytes, MAGIC.len());
        let (metadata, marker, writer) = head(&mut c, &bytes)?;
        if !writer.takes_bytes() {
            return Err(unreadable("its records take no bytes"));
        }
        let name = metadata.get(CODEC_NAME).copied().unwrap_or(b"null");
        let codec = std::str::from_utf8(name).ok().and_then(Codec::of_name).ok_or_else(|| {
            let name = String::from_utf8_lossy(name).chars().take(40).collect::<String>();
            unreadable(&format!("its blocks are packed by '{name}', which is not read"))
        })?;
        let plan = Plan::new(&writer, schema).map_err(|e| {
            Error::data(format!("the file does not fit the table: {e}"))
                .code("E0700")
                .hint("declare the column in the table as it is in the file, and cast it in the query")
        })?;
        let mut blocks = Vec::new();
        while c.left() > 0 {
            blocks.push(block(&mut c, &marker, bytes.len()).map_err(|fault| damaged(&fault.to_string()))?);
        }
        Ok(AvroFile {
            codec,
            schema: schema.clone(),
            plan: Arc::new(plan),
            blocks: blocks.into(),
            bytes: bytes.clone(),
        })
    }
    /// The names of the fields of a file's records.
    ///
    /// # Errors
    /// `Data` for bytes that are no Avro file.
    pub fn names(bytes: &Bytes) -> Result<Vec<String>> {
        let (.., writer) = head(&mut Cursor::new(bytes, MAGIC.len()), bytes)?;
        Ok(match writer {
            AvroType::Record(record) => record.fields.iter().map(|(name, _)| name.clone()).collect(),
            _ => Vec::new(),
        })
    }
    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }
    /// The batches of a block, in order, in the carriers of the schema.
    ///
    /// # Errors
    /// `Data` for damaged bytes or values that do not fit their column.
    pub fn read(&self, block: usize, rows_max: usize) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
        let (mut rows_left, range) = self.blocks.get(block).cloned().ok_or_else(|| Error::bug("there is no such block"))?;
        let unpacked = self.codec.unpack(self.bytes.slice(range)).map_err(|e| damaged(&e))?;
        let (mut rows, plan) = (Rows::new(&self.schema)?, Arc::clone(&self.plan));
        let mut at = 0;
        Ok(std::iter::from_fn(move || {
            if rows_left == 0 {
                return None;
            }
            let mut c = Cursor::new(&unpacked, at);
            let wanted = rows_left.min(rows_max.max(1) as u64);
            for _ in 0..wanted {
                if let Err(e) = plan.append(&mut rows, &mut c, false) {
                    rows_left = 0;
                    return Some(Err(damaged(&e.message)));
                }
            }
            rows_left -= wanted;
            at = unpacked.len() - c.left();
            if rows_left == 0 && c.left() > 0 {
                return Some(Err(damaged("bytes follow the last record of a block")));
            }
            Some(rows.finish())
        }))
    }
}

/// What the header tells, the file's marker and its schema.
///
/// - `c`: behind what all Avro files begin with
fn head<'a>(c: &mut Cursor<'a>, bytes: &[u8]) -> Result<(Metadata<'a>, Marker, AvroType)> {
    if !bytes.starts_with(MAGIC) {
        return Err(unreadable("it does not start with Obj and 1"));
    }
    let (metadata, marker) = header(c).map_err(|fault| damaged(&fault.to_string()))?;
    let text = metadata.get(SCHEMA).and_then(|text| std::str::from_utf8(text).ok());
    let writer = AvroType::parse(text.ok_or_else(|| unreadable("it has no schema"))?).map_err(|e| unreadable(&e))?;
    Ok((metadata, marker, writer))
}

/// What the header tells, and the file's marker.
fn header<'a>(c: &mut Cursor<'a>) -> Parsed<(Metadata<'a>, Marker)> {
    let mut metadata = BTreeMap::new();
    while let Some((entries, _)) = c.block()? {
        for _ in 0..entries {
            let (key, value) = (c.sized()?.0, c.sized()?.0);
            if let Ok(key) = std::str::from_utf8(key) {
                metadata.insert(key, value);
            }
        }
    }
    Ok((metadata, c.array()?))
}

/// The rows of the block at the cursor, and its place in a file of so many bytes.
fn block(c: &mut Cursor<'_>, marker: &Marker, file_bytes: usize) -> Parsed<(u64, Range<usize>)> {
    let rows = c.count()? as u64;
    let packed = c.sized()?.0.len();
    let end = file_bytes - c.left();
    if c.array()? != *marker {
        return Err(c.fault("malformed", "a block does not end with the marker of its file"));
    }
    Ok((rows, end - packed..end))
}

fn damaged(what: &str) -> Error {
    Error::data("an Avro file is damaged").code("E0700").source(what.to_string())
}

fn unreadable(what: &str) -> Error {
    Error::data("the file is no readable Avro file").code("E0700").source(what.to_string())
}

#[cfg(test)]
mod tests;
