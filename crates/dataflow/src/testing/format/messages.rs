//! What every format of messages must keep: a record per row, whose bytes depend on the row only.

use super::*;
use crate::Records;

/// A format of messages under test.
pub struct MessageCase<'a> {
    /// Makes an encoder.
    pub encoder: MakeRecordEncoder<'a>,
    /// Makes a decoder.
    pub decoder: MakeDecoder<'a>,
    /// As in [`FormatCase`].
    pub refuses: &'a dyn Fn(&SqlType) -> bool,
    /// Arrays and maps hold no NULL, and one without items is as good as NULL.
    pub plain_lists: bool,
    /// As in [`FormatCase`].
    pub name: &'a str,
    /// A record is the value of the only column, which cannot be NULL.
    pub single: bool,
}

/// Ends the test with the first finding.
///
/// - round trip: as [`format_suite`] has it, record by record; the same rows give the same records, however they are cut into batches
/// - types that the format does not hold are refused as `Sql` when the encoder or decoder is made
/// - a record that is cut, changed at random or written as a text where another type is expected: a row or an error, never a panic, never
///   an invalid array, and the records before and after keep their rows
pub fn message_suite(case: &MessageCase<'_>) {
    let mut held = Vec::new();
    for (ty, values) in samples::scalars() {
        let field = columns(&format!("v {ty}")).fields.remove(0);
        for (field, rows) in samples::shapes(&field, &values) {
            settle(&field, check_shape(case, &field, &rows));
        }
        if !refused(case.refuses, &field.ty) {
            settle(&field, check_wrong_texts(case, &field));
            held.push((field, values));
        }
    }
    if held.is_empty() {
        fail("message suite: the format holds no type at all");
    }
    let batches = match case.single {
        true => held.iter().map(|(field, values)| settled(alone(field, &cycle(values)))).collect(),
        false => vec![Batch::new(wide(&held))],
    };
    for whole in batches {
        if let Err(message) = check_damage(case, &whole) {
            fail(&format!("message suite, damaged records: {message}"));
        }
    }
}

fn settled<T>(found: Found<T>) -> T {
    found.unwrap_or_else(|message| fail(&message))
}

/// Four rows.
fn cycle(values: &[Cell]) -> Vec<Cell> {
    values.iter().cycle().take(4).cloned().collect()
}

/// A column comes back, or is refused.
pub(super) fn check_shape(case: &MessageCase<'_>, field: &Field, rows: &[Cell]) -> Found<()> {
    if refused(case.refuses, &field.ty) {
        let schema = Schema::new(vec![field.clone()]);
        is_sql("record encoder", (case.encoder)(&schema).err())?;
        return is_sql("decoder", (case.decoder)(&schema, &schema).err());
    }
    let kept = rows
        .iter()
        .filter(|c| (!case.plain_lists || is_plain(&field.ty, c)) && !(case.single && **c == Cell::Null));
    let rows: Vec<Cell> = kept.cloned().collect();
    if !case.single {
        check_records(case, &beside(field, case.name, &rows)?)?;
    }
    check_records(case, &alone(field, &rows)?)
}

/// Whether a format keeps a value that has no NULL in arrays and maps, and none without items.
fn is_plain(ty: &SqlType, cell: &Cell) -> bool {
    match (ty, cell) {
        (SqlType::Array(element), Cell::List(items)) => !items.is_empty() && items.iter().all(|c| *c != Cell::Null && is_plain(&element.ty, c)),
        (SqlType::Map(_, value), Cell::Pairs(pairs)) => !pairs.is_empty() && pairs.iter().all(|(_, c)| *c != Cell::Null && is_plain(&value.ty, c)),
        (SqlType::Row(fields), Cell::List(items)) => fields.iter().zip(items).all(|(f, c)| is_plain(&f.ty, c)),
        _ => true,
    }
}

/// Encodes batches with one encoder.
fn encode(encoder: &mut dyn RecordEncoder, batches: &[Batch]) -> Found<Records> {
    let mut out = Records::default();
    batches.iter().try_for_each(|b| encoder.encode(b, &mut out).map_err(text))?;
    Ok(out)
}

fn check_records(case: &MessageCase<'_>, whole: &Batch) -> Found<()> {
    let schema = Schema::from_arrow(&whole.data.schema()).map_err(text)?;
    let mut encoder = (case.encoder)(&schema).map_err(text)?;
    let records = encode(encoder.as_mut(), std::slice::from_ref(whole))?;
    if records.ends.len() != whole.num_rows() || records.ends.last().copied().unwrap_or(0) != records.bytes.len() {
        return Err(format!(
            "{} rows became {} records, of {} bytes up to {:?}",
            whole.num_rows(),
            records.ends.len(),
            records.bytes.len(),
            records.ends.last()
        ));
    }
    let single: Vec<Batch> = (0..whole.num_rows()).map(|i| whole.slice(i, 1)).collect();
    let mut fresh = (case.encoder)(&schema).map_err(text)?;
    for (what, found) in [
        ("the same encoder", encode(encoder.as_mut(), std::slice::from_ref(whole))?),
        ("another encoder, row by row,", encode(fresh.as_mut(), &single)?),
    ] {
        if found != records {
            return Err(format!("{what} gives other records for the same rows"));
        }
    }
    let mut decoder = (case.decoder)(&schema, &schema).map_err(text)?;
    for (i, record) in records.iter().enumerate() {
        match decoder.decode(record) {
            Ok(1) => {}
            other => return Err(format!("record {i} gives {other:?} instead of one row: {}", String::from_utf8_lossy(record))),
        }
    }
    let batch = decoder.finish().map_err(text)?;
    same("messages", &texts(whole), &read(&schema, vec![batch], Vec::new())?)?;
    if schema.fields.len() > 1 {
        let (some, wanted) = some_backwards(whole, &schema)?;
        let mut decoder = (case.decoder)(&schema, &wanted).map_err(text)?;
        let found = decode_records(decoder.as_mut(), &wanted, records.iter())?;
        same("messages, some columns in another order", &texts(&some), &found)?;
    }
    Ok(())
}

/// Texts that are values of other types, or of none.
fn check_wrong_texts(case: &MessageCase<'_>, field: &Field) -> Found<()> {
    let read = Schema::new(vec![field.clone()]);
    for wrong in samples::hostile_texts() {
        let here = |m: String| format!("the text {wrong:?}: {m}");
        let written = alone(&columns("v STRING NOT NULL").fields[0], &[Cell::Text(wrong.clone())])?;
        let mut encoder = (case.encoder)(&columns("v STRING NOT NULL")).map_err(text)?;
        let records = encode(encoder.as_mut(), &[written])?;
        let mut decoder = (case.decoder)(&read, &read).map_err(text)?;
        for record in records.iter() {
            let rows = quietly(|| decoder.decode(record).unwrap_or(0)).map_err(here)?;
            let batch = quietly(|| decoder.finish()).map_err(here)?.map_err(text).map_err(here)?;
            valid(&batch).map_err(here)?;
            if batch.num_rows() != rows {
                return Err(here(format!("{rows} rows were told and {} came", batch.num_rows())));
            }
        }
    }
    Ok(())
}

/// The second of four records, cut everywhere and changed at random.
fn check_damage(case: &MessageCase<'_>, whole: &Batch) -> Found<()> {
    let schema = Schema::from_arrow(&whole.data.schema()).map_err(text)?;
    let expected = texts(whole);
    let records = encode((case.encoder)(&schema).map_err(text)?.as_mut(), std::slice::from_ref(whole))?;
    let records: Vec<&[u8]> = records.iter().collect();
    let check = |changed: &[u8]| {
        let mut decoder = (case.decoder)(&schema, &schema).map_err(text)?;
        check_neighbours(decoder.as_mut(), [records[0], changed, records[2]], &expected)
    };
    for cut in 0..records[1].len() {
        check(&records[1][..cut]).map_err(|m| format!("cut after {cut} of {} bytes: {m}", records[1].len()))?;
    }
    let mut random = Random::new(1);
    for round in 0..MUTATIONS {
        check(&samples::mutate(records[1], &mut random)).map_err(|m| format!("round {round}: {m}"))?;
    }
    Ok(())
}
