//! A test of what a job makes of the first rows that its tables have now.

use super::cell::Cell;
use super::finding::Finding;
use super::fixture::read;
use super::row::{Row, cells, quoted};
use super::run::{Prepared, run};
use super::update::written;
use super::{TestOptions, Tested};
use millstream_dataflow::option::is_secret;
use millstream_dataflow::{Connectors, Error, Result, RowKind};
use millstream_plan::TableDef;
use millstream_sql::Sources;
use millstream_sql::parse::{parse_tests, variables};
use std::collections::BTreeMap;
use std::fmt::Write;

/// In the place of a secret: no connector is asked.
const NO_SECRET: &str = "none";

/// What a recorded test is made of.
#[derive(Debug)]
pub struct Recorded {
    pub text: String,
    /// Rows per table that was read.
    pub rows: BTreeMap<String, usize>,
}

/// Reads the tables of a job file by their own connectors and writes a test that gives their rows.
///
/// - `path`: of the job file
/// - `limit`: rows of each table
///
/// # Errors
/// Those of the job file and of those that it shares, with places in all of them; and of the connectors.
pub fn record(path: &str, text: &str, limit: usize, options: &TestOptions, handle: &tokio::runtime::Handle) -> Result<Recorded, Vec<Error>> {
    let stem = std::path::Path::new(path)
        .file_stem()
        .map_or("job".to_string(), |s| s.to_string_lossy().into_owned());
    let head = format!("TEST 'recorded from {}' FOR {}", stem.replace('\'', "''"), quoted(path));
    let mut made = Made {
        text: format!("{head};\n"),
        job: Sources::new(&options.shared, Some((path.to_string(), text.to_string()))),
        options,
        handle,
    };
    let prepared = made.prepared()?;
    let all = made.job.text();
    let shown = |name: &str, value: &str| if in_secret(all, name) { NO_SECRET.to_string() } else { value.to_string() };
    let used = variables(all);
    let values: Vec<String> = options
        .variables
        .iter()
        .filter(|(k, _)| used.contains(*k))
        .map(|(k, v)| format!("{} = {}", quoted(k), quoted(&shown(k, v))))
        .collect();
    let with = if values.is_empty() {
        String::new()
    } else {
        format!(" WITH ({})", values.join(", "))
    };
    made.text = format!("-- The first rows of each table, as they were when this was recorded, and what the job made of them.\n{head}{with};\n");
    let mut rows = BTreeMap::new();
    for (name, (def, _)) in &prepared.tables {
        let count = made.given(name, def, limit).map_err(|e| vec![e])?;
        rows.insert(name.clone(), count);
    }
    made.text += "FINISH;\n";
    made.expected()?;
    Ok(Recorded { text: made.text, rows })
}

/// Whether a variable stands in the value of a secret option, of whatever statement.
fn in_secret(text: &str, name: &str) -> bool {
    let variable = format!("${{{name}}}");
    let key = |before: &str| -> Option<String> {
        let (before, _) = before.rsplit_once('\'')?;
        let before = before.trim_end().strip_suffix('=')?.trim_end().strip_suffix('\'')?;
        Some(before.rsplit_once('\'')?.1.to_string())
    };
    text.match_indices(&variable).any(|(at, _)| key(&text[..at]).is_some_and(|k| is_secret(&k)))
}

struct Made<'a> {
    text: String,
    job: Sources,
    options: &'a TestOptions,
    handle: &'a tokio::runtime::Handle,
}

impl Made<'_> {
    fn prepared(&self) -> Result<Prepared, Vec<Error>> {
        let tested = Tested {
            path: "",
            text: &self.text,
            options: self.options,
            handle: self.handle,
        };
        let file = parse_tests(&self.text)?;
        let test = file.tests.first().ok_or_else(|| vec![Error::bug("a recorded test is none")])?;
        let prepared = tested
            .prepared(&file, test, &self.job)
            .map_err(|e| if e.job.is_empty() { e.test } else { e.job })?;
        let nothing = || Error::sql("the job has no INSERT: there is nothing that could run").code("E0802");
        prepared.0.ok_or_else(|| vec![nothing()])
    }

    /// Writes the first rows of a table, each run of rows of one partition as a step.
    fn given(&mut self, name: &str, def: &TableDef, limit: usize) -> Result<usize> {
        let spec = def.spec();
        let schema = spec.schema();
        let tested = Tested {
            path: "",
            text: "",
            options: self.options,
            handle: self.handle,
        };
        let source = tested.registry("record").source(&spec)?;
        let mut partitions: BTreeMap<String, usize> = BTreeMap::new();
        let (mut steps, mut count, mut left_out): (Vec<(usize, Vec<Row>)>, usize, usize) = (Vec::new(), 0, 0);
        read(source.as_ref(), self.handle, None, |split, batch, bad| {
            left_out += usize::from(bad.is_some());
            let next = partitions.len();
            let partition = *partitions.entry(split.to_string()).or_insert(next);
            let take = batch.num_rows().min(limit - count);
            let rows = (0..take).map(|row| Row {
                kind: batch.kind(row),
                cells: cells(&batch.data, row, &schema),
                key: None,
            });
            match steps.last_mut() {
                Some((last, so_far)) if *last == partition => so_far.extend(rows),
                _ => steps.push((partition, rows.collect())),
            }
            count += take;
            Ok(count < limit)
        })?;
        if left_out > 0 {
            let _ = writeln!(self.text, "-- Records of {name} that were no rows are left out.");
        }
        let columns: Vec<String> = schema.fields.iter().map(|f| identifier(&f.name)).collect();
        let table: Vec<String> = name.split('.').map(identifier).collect();
        // What an update begins with is nothing without its end.
        if let Some((_, rows)) = steps.last_mut()
            && rows.pop_if(|row| row.kind == RowKind::UpdateBefore).is_some()
        {
            count -= 1;
        }
        let changes = steps.iter().flat_map(|(_, rows)| rows).any(|row| row.kind != RowKind::Insert);
        for (partition, rows) in steps.iter().filter(|(_, rows)| !rows.is_empty()) {
            let (table, columns) = (table.join("."), columns.join(", "));
            let given = if changes { "GIVEN CHANGES" } else { "GIVEN" };
            let _ = writeln!(
                self.text,
                "{given} {table} PARTITION {partition} ({columns}) VALUES\n  {};",
                written(rows, changes)
            );
        }
        Ok(count)
    }

    /// Runs what is there and writes what came.
    fn expected(&mut self) -> Result<(), Vec<Error>> {
        let prepared = self.prepared()?;
        let mut ran = run(&prepared, Cell::default());
        if let Some(finding) = ran.findings.pop() {
            // Its place is one in a text that nobody has seen.
            let unplaced = Finding { span: None, ..finding };
            return Err(vec![unplaced.error()]);
        }
        for (name, mut rows) in ran.tables {
            rows.sort_by(|a, b| a.cells.cmp(&b.cells));
            let table: Vec<String> = name.split('.').map(identifier).collect();
            let rows = match rows.is_empty() {
                true => "ROWS 0".to_string(),
                false => format!("VALUES\n  {}", written(&rows, false)),
            };
            let _ = writeln!(self.text, "EXPECT TABLE {} {rows};", table.join("."));
        }
        Ok(())
    }
}

/// A name as SQL has it, in quotes where it needs them.
fn identifier(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    match plain {
        true => name.to_string(),
        false => format!("`{}`", name.replace('`', "``")),
    }
}
