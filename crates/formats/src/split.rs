//! Where records end in the bytes of a file.

use crate::csv::Dialect;
use millstream_dataflow::Result;
use std::collections::BTreeMap;
use std::ops::Range;

/// What lines of a file are records.
#[derive(Debug, Clone, Copy)]
pub enum Lines {
    /// Those that are not blank.
    Written,
    /// Every one.
    Every,
    /// Those that are not empty; a line end inside quotes belongs to its record.
    Csv(Dialect),
}

impl Lines {
    /// Those of a format.
    ///
    /// # Errors
    /// `Config` for options that CSV does not take.
    pub fn of(format: &str, options: &BTreeMap<String, String>) -> Result<Lines> {
        Ok(match crate::csv::dialect(format, options)? {
            Some(dialect) => Lines::Csv(dialect),
            None if format == crate::raw::SPEC.name => Lines::Every,
            None => Lines::Written,
        })
    }
    /// How its lines are written, if the format is CSV.
    pub fn csv(self) -> Option<Dialect> {
        match self {
            Lines::Csv(dialect) => Some(dialect),
            Lines::Written | Lines::Every => None,
        }
    }
}

/// The complete records at the start of a piece of a file, without their line ends, and how many bytes they take.
///
/// - `at_end`: nothing follows, so the last line needs no end
pub fn split_records(lines: Lines, bytes: &[u8], at_end: bool) -> (Vec<Range<usize>>, usize) {
    let mut records = Vec::new();
    let csv = lines.csv();
    let blank: fn(&[u8]) -> bool = match lines {
        Lines::Written => |line| line.trim_ascii().is_empty(),
        Lines::Every => |_| false,
        Lines::Csv(_) => <[u8]>::is_empty,
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
    while let Some(end) = match &csv {
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
        split_with(Lines::of("csv", &options).unwrap(), text, at_end)
    }

    fn split_with(lines: Lines, text: &str, at_end: bool) -> (Vec<String>, usize) {
        let (records, used) = split_records(lines, text.as_bytes(), at_end);
        (records.into_iter().map(|r| text[r].to_string()).collect(), used)
    }

    #[test]
    fn lines_are_records_and_the_last_needs_an_end_or_the_files() {
        assert_eq!(split_with(Lines::Written, "a\r\n\n b\nc", false), (vec!["a".into(), " b".into()], 7));
        assert_eq!(split_with(Lines::Written, "a\nc", true), (vec!["a".into(), "c".into()], 3));
        assert_eq!(split_with(Lines::Written, " \n\n{}\n", false), (vec!["{}".into()], 6));
        assert_eq!(split(&[], " \n\n\t\t\n", false), (vec![" ".into(), "\t\t".into()], 6));
        let every = |text| split_with(Lines::Every, text, true).0;
        assert_eq!(
            (every("a\r\n\n b\n"), every("\n\n"), every("")),
            (vec!["a".into(), "".into(), " b".into()], vec!["".into(), "".into()], vec![])
        );
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
