//! Golden plans: what EXPLAIN shows of `plans/*.sql`, beside each as `*.txt`. `UPDATE=1` writes them.
//!
//! A file's EXPLAINs are shown, then its INSERTs as the one job they are.

use crate::harness::{files, root, unique};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_connectors::{ConnectorContext, ConnectorRegistry, Machine};
use millstream_plan::{Job, NodeSpec, explain};
use millstream_runtime::SystemClock;
use millstream_server::Catalogs;
use millstream_sql::{CompileOptions, Step, compile, render};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: String, f: Box<dyn FnOnce() -> Result<()> + Send>| {
        Trial::test(format!("plans::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))))
    };
    let name = |file: &Path| file.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
    let mut trials = Vec::new();
    for file in files(&root().join("tests/plans"), "sql") {
        trials.push(trial(name(&file), Box::new(move || check(&file, &file.with_extension("txt")))));
    }
    let is_test = |file: &PathBuf| file.to_string_lossy().ends_with(".test.sql");
    for file in files(&root().join("sql-examples"), "sql").into_iter().filter(|f| !is_test(f)) {
        let golden = root().join("tests/plans").join(format!("example-{}.txt", name(&file)));
        trials.push(trial(format!("example-{}", name(&file)), Box::new(move || check(&file, &golden))));
    }
    trials.push(trial("a_second_insert_leaves_the_ids_of_the_first".to_string(), Box::new(second_insert)));
    trials.push(trial("where_a_statement_stands_does_not_matter_to_its_state".to_string(), Box::new(order)));
    trials
}

/// The steps of a file, or what is wrong with it as users read it.
fn steps(text: &str) -> Result<Vec<Step>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let registry = ConnectorRegistry::new(ConnectorContext {
        clock: Arc::new(SystemClock::default()),
        handle: runtime.handle().clone(),
        host: Arc::new(Machine::new(runtime.handle().clone(), Arc::new(unique))),
        job: "job".to_string(),
        directory: root(),
        state: None,
    });
    let catalogs = Catalogs::new(root(), runtime.handle().clone());
    let variables = BTreeMap::from(
        [
            ("BROKERS", "localhost:9092"),
            ("OUT", "out"),
            ("PROTO", "sql-examples/order.proto"),
            ("REGISTRY", "http://localhost:8081"),
            ("TOKEN", "hunter2"),
        ]
        .map(|(k, v)| (k.to_string(), v.to_string())),
    );
    let options = CompileOptions {
        registry: &registry,
        catalogs: Some(&catalogs),
        variables: &variables,
        settings: &BTreeMap::new(),
        job_name: Some("job"),
    };
    let compiled = compile(text, &options).map_err(|errors| anyhow::anyhow!(errors.iter().map(|e| render(e, text, "plan")).collect::<String>()))?;
    Ok(compiled.steps)
}

fn check(file: &Path, golden: &Path) -> Result<()> {
    let mut made = String::new();
    for step in steps(&std::fs::read_to_string(file)?)? {
        made += &match step {
            Step::Explain(text) | Step::Statement(text) => text,
            Step::Settings(_) => String::new(),
            Step::Query(query) => explain(&query.plan),
            Step::Insert(job) => explain(&job),
        };
    }
    ensure!(!made.contains("hunter2"), "a secret is shown\n{made}");
    if std::env::var_os("UPDATE").is_some() {
        return Ok(std::fs::write(golden, made)?);
    }
    let committed = std::fs::read_to_string(golden).unwrap_or_default();
    ensure!(
        committed == made,
        "{} is\n{committed}\nthe plan is\n{made}\nUPDATE=1 writes it",
        golden.display()
    );
    Ok(())
}

fn job(text: &str) -> Result<Job> {
    let last = steps(text)?.pop().context("no step")?;
    match last {
        Step::Insert(job) => Ok(job),
        other => anyhow::bail!("no INSERT: {other:?}"),
    }
}

const TABLES: &str = "
CREATE TABLE clicks (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
CREATE TABLE a (e TIMESTAMP(3), k STRING, n BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE b (e TIMESTAMP(3), k STRING, n BIGINT) WITH ('connector' = 'blackhole');
";
const TUMBLE: &str =
    "SELECT window_end, k, SUM(v) FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE) WHERE v > 0 GROUP BY window_start, window_end, k";
const HOP: &str = "SELECT window_end, k, COUNT(*) FROM HOP(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE) WHERE v > 0 GROUP BY window_start, window_end, k";

fn ids(job: &Job) -> BTreeSet<String> {
    job.nodes.iter().map(|n| n.id.clone()).collect()
}

/// Ids of the operators that have state, and of sources and sinks.
fn ids_with_state(job: &Job) -> BTreeSet<String> {
    let has_state = |s: &NodeSpec| matches!(s, NodeSpec::Source(_) | NodeSpec::WindowAggregate { .. } | NodeSpec::Sink(_));
    job.nodes.iter().filter(|n| has_state(&n.spec)).map(|n| n.id.clone()).collect()
}

fn second_insert() -> Result<()> {
    let one = job(&format!("{TABLES}INSERT INTO a {TUMBLE};"))?;
    for second in [
        format!("INSERT INTO b {HOP};"),
        format!("INSERT INTO a {HOP};"),
        format!("INSERT INTO a {TUMBLE};"),
    ] {
        let both = job(&format!("{TABLES}INSERT INTO a {TUMBLE};{second}"))?;
        ensure!(ids(&both).is_superset(&ids(&one)), "{second}\n{:?}\n{:?}", ids(&one), ids(&both));
        ensure!(ids(&both).len() == both.nodes.len(), "two nodes have one id: {:?}", ids(&both));
        let first: Vec<_> = one.nodes.iter().map(|n| (n.id.clone(), n.spec.clone())).collect();
        let same = both
            .nodes
            .iter()
            .map(|n| (n.id.clone(), n.spec.clone()))
            .filter(|n| first.iter().any(|f| f.0 == n.0))
            .collect::<Vec<_>>();
        ensure!(first == same, "the operators of the first have changed");
    }
    Ok(())
}

fn order() -> Result<()> {
    let one = job(&format!("{TABLES}INSERT INTO a {TUMBLE};INSERT INTO b {HOP};"))?;
    let other = job(&format!("{TABLES}INSERT INTO b {HOP};INSERT INTO a {TUMBLE};"))?;
    ensure!(
        ids_with_state(&one) == ids_with_state(&other),
        "{:?}\n{:?}",
        ids_with_state(&one),
        ids_with_state(&other)
    );
    Ok(())
}
