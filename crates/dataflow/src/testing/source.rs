//! What every source must keep: the rows after a position are always the same, whoever reads them, from wherever on, in whatever pieces.

use super::block_on::block_on;
use super::report::{Found, fail, text};
use super::rows::texts;
use crate::{Error, ErrorKind, Fetch, Result, Source, Split};
use arrow_array::Array;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A source under test. Nothing may be added to what it reads while the suite runs.
pub struct SourceCase<'a> {
    /// Opens the source anew, as another process does. Several ways to open it (other sizes of chunks) must give the same rows, and each
    /// must go on from the positions of the others.
    pub open: &'a [&'a dyn Fn() -> Result<Arc<dyn Source>>],
    /// How many rows there are; of an unbounded source that never comes to its end, how many rows of each split are looked at.
    pub rows: usize,
}

/// Fetches that find nothing, in a row, until a source counts as stuck.
const NOTHING_MAX: usize = 2_000;
/// How long one fetch may wait.
const WAIT: Duration = Duration::from_millis(10);
/// Positions of a split that reading is started from again.
const POSITIONS_MAX: usize = 6;

/// One chunk, decoded.
#[derive(Debug, Clone, PartialEq)]
struct Piece {
    /// Where the split stood after it.
    next: String,
    rows: Vec<String>,
    /// Records that were none, with their places.
    bad: Vec<String>,
}

impl Piece {
    fn records(&self) -> usize {
        self.rows.len() + self.bad.len()
    }
}

/// The pieces of each split, in order.
type Read = BTreeMap<String, Vec<Piece>>;

/// Ends the test with the first finding.
///
/// - discovery: ids are unique; known splits come back with their positions; one that is not there any more is an error, or fails when it is
///   read, but is never forgotten
/// - replay: from every position on the rows are those that followed it the first time, for a new instance, all splits or one alone
/// - decoding: a chunk's rows depend on the chunk only, not on what the decoder decoded before, nor on where chunks are cut
/// - positions: what is no position or of another version (its first number is the version) is refused as `Corrupt`
/// - the end: a bounded source finishes each split once, and again at once when it is restored there; what is left of it never grows, and is
///   nothing then
///
/// Sources whose futures need an executor: enter it first.
pub fn source_suite(case: &SourceCase<'_>) {
    if let Err(message) = check(case) {
        fail(&format!("source suite: {message}"));
    }
}

fn check(case: &SourceCase<'_>) -> Found<()> {
    let first = case.open.first().ok_or("there is no source")?;
    let source = first().map_err(text)?;
    let splits = discover(source.as_ref(), &[])?;
    let all = read(source.as_ref(), &splits, case.rows, Decoding::One)?;
    let rows: usize = all.values().flatten().map(Piece::records).sum();
    if source.bounded() && rows != case.rows {
        return Err(format!("the source gave {rows} rows and bad records instead of {}", case.rows));
    }
    if rows < case.rows.max(1) {
        return Err(format!("the source gave only {rows} rows"));
    }
    let fresh = read(source.as_ref(), &splits, case.rows, Decoding::Fresh)?;
    same("a new decoder for each chunk", &all, &fresh)?;
    for (way, open) in case.open.iter().enumerate() {
        let opened = open().map_err(text)?;
        let here = |message: String| format!("opened by way {}, {message}", way + 1);
        let splits = discover(opened.as_ref(), &splits).map_err(here)?;
        let again = read(opened.as_ref(), &splits, case.rows, Decoding::One).map_err(here)?;
        same("read again from the start", &all, &again).map_err(here)?;
        replay(*open, &splits, &again, case.rows).map_err(here)?;
        if way > 0 {
            // Positions of this way's chunks, read by the first way.
            replay(*first, &splits, &again, case.rows).map_err(|m| here(format!("read on by way 1, {m}")))?;
        }
    }
    restored_at_the_end(*first, &splits, &all)?;
    wrong_positions(source.as_ref(), &splits)?;
    unknown_split(source.as_ref(), &splits)
}

fn discover(source: &dyn Source, known: &[Split]) -> Found<Vec<Split>> {
    let splits = block_on(source.discover(known)).map_err(text)?;
    let mut ids: Vec<&str> = splits.iter().map(|s| s.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find(|w| w[0] == w[1]) {
        return Err(format!("the split \"{}\" was discovered twice", twice[0]));
    }
    if splits.is_empty() {
        return Err("no split was discovered".to_string());
    }
    for k in known {
        match splits.iter().find(|s| s.id == k.id) {
            None => return Err(format!("the restored split \"{}\" was forgotten", k.id)),
            Some(s) if s.position != k.position => {
                return Err(format!(
                    "the restored split \"{}\" came back at \"{}\" instead of \"{}\"",
                    k.id, s.position, k.position
                ));
            }
            Some(_) => {}
        }
    }
    Ok(splits)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decoding {
    /// One decoder for all chunks.
    One,
    /// Each chunk by a new decoder, after all chunks were fetched, the last first.
    Fresh,
}

/// Reads splits to their end; of an endless source `rows` of each.
fn read(source: &dyn Source, splits: &[Split], rows: usize, decoding: Decoding) -> Found<Read> {
    let mut reader = source.reader(splits.to_vec()).map_err(text)?;
    let mut decoder = source.decoder().map_err(text)?;
    let mut all: Read = splits.iter().map(|s| (s.id.clone(), Vec::new())).collect();
    let mut open: BTreeMap<String, usize> = splits.iter().map(|s| (s.id.clone(), 0)).collect();
    let mut kept = Vec::new();
    let mut nothing = 0;
    let mut decode = |chunk: crate::Chunk, fresh: bool| -> Found<(String, Piece)> {
        let id = chunk.split.clone();
        let decoded = match fresh {
            true => source.decoder().map_err(text)?.decode(chunk).map_err(text)?,
            false => decoder.decode(chunk).map_err(text)?,
        };
        if decoded.split.id != id {
            return Err(format!("a chunk of \"{id}\" was decoded as one of \"{}\"", decoded.split.id));
        }
        if decoded.raw.as_ref().is_some_and(|raw| raw.len() != decoded.batch.num_rows()) {
            return Err(format!("a chunk of \"{id}\" gave the records of another number of rows than it has"));
        }
        let piece = Piece {
            next: decoded.split.position,
            rows: texts(&decoded.batch),
            bad: decoded
                .bad
                .iter()
                .map(|b| format!("{} at {}", b.why.reason, decoded.places.of(b.number)))
                .collect(),
        };
        Ok((id, piece))
    };
    let mut left = reader.left();
    while !open.is_empty() {
        let fetched = reader.fetch(WAIT).map_err(text)?;
        let now = reader.left();
        if source.bounded() && (now.is_some() != left.is_some() || now > left) {
            return Err(format!("what is left of the bounded source went from {left:?} to {now:?}"));
        }
        left = now;
        nothing = if matches!(fetched, Fetch::Nothing) { nothing + 1 } else { 0 };
        if nothing > NOTHING_MAX {
            return Err(format!(
                "the reader found nothing any more, though {:?} did not end",
                open.keys().collect::<Vec<_>>()
            ));
        }
        match fetched {
            Fetch::Nothing | Fetch::Watermark(..) => {}
            Fetch::Chunk(chunk) => {
                let id = chunk.split.clone();
                let Some(count) = open.get_mut(&id) else {
                    // An endless split goes on after what is looked at.
                    if !source.bounded() && all.contains_key(&id) {
                        continue;
                    }
                    return Err(format!("a chunk of \"{id}\" came, which was not asked for or has ended"));
                };
                if decoding == Decoding::Fresh {
                    // How much is in it is known only when it is decoded: an endless source needs that to stop.
                    if source.bounded() {
                        kept.push(chunk);
                        continue;
                    }
                }
                let (id, piece) = decode(chunk, decoding == Decoding::Fresh)?;
                *count += piece.records();
                let enough = !source.bounded() && *count >= rows;
                all.entry(id.clone()).or_default().push(piece);
                if enough {
                    open.remove(&id);
                }
            }
            Fetch::EndOfData(ids) => {
                for id in ids {
                    if source.bounded() {
                        return Err(format!("the bounded split \"{id}\" says that more may come"));
                    }
                    open.remove(&id);
                }
            }
            Fetch::Finished(id) => {
                if !source.bounded() && source.discovery_interval().is_none() {
                    return Err(format!("the split \"{id}\" of an unbounded source finished"));
                }
                if open.remove(&id).is_none() {
                    return Err(format!("the split \"{id}\" finished twice"));
                }
            }
        }
    }
    if source.bounded() && left.is_some_and(|l| l > 0) {
        return Err(format!("{left:?} is left at the end"));
    }
    if let Some((id, _)) = reader.lag().iter().find(|(id, _)| !all.contains_key(id)) {
        return Err(format!("the lag of \"{id}\" is told, which was not asked for"));
    }
    let mut late = Vec::new();
    for chunk in kept.into_iter().rev() {
        late.push(decode(chunk, true)?);
    }
    for (id, piece) in late.into_iter().rev() {
        all.entry(id).or_default().push(piece);
    }
    Ok(all)
}

/// Compares the rows of each split, as far as both were read.
fn same(what: &str, expected: &Read, actual: &Read) -> Found<()> {
    for (id, pieces) in expected {
        let found = actual.get(id).map(Vec::as_slice).unwrap_or_default();
        same_rows(pieces, found).map_err(|m| format!("{what}: split \"{id}\": {m}"))?;
    }
    Ok(())
}

/// Compares rows, and bad records beside them: which stands first is lost where both are in a chunk.
fn same_rows(expected: &[Piece], actual: &[Piece]) -> Found<()> {
    fn of(pieces: &[Piece], part: fn(&Piece) -> &Vec<String>) -> Vec<&String> {
        pieces.iter().flat_map(part).collect()
    }
    for (what, part) in [("row", (|p| &p.rows) as fn(&Piece) -> &Vec<String>), ("bad record", |p| &p.bad)] {
        let (a, b) = (of(expected, part), of(actual, part));
        let common = a.len().min(b.len());
        if let Some(i) = (0..common).find(|i| a[*i] != b[*i]) {
            return Err(format!("{what} {} is\n    {}\n  instead of\n    {}", i + 1, b[i], a[i]));
        }
        if common == 0 && a.len() != b.len() {
            return Err(format!("{} {what}s came instead of {}", b.len(), a.len()));
        }
    }
    Ok(())
}

/// Like [`same_rows`], for splits that end.
fn same_to_the_end(bounded: bool, expected: &[Piece], actual: &[Piece]) -> Found<()> {
    same_rows(expected, actual)?;
    let count = |pieces: &[Piece]| pieces.iter().map(Piece::records).sum::<usize>();
    let (a, b) = (count(expected), count(actual));
    if bounded && a != b {
        Err(format!("{b} rows came instead of {a}"))
    } else {
        Ok(())
    }
}

/// Starts again from positions along the way.
fn replay(open: &dyn Fn() -> Result<Arc<dyn Source>>, start: &[Split], all: &Read, rows: usize) -> Found<()> {
    let source = open().map_err(text)?;
    let bounded = source.bounded();
    // Each split alone, from some of its positions.
    for (id, pieces) in all {
        let stride = pieces.len().div_ceil(POSITIONS_MAX).max(1);
        for k in (0..pieces.len()).step_by(stride).chain(pieces.len().checked_sub(1)) {
            if !bounded && k + 1 == pieces.len() {
                continue;
            }
            let known: Vec<Split> = start.iter().map(|s| at(s, all, |of| if of == id { k + 1 } else { 0 })).collect();
            let back = discover(source.as_ref(), &known)?;
            let alone: Vec<Split> = back.into_iter().filter(|s| s.id == *id).collect();
            let position = alone.first().map_or("", |s| s.position.as_str()).to_string();
            let again = read(source.as_ref(), &alone, rows, Decoding::One)?;
            let found = again.get(id).map(Vec::as_slice).unwrap_or_default();
            same_to_the_end(bounded, &pieces[k + 1..], found).map_err(|m| format!("replay of \"{id}\" from \"{position}\": {m}"))?;
        }
    }
    // All splits together, each from its middle.
    let middle: Vec<Split> = start.iter().map(|s| at(s, all, |id| all.get(id).map_or(0, |p| p.len() / 2))).collect();
    let middle = discover(source.as_ref(), &middle)?;
    let again = read(source.as_ref(), &middle, rows, Decoding::One)?;
    for (id, pieces) in all {
        let found = again.get(id).map(Vec::as_slice).unwrap_or_default();
        same_to_the_end(bounded, &pieces[pieces.len() / 2..], found).map_err(|m| format!("replay of \"{id}\" from its middle, beside the others: {m}"))?;
    }
    Ok(())
}

/// A split where it stood after some of its pieces.
fn at(split: &Split, all: &Read, pieces: impl Fn(&str) -> usize) -> Split {
    let after = pieces(&split.id).checked_sub(1).and_then(|i| all.get(&split.id)?.get(i));
    Split {
        id: split.id.clone(),
        position: after.map_or_else(|| split.position.clone(), |p| p.next.clone()),
    }
}

/// A source that was read to its end and is restored there ends at once.
fn restored_at_the_end(open: &dyn Fn() -> Result<Arc<dyn Source>>, start: &[Split], all: &Read) -> Found<()> {
    let source = open().map_err(text)?;
    if !source.bounded() {
        return Ok(());
    }
    let ends: Vec<Split> = start.iter().map(|s| at(s, all, |id| all.get(id).map_or(0, Vec::len))).collect();
    let ends = discover(source.as_ref(), &ends)?;
    let again = read(source.as_ref(), &ends, 0, Decoding::One)?;
    let rows: usize = again.values().flatten().map(Piece::records).sum();
    if rows > 0 {
        return Err(format!("restored at its end, the source gave {rows} rows more"));
    }
    // No split at all is a subtask's share, too.
    let mut idle = source.reader(Vec::new()).map_err(text)?;
    match idle.fetch(Duration::ZERO).map_err(text)? {
        Fetch::Nothing => Ok(()),
        other => Err(format!("a reader without splits found {other:?}")),
    }
}

/// Reads until an error or the end of what there is.
fn first_error(source: &dyn Source, splits: Vec<Split>) -> Option<Error> {
    let count = splits.len();
    let mut reader = match source.reader(splits) {
        Ok(reader) => reader,
        Err(e) => return Some(e),
    };
    let mut decoder = match source.decoder() {
        Ok(decoder) => decoder,
        Err(e) => return Some(e),
    };
    let mut ended = 0;
    for _ in 0..NOTHING_MAX {
        match reader.fetch(WAIT) {
            Err(e) => return Some(e),
            Ok(Fetch::Chunk(chunk)) => match decoder.decode(chunk) {
                Err(e) => return Some(e),
                Ok(_) => return None,
            },
            Ok(found @ (Fetch::Finished(_) | Fetch::EndOfData(_))) => {
                ended += if let Fetch::EndOfData(ids) = &found { ids.len() } else { 1 };
                if ended >= count {
                    return None;
                }
            }
            Ok(Fetch::Nothing | Fetch::Watermark(..)) => {}
        }
    }
    None
}

fn wrong_positions(source: &dyn Source, splits: &[Split]) -> Found<()> {
    let split = &splits[0];
    let digit = split
        .position
        .find(|c: char| c.is_ascii_digit())
        .ok_or("a position has no number, so no version")?;
    let mut newer = split.position.clone();
    newer.replace_range(digit..=digit, "9");
    for wrong in ["", "no position", &newer, &format!("{} 7", split.position)] {
        let mangled = Split {
            id: split.id.clone(),
            position: wrong.to_string(),
        };
        match source.reader(vec![mangled]) {
            Err(e) if e.kind == ErrorKind::Corrupt => {}
            Err(e) => return Err(format!("the position \"{wrong}\" is a {:?} error instead of Corrupt: {e}", e.kind)),
            Ok(_) => return Err(format!("the position \"{wrong}\" was taken")),
        }
    }
    Ok(())
}

/// A checkpoint names a split that is not there any more: forgetting it would lose its rows without a word.
fn unknown_split(source: &dyn Source, splits: &[Split]) -> Found<()> {
    let gone = Split {
        id: unknown_id(&splits[0].id),
        position: splits[0].position.clone(),
    };
    let known: Vec<Split> = splits.iter().cloned().chain([gone.clone()]).collect();
    let Ok(back) = block_on(source.discover(&known)) else { return Ok(()) };
    if !back.contains(&gone) {
        return Err(format!(
            "the restored split \"{}\", which is not there any more, was forgotten without an error",
            gone.id
        ));
    }
    match first_error(source, vec![gone.clone()]) {
        Some(_) => Ok(()),
        None => Err(format!(
            "the restored split \"{}\", which is not there any more, was read without an error",
            gone.id
        )),
    }
}

/// An id of the same form that no split has: with another last number, if there is one.
fn unknown_id(id: &str) -> String {
    match id.rfind(|c: char| c.is_ascii_digit()) {
        Some(at) => format!("{}77{}", &id[..at], &id[at + 1..]),
        None => format!("{id}-gone"),
    }
}

#[cfg(test)]
mod tests;
