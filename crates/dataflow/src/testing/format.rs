//! What every format must keep: rows come back as they were, and no bytes do more harm than cost their own record.

mod messages;
mod samples;

use super::random::Random;
use super::report::{Found, fail, multiset, same_rows, text};
use super::rows::{Cell, batch, columns, texts};
use crate::{Batch, Decoder, Encoder, ErrorKind, Field, RecordEncoder, Result, Schema, SqlType};
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use messages::{MessageCase, message_suite};

/// A format of files under test.
pub struct FormatCase<'a> {
    /// Makes an encoder for these columns.
    pub encoder: &'a dyn Fn(&Schema) -> Result<Box<dyn Encoder>>,
    /// How bytes are read.
    pub reading: Reading<'a>,
    /// Whether the format cannot hold this type, looked at without its parts: then both sides must refuse a column that has it anywhere.
    /// BIGINT and STRING every format holds.
    pub refuses: &'a dyn Fn(&SqlType) -> bool,
    /// Whether an array of nothing but one NULL is told from NULL.
    pub lone_nulls: bool,
    /// The name of a column, as unusual as the format takes it.
    pub name: &'a str,
}

/// Makes an encoder of messages for these columns.
pub type MakeRecordEncoder<'a> = &'a dyn Fn(&Schema) -> Result<Box<dyn RecordEncoder>>;

/// Makes a decoder: all columns of the records, and those wanted.
pub type MakeDecoder<'a> = &'a dyn Fn(&Schema, &Schema) -> Result<Box<dyn Decoder>>;

/// How a format is read.
pub enum Reading<'a> {
    /// Record by record.
    Records {
        /// Makes a decoder.
        decoder: MakeDecoder<'a>,
        /// The records of a file.
        split: &'a dyn Fn(&[u8]) -> Vec<Range<usize>>,
        /// Makes an encoder of messages, which the same decoder reads.
        messages: MakeRecordEncoder<'a>,
    },
    /// As a whole file, for the columns wanted.
    File(&'a dyn Fn(&Schema, Bytes) -> Result<Vec<RecordBatch>>),
}

/// Rounds of random changes.
const MUTATIONS: usize = 2_000;

/// Ends the test with the first finding.
///
/// - round trip: every [`SqlType`] with its extremes, NULLs and empty values, alone, beside others and nested; wanted columns in another
///   order; written in one batch or row by row; the same rows give the same bytes, also from an encoder that has finished a file before
/// - types that the format does not hold are refused as `Sql` when the encoder or decoder is made, not when a row comes
/// - bytes cut anywhere, and bytes changed at random: rows or an error, never a panic, never an invalid array; of a row format the records
///   before and after keep their rows; of a file format the error is `Data`
/// - texts of all kinds where another type is expected: rows or an error
/// - of a row format also that its messages come back, as [`message_suite`] has it
pub fn format_suite(case: &FormatCase<'_>) {
    let mut held = Vec::new();
    for (ty, values) in samples::scalars() {
        let field = columns(&format!("v {ty}")).fields.remove(0);
        for (field, mut rows) in samples::shapes(&field, &values) {
            rows.retain(|cell| case.lone_nulls || !matches!(cell, Cell::List(items) if *items == [Cell::Null]));
            if refused(case.refuses, &field.ty) {
                settle(&field, check_refused(case, &field));
            } else {
                settle(&field, check_round_trip(case, &field, &rows));
            }
            if let Reading::Records { decoder, messages, .. } = case.reading {
                let case = MessageCase {
                    encoder: messages,
                    decoder,
                    refuses: case.refuses,
                    plain_lists: false,
                    name: case.name,
                    single: false,
                };
                settle(&field, messages::check_shape(&case, &field, &rows));
            }
        }
        if !refused(case.refuses, &field.ty) {
            settle(&field, check_wrong_texts(case, &field));
            held.push((field, values));
        }
    }
    if held.is_empty() {
        fail("format suite: the format holds no type at all");
    }
    let wide = wide(&held);
    for (what, check) in [
        ("cut bytes", check_cuts as fn(&FormatCase<'_>, &RecordBatch) -> Found<()>),
        ("changed bytes", check_mutations),
    ] {
        if let Err(message) = check(case, &wide) {
            fail(&format!("format suite, {what}: {message}"));
        }
    }
}

fn settle(field: &Field, found: Found<()>) {
    if let Err(message) = found {
        fail(&format!("format suite, {}: {message}", field.type_text()));
    }
}

fn refused(refuses: &dyn Fn(&SqlType) -> bool, ty: &SqlType) -> bool {
    refuses(ty)
        || match ty {
            SqlType::Array(e) | SqlType::Multiset(e) => refused(refuses, &e.ty),
            SqlType::Map(k, v) => refused(refuses, &k.ty) || refused(refuses, &v.ty),
            SqlType::Row(fields) => fields.iter().any(|f| refused(refuses, &f.ty)),
            _ => false,
        }
}

fn check_refused(case: &FormatCase<'_>, field: &Field) -> Found<()> {
    let schema = Schema::new(vec![field.clone()]);
    let mut results = vec![("encoder", (case.encoder)(&schema).err())];
    if let Reading::Records { decoder, .. } = &case.reading {
        results.push(("decoder", decoder(&schema, &schema).err()));
    }
    results.into_iter().try_for_each(|(what, result)| is_sql(what, result))
}

fn is_sql(what: &str, result: Option<crate::Error>) -> Found<()> {
    match result {
        Some(e) if e.kind == ErrorKind::Sql => Ok(()),
        Some(e) => Err(format!("the {what} refuses it with a {:?} error instead of Sql: {e}", e.kind)),
        None => Err(format!("the {what} takes it")),
    }
}

/// Writes batches as one file.
fn encode(encoder: &mut dyn Encoder, batches: &[Batch]) -> Found<Vec<u8>> {
    let mut out = Vec::new();
    for b in batches {
        encoder.write(b, &mut out).map_err(text)?;
    }
    encoder.finish(&mut out).map_err(text)?;
    match encoder.buffered() {
        0 => Ok(out),
        n => Err(format!("{n} bytes are buffered after finish")),
    }
}

/// What was read.
struct Read {
    rows: Vec<String>,
    bad: Vec<String>,
}

fn decode(case: &FormatCase<'_>, all: &Schema, wanted: &Schema, bytes: &[u8]) -> Found<Read> {
    let batches = match &case.reading {
        Reading::File(read) => read(wanted, Bytes::copy_from_slice(bytes)).map_err(text)?,
        Reading::Records { decoder, split, .. } => {
            let records = split(bytes);
            return decode_records(decoder(all, wanted).map_err(text)?.as_mut(), wanted, records.into_iter().map(|r| &bytes[r]));
        }
    };
    read(wanted, batches, Vec::new())
}

fn decode_records<'a>(decoder: &mut dyn Decoder, wanted: &Schema, records: impl Iterator<Item = &'a [u8]>) -> Found<Read> {
    let mut bad = Vec::new();
    for record in records {
        if let Err(e) = decoder.decode(record) {
            bad.push(format!("{}: {} in {}", e.reason, e.message, String::from_utf8_lossy(record)));
        }
    }
    let batch = decoder.finish().map_err(text)?;
    read(wanted, vec![batch], bad)
}

fn read(wanted: &Schema, batches: Vec<RecordBatch>, bad: Vec<String>) -> Found<Read> {
    let mut rows = Vec::new();
    for b in batches {
        valid(&b)?;
        if Schema::from_arrow(&b.schema()).map_err(text)? != *wanted {
            return Err(format!("the columns come back as {:?} instead of {wanted:?}", b.schema()));
        }
        rows.extend(texts(&Batch::new(b)));
    }
    Ok(Read { rows, bad })
}

/// What unsafe code may have got wrong.
fn valid(batch: &RecordBatch) -> Found<()> {
    let check = |c: &arrow_array::ArrayRef| c.to_data().validate_full().map_err(|e| format!("an invalid array: {e}"));
    batch.columns().iter().try_for_each(check)
}

fn same(what: &str, expected: &[String], found: &Read) -> Found<()> {
    if let Some(bad) = found.bad.first() {
        return Err(format!("{what}: a record does not come back: {bad}"));
    }
    same_rows(&multiset(expected), &multiset(&found.rows)).map_err(|m| format!("{what}: {m}"))?;
    if *expected == found.rows {
        Ok(())
    } else {
        Err(format!("{what}: the rows come back in another order"))
    }
}

/// A column between others.
fn beside(field: &Field, name: &str, rows: &[Cell]) -> Found<Batch> {
    let schema = Schema::new(vec![
        Field::new("id", SqlType::BigInt, false),
        field.clone(),
        Field::new(name, SqlType::STRING, true),
    ]);
    let note = |i: usize| if i % 3 == 2 { Cell::Null } else { Cell::Text(format!("note {i}")) };
    let row = |(i, v): (usize, &Cell)| vec![Cell::Text(i.to_string()), v.clone(), note(i)];
    Ok(Batch::new(batch(&schema, &rows.iter().enumerate().map(row).collect::<Vec<_>>())?))
}

fn alone(field: &Field, rows: &[Cell]) -> Found<Batch> {
    let schema = Schema::new(vec![field.clone()]);
    Ok(Batch::new(batch(&schema, &rows.iter().map(|v| vec![v.clone()]).collect::<Vec<_>>())?))
}

/// All columns but the last, backwards.
fn some_backwards(whole: &Batch, schema: &Schema) -> Found<(Batch, Schema)> {
    let order: Vec<usize> = (0..schema.fields.len() - 1).rev().collect();
    let wanted = Schema::new(order.iter().map(|i| schema.fields[*i].clone()).collect());
    Ok((Batch::new(whole.data.project(&order).map_err(|e| e.to_string())?), wanted))
}

fn check_round_trip(case: &FormatCase<'_>, field: &Field, rows: &[Cell]) -> Found<()> {
    for whole in [beside(field, case.name, rows)?, alone(field, rows)?] {
        let schema = Schema::from_arrow(&whole.data.schema()).map_err(text)?;
        let expected = texts(&whole);
        let mut encoder = (case.encoder)(&schema).map_err(text)?;
        let bytes = encode(encoder.as_mut(), std::slice::from_ref(&whole))?;
        same("round trip", &expected, &decode(case, &schema, &schema, &bytes)?)?;
        let mut fresh = (case.encoder)(&schema).map_err(text)?;
        for (what, encoder) in [("the same encoder", encoder.as_mut()), ("another encoder", fresh.as_mut())] {
            if encode(encoder, std::slice::from_ref(&whole))? != bytes {
                return Err(format!("{what} gives other bytes for the same rows"));
            }
        }
        let single: Vec<Batch> = (0..whole.num_rows()).map(|i| whole.slice(i, 1)).collect();
        let bytes = encode(encoder.as_mut(), &single)?;
        same("written row by row", &expected, &decode(case, &schema, &schema, &bytes)?)?;
        if schema.fields.len() > 1 {
            let (some, wanted) = some_backwards(&whole, &schema)?;
            same("some columns in another order", &texts(&some), &decode(case, &schema, &wanted, &bytes)?)?;
        }
    }
    Ok(())
}

/// Texts that are values of other types, or of none.
fn check_wrong_texts(case: &FormatCase<'_>, field: &Field) -> Found<()> {
    let Reading::Records { decoder, split, .. } = &case.reading else {
        return Ok(());
    };
    let written = columns("v STRING, after BIGINT");
    let read = Schema::new(vec![field.clone(), written.fields[1].clone()]);
    for wrong in samples::hostile_texts() {
        let row = [Cell::Text(wrong.clone()), Cell::Text("7".to_string())];
        let good = Batch::new(batch(&written, &[row.to_vec()])?);
        let bytes = encode((case.encoder)(&written).map_err(text)?.as_mut(), &[good])?;
        let here = |m: String| format!("the text {wrong:?}: {m}");
        let mut decoder = decoder(&read, &read).map_err(text)?;
        for record in split(&bytes) {
            let rows = quietly(|| decoder.decode(&bytes[record]).unwrap_or(0)).map_err(here)?;
            let batch = quietly(|| decoder.finish()).map_err(here)?.map_err(text).map_err(here)?;
            valid(&batch).map_err(here)?;
            if batch.num_rows() != rows {
                return Err(here(format!("{rows} rows were told and {} came", batch.num_rows())));
            }
            if let Some(row) = texts(&Batch::new(batch)).first()
                && !row.ends_with("| 7")
            {
                return Err(here(format!("the column after it came back as {row}")));
            }
        }
    }
    Ok(())
}

/// A panic as an error.
fn quietly<T>(f: impl FnOnce() -> T) -> Found<T> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let told = panic.downcast_ref::<String>().cloned();
        let told = told.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()));
        format!("panicked: {}", told.unwrap_or_default())
    })
}

/// A few rows with a column of each type that the format holds.
fn wide(held: &[(Field, Vec<Cell>)]) -> RecordBatch {
    let fields = held.iter().enumerate().map(|(i, (f, _))| Field::new(format!("c{i}"), f.ty.clone(), true));
    let schema = Schema::new(fields.collect());
    let row = |r: usize| -> Vec<Cell> {
        let value = |(i, (_, values)): (usize, &(Field, Vec<Cell>))| match (r + i) % 7 {
            3 => Cell::Null,
            _ => values[(r + i) % values.len()].clone(),
        };
        held.iter().enumerate().map(value).collect()
    };
    match batch(&schema, &(0..4).map(row).collect::<Vec<_>>()) {
        Ok(batch) => batch,
        Err(message) => fail(&message),
    }
}

fn check_cuts(case: &FormatCase<'_>, wide: &RecordBatch) -> Found<()> {
    let schema = Schema::from_arrow(&wide.schema()).map_err(text)?;
    let whole = Batch::new(wide.clone());
    let bytes = encode((case.encoder)(&schema).map_err(text)?.as_mut(), std::slice::from_ref(&whole))?;
    let expected = texts(&whole);
    for cut in 0..bytes.len() {
        let here = |m: String| format!("cut after {cut} of {} bytes: {m}", bytes.len());
        match &case.reading {
            Reading::File(read) => file(*read, &schema, &bytes[..cut]).map_err(here)?,
            Reading::Records { split, .. } => {
                let complete = split(&bytes).iter().filter(|r| r.end < cut).count();
                let found = quietly(|| decode(case, &schema, &schema, &bytes[..cut])).and_then(|f| f).map_err(here)?;
                if found.rows.get(..complete) != expected.get(..complete) || found.rows.len() > complete + 1 {
                    return Err(here(format!("{complete} records are complete, and these rows came: {:#?}", found.rows)));
                }
            }
        }
    }
    Ok(())
}

/// Reads a damaged file.
fn file(read: &dyn Fn(&Schema, Bytes) -> Result<Vec<RecordBatch>>, schema: &Schema, bytes: &[u8]) -> Found<()> {
    match quietly(|| read(schema, Bytes::copy_from_slice(bytes)))? {
        Ok(batches) => batches.iter().try_for_each(valid),
        Err(e) if e.kind == ErrorKind::Data => Ok(()),
        Err(e) => Err(format!("a {:?} error instead of Data: {e}", e.kind)),
    }
}

fn check_mutations(case: &FormatCase<'_>, wide: &RecordBatch) -> Found<()> {
    let schema = Schema::from_arrow(&wide.schema()).map_err(text)?;
    let whole = Batch::new(wide.clone());
    let bytes = encode((case.encoder)(&schema).map_err(text)?.as_mut(), std::slice::from_ref(&whole))?;
    let expected = texts(&whole);
    let mut random = Random::new(1);
    for round in 0..MUTATIONS {
        let here = |m: String| format!("round {round}: {m}");
        match &case.reading {
            Reading::File(read) => {
                let changed = samples::mutate(&bytes, &mut random);
                file(*read, &schema, &changed).map_err(here)?;
            }
            Reading::Records { decoder, split, .. } => {
                let records = split(&bytes);
                let record = |i: usize| &bytes[records[i].clone()];
                let changed = samples::mutate(record(1), &mut random);
                let mut decoder = decoder(&schema, &schema).map_err(text)?;
                check_neighbours(decoder.as_mut(), [record(0), &changed, record(2)], &expected).map_err(here)?;
            }
        }
    }
    Ok(())
}

/// A bad record between two good ones, which are the first and the third of these rows.
fn check_neighbours(decoder: &mut dyn Decoder, [before, changed, after]: [&[u8]; 3], expected: &[String]) -> Found<()> {
    let here = |m: String| format!("{m}\n  record: {}", String::from_utf8_lossy(changed));
    let run = || -> Found<(usize, RecordBatch)> {
        let good = |d: &mut dyn Decoder, r: &[u8]| d.decode(r).map_err(|e| format!("a good neighbour is {e:?}"));
        good(decoder, before)?;
        let rows = decoder.decode(changed).unwrap_or(0);
        good(decoder, after)?;
        if decoder.rows() != rows + 2 {
            return Err(format!("{} rows are told instead of {}", decoder.rows(), rows + 2));
        }
        Ok((rows, decoder.finish().map_err(text)?))
    };
    let (rows, batch) = quietly(run).and_then(|r| r).map_err(here)?;
    valid(&batch).map_err(here)?;
    let found = texts(&Batch::new(batch));
    if found.len() != rows + 2 || found.first() != expected.first() || found.last() != expected.get(2) {
        return Err(here(format!("its neighbours came back as\n    {:?}\n    {:?}", found.first(), found.last())));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
