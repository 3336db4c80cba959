//! Tests of job files: those in `sql/test_files/passing` pass, and what is told of those in `failing` stands beside them. `UPDATE=1` writes it.

use crate::harness::{files, millstream, root};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::Output;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: String, f: Box<dyn FnOnce() -> Result<()> + Send>| {
        Trial::test(format!("test_files::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))))
    };
    let mut trials = Vec::new();
    for (folder, check) in [("passing", passes as fn(&Path) -> Result<()>), ("failing", fails)] {
        for file in tests_in(&root().join("tests/sql/test_files").join(folder)) {
            let name = file.file_name().map_or(String::new(), |n| n.to_string_lossy().replace(".test.sql", ""));
            trials.push(trial(format!("{folder}::{name}"), Box::new(move || check(&file))));
        }
    }
    for file in tests_in(&root().join("sql-examples")) {
        let name = file.file_name().map_or(String::new(), |n| n.to_string_lossy().replace(".test.sql", ""));
        trials.push(trial(format!("example::{name}"), Box::new(move || passes(&file))));
    }
    let mut own = |name: &str, f: fn() -> Result<()>| trials.push(trial(name.to_string(), Box::new(f)));
    own("arguments_choose_tests_and_ways", arguments);
    own("update_writes_what_came", update);
    own("a_recorded_test_passes", recorded);
    own("a_recorded_test_has_all_values", recorded_values);
    own("a_recorded_test_has_changes", recorded_changes);
    own("fixtures_of_all_formats", fixtures);
    own("results_as_junit", junit);
    own("results_as_marks", marks);
    own("results_as_json", json);
    own("a_failed_job_is_marked_in_its_file", failed_job);
    trials
}

fn tests_in(directory: &Path) -> Vec<PathBuf> {
    let mut found = files(directory, "sql");
    found.retain(|f| f.to_string_lossy().ends_with(".test.sql"));
    found
}

/// Runs `millstream test` in a directory.
fn run(directory: &Path, arguments: &[&str]) -> Result<(i32, String, String)> {
    let Output { status, stdout, stderr } = millstream(directory)?.arg("test").args(arguments).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes);
    Ok((status.code().context("it was killed")?, text(stdout)?, text(stderr)?))
}

/// Results without how long they took.
fn without_times(text: &str) -> String {
    let line = |line: &str| match line.rsplit_once(" (").filter(|_| line.starts_with("ok ") || line.starts_with("FAILED ")) {
        Some((before, after)) => format!(
            "{before}{}\n",
            after.split_once(',').map_or(String::new(), |(_, ways)| format!(" ({}", ways.trim_start()))
        ),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn passes(file: &Path) -> Result<()> {
    let directory = file.parent().context("a file without a directory")?;
    let name = file.file_name().and_then(|n| n.to_str()).context("no name")?;
    let (code, out, err) = run(directory, &[name])?;
    ensure!(code == 0 && err.is_empty() && out.contains("passed, 0 failed"), "{code}\n{out}{err}");
    Ok(())
}

fn fails(file: &Path) -> Result<()> {
    let directory = file.parent().context("a file without a directory")?;
    let name = file.file_name().and_then(|n| n.to_str()).context("no name")?;
    let (code, out, err) = run(directory, &[name])?;
    ensure!(code == 1 && err.is_empty(), "{code}\n{out}{err}");
    let (golden, made) = (file.with_extension("txt"), without_times(&out));
    if std::env::var_os("UPDATE").is_some() {
        return Ok(std::fs::write(&golden, made)?);
    }
    let committed = std::fs::read_to_string(&golden).unwrap_or_default();
    ensure!(committed == made, "{} is\n{committed}\nit says now\n{made}", golden.display());
    Ok(())
}

const JOB: &str =
    "CREATE TABLE t (k STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '${IN}', 'format' = 'json');
CREATE TABLE o (k STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');
INSERT INTO o SELECT k, SUM(n) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, k;
";

/// A directory with a job and a test of two.
fn project() -> Result<tempfile::TempDir> {
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: &str| -> Result<()> {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().context("no parent")?)?;
        Ok(std::fs::write(path, text)?)
    };
    write("jobs/sums.sql", JOB)?;
    write(
        "tests/sums.test.sql",
        "-- Sums of the job.
TEST 'one key' FOR 'jobs/sums.sql' WITH ('IN' = 'nowhere');
GIVEN t VALUES ('a', 1, '2026-01-01 00:00:00'), ('a', 2, '2026-01-01 00:00:01');
FINISH;
EXPECT o VALUES ('a', 4);  -- wrong

TEST 'two keys' FOR 'jobs/sums.sql' WITH ('IN' = 'nowhere');
GIVEN t VALUES ('a', 1, '2026-01-01 00:00:00'), ('it''s', 2, '2026-01-01 00:00:01');
EXPECT o VALUES ('early', 1);
FINISH;
EXPECT o VALUES ('a', 1);
",
    )?;
    write(
        "in/rows.json",
        "{\"k\":\"a\",\"n\":1,\"ts\":\"2026-01-01 00:00:00\"}\n{\"k\":\"it's\",\"n\":2,\"ts\":\"2026-01-01 00:00:30\"}\n{\"k\":null,\"n\":3,\"ts\":\"2026-01-01 00:01:00\"}\n",
    )?;
    Ok(directory)
}

fn arguments() -> Result<()> {
    let project = project()?;
    let (code, out, err) = run(project.path(), &[])?;
    ensure!(code == 1 && out.contains("0 passed, 2 failed") && err.is_empty(), "{code}\n{out}{err}");
    ensure!(
        out.contains("in all 16 ways; this one alone: millstream test 'one key' tests/sums.test.sql --parallelism 1 --batch-size 8192\n"),
        "{out}"
    );
    for (arguments, ran) in [
        (&["two"][..], "0 passed, 1 failed"),
        (&["tests/sums.test.sql", "keys", "--no-matrix"], "0 passed, 1 failed"),
        (
            &["tests", "one key", "--parallelism", "4", "--batch-size", "1", "--restore", "--seed", "7"],
            "0 passed, 1 failed",
        ),
        (&[".", "-D", "IN=other"], "0 passed, 2 failed"),
    ] {
        let (code, out, err) = run(project.path(), arguments)?;
        ensure!(code == 1 && out.contains(ran) && err.is_empty(), "{arguments:?}: {code}\n{out}{err}");
        ensure!(arguments.len() < 3 || arguments[1] == "-D" || !out.contains("ways"), "{out}");
    }
    let empty = tempfile::tempdir()?;
    for (directory, arguments, told) in [
        (empty.path(), &[][..], "there are no tests"),
        (project.path(), &["three"], "no test has \"three\" in its name"),
        (project.path(), &["missing.test.sql"], "there is no such file"),
        (project.path(), &["one", "two"], "there can be one filter only"),
        (project.path(), &["--parallelism", "0"], "invalid value '0'"),
        (project.path(), &["--record", "jobs/missing.sql"], "jobs/missing.sql cannot be read"),
        (project.path(), &["--record", "jobs/sums.sql", "--update"], "cannot be used with"),
        (project.path(), &["--rows", "2"], "--record <JOB>"),
    ] {
        let (code, out, err) = run(directory, arguments)?;
        ensure!(code == 2 && err.contains(told), "{arguments:?}: {code}\n{out}{err}");
    }
    Ok(())
}

fn update() -> Result<()> {
    let project = project()?;
    let (code, out, err) = run(project.path(), &["--update"])?;
    ensure!(
        code == 0 && out.contains("2 passed, 0 failed") && err == "tests/sums.test.sql: 3 expectations written\n",
        "{code}\n{out}{err}"
    );
    let text = std::fs::read_to_string(project.path().join("tests/sums.test.sql"))?;
    ensure!(
        text == "-- Sums of the job.
TEST 'one key' FOR 'jobs/sums.sql' WITH ('IN' = 'nowhere');
GIVEN t VALUES ('a', 1, '2026-01-01 00:00:00'), ('a', 2, '2026-01-01 00:00:01');
FINISH;
EXPECT o VALUES ('a', 3);  -- wrong

TEST 'two keys' FOR 'jobs/sums.sql' WITH ('IN' = 'nowhere');
GIVEN t VALUES ('a', 1, '2026-01-01 00:00:00'), ('it''s', 2, '2026-01-01 00:00:01');
EXPECT o ROWS 0;
FINISH;
EXPECT o VALUES ('a', 1),
  ('it''s', 2);
",
        "{text}"
    );
    // A second time there is nothing to write.
    let (code, _, err) = run(project.path(), &["--update"])?;
    ensure!(code == 0 && err.is_empty(), "{err}");
    Ok(())
}

fn recorded() -> Result<()> {
    let project = project()?;
    // Secrets stay where they are, those of shared files, too.
    let write = |name: &str, text: &str| std::fs::write(project.path().join(name), text);
    let job = JOB.replacen("'format' = 'json'", "'format' = 'json', 's3.access-key' = 'me', 's3.secret-key' = 'x${KEY}'", 1);
    write("jobs/secrets.sql", &job)?;
    write("millstream.toml", "tables = \"other.sql\"\n")?;
    write(
        "other.sql",
        "CREATE TABLE unused (a INT) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'json', 's3.access-key' = 'me', 's3.secret-key'='${OTHER}');",
    )?;
    let (code, out, err) = run(
        project.path(),
        &[
            "--record",
            "jobs/secrets.sql",
            "-D",
            "IN=in",
            "-D",
            "KEY=hunter2",
            "-D",
            "OTHER=hunter3",
            "-D",
            "UNUSED=u",
        ],
    )?;
    ensure!(code == 0 && err == "tests/secrets.test.sql is written: 3 rows of t\n", "{code}\n{out}{err}");
    let text = std::fs::read_to_string(project.path().join("tests/secrets.test.sql"))?;
    ensure!(
        text.contains("WITH ('IN' = 'in', 'KEY' = 'none', 'OTHER' = 'none');\n") && !text.contains("hunter"),
        "{text}"
    );
    for name in ["tests/secrets.test.sql", "millstream.toml"] {
        std::fs::remove_file(project.path().join(name))?;
    }
    let arguments = ["--record", "jobs/sums.sql", "--rows", "2", "-D", "IN=in"];
    let (code, out, err) = run(project.path(), &[&arguments[..], &["--to", "tests/new/recorded.test.sql"]].concat())?;
    ensure!(
        code == 0 && out.is_empty() && err == "tests/new/recorded.test.sql is written: 2 rows of t\n",
        "{code}\n{out}{err}"
    );
    let text = std::fs::read_to_string(project.path().join("tests/new/recorded.test.sql"))?;
    ensure!(
        text == "-- The first rows of each table, as they were when this was recorded, and what the job made of them.
TEST 'recorded from sums' FOR 'jobs/sums.sql' WITH ('IN' = 'in');
GIVEN t PARTITION 0 (k, n, ts)
VALUES ('a', 1, '2026-01-01 00:00:00'), ('it''s', 2, '2026-01-01 00:00:30');
FINISH;
EXPECT TABLE o VALUES ('a', 1), ('it''s', 2);
",
        "{text}"
    );
    let (code, out, err) = run(project.path(), &["tests/new"])?;
    ensure!(code == 0 && out.contains("1 passed, 0 failed"), "{code}\n{out}{err}");
    // None that is there is written over.
    let (code, _, err) = run(project.path(), &[&arguments[..], &["--to", "tests/sums.test.sql"]].concat())?;
    ensure!(code == 2 && err.contains("is there already"), "{err}");
    let (code, _, err) = run(project.path(), &["--record", "jobs/sums.sql", "--to", "tests/other.test.sql"])?;
    ensure!(code == 1 && err.contains("the variable '${IN}' has no value"), "{code}\n{err}");
    Ok(())
}

/// What changes do to their table is recorded, too.
fn recorded_changes() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text);
    let changes = [
        r#"{"op":"c","after":{"id":1,"v":10}}"#,
        r#"{"op":"u","before":{"id":1,"v":10},"after":{"id":1,"v":99}}"#,
        r#"{"op":"u","before":{"id":1,"v":99},"after":{"id":1,"v":7}}"#,
    ];
    write("changes.json", &changes.join("\n"))?;
    write(
        "job.sql",
        "CREATE TABLE c (id INT, v INT) WITH ('connector' = 'filesystem', 'path' = 'changes.json', 'format' = 'debezium-json');
CREATE TABLE o (id INT, v INT) WITH ('connector' = 'print');\nINSERT INTO o SELECT * FROM c;\n",
    )?;
    // The fourth row is the first half of an update.
    for (rows, now) in [("3", "(1, 99)"), ("4", "(1, 99)"), ("9", "(1, 7)")] {
        let (code, out, err) = run(directory.path(), &["--record", "job.sql", "--rows", rows, "--to", "r.test.sql"])?;
        ensure!(code == 0, "{code}\n{out}{err}");
        let text = std::fs::read_to_string(directory.path().join("r.test.sql"))?;
        ensure!(
            text.contains("GIVEN CHANGES c PARTITION 0 (id, v)\nVALUES ('+I', 1, 10), ('-U', 1, 10), ('+U', 1, 99)")
                && text.contains(&format!("EXPECT TABLE o VALUES {now};")),
            "{text}"
        );
        let (code, out, err) = run(directory.path(), &["r.test.sql"])?;
        ensure!(code == 0, "{code}\n{out}{err}");
        std::fs::remove_file(directory.path().join("r.test.sql"))?;
    }
    // A deletion of a row that came before is nothing that --update could write.
    let test = "TEST 'a' FOR 'job.sql';\nGIVEN CHANGES c VALUES ('+I', 1, 10);\nEXPECT o VALUES (1, 10);\n\
                GIVEN CHANGES c VALUES ('-U', 1, 10), ('+U', 1, 11);\nEXPECT o VALUES (1, 11);\n";
    write("u.test.sql", test)?;
    let (code, out, err) = run(directory.path(), &["--update", "u.test.sql"])?;
    ensure!(code == 1 && format!("{out}{err}").contains("EXPECT CHANGES says how"), "{code}\n{out}{err}");
    ensure!(std::fs::read_to_string(directory.path().join("u.test.sql"))? == test, "it was changed");
    Ok(())
}

/// Values that no query could tell the type of, and those that are no numbers.
fn recorded_values() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text);
    write(
        "in.json",
        r#"{"l": [], "m": {}, "n": [[], [1, null]], "r": {"a": [], "b": {"k": null}, "c": "00:00:01"}}
{"l": [null], "m": {"k": null}, "n": [], "r": {"a": null, "b": null, "c": null}}
{"l": ["2026-01-01 00:00:00"], "m": {"k": 1, "l": null}, "n": null, "r": null}
"#,
    )?;
    let columns = "(l ARRAY<TIMESTAMP(3)>, m MAP<STRING, INT>, n ARRAY<ARRAY<DOUBLE>>, r ROW<a ARRAY<STRING>, b MAP<STRING, DECIMAL(3, 1)>, c TIME>)";
    write(
        "job.sql",
        &format!(
            "CREATE TABLE t {columns} WITH ('connector' = 'filesystem', 'path' = 'in.json', 'format' = 'json');
CREATE TABLE o WITH ('connector' = 'print') LIKE t (EXCLUDING OPTIONS);\nINSERT INTO o SELECT * FROM t;\n"
        ),
    )?;
    let (code, out, err) = run(directory.path(), &["--record", "job.sql"])?;
    ensure!(code == 0 && err == "tests/job.test.sql is written: 3 rows of t\n", "{code}\n{out}{err}");
    let text = std::fs::read_to_string(directory.path().join("tests/job.test.sql"))?;
    ensure!(
        text.contains("(ARRAY[], MAP[], ARRAY[ARRAY[], ARRAY[1.0, NULL]], ROW(ARRAY[], MAP['k', NULL], '00:00:01'))"),
        "{text}"
    );
    let (code, out, err) = run(directory.path(), &["--no-matrix"])?;
    ensure!(code == 0 && out.contains("1 passed, 0 failed"), "{code}\n{out}{err}\n{text}");
    Ok(())
}

/// Files as the program writes them are given as they are.
fn fixtures() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let columns = "(k STRING, n BIGINT, d DECIMAL(10, 2), ts TIMESTAMP(3), r ROW<a INT, b ARRAY<STRING>>)";
    let flat = "(k STRING, n BIGINT, d DECIMAL(10, 2), ts TIMESTAMP(3))";
    for (format, columns, more) in [
        ("parquet", columns, ", ROW(1, ARRAY['x', 'y'])"),
        ("avro", columns, ", ROW(1, ARRAY['x', 'y'])"),
        ("json", columns, ", ROW(1, ARRAY['x', 'y'])"),
        ("csv", flat, ""),
    ] {
        let row = format!("('it''s', 1, 2.50, TIMESTAMP '2026-01-01 00:00:00.123'{more})");
        let job =
            format!("CREATE TABLE o {columns} WITH ('connector' = 'filesystem', 'path' = '{format}', 'format' = '{format}');\nINSERT INTO o VALUES {row};\n");
        std::fs::write(directory.path().join(format!("{format}.sql")), job)?;
        let mut command = millstream(directory.path())?;
        command.args(["run", &format!("{format}.sql")]);
        crate::harness::succeed(command)?;
        let file = files(&directory.path().join(format), format)
            .pop()
            .with_context(|| format!("no .{format} file"))?;
        let test = format!(
            "TEST '{format}';\nCREATE TABLE t {columns} WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'nobody:9092', 'format' = 'json');\n\
             CREATE TABLE o WITH ('connector' = 'print') LIKE t (EXCLUDING OPTIONS);\nINSERT INTO o SELECT * FROM t;\n\
             GIVEN t FROM '{}';\nEXPECT o VALUES {row};\n",
            file.strip_prefix(directory.path())?.display()
        );
        std::fs::write(directory.path().join(format!("{format}.test.sql")), test)?;
    }
    let (code, out, err) = run(directory.path(), &["--no-matrix"])?;
    ensure!(code == 0 && out.contains("4 passed, 0 failed"), "{code}\n{out}{err}");
    // A column that a file lacks beside one that the table lacks is a typing error.
    for format in ["parquet", "avro"] {
        let path = directory.path().join(format!("{format}.test.sql"));
        std::fs::write(&path, std::fs::read_to_string(&path)?.replacen("ts TIMESTAMP", "tss TIMESTAMP", 1))?;
        let (code, out, err) = run(directory.path(), &["--no-matrix", &format!("{format}.test.sql")])?;
        let told = format!("error[E0202]: \"t\" has no column \"ts\"\n --> {format}.test.sql:5:14\n");
        ensure!(code == 1 && out.contains(&told) && out.contains("did you mean \"tss\"?"), "{code}\n{out}{err}");
    }
    Ok(())
}

/// Lines of test and job files are marked.
fn marks() -> Result<()> {
    let project = project()?;
    for (form, told) in [("github", "::error file="), ("sarif", "\"ruleId\"")] {
        let (code, out, err) = run(project.path(), &["--output", form, "--no-matrix"])?;
        ensure!(code == 1 && out.contains(told) && out.contains("E0804"), "{code}\n{out}{err}");
    }
    Ok(())
}

fn junit() -> Result<()> {
    let project = project()?;
    let (code, out, err) = run(project.path(), &["--output", "junit", "--no-matrix"])?;
    ensure!(code == 1 && err.is_empty(), "{code}\n{err}");
    for part in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"millstream\" tests=\"2\" skipped=\"0\" failures=\"2\" errors=\"0\">\n",
        "<testsuite name=\"tests/sums.test.sql\" tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"2\" time=\"",
        "<testcase name=\"one key\" classname=\"tests/sums.test.sql\" time=\"",
        "\" file=\"tests/sums.test.sql\" line=\"2\">",
        "      <failure message=\"&quot;o&quot; is not as expected: 1 missing, 1 unexpected\">error[E0804]: &quot;o&quot; is",
        " --&gt; tests/sums.test.sql:5:1\n",
        "</testsuites>\n",
    ] {
        ensure!(out.contains(part), "no {part} in\n{out}");
    }
    Ok(())
}

fn json() -> Result<()> {
    let project = project()?;
    let (code, out, err) = run(project.path(), &["--output", "json", "one"])?;
    ensure!(code == 1 && err.is_empty(), "{code}\n{err}");
    let value: serde_json::Value = serde_json::from_str(&out)?;
    let test = value.pointer("/files/0/tests/0").context("no test")?;
    let at = |path: &str| test.pointer(path).cloned().unwrap_or_default();
    ensure!(
        value.get("passed") == Some(&false.into()) && at("/name") == "one key" && at("/cells") == 16,
        "{out}"
    );
    ensure!(
        at("/problems/0/code") == "E0804" && at("/problems/0/place/line") == 5 && at("/problems/0/missing") == 1,
        "{out}"
    );
    ensure!(
        at("/problems/0/cells/15") == serde_json::json!({"parallelism": 4, "batch_size": 1, "restore": true, "seed": 1}),
        "{out}"
    );
    Ok(())
}

/// Where a job has failed is told in each form, and at which step.
fn failed_job() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text);
    write(
        "job.sql",
        "CREATE TABLE t (n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'nobody:9092', 'format' = 'json');
CREATE TABLE o (n INT) WITH ('connector' = 'print');
INSERT INTO o SELECT 100 / n FROM t;
",
    )?;
    write("a.test.sql", "TEST 'a' FOR 'job.sql';\nGIVEN t VALUES (0);\nEXPECT o ROWS 1;\n")?;
    let step = "a.test.sql:3:1: the step at which it failed";
    let human = format!(" --> job.sql:3:22\n  |\n3 | INSERT INTO o SELECT 100 / n FROM t;\n  |                      ^^^^^^^\n note: {step}\n");
    for (form, told) in [
        ("human", human.as_str()),
        ("junit", &human.replace("-->", "--&gt;")),
        (
            "github",
            "::error file=job.sql,line=3,col=22,endColumn=28,title=E0702::the job has failed: division by zero%0Anote: a.test.sql:3:1: the",
        ),
        ("sarif", "\"uri\": \"job.sql\""),
        ("sarif", step),
        (
            "json",
            "\"path\":\"job.sql\",\"place\":{\"column\":22,\"end_column\":29,\"end_line\":3,\"line\":3},\"step\":{\"column\":1,",
        ),
    ] {
        let (code, out, err) = run(directory.path(), &["--output", form, "--no-matrix"])?;
        ensure!(code == 1 && out.contains(told), "no {told} in\n{out}{err}");
    }
    // A test that declares its job itself has both in one file.
    let own = std::fs::read_to_string(directory.path().join("job.sql"))?;
    write("a.test.sql", &format!("TEST 'a';\n{own}GIVEN t VALUES (0);\nEXPECT o ROWS 1;\n"))?;
    let (code, out, err) = run(directory.path(), &["--no-matrix"])?;
    let told = " --> a.test.sql:4:22\n  |\n4 | INSERT INTO o SELECT 100 / n FROM t;\n  |                      ^^^^^^^\n...\n6 | EXPECT o ROWS 1;\n  | --------------- the step";
    ensure!(code == 1 && out.contains(told), "{out}{err}");
    Ok(())
}
