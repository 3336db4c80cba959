//! The command line as users meet it: examples, kills, stops, second runs, wrong input.

use crate::harness::{Running, fail, files, millstream, result_sets, root, signal, succeed};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("cli::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("quickstart_writes_what_a_query_over_the_source_gives", quickstart),
        trial("kill_9_at_any_moment_loses_and_doubles_nothing", kill),
        trial("a_stopped_job_goes_on_at_another_parallelism", stop),
        trial("a_changed_file_is_refused_and_fresh_starts_anew", changed),
        trial("two_processes_do_not_both_commit", two_processes),
        trial("a_damaged_checkpoint_stops_the_job", damaged),
        trial("wrong_input_is_named_with_its_place", wrong),
        trial("a_file_that_only_declares_says_so", declares),
        trial("late_and_bad_records_are_counted", late_and_bad),
        trial("dead_letters_are_exact_over_stops_and_kills", dead_letters),
        trial("metrics_are_served", metrics),
        trial("new_files_of_a_monitored_directory_are_read_once", monitored),
    ]
}

pub(crate) const SOURCE: &str = "
CREATE TABLE nexmark (
  event_type INT, bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, `dateTime` TIMESTAMP(3)>,
  event_time AS CASE WHEN event_type = 2 THEN bid.`dateTime` ELSE TIMESTAMP '2024-01-01 00:00:00.000' END,
  WATERMARK FOR event_time AS event_time - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'number-of-events' = '${N}', 'next-event.rate' = '1000', 'rows-per-second' = '${RATE}');
CREATE VIEW bids AS SELECT bid.auction, bid.bidder, bid.price, event_time FROM nexmark WHERE event_type = 2;
";

const TUMBLE: &str = "SELECT window_start, window_end, auction, COUNT(*) AS bids, COUNT(DISTINCT bidder) AS bidders, MAX(price) AS top
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(event_time), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, auction";
const HOP: &str = "SELECT window_start, window_end, MOD(auction, 10) AS g, COUNT(*) AS bids, COUNT(DISTINCT bidder) AS bidders, SUM(price) AS total
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(event_time), INTERVAL '2' SECOND, INTERVAL '20' SECOND)) GROUP BY window_start, window_end, MOD(auction, 10)";

pub(crate) fn sinks() -> String {
    let sink = |name: &str, columns: &str, format: &str| {
        format!(
            "CREATE TABLE {name} (window_start TIMESTAMP(3), window_end TIMESTAMP(3), {columns}) WITH ('connector' = 'filesystem', 'path' = 'out/{name}', 'format' = '{format}');\n"
        )
    };
    sink("tumbled", "auction BIGINT, bids BIGINT, bidders BIGINT, top BIGINT", "parquet")
        + &sink("hopped", "g BIGINT, bids BIGINT, bidders BIGINT, total BIGINT", "json")
}

pub(crate) fn job() -> String {
    format!(
        "SET 'execution.checkpointing.interval' = '100 ms';\n{SOURCE}{}INSERT INTO tumbled {TUMBLE};\nINSERT INTO hopped {HOP};\n",
        sinks()
    )
}

fn declares() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let table = "CREATE TABLE t (a INT) WITH ('connector' = 'blackhole');";
    let catalog = "CREATE CATALOG c WITH ('type' = 'filesystem', 'path' = 'c'); USE CATALOG c;";
    let cases = [
        (table.to_string(), "what it makes and sets ends with it"),
        (format!("{catalog} {table}"), "it has made 1 change in stored catalogs"),
    ];
    for (text, kept) in cases {
        std::fs::write(directory.path().join("t.sql"), text)?;
        let mut command = millstream(directory.path())?;
        let output = command.args(["run", "t.sql"]).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = format!("nothing to run: the file has no SELECT and no INSERT; {kept}\n");
        ensure!(output.status.success() && output.stdout.is_empty() && said == expected, "{said}");
    }
    Ok(())
}

/// The rows a query gives.
pub(crate) fn rows(directory: &Path, sql: &str, n: u64) -> Result<std::collections::BTreeMap<String, i64>> {
    std::fs::write(directory.join("query.sql"), sql)?;
    let mut command = millstream(directory)?;
    command
        .args(["run", "query.sql", "--format", "changelog", "-D"])
        .arg(format!("N={n}"))
        .args(["-D", "RATE=100000000"]);
    Ok(result_sets(&succeed(command)?)?.pop().context("no result")?.rows)
}

/// The committed rows of both sinks are those of the queries, each once.
pub(crate) fn check_output(directory: &Path, n: u64) -> Result<()> {
    for (name, query) in [("tumbled", TUMBLE), ("hopped", HOP)] {
        let expected = rows(directory, &format!("{SOURCE}{query};"), n)?;
        let actual = rows(directory, &format!("{}SELECT * FROM {name};", sinks()), n)?;
        ensure!(!expected.is_empty(), "nothing is expected");
        ensure!(expected == actual, "{name}: {} rows expected, {} committed", expected.len(), actual.len());
    }
    Ok(())
}

pub(crate) fn start(directory: &Path, n: u64, rate: u64, extra: &[&str]) -> Result<Command> {
    std::fs::write(directory.join("job.sql"), job())?;
    let mut command = millstream(directory)?;
    command
        .args(["run", "job.sql", "-D"])
        .arg(format!("N={n}"))
        .arg("-D")
        .arg(format!("RATE={rate}"))
        .args(extra);
    Ok(command)
}

/// Waits until a job has committed something beyond `before`, or has ended.
pub(crate) fn wait_for_commit(directory: &Path, before: usize, child: &mut Child) -> Result<()> {
    while files(directory, "parquet").len() <= before && child.try_wait()?.is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn quickstart() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let example = std::fs::read_to_string(root().join("sql-examples/quickstart.sql"))?.replace("2000000", "60000");
    std::fs::write(directory.path().join("quickstart.sql"), &example)?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "quickstart.sql"]);
    succeed(command)?;
    // The same tables, read back, against the same SELECTs run by themselves.
    let tables = example.split("EXECUTE STATEMENT SET").next().unwrap_or("");
    for (name, select) in [("auction_activity", 1), ("channel_trend", 2)] {
        let select = example
            .split("INSERT INTO")
            .nth(select)
            .and_then(|s| s.split_once('\n'))
            .map_or("", |(_, s)| s)
            .split(';')
            .next()
            .unwrap_or("")
            .to_string();
        let expected = rows(directory.path(), &format!("{tables}{select};"), 0)?;
        let actual = rows(directory.path(), &format!("{tables}SELECT * FROM {name};"), 0)?;
        ensure!(
            expected.len() > 50 && expected == actual,
            "{name}: {} rows expected, {} written",
            expected.len(),
            actual.len()
        );
    }
    Ok(())
}

fn kill() -> Result<()> {
    const N: u64 = 120_000;
    let directory = tempfile::tempdir()?;
    for parallelism in ["2", "1", "3", "2"] {
        let before = files(directory.path(), "parquet").len();
        let mut child = start(directory.path(), N, 100_000, &["-p", parallelism])?.stderr(Stdio::null()).spawn()?;
        wait_for_commit(directory.path(), before, &mut child)?;
        child.kill()?;
        child.wait()?;
    }
    succeed(start(directory.path(), N, 100_000, &[])?)?;
    check_output(directory.path(), N)
}

fn stop() -> Result<()> {
    const N: u64 = 120_000;
    // Slow enough that each life is stopped long before its end.
    const RATE: u64 = 10_000;
    let directory = tempfile::tempdir()?;
    for (parallelism, name) in [("3", "TERM"), ("1", "INT")] {
        let before = files(directory.path(), "parquet").len();
        let mut child = start(directory.path(), N, RATE, &["-p", parallelism])?.stderr(Stdio::null()).spawn()?;
        wait_for_commit(directory.path(), before, &mut child)?;
        signal(&child, name)?;
        let status = child.wait()?;
        ensure!(status.code() == Some(0), "SIG{name} ended it with {status}");
    }
    succeed(start(directory.path(), N, RATE, &["-p", "2"])?)?;
    check_output(directory.path(), N)?;
    // Finished: it says so, ends with 0 and adds nothing.
    succeed(start(directory.path(), N, RATE, &["-p", "2"])?)?;
    check_output(directory.path(), N)
}

fn changed() -> Result<()> {
    let directory = tempfile::tempdir()?;
    succeed(start(directory.path(), 5_000, 100_000_000, &[])?)?;
    let error = fail(start(directory.path(), 6_000, 100_000_000, &[])?, 1)?;
    ensure!(
        error.contains("E0602") && error.contains("source:nexmark") && error.contains("--fresh"),
        "{error}"
    );
    succeed(start(directory.path(), 6_000, 100_000_000, &["--fresh"])?)?;
    let twice = rows(directory.path(), &format!("{}SELECT * FROM tumbled;", sinks()), 0)?;
    ensure!(twice.values().any(|n| *n == 2), "the output of the first life is gone");
    Ok(())
}

fn two_processes() -> Result<()> {
    const N: u64 = 60_000;
    let directory = tempfile::tempdir()?;
    let mut first = start(directory.path(), N, 20_000, &[])?.stderr(Stdio::piped()).spawn()?;
    wait_for_commit(directory.path(), 0, &mut first)?;
    succeed(start(directory.path(), N, 20_000, &[])?)?;
    let output = first.wait_with_output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1) && error.contains("E0603"), "{}\n{error}", output.status);
    check_output(directory.path(), N)
}

fn damaged() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut child = start(directory.path(), 120_000, 10_000, &[])?.stderr(Stdio::null()).spawn()?;
    wait_for_commit(directory.path(), 0, &mut child)?;
    signal(&child, "TERM")?;
    child.wait()?;
    let state = directory.path().join(".millstream/job");
    let mut manifests = Vec::new();
    let mut open = vec![state];
    while let Some(d) = open.pop() {
        for entry in std::fs::read_dir(d)?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.parent().is_some_and(|p| p.ends_with("manifest")) {
                manifests.push(path);
            }
        }
    }
    manifests.sort();
    let manifest = manifests.last().context("no manifest")?;
    let mut bytes = std::fs::read(manifest)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(manifest, bytes)?;
    let error = fail(start(directory.path(), 120_000, 100_000_000, &[])?, 1)?;
    ensure!(error.contains("E0601"), "{error}");
    Ok(())
}

fn wrong() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for (sql, expected) in [
        ("SELECT * FROM nowhere;", "error[E0201]: table \"nowhere\" does not exist\n --> wrong.sql:1:15"),
        (
            "SELECT 1;\nSELECT x FROM (VALUES (1)) AS t(a);",
            "error[E0202]: column \"x\" does not exist\n --> wrong.sql:2:8",
        ),
        ("SELCT 1;", "error[E0102]: \"SELCT\" does not start a statement"),
        (
            "SELECT a FROM (VALUES (1)) AS t(a) QUALIFY a > 0;",
            "error[E0101]: QUALIFY is not supported yet",
        ),
        (
            "SELECT a FROM (VALUES (1)) AS t(a) JOIN (VALUES (1)) AS u(b) ON a = b;",
            "error[E0101]: JOIN is not supported yet",
        ),
        (
            "CREATE TABLE s (n BIGINT) WITH ('connector' = 'print'); INSERT INTO s SELECT COUNT(*) FROM (VALUES (1)) AS t(a) GROUP BY a;",
            "error[E0101]: grouping without a window is not supported yet",
        ),
        (
            "SELECT DISTINCT ON (a) a FROM (VALUES (1)) AS t(a);",
            "error[E0101]: SELECT DISTINCT ON is not supported yet",
        ),
        ("SELECT UPER('x');", "did you mean UPPER?"),
        ("SELECT 1 + 'x' FROM (VALUES (1)) AS t(a);", "error[E0304]"),
        ("SET 'parallelism.defualt' = '2';", "did you mean 'parallelism.default'?"),
        ("CREATE TABLE t (a INT) WITH ('connector' = 'kafak');", "did you mean 'kafka'?"),
        (
            "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'pth' = 'x', 'format' = 'json');",
            "did you mean 'path'?",
        ),
        ("CREATE TABLE t (a INT, a INT) WITH ('connector' = 'blackhole');", "error[E0209]"),
        (
            "CREATE TABLE t (a STRING, WATERMARK FOR a AS a) WITH ('connector' = 'blackhole');",
            "error[E0410]",
        ),
        ("SELECT ${MISSING};", "error[E0505]"),
    ] {
        std::fs::write(directory.path().join("wrong.sql"), sql)?;
        let mut command = millstream(directory.path())?;
        command.args(["run", "wrong.sql"]);
        let error = fail(command, 1).with_context(|| sql.to_string())?;
        ensure!(error.contains(expected), "{sql}\n{error}");
        ensure!(!error.contains("panicked") && !error.contains("sqlparser"), "{sql}\n{error}");
    }
    let mut command = millstream(directory.path())?;
    command.args(["run", "no-such-file.sql"]);
    fail(command, 2)?;
    let mut command = millstream(directory.path())?;
    command.arg("rnu");
    fail(command, 2)?;
    Ok(())
}

fn late_and_bad() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let records = "{\"k\":\"a\",\"ts\":\"2024-01-01 00:00:00\"}\nnot json\n{\"k\":\"b\",\"ts\":\"2024-01-01 00:01:00\"}\n{\"k\":\"late\",\"ts\":\"2024-01-01 00:00:01\"}\n{\"k\":\"none\"}\n";
    std::fs::write(directory.path().join("in.json"), records)?;
    let sql = |policy: &str| {
        format!(
            "CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='filesystem','path'='in.json','format'='json','on-error'='{policy}');
             CREATE TABLE o (e TIMESTAMP(3), n BIGINT) WITH ('connector'='blackhole');
             INSERT INTO o SELECT window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;"
        )
    };
    std::fs::write(directory.path().join("fail.sql"), sql("fail"))?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "fail.sql"]);
    let error = fail(command, 1)?;
    ensure!(
        error.contains("E0700") && error.contains("in.json, byte 37") && error.contains("on-error"),
        "{error}"
    );
    std::fs::write(directory.path().join("skip.sql"), sql("skip"))?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "skip.sql"]);
    let output = command.output()?;
    let summary = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && summary.contains("left out: 1 late, 1 malformed, 1 null-rowtime"),
        "{summary}"
    );
    Ok(())
}

/// Every hundredth record is bad: each in one letter, all others in one row, whenever the job was stopped or killed.
fn dead_letters() -> Result<()> {
    const RECORDS: usize = 400_000;
    let directory = tempfile::tempdir()?;
    let records: String = (0..RECORDS)
        .map(|i| {
            if i % 100 == 7 {
                format!("{{\"id\":\"bad {i}\"}}\n")
            } else {
                format!("{{\"id\":{i}}}\n")
            }
        })
        .collect();
    std::fs::write(directory.path().join("in.json"), records)?;
    let sql = "SET 'execution.checkpointing.interval' = '50 ms';
        CREATE TABLE dead (`offset` BIGINT) WITH ('connector'='filesystem', 'path'='dead', 'format'='json');
        CREATE TABLE t (id BIGINT) WITH ('connector'='filesystem', 'path'='in.json', 'format'='json', 'on-error'='route', 'on-error.table'='dead');
        CREATE TABLE good (id BIGINT) WITH ('connector'='filesystem', 'path'='good', 'format'='json');
        INSERT INTO good SELECT id FROM t;";
    std::fs::write(directory.path().join("job.sql"), sql)?;
    let command = || -> Result<Command> {
        let mut command = millstream(directory.path())?;
        command.args(["run", "job.sql", "-p", "1"]);
        Ok(command)
    };
    for round in 0..8 {
        let before = files(&directory.path().join("good"), "json").len();
        let mut child = command()?.stderr(Stdio::null()).spawn()?;
        while files(&directory.path().join("good"), "json").len() <= before && child.try_wait()?.is_none() {
            std::thread::yield_now();
        }
        if child.try_wait()?.is_none() {
            signal(&child, if round % 2 == 0 { "TERM" } else { "KILL" })?;
        }
        child.wait()?;
    }
    succeed(command()?)?;
    let lines = |table: &str| -> Result<(usize, usize)> {
        let text = files(&directory.path().join(table), "json")
            .iter()
            .map(std::fs::read_to_string)
            .collect::<std::io::Result<String>>()?;
        let different: std::collections::BTreeSet<&str> = text.lines().collect();
        Ok((text.lines().count(), different.len()))
    };
    let (bad, good) = (RECORDS / 100, RECORDS - RECORDS / 100);
    ensure!(lines("good")? == (good, good), "{:?} rows", lines("good")?);
    ensure!(lines("dead")? == (bad, bad), "{:?} dead letters of {bad}", lines("dead")?);
    Ok(())
}

fn metrics() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut child = start(directory.path(), 1_000_000, 20_000, &["--metrics", "127.0.0.1:0"])?
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().context("no stderr")?;
    let mut lines = BufReader::new(stderr).lines();
    let line = lines.next().context("no line")??;
    let address = line
        .strip_prefix("metrics at http://")
        .and_then(|l| l.strip_suffix("/metrics"))
        .context(line.clone())?
        .to_string();
    wait_for_commit(directory.path(), 0, &mut child)?;
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(&address)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    child.kill()?;
    child.wait()?;
    for name in [
        "millstream_build_info{",
        "millstream_source_records_total{job=\"job\"",
        "millstream_source_lag_records{",
        "millstream_operator_records_in_total{",
        "millstream_operator_records_out_total{",
        "millstream_operator_busy_seconds_total{",
        "millstream_watermark_timestamp_seconds{",
        "millstream_watermark_lag_seconds{",
        "millstream_checkpoint_duration_seconds{",
        "millstream_checkpoint_size_bytes{",
        "millstream_checkpoint_last_success_timestamp_seconds{",
        "millstream_checkpoint_failures_total{",
        "millstream_sink_commits_total{",
        "millstream_state_size_bytes{",
    ] {
        ensure!(text.contains(name), "no {name}\n{text}");
    }
    Ok(())
}

/// A job over a directory that files come into, killed now and then: each row is in the output once.
fn monitored() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (incoming, out) = (directory.path().join("in/day=1"), directory.path().join("out"));
    std::fs::create_dir_all(&incoming)?;
    std::fs::write(
        directory.path().join("job.sql"),
        "SET 'execution.checkpointing.interval' = '100 ms';
        CREATE TABLE i (n BIGINT, ts TIMESTAMP(3), day BIGINT, WATERMARK FOR ts AS ts) PARTITIONED BY (day)
          WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json', 'source.monitor-interval' = '100 ms');
        CREATE TABLE o (n BIGINT, day BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
        INSERT INTO o SELECT n, day FROM i;",
    )?;
    let rows = || -> Result<Vec<u64>> {
        let mut found = Vec::new();
        for file in files(&out, "csv") {
            for line in std::fs::read_to_string(file)?.lines() {
                found.push(line.strip_suffix(",1").context("another day")?.parse()?);
            }
        }
        found.sort_unstable();
        Ok(found)
    };
    let mut n = 0;
    for round in 0..4 {
        let mut command = millstream(directory.path())?;
        command.args(["run", "job.sql", "-p", &(1 + round % 3).to_string()]);
        let mut job = Running::start(command)?;
        for file in 0..3 {
            let lines: Vec<String> = (n..n + 50)
                .map(|i| format!("{{\"n\":{i},\"ts\":\"2026-01-01 00:00:{:02}\"}}\n", i % 60))
                .collect();
            n += 50;
            // A file comes whole.
            let (hidden, name) = (incoming.join(".new"), incoming.join(format!("{round}-{file}.json")));
            std::fs::write(&hidden, lines.concat())?;
            std::fs::rename(hidden, name)?;
            while rows()?.len() < n as usize {
                job.check()?;
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        if round % 2 == 0 {
            job.kill()?
        } else {
            job.stop()?
        }
        ensure!(rows()?.into_iter().eq(0..n), "not each of {n} rows once after round {round}");
    }
    Ok(())
}
