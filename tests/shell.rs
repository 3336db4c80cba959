//! `millstream sql` without a terminal: texts of a session, jobs beside them, configuration.

use crate::cli::{check_output, job, wait_for_commit};
use crate::harness::{Running, fail, millstream, signal, succeed};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("shell::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("texts_are_one_session_in_their_order", session),
        trial("what_is_behind_an_error_is_left_out_or_not", on_error),
        trial("commands_of_a_terminal_stand_for_statements", commands),
        trial("a_query_that_ends_is_one_table", one_table),
        trial("an_error_comes_without_a_count_of_rows", failed_query),
        trial("an_error_of_a_table_stands_in_the_text_that_made_it", earlier_text),
        trial("inserts_are_jobs_that_are_waited_for", jobs),
        trial("what_jobs_wrote_is_read_at_once", read_back),
        trial("a_failed_job_is_the_end_that_is_told", failed_job),
        trial("a_stopped_job_goes_on_with_the_same_command", stopped),
        trial("endless_queries_end_where_they_are_to", bounds),
        trial("files_that_come_are_read_by_a_query", growing),
        trial("a_time_ends_a_job_of_a_file", bounded_job),
        trial("a_reader_that_leaves_ends_it_quietly", reader_leaves),
        trial("forms_that_are_no_text_go_to_files", binary),
        trial("the_nearest_configuration_holds", configuration),
        trial("wrong_configuration_is_told_with_its_place", wrong_configuration),
        trial("the_users_text_comes_first", init),
        trial("colours_are_there_when_they_are_wanted", colors),
    ]
}

fn sql(directory: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = millstream(directory)?;
    command.arg("sql").args(arguments).stdin(Stdio::null());
    Ok(command)
}

/// Runs a command to its end: standard output, standard error, exit status.
fn all(mut command: Command) -> Result<(String, String, i32)> {
    let output = command.output()?;
    let status = output.status.code().context("it was killed")?;
    Ok((String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr).into_owned(), status))
}

fn commands() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let view = "CREATE VIEW v AS SELECT 1 AS a;\n.tables\n\\d nope\nSELECT 2 AS b;";
    let (out, err, status) = all(sql(directory.path(), &["--on-error", "continue", "-c", view, "-c", "\\jobs"])?)?;
    ensure!(out == "{\"table name\":\"v\"}\n{\"b\":2}\n" && status == 1, "{out}{err}");
    // At their places in the text, as they are typed.
    ensure!(err.contains("-c 1:3:4\n  |\n3 | \\d nope\n  |    ^^^^\n"), "{err}");
    ensure!(err.contains("\\jobs works at a terminal only") && err.contains("--metrics"), "{err}");
    Ok(())
}

fn failed_query() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for format in ["table", "vertical"] {
        let text = "SELECT CAST(a AS INT) AS b FROM (VALUES ('x')) AS t(a)";
        let (out, err, status) = all(sql(directory.path(), &["--format", format, "-c", text])?)?;
        ensure!(out.is_empty() && status == 1, "{out}{err}");
        let (out, ..) = all(sql(
            directory.path(),
            &["--format", format, "-c", "SELECT 1 AS a FROM (VALUES (1)) AS t(b) WHERE b > 1"],
        )?)?;
        ensure!(out == "0 rows\n", "{out}");
    }
    Ok(())
}

fn one_table() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let files = directory.path().join("in");
    std::fs::create_dir(&files)?;
    for (name, text) in [("a", "tea"), ("b", "a cup with a saucer"), ("c", "pot")] {
        std::fs::write(files.join(format!("{name}.csv")), format!("{text}\n"))?;
    }
    let text = "CREATE TABLE t (item STRING) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'csv'); SELECT item FROM t";
    let (out, err, status) = all(sql(directory.path(), &["--format", "table", "-c", text])?)?;
    let rule = format!("+{}+", "-".repeat(21));
    let mut lines: Vec<&str> = out.lines().collect();
    ensure!(status == 0 && lines.len() == 8, "{out}{err}");
    lines[3..6].sort_unstable();
    let expected =
        format!("{rule}\n| item                |\n{rule}\n| a cup with a saucer |\n| pot                 |\n| tea                 |\n{rule}\n3 rows");
    ensure!(lines.join("\n") == expected, "{out}");
    Ok(())
}

fn earlier_text() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("in.json"), "{\"a\":1}\n{\n")?;
    std::fs::write(
        directory.path().join("t.sql"),
        "-- a table\nCREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 'in.json', 'format' = 'json');",
    )?;
    let out = "CREATE TABLE o (a INT) WITH ('connector' = 'blackhole')";
    let table = "t.sql:2:14\n  |\n2 | CREATE TABLE t (a INT)";
    for text in ["SELECT a FROM t", "INSERT INTO o SELECT a FROM t", "\\d t\nSELECT a FROM t"] {
        let (_, err, status) = all(sql(directory.path(), &["-f", "t.sql", "-c", out, "-c", text])?)?;
        ensure!(status == 1 && err.contains("error[E0700]") && err.contains(table), "{err}");
    }
    // What another text has changed is told there.
    let (changed, select) = ("ALTER TABLE t SET ('path' = 'nowhere')", "SELECT a FROM t");
    let (_, err, status) = all(sql(directory.path(), &["-f", "t.sql", "-c", changed, "-c", select])?)?;
    ensure!(
        status == 1 && err.contains(" --> -c 1:1:20\n  |\n1 | ALTER TABLE t SET ('path' = 'nowhere')\n  |                    ^^^^"),
        "{err}"
    );
    Ok(())
}

const ENDLESS: &str = "CREATE TABLE endless (n BIGINT, ts AS TO_TIMESTAMP_LTZ(n * 1000, 3), WATERMARK FOR ts AS ts) WITH
    ('connector' = 'datagen', 'rows-per-second' = '5000', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '100000000000');
    SET 'parallelism.default' = '1';";

fn growing() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let files = directory.path().join("in");
    std::fs::create_dir(&files)?;
    std::fs::write(files.join("a.json"), "{\"a\":1}\n{\"a\":2}\n")?;
    let table = "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json', 'source.monitor-interval' = '50 ms')";
    let mut command = sql(directory.path(), &["-c", table, "-c", "SELECT a FROM t", "--limit", "4"])?;
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut next = || lines.next().context("no more lines")?.map_err(anyhow::Error::from);
    ensure!([next()?, next()?] == ["{\"a\":1}", "{\"a\":2}"], "other rows");
    for (name, a) in [("b", 3), ("c", 4)] {
        std::fs::write(directory.path().join("new.json"), format!("{{\"a\":{a}}}\n"))?;
        std::fs::rename(directory.path().join("new.json"), files.join(format!("{name}.json")))?;
        let line = next()?;
        ensure!(line == format!("{{\"a\":{a}}}"), "{line}");
    }
    ensure!(child.wait()?.success(), "it failed");
    ensure!(!directory.path().join(".millstream").exists(), "a query keeps nothing");
    Ok(())
}

fn bounded_job() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let text =
        format!("{ENDLESS} CREATE TABLE o (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'o', 'format' = 'json'); INSERT INTO o SELECT n FROM endless;");
    std::fs::write(directory.path().join("job.sql"), text)?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "job.sql", "--for", "1 s"]);
    let (_, told, status) = all(command)?;
    ensure!(status == 0 && told.contains("is stopped after") && told.contains("goes on from here"), "{told}");
    Ok(())
}

fn session() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("a.sql"), "CREATE VIEW v AS SELECT 1 AS a;")?;
    std::fs::write(directory.path().join("b.sql"), "SELECT a + ${ONE} AS b FROM v; SHOW CREATE VIEW v;")?;
    let arguments = [
        "-f",
        "a.sql",
        "-c",
        "SELECT a FROM v",
        "-f",
        "b.sql",
        "-c",
        "DROP VIEW v; SELECT 9 AS c",
        "-D",
        "ONE=1",
    ];
    let shown = succeed(sql(directory.path(), &arguments)?)?;
    let lines: Vec<&str> = shown.lines().collect();
    ensure!(
        lines.len() == 4 && lines[0] == "{\"a\":1}" && lines[1] == "{\"b\":2}" && lines[2].starts_with("{\"result\":\"CREATE VIEW") && lines[3] == "{\"c\":9}",
        "{shown}"
    );
    // Standard input, without a command, or as a file among others.
    for (arguments, expected) in [
        (&[][..], "{\"EXPR$0\":7}\n"),
        (&["-c", "SELECT 6 AS a", "-f", "-"], "{\"a\":6}\n{\"EXPR$0\":7}\n"),
    ] {
        let mut command = millstream(directory.path())?;
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().context("no stdin")?.write_all(b"SELECT 7;")?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success() && output.stdout == expected.as_bytes(), "{output:?}");
    }
    // Arguments go before what texts say, and tell so.
    let (shown, said, _) = all(sql(directory.path(), &["-p", "2", "-c", "SET 'parallelism.default' = '3'", "-c", "SET"])?)?;
    ensure!(
        shown == "{\"key\":\"parallelism.default\",\"value\":\"2\"}\n" && said.contains("SET 'parallelism.default' has no effect"),
        "{shown}{said}"
    );
    Ok(())
}

fn on_error() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let texts = ["-c", "SELECT 1 AS a; SELECT nope; SELECT 2 AS a", "-c", "SELECT 3 AS a; SELECT neither"];
    let (shown, said, status) = all(sql(directory.path(), &texts)?)?;
    ensure!(
        status == 1 && shown == "{\"a\":1}\n" && said.matches("error[").count() == 1,
        "{status}\n{shown}{said}"
    );
    let mut arguments = texts.to_vec();
    arguments.extend(["--on-error", "continue"]);
    let (shown, said, status) = all(sql(directory.path(), &arguments)?)?;
    ensure!(
        status == 1 && shown == "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n" && said.contains("-c 2:1:23") && said.contains("\"neither\""),
        "{status}\n{shown}{said}"
    );
    // A query that fails has its end, so that what follows can be read.
    let texts = [
        "-c",
        "SELECT 6 / a AS b FROM (VALUES (2), (0)) AS t(a)",
        "-c",
        "SELECT 1 AS a",
        "--on-error",
        "continue",
        "--format",
        "json",
    ];
    let (shown, said, status) = all(sql(directory.path(), &texts)?)?;
    ensure!(status == 1 && said.contains("division by zero"), "{status}\n{said}");
    ensure!(shown == "[]\n[\n {\"a\":1}\n]\n" || shown == "[\n {\"b\":3}\n]\n[\n {\"a\":1}\n]\n", "{shown}");
    Ok(())
}

const OUT: &str = "CREATE TABLE o (a INT, b STRING) WITH ('connector' = 'filesystem', 'path' = 'o', 'format' = 'json');
    CREATE TABLE p (a INT) WITH ('connector' = 'filesystem', 'path' = 'p', 'format' = 'csv');";

fn jobs() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let arguments = [
        "-c",
        OUT,
        "-c",
        "INSERT INTO o VALUES (1, 'x'); INSERT INTO p VALUES (5);",
        "-c",
        "INSERT INTO p VALUES (6);",
        "-c",
        "SELECT 1 AS a",
    ];
    let (shown, said, status) = all(sql(directory.path(), &arguments)?)?;
    ensure!(status == 0 && shown == "{\"a\":1}\n", "{status}\n{shown}{said}");
    let place = directory.path().canonicalize()?.display().to_string();
    for told in [
        format!("job o starts; its state is in file://{place}/.millstream/o\n"),
        format!("job p starts; its state is in file://{place}/.millstream/p\n"),
        "job o has finished in ".to_string(),
        "  o: 1 row in 1 file like ".to_string(),
    ] {
        ensure!(said.contains(&told), "no {told}\n{said}");
    }
    // The same again adds the same again: these jobs have no names of their own.
    succeed(sql(directory.path(), &arguments)?)?;
    let shown = succeed(sql(directory.path(), &["-c", OUT, "-c", "SELECT a FROM p", "--format", "csv"])?)?;
    let mut rows: Vec<&str> = shown.lines().collect();
    rows.sort_unstable();
    ensure!(rows == ["5", "5", "6", "6", "a"], "{shown}");
    Ok(())
}

fn read_back() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let table =
        "CREATE TABLE t (a INT, `day` DATE, page STRING) PARTITIONED BY (`day`, page) WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'parquet');";
    let insert = "INSERT INTO t VALUES (1, DATE '2026-01-31', 'a=b/c'), (2, DATE '2026-02-01', CAST(NULL AS STRING));";
    // With the wait of Flink's option what comes next sees all of it.
    let arguments = [
        "-c",
        table,
        "-c",
        "SET 'table.dml-sync' = 'true'",
        "-c",
        insert,
        "-c",
        "SELECT * FROM t WHERE `day` = DATE '2026-01-31'",
    ];
    let shown = succeed(sql(directory.path(), &arguments)?)?;
    ensure!(shown == "{\"a\":1,\"day\":\"2026-01-31\",\"page\":\"a=b/c\"}\n", "{shown}");
    let shown = succeed(sql(
        directory.path(),
        &["-c", table, "-c", "SELECT page, a FROM t WHERE a > 1", "--format", "tsv"],
    )?)?;
    ensure!(shown == "page\ta\n\\N\t2\n", "{shown}");
    Ok(())
}

fn failed_job() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let arguments = [
        "-c",
        OUT,
        "-c",
        "INSERT INTO o SELECT 1 / a, 'x' FROM (VALUES (0)) AS t(a)",
        "-c",
        "SELECT 1 AS a",
        "-c",
        "INSERT INTO p VALUES (1)",
    ];
    let (shown, said, status) = all(sql(directory.path(), &arguments)?)?;
    ensure!(
        status == 1
            && shown == "{\"a\":1}\n"
            && said.contains("job o has failed\nerror")
            // In the text that the job is of.
            && said.contains(" --> -c 2:1:22\n")
            && said.contains("division by zero")
            && said.contains("job p has finished"),
        "{status}\n{shown}{said}"
    );
    // Who waits for it goes no further.
    let mut arguments = arguments.to_vec();
    arguments.splice(0..0, ["-c", "SET 'table.dml-sync' = 'true'"]);
    let (shown, said, status) = all(sql(directory.path(), &arguments)?)?;
    ensure!(
        status == 1 && shown.is_empty() && said.contains("division by zero") && said.contains("what comes after job o does not run"),
        "{status}\n{shown}{said}"
    );
    Ok(())
}

fn stopped() -> Result<()> {
    const N: u64 = 120_000;
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("job.sql"), job())?;
    let start = |rate: &str| sql(directory.path(), &["-f", "job.sql", "-D", &format!("N={N}"), "-D", &format!("RATE={rate}")]);
    // Slow enough that the job still runs after its first commit, on a busy machine, too.
    let mut running = Running::start(start("4000")?)?;
    wait_for_commit(directory.path(), 0, &mut running.0)?;
    signal(&running.0, "TERM")?;
    let status = running.0.wait()?;
    let said = running.told()?;
    ensure!(
        status.success() && said.contains("waiting for tumbled: ") && said.contains("job tumbled is stopped"),
        "{status}\n{said}"
    );
    let (_, said, status) = all(start("100000000")?)?;
    ensure!(status == 0 && said.contains("job tumbled goes on from checkpoint "), "{said}");
    check_output(directory.path(), N)
}

fn bounds() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let windows = "SELECT window_end, COUNT(*) AS n FROM TUMBLE(TABLE endless, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end";
    for (query, bound, check) in [
        (
            "SELECT 'x' AS x FROM endless",
            &["--limit", "3"][..],
            "{\"x\":\"x\"}\n{\"x\":\"x\"}\n{\"x\":\"x\"}\n",
        ),
        ("SELECT n FROM endless WHERE n < 1", &["--for", "3s"], "{\"n\":0}\n"),
        ("SELECT n FROM endless WHERE n < 0 LIMIT 0", &[], ""),
        (
            windows,
            &["--until-watermark", "1970-01-01 00:02:00"],
            "{\"window_end\":\"1970-01-01 00:01:00.000\",\"n\":60}\n",
        ),
    ] {
        let mut arguments = vec!["-c", ENDLESS, "-c", query];
        arguments.extend(bound);
        let (shown, said, status) = all(sql(directory.path(), &arguments)?)?;
        ensure!(status == 0 && said.is_empty() && shown.starts_with(check), "{bound:?}: {status}\n{shown}{said}");
        ensure!(query == windows || shown == check, "{bound:?}\n{shown}");
    }
    // Of a file, too.
    std::fs::write(directory.path().join("q.sql"), format!("{ENDLESS} SELECT n FROM endless;"))?;
    let mut command = millstream(directory.path())?;
    command.args(["run", "q.sql", "--limit", "1"]);
    ensure!(succeed(command)?.lines().count() == 1);
    Ok(())
}

fn reader_leaves() -> Result<()> {
    let directory = tempfile::tempdir()?;
    // The job beside the query is stopped in order.
    let text = "SET 'execution.checkpointing.interval' = '50 ms'; INSERT INTO p SELECT CAST(n AS INT) FROM endless;";
    for format in ["jsonl", "table", "csv", "arrow", "json"] {
        let arguments = ["-c", OUT, "-c", ENDLESS, "-c", text, "-c", "SELECT n FROM endless", "--format", format];
        let mut child = sql(directory.path(), &arguments)?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut line = Vec::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_until(b'\n', &mut line)?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success() && !said.contains("error") && said.contains("job p is stopped"),
            "{format}: {}\n{said}",
            output.status
        );
    }
    Ok(())
}

fn binary() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::create_dir(directory.path().join("in"))?;
    let rows = "SELECT * FROM (VALUES (1, 'x'), (2, CAST(NULL AS STRING))) AS t(a, b)";
    let mut command = sql(directory.path(), &["-c", rows, "--format", "parquet"])?;
    let output = command.output()?;
    ensure!(output.status.success() && output.stdout.starts_with(b"PAR1"), "{output:?}");
    std::fs::write(directory.path().join("in/rows.parquet"), output.stdout)?;
    let table = "CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'parquet')";
    let shown = succeed(sql(directory.path(), &["-c", table, "-c", "SELECT * FROM t", "--format", "json"])?)?;
    ensure!(shown == "[\n {\"a\":1,\"b\":\"x\"},\n {\"a\":2,\"b\":null}\n]\n", "{shown}");
    let said = fail(sql(directory.path(), &["-c", rows, "-c", rows, "--format", "parquet"])?, 1)?;
    ensure!(said.contains("E0540") && said.contains("--format arrow"), "{said}");
    let output = sql(directory.path(), &["-c", rows, "-c", rows, "--format", "arrow"])?.output()?;
    ensure!(output.status.success() && output.stdout.starts_with(&[0xff; 4]), "{output:?}");
    Ok(())
}

fn configuration() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (user, below) = (directory.path().join(".config/millstream"), directory.path().join("a/b"));
    std::fs::create_dir_all(&user)?;
    std::fs::create_dir_all(&below)?;
    std::fs::write(
        user.join("config.toml"),
        "format = \"csv\"\non-error = \"continue\"\n[define]\nNAME = \"user\"\nAGE = 7\nMY_TOKEN = \"hunter2\"\n",
    )?;
    std::fs::write(
        directory.path().join("millstream.toml"),
        "format = \"tsv\"\ndefine.NAME = \"project\"\n[set]\nparallelism.default = 2\n\"pipeline.max-parallelism\" = 16\n",
    )?;
    let in_project = |arguments: &[&str]| -> Result<Command> {
        let mut command = millstream(&below)?;
        command
            .env("XDG_CONFIG_HOME", directory.path().join(".config"))
            .args(arguments)
            .stdin(Stdio::null());
        Ok(command)
    };
    let query = "SELECT '${NAME}' AS n, ${AGE} AS a; SET 'pipeline.max-parallelism' = '8'; SET; RESET; SET;";
    let shown = succeed(in_project(&["-c", query])?)?;
    let settings = |max: u32| format!("key\tvalue\nparallelism.default\t2\npipeline.max-parallelism\t{max}\n");
    ensure!(shown == format!("n\ta\nproject\t7\n{}{}", settings(8), settings(16)), "{shown}");
    // A file is run with it, too; its own SETs go before.
    std::fs::write(below.join("q.sql"), query)?;
    ensure!(succeed(in_project(&["run", "q.sql"])?)? == shown);
    let mut command = in_project(&["-c", "SELECT '${NAME}' AS n, nope; SELECT 1 AS x; SET", "-D", "NAME=argument"])?;
    command
        .env("MILLSTREAM_FORMAT", "jsonl")
        .env("MILLSTREAM_SET_PARALLELISM_DEFAULT", "3")
        .env("MILLSTREAM_DEFINE_NAME", "environment");
    command.env("MILLSTREAM_PORT", "tcp://10.0.0.1:80");
    let (shown, said, status) = all(command)?;
    ensure!(
        status == 1 && said.contains("nope") && shown.starts_with("{\"x\":1}\n{\"key\":\"parallelism.default\",\"value\":\"3\"}"),
        "{status}\n{shown}{said}"
    );
    let mut command = in_project(&["config", "show", "--origin"])?;
    command.env("MILLSTREAM_FORMAT", "jsonl").env("MILLSTREAM_DEFINE_NAME", "environment");
    let shown = succeed(command)?;
    let real = directory.path().canonicalize()?;
    let expected = [
        "# color = auto                      # default".to_string(),
        "format = \"jsonl\"                    # environment: MILLSTREAM_FORMAT".to_string(),
        "# log-format = text                 # default".to_string(),
        "# metrics = nowhere                 # default".to_string(),
        format!(
            "on-error = \"continue\"               # {}/.config/millstream/config.toml:2",
            directory.path().display()
        ),
        "# tables = none                     # default".to_string(),
        String::new(),
        "[define]".to_string(),
        format!(
            "\"AGE\" = \"7\"                         # {}/.config/millstream/config.toml:5",
            directory.path().display()
        ),
        format!(
            "\"MY_TOKEN\" = \"******\"               # {}/.config/millstream/config.toml:6",
            directory.path().display()
        ),
        "\"NAME\" = \"environment\"              # environment: MILLSTREAM_DEFINE_NAME".to_string(),
        String::new(),
        "[set]".to_string(),
        format!("\"parallelism.default\" = \"2\"         # {}/millstream.toml:4", real.display()),
        format!("\"pipeline.max-parallelism\" = \"16\"   # {}/millstream.toml:5", real.display()),
    ];
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, expected): (Vec<String>, Vec<String>) = (shown.lines().map(squeezed).collect(), expected.iter().map(|l| squeezed(l)).collect());
    ensure!(shown == expected, "{shown:#?}\n{expected:#?}");
    // What it prints is a file of the configuration.
    let plain = succeed(in_project(&["config", "show"])?)?;
    std::fs::write(directory.path().join("millstream.toml"), plain.replace("******", "hunter2"))?;
    ensure!(succeed(in_project(&["config", "show"])?)? == plain);
    Ok(())
}

fn wrong_configuration() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("millstream.toml");
    let name = directory.path().canonicalize()?.join("millstream.toml").display().to_string();
    for (text, expected) in [
        (
            "\nfromat = \"csv\"",
            &[
                "error[E0541]: there is nothing called 'fromat' to configure",
                ":2:1\n",
                "did you mean 'format'?",
            ][..],
        ),
        (
            "format = \"yaml\"",
            &["'format' has the value 'yaml', expected one of: table, vertical, markdown", ":1:1\n"],
        ),
        ("metrics = 9187", &["expected an IP address and a port"]),
        ("parallelism.default = 2", &["'parallelism'", "[set]"]),
        (
            "[set]\n\"parallelism.defualt\" = 2",
            &["the job has no option 'parallelism.defualt'", "did you mean 'parallelism.default'?", ":2:1\n"],
        ),
        ("[set]\nparallelism.default = 0", &["has the value '0', expected 1 to", ":2:13\n"]),
        ("[define]\nA = [1]", &["'define.A' has a value that is no text", ":2:5\n"]),
        ("define = 1", &["'define' is a table: [define]"]),
        ("[format]\na = 1", &["'format' has one value"]),
        ("a = \n[", &["error[E0541]", ":1:"]),
    ] {
        std::fs::write(&path, text)?;
        for arguments in [&["sql", "-c", "SELECT 1"][..], &["run", "-"], &["config", "show"]] {
            let mut command = millstream(directory.path())?;
            command.args(arguments).stdin(Stdio::null());
            let said = fail(command, 2)?;
            ensure!(
                said.contains(&name) && expected.iter().all(|e| said.contains(e)),
                "{text}: {arguments:?}\n{said}"
            );
        }
    }
    std::fs::remove_file(&path)?;
    for (variable, value, expected) in [
        ("MILLSTREAM_FORMAT", "yaml", "'format' has the value 'yaml'"),
        ("MILLSTREAM_SET_PARALLELISM_DEFAULT", "many", "expected"),
        ("MILLSTREAM_SET_PARALELISM_DEFAULT", "2", "the job has no option"),
    ] {
        let mut command = sql(directory.path(), &["-c", "SELECT 1"])?;
        command.env(variable, value);
        let said = fail(command, 2)?;
        ensure!(said.contains(expected) && said.contains(&format!("It is set by {variable}")), "{said}");
    }
    Ok(())
}

fn init() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let user = directory.path().join(".config/millstream");
    std::fs::create_dir_all(&user)?;
    std::fs::write(user.join("init.sql"), "CREATE VIEW mine AS SELECT 5 AS a;")?;
    ensure!(succeed(sql(directory.path(), &["-c", "SELECT * FROM mine"])?)? == "{\"a\":5}\n");
    let said = fail(sql(directory.path(), &["--no-init", "-c", "SELECT * FROM mine"])?, 1)?;
    ensure!(said.contains("E0201"), "{said}");
    std::fs::write(user.join("init.sql"), "SELECT nope;")?;
    let said = fail(sql(directory.path(), &["-c", "SELECT 1"])?, 1)?;
    ensure!(said.contains("init.sql:1:8"), "{said}");
    Ok(())
}

fn colors() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let arguments = ["--format", "table", "-c", "SELECT CAST(NULL AS STRING) AS a; SELECT nope"];
    for (extra, environment, colored) in [
        (&[][..], &[][..], false),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "0")], false),
        (&["--color", "auto"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let mut command = sql(directory.path(), &arguments)?;
        command.args(extra).envs(environment.iter().copied());
        let (shown, said, _) = all(command)?;
        let has = [shown.contains("\u{1b}[2m<NULL>\u{1b}[0m"), said.contains("\u{1b}[1;31merror[E0202]\u{1b}[0m")];
        ensure!(
            has == [colored; 2] && (colored || !(shown + &said).contains('\u{1b}')),
            "{extra:?} {environment:?}\n{said}"
        );
    }
    Ok(())
}
