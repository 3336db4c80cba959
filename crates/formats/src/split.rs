//! Where records end in the bytes of a file.

use std::ops::Range;

/// The complete records at the start of a piece of a file, without their line ends, and how many bytes they take. Empty lines are
/// no records, nor is one of white space, but for CSV, where it may be a row. In CSV a line end inside quotes belongs to its record.
///
/// - `at_end`: nothing follows, so the last line needs no end
pub fn split_records(format: &str, quote: Option<u8>, bytes: &[u8], at_end: bool) -> (Vec<Range<usize>>, usize) {
    let quote = quote.filter(|_| format == "csv");
    let mut records = Vec::new();
    let blank: fn(&[u8]) -> bool = if format == "csv" {
        <[u8]>::is_empty
    } else {
        |line| line.trim_ascii().is_empty()
    };
    let mut push = |mut record: Range<usize>| {
        if record.end > record.start && bytes[record.end - 1] == b'\r' {
            record.end -= 1;
        }
        if !blank(&bytes[record.clone()]) {
            records.push(record);
        }
    };
    let mut start = 0;
    let mut search = 0;
    let mut quoted = false;
    while let Some(i) = match quote {
        None => memchr::memchr(b'\n', &bytes[search..]),
        Some(q) => memchr::memchr2(b'\n', q, &bytes[search..]),
    } {
        let at = search + i;
        search = at + 1;
        if bytes[at] != b'\n' {
            quoted = !quoted;
        } else if !quoted {
            push(start..at);
            start = search;
        }
    }
    if at_end && start < bytes.len() {
        push(start..bytes.len());
        start = bytes.len();
    }
    (records, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(format: &str, text: &str, at_end: bool) -> (Vec<String>, usize) {
        let (records, used) = split_records(format, Some(b'"'), text.as_bytes(), at_end);
        (records.into_iter().map(|r| text[r].to_string()).collect(), used)
    }

    #[test]
    fn lines_are_records_and_the_last_needs_an_end_or_the_files() {
        assert_eq!(split("json", "a\r\n\n b\nc", false), (vec!["a".into(), " b".into()], 7));
        assert_eq!(split("json", "a\nc", true), (vec!["a".into(), "c".into()], 3));
        assert_eq!(split("json", " \n\n{}\n", false), (vec!["{}".into()], 6));
        assert_eq!(split("csv", " \n\n\t\t\n", false), (vec![" ".into(), "\t\t".into()], 6));
        assert_eq!(split("csv", "1,\"x\ny\"\n2", false), (vec!["1,\"x\ny\"".into()], 8));
        assert_eq!(split("csv", "1,\"x\"\"\ny\"\n2\n", false), (vec!["1,\"x\"\"\ny\"".into(), "2".into()], 12));
    }
}
