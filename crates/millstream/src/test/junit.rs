//! Results as JUnit's XML, which CI systems read: a suite per file, a case per test.

use super::human;
use millstream_server::testing::{FileReport, TestReport};
use millstream_sql::render;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

pub(super) fn text(reports: &[FileReport]) -> String {
    let mut all = Report::new("millstream");
    all.add_test_suites(reports.iter().map(suite));
    // Only a writer can fail, and this one is memory.
    all.to_string().unwrap_or_default()
}

fn suite(report: &FileReport) -> TestSuite {
    let mut suite = TestSuite::new(&report.path);
    suite.set_time(seconds(report.tests.iter().map(|t| t.seconds).sum()));
    if let Some(first) = report.errors.first() {
        let told: String = report.errors.iter().map(|e| render(e, &report.text, &report.path)).collect();
        let mut file = TestCase::new(&report.path, wrong(NonSuccessKind::Error, &first.message, &told));
        file.set_classname(&report.path);
        suite.add_test_case(file);
    }
    suite.add_test_cases(report.tests.iter().map(|test| case(test, report)));
    suite
}

fn case(test: &TestReport, report: &FileReport) -> TestCase {
    let status = if test.has_passed() {
        TestCaseStatus::success()
    } else {
        let first = test.job_errors.iter().chain(&test.errors).map(|e| e.message.clone()).next();
        let message = first.or_else(|| test.findings.first().map(|f| f.message.clone())).unwrap_or_default();
        wrong(NonSuccessKind::Failure, &message, &human::wrong(test, report))
    };
    let mut case = TestCase::new(&test.name, status);
    case.set_classname(&report.path).set_time(seconds(test.seconds));
    case.extra.insert("file".into(), report.path.as_str().into());
    case.extra.insert("line".into(), test.span.start.line.to_string().into());
    case
}

fn wrong(kind: NonSuccessKind, message: &str, told: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(told);
    status
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
