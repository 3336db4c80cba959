//! The steps of a test, each bound to the tables of its job.

use super::cell::{cell, kind};
use super::{BoundCell, BoundExpect, BoundRows, BoundStep, BoundStepKind, BoundTest, JobPlaces, TestSource, rejected_columns};
use crate::catalog::{Catalog, Entry, FOLLOWS, follows, is_a};
use crate::compile::{Compiled, Step};
use crate::expression::interval_ms;
use crate::parse::{Cell, Expect, ExpectRows, Given, GivenRows, Looked, ObjectPath, Test, TestStepKind};
use crate::table::Table;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Registry, Result, RowKind, Span, SqlType};
use millstream_plan::{Column, Node, NodeSpec, Settings, TableDef};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// - `found`: per step what is wrong with the statement of EXPECT ERROR
pub(super) fn bind(test: &Test, compiled: &Compiled, catalog: &Catalog<'_>, registry: &dyn Registry, found: Vec<Vec<Error>>) -> Result<BoundTest, Vec<Error>> {
    let mut scope = Scope::new(test, &compiled.settings, catalog, registry)?;
    let job = compiled.steps.iter().find_map(|s| if let Step::Insert(job) = s { Some(job) } else { None });
    for node in job.iter().flat_map(|job| &job.nodes) {
        match &node.spec {
            NodeSpec::Source(source) => {
                scope.read.push(source.table.name.clone());
                scope.changes.extend(source.changes.then(|| source.table.name.clone()));
            }
            NodeSpec::Sink(table) => scope.written.push(table.name.clone()),
            _ => {}
        }
    }
    let mut errors = Vec::new();
    if let (None, Some(step)) = (job, test.steps.iter().find(|s| !matches!(s.kind, TestStepKind::ExpectError(_)))) {
        let e = Error::sql("the job has no INSERT: there is nothing that could run")
            .code("E0802")
            .span(step.span);
        return Err(vec![
            e.hint("name a job file: TEST '…' FOR 'job.sql', or write an INSERT INTO before the steps"),
        ]);
    }
    let (now, steps) = scope.steps(found.into_iter(), &mut errors);
    // Those that no step names.
    for name in std::mem::take(&mut scope.written) {
        let of = |n: &&Node| matches!(&n.spec, NodeSpec::Sink(t) if t.name == name);
        let columns = job.and_then(|job| job.nodes.iter().find(of)).map_or_else(Vec::new, |n| n.columns.clone());
        scope.sinks.entry(name).or_insert(columns);
    }
    for name in scope.read.clone() {
        let parts = name.split('.').map(str::to_string).collect();
        // One that was dropped or renamed since is known by the job only.
        let _ = scope.source(&ObjectPath { parts, span: test.span });
    }
    Ok(scope.bound(now, steps, errors))
}

/// The steps of tables that are known, where the job has errors: nobody knows what it reads and writes.
pub(super) fn bind_half(test: &Test, settings: &BTreeMap<String, String>, catalog: &Catalog<'_>, registry: &dyn Registry) -> Result<BoundTest, Vec<Error>> {
    let mut scope = Scope::new(test, settings, catalog, registry)?;
    scope.half = true;
    let mut errors = Vec::new();
    let (now, steps) = scope.steps(std::iter::repeat_with(Vec::new), &mut errors);
    errors.retain(|e| e.code != Some(FOLLOWS));
    Ok(scope.bound(now, steps, errors))
}

/// What rows do, and their cells.
type Values = (Vec<RowKind>, Vec<Vec<BoundCell>>);

struct Scope<'a> {
    test: &'a Test,
    catalog: &'a Catalog<'a>,
    registry: &'a dyn Registry,
    /// Of the session, if it is another one than UTC.
    zone: Option<String>,
    /// Names of the tables that the job reads, and of those that it writes.
    read: Vec<String>,
    written: Vec<String>,
    /// Those that are read as changes.
    changes: BTreeSet<String>,
    /// None of this is known.
    half: bool,
    sources: BTreeMap<String, TestSource>,
    sinks: BTreeMap<String, Vec<Column>>,
}

impl<'a> Scope<'a> {
    fn new(test: &'a Test, settings: &BTreeMap<String, String>, catalog: &'a Catalog<'a>, registry: &'a dyn Registry) -> Result<Self, Vec<Error>> {
        let zone = Settings::new(settings).map_err(|e| vec![e])?.local_time_zone;
        Ok(Scope {
            test,
            catalog,
            registry,
            zone: Some(zone).filter(|z| z != "UTC"),
            read: Vec::new(),
            written: Vec::new(),
            changes: BTreeSet::new(),
            half: false,
            sources: BTreeMap::new(),
            sinks: BTreeMap::new(),
        })
    }
    fn bound(self, now: Option<BoundCell>, steps: Vec<BoundStep>, errors: Vec<Error>) -> BoundTest {
        BoundTest {
            job: None,
            errors,
            settings: BTreeMap::new(),
            now,
            steps,
            sources: self.sources,
            sinks: self.sinks,
            places: JobPlaces::default(),
        }
    }

    /// Where the clock stands, and the steps that are right.
    ///
    /// - `found`: per step what is wrong with the statement of EXPECT ERROR
    fn steps(&mut self, found: impl Iterator<Item = Vec<Error>>, errors: &mut Vec<Error>) -> (Option<BoundCell>, Vec<BoundStep>) {
        let test = self.test;
        let now = test.now.as_ref().map(|now| self.time(now)).transpose();
        let now = now.unwrap_or_else(|e| {
            errors.push(e);
            None
        });
        let mut steps = Vec::new();
        for (step, found) in test.steps.iter().zip(found) {
            match self.step(&step.kind, step.span, found) {
                Ok(kind) => steps.push(BoundStep { span: step.span, kind }),
                Err(e) => errors.extend(e),
            }
        }
        (now, steps)
    }

    fn step(&mut self, step: &TestStepKind, span: Span, found: Vec<Error>) -> Result<BoundStepKind, Vec<Error>> {
        let one = |e: Error| vec![e];
        Ok(match step {
            TestStepKind::Given(given) => return self.given(given),
            TestStepKind::AdvanceWatermark { table, partition, to } => {
                let (name, declared) = self.source(table).map_err(one)?;
                let Some(ty) = declared.event_time() else {
                    let e = Error::sql(format!("table \"{table}\" has no WATERMARK")).code("E0802").span(table.span);
                    return Err(vec![e.hint("declare one, or use ADVANCE PROCESSING TIME for windows over PROCTIME()")]);
                };
                let time = match ty {
                    SqlType::Timestamp(_) => SqlType::Timestamp(3),
                    _ => SqlType::TimestampLtz(3),
                };
                BoundStepKind::AdvanceWatermark {
                    table: name,
                    partition: *partition,
                    to: self.cell(to, &Column::new("watermark", time, false)).map_err(one)?,
                }
            }
            TestStepKind::AdvanceTimeBy(by) => {
                let ms = interval_ms(&by.expr).map_err(|e| match e.code {
                    Some("E0404") => {
                        let e = Error::sql(format!("time goes on by an INTERVAL of days or less, not by {}", by.expr)).code("E0801");
                        one(e.span(by.span).hint("as in ADVANCE PROCESSING TIME BY INTERVAL '5' SECOND"))
                    }
                    _ => one(e.span(by.span)),
                })?;
                let backwards = || vec![Error::sql("time does not go back").code("E0801").span(by.span)];
                BoundStepKind::AdvanceTimeBy(u64::try_from(ms).map_err(|_| backwards())?)
            }
            TestStepKind::AdvanceTimeTo(to) => BoundStepKind::AdvanceTimeTo(self.time(to).map_err(one)?),
            TestStepKind::Idle { table: Some(table), partition } => BoundStepKind::Idle {
                table: self.source(table).map_err(one)?.0,
                partition: *partition,
            },
            TestStepKind::Idle { table: None, .. } if self.half => return Err(vec![follows()]),
            TestStepKind::Idle { table: None, partition } => {
                let mut read = self.read.clone();
                read.sort();
                read.dedup();
                let [only] = read.as_slice() else {
                    let e = Error::sql("the job reads several tables").code("E0802").span(span);
                    return Err(vec![
                        e.hint(format!("say which: IDLE {} PARTITION {partition}", read.first().map_or("t", String::as_str))),
                    ]);
                };
                let path = ObjectPath {
                    parts: only.split('.').map(str::to_string).collect(),
                    span,
                };
                BoundStepKind::Idle {
                    table: self.source(&path).map_err(one)?.0,
                    partition: *partition,
                }
            }
            TestStepKind::Checkpoint => BoundStepKind::Checkpoint,
            TestStepKind::Restart => BoundStepKind::Restart,
            TestStepKind::Crash => BoundStepKind::Crash,
            TestStepKind::Finish => BoundStepKind::Finish,
            TestStepKind::Expect(expect) => BoundStepKind::Expect(self.expect(expect)?),
            TestStepKind::ExpectNoMore(Some(table)) => BoundStepKind::ExpectNoMore(vec![self.sink(table).map_err(one)?]),
            TestStepKind::ExpectNoMore(None) => BoundStepKind::ExpectNoMore(self.written.clone()),
            TestStepKind::ExpectState(bytes) => BoundStepKind::ExpectState(*bytes),
            TestStepKind::ExpectFailure(code) => BoundStepKind::ExpectFailure(code.clone()),
            TestStepKind::ExpectError(expected) => BoundStepKind::ExpectError {
                expected: expected.clone(),
                found,
            },
        })
    }

    fn given(&mut self, given: &Given) -> Result<BoundStepKind, Vec<Error>> {
        let (table, _) = self.source(&given.table).map_err(|e| vec![e])?;
        let partition = given.partition;
        let cells = match &given.rows {
            GivenRows::File(path, span) => {
                return Ok(BoundStepKind::GivenFile {
                    table,
                    partition,
                    path: path.clone(),
                    span: *span,
                });
            }
            GivenRows::Raw(records) => {
                return Ok(BoundStepKind::GivenRaw {
                    table,
                    partition,
                    records: records.iter().map(|(record, _)| record.clone()).collect(),
                });
            }
            GivenRows::Values(cells) => cells,
        };
        let all: Vec<Column> = self
            .sources
            .get(&table)
            .map_or_else(Vec::new, |s| s.table.columns.iter().map(|(c, _)| c.clone()).collect());
        // What is not listed is NULL, or for metadata what the test source tells of it.
        let physical = |i: &usize| self.sources.get(&table).is_some_and(|s| s.table.columns[*i].1.is_none());
        let columns = match given.columns.is_empty() {
            true => (0..all.len()).filter(physical).collect(),
            false => places(&all, &given.columns, &table)?,
        };
        let left_out = (0..all.len()).filter(physical).find(|i| !columns.contains(i) && !all[*i].ty.nullable);
        if let Some(left_out) = left_out {
            let e = Error::sql(format!("column \"{}\" is NOT NULL and gets no value", all[left_out].name)).code("E0305");
            return Err(vec![e.span(given.table.span)]);
        }
        let of: Vec<Column> = columns.iter().map(|i| all[*i].clone()).collect();
        let (kinds, rows) = self.rows(&cells.rows, &of, given.changes)?;
        if !self.half && !self.changes.contains(&table) {
            let changed = cells.rows.iter().zip(&kinds).find(|(_, kind)| **kind != RowKind::Insert);
            if let Some(first) = changed.and_then(|(row, _)| row.first()) {
                let e = Error::sql(format!("rows are only added to table \"{table}\"")).code("E0801").span(first.span);
                return Err(vec![e.hint("its format has no updates and deletions; debezium-json has, for one")]);
            }
        }
        Ok(BoundStepKind::GivenRows {
            table,
            partition,
            kinds,
            columns,
            rows,
        })
    }

    fn expect(&mut self, expect: &Expect) -> Result<BoundExpect, Vec<Error>> {
        let one = |e: Error| vec![e];
        let (table, all) = match expect.looked {
            Looked::Late | Looked::Rejected => {
                let (name, declared) = self.source(&expect.table).map_err(one)?;
                if expect.looked == Looked::Rejected {
                    (name, rejected_columns())
                } else if declared.event_time().is_none() {
                    let e = Error::sql(format!("table \"{}\" has no WATERMARK: no row of it is late", expect.table)).code("E0802");
                    return Err(vec![e.span(expect.table.span)]);
                } else {
                    let columns = self.sources[&name].table.columns.iter();
                    (name.clone(), columns.map(|(c, _)| c.clone()).collect())
                }
            }
            Looked::Rows | Looked::Changes | Looked::Table => {
                let name = self.sink(&expect.table).map_err(one)?;
                (name.clone(), self.sinks[&name].clone())
            }
        };
        // Nobody writes down offsets who does not ask for them.
        let is_metadata = |i: &usize| expect.looked == Looked::Late && self.sources[&table].table.columns[*i].1.is_some();
        let places = match expect.columns.is_empty() {
            true => (0..all.len()).filter(|i| !is_metadata(i)).collect(),
            false => places(&all, &expect.columns, &table)?,
        };
        let columns: Vec<Column> = places.iter().map(|i| all[*i].clone()).collect();
        let rows = match &expect.rows {
            ExpectRows::Count(count, span) => BoundRows::Count(*count, *span),
            ExpectRows::Values(cells) => {
                let (kinds, rows) = self.rows(&cells.rows, &columns, expect.looked == Looked::Changes)?;
                BoundRows::Values { kinds, rows, span: cells.span }
            }
        };
        Ok(BoundExpect {
            looked: expect.looked,
            table,
            columns,
            places,
            rows,
            ordered: expect.ordered,
            tolerance: expect.tolerance,
        })
    }

    /// - `changes`: each row begins with what it does
    fn rows(&self, rows: &[Vec<Cell>], columns: &[Column], changes: bool) -> Result<Values, Vec<Error>> {
        let (mut kinds, mut bound, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let (first, values) = match (changes, row.split_first()) {
                (true, Some((first, values))) => (Some(first), values),
                _ => (None, row.as_slice()),
            };
            match first.map(kind).transpose() {
                Ok(kind) => kinds.extend(kind),
                Err(e) => {
                    errors.push(e);
                    continue;
                }
            }
            if values.len() != columns.len() {
                let span = Span {
                    start: row.first().map_or(Span::default(), |c| c.span).start,
                    end: row.last().map_or(Span::default(), |c| c.span).end,
                };
                let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
                let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
                let e = Error::sql(format!(
                    "the row has {} for {}",
                    counted(values.len(), "value"),
                    counted(columns.len(), "column")
                ));
                errors.push(e.code("E0305").detail(format!("The columns are {}.", names.join(", "))).span(span));
                continue;
            }
            let mut cells = Vec::new();
            for (value, column) in values.iter().zip(columns) {
                match self.cell(value, column) {
                    Ok(cell) => cells.push(cell),
                    Err(e) => errors.push(e),
                }
            }
            bound.push(cells);
        }
        if errors.is_empty() { Ok((kinds, bound)) } else { Err(errors) }
    }

    fn cell(&self, value: &Cell, column: &Column) -> Result<BoundCell> {
        cell(value, column, self.zone.as_deref())
    }
    /// A point of the clock.
    fn time(&self, value: &Cell) -> Result<BoundCell> {
        self.cell(value, &Column::new("time", SqlType::TimestampLtz(3), false))
    }

    /// The name of a table that the job reads.
    fn source(&mut self, path: &ObjectPath) -> Result<(String, Arc<Table>)> {
        let (name, table) = self.named(path)?;
        if !self.half && !self.read.contains(&name) {
            return Err(not_in_job(path, "read", &self.read));
        }
        if !self.sources.contains_key(&name) {
            let (catalog, current) = (self.catalog, &self.catalog.current);
            let same = |p: &ObjectPath| catalog.resolve(p, current).is_ok_and(|n| n.short() == name);
            let mut definition: TableDef = table.source_columns();
            let arrives: Vec<bool> = (0..definition.columns.len()).map(|i| definition.is_arrival(i)).collect();
            let mut arrives = arrives.into_iter();
            definition.columns.retain(|_| !arrives.next().unwrap_or_default());
            let source = TestSource {
                table: definition,
                partitions: self.test.partitions(same),
            };
            self.sources.insert(name.clone(), source);
        }
        Ok((name, table))
    }
    /// The name of a table that the job writes.
    fn sink(&mut self, path: &ObjectPath) -> Result<String> {
        let (name, table) = self.named(path)?;
        if !self.half && !self.written.contains(&name) {
            return Err(not_in_job(path, "write", &self.written));
        }
        let sink = table.sink(self.registry, path.span).map_err(|e| if self.half { follows() } else { e })?;
        let columns = sink.columns.into_iter().map(|(c, _)| c).collect();
        self.sinks.insert(name.clone(), columns);
        Ok(name)
    }
    fn named(&self, path: &ObjectPath) -> Result<(String, Arc<Table>)> {
        let named = || {
            let name = self.catalog.resolve(path, &self.catalog.current)?.short();
            Ok((name, self.catalog.get(path, &self.catalog.current)?))
        };
        match named().map_err(|e| if self.half { follows() } else { e })? {
            (name, Entry::Table(table)) => Ok((name, table)),
            (_, Entry::View(_)) => Err(is_a(path, "view", "a test gives rows to tables, and looks at tables")),
        }
    }
}

fn not_in_job(path: &ObjectPath, does: &str, there: &[String]) -> Error {
    let e = Error::sql(format!("the job does not {does} table \"{path}\"")).code("E0802").span(path.span);
    let mut there = there.to_vec();
    there.sort();
    there.dedup();
    match there.is_empty() {
        true => e,
        false => e.hint(format!("it {does}s {}", there.join(", "))),
    }
}

/// Where the columns of a list stand.
fn places(all: &[Column], listed: &[(String, Span)], table: &str) -> Result<Vec<usize>, Vec<Error>> {
    let (mut places, mut errors) = (Vec::new(), Vec::new());
    for (name, span) in listed {
        match all.iter().position(|c| c.name == *name) {
            Some(place) => places.push(place),
            None => {
                let e = Error::sql(format!("\"{table}\" has no column \"{name}\"")).code("E0202").span(*span);
                errors.push(match nearest(name, all.iter().map(|c| c.name.as_str())) {
                    Some(near) => e.hint(format!("did you mean \"{near}\"?")),
                    None => e.hint(format!("it has: {}", all.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "))),
                });
            }
        }
    }
    if errors.is_empty() { Ok(places) } else { Err(errors) }
}
