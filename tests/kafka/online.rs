//! `millstream check --online`: what brokers, registries and stores say of jobs, before they run.

use super::registry::Registry;
use crate::broker::{create_topic, groups, shared, unique};
use crate::harness::{fail, millstream, succeed};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;

/// What is found, as `E0517 tables.sql:2` and the message.
fn findings(directory: &Path, more: &[&str]) -> Result<Vec<(String, String)>> {
    let mut command = millstream(directory)?;
    command.args(["check", "--online", "--output", "json"]).args(more);
    let output = command.output()?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let found = report["diagnostics"].as_array().context("no findings")?;
    let errors: Vec<&Value> = found.iter().filter(|f| f["severity"] == "error").collect();
    let status = match errors.as_slice() {
        [] => 0,
        all if all.iter().all(|f| f["code"] == "E0516") => 5,
        _ => 1,
    };
    ensure!(output.status.code() == Some(status), "{}\n{report:#}", output.status);
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    Ok(found
        .iter()
        .map(|f| {
            (
                format!("{} {}:{}", text(&f["code"]), text(&f["file"]), f["span"]["start"]["line"]),
                text(&f["message"]),
            )
        })
        .collect())
}

/// All that is wrong outside is told at once, at its place, also in the files that jobs share; and nothing is changed there.
pub(super) fn wrong_outside() -> Result<()> {
    let address = shared()?;
    let (good, bad) = (unique("asked"), unique("missing"));
    create_topic(address, &good, 2)?;
    let registry = Registry::running(None)?;
    let text = r#"{"type": "record", "name": "r", "fields": [{"name": "n", "type": "string"}]}"#;
    registry.keep(&format!("{good}-value"), serde_json::json!({ "schema": text }));
    let before = registry.subjects();
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let url = registry.url();
    let tables = format!(
        "CREATE TABLE clicks (page STRING) WITH (
  'connector' = 'kafka', 'topic' = '{bad}', 'properties.bootstrap.servers' = '{address}',
  'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE unread (page STRING) WITH (
  'connector' = 'kafka', 'topic' = '{good}', 'properties.bootstrap.servers' = '{address}',
  'format' = 'json', 'properties.group.id' = 'nobody');
"
    );
    let job = format!(
        "CREATE TABLE numbers (n INT NOT NULL) WITH (
  'connector' = 'kafka', 'topic' = '{good}', 'properties.bootstrap.servers' = '{address}',
  'format' = 'avro-confluent', 'avro-confluent.url' = '{url}', 'sink.delivery-guarantee' = 'exactly-once');
CREATE TABLE gone (n INT) WITH ('connector' = 'filesystem', 'path' = 'gone/a.csv', 'format' = 'csv');
CREATE TABLE kept (page STRING) WITH ('connector' = 'blackhole');
INSERT INTO kept SELECT page FROM clicks UNION ALL SELECT page FROM unread;
INSERT INTO numbers SELECT n FROM gone WHERE n IS NOT NULL;
"
    );
    std::fs::write(directory.join("millstream.toml"), "tables = \"tables.sql\"\n")?;
    std::fs::write(directory.join("tables.sql"), &tables)?;
    std::fs::write(directory.join("job.sql"), &job)?;
    // Another job that shares the tables: what is wrong with them is told once.
    std::fs::write(
        directory.join("other.sql"),
        "CREATE TABLE kept (page STRING) WITH ('connector' = 'blackhole');\nINSERT INTO kept SELECT page FROM clicks;\n",
    )?;
    let found = findings(directory, &["."])?;
    let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).filter(|p| p.starts_with('E')).collect();
    ensure!(
        places == ["E0525 job.sql:2", "E0514 job.sql:4", "E0517 tables.sql:2", "E0519 tables.sql:5"],
        "{found:#?}"
    );
    ensure!(found.iter().any(|(_, message)| message.contains(&bad)), "{found:#?}");
    ensure!(registry.subjects() == before, "a schema was registered");
    ensure!(groups(address, &format!("millstream-job-{good}"))?.is_empty(), "there is a group");
    // Without asking nothing is wrong.
    let mut offline = millstream(directory)?;
    offline.args(["check", "."]);
    succeed(offline)?;
    Ok(())
}

/// Advice on subtasks that have nothing to read, and what silences it; brokers that are away; variables.
pub(super) fn partitions() -> Result<()> {
    let address = shared()?;
    let topic = unique("parted");
    create_topic(address, &topic, 2)?;
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let job = |allowed: &str| {
        format!(
            "{allowed}
CREATE TABLE clicks (page STRING) WITH (
  'connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '${{BROKERS}}', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE kept (page STRING) WITH ('connector' = 'blackhole');
INSERT INTO kept SELECT page FROM clicks;
"
        )
    };
    std::fs::write(directory.join("job.sql"), job(""))?;
    let brokers = format!("BROKERS={address}");
    let with = |parallelism: &str| findings(directory, &["job.sql", "-D", &brokers, "--set", &format!("parallelism.default={parallelism}")]);
    let found = with("5")?;
    ensure!(
        found
            == [(
                "W0506 job.sql:2".to_string(),
                "3 of 5 subtasks have nothing to read: table \"clicks\" has 2 partitions".to_string()
            )],
        "{found:?}"
    );
    ensure!(with("2")?.is_empty());
    std::fs::write(directory.join("job.sql"), job("-- lint: allow W0506"))?;
    ensure!(with("5")?.is_empty());
    let away = findings(directory, &["job.sql", "-D", "BROKERS=127.0.0.1:1"])?;
    ensure!(away.len() == 1 && away[0].0 == "E0516 job.sql:3", "{away:?}");
    // Whom to ask is not known.
    let mut command = millstream(directory)?;
    command.args(["check", "--online", "job.sql"]);
    let told = fail(command, 1)?;
    ensure!(told.contains("1 error"), "{told}");
    Ok(())
}
