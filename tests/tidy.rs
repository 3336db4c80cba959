//! The repository keeps the shape that docs/architecture.md draws.

use crate::harness::{files, root};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("tidy::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("crates_depend_as_drawn", crates_depend_as_drawn),
        trial("bans_hold", bans_hold),
        trial("no_unfinished_marks", no_unfinished_marks),
        trial("top_level_is_exact", top_level_is_exact),
    ]
}

/// Direct workspace dependencies (without those for tests) by crate folder, from the manifests.
fn dependencies() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("crates"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).context("a crate's name is no text")?.to_string();
        let manifest = std::fs::read_to_string(path.join("Cargo.toml"))?;
        let section = manifest.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        all.insert(
            name,
            section
                .lines()
                .filter_map(|l| l.split(['.', ' ', '=']).next())
                .filter(|l| !l.is_empty())
                .map(str::to_string)
                .collect(),
        );
    }
    Ok(all)
}

/// The block after `<!-- crate graph -->` in docs/architecture.md: `name -> name, name` per line.
fn crates_depend_as_drawn() -> Result<()> {
    let text = std::fs::read_to_string(root().join("docs/architecture.md"))?;
    let block = text.split("<!-- crate graph -->").nth(1).context("docs/architecture.md has no crate graph")?;
    let block = block.split("```").nth(1).context("the crate graph is no code block")?;
    let mut drawn = BTreeMap::new();
    for line in block.lines().filter(|l| l.contains("->")) {
        let (name, to) = line.split_once("->").context("no arrow")?;
        drawn.insert(
            name.trim().to_string(),
            to.split(',').map(|t| t.trim().to_string()).filter(|t| !t.is_empty()).collect::<BTreeSet<_>>(),
        );
    }
    let actual: BTreeMap<String, BTreeSet<String>> = dependencies()?
        .into_iter()
        .map(|(name, deps)| (name, deps.iter().filter_map(|d| d.strip_prefix("millstream-")).map(str::to_string).collect()))
        .collect();
    ensure!(drawn == actual, "docs/architecture.md draws\n{drawn:#?}\nthe manifests say\n{actual:#?}");
    Ok(())
}

/// What a crate must never know directly.
fn bans_hold() -> Result<()> {
    let all = dependencies()?;
    let banned = |name: &str, prefixes: &[&str]| -> Result<()> {
        for dependency in all.get(name).with_context(|| format!("no crate {name}"))? {
            ensure!(!prefixes.iter().any(|p| dependency.starts_with(p)), "crate {name} depends on {dependency}");
        }
        Ok(())
    };
    banned(
        "dataflow",
        &["tokio", "serde", "sqlparser", "datafusion", "object_store", "rdkafka", "millstream"],
    )?;
    banned("plan", &["datafusion", "tokio", "sqlparser"])?;
    banned("functions", &["sqlparser", "tokio"])?;
    banned("sql", &["tokio", "rdkafka", "object_store"])?;
    banned("operators", &["tokio", "object_store", "rdkafka"])?;
    banned("connectors", &["datafusion", "sqlparser"])?;
    banned("runtime", &["datafusion", "sqlparser", "rdkafka", "object_store"])?;
    banned("millstream", &["datafusion", "rdkafka", "object_store", "arrow"])
}

fn no_unfinished_marks() -> Result<()> {
    for file in files(&root().join("crates"), "rs").into_iter().chain(files(&root().join("tests"), "rs")) {
        let text = std::fs::read_to_string(&file)?;
        for mark in [
            concat!("FIX", "ME"),
            concat!("todo", "!("),
            concat!("unimplemented", "!("),
            concat!("dbg", "!("),
        ] {
            ensure!(!text.contains(mark), "{} holds {mark}", file.display());
        }
    }
    Ok(())
}

fn top_level_is_exact() -> Result<()> {
    let expected: BTreeSet<&str> = ["Cargo.toml", "Cargo.lock", "README.md", "LICENSE", "crates", "sql-examples", "tests", "docs"].into();
    for entry in std::fs::read_dir(root())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // What runs leave behind is in .gitignore.
        let ignored = name.starts_with('.') || name == "target" || name == "out";
        ensure!(ignored || expected.contains(name.as_str()), "{name} does not belong at the top level");
    }
    Ok(())
}
