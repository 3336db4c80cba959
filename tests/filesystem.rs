//! Directories that jobs write, as those find them who wait for a file there.

use crate::harness::{Running, fail, files, millstream, result_sets, root, succeed};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("filesystem::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("hours_of_the_example_are_whole_and_marked", example),
        trial("compressed_files_of_the_example_are_read", compressed),
        trial("the_examples_of_avro_and_of_lines_are_right", avro_and_lines),
        trial("partitions_are_marked_once_the_watermark_has_passed_them", marked),
    ]
}

const MARKED: &str = "
SET 'execution.checkpointing.interval' = '100 ms';
CREATE TABLE i (n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json', 'source.monitor-interval' = '100 ms');
CREATE TABLE o (n BIGINT, dt DATE, hr STRING) PARTITIONED BY (dt, hr) WITH (
  'connector' = 'filesystem', 'path' = 'out', 'format' = 'json',
  'partition.time-extractor.timestamp-pattern' = '$dt $hr:00:00',
  'sink.partition-commit.trigger' = 'partition-time',
  'sink.partition-commit.delay' = '1 h',
  'sink.partition-commit.policy.kind' = 'success-file');
INSERT INTO o SELECT n, CAST(ts AS DATE), DATE_FORMAT(ts, 'HH') FROM i;
";

/// A file comes whole.
fn put(directory: &Path, name: &str, content: &str) -> Result<()> {
    std::fs::write(directory.join(".new"), content)?;
    std::fs::rename(directory.join(".new"), directory.join(name))?;
    Ok(())
}

fn wait_for(job: &mut Running, there: impl Fn() -> bool) -> Result<()> {
    while !there() {
        job.check()?;
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The rows of a file's last query.
fn rows(directory: &Path, sql: &str) -> Result<BTreeMap<String, i64>> {
    std::fs::write(directory.join("query.sql"), sql)?;
    let mut command = millstream(directory)?;
    command.args(["run", "query.sql", "--format", "changelog"]);
    Ok(result_sets(&succeed(command)?)?.pop().context("no result")?.rows)
}

fn example() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let example = std::fs::read_to_string(root().join("sql-examples/hourly-files.sql"))?;
    std::fs::write(directory.path().join("job.sql"), &example)?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "job.sql"]);
    succeed(command)?;
    let (tables, select) = example.split_once("INSERT INTO bids").context("no INSERT")?;
    let expected = rows(directory.path(), &format!("{tables}{select}"))?;
    let actual = rows(directory.path(), &format!("{tables} SELECT * FROM bids;"))?;
    ensure!(
        expected.len() > 1000 && expected == actual,
        "{} rows expected, {} written",
        expected.len(),
        actual.len()
    );
    let out = directory.path().join("out/bids");
    let (mut hours, mut marked) = (BTreeSet::new(), BTreeSet::new());
    for file in files(&out, "parquet") {
        hours.extend(file.parent().map(Path::to_path_buf));
    }
    for hour in &hours {
        marked.extend(hour.join("_SUCCESS").exists().then(|| hour.clone()));
    }
    // As Flink 2.3 does, the end of the input completes the last one, too.
    ensure!(hours.len() > 2 && hours == marked, "of {hours:?} these are marked: {marked:?}");
    Ok(())
}

fn compressed() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let requests = directory.path().join("in/requests");
    std::fs::create_dir_all(&requests)?;
    std::fs::write(requests.join("monday.csv"), "2024-01-01 00:00:01,/home,200\n2024-01-01 00:00:02,\"/a,b\",503\n")?;
    std::fs::write(requests.join("plain.csv"), "2024-01-02 00:00:01,/home,500\n")?;
    let packed = Command::new("gzip").arg("monday.csv").current_dir(&requests).status()?;
    ensure!(packed.success() && requests.join("monday.csv.gz").exists());
    let run = |name: &str| -> Result<Command> {
        let mut command = millstream(directory.path())?;
        command.arg("run").arg(name);
        Ok(command)
    };
    std::fs::copy(root().join("sql-examples/compressed-logs.sql"), directory.path().join("job.sql"))?;
    let shown = succeed(run("job.sql")?)?;
    ensure!(
        shown.contains("+I[2024-01-01 00:00:02.000, /a,b, monday.csv.gz]") && shown.contains("/home, plain.csv]") && shown.lines().count() == 2,
        "{shown}"
    );
    // Half of a file is an error at its table, whatever becomes of bad records.
    let bytes = std::fs::read(requests.join("monday.csv.gz"))?;
    std::fs::write(requests.join("monday.csv.gz"), &bytes[..bytes.len() - 4])?;
    std::fs::write(
        directory.path().join("cut.sql"),
        "CREATE TABLE r (ts STRING, page STRING, status INT) WITH (\n'connector' = 'filesystem', 'path' = 'in/requests', 'format' = 'csv', 'on-error' = 'skip');\nSELECT * FROM r;",
    )?;
    let error = fail(run("cut.sql")?, 1)?;
    ensure!(
        error.contains("E0700")
            && error.contains("a gzip file ends too early")
            && error.contains("file monday.csv.gz")
            && error.contains(" --> cut.sql:1:14\n"),
        "{error}"
    );
    Ok(())
}

/// Avro with nested columns, and lines of text.
fn avro_and_lines() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let run = |name: &str| -> Result<String> {
        let mut command = millstream(directory.path())?;
        command.args(["run", name]);
        succeed(command)
    };
    let example = std::fs::read_to_string(root().join("sql-examples/avro-archive.sql"))?;
    std::fs::write(directory.path().join("job.sql"), &example)?;
    run("job.sql")?;
    let table = example.split(';').find(|s| s.contains("CREATE TABLE archive")).unwrap_or_default();
    let count = "SELECT COUNT(*) AS n, SUM(id) AS ids, MAX(CARDINALITY(tags)) AS tags, COUNT(item.price) AS prices FROM archive;";
    std::fs::write(directory.path().join("look.sql"), format!("{table};\n{count}"))?;
    let shown = run("look.sql")?;
    ensure!(shown == "{\"n\":1000,\"ids\":500500,\"tags\":2,\"prices\":1000}\n", "{shown}");
    let logs = directory.path().join("in/logs");
    std::fs::create_dir_all(&logs)?;
    std::fs::write(logs.join("a.log"), "1 INFO up\n\n2 ERROR \"disk, full\"\n3 ERROR again\n")?;
    std::fs::write(logs.join("b.log"), "1 ERROR {once}")?;
    std::fs::copy(root().join("sql-examples/log-lines.sql"), directory.path().join("lines.sql"))?;
    let shown = run("lines.sql")?;
    let lines = [
        r#"{"file":"a.log","errors":2,"first_error":"2 ERROR \"disk, full\""}"#,
        r#"{"file":"b.log","errors":1,"first_error":"1 ERROR {once}"}"#,
    ];
    ensure!(shown.lines().eq(lines), "{shown}");
    Ok(())
}

/// Over a kill and a stop; late rows mark a partition again.
fn marked() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let incoming = directory.path().join("in");
    std::fs::create_dir_all(&incoming)?;
    std::fs::write(directory.path().join("job.sql"), MARKED)?;
    let out = |path: &str| directory.path().join("out/dt=2026-01-01").join(path);
    let start = || -> Result<Running> {
        let mut command = millstream(directory.path())?;
        command.args(["run", "job.sql"]);
        Running::start(command)
    };
    let row = |n: i32, time: &str| format!("{{\"n\":{n},\"ts\":\"2026-01-01 {time}\"}}\n");
    let rows = |hour: &str| files(&out(hour), "json").len();

    put(&incoming, "1.json", &[row(1, "09:10:00"), row(2, "10:10:00"), row(3, "11:00:00")].concat())?;
    let mut job = start()?;
    wait_for(&mut job, || out("hr=09/_SUCCESS").exists() && rows("hr=11") == 1)?;
    ensure!(!out("hr=10/_SUCCESS").exists(), "the watermark has not passed the end of 10 yet");
    job.kill()?;

    // Nothing comes into the hour 10 any more, but the time passes.
    put(&incoming, "2.json", &row(4, "11:00:00.001"))?;
    let mut job = start()?;
    wait_for(&mut job, || out("hr=10/_SUCCESS").exists())?;
    ensure!(!out("hr=11/_SUCCESS").exists(), "the watermark has not passed the end of 11 yet");
    job.stop()?;

    std::fs::remove_file(out("hr=09/_SUCCESS")).context("the mark of 09")?;
    put(&incoming, "3.json", &row(5, "09:20:00"))?;
    let mut job = start()?;
    wait_for(&mut job, || out("hr=09/_SUCCESS").exists())?;
    ensure!(rows("hr=09") == 2, "{} files with the late row", rows("hr=09"));
    job.stop()?;
    let text = std::fs::read_to_string(out("hr=10/_SUCCESS"))?;
    ensure!(text.is_empty() && !out("hr=11/_SUCCESS").exists());
    Ok(())
}
