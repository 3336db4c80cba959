//! A format of lines that holds BIGINT and STRING, with a defect on demand: the suite must find each.

use super::*;
use crate::testing::report::caught;
use crate::testing::rows::{Floats, row_text};
use crate::{BadRecord, Error, Records};
use arrow_array::RecordBatchOptions;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    DropsNulls,
    MixesUpColumns,
    PanicsOnBadRecords,
    ClearsNeighbours,
    TakesEveryType,
    RefusesTooMuch,
    EncoderRemembers,
    KeepsHalfARecord,
    LosesTheLastRow,
    RecordsOfABatch,
    MessagesRemember,
    MessagesWithEnds,
}

/// `12,-,s6162`: numbers, `-` for NULL, texts as hex digits.
struct Lines {
    defect: Defect,
    all: Schema,
    wanted: Schema,
    rows: Vec<Vec<Cell>>,
    written: usize,
}

fn new(defect: Defect, all: &Schema, wanted: &Schema) -> Result<Box<Lines>> {
    let held = |f: &Field| match &f.ty {
        SqlType::VarChar(_) if defect == Defect::RefusesTooMuch => f.nullable,
        SqlType::BigInt | SqlType::VarChar(_) => true,
        _ => defect == Defect::TakesEveryType,
    };
    if !all.fields.iter().all(held) {
        return Err(Error::sql("a type is not held"));
    }
    Ok(Box::new(Lines {
        defect,
        all: all.clone(),
        wanted: wanted.clone(),
        rows: Vec::new(),
        written: 0,
    }))
}

impl Encoder for Lines {
    fn write(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        for row in 0..batch.num_rows() {
            self.written += 1;
            if self.defect == Defect::EncoderRemembers && self.written == 1 {
                out.push(b'\n');
            }
            if self.defect == Defect::LosesTheLastRow && row > 0 && row + 1 == batch.num_rows() {
                continue;
            }
            let cells = batch.data.columns().iter().map(|c| {
                use arrow_array::cast::AsArray;
                if c.is_null(row) {
                    return if self.defect == Defect::DropsNulls {
                        "s".to_string()
                    } else {
                        "-".to_string()
                    };
                }
                match c.as_string_view_opt() {
                    Some(s) => format!("s{}", s.value(row).bytes().map(|b| format!("{b:02x}")).collect::<String>()),
                    None => row_text(
                        &RecordBatch::try_from_iter([("n", std::sync::Arc::clone(c))]).unwrap(),
                        row,
                        &columns("n BIGINT"),
                        Floats::Exact,
                    ),
                }
            });
            out.extend(cells.collect::<Vec<_>>().join(",").bytes());
            out.push(b'\n');
        }
        Ok(())
    }
    fn buffered(&self) -> usize {
        0
    }
    fn finish(&mut self, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

impl RecordEncoder for Lines {
    fn encode(&mut self, batch: &Batch, out: &mut Records) -> Result<()> {
        for row in 0..batch.num_rows() {
            self.write(&batch.slice(row, 1), &mut out.bytes)?;
            if self.defect != Defect::MessagesWithEnds {
                out.bytes.pop();
            }
            if self.defect == Defect::MessagesRemember && self.written.is_multiple_of(2) {
                out.bytes.insert(0, b' ');
            }
            if self.defect != Defect::RecordsOfABatch {
                out.end();
            }
        }
        if self.defect == Defect::RecordsOfABatch {
            out.end();
        }
        Ok(())
    }
}

fn cell(field: &Field, text: &str) -> Option<Cell> {
    if text == "-" {
        return field.nullable.then_some(Cell::Null);
    }
    match &field.ty {
        SqlType::BigInt => text.parse::<i64>().ok().map(|n| Cell::Text(n.to_string())),
        _ => {
            let digits = text.strip_prefix('s')?.as_bytes().chunks(2);
            let bytes = digits.map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok());
            String::from_utf8(bytes.collect::<Option<_>>()?).ok().map(Cell::Text)
        }
    }
}

impl Decoder for Lines {
    fn decode(&mut self, record: &[u8]) -> Result<usize, BadRecord> {
        let texts: Vec<&str> = std::str::from_utf8(record).map(|t| t.split(',').collect()).unwrap_or_default();
        let of = |f: &Field| {
            let at = self.all.index_of(&f.name)?;
            cell(f, texts.get(if self.defect == Defect::MixesUpColumns { 0 } else { at })?)
        };
        let row: Option<Vec<Cell>> = self.wanted.fields.iter().map(of).collect();
        match row.filter(|_| texts.len() == self.all.fields.len()) {
            Some(row) => {
                self.rows.push(row);
                Ok(1)
            }
            None => {
                assert!(self.defect != Defect::PanicsOnBadRecords, "a bad record");
                match self.defect {
                    Defect::ClearsNeighbours => self.rows.clear(),
                    Defect::KeepsHalfARecord => self.rows.push(vec![Cell::Null; self.wanted.fields.len()]),
                    _ => {}
                }
                Err(BadRecord {
                    reason: "malformed",
                    message: String::new(),
                })
            }
        }
    }
    fn rows(&self) -> usize {
        self.rows.len()
    }
    fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(0));
            let none = self.wanted.fields.iter().map(|f| arrow_array::new_empty_array(&f.ty.to_arrow())).collect();
            return Ok(RecordBatch::try_new_with_options(self.wanted.to_arrow(), none, &options)?);
        }
        batch(&self.wanted, &rows).map_err(Error::data)
    }
}

fn run(defect: Defect) -> String {
    let split = |bytes: &[u8]| {
        let mut start = 0;
        let lines = bytes.split(|b| *b == b'\n').map(|l| {
            let range = start..start + l.len();
            start += l.len() + 1;
            range
        });
        lines.filter(|r| !r.is_empty()).collect()
    };
    caught(|| {
        format_suite(&FormatCase {
            encoder: &|schema| Ok(new(defect, schema, schema)?),
            reading: Reading::Records {
                decoder: &|all, wanted| Ok(new(defect, all, wanted)?),
                split: &split,
                messages: &|schema| Ok(new(defect, schema, schema)?),
            },
            refuses: &|ty| !matches!(ty, SqlType::BigInt | SqlType::VarChar(_)),
            lone_nulls: true,
            name: "a \"name\" é",
        });
    })
}

#[test]
fn a_sound_format_passes() {
    assert_eq!(run(Defect::None), "");
}

#[test]
fn each_planted_defect_is_found() {
    for (defect, told) in [
        (Defect::DropsNulls, "round trip"),
        (Defect::MixesUpColumns, "round trip"),
        (Defect::PanicsOnBadRecords, "panicked: a bad record"),
        (Defect::ClearsNeighbours, "cut"),
        (Defect::TakesEveryType, "the encoder takes it"),
        (Defect::RefusesTooMuch, "Sql error"),
        (Defect::EncoderRemembers, "other bytes"),
        (Defect::KeepsHalfARecord, "0 rows were told and 1 came"),
        (Defect::LosesTheLastRow, "round trip"),
        (Defect::RecordsOfABatch, "rows became 1 records"),
        (Defect::MessagesRemember, "other records for the same rows"),
        (Defect::MessagesWithEnds, "instead of one row"),
    ] {
        let message = run(defect);
        assert!(message.contains(told), "{defect:?}: {message}");
    }
}
