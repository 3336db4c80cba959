//! Findings as JUnit XML: a test case per file, which fails if it has an error.

use super::{Checked, whole_message};
use millstream_sql::{Diagnostic, Severity};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

pub(super) fn write(checked: &[Checked]) -> String {
    let mut suite = TestSuite::new("millstream check");
    suite.add_test_cases(checked.iter().map(case));
    let mut report = Report::new("millstream");
    report.add_test_suite(suite);
    // Only a writer can fail, and this one is memory.
    report.to_string().unwrap_or_default()
}

fn case(checked: &Checked) -> TestCase {
    let text = |findings: Vec<&Diagnostic>| findings.into_iter().map(|f| line(f, &checked.file)).collect::<Vec<_>>().join("\n");
    let (errors, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) = checked.findings.iter().partition(|f| f.severity == Severity::Error);
    let status = match errors.first() {
        None => TestCaseStatus::success(),
        Some(first) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(first.message.clone());
            if let Some(code) = first.code {
                status.set_type(code);
            }
            status.set_description(text(errors));
            status
        }
    };
    let mut case = TestCase::new(checked.file.clone(), status);
    if !others.is_empty() {
        case.set_system_out(text(others));
    }
    case
}

/// `jobs/a.sql:3:7: error[E0202]: …`
fn line(f: &Diagnostic, file: &str) -> String {
    let place = f.primary.map_or(String::new(), |span| format!(":{span}"));
    let code = f.code.map_or(String::new(), |code| format!("[{code}]"));
    format!("{file}{place}: {}{code}: {}", f.severity.name(), whole_message(f))
}
