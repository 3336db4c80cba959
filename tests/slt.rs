//! Statements and what Millstream answers: `sql/**/*.slt`. `UPDATE=1` writes down what it answers now; look at the difference.
//!
//! Each file is a session of its own, in a directory of its own: what creates, drops or sets something holds for the records after it. Types
//! of columns: `B` BOOLEAN, `I` integers, `N` DECIMAL, `R` FLOAT and DOUBLE, `T` character strings, `D` dates and times, `?` the rest.
//! `${NAME}` is `value`, `${DATA}` the directory `sql/data`.

use crate::harness::{files, root};
use anyhow::{Context, Result};
use libtest_mimic::{Failed, Trial};
use millstream_dataflow::{Batch, Schema, SqlType};
use millstream_formats::render::text_value;
use millstream_runtime::Control;
use millstream_server::{Bounds, Event, Observer, RunOptions};
use sqllogictest::{ColumnType, DB, DBOutput, Runner, default_validator, strict_column_validator};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) fn trials() -> Vec<Trial> {
    let directory = root().join("tests/sql");
    files(&directory, "slt")
        .into_iter()
        .map(|file| {
            let name = file.strip_prefix(&directory).map_or(String::new(), |f| f.display().to_string());
            Trial::test(format!("slt::{name}"), move || check(&file).map_err(|e| Failed::from(format!("{e:#}"))))
        })
        .collect()
}

fn check(file: &Path) -> Result<()> {
    let mut runner = Runner::new(async || Session::new());
    runner.with_column_validator(strict_column_validator);
    runner.with_normalizer(as_it_is);
    if std::env::var_os("UPDATE").is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let update = runner.update_test_file(file, " ", default_validator, as_it_is, strict_column_validator);
        return runtime.block_on(update).map_err(|e| anyhow::anyhow!("{e}"));
    }
    runner.run_file(file).context("a record does not answer as written")
}

/// White space counts.
#[allow(clippy::ptr_arg, reason = "the runner wants this type")]
fn as_it_is(s: &String) -> String {
    s.trim_end().to_string()
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind(char);

impl ColumnType for Kind {
    fn from_char(value: char) -> Option<Self> {
        "BINRTD?".contains(value).then_some(Kind(value))
    }
    fn to_char(&self) -> char {
        self.0
    }
}

impl Kind {
    fn of(ty: &SqlType) -> Kind {
        Kind(match ty {
            SqlType::Boolean => 'B',
            t if t.is_integer() => 'I',
            SqlType::Decimal(..) => 'N',
            SqlType::Float | SqlType::Double => 'R',
            SqlType::Char(_) | SqlType::VarChar(_) => 'T',
            SqlType::Date | SqlType::Time(_) | SqlType::Timestamp(_) | SqlType::TimestampLtz(_) => 'D',
            _ => '?',
        })
    }
}

/// What users would read.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

struct Session {
    directory: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    /// The statements that hold for those after them.
    kept: String,
    records: usize,
}

impl Session {
    fn new() -> Result<Session, Refused> {
        let failed = |e: std::io::Error| Refused(e.to_string());
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Ok(Session {
            directory: tempfile::tempdir().map_err(failed)?,
            runtime: builder.worker_threads(1).enable_all().build().map_err(failed)?,
            kept: String::new(),
            records: 0,
        })
    }
}

/// Collects what a record gives.
#[derive(Default)]
struct Answers {
    // A std mutex: held while rows are added.
    state: Mutex<Answer>,
}

#[derive(Default)]
struct Answer {
    types: Vec<Kind>,
    rows: Vec<Vec<String>>,
    happened: bool,
}

impl Answers {
    fn state(&self) -> std::sync::MutexGuard<'_, Answer> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Answers {
    fn event(&self, event: Event<'_>) -> millstream_dataflow::Result<()> {
        // These have trials of their own.
        if matches!(event, Event::Warning(_) | Event::NothingToRun { .. }) {
            return Ok(());
        }
        let mut state = self.state();
        state.happened = true;
        let lines = match event {
            Event::Explain(text) | Event::Statement(text) => text.lines().map(str::to_string).collect(),
            Event::Settings(list) => list.iter().map(|(k, v)| format!("'{k}' = '{v}'")).collect(),
            Event::QueryStarted { schema, .. } => {
                state.types = schema.fields.iter().map(|f| Kind::of(&f.ty)).collect();
                Vec::new()
            }
            _ => Vec::new(),
        };
        if !lines.is_empty() {
            state.types = vec![Kind('T')];
            state.rows.extend(lines.into_iter().map(|l| vec![l]));
        }
        Ok(())
    }
    fn rows(&self, schema: &Schema, batch: &Batch) -> millstream_dataflow::Result<()> {
        let mut state = self.state();
        for row in 0..batch.num_rows() {
            let cells = schema.fields.iter().enumerate().map(|(i, f)| match text_value(batch.column(i), row, f) {
                text if text.is_empty() => "(empty)".to_string(),
                // A row is a line.
                text => text.replace('\n', "\\n"),
            });
            state.rows.push(cells.collect());
        }
        Ok(())
    }
}

impl DB for Session {
    type Error = Refused;
    type ColumnType = Kind;

    fn run(&mut self, sql: &str) -> Result<DBOutput<Kind>, Refused> {
        self.records += 1;
        let above = self.kept.lines().count() as u64;
        let variables = [("NAME", "value".to_string()), ("DATA", root().join("tests/sql/data").display().to_string())];
        let text = format!("{}{sql}", self.kept);
        let options = RunOptions {
            sources: millstream_sql::Sources::from(("slt", text.as_str())),
            // The state of one record is not that of another.
            name: format!("record_{}", self.records),
            directory: self.directory.path().to_path_buf(),
            variables: variables.into_iter().map(|(k, v)| (k.to_string(), v)).collect(),
            settings: BTreeMap::new(),
            fresh: false,
            bounds: Bounds::default(),
            defaults: BTreeMap::new(),
        };
        let answers = Arc::new(Answers::default());
        let job = millstream_server::run(options, Arc::clone(&answers) as _, Control::default());
        // The runner is a task itself, which must not block on another one.
        let end = std::thread::scope(|scope| scope.spawn(|| self.runtime.block_on(job)).join());
        let end = end.map_err(|_| Refused("it panicked".to_string()))?;
        if let Err(errors) = end {
            // What an earlier record has made is shown as it stands there.
            let shown = errors.into_iter().map(|e| match e.span {
                Some(span) if span.start.line <= above => millstream_sql::render(&e, &self.kept, "above"),
                _ => millstream_sql::render(&e.moved(|span| span.moved_up(above)), sql, "slt"),
            });
            return Err(Refused(shown.collect::<String>().trim_end().to_string()));
        }
        let mut answer = answers.state();
        if !answer.happened {
            self.kept += &format!("{};\n", sql.trim_end().trim_end_matches(';'));
            return Ok(DBOutput::StatementComplete(0));
        }
        if answer.types.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        Ok(DBOutput::Rows {
            types: std::mem::take(&mut answer.types),
            rows: std::mem::take(&mut answer.rows),
        })
    }
}
