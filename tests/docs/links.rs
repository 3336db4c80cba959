//! Links between the pages of the documentation, and the book that they make up.

use super::page::Page;
use super::{page_name, pages};
use crate::harness::root;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Targets of links and pictures in a page, without its code.
fn links(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    for line in page.prose() {
        let outside_of_code: String = line.split('`').step_by(2).collect::<Vec<_>>().join("_");
        let targets = outside_of_code.split("](").skip(1).filter_map(|t| t.split_once(')'));
        found.extend(targets.map(|(target, _)| target.to_string()));
    }
    found
}

fn read(path: &Path) -> Result<Page> {
    Page::read(&std::fs::read_to_string(path)?).with_context(|| path.display().to_string())
}

/// A heading as links name it: lower case, without signs, `-` for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

/// Each relative link leads to a file, and to a heading of it if it names one. Those of the book stay in it.
pub(crate) fn lead_somewhere() -> Result<()> {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for path in pages() {
        for link in links(&read(&path)?).iter().filter(|l| !l.contains("://")) {
            tried += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().context("no parent")?.join(file),
            };
            let place = format!("{}: {link}", page_name(&path));
            if !target.exists() {
                wrong.push(format!("{place} is no file"));
            } else if path.starts_with(root().join("docs")) && !target.canonicalize()?.starts_with(root().join("docs").canonicalize()?) {
                wrong.push(format!("{place} leaves the book"));
            } else if !heading.is_empty() {
                let page = read(&target)?;
                let mut headings = page.prose().filter(|l| l.starts_with('#')).map(|l| anchor(l.trim_start_matches('#')));
                if !headings.any(|h| h == heading) {
                    wrong.push(format!("{place} is no heading"));
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(tried > 30, "only {tried} links were found");
    Ok(())
}

/// Every page of `docs/` stands in its SUMMARY.md, once.
pub(crate) fn every_page() -> Result<()> {
    let docs = root().join("docs");
    let summary = docs.join("SUMMARY.md");
    let listed: Vec<PathBuf> = links(&read(&summary)?).iter().map(|l| docs.join(l)).collect();
    let once: BTreeSet<PathBuf> = listed.iter().cloned().collect();
    let all: BTreeSet<PathBuf> = pages().into_iter().filter(|p| p.starts_with(&docs) && *p != summary).collect();
    ensure!(once == all, "docs/SUMMARY.md lists\n{once:#?}\nthe pages are\n{all:#?}");
    ensure!(once.len() == listed.len(), "a page stands there twice");
    Ok(())
}

/// What begins as a tag of HTML is not shown: types with their parameters stand in code.
pub(crate) fn have_no_tags() -> Result<()> {
    let mut wrong = Vec::new();
    for path in pages() {
        for line in read(&path)?.prose() {
            let outside_of_code: Vec<&str> = line.split('`').step_by(2).collect();
            let is_tag = |text: &str| {
                text.match_indices('<')
                    .any(|(i, _)| text[i + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'))
            };
            if outside_of_code.iter().any(|text| is_tag(text)) {
                wrong.push(format!("{}: {line}", page_name(&path)));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
