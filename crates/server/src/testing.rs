//! `*.test.sql`: jobs that are fed step by step, in process and in virtual time, and looked at.
//!
//! Start with [`test_file`]. Each test runs in several [`Cell`]s: its results must not depend on parallelism, batches, restarts or the order
//! in which partitions are read.

mod cell;
mod compare;
mod diff;
mod finding;
mod fixture;
mod input;
mod life;
mod output;
mod record;
mod row;
mod run;
mod step;
mod update;

pub use cell::Cell;
pub use diff::Diff;
pub use finding::Finding;
pub use record::{Recorded, record};
pub use update::updated;

use crate::catalogs::Catalogs;
use millstream_connectors::{ConnectorContext, ConnectorRegistry, Machine};
use millstream_dataflow::{Clock, Error, ErrorKind, Span};
use millstream_plan::{NodeSpec, Settings};
use millstream_runtime::SystemClock;
use millstream_runtime::simulation::EPOCH_MS;
use millstream_sql::parse::{Test, TestFile, TestStepKind, parse_each_test};
use millstream_sql::test_file::{BoundTest, JobPlace, TestErrors, bind};
use millstream_sql::{CompileOptions, Diagnostic, SourceFile, Sources, utf8};
use run::{Prepared, Ran};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use step::Fixtures;

/// Which tests to run and how.
#[derive(Debug, Clone)]
pub struct TestOptions {
    /// Names and texts of the files that the jobs of the project share.
    pub shared: Vec<(String, String)>,
    /// Only tests with this in their name.
    pub filter: Option<String>,
    /// `-D NAME=value`
    pub variables: BTreeMap<String, String>,
    /// How tests run; in no way they are only looked at.
    pub cells: Vec<Cell>,
    /// Where relative paths start.
    pub directory: PathBuf,
}

/// How the tests of a file went.
#[derive(Debug)]
pub struct FileReport {
    /// As it was named.
    pub path: String,
    pub text: String,
    /// What is wrong with the text: then no test has run.
    pub errors: Vec<Error>,
    pub tests: Vec<TestReport>,
}

/// How a test went.
#[derive(Debug)]
pub struct TestReport {
    pub name: String,
    /// Of its head.
    pub span: Span,
    /// In how many ways it has run.
    pub cells: usize,
    pub seconds: f64,
    /// What is wrong with its statements.
    pub errors: Vec<Error>,
    /// What is wrong with its job file or those that it shares, with places in all of them.
    pub job_errors: Vec<Error>,
    pub job: Sources,
    /// What is not as it expects.
    pub findings: Vec<Finding>,
}

impl TestReport {
    pub fn has_passed(&self) -> bool {
        self.errors.is_empty() && self.job_errors.is_empty() && self.findings.is_empty()
    }

    /// A finding of it, and the file that it stands in: where the job has failed, if that is known, or else in the test file.
    pub fn placed(&self, finding: &Finding, of: &FileReport) -> (Diagnostic, SourceFile) {
        let own = |e: &Error| Sources::from((of.path.as_str(), of.text.as_str())).placed(Diagnostic::from(e));
        let (error, what) = (finding.error(), "the step at which it failed");
        match (finding.failed_at, finding.span) {
            (Some(JobPlace::Job(at)), step) => {
                let (mut told, file) = self.job.placed(Diagnostic::from(&error.told_at(at)));
                told.notes.extend(step.map(|step| format!("{}:{step}: {what}", of.path)));
                (told, file)
            }
            (Some(JobPlace::Test(at)), Some(step)) => own(&error.told_at(at).label(step, what)),
            _ => own(&error),
        }
    }
}

impl FileReport {
    pub fn has_passed(&self) -> bool {
        self.errors.is_empty() && self.tests.iter().all(TestReport::has_passed)
    }
    /// Whether Millstream itself is wrong.
    pub fn is_bug(&self) -> bool {
        let of_tests = self.tests.iter().flat_map(|t| t.errors.iter().chain(&t.job_errors));
        let findings = self.tests.iter().flat_map(|t| &t.findings);
        self.errors.iter().chain(of_tests).any(|e| e.kind == ErrorKind::Bug) || findings.clone().any(|f| f.kind == ErrorKind::Bug)
    }
}

/// Runs the tests of a file. Must not be called by a thread of the runtime.
///
/// - `path`: of the file, as it is named in messages
/// - `handle`: for connectors that read fixtures
pub fn test_file(path: &str, text: &str, options: &TestOptions, handle: &tokio::runtime::Handle) -> FileReport {
    let mut report = FileReport {
        path: path.to_string(),
        text: text.to_string(),
        errors: Vec::new(),
        tests: Vec::new(),
    };
    let (file, errors) = parse_each_test(text);
    report.errors = errors;
    let wanted = |test: &&Test| options.filter.as_ref().is_none_or(|f| test.name.contains(f.as_str()));
    let tested = Tested { path, text, options, handle };
    report.tests = file.tests.iter().filter(wanted).map(|test| tested.run(&file, test)).collect();
    for test in &file.half {
        let (mut looked, _) = tested.look(&file, test);
        report.errors.append(&mut looked.errors);
        if !looked.job_errors.is_empty() {
            report.tests.push(looked);
        }
    }
    report.errors.sort_by_key(|e| e.span.map(|s| s.start));
    report
}

/// That a test says nothing of what the job makes.
fn expects_nothing(test: &Test) -> Option<Error> {
    use TestStepKind as K;
    let expects = |kind: &TestStepKind| {
        matches!(
            kind,
            K::Expect(_) | K::ExpectNoMore(_) | K::ExpectState(_) | K::ExpectFailure(_) | K::ExpectError(_)
        )
    };
    if test.steps.iter().any(|step| expects(&step.kind)) {
        return None;
    }
    let (what, hint) = match test.steps.is_empty() {
        true => ("has no steps", "GIVEN brings rows, EXPECT says what the job makes of them"),
        false => (
            "expects nothing",
            "end it with EXPECT t ROWS 0; millstream test --update writes the rows that come",
        ),
    };
    let e = Error::sql(format!("the test '{}' {what}", test.name)).code("E0806");
    Some(e.span(test.span).hint(hint))
}

struct Tested<'a> {
    path: &'a str,
    text: &'a str,
    options: &'a TestOptions,
    handle: &'a tokio::runtime::Handle,
}

/// A path without the ways up that follow a way down: what reads reports compares paths by their letters.
fn straight(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        let goes_back = part == Component::ParentDir && matches!(out.components().next_back(), Some(Component::Normal(_)));
        match goes_back {
            true => drop(out.pop()),
            false => out.push(part),
        }
    }
    out
}

impl Tested<'_> {
    fn run(&self, file: &TestFile, test: &Test) -> TestReport {
        let clock = SystemClock::default();
        let (mut report, prepared) = self.look(file, test);
        if let Some(e) = expects_nothing(test) {
            report.errors.insert(0, e);
        }
        if let (Some(prepared), true) = (prepared, report.errors.is_empty()) {
            self.matrix(test, &prepared, &mut report);
        }
        report.seconds = clock.monotonic().as_secs_f64();
        report
    }

    /// What is wrong with a test, and what is to be run if nothing is.
    fn look(&self, file: &TestFile, test: &Test) -> (TestReport, Option<Prepared>) {
        let mut report = TestReport {
            name: test.name.clone(),
            span: test.span,
            cells: 0,
            seconds: 0.0,
            errors: Vec::new(),
            job_errors: Vec::new(),
            job: Sources::default(),
            findings: Vec::new(),
        };
        let job = match self.job_file(test) {
            Ok(job) => job,
            Err(e) => {
                report.errors.push(e);
                return (report, None);
            }
        };
        report.job = Sources::new(&self.options.shared, job);
        match self.prepared(file, test, &report.job) {
            Ok((prepared, findings)) => {
                report.findings = findings;
                (report, prepared)
            }
            Err(errors) => {
                (report.errors, report.job_errors) = (errors.test, errors.job);
                (report, None)
            }
        }
    }

    /// Where paths of the test file may start.
    fn directories(&self) -> [PathBuf; 2] {
        let own = self.options.directory.join(self.path);
        let own = own.parent().map_or_else(|| self.options.directory.clone(), Path::to_path_buf);
        [own, self.options.directory.clone()]
    }

    /// Path and text of the job file.
    fn job_file(&self, test: &Test) -> Result<Option<(String, String)>, Error> {
        let Some((path, span)) = &test.job else { return Ok(None) };
        let Some(found) = self.directories().into_iter().map(|d| d.join(path)).find(|p| p.is_file()) else {
            let e = Error::config(format!("there is no job file '{path}'")).code("E0803").span(*span);
            return Err(e.hint("paths start at the test file's directory, or where the program was started"));
        };
        let text = std::fs::read(&found).and_then(utf8).map_err(|e| {
            let cannot = Error::config(format!("the job file '{path}' cannot be read")).code("E0803").span(*span);
            cannot.source(e)
        })?;
        let shown = found.strip_prefix(&self.options.directory).unwrap_or(&found);
        Ok(Some((straight(shown).to_string_lossy().into_owned(), text)))
    }

    /// What is to be run, if anything is, and what was found without.
    fn prepared(&self, file: &TestFile, test: &Test, job: &Sources) -> Result<(Option<Prepared>, Vec<Finding>), TestErrors> {
        let stem = |path: &str| Path::new(path).file_stem().map_or("test".to_string(), |s| s.to_string_lossy().into_owned());
        let name = stem(job.own().map_or(self.path, |own| &own.name));
        let registry = self.registry(&name);
        let catalogs = Catalogs::new(self.options.directory.clone(), self.handle.clone());
        let settings = BTreeMap::new();
        let options = CompileOptions {
            registry: &registry,
            catalogs: Some(&catalogs),
            variables: &self.options.variables,
            settings: &settings,
            job_name: Some(&name),
        };
        let fixtures = Fixtures {
            registry: &registry,
            handle: self.handle,
            directories: self.directories(),
        };
        let of_test = TestErrors::of_test;
        let mut bound = bind(self.text, file, test, job, &options).map_err(|mut wrong| {
            let more = wrong.half.take().and_then(|mut half| step::steps(&mut half, &fixtures).err());
            wrong.test.extend(more.into_iter().flatten());
            wrong
        })?;
        let steps = step::steps(&mut bound, &fixtures).map_err(of_test)?;
        step::forwards(bound.now.as_ref(), &steps).map_err(of_test)?;
        let findings = steps.iter().filter_map(|s| match &s.action {
            step::Action::ExpectError(finding) => finding.clone(),
            _ => None,
        });
        let findings = findings.collect();
        if steps.iter().all(|s| matches!(s.action, step::Action::ExpectError(_))) && !steps.is_empty() {
            return Ok((None, findings));
        }
        let BoundTest {
            job: Some(plan),
            settings,
            now,
            sources,
            sinks,
            places,
            ..
        } = bound
        else {
            return Ok((None, findings));
        };
        let now_ms = now.as_ref().map_or(Ok(EPOCH_MS), step::time).map_err(|e| of_test(vec![e]))?;
        let mut tables: BTreeMap<_, _> = sources.into_iter().map(|(name, s)| (name, (s.table, s.partitions))).collect();
        for node in &plan.nodes {
            if let NodeSpec::Source(source) = &node.spec {
                // No step has a word about it.
                tables.entry(source.table.name.clone()).or_insert_with(|| (source.table.clone(), 1));
            }
        }
        let prepared = Prepared {
            places: Arc::new(places),
            settings: Settings::new(&settings).map_err(|e| of_test(vec![e]))?,
            plan: Arc::new(plan),
            steps,
            tables,
            sinks,
            now_ms,
            directory: self.options.directory.clone(),
        };
        Ok((Some(prepared), findings))
    }

    fn registry(&self, job: &str) -> ConnectorRegistry {
        let unique: Arc<dyn Fn() -> String + Send + Sync> = Arc::new(|| "0".repeat(32));
        ConnectorRegistry::new(ConnectorContext {
            clock: Arc::new(SystemClock::default()),
            host: Arc::new(Machine::new(self.handle.clone(), unique)),
            handle: self.handle.clone(),
            job: job.to_string(),
            directory: self.options.directory.clone(),
            state: None,
        })
    }

    /// Runs a test in all its cells; what is found in several is told once.
    fn matrix(&self, test: &Test, prepared: &Prepared, report: &mut TestReport) {
        let mut cells = self.options.cells.clone();
        // A test that says how parallel it is runs in no other way.
        if test.settings.iter().any(|s| s.key == "parallelism.default")
            && let Some(parallelism) = prepared.settings.parallelism
        {
            cells.iter_mut().for_each(|c| c.parallelism = parallelism);
            let mut seen: Vec<Cell> = Vec::new();
            cells.retain(|c| {
                let new = !seen.contains(c);
                seen.push(*c);
                new
            });
        }
        let mut first: Option<Ran> = None;
        report.cells = cells.len();
        for cell in cells {
            let mut ran = run::run(prepared, cell);
            if let (Some(first), true) = (&first, ran.findings.is_empty()) {
                ran.findings.extend(run::differs(&prepared.sinks, first, &ran));
            }
            for mut finding in std::mem::take(&mut ran.findings) {
                finding.span = finding.span.or(Some(test.span));
                match report.findings.iter_mut().find(|f| f.is_same(&finding)) {
                    Some(same) => same.cells.push(cell),
                    None => {
                        finding.cells.push(cell);
                        report.findings.push(finding);
                    }
                }
            }
            first.get_or_insert(ran);
        }
    }
}
