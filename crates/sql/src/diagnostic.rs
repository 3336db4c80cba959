//! Errors with the line they stand in.

use millstream_dataflow::Error;
use std::fmt::Write;

/// An error as rustc would show it.
pub fn render(error: &Error, text: &str, file: &str) -> String {
    let code = error.code.map_or(String::new(), |c| format!("[{c}]"));
    let mut out = format!("error{code}: {}\n", error.message);
    if let Some(span) = error.span {
        let width = span.start.line.to_string().len();
        let _ = writeln!(out, "{:width$}--> {file}:{}:{}", "", span.start.line, span.start.column);
        if let Some(line) = text.lines().nth(span.start.line.saturating_sub(1) as usize) {
            let from = span.start.column.saturating_sub(1) as usize;
            let to = if span.end.line == span.start.line {
                (span.end.column.saturating_sub(1) as usize).max(from + 1)
            } else {
                line.chars().count().max(from + 1)
            };
            // Tabs stay tabs so that the caret stands below its column.
            let indent: String = line.chars().take(from).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let _ = writeln!(out, "{:width$} |", "");
            let _ = writeln!(out, "{} | {line}", span.start.line);
            let _ = writeln!(out, "{:width$} | {indent}{}", "", "^".repeat(to - from));
        }
    } else {
        let _ = writeln!(out, " --> {file}");
    }
    if let Some(detail) = &error.detail {
        let _ = writeln!(out, " note: {detail}");
    }
    let mut cause = error.source.as_deref().map(|e| e as &dyn std::error::Error);
    while let Some(e) = cause {
        let _ = writeln!(out, " cause: {e}");
        cause = e.source();
    }
    if let Some(hint) = &error.hint {
        let _ = writeln!(out, " help: {hint}");
    }
    out
}

/// What is not there yet, and where.
pub(crate) fn unsupported(what: impl std::fmt::Display, span: millstream_dataflow::Span) -> Error {
    Error::sql(format!("{what} is not supported yet")).code("E0101").span(span)
}
