//! The steps of a test with their values, ready to be taken in any cell.

use super::finding::Finding;
use super::fixture::fixture;
use super::input::{Entry, takes_raw};
use super::output::Place;
use super::row::{Row, value};
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{ArrayRef, RecordBatch};
use millstream_connectors::ConnectorRegistry;
use millstream_dataflow::{Error, ErrorKind, Field, Location, Result, RowKind, Schema, Span};
use millstream_formats::render::timestamp_ms;
use millstream_operators::constant;
use millstream_plan::Column;
use millstream_runtime::simulation::EPOCH_MS;
use millstream_sql::parse::{ExpectError, Looked, Tolerance};
use millstream_sql::test_file::{BoundCell, BoundExpect, BoundRows, BoundStepKind, BoundTest};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) struct Step {
    pub(super) span: Span,
    pub(super) action: Action,
}

pub(super) enum Action {
    Give {
        table: String,
        partition: u32,
        entries: Vec<Entry>,
    },
    AdvanceWatermark {
        table: String,
        partition: Option<u32>,
        time: i64,
    },
    AdvanceTimeBy(u64),
    AdvanceTimeTo(i64),
    Idle {
        table: String,
        partition: u32,
    },
    Checkpoint,
    Restart,
    Crash,
    Finish,
    Expect(Expected),
    ExpectNoMore(Vec<String>),
    ExpectState(u64),
    ExpectFailure(Option<String>),
    /// Looked at before anything runs.
    ExpectError(Option<Finding>),
}

pub(super) struct Expected {
    pub(super) looked: Looked,
    pub(super) place: Place,
    pub(super) columns: Vec<Column>,
    /// Of the columns among those of the place.
    pub(super) places: Vec<usize>,
    pub(super) rows: ExpectedRows,
    pub(super) ordered: bool,
    pub(super) tolerance: Option<Tolerance>,
}

pub(super) enum ExpectedRows {
    Rows(Vec<Row>, Span),
    Count(u64, Span),
}

/// Reads fixtures with it.
pub(super) struct Fixtures<'a> {
    pub(super) registry: &'a ConnectorRegistry,
    pub(super) handle: &'a tokio::runtime::Handle,
    /// Where a path of the test file may start, in this order.
    pub(super) directories: [PathBuf; 2],
}

/// Evaluates all values of a test.
///
/// # Errors
/// All values that are none of their column's type, each with its place.
pub(super) fn steps(test: &mut BoundTest, fixtures: &Fixtures<'_>) -> Result<Vec<Step>, Vec<Error>> {
    let (mut steps, mut errors) = (Vec::new(), std::mem::take(&mut test.errors));
    for step in std::mem::take(&mut test.steps) {
        match action(step.kind, step.span, test, fixtures) {
            Ok(action) => steps.push(Step { span: step.span, action }),
            Err(e) => errors.extend(e),
        }
    }
    errors.extend(test.now.as_ref().and_then(|now| time(now).err()));
    errors.sort_by_key(|e| e.span.map(|s| s.start));
    if errors.is_empty() { Ok(steps) } else { Err(errors) }
}

/// Whether the clock never goes back, nor a watermark that steps advance.
///
/// # Errors
/// `Sql` for each step that would move one there.
pub(super) fn forwards(now: Option<&BoundCell>, steps: &[Step]) -> Result<(), Vec<Error>> {
    let mut now = now.map_or(Ok(EPOCH_MS), time).map_err(|e| vec![e])?;
    // Of one partition, and of all of a table.
    let mut watermarks: BTreeMap<(&str, Option<u32>), i64> = BTreeMap::new();
    let mut errors = Vec::new();
    let mut back = |what: &str, to: i64, at: i64, span: Span| {
        let (to, at) = (timestamp_ms(to), timestamp_ms(at));
        let e = Error::sql(format!("{what} would go back to {to}, it stands at {at}")).code("E0801");
        errors.push(e.span(span));
    };
    for step in steps {
        let to = match &step.action {
            Action::AdvanceTimeBy(ms) => now.saturating_add_unsigned(*ms),
            Action::AdvanceTimeTo(to) => *to,
            Action::AdvanceWatermark { table, partition, time } => {
                let before = [None, *partition]
                    .into_iter()
                    .filter_map(|p| watermarks.get(&(table.as_str(), p)))
                    .max()
                    .copied();
                match before.filter(|before| time < before) {
                    Some(before) => back(&format!("the watermark of \"{table}\""), *time, before, step.span),
                    None => drop(watermarks.insert((table, *partition), *time)),
                }
                continue;
            }
            _ => continue,
        };
        match to < now {
            true => back("the clock", to, now, step.span),
            false => now = to,
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn action(kind: BoundStepKind, span: Span, test: &BoundTest, fixtures: &Fixtures<'_>) -> Result<Action, Vec<Error>> {
    let one = |e: Error| vec![e];
    let def = |table: &str| {
        test.sources
            .get(table)
            .map(|s| &s.table)
            .ok_or_else(|| one(Error::bug("a table without a definition")))
    };
    Ok(match kind {
        BoundStepKind::GivenRows {
            table,
            partition,
            kinds,
            columns,
            rows,
        } => {
            let def = def(&table)?;
            let of: Vec<&Column> = columns.iter().map(|i| &def.columns[*i].0).collect();
            let batch = Arc::new(batch(&of, &rows)?);
            let kind = |row: usize| kinds.get(row).copied().unwrap_or(RowKind::Insert);
            Action::Give {
                table,
                partition,
                entries: (0..rows.len()).map(|row| Entry::Row(Arc::clone(&batch), row, kind(row))).collect(),
            }
        }
        BoundStepKind::GivenFile {
            table,
            partition,
            path,
            span: at,
        } => {
            let read = fixture(&path, def(&table)?, fixtures);
            let placed = |e: Error| if e.span.is_none() { e.span(at) } else { e };
            let batches = read.map_err(|e| e.apart().into_iter().map(placed).collect::<Vec<_>>())?;
            let entries = batches.into_iter().flat_map(|batch| {
                let batch = Arc::new(batch);
                (0..batch.num_rows())
                    .map(|row| Entry::Row(Arc::clone(&batch), row, RowKind::Insert))
                    .collect::<Vec<_>>()
            });
            Action::Give {
                table,
                partition,
                entries: entries.collect(),
            }
        }
        BoundStepKind::GivenRaw { table, partition, records } => {
            takes_raw(def(&table)?, &fixtures.directories[1]).map_err(|e| one(e.span(span)))?;
            Action::Give {
                table,
                partition,
                entries: records.into_iter().map(|r| Entry::Raw(r.into_bytes())).collect(),
            }
        }
        BoundStepKind::AdvanceWatermark { table, partition, to } => Action::AdvanceWatermark {
            table,
            partition,
            time: time(&to).map_err(one)?,
        },
        BoundStepKind::AdvanceTimeBy(ms) => Action::AdvanceTimeBy(ms),
        BoundStepKind::AdvanceTimeTo(to) => Action::AdvanceTimeTo(time(&to).map_err(one)?),
        BoundStepKind::Idle { table, partition } => Action::Idle { table, partition },
        BoundStepKind::Checkpoint => Action::Checkpoint,
        BoundStepKind::Restart => Action::Restart,
        BoundStepKind::Crash => Action::Crash,
        BoundStepKind::Finish => Action::Finish,
        BoundStepKind::Expect(expect) => Action::Expect(expected(expect)?),
        BoundStepKind::ExpectNoMore(tables) => Action::ExpectNoMore(tables),
        BoundStepKind::ExpectState(bytes) => Action::ExpectState(bytes),
        BoundStepKind::ExpectFailure(code) => Action::ExpectFailure(code),
        BoundStepKind::ExpectError { expected, found } => Action::ExpectError(judge(&expected, span, &found)),
    })
}

/// A point in time, epoch ms; of a TIMESTAMP on its own wall clock.
pub(super) fn time(cell: &BoundCell) -> Result<i64> {
    let value = evaluated(cell)?;
    let times = value.as_primitive_opt::<TimestampMillisecondType>();
    times.map(|t| t.value(0)).ok_or_else(|| Error::bug("a time is no timestamp"))
}

fn evaluated(cell: &BoundCell) -> Result<ArrayRef> {
    constant(&cell.expr).map_err(|e| match e.kind {
        ErrorKind::Bug => e,
        _ => Error::sql(e.message.clone()).code("E0305").span(cell.span),
    })
}

fn expected(expect: BoundExpect) -> Result<Expected, Vec<Error>> {
    let rows = match expect.rows {
        BoundRows::Count(count, span) => ExpectedRows::Count(count, span),
        BoundRows::Values { kinds, rows, span } => {
            let fields: Vec<Field> = expect.columns.iter().map(Column::field).collect();
            let (mut made, mut errors) = (Vec::new(), Vec::new());
            for (number, row) in rows.iter().enumerate() {
                let mut cells = Vec::new();
                for (cell, field) in row.iter().zip(&fields) {
                    match evaluated(cell) {
                        Ok(array) => cells.push(value(&array, 0, field)),
                        Err(e) => errors.push(e),
                    }
                }
                made.push(Row {
                    kind: kinds.get(number).copied().unwrap_or(RowKind::Insert),
                    cells,
                    key: None,
                });
            }
            if !errors.is_empty() {
                return Err(errors);
            }
            ExpectedRows::Rows(made, span)
        }
    };
    let place = match expect.looked {
        Looked::Late => Place::Late(expect.table),
        Looked::Rejected => Place::Rejected(expect.table),
        Looked::Rows | Looked::Changes | Looked::Table => Place::Table(expect.table),
    };
    Ok(Expected {
        looked: expect.looked,
        place,
        columns: expect.columns,
        places: expect.places,
        rows,
        ordered: expect.ordered,
        tolerance: expect.tolerance,
    })
}

/// Rows of constants as a batch.
fn batch(columns: &[&Column], rows: &[Vec<BoundCell>]) -> Result<RecordBatch, Vec<Error>> {
    let mut errors = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (number, column) in columns.iter().enumerate() {
        let mut values: Vec<ArrayRef> = Vec::new();
        for row in rows {
            match evaluated(&row[number]) {
                Ok(value) if value.is_null(0) && !column.ty.nullable => {
                    let e = Error::sql(format!("column \"{}\" is NOT NULL", column.name)).code("E0305");
                    errors.push(e.span(row[number].span));
                }
                Ok(value) => values.push(value),
                Err(e) => errors.push(e),
            }
        }
        let parts: Vec<&dyn arrow_array::Array> = values.iter().map(|v| v.as_ref()).collect();
        if errors.is_empty() {
            arrays.push(arrow_select::concat::concat(&parts).map_err(|e| vec![e.into()])?);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let schema = Schema::new(columns.iter().map(|c| Field { nullable: true, ..c.field() }).collect());
    RecordBatch::try_new(schema.to_arrow(), arrays).map_err(|e| vec![Error::bug("given values do not fit their columns").source(e)])
}

/// Whether a statement is wrong as it should be.
fn judge(expected: &ExpectError, span: Span, found: &[Error]) -> Option<Finding> {
    let start = expected.statement.start;
    let place = |e: &Error| {
        let at = e.span.map_or(start, |s| s.start);
        Location {
            line: at.line - start.line + 1,
            column: if at.line == start.line { at.column - start.column + 1 } else { at.column },
        }
    };
    let of_code: Vec<&Error> = found.iter().filter(|e| e.code == Some(expected.code.as_str())).collect();
    let at = |e: &&&Error| expected.at.is_none_or(|(line, column)| place(e) == Location { line, column });
    if of_code.iter().any(|e| at(&e)) {
        return None;
    }
    let told = |e: &Error| {
        let place = place(e);
        format!("{} at {}:{}: {}", e.code.unwrap_or("an error"), place.line, place.column, e.message)
    };
    let finding = match (of_code.first(), found.first()) {
        (Some(elsewhere), _) => Finding::new(format!("{} stands in another place", expected.code)).detail(told(elsewhere)),
        (None, Some(other)) => Finding::new(format!("something else than {} is told", expected.code)).detail(told(other)),
        (None, None) => Finding::new(format!("{} is not told: the statement is right", expected.code)),
    };
    Some(finding.at(span))
}
