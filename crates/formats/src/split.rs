//! Where records end in the bytes of a file.

use crate::csv::Dialect;
use std::ops::Range;

/// The complete records at the start of a piece of a file, without their line ends, and how many bytes they take. Empty lines are
/// no records, nor is one of white space, but for CSV, where it may be a row. In CSV a line end inside quotes belongs to its record.
///
/// - `csv`: how its lines are written, if the format is this one
/// - `at_end`: nothing follows, so the last line needs no end
pub fn split_records(csv: Option<&Dialect>, bytes: &[u8], at_end: bool) -> (Vec<Range<usize>>, usize) {
    let mut records = Vec::new();
    let blank: fn(&[u8]) -> bool = match csv {
        Some(_) => <[u8]>::is_empty,
        None => |line| line.trim_ascii().is_empty(),
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
    while let Some(end) = match csv {
        Some(dialect) => dialect.record_end(bytes, start),
        None => memchr::memchr(b'\n', &bytes[start..]).map(|i| start + i),
    } {
        push(start..end);
        start = end + 1;
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

    fn split(csv: &[(&str, &str)], text: &str, at_end: bool) -> (Vec<String>, usize) {
        let options = csv.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        split_with(crate::csv::dialect("csv", &options).unwrap(), text, at_end)
    }

    fn split_with(csv: Option<Dialect>, text: &str, at_end: bool) -> (Vec<String>, usize) {
        let (records, used) = split_records(csv.as_ref(), text.as_bytes(), at_end);
        (records.into_iter().map(|r| text[r].to_string()).collect(), used)
    }

    #[test]
    fn lines_are_records_and_the_last_needs_an_end_or_the_files() {
        assert_eq!(split_with(None, "a\r\n\n b\nc", false), (vec!["a".into(), " b".into()], 7));
        assert_eq!(split_with(None, "a\nc", true), (vec!["a".into(), "c".into()], 3));
        assert_eq!(split_with(None, " \n\n{}\n", false), (vec!["{}".into()], 6));
        assert_eq!(split(&[], " \n\n\t\t\n", false), (vec![" ".into(), "\t\t".into()], 6));
    }

    #[test]
    fn line_ends_in_quotes_and_escaped_ones_belong_to_their_record() {
        assert_eq!(split(&[], "1,\"x\ny\"\n2", false), (vec!["1,\"x\ny\"".into()], 8));
        assert_eq!(split(&[], "1,\"x\"\"\ny\"\n2\n", false), (vec!["1,\"x\"\"\ny\"".into(), "2".into()], 12));
        assert_eq!(split(&[], "1,5\" pipe\n2, \"x\n", false).0, ["1,5\" pipe", "2, \"x"]);
        assert_eq!(split(&[("csv.trim-spaces", "true")], "2, \"x\ny\"\n", false).0, ["2, \"x\ny\""]);
        let escape = [("csv.escape-character", "~")];
        assert_eq!(
            split(&escape, "1,~\"x\n2,a~\nb\n3,\"~\"\n\"\n4,~,\"x\n", false).0,
            ["1,~\"x", "2,a~\nb", "3,\"~\"\n\"", "4,~,\"x"]
        );
        let no_quote = [("csv.disable-quote-character", "true")];
        assert_eq!(split(&no_quote, "1,\"x\n2,y\"\n", false).0, ["1,\"x", "2,y\""]);
    }
}
