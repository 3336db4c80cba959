//! Rows to binary Avro.

use crate::cells::{self, Cells, Values};
use millstream_dataflow::{Batch, Error, Result, Schema};

/// The columns of a batch, looked through once for all its rows.
pub(super) struct Row<'a>(Vec<Cells<'a>>);

impl<'a> Row<'a> {
    /// # Errors
    /// `Bug` for columns that do not fit the schema.
    pub(super) fn new(batch: &'a Batch, schema: &'a Schema) -> Result<Row<'a>> {
        cells::of_batch(batch, schema).map(Row)
    }
    /// Appends a row's datum.
    ///
    /// # Errors
    /// `Data` for a NULL where there may be none.
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.0.iter().try_for_each(|cells| write(cells, row, out))
    }
}

/// Appends one value.
fn write(cells: &Cells<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match (cells.nullable, cells.is_null(row)) {
        (true, true) => {
            out.push(0);
            return Ok(());
        }
        (true, false) => out.push(2),
        (false, true) => return Err(Error::data(format!("column \"{}\" is NOT NULL and a row has NULL", cells.name)).code("E0704")),
        (false, false) => {}
    }
    match &cells.values {
        Values::Null => {}
        Values::Boolean(v) => out.push(u8::from(v.value(row))),
        Values::I8(v) => long(v[row].into(), out),
        Values::I16(v) => long(v[row].into(), out),
        Values::I32(v) => long(v[row].into(), out),
        Values::I64(v) => long(v[row], out),
        Values::F32(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        Values::F64(v) => out.extend_from_slice(&v[row].to_le_bytes()),
        Values::Decimal(v) => sized(shortest(&v[row].to_be_bytes()), out),
        Values::Text(v) => sized(v.value(row).as_bytes(), out),
        Values::Bytes(v) => sized(v.value(row), out),
        Values::List(ends, items) => block(ends, row, out, |i, out| write(items, i, out))?,
        Values::Map(ends, keys, values) => block(ends, row, out, |i, out| {
            key(keys, i, out)?;
            write(values, i, out)
        })?,
        Values::Row(columns) => columns.iter().try_for_each(|cells| write(cells, row, out))?,
    }
    Ok(())
}

/// The keys of a MAP are texts.
fn key(keys: &Cells<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match &keys.values {
        Values::Text(v) => sized(v.value(row).as_bytes(), out),
        _ => return Err(Error::bug("keys that are no texts reached the Avro encoder")),
    }
    Ok(())
}

/// A number, zigzag, in groups of seven bits.
pub(super) fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = (value << 1 ^ value >> 63) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Bytes with their length in front.
pub(super) fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// A number in two's complement without bytes that only repeat its sign.
fn shortest(bytes: &[u8; 16]) -> &[u8] {
    let repeats = bytes.windows(2).take_while(|pair| pair[0] == if pair[1] & 0x80 == 0 { 0 } else { 0xff });
    &bytes[repeats.count()..]
}

/// All items of a row in one block, as Java writes them.
fn block(ends: &[i32], row: usize, out: &mut Vec<u8>, mut item: impl FnMut(usize, &mut Vec<u8>) -> Result<()>) -> Result<()> {
    let items = ends[row] as usize..ends[row + 1] as usize;
    if !items.is_empty() {
        long(items.len() as i64, out);
        for i in items {
            item(i, out)?;
        }
    }
    out.push(0);
    Ok(())
}
