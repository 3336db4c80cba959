//! Takes the steps of a test in one cell.

use super::cell::Cell;
use super::compare::{Same, folded};
use super::finding::Finding;
use super::input::Input;
use super::life::{Life, State};
use super::output::Place;
use super::row::Row;
use super::step::{Action, Expected, ExpectedRows, Step};
use super::update::written;
use millstream_dataflow::{Result, RowKind, Span};
use millstream_plan::{Column, Job, NodeSpec, Settings, TableDef};
use millstream_sql::parse::Looked;
use millstream_sql::test_file::JobPlaces;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What all cells of a test have in common.
pub(super) struct Prepared {
    pub(super) plan: Arc<Job>,
    pub(super) settings: Settings,
    pub(super) places: Arc<JobPlaces>,
    pub(super) steps: Vec<Step>,
    /// The tables that are read, with their partitions.
    pub(super) tables: BTreeMap<String, (TableDef, u32)>,
    pub(super) sinks: BTreeMap<String, Vec<Column>>,
    pub(super) now_ms: i64,
    /// Where the files of options are.
    pub(super) directory: PathBuf,
}

impl Prepared {
    /// Why rows of a table may not be there at a step.
    fn hint_of_windows(&self, place: &Place, at: Span) -> Option<String> {
        let Place::Table(table) = place else { return None };
        let mut before = self.steps.iter().take_while(|s| s.span.start < at.start);
        let waits = self.is_behind_window(table) && !before.any(|s| matches!(s.action, Action::Finish));
        waits.then(|| "a window fires once the watermark of all partitions has passed its end: ADVANCE WATERMARK or FINISH brings it there".to_string())
    }

    fn is_behind_window(&self, table: &str) -> bool {
        let nodes = &self.plan.nodes;
        let is_sink = |i: &usize| matches!(&nodes[*i].spec, NodeSpec::Sink(t) if t.name == table);
        let mut open: Vec<usize> = (0..nodes.len()).filter(is_sink).collect();
        while let Some(node) = open.pop().and_then(|i| nodes.get(i)) {
            if matches!(node.spec, NodeSpec::WindowAggregate { .. }) {
                return true;
            }
            open.extend(node.inputs.iter().map(|input| input.node));
        }
        false
    }
}

/// How a test went in a cell.
pub(super) struct Ran {
    pub(super) findings: Vec<Finding>,
    /// What is in the end in the tables that were written.
    pub(super) tables: BTreeMap<String, Vec<Row>>,
}

/// Takes all steps.
pub(super) fn run(test: &Prepared, cell: Cell) -> Ran {
    let input = Input::new(&test.tables, test.directory.clone());
    let mut running = Running {
        life: Life::start(test, cell, input),
        findings: Vec::new(),
        told: false,
    };
    for (number, step) in test.steps.iter().enumerate() {
        match running.step(test, step) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => {
                running.findings.push(Finding::failed(&e, &test.places).at(step.span));
                break;
            }
        }
        // Where chance decides on the order, what is given in a row comes together.
        let together = |s: &Step| matches!(s.action, Action::Give { .. } | Action::AdvanceWatermark { .. });
        let goes_on = cell.seed.is_some() && together(step) && test.steps.get(number + 1).is_some_and(together);
        if cell.restore && !goes_on && running.life.state == State::Running {
            if let Err(e) = running.life.checkpoint() {
                running.findings.push(Finding::failed(&e, &test.places).at(step.span));
                break;
            }
            if running.life.state == State::Running {
                running.life.crash();
            }
        }
    }
    running.end(test)
}

struct Running {
    life: Life,
    findings: Vec<Finding>,
    /// The job has failed, as a step expected.
    told: bool,
}

impl Running {
    /// Takes a step; false if there is no use in going on.
    fn step(&mut self, test: &Prepared, step: &Step) -> Result<bool> {
        let life = &mut self.life;
        match &step.action {
            Action::Give { table, partition, entries } => life.input.give(table, *partition, entries.clone())?,
            Action::AdvanceWatermark { table, partition, time } => life.input.advance(table, *partition, *time)?,
            Action::Idle { table, partition } => life.input.idle(table, *partition)?,
            Action::AdvanceTimeBy(ms) => {
                let to = life.now_ms().saturating_add_unsigned(*ms);
                life.advance_clock(to);
            }
            Action::AdvanceTimeTo(to) => life.advance_clock(*to),
            Action::Checkpoint => life.checkpoint()?,
            Action::Restart => {
                life.checkpoint()?;
                if life.state == State::Running {
                    life.crash();
                }
            }
            Action::Crash => {
                life.settle();
                if life.state != State::Failed || self.told {
                    life.crash();
                    self.told = false;
                }
            }
            Action::Finish => life.finish()?,
            Action::Expect(expected) => {
                life.checkpoint()?;
                if life.state != State::Failed || self.told {
                    self.expect(test, expected, step.span);
                }
            }
            Action::ExpectNoMore(tables) => {
                life.checkpoint()?;
                if life.state != State::Failed || self.told {
                    tables.iter().for_each(|table| self.expect_no_more(test, table, step.span));
                }
            }
            Action::ExpectState(max) => {
                life.checkpoint()?;
                let bytes = life.state_bytes()?;
                if bytes > *max {
                    let finding = Finding::new(format!("the state has {bytes} bytes, more than {max}"));
                    self.findings.push(finding.at(step.span));
                }
            }
            Action::ExpectFailure(code) => return Ok(self.expect_failure(code.as_deref(), step.span)),
            Action::ExpectError(_) => {}
        }
        // A failure is told where it was waited for; the step that meets it may be that after the one that caused it.
        if self.life.state == State::Failed && self.expects_failure_next(test, step) {
            return Ok(true);
        }
        Ok(self.still_runs(test, step.span))
    }

    /// Whether the next step that looks at anything expects that the job has failed.
    fn expects_failure_next(&self, test: &Prepared, step: &Step) -> bool {
        let later = test.steps.iter().filter(|s| s.span.start > step.span.start);
        let looks = |s: &&Step| !matches!(s.action, Action::Give { .. } | Action::AdvanceWatermark { .. } | Action::Idle { .. });
        later.clone().find(looks).is_some_and(|s| matches!(s.action, Action::ExpectFailure(_)))
    }

    fn still_runs(&mut self, test: &Prepared, span: Span) -> bool {
        match (&self.life.state, &self.life.error) {
            (State::Failed, Some(e)) if !self.told => {
                self.findings.push(Finding::failed(e, &test.places).at(span));
                false
            }
            _ => true,
        }
    }

    fn expect_failure(&mut self, code: Option<&str>, span: Span) -> bool {
        self.life.settle();
        let wrong = match (&self.life.error, code) {
            (None, _) => Some(Finding::new("the job has not failed")),
            (Some(_), None) => None,
            (Some(e), Some(code)) if e.code == Some(code) => None,
            (Some(e), Some(code)) => {
                let told = format!("{}: {}", e.code.unwrap_or("no code"), e.message);
                Some(Finding::new(format!("the job has failed with another error than {code}")).detail(told))
            }
        };
        self.told = self.life.error.is_some();
        self.findings.extend(wrong.map(|w| w.at(span)));
        true
    }

    fn expect(&mut self, test: &Prepared, expected: &Expected, span: Span) {
        let output = &self.life.output;
        let mut came = match expected.looked {
            Looked::Table => folded(&output.all(&expected.place)),
            Looked::Changes => output.new_rows(&expected.place),
            Looked::Rows => folded(&output.new_rows(&expected.place)),
            Looked::Late | Looked::Rejected => output.new_rows(&expected.place),
        };
        if expected.looked == Looked::Late {
            // A row may be late for the windows of several queries.
            let mut seen = std::collections::BTreeSet::new();
            came.retain(|row| row.key.as_ref().is_none_or(|key| seen.insert(key.clone())));
        }
        let came: Vec<Row> = came.iter().map(|row| row.of(&expected.places)).collect();
        let kinds = expected.looked == Looked::Changes;
        let (rows, at) = match &expected.rows {
            ExpectedRows::Count(count, at) => {
                if came.len() as u64 != *count {
                    let finding = Finding {
                        update: Some((*at, format!("ROWS {}", came.len()))),
                        ..Finding::new(format!("{} has {} instead of {count}", name(expected), counted(came.len())))
                    };
                    let same = self.same(expected, kinds);
                    let diff = same.compare(&[], &came, false);
                    let hint = ((came.len() as u64) < *count).then(|| test.hint_of_windows(&expected.place, span)).flatten();
                    self.findings.push(Finding { diff, hint, ..finding }.at(span));
                }
                return;
            }
            ExpectedRows::Rows(rows, at) => (rows, *at),
        };
        let Some(diff) = self.same(expected, kinds).compare(rows, &came, expected.ordered) else {
            return;
        };
        let (missing, unexpected) = (diff.missing, diff.unexpected);
        let what = match (missing, unexpected) {
            (0, n) => format!("has {} more than expected", counted(n)),
            (n, 0) => format!("lacks {n} of {} expected", counted(rows.len())),
            (m, u) => format!("is not as expected: {m} missing, {u} unexpected"),
        };
        // Deletions of rows that came before are none that VALUES could say.
        let are_changes = !kinds && came.iter().any(|row| row.kind != RowKind::Insert);
        let finding = Finding {
            diff: Some(diff),
            update: (!are_changes).then(|| (at, written(&came, kinds))),
            hint: (missing > unexpected).then(|| test.hint_of_windows(&expected.place, span)).flatten(),
            ..Finding::new(format!("{} {what}", name(expected)))
        };
        let finding = match are_changes {
            true => finding.detail("rows that came before are updated or deleted: EXPECT CHANGES says how, EXPECT TABLE what there is now"),
            false => finding,
        };
        self.findings.push(finding.at(span));
    }

    fn same<'a>(&self, expected: &'a Expected, kinds: bool) -> Same<'a> {
        Same {
            columns: &expected.columns,
            tolerance: expected.tolerance,
            kinds,
        }
    }

    fn expect_no_more(&mut self, test: &Prepared, table: &str, span: Span) {
        let came = folded(&self.life.output.new_rows(&Place::Table(table.to_string())));
        let columns = test.sinks.get(table).map_or(&[][..], Vec::as_slice);
        let same = Same {
            columns,
            tolerance: None,
            kinds: false,
        };
        if let Some(diff) = same.compare(&[], &came, false) {
            let finding = Finding {
                diff: Some(diff),
                ..Finding::new(format!("there are more rows in \"{table}\""))
            };
            self.findings.push(finding.at(span));
        }
    }

    /// What is left at the end of the test is committed, too.
    fn end(mut self, test: &Prepared) -> Ran {
        let last = self.life.checkpoint();
        if let (Err(e), true) = (last, self.findings.is_empty()) {
            self.findings.push(Finding::failed(&e, &test.places));
        }
        if let (Some(e), false, true) = (&self.life.error, self.told, self.findings.is_empty()) {
            let finding = Finding::failed(e, &test.places);
            self.findings.push(match test.steps.last() {
                Some(step) => finding.at(step.span),
                None => finding,
            });
        }
        let rows = |name: &String| folded(&self.life.output.all(&Place::Table(name.clone())));
        Ran {
            tables: test.sinks.keys().map(|name| (name.clone(), rows(name))).collect(),
            findings: self.findings,
        }
    }
}

fn counted(rows: usize) -> String {
    format!("{rows} row{}", if rows == 1 { "" } else { "s" })
}

/// What was looked at.
fn name(expected: &Expected) -> String {
    match (&expected.place, expected.looked) {
        (Place::Table(name), Looked::Changes) => format!("the change log of \"{name}\""),
        (Place::Table(name), _) => format!("\"{name}\""),
        (Place::Late(name), _) => format!("what is late in \"{name}\""),
        (Place::Rejected(name), _) => format!("what is rejected of \"{name}\""),
    }
}

/// What is other in the tables of another cell.
pub(super) fn differs(sinks: &BTreeMap<String, Vec<Column>>, first: &Ran, other: &Ran) -> Option<Finding> {
    sinks.iter().find_map(|(name, columns)| {
        let same = Same {
            columns,
            tolerance: None,
            kinds: false,
        };
        let diff = same.compare(first.tables.get(name)?, other.tables.get(name)?, false)?;
        Some(Finding {
            code: "E0805",
            diff: Some(diff),
            hint: Some(
                "-: only in the first way, +: only in this one; a result may depend on nothing but the rows of each partition and the watermarks".to_string(),
            ),
            ..Finding::new(format!("\"{name}\" has in the end other rows than in the first way"))
        })
    })
}
