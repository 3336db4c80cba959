//! Tests of a test file, bound: which job they run, and what each step's values are in the types of its table.

mod cell;
mod step;

use crate::catalog::Catalog;
use crate::compile::{CompileOptions, Compiled, Step, check_setting, compile_here, on_large_stack};
use crate::diagnostic::{Diagnostic, Severity};
use crate::parse::{ExpectError, Looked, TableOption, Test, TestFile, TestStepKind, Tolerance, variables};
use crate::places::{Declared, Places};
use crate::session::Session;
use crate::sources::Sources;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Location, RowKind, Span, SqlType};
use millstream_plan::{Column, Expr, Job, TableDef};
use std::collections::BTreeMap;

/// A test, ready to run.
#[derive(Debug)]
pub struct BoundTest {
    /// All INSERTs; none if the test only looks at what is wrong with statements.
    pub job: Option<Job>,
    /// What is set at the end of the job file.
    pub settings: BTreeMap<String, String>,
    /// Where the clock stands at first, TIMESTAMP_LTZ(3).
    pub now: Option<BoundCell>,
    pub steps: Vec<BoundStep>,
    /// The tables that the job reads, by name.
    pub sources: BTreeMap<String, TestSource>,
    /// The tables that it writes, by name: their columns.
    pub sinks: BTreeMap<String, Vec<Column>>,
    /// What is wrong with settings and steps that are left out.
    pub errors: Vec<Error>,
    pub places: JobPlaces,
}

/// Where errors of a job stand that come once it runs.
#[derive(Debug, Default)]
pub struct JobPlaces {
    places: Places,
    /// The test file's own statements stand behind so many lines, if it has any.
    above: Option<u64>,
}

/// Where something of a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobPlace {
    /// In the text of its files.
    Job(Span),
    /// In the test file, which declares it.
    Test(Span),
}

impl JobPlaces {
    /// The error at the expression, the option or the table that it is about.
    pub fn of(&self, e: Error) -> Error {
        self.places.of(e, &Declared::default())
    }
    /// What a place of such an error is.
    pub fn place(&self, span: Span) -> JobPlace {
        match self.above {
            Some(above) if span.start.line > above => JobPlace::Test(span.moved_up(above)),
            _ => JobPlace::Job(span),
        }
    }
}

/// A table that the job reads.
#[derive(Debug, Clone)]
pub struct TestSource {
    /// With all columns that rows may be given.
    pub table: TableDef,
    pub partitions: u32,
}

/// A step and where it stands.
#[derive(Debug)]
pub struct BoundStep {
    pub span: Span,
    pub kind: BoundStepKind,
}

/// A constant expression in the type of what takes it, and where it stands.
#[derive(Debug, Clone)]
pub struct BoundCell {
    pub expr: Expr,
    pub span: Span,
}

#[derive(Debug)]
pub enum BoundStepKind {
    GivenRows {
        table: String,
        partition: u32,
        kinds: Vec<RowKind>,
        /// Numbers of the table's columns.
        columns: Vec<usize>,
        rows: Vec<Vec<BoundCell>>,
    },
    GivenFile {
        table: String,
        partition: u32,
        path: String,
        span: Span,
    },
    GivenRaw {
        table: String,
        partition: u32,
        records: Vec<String>,
    },
    /// To a TIMESTAMP(3) or TIMESTAMP_LTZ(3); of all partitions without a number.
    AdvanceWatermark {
        table: String,
        partition: Option<u32>,
        to: BoundCell,
    },
    /// By milliseconds.
    AdvanceTimeBy(u64),
    /// To a TIMESTAMP_LTZ(3).
    AdvanceTimeTo(BoundCell),
    Idle {
        table: String,
        partition: u32,
    },
    Checkpoint,
    Restart,
    Crash,
    Finish,
    Expect(BoundExpect),
    /// Of these tables.
    ExpectNoMore(Vec<String>),
    ExpectState(u64),
    ExpectFailure(Option<String>),
    ExpectError {
        expected: ExpectError,
        /// What is wrong with the statement; places are those in the test file.
        found: Vec<Error>,
    },
}

#[derive(Debug)]
pub struct BoundExpect {
    pub looked: Looked,
    pub table: String,
    /// The columns that are compared.
    pub columns: Vec<Column>,
    /// Their numbers among the columns that are looked at.
    pub places: Vec<usize>,
    pub rows: BoundRows,
    pub ordered: bool,
    pub tolerance: Option<Tolerance>,
}

#[derive(Debug)]
pub enum BoundRows {
    Values {
        /// Of each row, if changes are looked at.
        kinds: Vec<RowKind>,
        rows: Vec<Vec<BoundCell>>,
        /// From the first bracket to the last.
        span: Span,
    },
    Count(u64, Span),
}

/// What is wrong with a test.
#[derive(Debug, Default)]
pub struct TestErrors {
    /// In the job file.
    pub job: Vec<Error>,
    /// In the test file.
    pub test: Vec<Error>,
    /// The steps that take tables which are known though the job has errors: more may be wrong with them.
    pub half: Option<Box<BoundTest>>,
}

impl TestErrors {
    pub fn of_test(test: Vec<Error>) -> TestErrors {
        TestErrors { test, ..TestErrors::default() }
    }
}

/// The columns of a record that is no row, as EXPECT REJECTED shows them.
pub fn rejected_columns() -> Vec<Column> {
    vec![
        Column::new("reason", SqlType::STRING, false),
        Column::new("message", SqlType::STRING, true),
        Column::new("record", SqlType::STRING, true),
        Column::new("partition", SqlType::Int, false),
    ]
}

/// Compiles a test's job and binds its steps.
///
/// - `text`: of the test file
/// - `job`: the job file, for a test that has one, and those that it shares
///
/// # Errors
/// All that is wrong with the job, or else with the steps.
pub fn bind(text: &str, file: &TestFile, test: &Test, job: &Sources, options: &CompileOptions<'_>) -> Result<BoundTest, TestErrors> {
    let mut settings = options.settings.clone();
    let mut wrong = Vec::new();
    for set in &test.settings {
        match check_setting(&set.key, &set.value) {
            Ok(()) => drop(settings.insert(set.key.clone(), set.value.clone())),
            Err(e) => wrong.push(e.span(set.span)),
        }
    }
    let mut variables = options.variables.clone();
    // Those of the command line win, as they do over nothing else.
    let own = test.variables.iter().map(|v| (v.key.clone(), v.value.clone()));
    own.for_each(|(key, value)| {
        variables.entry(key).or_insert(value);
    });
    let options = CompileOptions {
        registry: options.registry,
        catalogs: options.catalogs,
        variables: &variables,
        settings: &settings,
        job_name: options.job_name,
    };
    let misplaced = job.misplaced();
    if !misplaced.is_empty() {
        return Err(TestErrors {
            job: misplaced,
            ..TestErrors::of_test(wrong)
        });
    }
    let whole = match job.own() {
        Some(_) => Behind::alone(job.text()),
        None => Behind::new(job.text(), only(text, file.shared.iter().chain(&test.statements))),
    };
    wrong.extend(unused(text, test, &whole));
    let bound = on_large_stack(|| {
        let found: Vec<Vec<Error>> = test.steps.iter().map(|s| errors_in(&s.kind, text, &whole.text, &options)).collect();
        compile_here(&whole.text, &options, |compiled, catalog| {
            step::bind(test, compiled, catalog, options.registry, found)
        })
    })
    .flatten();
    match bound {
        Ok((mut compiled, Ok(mut bound))) => {
            bound.job = job_of(&mut compiled);
            bound.settings = compiled.settings;
            bound.places = JobPlaces {
                places: compiled.places,
                above: job.own().is_none().then_some(whole.above),
            };
            bound.errors.extend(wrong);
            Ok(bound)
        }
        Ok((_, Err(errors))) => {
            wrong.extend(errors);
            Err(TestErrors::of_test(wrong))
        }
        Err(errors) => {
            let half = half(test, &whole.text, &options);
            let (test, job): (Vec<Error>, _) = errors.into_iter().partition(|e| whole.is_behind(e));
            wrong.extend(test.into_iter().map(|e| whole.placed(e)));
            Err(TestErrors { job, test: wrong, half })
        }
    }
}

/// Variables that the test gives a value and that stand nowhere.
fn unused(text: &str, test: &Test, whole: &Behind) -> Vec<Error> {
    let mut names = variables(&whole.text);
    for step in &test.steps {
        if let TestStepKind::ExpectError(expect) = &step.kind {
            names.extend(variables(&only(text, std::iter::once(&expect.statement))));
        }
    }
    let known = |key: &str| test.variables.iter().any(|v| v.key == key);
    let missing: Vec<&str> = names.iter().map(String::as_str).filter(|name| !known(name)).collect();
    let unused = test.variables.iter().filter(|v| !names.contains(&v.key));
    let told = |v: &TableOption| {
        let of = if test.job.is_some() { "the job file" } else { "the test's statements" };
        let e = Error::config(format!("there is no '${{{}}}' in {of}", v.key)).code("E0505").span(v.key_span);
        match (nearest(&v.key, missing.iter().copied()), missing.as_slice()) {
            (Some(near), _) => e.meant(format!("'{near}'"), format!("'{near}'")),
            (None, []) => e.hint("leave it out"),
            (None, missing) => e.hint(format!("there is: {}", missing.join(", "))),
        }
    };
    unused.map(told).collect()
}

/// The steps of a test whose job is wrong.
fn half(test: &Test, job: &str, options: &CompileOptions<'_>) -> Option<Box<BoundTest>> {
    let bound = on_large_stack(|| {
        let mut session = Session::default();
        session.check(job, options);
        let settings = session.known().settings.into_iter().collect();
        step::bind_half(test, &settings, &Catalog::new(options, session.names().clone()), options.registry)
    });
    bound.flatten().ok().map(Box::new)
}

fn job_of(compiled: &mut Compiled) -> Option<Job> {
    let steps = std::mem::take(&mut compiled.steps);
    steps.into_iter().find_map(|s| match s {
        Step::Insert(job) => Some(job),
        _ => None,
    })
}

/// A text with nothing but some statements in it, each in its place.
fn only<'a>(text: &str, spans: impl Iterator<Item = &'a Span>) -> String {
    let spans: Vec<&Span> = spans.collect();
    let mut at = Location { line: 1, column: 1 };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let inside = spans.iter().any(|s| s.start <= at && at < s.end);
        out.push(if inside || c.is_whitespace() || c == ';' { c } else { ' ' });
        at = match c {
            '\n' => Location { line: at.line + 1, column: 1 },
            _ => Location { column: at.column + 1, ..at },
        };
    }
    out
}

/// What is wrong with the statement of EXPECT ERROR behind the job's own ones.
fn errors_in(step: &TestStepKind, text: &str, job: &str, options: &CompileOptions<'_>) -> Vec<Error> {
    let TestStepKind::ExpectError(expect) = step else { return Vec::new() };
    let span = expect.statement;
    let statement = only(text, std::iter::once(&span));
    let whole = Behind::new(job, statement);
    let errors = match expect.code.starts_with('W') {
        true => findings(&whole, options),
        false => compile_here(&whole.text, options, |_, _| ()).err().unwrap_or_default(),
    };
    let placed = |e: Error| match whole.is_behind(&e) {
        true => whole.placed(e),
        false => e.span(span),
    };
    errors.into_iter().map(placed).collect()
}

/// What lints say of the second text, and what is wrong with both.
fn findings(whole: &Behind, options: &CompileOptions<'_>) -> Vec<Error> {
    let told = |f: Diagnostic| {
        let e = Error::sql(f.message);
        let e = f.code.into_iter().fold(e, |e, code| e.code(code));
        (f.severity, f.primary.into_iter().fold(e, |e, at| e.span(at)))
    };
    let all = Session::default().check(&whole.text, options).findings.into_iter().map(told);
    let concerns = |(severity, e): &(Severity, Error)| *severity == Severity::Error || whole.is_behind(e);
    all.filter(concerns).map(|(_, e)| e).collect()
}

/// A text behind another one, in lines of its own.
struct Behind {
    text: String,
    /// Lines before it.
    above: u64,
}

impl Behind {
    fn new(first: &str, then: String) -> Behind {
        if first.is_empty() {
            return Behind { text: then, above: 0 };
        }
        Behind {
            above: first.matches('\n').count() as u64 + 2,
            text: format!("{first}\n;\n{then}"),
        }
    }
    /// With nothing behind it.
    fn alone(first: &str) -> Behind {
        Behind {
            text: first.to_string(),
            above: u64::MAX,
        }
    }
    /// Whether an error is in the second one.
    fn is_behind(&self, e: &Error) -> bool {
        match e.span {
            Some(span) => span.start.line > self.above,
            None => self.above != u64::MAX,
        }
    }
    /// That error, with its places in the second one.
    fn placed(&self, e: Error) -> Error {
        e.labels_in(|span| span.start.line > self.above).moved(|span| span.moved_up(self.above))
    }
}
