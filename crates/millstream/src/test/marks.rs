//! Results as findings in files, for what marks their lines.

use crate::findings::Checked;
use millstream_server::testing::FileReport;
use millstream_sql::Diagnostic;
use std::collections::BTreeSet;

/// The files of some tests and of their jobs, with what is wrong in each.
pub(super) fn checked(reports: &[FileReport]) -> Vec<Checked> {
    let mut all: Vec<Checked> = Vec::new();
    let mut add = |file: &str, text: &str, findings: Vec<Diagnostic>| match all.iter_mut().find(|c| c.file == file) {
        // Several tests may have the same job.
        Some(known) => known
            .findings
            .extend(findings.into_iter().filter(|f| !known.findings.contains(f)).collect::<Vec<_>>()),
        None => all.push(Checked {
            file: file.to_string(),
            text: text.to_string(),
            findings,
            further: 0,
            open_variables: BTreeSet::new(),
        }),
    };
    for report in reports {
        let mut own: Vec<Diagnostic> = report.errors.iter().map(Diagnostic::from).collect();
        for test in &report.tests {
            own.extend(test.errors.iter().map(Diagnostic::from));
            for finding in &test.findings {
                let (mut told, file) = test.placed(finding, report);
                told.notes.extend(finding.diff.iter().map(|diff| diff.to_string().trim_end().to_string()));
                told.notes.push(format!("in the test '{}'", test.name));
                match file.name == report.path {
                    true => own.push(told),
                    false => add(&file.name, &file.text, vec![told]),
                }
            }
            for error in &test.job_errors {
                let (finding, file) = test.job.placed(Diagnostic::from(error));
                add(&file.name, &file.text, vec![finding]);
            }
        }
        add(&report.path, &report.text, own);
    }
    all
}
