//! Rows of a file: what a table of the `filesystem` connector would read.

mod head;

use super::step::Fixtures;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Batch, ColumnKind, Connectors, Error, Fetch, Field, Result, Schema, Source, SqlType, TableColumn, TableSpec, each};
use millstream_formats::{UnknownField, unknown_fields};
use millstream_plan::TableDef;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How long a reader waits for more in one call.
const WAIT: Duration = Duration::from_millis(20);

/// The rows of a file in the columns of a table, in their order.
///
/// # Errors
/// `Config` for a file that is not there or has no known ending, `Sql` for names that are no columns, `Data` for a record that is no row.
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
    let mut spec = TableSpec {
        options: options(format, &found, def),
        partition_keys: Vec::new(),
        ..def.spec()
    };
    spec.columns.retain(|c| c.kind == ColumnKind::Physical);
    let bytes = std::fs::read(&found).map_err(|e| Error::config(format!("the file '{path}' cannot be read")).code("E0803").source(e))?;
    let mut whole = File {
        path,
        head: None,
        lines: matches!(format, "json" | "csv").then(|| ends_of_lines(&bytes)),
        fixtures,
    };
    match format {
        "csv" => whole.head = head::head(path, &bytes, &spec)?,
        _ => no_strangers(path, format, bytes, &spec)?,
    }
    if format != "csv" || spec.options.contains_key(EMPTY_NULL) {
        return whole.batches(&spec);
    }
    // An empty field is a text, but no number and no time: there it can only be NULL.
    let (mut plain, mut others) = (spec.clone(), spec.clone());
    plain.options.insert(EMPTY_NULL.to_string(), "true".to_string());
    plain.columns.retain(|c| has_no_empty_text(&c.field.ty));
    others.columns.retain(|c| !has_no_empty_text(&c.field.ty));
    match (plain.columns.is_empty(), others.columns.is_empty()) {
        (true, _) => whole.batches(&others),
        (_, true) => whole.batches(&plain),
        _ => {
            let (plain, others) = (whole.batches(&plain)?, whole.batches(&others)?);
            plain.iter().zip(&others).map(|(a, b)| side_by_side(&spec, a, b)).collect()
        }
    }
}

const EMPTY_NULL: &str = "csv.empty-string-as-null";
const NULL_LITERAL: &str = "csv.null-literal";

fn has_no_empty_text(ty: &SqlType) -> bool {
    !matches!(
        ty,
        SqlType::Char(_)
            | SqlType::VarChar(_)
            | SqlType::Binary(_)
            | SqlType::VarBinary(_)
            | SqlType::Array(_)
            | SqlType::Row(_)
            | SqlType::Map(..)
            | SqlType::Multiset(_)
    )
}

/// What the file is read with: the table's own options of the format.
fn options(format: &str, path: &Path, def: &TableDef) -> BTreeMap<String, String> {
    let prefix = format!("{format}.");
    let own = def.options.iter().map(|(k, v)| (k.strip_prefix("value.").unwrap_or(k), v));
    let own = own.filter(|(key, _)| key.starts_with(&prefix));
    let mut options: BTreeMap<String, String> = own.map(|(k, v)| (k.to_string(), v.clone())).collect();
    for (key, value) in [("connector", "filesystem"), ("format", format), ("path", &path.to_string_lossy())] {
        options.insert(key.to_string(), value.to_string());
    }
    if format == "csv" {
        options.entry(NULL_LITERAL.to_string()).or_insert_with(|| "\\N".to_string());
    }
    options
}

fn side_by_side(spec: &TableSpec, a: &RecordBatch, b: &RecordBatch) -> Result<RecordBatch> {
    let column = |c: &TableColumn| a.column_by_name(&c.field.name).or_else(|| b.column_by_name(&c.field.name)).cloned();
    let columns: Option<Vec<ArrayRef>> = spec.columns.iter().map(column).collect();
    let columns = columns.ok_or_else(|| Error::bug("a column of a fixture was not read"))?;
    RecordBatch::try_new(schema(spec), columns).map_err(|e| Error::bug("columns of a fixture differ in length").source(e))
}

/// That of rows which may lack any of their columns.
fn schema(spec: &TableSpec) -> SchemaRef {
    let fields = spec.columns.iter().map(|c| Field {
        nullable: true,
        ..c.field.clone()
    });
    Schema::new(fields.collect()).to_arrow()
}

struct File<'a> {
    /// As the test has it.
    path: &'a str,
    head: Option<u64>,
    /// Where they end, in a file that has any.
    lines: Option<Vec<u64>>,
    fixtures: &'a Fixtures<'a>,
}

impl File<'_> {
    fn batches(&self, spec: &TableSpec) -> Result<Vec<RecordBatch>> {
        let source = self.fixtures.registry.source(spec)?;
        let mut batches = Vec::new();
        read(source.as_ref(), self.fixtures.handle, self.head, |_, batch, bad| {
            if let Some(bad) = bad {
                let e = Error::data(format!("a record of '{}' is no row of table \"{}\"", self.path, spec.name));
                return Err(e.code("E0700").detail(self.told(&bad)));
            }
            let again =
                RecordBatch::try_new(schema(spec), batch.data.columns().to_vec()).map_err(|e| Error::bug("rows of a file do not fit the table").source(e))?;
            batches.push(again);
            Ok(true)
        })?;
        Ok(batches)
    }
    fn told(&self, bad: &Bad) -> String {
        match &self.lines {
            Some(ends) => format!("line {}: {}", ends.partition_point(|end| *end < bad.number) + 1, bad.message),
            None => format!("{}: {}", bad.place, bad.message),
        }
    }
}

fn ends_of_lines(bytes: &[u8]) -> Vec<u64> {
    (0..).zip(bytes).filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect()
}

/// Whether a file has no field that is most likely a column, not spelt right.
fn no_strangers(path: &str, format: &str, bytes: Vec<u8>, spec: &TableSpec) -> Result<()> {
    let mut told: Vec<UnknownField> = Vec::new();
    for field in unknown_fields(format, bytes, &spec.schema())? {
        if !told.iter().any(|t| t.name == field.name) {
            told.push(field);
        }
    }
    let wrong = |field: UnknownField| {
        let place = field.line.map_or_else(|| format!("'{path}'"), |line| format!("'{path}', line {line}"));
        let e = no_column(spec, &field.name).detail(place);
        match (nearest(&field.name, field.missing.iter().map(String::as_str)), field.missing.first()) {
            (Some(near), _) => e.hint(format!("did you mean \"{near}\"?")),
            (None, missing) => e.hint(format!(
                "\"{}\" is missing there; beside all columns there may be other fields",
                missing.map_or("", String::as_str)
            )),
        }
    };
    each(told.into_iter().map(|field| Err::<(), Error>(wrong(field)))).map(|_| ())
}

fn no_column(spec: &TableSpec, name: &str) -> Error {
    Error::sql(format!("\"{}\" has no column \"{name}\"", spec.name)).code("E0202")
}

/// A record that is no row.
pub(super) struct Bad {
    number: u64,
    place: String,
    message: String,
}

/// Reads a source until it has ended or enough was read: gives each batch with its split and what is wrong with its first bad record.
///
/// - `head`: the record there is none, be it a row or not
pub(super) fn read(
    source: &dyn Source,
    handle: &tokio::runtime::Handle,
    mut head: Option<u64>,
    mut take: impl FnMut(&str, Batch, Option<Bad>) -> Result<bool>,
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
                            decoded.batch = decoded.batch.slice(rows.min(1), rows.saturating_sub(1));
                        }
                    }
                }
                let bad = decoded.bad.first().map(|b| Bad {
                    number: b.number,
                    place: decoded.places.of(b.number),
                    message: b.why.message.clone(),
                });
                if !take(&split, decoded.batch, bad)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
