//! Results as JUnit's XML, which CI systems read.

use super::human;
use millstream_server::testing::{FileReport, TestReport};
use millstream_sql::render;
use std::fmt::Write;

pub(super) fn text(reports: &[FileReport]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"millstream\">\n");
    for report in reports {
        let failed = report.tests.iter().filter(|t| !t.has_passed()).count();
        let broken = usize::from(!report.errors.is_empty());
        let seconds: f64 = report.tests.iter().map(|t| t.seconds).sum();
        let path = escaped(&report.path);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{path}\" tests=\"{}\" failures=\"{failed}\" errors=\"{broken}\" time=\"{seconds:.3}\">",
            report.tests.len() + broken
        );
        if broken > 0 {
            let told: String = report.errors.iter().map(|e| render(e, &report.text, &report.path)).collect();
            let message = report.errors.first().map_or("", |e| e.message.as_str());
            let _ = writeln!(
                out,
                "    <testcase name=\"{path}\" classname=\"{path}\">\n      <error message=\"{}\">{}</error>\n    </testcase>",
                escaped(message),
                escaped(&told)
            );
        }
        report.tests.iter().for_each(|test| case(test, report, &mut out));
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

fn case(test: &TestReport, report: &FileReport, out: &mut String) {
    let (name, path) = (escaped(&test.name), escaped(&report.path));
    let head = format!(
        "    <testcase name=\"{name}\" classname=\"{path}\" file=\"{path}\" line=\"{}\" time=\"{:.3}\"",
        test.span.start.line, test.seconds
    );
    if test.has_passed() {
        let _ = writeln!(out, "{head}/>");
        return;
    }
    let first = test.errors.iter().chain(&test.job_errors).map(|e| e.message.clone()).next();
    let message = first.or_else(|| test.findings.first().map(|f| f.message.clone())).unwrap_or_default();
    let _ = writeln!(
        out,
        "{head}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
        escaped(&message),
        escaped(&human::wrong(test, report))
    );
}

/// A text as XML has it. Characters that XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
