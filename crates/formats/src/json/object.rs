//! A JSON object into columns: speculates that its keys come in the order of the object before.

use super::JsonOptions;
use super::column::{Column, parse_or_null};
use super::cursor::{Cursor, Fault, Parsed};
use super::text::unescape;
use arrow_array::ArrayRef;
use millstream_dataflow::{Field, Result};

/// Keys of one object in the order they came, learned from the last object that came otherwise.
#[derive(Debug)]
struct Expected {
    /// `"name":` as it stands in the record.
    bytes: Vec<u8>,
    /// The first 16 bytes as a number, zeros after the end, and ones where there are bytes.
    head: u128,
    mask: u128,
    /// The column it goes to; `None` is skipped.
    column: Option<usize>,
}

impl Expected {
    fn new(bytes: Vec<u8>, column: Option<usize>) -> Self {
        let (mut head, mut mask) = ([0; 16], [0; 16]);
        for (i, b) in bytes.iter().take(16).enumerate() {
            (head[i], mask[i]) = (*b, 0xff);
        }
        Expected {
            bytes,
            head: u128::from_le_bytes(head),
            mask: u128::from_le_bytes(mask),
            column,
        }
    }
    /// Whether a record goes on with this key.
    #[inline]
    fn begins(&self, record: &[u8]) -> bool {
        match record.first_chunk::<16>() {
            Some(chunk) if (u128::from_le_bytes(*chunk) ^ self.head) & self.mask != 0 => false,
            Some(_) if self.bytes.len() <= 16 => true,
            _ => record.starts_with(&self.bytes),
        }
    }
}

#[derive(Debug)]
pub(super) struct Object {
    fields: Vec<Field>,
    columns: Vec<Column>,
    order: Vec<Expected>,
    rows: usize,
    /// Per column the number (from 1) of the object that last held it.
    seen: Vec<u64>,
    objects: u64,
}

/// Keys learned at most: an object with more is read all the same, only slower.
const ORDER_MAX: usize = 512;

impl Object {
    pub(super) fn new(fields: &[Field], options: &JsonOptions) -> Result<Object> {
        let columns = fields.iter().map(|f| Column::new(f, options)).collect::<Result<Vec<_>>>()?;
        let order = fields
            .iter()
            .enumerate()
            .map(|(i, f)| Expected::new(format!("\"{}\":", f.name).into_bytes(), Some(i)))
            .collect();
        Ok(Object {
            fields: fields.to_vec(),
            seen: vec![0; columns.len()],
            columns,
            order,
            rows: 0,
            objects: 0,
        })
    }
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the object at the cursor, which stands on `{`. After an error the caller truncates.
    pub(super) fn parse(&mut self, c: &mut Cursor<'_>, options: &JsonOptions, scratch: &mut Vec<u8>, depth: u32) -> Parsed<()> {
        c.at += 1;
        self.objects += 1;
        let mut expected = 0;
        let mut found = 0;
        // Where the key order left the learned one, if it did.
        let mut surprised = false;
        c.space();
        if !c.eat(b'}') {
            loop {
                c.space();
                let column = match self.order.get(expected) {
                    Some(e) if e.begins(&c.bytes[c.at..]) => {
                        c.at += e.bytes.len();
                        e.column
                    }
                    _ => {
                        surprised = true;
                        self.other_key(c, scratch, expected)?
                    }
                };
                expected += 1;
                c.space();
                match column {
                    None => c.skip(depth)?,
                    Some(i) => {
                        let target = &mut self.columns[i];
                        if self.seen[i] == self.objects {
                            // The last of several equal keys counts.
                            target.truncate(self.rows);
                        } else {
                            self.seen[i] = self.objects;
                            found += 1;
                        }
                        parse_or_null(target, c, options, scratch, depth)?;
                    }
                }
                c.space();
                if c.eat(b'}') {
                    break;
                }
                if !c.eat(b',') {
                    return Err(Fault::Malformed("no comma or end of an object"));
                }
            }
        }
        if surprised {
            self.order.truncate(expected.min(ORDER_MAX));
        }
        if found < self.columns.len() {
            self.fill_missing(options)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// A key that is not the expected one: finds its column and learns its place.
    fn other_key(&mut self, c: &mut Cursor<'_>, scratch: &mut Vec<u8>, place: usize) -> Parsed<Option<usize>> {
        let start = c.at;
        if c.peek() != Some(b'"') {
            return Err(Fault::Malformed("no field name"));
        }
        let (raw, escaped) = c.string()?;
        let name = if escaped {
            unescape(raw, scratch)?;
            scratch.as_slice()
        } else {
            raw
        };
        let column = self.fields.iter().position(|f| f.name.as_bytes() == name);
        c.space();
        if !c.eat(b':') {
            return Err(Fault::Malformed("no colon after a field name"));
        }
        if place < ORDER_MAX {
            let learned = Expected::new(c.bytes[start..c.at].to_vec(), column);
            // Insert rather than replace: after an optional key the rest of the order still holds.
            if self.order.len() < ORDER_MAX {
                self.order.insert(place.min(self.order.len()), learned);
            } else {
                self.order[place] = learned;
            }
        }
        Ok(column)
    }

    fn fill_missing(&mut self, options: &JsonOptions) -> Parsed<()> {
        for (i, column) in self.columns.iter_mut().enumerate() {
            if self.seen[i] != self.objects {
                if options.fail_on_missing_field || !self.fields[i].nullable {
                    return Err(Fault::Type("a field is missing"));
                }
                column.push_null();
            }
        }
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        self.columns.iter_mut().for_each(Column::push_null);
        self.rows += 1;
    }
    pub(super) fn truncate(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|c| c.truncate(rows));
        self.rows = rows;
    }
    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>> {
        self.rows = 0;
        self.columns.iter_mut().map(Column::finish).collect()
    }
}
