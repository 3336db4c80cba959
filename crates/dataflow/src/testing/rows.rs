//! Rows as text, both ways.
//!
//! A row is its cells between `|`: `a | 12 | NULL | [1, 2]`. A cell is a bare text (without `|` and `@`) or a quoted one, with the escapes of
//! Rust: `'it\'s\n'`. ARRAY is `[a, b]`, ROW `(a, b)`, MAP and MULTISET `{k = v}`; bytes are `x'00ff'`. Dates, times and timestamps may be
//! given as numbers, in the units of their carrier; intervals are numbers. Two rows are the same iff their texts are.

use super::report::{Found, settle};
use crate::text::{decimal_text, java_double, java_float, parse_decimal};
use crate::{Batch, Field, RowKind, Schema, SqlType, temporal};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BinaryViewArray, BooleanArray, ListArray, MapArray, NullArray, PrimitiveArray, RecordBatch, RecordBatchOptions};
use arrow_array::{StringViewArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, TimeUnit};
use std::str::FromStr;
use std::sync::Arc;

/// Columns from a text: `k STRING, n BIGINT NOT NULL, r ROW<x INT, y INT>`. Ends the test if it is wrong.
pub fn columns(text: &str) -> Schema {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    let field = |part: &&str| {
        let (name, ty) = part.trim().split_once(' ').unwrap_or((part, ""));
        settle(part, Field::parse_type(name, ty).map_err(|e| e.to_string()))
    };
    Schema::new(parts.iter().filter(|p| !p.trim().is_empty()).map(field).collect())
}

/// Rows from texts. Ends the test if a text is wrong.
pub fn rows<S: AsRef<str>>(columns: &Schema, lines: impl IntoIterator<Item = S>) -> RecordBatch {
    let parsed = lines.into_iter().map(|l| settle(l.as_ref(), Line::parse(l.as_ref())).cells);
    settle("rows", batch(columns, &parsed.collect::<Vec<_>>()))
}

/// The rows of a batch as texts, those of a changelog with their kind in front: `-U a | 1`.
pub fn texts(batch: &Batch) -> Vec<String> {
    let schema = settle("a batch", Schema::from_arrow(&batch.data.schema()).map_err(|e| e.to_string()));
    (0..batch.num_rows())
        .map(|row| match &batch.kinds {
            None => row_text(&batch.data, row, &schema, Floats::Exact),
            Some(kinds) => format!("{} {}", kinds[row].short(), row_text(&batch.data, row, &schema, Floats::Exact)),
        })
        .collect()
}

/// How floats are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Floats {
    /// Every digit counts.
    Exact,
    /// To 12 digits: the tolerance of compensated sums.
    Rounded,
}

/// A row of a batch as text, without its kind.
pub(super) fn row_text(batch: &RecordBatch, row: usize, schema: &Schema, floats: Floats) -> String {
    let cells = schema.fields.iter().zip(batch.columns()).map(|(f, c)| cell_text(c, row, f, floats));
    cells.collect::<Vec<_>>().join(" | ")
}

/// A row as it is written in a test.
pub(super) struct Line {
    /// Which input it goes to: `1> a | b`.
    pub(super) input: usize,
    /// `+I` unless it is written in front.
    pub(super) kind: Option<RowKind>,
    pub(super) cells: Vec<Cell>,
    /// `a | b @ 1000`.
    pub(super) stamp: Option<i64>,
}

impl Line {
    pub(super) fn parse(text: &str) -> Found<Line> {
        let (input, rest) = match text.split_once("> ") {
            Some((input, rest)) if !input.is_empty() && input.bytes().all(|b| b.is_ascii_digit()) => (input.parse().map_err(|_| "no input")?, rest),
            _ => (0, text),
        };
        let kinds = [RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete];
        let found = kinds.into_iter().find_map(|k| Some((k, rest.strip_prefix(k.short())?.strip_prefix(' ')?)));
        let (kind, rest) = found.map_or((None, rest), |(k, rest)| (Some(k), rest));
        let mut reader = Reader { text: rest, at: 0 };
        let mut cells = vec![reader.cell(&['|', '@'])?];
        while reader.eat('|') {
            cells.push(reader.cell(&['|', '@'])?);
        }
        let stamp = match reader.eat('@') {
            true => Some(rest[reader.at..].trim().parse().map_err(|_| format!("\"{text}\" has no number after @"))?),
            false if reader.at < rest.len() => return Err(format!("\"{}\" follows the last cell of \"{text}\"", &rest[reader.at..])),
            false => None,
        };
        Ok(Line { input, kind, cells, stamp })
    }
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Text(String),
    List(Vec<Cell>),
    Pairs(Vec<(Cell, Cell)>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }
    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }
    fn eat(&mut self, c: char) -> bool {
        self.space();
        let found = self.rest().starts_with(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }
    fn cell(&mut self, stops: &[char]) -> Found<Cell> {
        if self.eat('\'') {
            return self.quoted();
        }
        for (open, close) in [('[', ']'), ('(', ')')] {
            if self.eat(open) {
                return self.items(close, |r| r.cell(&[',', close])).map(Cell::List);
            }
        }
        if self.eat('{') {
            let pair = |r: &mut Self| {
                let key = r.cell(&['='])?;
                if !r.eat('=') {
                    return Err(format!("no = after a key in \"{}\"", r.text));
                }
                Ok((key, r.cell(&[',', '}'])?))
            };
            return self.items('}', pair).map(Cell::Pairs);
        }
        let length = self.rest().find(stops).unwrap_or(self.rest().len());
        let text = self.rest()[..length].trim_end().to_string();
        self.at += length;
        Ok(if text == "NULL" { Cell::Null } else { Cell::Text(text) })
    }
    fn items<T>(&mut self, close: char, item: impl Fn(&mut Self) -> Found<T>) -> Found<Vec<T>> {
        let mut all = Vec::new();
        while !self.eat(close) {
            if !all.is_empty() && !self.eat(',') {
                return Err(format!("no comma or {close} in \"{}\"", self.text));
            }
            all.push(item(self)?);
        }
        Ok(all)
    }
    fn quoted(&mut self) -> Found<Cell> {
        let mut out = String::new();
        let wrong = || format!("a quoted text does not end in \"{}\"", self.text);
        let mut chars = self.rest().char_indices();
        loop {
            let (i, c) = chars.next().ok_or_else(wrong)?;
            match c {
                '\'' => {
                    self.at += i + 1;
                    return Ok(Cell::Text(out));
                }
                '\\' => match chars.next().ok_or_else(wrong)?.1 {
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    '0' => out.push('\0'),
                    'u' => {
                        let digits: String = chars.by_ref().map(|(_, c)| c).skip(1).take_while(|c| *c != '}').collect();
                        out.push(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).ok_or_else(wrong)?);
                    }
                    other => out.push(other),
                },
                c => out.push(c),
            }
        }
    }
}

/// Rows as columns.
pub(super) fn batch(schema: &Schema, rows: &[Vec<Cell>]) -> Found<RecordBatch> {
    if let Some(row) = rows.iter().find(|r| r.len() != schema.fields.len()) {
        return Err(format!("a row has {} cells instead of {}: {row:?}", row.len(), schema.fields.len()));
    }
    let column = |(i, f): (usize, &Field)| array(f, &rows.iter().map(|r| &r[i]).collect::<Vec<_>>());
    let arrays = schema.fields.iter().enumerate().map(column).collect::<Found<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema.to_arrow(), arrays, &options).map_err(|e| e.to_string())
}

/// Values of a type as an array.
pub(super) fn array(field: &Field, cells: &[&Cell]) -> Found<ArrayRef> {
    let carrier = field.ty.to_arrow();
    let wrong = |cell: &Cell| format!("{cell:?} is no {} (column \"{}\")", field.ty, field.name);
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => Ok(text.clone()),
        other => Err(wrong(other)),
    };
    fn each<T>(cells: &[&Cell], value: impl Fn(&Cell) -> Found<T>) -> Found<Vec<Option<T>>> {
        cells.iter().map(|c| if **c == Cell::Null { Ok(None) } else { value(c).map(Some) }).collect()
    }
    macro_rules! primitive {
        ($t:ty, $parse:expr) => {{
            let values = each(cells, |c| $parse(&text(c)?).ok_or_else(|| wrong(c)))?;
            Arc::new(PrimitiveArray::<$t>::from_iter(values).with_data_type(carrier.clone())) as ArrayRef
        }};
    }
    fn number<T: FromStr>(text: &str) -> Option<T> {
        text.parse().ok()
    }
    let nulls = || NullBuffer::from_iter(cells.iter().map(|c| **c != Cell::Null));
    Ok(match &field.ty {
        SqlType::Boolean => Arc::new(BooleanArray::from(each(cells, |c| text(c)?.parse::<bool>().map_err(|_| wrong(c)))?)),
        SqlType::TinyInt => primitive!(Int8Type, number),
        SqlType::SmallInt => primitive!(Int16Type, number),
        SqlType::Int => primitive!(Int32Type, number),
        SqlType::BigInt => primitive!(Int64Type, number),
        SqlType::Float => primitive!(Float32Type, number),
        SqlType::Double => primitive!(Float64Type, number),
        SqlType::Decimal(_, scale) => primitive!(Decimal128Type, |t: &str| parse_decimal(t.as_bytes(), *scale)),
        SqlType::Char(_) | SqlType::VarChar(_) => Arc::new(StringViewArray::from(each(cells, text)?)),
        SqlType::Binary(_) | SqlType::VarBinary(_) => {
            let values = each(cells, |c| bytes(&text(c)?).ok_or_else(|| wrong(c)))?;
            Arc::new(BinaryViewArray::from_iter(values))
        }
        SqlType::Date => primitive!(Date32Type, |t: &str| number(t)
            .or_else(|| temporal::parse_date(t.as_bytes()).map(|d| d.0 as i32))),
        SqlType::Time(_) => primitive!(Time32MillisecondType, |t: &str| number(t)
            .or_else(|| temporal::parse_time(t.as_bytes()).map(|(nanos, _)| (nanos / 1_000_000) as i32))),
        SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => match &carrier {
            DataType::Timestamp(TimeUnit::Microsecond, _) => primitive!(TimestampMicrosecondType, |t: &str| timestamp(t, 1_000_000)),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => primitive!(TimestampNanosecondType, |t: &str| timestamp(t, 1_000_000_000)),
            _ => primitive!(TimestampMillisecondType, |t: &str| timestamp(t, 1_000)),
        },
        SqlType::IntervalYearMonth => primitive!(IntervalYearMonthType, number),
        SqlType::IntervalDayTime => primitive!(DurationMillisecondType, number),
        SqlType::Array(element) => {
            let lists = each(cells, |c| match c {
                Cell::List(items) => Ok(items.clone()),
                other => Err(wrong(other)),
            })?;
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|l| l.as_ref().map_or(0, Vec::len)));
            let items: Vec<&Cell> = lists.iter().flatten().flatten().collect();
            let list = ListArray::try_new(Arc::new(element.to_arrow()), offsets, array(element, &items)?, Some(nulls()));
            Arc::new(list.map_err(|e| e.to_string())?)
        }
        SqlType::Map(key, value) => map(&carrier, key, value, cells, nulls())?,
        SqlType::Multiset(key) => map(&carrier, key, &Field::new("value", SqlType::Int, false), cells, nulls())?,
        SqlType::Row(fields) => {
            let rows = each(cells, |c| match c {
                Cell::List(items) if items.len() == fields.len() => Ok(items.clone()),
                other => Err(wrong(other)),
            })?;
            let item = |i: usize| rows.iter().map(|r| r.as_ref().map_or(&Cell::Null, |r| &r[i])).collect::<Vec<_>>();
            let columns = fields.iter().enumerate().map(|(i, f)| array(f, &item(i))).collect::<Found<Vec<_>>>()?;
            let arrow = fields.iter().map(Field::to_arrow).collect();
            Arc::new(StructArray::try_new_with_length(arrow, columns, Some(nulls()), cells.len()).map_err(|e| e.to_string())?)
        }
        SqlType::Null => Arc::new(NullArray::new(cells.len())),
    })
}

fn map(carrier: &DataType, key: &Field, value: &Field, cells: &[&Cell], nulls: NullBuffer) -> Found<ArrayRef> {
    let none = Vec::new();
    let pairs = cells.iter().map(|c| match c {
        Cell::Pairs(pairs) => Ok(pairs),
        Cell::Null => Ok(&none),
        other => Err(format!("{other:?} is no MAP or MULTISET")),
    });
    let pairs = pairs.collect::<Found<Vec<_>>>()?;
    let DataType::Map(entries, _) = carrier else {
        return Err("a MAP is not carried by a map".into());
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err("a map's entries are no struct".into());
    };
    let (keys, values): (Vec<&Cell>, Vec<&Cell>) = pairs.iter().flat_map(|p| p.iter()).map(|(k, v)| (k, v)).unzip();
    let columns = vec![array(key, &keys)?, array(value, &values)?];
    let structs = StructArray::try_new_with_length(fields.clone(), columns, None, keys.len()).map_err(|e| e.to_string())?;
    let offsets = OffsetBuffer::from_lengths(pairs.iter().map(|p| p.len()));
    let map = MapArray::try_new(Arc::clone(entries), offsets, structs, Some(nulls), false);
    Ok(Arc::new(map.map_err(|e| e.to_string())?))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("x'")?.strip_suffix('\'')?;
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok()).collect()
}

fn timestamp(text: &str, per_second: i64) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let ((days, nanos), _) = temporal::parse_timestamp(text.as_bytes(), b' ')?;
    days.checked_mul(per_second * 86_400)?.checked_add(nanos / (1_000_000_000 / per_second))
}

/// A value as text.
fn cell_text(array: &ArrayRef, row: usize, field: &Field, floats: Floats) -> String {
    if array.is_null(row) || field.ty == SqlType::Null {
        return "NULL".to_string();
    }
    let list = |values: &ArrayRef, element: &Field| -> Vec<String> { (0..values.len()).map(|i| cell_text(values, i, element, floats)).collect() };
    let pairs = |key: &Field, value: &Field| {
        let entries = array.as_map().value(row);
        let (keys, values) = (list(entries.column(0), key), list(entries.column(1), value));
        let mut pairs: Vec<String> = keys.iter().zip(values).map(|(k, v)| format!("{k} = {v}")).collect();
        pairs.sort();
        format!("{{{}}}", pairs.join(", "))
    };
    match &field.ty {
        SqlType::Boolean => array.as_boolean().value(row).to_string(),
        SqlType::TinyInt => array.as_primitive::<Int8Type>().value(row).to_string(),
        SqlType::SmallInt => array.as_primitive::<Int16Type>().value(row).to_string(),
        SqlType::Int => array.as_primitive::<Int32Type>().value(row).to_string(),
        SqlType::BigInt => array.as_primitive::<Int64Type>().value(row).to_string(),
        SqlType::Float => java_float(array.as_primitive::<Float32Type>().value(row)),
        SqlType::Double => match (array.as_primitive::<Float64Type>().value(row), floats) {
            (d, Floats::Exact) => java_double(d),
            (d, Floats::Rounded) => java_double(format!("{d:.11e}").parse().unwrap_or(d)),
        },
        SqlType::Decimal(_, scale) => decimal_text(array.as_primitive::<Decimal128Type>().value(row), *scale),
        SqlType::Char(_) | SqlType::VarChar(_) => quoted(array.as_string_view().value(row)),
        SqlType::Binary(_) | SqlType::VarBinary(_) => {
            let hex: String = array.as_binary_view().value(row).iter().map(|b| format!("{b:02x}")).collect();
            format!("x'{hex}'")
        }
        SqlType::Date => {
            let mut out = String::new();
            temporal::write_date(array.as_primitive::<Date32Type>().value(row).into(), &mut out);
            out
        }
        SqlType::Time(_) => {
            let mut out = String::new();
            temporal::write_time(i64::from(array.as_primitive::<Time32MillisecondType>().value(row)) * 1_000_000, 3, &mut out);
            out
        }
        SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => {
            let (days, nanos, digits) = match array.data_type() {
                DataType::Timestamp(TimeUnit::Microsecond, _) => {
                    let (days, nanos) = temporal::split(array.as_primitive::<TimestampMicrosecondType>().value(row), 1_000_000);
                    (days, nanos, 6)
                }
                DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                    let (days, nanos) = temporal::split(array.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000_000);
                    (days, nanos, 9)
                }
                _ => {
                    let (days, nanos) = temporal::split(array.as_primitive::<TimestampMillisecondType>().value(row), 1_000);
                    (days, nanos, 3)
                }
            };
            let mut out = String::new();
            temporal::write_date(days, &mut out);
            out.push(' ');
            temporal::write_time(nanos, digits, &mut out);
            out
        }
        SqlType::IntervalYearMonth => array.as_primitive::<IntervalYearMonthType>().value(row).to_string(),
        SqlType::IntervalDayTime => array.as_primitive::<DurationMillisecondType>().value(row).to_string(),
        SqlType::Array(element) => format!("[{}]", list(&array.as_list::<i32>().value(row), element).join(", ")),
        SqlType::Map(key, value) => pairs(key, value),
        SqlType::Multiset(key) => pairs(key, &Field::new("value", SqlType::Int, false)),
        SqlType::Row(fields) => {
            let columns = array.as_struct().columns().iter().zip(fields);
            format!("({})", columns.map(|(c, f)| cell_text(c, row, f, floats)).collect::<Vec<_>>().join(", "))
        }
        SqlType::Null => "NULL".to_string(),
    }
}

/// A text bare where that is clear, else quoted.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:#+ ".contains(c);
    if !text.is_empty() && text != "NULL" && text.trim() == text && text.chars().all(plain) {
        return text.to_string();
    }
    let escape = |c: char| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{{{:x}}}", c as u32),
        c => c.to_string(),
    };
    format!("'{}'", text.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests;
