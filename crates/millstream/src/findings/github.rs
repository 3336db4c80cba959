//! Findings as workflow commands of GitHub Actions: `::error file=…,line=…::message`.

use super::{Checked, whole_message};
use millstream_sql::{Diagnostic, Severity};

pub(super) fn write(checked: &[Checked]) -> String {
    checked.iter().flat_map(|c| c.findings.iter().map(|f| command(f, &c.file))).collect()
}

fn command(f: &Diagnostic, file: &str) -> String {
    let kind = match f.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "notice",
    };
    let mut properties = vec![format!("file={}", property(file))];
    if let Some(span) = f.primary {
        properties.push(format!("line={}", span.start.line));
        // Columns belong to one line; the end is inclusive.
        if span.start.line == span.end.line {
            properties.push(format!(
                "col={},endColumn={}",
                span.start.column,
                span.end.column.max(span.start.column + 1) - 1
            ));
        } else {
            properties.push(format!("endLine={}", span.end.line));
        }
    }
    properties.extend(f.code.map(|code| format!("title={code}")));
    format!("::{kind} {}::{}\n", properties.join(","), message(&whole_message(f)))
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
