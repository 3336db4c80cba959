//! `millstream explain`: what is shown of `explain/*.sql`, beside each in every form. `UPDATE=1` writes them.

use crate::harness::{fail, files, millstream, root, succeed};
use crate::reference::compare;
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const FORMS: [(&str, &str); 5] = [("text", "txt"), ("json", "json"), ("mermaid", "mmd"), ("dot", "dot"), ("svg", "svg")];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: String, f: Box<dyn FnOnce() -> Result<()> + Send>| {
        Trial::test(format!("explain::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))))
    };
    let mut trials = Vec::new();
    for file in files(&root().join("tests/explain"), "sql") {
        let name = file.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
        for (form, extension) in FORMS {
            let file = file.clone();
            trials.push(trial(format!("{name}_{form}"), Box::new(move || golden(&file, form, extension))));
        }
    }
    trials.push(trial("facts_in_json".to_string(), Box::new(facts)));
    trials.push(trial("the_docs_tell_what_is_shown".to_string(), Box::new(documented)));
    trials.push(trial("every_example_has_a_picture".to_string(), Box::new(pictures)));
    trials.push(trial("queries_are_chosen".to_string(), Box::new(queries)));
    trials.push(trial("what_cannot_be_explained".to_string(), Box::new(wrong)));
    trials
}

const VARIABLES: [&str; 6] = [
    "OUT=out",
    "PASSWORD=hunter2",
    "BROKERS=localhost:9092",
    "REGISTRY=http://localhost:8081",
    "TOKEN=hunter2",
    "PROTO=sql-examples/order.proto",
];

fn explain(directory: &Path, what: &Path, form: &str) -> Result<Command> {
    let mut command = millstream(directory)?;
    command.arg("explain").arg(what).args(["--format", form]);
    for variable in VARIABLES {
        command.args(["-D", variable]);
    }
    Ok(command)
}

fn golden(file: &Path, form: &str, extension: &str) -> Result<()> {
    let made = succeed(explain(&root(), file, form)?)?;
    ensure!(!made.contains("hunter2"), "a secret is shown\n{made}");
    if form == "svg" {
        well_formed(&made)?;
    }
    let golden = file.with_extension(extension);
    if std::env::var_os("UPDATE").is_some() {
        return Ok(std::fs::write(golden, made)?);
    }
    let committed = std::fs::read_to_string(&golden).unwrap_or_default();
    ensure!(
        committed == made,
        "{} is\n{committed}\nit is shown as\n{made}\nUPDATE=1 writes it",
        golden.display()
    );
    Ok(())
}

/// Every tag is closed, in its order, and every `&` begins one of XML's own entities.
fn well_formed(xml: &str) -> Result<()> {
    let mut open: Vec<&str> = Vec::new();
    for piece in xml.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').context("a tag has no end")?;
        ensure!(tag.matches('"').count() % 2 == 0, "a quote is open in <{tag}>");
        for entity in tag.split('&').chain(text.split('&').skip(1)).skip(1) {
            ensure!(["lt;", "gt;", "amp;", "quot;"].iter().any(|e| entity.starts_with(e)), "&{entity}");
        }
        let name = tag.split([' ', '/']).find(|n| !n.is_empty()).context("a tag without a name")?;
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => ensure!(open.pop() == Some(name), "</{name}> closes something else"),
            (_, true) => {}
            _ => open.push(name),
        }
    }
    ensure!(open.is_empty(), "{open:?} are not closed");
    Ok(())
}

fn facts() -> Result<()> {
    let json = |file: &str| -> Result<serde_json::Value> {
        let text = succeed(explain(&root(), &root().join("tests/explain").join(file), "json")?)?;
        Ok(serde_json::from_str(&text)?)
    };
    let operator = |all: &serde_json::Value, id: &str| -> Result<serde_json::Value> {
        let operators = all["operators"].as_array().context("no operators")?;
        operators.iter().find(|o| o["id"] == id).cloned().with_context(|| format!("no {id} in {all:#}"))
    };
    let clicks = json("clicks.sql")?;
    ensure!(clicks["version"] == 1 && clicks["parallelism"].is_null() && clicks["key_groups"] == 128);
    let hop = operator(&clicks, "pages:window_aggregate1")?;
    ensure!(hop["state"]["growth"] == "window" && hop["state"]["window_ms"] == 600_000, "{hop:#}");
    ensure!(hop["key"] == serde_json::json!(["page"]) && hop["waits_for_watermark"] == true, "{hop:#}");
    let watermark = &hop["watermark"][0];
    ensure!(
        watermark["delay_ms"] == 5_000 && watermark["idle_timeout_ms"] == 60_000 && watermark["held_by"] == "slowest_split",
        "{hop:#}"
    );
    let ports = |all: &serde_json::Value| -> Vec<String> {
        let operators = all["operators"].as_array().into_iter().flatten();
        operators
            .flat_map(|o| o["inputs"].as_array().into_iter().flatten())
            .filter_map(|i| i["port"].as_str())
            .map(str::to_string)
            .collect()
    };
    ensure!(ports(&clicks).iter().filter(|p| *p == "late").count() == 2 && ports(&clicks).contains(&"rejected".to_string()));
    let changes = json("changes.sql")?;
    ensure!(changes["parallelism"] == 4);
    let changelog = |id: &str| -> Result<String> { Ok(operator(&changes, id)?["inputs"][0]["changelog"].as_str().context("no changelog")?.to_string()) };
    ensure!(changelog("large:sink")? == "changes" && changelog("sums:window_aggregate1")? == "changes" && changelog("sums:sink")? == "insert_only");
    Ok(())
}

/// Every field of the JSON form is in the docs, and what the docs show of the tree is what is shown.
fn documented() -> Result<()> {
    fn fields(value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(object) => object.iter().for_each(|(key, value)| {
                found.insert(key.clone());
                fields(value, found);
            }),
            serde_json::Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
            _ => {}
        }
    }
    let page = std::fs::read_to_string(root().join("docs/explain.md"))?;
    let mut found = BTreeSet::new();
    for file in ["tests/explain/clicks.sql", "tests/explain/changes.sql", "tests/plans/alignment.sql"] {
        fields(&serde_json::from_str(&succeed(explain(&root(), &root().join(file), "json")?)?)?, &mut found);
    }
    ensure!(found.contains("max_drift_ms"), "only {found:?}");
    for field in found {
        ensure!(page.contains(&format!("`{field}`")), "docs/explain.md does not tell of `{field}`");
    }
    let tree = succeed(explain(&root(), &root().join("tests/explain/clicks.sql"), "text")?)?;
    let shown = page.split("```\n").find(|b| b.starts_with("+- ")).context("the docs show no tree")?;
    for line in shown.lines() {
        ensure!(tree.contains(line.trim_start()), "docs/explain.md shows \"{line}\", the tree is\n{tree}");
    }
    let picture = succeed(explain(&root(), &root().join("tests/explain/clicks.sql"), "svg")?)?;
    compare("docs/plan.svg", &picture)
}

fn pictures() -> Result<()> {
    let jobs = files(&root().join("sql-examples"), "sql");
    for file in jobs.into_iter().filter(|f| !f.to_string_lossy().ends_with(".test.sql")) {
        // One makes tables in a directory.
        let directory = tempfile::tempdir()?;
        let mut command = explain(directory.path(), &file, "svg")?;
        command.args(["-D", &format!("PROTO={}", root().join("sql-examples/order.proto").display())]);
        let svg = succeed(command).with_context(|| file.display().to_string())?;
        well_formed(&svg).with_context(|| svg.clone())?;
        ensure!(!svg.contains("hunter2") && svg.contains("class=\"box sink\""), "{svg}");
        ensure!(
            std::fs::read_dir(directory.path())?.count() == 0,
            "explaining {} has left something behind",
            file.display()
        );
    }
    Ok(())
}

fn queries() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("q.sql"), "SELECT 1 AS a; SELECT 2 AS b;")?;
    let explain = |extra: &[&str]| -> Result<Command> {
        let mut command = millstream(directory.path())?;
        command.args(["explain", "q.sql"]).args(extra);
        Ok(command)
    };
    ensure!(succeed(explain(&["--query", "2"])?)?.contains("AS b"), "it is another one");
    let told = fail(explain(&[])?, 1)?;
    ensure!(
        told.contains("error[E0104]: the file has 2 queries and no INSERT") && told.contains("--query 1, up to --query 2"),
        "{told}"
    );
    ensure!(fail(explain(&["--query", "3"])?, 1)?.contains("there is no query 3"));
    // Settings reach the plan.
    ensure!(succeed(explain(&["--query", "1", "--set", "parallelism.default=7"])?)?.starts_with("Job q: parallelism 7"));
    Ok(())
}

fn wrong() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("tables.sql"), "CREATE TABLE t (a INT) WITH ('connector' = 'datagen');")?;
    std::fs::write(directory.path().join("errors.sql"), "SELECT nope FROM nowhere;\nSELECT 1 +;")?;
    for (arguments, status, told) in [
        (&["missing.sql"][..], 2, &["missing.sql cannot be read"][..]),
        (&["tables.sql"], 1, &["error[E0104]: the file has no job to explain"]),
        (&["errors.sql"], 1, &["error[E0102]", "errors.sql:2:"]),
        (&["tables.sql", "--format", "png"], 2, &["possible values: text, json, mermaid, dot, svg"]),
        (&["E9999"], 2, &["there is no error code 'E9999'", "the nearest are"]),
        (&[], 2, &["<WHAT>"]),
    ] {
        let mut command = millstream(directory.path())?;
        command.arg("explain").args(arguments);
        let said = fail(command, status).with_context(|| format!("{arguments:?}"))?;
        for part in told {
            ensure!(said.contains(part), "{arguments:?}: no {part} in\n{said}");
        }
    }
    Ok(())
}
