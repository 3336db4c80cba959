//! Results as one JSON object.

use super::human;
use millstream_dataflow::{Error, Span};
use millstream_server::testing::{Cell, FileReport, TestReport};
use millstream_sql::Diagnostic;
use serde_json::{Value, json};

pub(super) fn text(reports: &[FileReport]) -> String {
    let files: Vec<Value> = reports.iter().map(file).collect();
    let passed = reports.iter().all(FileReport::has_passed);
    json!({"version": 1, "passed": passed, "files": files}).to_string() + "\n"
}

fn file(report: &FileReport) -> Value {
    let tests: Vec<Value> = report.tests.iter().map(|t| test(t, report)).collect();
    let errors: Vec<Value> = report.errors.iter().map(|e| error(e, &report.path)).collect();
    json!({"path": report.path, "passed": report.has_passed(), "errors": errors, "tests": tests})
}

fn test(test: &TestReport, report: &FileReport) -> Value {
    let mut problems: Vec<Value> = test.errors.iter().map(|e| error(e, &report.path)).collect();
    problems.extend(test.job_errors.iter().map(|e| {
        let (placed, file) = test.job.placed(Diagnostic::from(e));
        let mut told = error(e, &file.name);
        told["place"] = json!(placed.primary.map(place));
        told
    }));
    for finding in &test.findings {
        let (placed, file) = test.placed(finding, report);
        let mut problem = error(&finding.error(), &file.name);
        problem["place"] = json!(placed.primary.map(place));
        problem["step"] = json!(finding.span.map(place));
        let cells: Vec<Value> = finding.cells.iter().map(cell).collect();
        problem["cells"] = Value::from(cells);
        if let Some(diff) = &finding.diff {
            problem["missing"] = Value::from(diff.missing);
            problem["unexpected"] = Value::from(diff.unexpected);
            problem["diff"] = Value::from(diff.to_string());
        }
        problems.push(problem);
    }
    json!({
        "name": test.name,
        "line": test.span.start.line,
        "passed": test.has_passed(),
        "seconds": test.seconds,
        "cells": test.cells,
        "problems": problems,
        "text": human::wrong(test, report),
    })
}

fn error(error: &Error, path: &str) -> Value {
    json!({
        "code": error.code,
        "message": error.message,
        "detail": error.detail,
        "hint": error.hint,
        "path": path,
        "place": error.span.map(place),
    })
}

fn place(span: Span) -> Value {
    json!({"line": span.start.line, "column": span.start.column, "end_line": span.end.line, "end_column": span.end.column})
}

fn cell(cell: &Cell) -> Value {
    json!({"parallelism": cell.parallelism, "batch_size": cell.batch, "restore": cell.restore, "seed": cell.seed})
}
