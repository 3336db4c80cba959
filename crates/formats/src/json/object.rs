//! A JSON object into columns: speculates that its keys come in the order of the object before.

use super::JsonOptions;
use super::column::{Column, parse_or_null};
use super::cursor::{Cursor, Fault, Parsed};
use super::form::Form;
use super::text::unescape;
use arrow_array::ArrayRef;
use millstream_dataflow::{Field, Result};

/// A key and what stands around it, as an earlier object had it.
#[derive(Debug)]
struct Expected {
    /// From behind the comma or the brace before it to its value: `"name":`, or with white space, as in ` "name": `.
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
    /// Whether a record goes on with a byte and then this key.
    #[inline]
    fn follows(&self, before: u8, record: &[u8]) -> bool {
        match record.first_chunk::<17>() {
            Some([first, rest @ ..]) => {
                *first == before
                    && (u128::from_le_bytes(*rest) ^ self.head) & self.mask == 0
                    && (self.bytes.len() <= 16 || record[1..].starts_with(&self.bytes))
            }
            None => record.strip_prefix(&[before]).is_some_and(|r| r.starts_with(&self.bytes)),
        }
    }
}

#[derive(Debug)]
pub(super) struct Object {
    fields: Vec<Field>,
    columns: Vec<Column>,
    /// The keys in the order they are expected; no column twice.
    order: Vec<Expected>,
    /// Whether `order` names every column.
    all_named: bool,
    rows: usize,
    /// Per column the number (from 1) of the object that last held it, where that is looked at.
    seen: Vec<u64>,
    objects: u64,
    /// Objects with other keys before the next such one is learned, and how many it was the last time.
    patience: u32,
    patience_before: u32,
    /// The object that was learned last.
    learned: u64,
    /// The column that a record failed at last, and where its value began.
    failed: Option<(usize, usize)>,
}

/// Keys learned at most: an object with more is read all the same, only slower.
const ORDER_MAX: usize = 512;

/// Expected keys compared with one that came out of order, before it is read as any key.
const LOOKED_AT: usize = 32;

/// Where keys never come in the same order, only every so-many-th object is learned.
const PATIENCE_MAX: u32 = 64;

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
            all_named: true,
            rows: 0,
            objects: 0,
            patience: 0,
            patience_before: 0,
            learned: 0,
            failed: None,
        })
    }
    /// The field that a record failed at last, as `row.field`, its type, and where its value began; the innermost one.
    pub(super) fn failed(&self) -> Option<(String, &Field, usize)> {
        let (at, start) = self.failed?;
        let field = &self.fields[at];
        Some(match self.columns[at].row().and_then(Object::failed) {
            Some((path, inner, start)) => (format!("{}.{path}", field.name), inner, start),
            None => (field.name.clone(), field, start),
        })
    }
    pub(super) fn forget_failure(&mut self) {
        if let Some((at, _)) = self.failed.take()
            && let Some(row) = self.columns[at].row_mut()
        {
            row.forget_failure();
        }
    }
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Expects these forms from now on, one per column.
    pub(super) fn expect(&mut self, forms: &[Form]) {
        self.columns.iter_mut().zip(forms).for_each(|(column, form)| column.expect(form));
    }

    /// Appends the object at the cursor, which stands on `{`. After an error the caller truncates.
    pub(super) fn parse(&mut self, c: &mut Cursor<'_>, options: &JsonOptions, scratch: &mut Vec<u8>, depth: u32) -> Parsed<()> {
        self.objects += 1;
        let mut expected = 0;
        let mut before = b'{';
        for key in &self.order {
            if !key.follows(before, c.rest()) {
                break;
            }
            c.at += 1 + key.bytes.len();
            match key.column {
                None => c.skip(depth)?,
                Some(i) => {
                    let column = &mut self.columns[i];
                    if !column.parse_plain(c, options) {
                        c.space();
                        let start = c.at;
                        if let Err(fault) = parse_or_null(column, c, options, scratch, depth) {
                            self.failed = Some((i, start));
                            return Err(fault);
                        }
                    }
                }
            }
            expected += 1;
            before = b',';
        }
        if self.all_named && expected == self.order.len() && c.eat(b'}') {
            self.rows += 1;
            return Ok(());
        }
        self.parse_on(c, options, scratch, depth, expected)
    }

    /// Reads an object on whose first keys came as expected; what follows does not.
    fn parse_on(&mut self, c: &mut Cursor<'_>, options: &JsonOptions, scratch: &mut Vec<u8>, depth: u32, read: usize) -> Parsed<()> {
        let mut found = 0;
        for column in self.order[..read].iter().filter_map(|key| key.column) {
            self.seen[column] = self.objects;
            found += 1;
        }
        // The keys of this object from `read` on, if they are learned.
        let mut order = (self.patience == 0).then(Vec::new);
        let (mut expected, mut first) = (read, read == 0);
        loop {
            let column = match self.look_for(c, expected, first) {
                Some(at) => {
                    let key = &self.order[at];
                    c.at += 1 + key.bytes.len();
                    if let Some(order) = &mut order {
                        order.push(Expected::new(key.bytes.clone(), key.column));
                    }
                    expected = at + 1;
                    key.column
                }
                None => {
                    c.space();
                    if !first && c.eat(b'}') {
                        break;
                    }
                    if !c.eat(if first { b'{' } else { b',' }) {
                        return Err(Fault::Malformed("no comma or end of an object"));
                    }
                    let start = c.at;
                    c.space();
                    if first && c.eat(b'}') {
                        break;
                    }
                    let column = self.any_key(c, scratch)?;
                    if let Some(order) = &mut order {
                        order.push(Expected::new(c.bytes[start..c.at].to_vec(), column));
                    }
                    column
                }
            };
            first = false;
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
                    c.space();
                    let start = c.at;
                    if let Err(fault) = parse_or_null(target, c, options, scratch, depth) {
                        self.failed = Some((i, start));
                        return Err(fault);
                    }
                }
            }
        }
        match order {
            Some(order) => self.learn(read, order),
            None => self.patience -= 1,
        }
        if found < self.columns.len() {
            self.fill_missing(options)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Which expected key comes next, looked for from `from` on and around.
    fn look_for(&self, c: &Cursor<'_>, from: usize, first: bool) -> Option<usize> {
        let before = if first { b'{' } else { b',' };
        let (head, tail) = self.order.split_at(from.min(self.order.len()));
        let around = tail.iter().chain(head).take(LOOKED_AT);
        let at = around.map(|key| key.follows(before, c.rest())).position(|follows| follows)?;
        Some((from.min(self.order.len()) + at) % self.order.len())
    }

    /// A key as it may come, and its column. The cursor stands before it, and then on its value.
    fn any_key(&self, c: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Parsed<Option<usize>> {
        if c.peek() != Some(b'"') {
            return Err(Fault::Malformed("no field name"));
        }
        let (raw, escaped) = c.string()?;
        let name = if escaped {
            unescape(raw.as_bytes(), scratch)?;
            scratch.as_slice()
        } else {
            raw.as_bytes()
        };
        let column = self.fields.iter().position(|f| f.name.as_bytes() == name);
        c.space();
        if !c.eat(b':') {
            return Err(Fault::Malformed("no colon after a field name"));
        }
        c.space();
        Ok(column)
    }

    /// Expects the keys of this object from now on, unless it only leaves out some of the expected ones: they may come again.
    fn learn(&mut self, read: usize, order: Vec<Expected>) {
        self.patience_before = if self.objects - self.learned > u64::from(PATIENCE_MAX) * 2 {
            0
        } else {
            (self.patience_before * 2 + 1).min(PATIENCE_MAX)
        };
        self.patience = self.patience_before;
        self.learned = self.objects;
        let mut known = self.order[read..].iter();
        if order.iter().all(|key| known.any(|k| k.bytes == key.bytes)) {
            return;
        }
        self.order.truncate(read);
        self.order.extend(order);
        self.order.truncate(ORDER_MAX);
        let mut named = vec![false; self.columns.len()];
        let twice = self
            .order
            .iter()
            .position(|key| key.column.is_some_and(|c| std::mem::replace(&mut named[c], true)));
        self.order.truncate(twice.unwrap_or(usize::MAX));
        self.all_named = self.order.iter().filter(|key| key.column.is_some()).count() == self.columns.len();
    }

    fn fill_missing(&mut self, options: &JsonOptions) -> Parsed<()> {
        for (i, column) in self.columns.iter_mut().enumerate() {
            if self.seen[i] != self.objects {
                if options.fail_on_missing_field || !self.fields[i].nullable {
                    self.failed = Some((i, 0));
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
