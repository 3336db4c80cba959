//! Broken statements and what Millstream says to each: `sql/broken/*.txt`. `UPDATE=1` writes down what it says now; look at the difference.
//!
//! A file holds blocks with an empty line between them. `#` begins a comment. A block without `->` is part of the tables that all cases of the
//! file begin with. Any other is a case: the text, with `«` and `»` around what is marked, then each error with its code, its message and, below,
//! its detail in brackets and its hint.

use crate::harness::{files, root};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_dataflow::{Error, Location, Span};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tests::hostile::{Sql, well_made};

pub(crate) fn trials() -> Vec<Trial> {
    let failed = |e: anyhow::Error| Failed::from(format!("{e:#}"));
    let mut trials: Vec<Trial> = corpus()
        .into_iter()
        .map(|file| {
            let name = file.file_name().unwrap_or_default().display().to_string();
            Trial::test(format!("broken::{name}"), move || check(&file).map_err(failed))
        })
        .collect();
    trials.push(Trial::test("broken::all_at_once", move || all_at_once().map_err(failed)));
    trials
}

fn corpus() -> Vec<PathBuf> {
    files(&root().join("tests/sql/broken"), "txt")
}

/// A broken text and what is said of it.
struct Case {
    text: String,
    /// What is marked, in the text's order.
    marks: Vec<Span>,
    /// The lines from the first `->` on.
    said: String,
}

enum Block {
    Comment(String),
    Tables(String),
    Case(Case),
}

fn blocks(file: &Path) -> Result<Vec<Block>> {
    let text = std::fs::read_to_string(file)?;
    text.split("\n\n").map(|block| read(block.trim_matches('\n'))).collect()
}

fn read(block: &str) -> Result<Block> {
    if block.lines().all(|l| l.starts_with('#')) {
        return Ok(Block::Comment(block.to_string()));
    }
    let at = match block.find("\n->") {
        Some(at) => at,
        None => return Ok(Block::Tables(format!("{block}\n"))),
    };
    let (mut text, mut marks, mut open) = (String::new(), Vec::new(), None);
    let mut here = Location { line: 1, column: 1 };
    for c in block[..at].chars() {
        match c {
            '«' => open = Some(here),
            '»' => marks.push(Span {
                start: open.take().with_context(|| format!("» without «:\n{block}"))?,
                end: here,
            }),
            '\n' => {
                here = Location {
                    line: here.line + 1,
                    column: 1,
                }
            }
            _ => here.column += 1,
        }
        if !"«»".contains(c) {
            text.push(c);
        }
    }
    Ok(Block::Case(Case {
        text,
        marks,
        said: block[at + 1..].to_string(),
    }))
}

impl Case {
    /// As a file shows it.
    fn write(&self) -> String {
        let mut out = String::new();
        let mut here = Location { line: 1, column: 1 };
        let mark = |out: &mut String, here: Location| {
            for m in &self.marks {
                if m.start == here && m.end == here {
                    out.push_str("«»");
                } else if m.start == here {
                    out.push('«');
                } else if m.end == here {
                    out.push('»');
                }
            }
        };
        for c in self.text.chars() {
            mark(&mut out, here);
            out.push(c);
            here = match c {
                '\n' => Location {
                    line: here.line + 1,
                    column: 1,
                },
                _ => Location {
                    column: here.column + 1,
                    ..here
                },
            };
        }
        mark(&mut out, here);
        format!("{out}\n{}", self.said)
    }
}

/// What is said of a text that stands below `above` other lines: where, and in which words.
fn said(sql: &Sql, tables: &str, text: &str) -> Result<(Vec<Span>, String)> {
    let whole = format!("{tables}{text}");
    let mut errors = match sql.compile(&whole) {
        Ok(_) => bail!("it is taken:\n{text}"),
        Err(errors) => errors,
    };
    errors.iter().try_for_each(|e| well_made(e, &whole))?;
    errors.sort_by_key(|e| e.span.map(|s| s.start));
    let above = tables.lines().count() as u64;
    let up = |l: Location| Location {
        line: l.line.saturating_sub(above),
        ..l
    };
    let spans = errors.iter().filter_map(|e| e.span).map(|s| Span {
        start: up(s.start),
        end: up(s.end),
    });
    let mut spans: Vec<Span> = spans.collect();
    spans.dedup();
    Ok((spans, errors.iter().map(words).collect::<String>().trim_end().to_string()))
}

fn words(e: &Error) -> String {
    let mut out = format!("-> {} {}\n", e.code.unwrap_or_default(), e.message);
    if let Some(detail) = &e.detail {
        let _ = writeln!(out, "   ({detail})");
    }
    if let Some(hint) = &e.hint {
        let _ = writeln!(out, "   {hint}");
    }
    out
}

fn check(file: &Path) -> Result<()> {
    let sql = Sql::new()?;
    let mut tables = String::new();
    let (mut written, mut wrong) = (Vec::new(), Vec::new());
    for block in blocks(file)? {
        match block {
            Block::Comment(text) => written.push(text),
            Block::Tables(text) => {
                tables += &text;
                written.push(text.trim_end().to_string());
            }
            Block::Case(case) => {
                let now = match said(&sql, &tables, &case.text) {
                    Ok((marks, said)) => Case {
                        text: case.text.clone(),
                        marks,
                        said,
                    },
                    Err(e) => {
                        wrong.push(format!("{e:#}"));
                        written.push(case.write());
                        continue;
                    }
                };
                if case.write() != now.write() {
                    wrong.push(format!("expected\n{}\nnow\n{}", case.write(), now.write()));
                }
                written.push(now.write());
            }
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, written.join("\n\n") + "\n")?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

/// What is wrong with one statement of a text hides nothing of what is wrong with the others, and is not told again of them.
fn all_at_once() -> Result<()> {
    /// Errors of one text are cut off at 100.
    const STATEMENTS: usize = 40;
    let sql = Sql::new()?;
    let mut cases = 0;
    for file in corpus() {
        let mut tables = String::new();
        let mut single = Vec::new();
        for block in blocks(&file)? {
            match block {
                Block::Comment(_) => {}
                Block::Tables(text) => tables += &text,
                Block::Case(case) => {
                    cases += 1;
                    // Of a text that does not end nothing follows, and of some statements what follows is not known.
                    let hides = ["ALTER", "USE", "CREATE CATALOG", "CREATE DATABASE"].iter().any(|w| case.text.starts_with(w));
                    if !case.said.contains("does not end") && !case.text.contains(';') && !hides {
                        single.push(case);
                    }
                }
            }
        }
        for part in single.chunks(STATEMENTS) {
            let text: String = part.iter().map(|c| format!("{};\n", c.text)).collect();
            let (_, now) = said(&sql, &tables, &text).with_context(|| file.display().to_string())?;
            let expected: Vec<&str> = part.iter().map(|c| c.said.as_str()).collect();
            ensure!(
                now == expected.join("\n"),
                "{}: together\n{now}\none by one\n{}",
                file.display(),
                expected.join("\n")
            );
        }
    }
    ensure!(cases >= 300, "only {cases} cases");
    Ok(())
}
