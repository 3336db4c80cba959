//! Findings as SARIF 2.1.0 (OASIS standard), for code scanning.

use super::{Checked, whole_message};
use millstream_dataflow::Span;
use millstream_sql::catalogue::entry;
use millstream_sql::{Diagnostic, Severity};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn write(checked: &[Checked]) -> String {
    let codes: BTreeSet<&str> = checked.iter().flat_map(|c| &c.findings).filter_map(|f| f.code).collect();
    let rules: Vec<Value> = codes.into_iter().map(rule).collect();
    let results: Vec<Value> = checked.iter().flat_map(|c| c.findings.iter().map(|f| result(f, &c.file))).collect();
    let sarif = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "millstream", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            // Columns count characters, not UTF-16 units.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{sarif:#}\n")
}

/// A code with what `millstream explain` tells of it.
fn rule(code: &str) -> Value {
    match entry(code) {
        Some(entry) => json!({
            "id": code,
            "shortDescription": {"text": entry.title},
            "help": {"text": entry.text, "markdown": entry.text},
        }),
        None => json!({"id": code}),
    }
}

fn result(f: &Diagnostic, file: &str) -> Value {
    let level = match f.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "note",
    };
    let place = |at: Option<Span>, text: Option<&str>| {
        let mut location = json!({"physicalLocation": {"artifactLocation": {"uri": file.replace(' ', "%20")}}});
        if let Some(at) = at {
            location["physicalLocation"]["region"] = region(at);
        }
        if let Some(text) = text {
            location["message"] = json!({"text": text});
        }
        location
    };
    let mut result = json!({
        "level": level,
        "message": {"text": whole_message(f)},
        "locations": [place(f.primary, None)],
    });
    if let Some(code) = f.code {
        result["ruleId"] = json!(code);
    }
    if !f.labels.is_empty() {
        let related: Vec<Value> = f.labels.iter().map(|l| place(Some(l.span), Some(&l.text))).collect();
        result["relatedLocations"] = json!(related);
    }
    if !f.edits.is_empty() {
        let replacements: Vec<Value> = f
            .edits
            .iter()
            .map(|e| json!({"deletedRegion": region(e.span), "insertedContent": {"text": e.replacement}}))
            .collect();
        let change = json!({"artifactLocation": {"uri": file.replace(' ', "%20")}, "replacements": replacements});
        result["fixes"] = json!([{"artifactChanges": [change]}]);
    }
    result
}

fn region(span: Span) -> Value {
    json!({"startLine": span.start.line, "startColumn": span.start.column, "endLine": span.end.line, "endColumn": span.end.column})
}
