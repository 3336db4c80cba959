//! The face of the program: help, exit codes, progress and summary, output as JSON and as a table, metrics.

use crate::cli::SOURCE;
use crate::harness::{fail, millstream, root, succeed};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("surface::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("help_is_as_written_down", help),
        trial("exit_codes_say_what_happened", exit_codes),
        trial("the_summary_says_what_was_read_and_written", summary),
        trial("rows_in_every_form", forms),
        trial("rows_as_a_table_on_a_terminal", table),
        trial("output_that_cannot_be_written_is_an_error", full_output),
        trial("a_closed_stderr_stops_nothing", closed_stderr),
        trial("stderr_as_json_lines", json_log),
        trial("progress_as_json_objects", json_progress),
        trial("a_value_stays_in_its_quotes", quoted_values),
        trial("large_and_deep_texts_are_refused", hostile_texts),
        trial("metrics_are_those_of_the_documentation", metrics),
    ]
}

fn run(directory: &Path, sql: &str, extra: &[&str]) -> Result<Command> {
    std::fs::write(directory.join("q.sql"), sql)?;
    let mut command = millstream(directory)?;
    command.args(["run", "q.sql"]).args(extra);
    Ok(command)
}

/// Compared with `surface/*.txt`; `UPDATE=1` writes them.
pub(crate) fn golden(name: &str, made: &str) -> Result<()> {
    let path = root().join("tests/surface").join(name);
    if std::env::var_os("UPDATE").is_some() {
        return Ok(std::fs::write(path, made)?);
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    ensure!(committed == made, "{} is\n{committed}\nit says now\n{made}", path.display());
    Ok(())
}

fn help() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for (name, arguments) in [
        ("help.txt", &["--help"][..]),
        ("run.txt", &["run", "--help"]),
        ("check.txt", &["check", "--help"]),
        ("fmt.txt", &["fmt", "--help"]),
        ("sql.txt", &["sql", "--help"]),
        ("explain.txt", &["explain", "--help"]),
        ("test.txt", &["test", "--help"]),
        ("new.txt", &["new", "--help"]),
        ("demo.txt", &["demo", "--help"]),
    ] {
        let mut command = millstream(directory.path())?;
        command.args(arguments);
        golden(name, &succeed(command)?)?;
    }
    let mut command = millstream(directory.path())?;
    command.arg("--version");
    ensure!(succeed(command)? == format!("millstream {}\n", env!("CARGO_PKG_VERSION")));
    Ok(())
}

/// Every line on stderr is an object with a message: log, summary and errors.
fn json_log() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(
        directory.path().join("rows.json"),
        "{\"k\":1,\"ts\":\"2024-01-01 00:00:00\"}\nnot JSON\n{\"k\":2,\"ts\":\"2024-01-01 01:00:00\"}\n{\"k\":3,\"ts\":\"2024-01-01 00:00:01\"}\n",
    )?;
    let job = "CREATE TABLE t (k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH \
        ('connector' = 'filesystem', 'path' = 'rows.json', 'format' = 'json', 'on-error' = 'skip');\n\
        CREATE TABLE o (e TIMESTAMP(3), n BIGINT, k INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\n\
        INSERT INTO o SELECT window_end, COUNT(*), MAX(k) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;";
    for (sql, told) in [
        (job, &["job q starts", "record left out", "late row left out", "job finished"][..]),
        ("SELECT 1 +;", &["\"code\":\"E0102\"", "\"line\":1"]),
    ] {
        let output = run(directory.path(), sql, &["--log-format", "json", "-p", "1"])?.output()?;
        let text = String::from_utf8(output.stderr)?;
        let mut all = String::new();
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).with_context(|| line.to_string())?;
            let fields = value.get("fields").with_context(|| line.to_string())?;
            all += &format!("{fields}\n");
            let level = value.get("level").and_then(Value::as_str);
            ensure!(fields.get("code").is_none() || level == Some("ERROR"), "{line}");
            ensure!(
                fields.get("message").is_some() && line.matches("\"message\":").count() == 1 && value.get("timestamp").is_some(),
                "{line}"
            );
        }
        for part in told {
            ensure!(all.contains(part), "no {part} in\n{all}");
        }
        if sql != job {
            continue;
        }
        // Samples tell the values.
        ensure!(all.contains("k = 3") && all.contains("file rows.json, byte 35"), "{all}");
        let mut summary = one_event(&all, "job finished")?;
        let seconds = summary.remove("seconds").and_then(|s| s.as_f64());
        let rate = summary.remove("rate").and_then(|r| r.as_u64());
        let epoch = summary.remove("checkpoint").and_then(|c| c.as_u64());
        ensure!(
            summary.remove("done") == Some(json!(1.0)) && summary.remove("left_s") == Some(Value::Null),
            "{all}"
        );
        ensure!(seconds.is_some() && rate.is_some() && epoch.is_some(), "{all}");
        let location = format!("file://{}/out/*.json", directory.path().canonicalize()?.display());
        let expected = json!({
            "message": "job finished", "job": "q", "rows_in": 4, "rows_out": 2, "watermark": "end", "lag": 0, "late": 1, "bad": 1, "restarts": 0,
            "tables": [{"table": "o", "rows": 2, "files": 1, "location": location}],
            "left_out": {"late": 1, "malformed": 1}, "routed": {}, "tombstones": 0,
        });
        ensure!(Value::Object(summary.clone()) == expected, "{summary:?}");
    }
    Ok(())
}

/// The fields of the log's only event with a message.
fn one_event(fields: &str, message: &str) -> Result<Map<String, Value>> {
    let mut events = Vec::new();
    for line in fields.lines() {
        let event: Map<String, Value> = serde_json::from_str(line)?;
        events.extend((event.get("message").and_then(Value::as_str) == Some(message)).then_some(event));
    }
    ensure!(events.len() == 1, "not one \"{message}\" in\n{fields}");
    events.pop().context("no event")
}

/// A value of `-D` in quotes is one text, whatever it holds.
fn quoted_values() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for value in ["it's", "'; SELECT 'injected", "x') AS t; SELECT ('y", "''"] {
        let output = run(directory.path(), "SELECT '${V}' AS v;", &["-D", &format!("V={value}"), "--format", "json"])?.output()?;
        let said = String::from_utf8(output.stdout)?;
        let rows: Value = serde_json::from_str(&said).with_context(|| format!("{value}: {}", String::from_utf8_lossy(&output.stderr)))?;
        ensure!(rows == json!([{"v": value}]), "{value}: {said}");
    }
    Ok(())
}

/// A job that runs longer than ten seconds says in numbers how far it is.
fn json_progress() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let sql = "CREATE TABLE t (n BIGINT, ts AS TO_TIMESTAMP_LTZ(n, 0), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'rows-per-second' = '10',
        'number-of-rows' = '115', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '114');\n\
        CREATE TABLE o (n BIGINT) WITH ('connector' = 'blackhole');\n\
        SET 'execution.checkpointing.interval' = '1 s';\n\
        INSERT INTO o SELECT n FROM t;";
    let output = run(directory.path(), sql, &["--log-format", "json", "-p", "1"])?.output()?;
    let text = String::from_utf8(output.stderr)?;
    let fields: Vec<String> = text
        .lines()
        .map(|line| Ok(serde_json::from_str::<Value>(line)?["fields"].to_string()))
        .collect::<Result<_>>()?;
    let progress = one_event(&fields.join("\n"), "progress")?;
    let number = |name: &str| {
        progress
            .get(name)
            .and_then(Value::as_u64)
            .with_context(|| format!("no number {name} in {text}"))
    };
    ensure!(progress.get("job") == Some(&json!("q")), "{text}");
    ensure!((50..115).contains(&number("rows_in")?) && number("rows_out")? <= number("rows_in")?, "{text}");
    ensure!(
        (5..15).contains(&number("rate")?) && number("checkpoint")? > 2 && number("checkpoint_age_ms")? < 5_000,
        "{text}"
    );
    ensure!(number("late")? + number("bad")? + number("restarts")? == 0 && number("lag")? <= 115, "{text}");
    let watermark = progress.get("watermark").and_then(Value::as_str).unwrap_or_default();
    ensure!(watermark.starts_with("1970-01-01 00:0"), "{text}");
    Ok(())
}

fn exit_codes() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let code = |arguments: &[&str]| -> Result<(Option<i32>, String)> {
        let mut command = millstream(directory.path())?;
        let output = command.args(arguments).stdin(Stdio::null()).output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    std::fs::write(directory.path().join("good.sql"), "SELECT 1;")?;
    std::fs::write(directory.path().join("bad.sql"), "SELECT nope;")?;
    std::fs::write(directory.path().join("fails.sql"), "SELECT 1 / x FROM (VALUES (0)) AS t(x);")?;
    std::fs::write(directory.path().join("binary.sql"), [b'S', 0xff, 0xfe])?;
    for (arguments, expected, text) in [
        (&["run", "good.sql"][..], 0, ""),
        (&["run", "-"], 0, ""),
        (&["run", "bad.sql"], 1, "error[E0202]"),
        (&["run", "fails.sql"], 1, "division by zero"),
        // Standard input is empty.
        (&[], 0, ""),
        (&["-c", "SELECT 1", "-f", "good.sql"], 0, ""),
        (&["sql", "-c", "SELECT nope"], 1, "--> -c:1:8"),
        (&["sql", "-c", "SELECT 'open"], 1, "E0102"),
        (&["sql", "-c", "SELECT 1 / x FROM (VALUES (0)) AS t(x)"], 1, "division by zero"),
        (&["sql", "-f", "bad.sql"], 1, "--> bad.sql:1:8"),
        (&["sql", "-f", "missing.sql"], 2, "missing.sql cannot be read"),
        (&["sql", "-f", "binary.sql"], 2, "binary.sql cannot be read"),
        (&["sql", "-c"], 2, "<SQL>"),
        (&["sql", "good.sql"], 2, "a file is given as '-f good.sql'"),
        (&["sql", "SELECT 1"], 2, "a text is given as '-c \"SELECT 1\"'"),
        (&["good.sql"], 2, "'millstream run good.sql'"),
        (&["sql", "--format", "jsno"], 2, "similar value exists: 'json'"),
        (&["sql", "--for", "soon"], 2, "30s"),
        (&["sql", "--limit", "0"], 2, "expected a whole number from 1 on, such as 100"),
        (&["sql", "--limit", "-1"], 2, "expected a whole number from 1 on"),
        (&["sql", "--for", "5"], 2, "30s"),
        (
            &["sql", "--metrics", "localhost:9187"],
            2,
            "expected an IP address and a port, such as 127.0.0.1:9187",
        ),
        (&["sql", "--set", "x"], 2, "expected KEY=VALUE, such as parallelism.default=2"),
        (&["test", "--seed", "x"], 2, "expected a whole number from 0 on, such as 7"),
        (&["sql", "--until-watermark", "soon"], 2, "2026-01-31"),
        (&["sql", "--on-error", "ignore"], 2, "stop, continue"),
        (&["run"], 2, "<FILE>"),
        (&["run", "missing.sql"], 2, "missing.sql cannot be read"),
        (&["run", "binary.sql"], 2, "in line 1, column 2, is no UTF-8"),
        (&["run", "."], 2, ". cannot be read"),
        (&["rnu", "good.sql"], 2, "unrecognized subcommand 'rnu'"),
        (&["run", "good.sql", "--paralelism", "2"], 2, "--parallelism"),
        (&["run", "good.sql", "-p", "none"], 2, "expected a whole number from 1 on, such as 4"),
        (&["run", "good.sql", "-p", "0"], 2, "expected a whole number from 1 on, such as 4"),
        (&["sql", "--limit", "-1"], 2, "expected a whole number from 1 on"),
        (&["sql", "--for", "5"], 2, "30s"),
        (
            &["sql", "--metrics", "localhost:9187"],
            2,
            "expected an IP address and a port, such as 127.0.0.1:9187",
        ),
        (&["sql", "--set", "x"], 2, "expected KEY=VALUE, such as parallelism.default=2"),
        (&["test", "--seed", "x"], 2, "expected a whole number from 0 on, such as 7"),
        (&["run", "good.sql", "-D", "novalue"], 2, "NAME=VALUE"),
        (&["run", "good.sql", "--set", "pipeline.nmae=x"], 2, "did you mean 'pipeline.name'"),
        (&["run", "good.sql", "--output", "yaml"], 2, "table, vertical, markdown, json"),
        (&["run", "good.sql", "--metrics", "nowhere"], 2, "nowhere"),
        (&["run", "good.sql", "--metrics", "192.0.2.1:1"], 1, "E0507"),
    ] {
        let (status, said) = code(arguments)?;
        ensure!(status == Some(expected) && said.contains(text), "{arguments:?}: {status:?}\n{said}");
    }
    Ok(())
}

const RECORDS: &str = "{\"k\":\"a\",\"ts\":\"2024-01-01 00:00:00\"}\nnot json\n{\"k\":\"b\",\"ts\":\"2024-01-01 00:01:00\"}\n{\"k\":\"late\",\"ts\":\"2024-01-01 00:00:01\"}\n{\"k\":\"none\"}\n";

fn summary() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("in.json"), RECORDS)?;
    let sql =
        "CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='in.json','format'='json','on-error'='skip');
         CREATE TABLE o (e TIMESTAMP(3), n BIGINT) WITH ('connector'='filesystem','path'='out/o','format'='parquet');
         INSERT INTO o SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;";
    let output = run(directory.path(), sql, &["-p", "1"])?.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success() && output.stdout.is_empty(), "{said}");
    let real = directory.path().canonicalize()?;
    let place = real.display();
    let lines: Vec<&str> = said.lines().collect();
    ensure!(
        lines.first() == Some(&format!("job q starts; its state is in file://{place}/.millstream/q").as_str()),
        "{said}"
    );
    let progress = lines.iter().find(|l| l.starts_with("in ")).context("no progress line")?;
    let expected = ["in 5 (", "/s)  out 2  100 %  watermark end  lag 0  checkpoint ", " (0 s ago)  late 1  bad 2"];
    ensure!(expected.iter().all(|part| progress.contains(part)), "{said}");
    for expected in [
        "job q has finished in ".to_string(),
        format!("  o: 2 rows in 1 file like file://{place}/out/o/*.parquet"),
        "  left out: 1 late, 1 malformed, 1 null-rowtime".to_string(),
        format!("look at it: duckdb -c \"SELECT * FROM '{place}/out/o/*.parquet' LIMIT 10\""),
    ] {
        ensure!(said.contains(&expected), "no \"{expected}\"\n{said}");
    }
    // Once more: nothing is left to do.
    let output = run(directory.path(), sql, &["-p", "1"])?.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success() && said.starts_with("job q has finished at 20") && said.contains("--fresh"),
        "{said}"
    );
    Ok(())
}

const ROWS: &str = "SELECT * FROM (VALUES
    (1, 'plain', TRUE, 1.5, 2.5E0, TIMESTAMP '2024-02-29 12:00:00.123', DATE '2024-02-29'),
    (CAST(NULL AS INT), CAST(NULL AS STRING), CAST(NULL AS BOOLEAN), CAST(NULL AS DECIMAL(2, 1)), CAST(NULL AS DOUBLE), CAST(NULL AS TIMESTAMP(3)), CAST(NULL AS DATE)),
    (-7, '東京 \"é\" 🎉', FALSE, -0.1, 1.0E20, TIMESTAMP '1969-12-31 23:59:59.999', DATE '1969-12-31'),
    (3, '', TRUE, 0.0, 0.0E0, TIMESTAMP '9999-12-31 23:59:59.999', DATE '0001-01-01')
) AS t(`number`, `the text`, yes, dec_, dbl, ts, d);";

fn forms() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for (format, name) in [
        ("changelog", "rows.changelog"),
        ("json", "rows.json"),
        ("jsonl", "rows.jsonl"),
        ("csv", "rows.csv"),
        ("tsv", "rows.tsv"),
        ("markdown", "rows.md"),
        ("vertical", "rows.vertical"),
    ] {
        golden(name, &succeed(run(directory.path(), ROWS, &["--format", format])?)?)?;
    }
    // By its other name; and without a terminal.
    golden("rows.json", &succeed(run(directory.path(), ROWS, &["--output", "json"])?)?)?;
    golden("rows.jsonl", &succeed(run(directory.path(), ROWS, &[])?)?)?;
    let mut command = millstream(directory.path())?;
    command.args(["sql", "-c", ROWS]);
    golden("rows.jsonl", &succeed(command)?)
}

fn table() -> Result<()> {
    let directory = tempfile::tempdir()?;
    golden("rows.txt", &succeed(run(directory.path(), ROWS, &["--format", "table"])?)?)?;
    let command = run(directory.path(), ROWS, &[])?;
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|a| format!("'{}'", a.to_string_lossy()))
        .collect();
    let on_terminal = |environment: (&str, &str)| -> Result<Option<String>> {
        let mut terminal = Command::new("script");
        terminal
            .args(["-qec", &words.join(" "), "/dev/null"])
            .current_dir(directory.path())
            .env("TERM", "xterm")
            .env(environment.0, environment.1)
            .stdin(Stdio::null());
        let Ok(output) = terminal.output() else { return Ok(None) };
        Ok(Some(String::from_utf8(output.stdout)?.replace("\r\n", "\n")))
    };
    // Without util-linux there is no terminal to be had; the table itself was compared above.
    let Some(plain) = on_terminal(("NO_COLOR", "1"))? else { return Ok(()) };
    golden("rows.txt", &plain)?;
    let dumb = on_terminal(("TERM", "dumb"))?.unwrap_or_default();
    let colored = on_terminal(("NO_COLOR", ""))?.unwrap_or_default();
    ensure!(dumb == plain, "{dumb}");
    ensure!(
        colored.contains("\u{1b}[2m<NULL>\u{1b}[0m") && colored.contains("\u{1b}[1mthe text\u{1b}[0m"),
        "{colored}"
    );
    Ok(())
}

fn full_output() -> Result<()> {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return Ok(());
    };
    let directory = tempfile::tempdir()?;
    let print = "CREATE TABLE o (a INT) WITH ('connector' = 'print'); INSERT INTO o VALUES (1);";
    for sql in ["SELECT 1;", "EXPLAIN SELECT 1;", print] {
        let mut command = run(directory.path(), sql, &[])?;
        command.stdout(full.try_clone()?);
        let said = fail(command, 1)?;
        ensure!(said.contains("No space left on device") && said.contains("error"), "{sql}\n{said}");
    }
    Ok(())
}

fn closed_stderr() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let sql = "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'o', 'format' = 'csv'); INSERT INTO o VALUES (1), (2);";
    let mut child = run(directory.path(), sql, &[])?.env("MILLSTREAM_LOG", "trace").stderr(Stdio::piped()).spawn()?;
    drop(child.stderr.take());
    let status = child.wait()?;
    ensure!(status.success(), "it ended with {status}");
    ensure!(crate::harness::files(directory.path(), "csv").len() == 1, "nothing was written");
    let mut child = run(directory.path(), "SELECT nope;", &[])?.stderr(Stdio::piped()).spawn()?;
    drop(child.stderr.take());
    let status = child.wait()?;
    ensure!(status.code() == Some(1), "it ended with {status}");
    Ok(())
}

/// Each either is refused with a code, or is not too much.
fn hostile_texts() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let deep = |open: &str, middle: &str, close: &str, n: usize| format!("{}{middle}{}", open.repeat(n), close.repeat(n));
    let chain = |piece: &str, n: usize| piece.repeat(n);
    let views = |before: &str, after: &str| {
        let view = |i: usize| format!("CREATE VIEW v{i} AS {before}{}{after};", i - 1);
        format!(
            "CREATE VIEW v0 AS SELECT 1 AS a;{}SELECT a FROM v2999;",
            (1..3_000).map(view).collect::<String>()
        )
    };
    let double = |i: usize| format!("CREATE VIEW v{i} AS SELECT x.a FROM v{0} x UNION ALL SELECT a FROM v{0};", i - 1);
    let doubled = format!("CREATE VIEW v0 AS SELECT 1 AS a;{}SELECT a FROM v40;", (1..41).map(double).collect::<String>());
    let cases = [
        ("parentheses", format!("SELECT {};", deep("(", "1", ")", 100_000))),
        ("query parentheses", deep("(", "SELECT 1", ")", 100_000)),
        ("subqueries", format!("SELECT * FROM {};", deep("(SELECT * FROM ", "t", ")", 10_000))),
        ("scalar subqueries", deep("SELECT (", "SELECT 1", ")", 20_000)),
        ("additions", format!("SELECT 1{};", chain("+1", 5_000))),
        ("more additions", format!("SELECT 1{};", chain("+1", 120_000))),
        ("conjunctions", format!("SELECT TRUE{};", chain(" AND TRUE", 20_000))),
        ("concatenations", format!("SELECT 'a'{};", chain("||'b'", 40_000))),
        ("comparisons", format!("SELECT 1{};", chain("=1", 100_000))),
        ("nots", format!("SELECT {}TRUE;", chain("NOT ", 60_000))),
        ("minuses", format!("SELECT {}1;", chain("- ", 120_000))),
        ("pluses", format!("SELECT {}1;", chain("+ ", 120_000))),
        ("tests for null", format!("SELECT 1{};", chain(" IS NULL", 30_000))),
        ("tests for truth", format!("SELECT TRUE{};", chain(" IS NOT TRUE", 20_000))),
        ("betweens", format!("SELECT 1{};", chain(" BETWEEN 1 AND 1", 15_000))),
        ("casts", format!("SELECT {};", deep("CAST(", "1", " AS INT)", 10_000))),
        ("double colons", format!("SELECT 1{};", chain("::INT", 40_000))),
        ("calls", format!("SELECT {};", deep("UPPER(", "'a'", ")", 30_000))),
        ("cases", format!("SELECT {};", deep("CASE WHEN ", "TRUE", " THEN 1 END", 10_000))),
        ("operands of case", format!("SELECT {}1;", chain("CASE ", 50_000))),
        ("many branches", format!("SELECT CASE{} END;", chain(" WHEN TRUE THEN 1", 14_000))),
        ("many values", format!("SELECT 1 IN (1{});", chain(",1", 100_000))),
        ("many columns", format!("SELECT 1{};", chain(",1", 100_000))),
        ("many rows", format!("SELECT * FROM (VALUES (1){}) AS t(a);", chain(",(1)", 50_000))),
        ("intervals", format!("SELECT {}'1' DAY;", chain("INTERVAL ", 28_000))),
        ("dates", format!("SELECT {}'2024-01-01';", chain("DATE ", 50_000))),
        ("intervals and dates", format!("SELECT {}'1' DAY;", chain("INTERVAL DATE ", 4_900))),
        ("intervals and brackets", format!("SELECT {}1;", chain("INTERVAL ARRAY[", 4_900))),
        ("dates and minuses", format!("SELECT {}1;", chain("- + ", 4_900))),
        ("nots and minuses", format!("SELECT {}1;", chain("NOT - ", 4_900))),
        ("priors and intervals", format!("SELECT {}1;", chain("PRIOR INTERVAL ", 4_900))),
        ("cases and intervals", format!("SELECT {}1;", chain("CASE INTERVAL ", 4_900))),
        ("as many operators as are taken", format!("SELECT 1{};", chain("+1", 490))),
        ("as much as is not refused at once", format!("SELECT 1{};", chain("+1", 4_990))),
        ("as many tests as are not refused at once", format!("SELECT 1{};", chain(" IS NULL", 4_990))),
        (
            "as many unions as are not refused at once",
            format!("SELECT 1{};", chain(" UNION ALL SELECT 1", 4_990)),
        ),
        ("views over views", views("SELECT a + 1 AS a FROM v", "")),
        ("views over views and rows", views("SELECT x.a FROM v", " x UNION ALL SELECT 1 AS a")),
        ("views that double", doubled),
        ("exists", format!("SELECT {};", deep("EXISTS(SELECT ", "1", ")", 15_000))),
        ("arrays", format!("SELECT {};", deep("ARRAY[", "1", "]", 30_000))),
        ("maps", format!("SELECT {};", deep("MAP['k',", "1", "]", 25_000))),
        ("rows", format!("SELECT {};", deep("ROW(", "1", ")", 40_000))),
        ("tuples", format!("SELECT {};", deep("(1,", "1", ")", 40_000))),
        ("brackets", format!("SELECT a{};", chain("[1]", 80_000))),
        ("nested brackets", format!("SELECT {};", deep("a[", "1", "]", 80_000))),
        ("dots", format!("SELECT a{};", chain(".a", 120_000))),
        ("lambdas", format!("SELECT {}1;", chain("x -> ", 50_000))),
        ("priors", format!("SELECT {}1;", chain("PRIOR ", 40_000))),
        ("collations", format!("SELECT 'a'{};", chain(" COLLATE c", 25_000))),
        ("time zones", format!("SELECT a{};", chain(" AT TIME ZONE 'x'", 14_000))),
        ("unions", format!("SELECT 1{};", chain(" UNION ALL SELECT 1", 13_000))),
        ("withs", format!("{}SELECT 1;", chain("WITH a AS (", 20_000))),
        ("joins", format!("SELECT * FROM t{};", chain(" JOIN t", 30_000))),
        ("table parentheses", format!("SELECT * FROM {};", deep("(", "t", ")", 100_000))),
        ("table functions", format!("SELECT * FROM {};", deep("TABLE(", "t", ")", 40_000))),
        ("explains", format!("{}SELECT 1;", chain("EXPLAIN ", 32_000))),
        ("statement sets", chain("EXECUTE STATEMENT SET BEGIN ", 9_000)),
        (
            "inserts",
            format!("EXECUTE STATEMENT SET BEGIN {} END;", chain("INSERT INTO o SELECT 1;", 10_000)),
        ),
        (
            "array types",
            format!("CREATE TABLE t (a {}) WITH ('connector'='blackhole');", deep("ARRAY<", "INT", ">", 30_000)),
        ),
        (
            "row types",
            format!("CREATE TABLE t (a {}) WITH ('connector'='blackhole');", deep("ROW<a ", "INT", ">", 30_000)),
        ),
        ("map types", format!("SELECT CAST(a AS {});", deep("MAP<INT,", "INT", ">", 25_000))),
        (
            "array suffixes",
            format!("CREATE TABLE t (a INT{}) WITH ('connector'='blackhole');", chain(" ARRAY", 30_000)),
        ),
        ("other types", format!("SELECT CAST(a AS {});", deep("NULLABLE(", "INT", ")", 20_000))),
        ("many tables", chain("CREATE TABLE t (a INT) WITH ('connector'='blackhole');", 4_500)),
        (
            "grouping sets",
            format!("SELECT 1 FROM t GROUP BY {};", deep("GROUPING SETS((", "a", "))", 12_000)),
        ),
        ("comments", format!("SELECT 1 {}", chain("/*", 120_000))),
        ("quotes", format!("SELECT '{}", chain("''", 120_000))),
        ("back-quotes", chain("`", 250_001)),
        ("dollars", format!("SELECT {}", chain("$a$", 80_000))),
        ("variables", chain("${", 120_000)),
        ("empty lines", chain("\n", 250_000)),
        ("semicolons", chain(";", 250_000)),
        ("commas", format!("SELECT {}", chain(",", 250_000))),
        ("zeros", chain("\0", 250_000)),
        ("ten megabytes", format!("SELECT 1; -- {}", chain("x", 10 << 20))),
    ];
    for (name, sql) in cases {
        let output = run(directory.path(), &sql, &["--format", "changelog"])?.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let short: String = said.chars().take(2_000).collect();
        let ended_well = match output.status.code() {
            Some(0) => true,
            Some(1) => said.contains("error[E0"),
            _ => false,
        };
        ensure!(
            ended_well && !said.contains("panicked") && !said.contains("this is a bug"),
            "{name} ended with {}\n{short}",
            output.status
        );
        ensure!(said.len() < 1 << 20, "{name}: {} bytes of errors\n{short}", said.len());
    }
    Ok(())
}

/// Every metric of docs/metrics.md is served with its labels, and no other.
fn metrics() -> Result<()> {
    use std::io::{BufRead, BufReader, Read, Write};
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("in.json"), RECORDS)?;
    let sql = "SET 'execution.checkpointing.interval' = '20 ms';
         CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='in.json','format'='json','on-error'='skip');
         CREATE TABLE o (e TIMESTAMP(3), n BIGINT) WITH ('connector'='blackhole');
         CREATE TABLE p (n BIGINT) WITH ('connector'='blackhole');
         INSERT INTO o SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
         INSERT INTO p SELECT auction FROM bids;";
    let sql = format!("{SOURCE}{sql}");
    let mut child = run(
        directory.path(),
        &sql,
        &["--metrics", "127.0.0.1:0", "-p", "1", "-D", "N=1000000000", "-D", "RATE=1000"],
    )?
    .stderr(Stdio::piped())
    .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    let line = lines.next().context("no line")??;
    let address = line
        .strip_prefix("metrics at http://")
        .and_then(|l| l.strip_suffix("/metrics"))
        .context(line.clone())?
        .to_string();
    let documented = std::fs::read_to_string(root().join("docs/metrics.md"))?;
    let missing = |text: &str| -> Vec<String> {
        let rows = documented.lines().filter_map(|l| l.strip_prefix("| `millstream_"));
        rows.filter(|row| {
            let cells: Vec<&str> = row.split('|').map(|c| c.trim().trim_matches('`')).collect();
            let labels: Vec<&str> = cells[2].split("`, `").collect();
            let samples = |l: &&str| l.starts_with(&format!("millstream_{}{{", cells[0])) && labels.iter().all(|label| l.contains(&format!("{label}=\"")));
            !text.lines().any(|l| samples(&l))
        })
        .map(str::to_string)
        .collect()
    };
    let get = |path: &str| -> Result<String> {
        let mut stream = std::net::TcpStream::connect(&address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    ensure!(get("/healthz")?.starts_with("HTTP/1.1 200 OK"), "{}", get("/healthz")?);
    // Not before its rows flow.
    let mut tries = 0..100_000;
    loop {
        let text = get("/readyz")?;
        if text.starts_with("HTTP/1.1 200 OK") {
            ensure!(text.ends_with(" is running\n"), "{text}");
            break;
        }
        ensure!(text.starts_with("HTTP/1.1 503") && tries.next().is_some(), "{text}");
        std::thread::yield_now();
    }
    // The first sample of each comes when there is one: asked again until then.
    let mut tries = 0..100_000;
    let text = loop {
        ensure!(tries.next().is_some(), "some metrics never come");
        let text = get("/metrics")?;
        if missing(&text).is_empty() {
            break text;
        }
        ensure!(child.try_wait()?.is_none(), "it ended; missing are {:?}\n{text}", missing(&text));
        std::thread::yield_now();
    };
    child.kill()?;
    child.wait()?;
    for sample in text.lines().filter(|l| l.starts_with("millstream_")) {
        let name = sample.split('{').next().unwrap_or("");
        ensure!(documented.contains(&format!("`{name}`")), "{name} is not documented\n{text}");
    }
    Ok(())
}
