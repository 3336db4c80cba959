//! What must hold for any input at all: it is taken or refused, and nothing else happens. A panic is a find, and so is an error from here.
//!
//! `mutations.rs` feeds these with changed texts in every test run, `fuzz/` guided by coverage for as long as one likes.

use crate::harness::root;
use crate::suites::World;
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use millstream_dataflow::testing::columns;
use millstream_dataflow::{Decoder, Error, ErrorKind, KeyGroupRange, SnapshotPart, SqlType, StateType};
use millstream_plan::Job;
use millstream_sql::parse::parse_tests;
use millstream_sql::test_file::bind;
use millstream_sql::{CompileOptions, Compiled, Sources, Step, compile, format, render};
use millstream_state::{KeyedTable, Manifest, read_singleton};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file of SQL.
pub struct Sql(World);

impl Sql {
    /// # Errors
    /// Those of starting a runtime.
    pub fn new() -> Result<Sql> {
        Ok(Sql(World::new()?))
    }
    /// What a file compiles to, or its errors.
    ///
    /// # Errors
    /// Those of the file.
    pub fn compile(&self, text: &str) -> Result<Compiled, Vec<Error>> {
        let variables = BTreeMap::from([("DATA".to_string(), "data".to_string()), ("NAME".to_string(), "name".to_string())]);
        let options = CompileOptions {
            registry: &self.0.connectors,
            catalogs: None,
            variables: &variables,
            settings: &BTreeMap::new(),
            job_name: Some("hostile"),
        };
        compile(text, &options)
    }
    /// Compiles it, to nothing or to errors with a place, and returns the number of its plans.
    ///
    /// # Errors
    /// An internal error, one that shows what is inside, a plan that does not survive being written, or a layout that is not kept.
    pub fn check(&self, text: &str) -> Result<usize> {
        formats(text)?;
        let mut plans = 0;
        match self.compile(text) {
            Ok(compiled) => {
                for step in compiled.steps {
                    let job = match step {
                        Step::Query(query) => Some(query.plan),
                        Step::Insert(job) => Some(job),
                        _ => None,
                    };
                    if let Some(job) = job {
                        // Secrets are not written.
                        let written = job.to_text()?;
                        ensure!(Job::from_text(&written)?.to_text()? == written, "a plan does not survive being written");
                        plans += 1;
                    }
                }
            }
            Err(errors) => {
                ensure!(!errors.is_empty(), "refused without a word");
                errors.iter().try_for_each(|e| well_made(e, text))?;
            }
        }
        Ok(plans)
    }
    /// Reads it as a file of tests and binds these, and returns the number of those that could run.
    ///
    /// # Errors
    /// An internal error, or one without a place.
    pub fn check_tests(&self, text: &str) -> Result<usize> {
        let (variables, settings) = (BTreeMap::new(), BTreeMap::new());
        let options = CompileOptions {
            registry: &self.0.connectors,
            catalogs: None,
            variables: &variables,
            settings: &settings,
            job_name: Some("hostile"),
        };
        let (mut bound, mut errors) = (0, Vec::new());
        match parse_tests(text) {
            Err(e) => errors.extend(e),
            Ok(file) => {
                for test in &file.tests {
                    match bind(text, &file, test, &Sources::default(), &options) {
                        Ok(_) => bound += 1,
                        Err(e) => errors.extend(e.job.into_iter().chain(e.test)),
                    }
                }
            }
        }
        for e in errors {
            ensure!(e.kind != ErrorKind::Bug && (e.span.is_some() || e.code == Some("E0103")), "{e:?}");
            render(&e, text, "hostile.test.sql");
        }
        Ok(bound)
    }
}

/// What can be laid out stays as it is when it is laid out again.
fn formats(text: &str) -> Result<()> {
    match format(text) {
        Ok(made) => {
            let again = format(&made).map_err(|e| anyhow::anyhow!("what was laid out cannot be read: {e:?}\n{made}"))?;
            ensure!(again == made, "laid out again\n{made}\nbecomes\n{again}");
        }
        Err(errors) => ensure!(errors.iter().all(|e| e.kind != ErrorKind::Bug), "{errors:?}"),
    }
    Ok(())
}

/// Words of what is inside, which no user can do anything with.
const INSIDES: [&str; 24] = [
    "DataFusion",
    "sqlparser",
    "sql parser",
    "Arrow",
    "ParserError",
    "TokenizerError",
    "Expr::",
    "Value::",
    "SqlToRel",
    "Some(",
    "None,",
    "Ok(",
    "Err(",
    "Ident {",
    "Ident{",
    "Token",
    "EOF",
    "DataType",
    "Statement::",
    "quote_style",
    "$type",
    "thread '",
    "panicked",
    "unwrap",
];

/// Whether an error of a text can be read: it has a code and a place in the text, is worded as the others are, and shows nothing of what is inside.
///
/// # Errors
/// What is wrong with it.
pub fn well_made(e: &Error, text: &str) -> Result<()> {
    let shown = || render(e, text, "file.sql");
    ensure!(e.kind != ErrorKind::Bug, "an internal error: {}{e:?}", shown());
    ensure!(e.code.is_some(), "no code: {}", shown());
    let told = [Some(&e.message), e.detail.as_ref(), e.hint.as_ref()];
    for part in told.into_iter().flatten() {
        // What the text itself says may be said.
        let inside = INSIDES.iter().find(|inside| part.contains(**inside) && !text.contains(**inside));
        ensure!(inside.is_none(), "{inside:?} is told: {}", shown());
    }
    let mut start = e.message.chars();
    let capital = start.next().is_some_and(char::is_uppercase) && start.next().is_some_and(char::is_lowercase);
    ensure!(
        !capital && !e.message.ends_with('.') && !e.message.is_empty(),
        "no sentence of ours: {}",
        shown()
    );
    let span = e.span.with_context(|| format!("no place: {}", shown()))?;
    let lines: Vec<&str> = text.split('\n').collect();
    for place in [span.start, span.end] {
        // Where a text ends there is a place, too.
        let line = place.line.checked_sub(1).and_then(|l| lines.get(l as usize));
        let inside = line.is_some_and(|l| (1..=l.chars().count() as u64 + 1).contains(&place.column));
        ensure!(inside, "{place:?} is no place of the text: {}", shown());
    }
    ensure!(span.start <= span.end, "it ends before it starts: {}", shown());
    Ok(())
}

const JSON: &str = "a INT NOT NULL, b BIGINT, c STRING, d DECIMAL(10, 2), e DOUBLE, f BOOLEAN, g DATE, h TIME(3), i TIMESTAMP(6), j TIMESTAMP_LTZ(3), \
                    k BYTES, l ARRAY<INT>, m MAP<STRING, DOUBLE>, n ROW<x INT, y ARRAY<ROW<z STRING>>>, o TINYINT, p FLOAT";
const CSV: &str = "a INT, b BIGINT, c STRING, d DECIMAL(10, 2), e DOUBLE, f BOOLEAN, g DATE, h TIME(3), i TIMESTAMP(6), j TIMESTAMP_LTZ(3)";

/// Records of a format, of columns of all types.
pub struct Records {
    decoder: Box<dyn Decoder>,
    rows: usize,
}

impl Records {
    /// - `format`: `json` or `csv`
    /// - `ignores`: what cannot be read is NULL or left out
    ///
    /// # Errors
    /// Those of making a decoder.
    pub fn new(format: &str, ignores: bool) -> Result<Records> {
        let schema = columns(if format == "json" { JSON } else { CSV });
        let options = BTreeMap::from([(format!("{format}.ignore-parse-errors"), ignores.to_string())]);
        Ok(Records {
            decoder: millstream_formats::decoder(format, &schema, &schema, &options)?,
            rows: 0,
        })
    }
    /// Decodes one, and tells whether it was taken.
    ///
    /// # Errors
    /// A record that is refused without a word.
    pub fn check(&mut self, record: &[u8]) -> Result<bool> {
        match self.decoder.decode(record) {
            Ok(rows) => self.rows += rows,
            Err(bad) => {
                ensure!(!bad.reason.is_empty() && !bad.message.is_empty(), "refused without a word");
                return Ok(false);
            }
        }
        Ok(true)
    }
    /// Ends a batch.
    ///
    /// # Errors
    /// Another number of rows than was told.
    pub fn finish(&mut self) -> Result<()> {
        let expected = std::mem::take(&mut self.rows);
        let batch = self.decoder.finish()?;
        ensure!(batch.num_rows() == expected, "{} rows instead of {expected}", batch.num_rows());
        Ok(())
    }
}

/// What lies in a checkpoint: manifests, and chunks of state.
pub struct Checkpoint {
    manifests: Vec<Manifest>,
}

impl Checkpoint {
    /// # Errors
    /// Golden files that are not there or cannot be read.
    pub fn new() -> Result<Checkpoint> {
        let files = golden_manifests()?;
        let manifests = files.iter().map(|b| Ok(Manifest::decode(b)?));
        Ok(Checkpoint {
            manifests: manifests.collect::<Result<_>>()?,
        })
    }
    /// Reads bytes as everything that lies in a checkpoint.
    ///
    /// # Errors
    /// A manifest that is read as another one than those that were changed.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        if let Ok(read) = Manifest::decode(bytes) {
            ensure!(self.manifests.contains(&read), "read as another manifest");
        }
        // Behind a right checksum: what some other release may have written.
        let mut sealed = b"millstream-checkpoint 1\n".to_vec();
        sealed.extend_from_slice(bytes);
        sealed.push(b'\n');
        let end = format!("{:016x} {:08x} end\n", sealed.len(), crc32c::crc32c(&sealed));
        sealed.extend_from_slice(end.as_bytes());
        if let Ok(read) = Manifest::decode(&sealed) {
            let again = Manifest::decode(&read.encode()?)?;
            ensure!(again == read, "a manifest does not survive being written");
        }
        let part = SnapshotPart {
            table: "t".to_string(),
            bytes: Bytes::copy_from_slice(bytes),
        };
        let parts = std::slice::from_ref(&part);
        let mut table = KeyedTable::new("t", &[SqlType::BigInt, SqlType::STRING], &[StateType::I64, StateType::Bytes])?;
        let restored = table.restore(parts, KeyGroupRange::of(0, 1, 128), 128, &[0]);
        if restored.is_ok() {
            bail!("bytes that nobody wrote are read as a table of state");
        }
        drop(read_singleton("t", parts));
        Ok(())
    }
}

/// The manifests of the golden checkpoints.
///
/// # Errors
/// None that can be read.
pub fn golden_manifests() -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root().join("crates/state/src/checkpoint/golden")];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).with_context(|| format!("{}", directory.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.parent().and_then(Path::file_name).is_some_and(|d| d == "manifest") {
                found.push(std::fs::read(&path)?);
            }
        }
    }
    ensure!(!found.is_empty(), "no golden manifest");
    Ok(found)
}
