//! `\copy (SELECT …) TO 'file'`: a result as a file.

use crate::display::Format;
use crate::repl::meta::{Meta, Stands};
use crate::repl::view::Looks;
use crate::repl::{Ran, Repl};
use millstream_dataflow::Error;
use millstream_sql::Sources;
use std::path::Path;

/// What is to be copied, and where.
#[derive(Debug, PartialEq, Eq)]
struct Copy {
    /// What the statement begins with that was not typed, and what was.
    head: &'static str,
    query: String,
    /// Where that begins in what was typed, bytes.
    at: usize,
    path: String,
    format: Format,
}

const USAGE: &str = "\\copy (SELECT …) TO 'file.csv', or a table's name in place of the query";

/// Reads `(query) TO file` or `table TO file`.
fn parse(rest: &str) -> Result<Copy, String> {
    let at = last_to(rest).ok_or_else(|| USAGE.to_string())?;
    let (source, target) = (rest[..at].trim(), rest[at + 2..].trim());
    let path = target.trim_matches(['\'', '"']).to_string();
    if source.is_empty() || path.is_empty() {
        return Err(USAGE.to_string());
    }
    let query = match source.strip_prefix('(').and_then(|s| s.strip_suffix(')')) {
        Some(query) => ("", query.trim().trim_end_matches(';')),
        None => ("SELECT * FROM ", source),
    };
    let (head, query) = query;
    let at = rest.find(query).unwrap_or(0);
    let ending = Path::new(&path).extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let format = match ending.as_str() {
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "json" => Format::Json,
        "jsonl" | "ndjson" => Format::Jsonl,
        "md" => Format::Markdown,
        "arrow" | "arrows" => Format::Arrow,
        "parquet" => Format::Parquet,
        "txt" => Format::Table,
        _ => return Err("the file's name tells the form: .csv, .tsv, .json, .jsonl, .md, .arrow, .parquet or .txt".to_string()),
    };
    Ok(Copy {
        head,
        query: query.to_string(),
        at,
        path,
        format,
    })
}

/// Where the last word TO stands that is in no quotes.
fn last_to(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut found = None;
    for (i, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None => {
                let word = text.get(i..i + 2).is_some_and(|w| w.eq_ignore_ascii_case("to"));
                let before = text[..i].chars().next_back().is_some_and(|c| c.is_whitespace() || c == ')');
                let after = text.get(i + 2..).and_then(|t| t.chars().next()).is_some_and(|c| c.is_whitespace() || c == '\'');
                if word && before && after {
                    found = Some(i);
                }
            }
        }
    }
    found
}

impl Repl {
    pub(super) fn copy(&mut self, meta: &Meta, line: &str) {
        let copy = match parse(&meta.rest) {
            Ok(copy) => copy,
            Err(wrong) => return self.wrong(wrong),
        };
        let behind = meta.rest[..copy.at].chars().count();
        let of_query = Meta {
            at: meta.at + behind,
            ..meta.clone()
        };
        let stands = Stands::new(copy.head, &copy.query, &of_query);
        // What is wrong is told before a file is made, or emptied.
        let wrong: Vec<Error> = self.workbench.check(&stands.text).into_iter().map(|e| stands.told(e)).collect();
        if !wrong.is_empty() {
            return self.errors(&wrong, &Sources::from(("input", line)));
        }
        let Some(target) = self.create(&copy.path) else { return };
        let looks = Looks {
            format: copy.format,
            output: Some(target),
            ..self.looks.clone()
        };
        match self.run_for(&stands, line, &looks) {
            Ran::Done => self.say(format!("written to {}", copy.path)),
            Ran::Stopped => self.say(format!("what came before the end is in {}", copy.path)),
            Ran::Wrong => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_tables_are_copied_by_the_name_of_the_file() {
        let read = |text: &str| parse(text).map(|c| (c.head.to_string() + &c.query, c.path, c.format));
        let some = |query: &str, path: &str, format| Ok((query.to_string(), path.to_string(), format));
        assert_eq!(read("(SELECT a FROM t) TO 'a b.csv'"), some("SELECT a FROM t", "a b.csv", Format::Csv));
        assert_eq!(read("(SELECT 'x to y')to 'x.jsonl'"), some("SELECT 'x to y'", "x.jsonl", Format::Jsonl));
        assert_eq!(read("t to x.PARQUET"), some("SELECT * FROM t", "x.PARQUET", Format::Parquet));
        assert!(read("t x.csv").is_err());
        assert!(read("t to x.doc").is_err_and(|e| e.contains(".csv")));
        assert!(read("to x.csv").is_err());
    }
}
