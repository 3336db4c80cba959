//! Findings as one JSON object; `version` counts changes that a reader would notice.

use super::{Checked, Counts};
use millstream_dataflow::{Location, Span};
use millstream_sql::Diagnostic;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn write(checked: &[Checked]) -> String {
    let diagnostics: Vec<Value> = checked.iter().flat_map(|c| c.findings.iter().map(|f| diagnostic(f, &c.file))).collect();
    let Counts { errors, warnings, advice } = Counts::of(checked);
    let open: BTreeSet<&String> = checked.iter().flat_map(|c| &c.open_variables).collect();
    let further: usize = checked.iter().map(|c| c.further).sum();
    let object = json!({
        "version": 1,
        "diagnostics": diagnostics,
        "open_variables": open,
        "summary": {"files": checked.len(), "errors": errors, "further_errors": further, "warnings": warnings, "advice": advice},
    });
    format!("{object:#}\n")
}

fn diagnostic(f: &Diagnostic, file: &str) -> Value {
    json!({
        "file": file,
        "severity": f.severity.name(),
        "code": f.code,
        "message": f.message,
        "span": f.primary.map(span),
        "labels": f.labels.iter().map(|l| json!({"span": span(l.span), "text": l.text})).collect::<Vec<_>>(),
        "notes": f.notes,
        "helps": f.helps,
        "edits": f.edits.iter().map(|e| json!({"span": span(e.span), "replacement": e.replacement})).collect::<Vec<_>>(),
    })
}

fn span(span: Span) -> Value {
    let place = |at: Location| json!({"line": at.line, "column": at.column});
    json!({"start": place(span.start), "end": place(span.end)})
}
