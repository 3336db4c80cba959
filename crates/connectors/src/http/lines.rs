//! Where the records of a body are.

use millstream_dataflow::{Error, Result, TableSpec};
use millstream_formats::{Lines as FileLines, split_records};
use std::ops::Range;

/// How a format's records follow each other.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    format: String,
    lines: FileLines,
}

impl Lines {
    /// # Errors
    /// `Config` for options that the format does not take.
    pub(super) fn new(table: &TableSpec) -> Result<Self> {
        let format = super::format(table).to_string();
        // A blank line at the end of a body is no record, whatever the format.
        let lines = match FileLines::of(&format, &table.options)? {
            FileLines::Every => FileLines::Written,
            lines => lines,
        };
        Ok(Lines { format, lines })
    }
    /// A line is a record. Where records may hold line ends, a body is one: Avro, and a JSON array that its first line does not end.
    pub(super) fn split(&self, body: &[u8]) -> Vec<Range<usize>> {
        let whole = match self.format.as_str() {
            "avro" => true,
            "json" => begins_array_of_lines(body),
            _ => false,
        };
        match whole {
            true => std::iter::once(0..body.len()).filter(|r| !r.is_empty()).collect(),
            false => split_records(self.lines, body, true).0,
        }
    }
}

fn begins_array_of_lines(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    let first = body.split(|b| *b == b'\n').next().unwrap_or_default();
    first.starts_with(b"[") && !first.trim_ascii_end().ends_with(b"]")
}

/// The place of a record, for messages.
pub(super) fn place(table: &str, object: u64) -> String {
    format!("http {table}, journal {object}, record")
}

/// A position behind the end of its object.
pub(super) fn no_such_record(object: u64, record: u64) -> Error {
    Error::corrupt(format!("object {object} of the journal has no record {record}")).code("E0601")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::tests::table;

    fn records(format: &str, body: &str) -> Vec<String> {
        let lines = Lines::new(&table("s STRING", &[("format", format)])).unwrap();
        lines.split(body.as_bytes()).into_iter().map(|r| body[r].to_string()).collect()
    }

    #[test]
    fn a_line_is_a_record() {
        assert_eq!(records("json", "{}\r\n\n  \n{\"a\":1}"), ["{}", "{\"a\":1}"]);
        assert_eq!(records("raw", "a\nb\n"), ["a", "b"]);
        assert_eq!(records("csv", "a,\"x\ny\"\nb,z"), ["a,\"x\ny\"", "b,z"]);
        assert!(records("json", "").is_empty() && records("raw", "\n\n").is_empty() && records("avro", "").is_empty());
    }

    #[test]
    fn a_body_is_one_where_lines_are_not_its_ends() {
        assert_eq!(records("avro", "a\nb\n"), ["a\nb\n"]);
        assert_eq!(records("json", "[{},\n{}]\n"), ["[{},\n{}]\n"]);
        assert_eq!(records("json", "\n[{},{}]\n[{}]"), ["[{},{}]", "[{}]"]);
    }
}
