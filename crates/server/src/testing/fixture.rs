//! Rows of a file: what a table of the `filesystem` connector would read.

use super::step::Fixtures;
use arrow_array::RecordBatch;
use millstream_dataflow::{Connectors, Error, Fetch, Field, Result, Schema, Source, TableSpec};
use millstream_plan::TableDef;
use std::path::Path;
use std::time::Duration;

/// How long a reader waits for more in one call.
const WAIT: Duration = Duration::from_millis(20);

/// The rows of a file in the columns of a table, in their order.
///
/// # Errors
/// `Config` for a file that is not there or has no known ending, `Data` for a record that is no row.
pub(super) fn fixture(path: &str, def: &TableDef, fixtures: &Fixtures<'_>) -> Result<Vec<RecordBatch>> {
    let format = match path.rsplit_once('.').map(|(_, end)| end) {
        Some("jsonl" | "json") => "json",
        Some("csv") => "csv",
        Some("parquet") => "parquet",
        Some("avro") => "avro",
        _ => {
            let e = Error::config(format!("the format of '{path}' cannot be told")).code("E0803");
            return Err(e.hint("its name must end in .jsonl, .json, .csv, .parquet or .avro"));
        }
    };
    let Some(found) = fixtures.directories.iter().map(|d| d.join(path)).find(|p| p.is_file()) else {
        let e = Error::config(format!("there is no file '{path}'")).code("E0803");
        return Err(e.hint("paths start at the test file's directory, or where the program was started"));
    };
    let prefix = format!("{format}.");
    let mut options = def.options.clone();
    options.retain(|key, _| key.starts_with(&prefix));
    for (key, value) in [("connector", "filesystem"), ("format", format), ("path", &found.to_string_lossy())] {
        options.insert(key.to_string(), value.to_string());
    }
    let mut spec = TableSpec {
        options,
        partition_keys: Vec::new(),
        ..def.spec()
    };
    spec.columns.retain(|c| c.kind == millstream_dataflow::ColumnKind::Physical);
    let head = (format == "csv").then(|| head(&found, &spec)).flatten();
    let source = fixtures.registry.source(&spec)?;
    let mut batches = Vec::new();
    read(source.as_ref(), fixtures.handle, head, |_, batch, bad| {
        if let Some(bad) = bad {
            return Err(Error::data(format!("a record of '{path}' is no row of table \"{}\"", def.name))
                .code("E0700")
                .detail(bad));
        }
        let fields = spec.columns.iter().map(|c| Field {
            nullable: true,
            ..c.field.clone()
        });
        let schema = Schema::new(fields.collect()).to_arrow();
        let again = RecordBatch::try_new(schema, batch.columns().to_vec()).map_err(|e| Error::bug("rows of a file do not fit the table").source(e))?;
        batches.push(again);
        Ok(true)
    })?;
    Ok(batches)
}

/// Where the first line of a CSV file begins, if it is the names of the columns.
fn head(path: &Path, spec: &TableSpec) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let delimiter = spec.options.get("csv.field-delimiter").map_or(",", String::as_str);
    let delimiter = if delimiter == "\\t" { "\t" } else { delimiter };
    let line = text.get(mark..)?.lines().next()?;
    let named = line.split(delimiter).map(|name| name.trim().trim_matches('"'));
    named.eq(spec.columns.iter().map(|c| c.field.name.as_str())).then_some(mark as u64)
}

/// Reads a source until it has ended or enough was read: gives each batch with its split and what is wrong with its first bad record.
///
/// - `head`: the record there is none, be it a row or not
pub(super) fn read(
    source: &dyn Source,
    handle: &tokio::runtime::Handle,
    mut head: Option<u64>,
    mut take: impl FnMut(&str, RecordBatch, Option<String>) -> Result<bool>,
) -> Result<()> {
    let splits = handle.block_on(source.discover(&[]))?;
    let mut open: Vec<String> = splits.iter().map(|s| s.id.clone()).collect();
    let (mut reader, mut decoder) = (source.reader(splits)?, source.decoder()?);
    while !open.is_empty() {
        match reader.fetch(WAIT)? {
            Fetch::Nothing | Fetch::Watermark(..) => {}
            Fetch::EndOfData(ids) => open.retain(|o| !ids.contains(o)),
            Fetch::Finished(id) => open.retain(|o| *o != id),
            Fetch::Chunk(chunk) => {
                let split = chunk.split.clone();
                let mut decoded = decoder.decode(chunk)?;
                if let Some(head) = head.take() {
                    match decoded.bad.first() {
                        Some(first) if first.number == head => drop(decoded.bad.remove(0)),
                        _ => {
                            let rows = decoded.batch.num_rows();
                            decoded.batch.data = decoded.batch.data.slice(rows.min(1), rows.saturating_sub(1));
                        }
                    }
                }
                let bad = decoded.bad.first().map(|b| format!("{}: {}", decoded.places.of(b.number), b.why.message));
                if !take(&split, decoded.batch.data, bad)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
