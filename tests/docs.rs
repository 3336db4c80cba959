//! The documentation shows what happens: SQL and commands of README.md and `docs/` are run, in a directory per page, and their output is
//! compared. `UPDATE=1` writes it.
//!
//! - A block `sql` is run in a directory of its own, or checked if it needs a service. A block `text` right behind it is what it prints.
//! - One whose first line is `-- NAME.sql` is checked and written to that file, which blocks behind it use. `NAME.test.sql` is run as a test.
//! - In a block `console` each line `$ …` is run, and what follows is its standard output. It must succeed, unless it ends with `; echo $?`.

mod links;
mod page;

use crate::console::succeed;
use crate::harness::{files, root};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use page::{Block, Page};
use std::path::{Path, PathBuf};

/// Pages whose blocks others run, by whom.
const ELSEWHERE: [(&str, &str); 1] = [("docs/errors.md", "catalogue:: runs its examples")];

pub(crate) fn trials() -> Vec<Trial> {
    let trial =
        |name: String, f: Box<dyn FnOnce() -> Result<()> + Send>| Trial::test(format!("docs::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    let mut trials = vec![
        trial("links_lead_somewhere".to_string(), Box::new(links::lead_somewhere)),
        trial("nothing_in_them_is_taken_for_html".to_string(), Box::new(links::have_no_tags)),
        trial("the_book_has_every_page".to_string(), Box::new(links::every_page)),
    ];
    for path in pages() {
        let name = page_name(&path);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if ["```sql", "```console"].iter().any(|b| text.contains(b)) && !ELSEWHERE.iter().any(|(page, _)| *page == name) {
            trials.push(trial(name, Box::new(move || examples(&path))));
        }
    }
    trials
}

/// README.md and all of `docs/`.
fn pages() -> Vec<PathBuf> {
    std::iter::once(root().join("README.md")).chain(files(&root().join("docs"), "md")).collect()
}

/// A page's path from the repository's root.
fn page_name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn examples(path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(path)?;
    let mut page = Page::read(&text)?;
    let directory = tempfile::tempdir()?;
    for i in 0..page.blocks.len() {
        let block = &page.blocks[i];
        let place = format!("{}:{}", page_name(path), block.line);
        let shown = match block.label.as_str() {
            "sql" => {
                let printed = sql(block, &page.blocks[i + 1..], directory.path()).with_context(|| place.clone())?;
                if page.blocks.get(i + 1).is_some_and(|b| b.label == "text" && b.follows) {
                    page.blocks[i + 1].show(printed.context("what needs a service cannot have its output shown").with_context(|| place)?);
                }
                continue;
            }
            "console" => console(block, directory.path()).with_context(|| place)?,
            label => {
                let is_output = i > 0 && page.blocks[i - 1].label == "sql" && block.follows;
                ensure!(label != "text" || is_output, "{place}: whose output is this?");
                ensure!(!label.starts_with("sql"), "{place}: what is `{label}`?");
                continue;
            }
        };
        page.blocks[i].show(shown);
    }
    let made = page.text();
    if std::env::var_os("UPDATE").is_some() {
        return Ok(std::fs::write(path, made)?);
    }
    let both = text.lines().chain(["its end"]).zip(made.lines().chain(["its end"]));
    if let Some((i, (there, now))) = both.enumerate().find(|(_, (there, now))| there != now) {
        bail!("{}:{} is\n{there}\nit is shown as\n{now}\nUPDATE=1 writes it", page_name(path), i + 1);
    }
    Ok(())
}

/// What a block prints; nothing if it was only checked.
fn sql(block: &Block, behind: &[Block], directory: &Path) -> Result<Option<String>> {
    let text = block.lines.join("\n") + "\n";
    let name = text.strip_prefix("-- ").and_then(|t| t.lines().next()).filter(|n| n.ends_with(".sql"));
    let (own, file) = (tempfile::tempdir()?, name.unwrap_or("example.sql"));
    let directory = if name.is_some() { directory } else { own.path() };
    let path = directory.join(file);
    std::fs::create_dir_all(path.parent().context("no parent")?)?;
    std::fs::write(path, &text)?;
    if file.ends_with(".test.sql") {
        return succeed(&format!("millstream test {file} >&2"), directory).map(|_| None);
    }
    if name.is_some() {
        let used = behind
            .iter()
            .any(|b| ["sql", "console"].contains(&b.label.as_str()) && b.lines.iter().any(|l| l.contains(file)));
        ensure!(used, "nothing on this page uses {file}");
    }
    if name.is_some() || needs_service(&text) {
        return succeed(&format!("millstream check {file} --output human >&2"), directory).map(|_| None);
    }
    succeed(&format!("millstream run {file} -p 1 --format table"), directory).map(Some)
}

/// Whether a file reads or writes something that a test does not have.
fn needs_service(text: &str) -> bool {
    let text: String = text.split_whitespace().collect();
    ["kafka", "http"].iter().any(|c| text.contains(&format!("'connector'='{c}'")))
        || ["s3", "gs", "az", "abfss"].iter().any(|s| text.contains(&format!("'{s}://")))
        || ["avro-confluent", "json-registry", "proto-registry"]
            .iter()
            .any(|f| text.contains(&format!("'{f}'")))
}

/// The lines of a block of commands with what they print now.
fn console(block: &Block, directory: &Path) -> Result<String> {
    let mut shown = String::new();
    for line in &block.lines {
        if let Some(command) = line.strip_prefix("$ ") {
            shown += &format!("{line}\n{}", succeed(command, directory).with_context(|| line.clone())?);
        }
    }
    Ok(shown)
}
