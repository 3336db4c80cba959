//! Projects: what `millstream new` makes, tables that jobs share, tests that are checked, and the demo.

use crate::harness::{Running, fail, files, millstream, signal, succeed};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("project::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("what_new_makes_is_right_at_once", skeleton),
        trial("new_writes_over_nothing", over_nothing),
        trial("shared_tables_are_there_for_every_verb", shared),
        trial("errors_in_shared_files_stand_there", errors),
        trial("tests_are_checked_without_running", tests_are_checked),
        trial("the_demo_shows_rows_and_what_comes_next", demo),
    ]
}

fn said(directory: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = millstream(directory)?;
    command.args(arguments).env_remove("GITHUB_ACTIONS");
    command.output().context("could not be started")
}

fn right(directory: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = millstream(directory)?;
    command.args(arguments);
    succeed(command).with_context(|| arguments.join(" "))
}

fn wrong(directory: &Path, arguments: &[&str], status: i32) -> Result<String> {
    let mut command = millstream(directory)?;
    command.args(arguments);
    fail(command, status).with_context(|| arguments.join(" "))
}

/// A project's directory.
fn shop(home: &Path) -> Result<std::path::PathBuf> {
    right(home, &["new", "shop"])?;
    Ok(home.join("shop"))
}

fn skeleton() -> Result<()> {
    let home = tempfile::tempdir()?;
    let told = right(home.path(), &["new", "shop"])?;
    let shop = home.path().join("shop");
    let made = std::fs::read_to_string(shop.join("README.md"))?;
    ensure!(made.starts_with("# shop\n") && !made.contains('{'), "{made}");
    for file in told
        .lines()
        .filter_map(|l| l.strip_prefix("  "))
        .filter(|l| !l.starts_with("cd ") && !l.starts_with("millstream "))
    {
        ensure!(shop.join(file).is_file(), "{file} is told of and is not there:\n{told}");
    }
    right(&shop, &["check", "--deny-warnings"])?;
    right(&shop, &["fmt", "--check"])?;
    let tested = right(&shop, &["test"])?;
    ensure!(tested.ends_with("1 passed, 0 failed\n"), "{tested}");
    // Its job writes windows, which the table of the project shows.
    let mut command = millstream(&shop)?;
    command.args(["run", "jobs/sales.sql", "--set", "execution.checkpointing.interval=1s"]);
    let mut job = Running::start(command)?;
    while files(&shop.join("out"), "parquet").is_empty() {
        job.check()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    job.stop()?;
    let rows = right(&shop, &["sql", "-c", "SELECT product_id, orders FROM sales"])?;
    ensure!(rows.contains("\"orders\":"), "{rows}");
    Ok(())
}

fn over_nothing() -> Result<()> {
    let home = tempfile::tempdir()?;
    let shop = shop(home.path())?;
    std::fs::remove_file(shop.join("README.md"))?;
    let said = wrong(&shop, &["new", "."], 2)?;
    ensure!(said.contains("millstream.toml, .gitignore, tables/orders.sql"), "{said}");
    ensure!(said.ends_with("already: nothing is written\n") && !shop.join("README.md").exists(), "{said}");
    std::fs::write(home.path().join("file"), "")?;
    let said = wrong(home.path(), &["new", "file/x"], 2)?;
    ensure!(said.starts_with("error: file/x cannot be made: "), "{said}");
    Ok(())
}

fn write(directory: &Path, path: &str, text: &str) -> Result<()> {
    let path = directory.join(path);
    std::fs::create_dir_all(path.parent().context("no parent")?)?;
    Ok(std::fs::write(path, text)?)
}

/// A table, a view behind it, a job that reads that, its test, and another test without a job file.
fn project(directory: &Path) -> Result<()> {
    write(directory, "millstream.toml", "tables = \"shared\"\n")?;
    write(
        directory,
        "shared/1-numbers.sql",
        "SET 'parallelism.default' = '1';\nCREATE TABLE numbers (n INT) WITH ('connector' = 'filesystem', 'path' = 'in', 'format' = 'json')\n-- no semicolon",
    )?;
    write(
        directory,
        "shared/views/2-even.sql",
        "CREATE VIEW even AS SELECT n FROM numbers WHERE n % 2 = 0;",
    )?;
    write(directory, "shared/ignored.test.sql", "nonsense")?;
    write(directory, "in/a.json", "{\"n\":1}\n{\"n\":2}\n{\"n\":4}\n")?;
    let out = "CREATE TABLE o (n INT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');\n";
    write(directory, "jobs/halves.sql", &format!("{out}INSERT INTO o SELECT n / 2 FROM even;\n"))?;
    write(
        directory,
        "tests/halves.test.sql",
        "TEST 'halves' FOR '../jobs/halves.sql';\nGIVEN numbers VALUES (3), (4);\nFINISH;\nEXPECT o VALUES (2);\n",
    )?;
    let inline = format!("TEST 'alone';\n{out}INSERT INTO o SELECT n FROM even;\nGIVEN numbers VALUES (3), (4);\nFINISH;\nEXPECT o VALUES (4);\n");
    write(directory, "tests/alone.test.sql", &inline)
}

fn shared() -> Result<()> {
    let home = tempfile::tempdir()?;
    project(home.path())?;
    std::fs::remove_file(home.path().join("shared/ignored.test.sql"))?;
    right(home.path(), &["run", "jobs/halves.sql"])?;
    let rows: String = files(&home.path().join("out"), "json")
        .iter()
        .map(std::fs::read_to_string)
        .collect::<Result<_, _>>()?;
    ensure!(rows == "{\"n\":1}\n{\"n\":2}\n", "{rows}");
    let plan = right(home.path(), &["explain", "jobs/halves.sql"])?;
    ensure!(plan.starts_with("Job halves: parallelism 1,") && plan.contains("Source numbers"), "{plan}");
    let tested = right(home.path(), &["test"])?;
    ensure!(tested.contains("2 passed, 0 failed"), "{tested}");
    let rows = right(home.path(), &["sql", "-c", "SELECT n FROM even"])?;
    ensure!(rows == "{\"n\":2}\n{\"n\":4}\n", "{rows}");
    // They are looked for beside the project's file, wherever the program is started.
    let shown = right(&home.path().join("jobs"), &["sql", "-c", "SHOW VIEWS"])?;
    ensure!(shown.contains("even"), "{shown}");
    let said = wrong(home.path(), &["sql", "--no-init", "-c", "SELECT n FROM even"], 1)?;
    ensure!(said.starts_with("error[E0201]"), "{said}");
    let checked = said_of_check(home.path(), &["check", "--deny-warnings"], 0)?;
    ensure!(checked.ends_with("5 files checked: nothing found\n"), "{checked}");
    // A shared file alone has those before it.
    let plan = said_of_check(home.path(), &["check", "shared/views/2-even.sql"], 0)?;
    ensure!(plan.ends_with("1 file checked: nothing found\n"), "{plan}");
    let recorded = right(home.path(), &["test", "--record", "jobs/halves.sql", "--to", "tests/recorded.test.sql"]);
    recorded?;
    right(home.path(), &["test", "tests/recorded.test.sql"])?;
    Ok(())
}

/// What check says on standard output and error.
fn said_of_check(directory: &Path, arguments: &[&str], status: i32) -> Result<String> {
    let output = said(directory, arguments)?;
    let text = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(status), "{arguments:?}: {}\n{text}", output.status);
    Ok(text)
}

fn errors() -> Result<()> {
    let home = tempfile::tempdir()?;
    project(home.path())?;
    // A table again: the error is in the job, the first one in the shared file.
    write(
        home.path(),
        "jobs/again.sql",
        "\nCREATE TABLE numbers (n INT) WITH ('connector' = 'print');\nSELECT 1;\n",
    )?;
    let said = wrong(home.path(), &["run", "jobs/again.sql"], 1)?;
    ensure!(said.contains("--> jobs/again.sql:2:14"), "{said}");
    // While the job runs: the directory is not there.
    std::fs::remove_dir_all(home.path().join("in"))?;
    let said = wrong(home.path(), &["run", "jobs/halves.sql"], 1)?;
    ensure!(said.contains("--> shared/1-numbers.sql:2:"), "{said}");
    write(
        home.path(),
        "shared/3.sql",
        "CREATE TABLE t (a INTT) WITH ('connector' = 'print');\nINSERT INTO nowhere SELECT 1;\n",
    )?;
    let places = [
        "error[E0301]: \"INTT\" is no type\n --> shared/3.sql:1:19",
        "error[E0545]: INSERT in a file that all jobs of the project share\n --> shared/3.sql:2:1",
    ];
    for (arguments, status) in [
        (&["run", "jobs/halves.sql"][..], 1),
        (&["explain", "jobs/halves.sql"], 1),
        (&["check", "jobs/halves.sql"], 1),
        (&["check", "shared", "jobs/halves.sql"], 1),
    ] {
        let said = said_of_check(home.path(), arguments, status)?;
        ensure!(
            places.iter().all(|p| said.matches(p).count() == 1) && said.contains("2 errors"),
            "{arguments:?}: {said}"
        );
    }
    for arguments in [&["test", "halves"][..], &["sql", "-c", "SELECT 1"]] {
        let said = said_of_check(home.path(), arguments, 1)?;
        ensure!(said.contains(places[1]), "{arguments:?}: {said}");
    }
    write(home.path(), "millstream.toml", "tables = \"nowhere\"\n")?;
    for arguments in [
        &["run", "jobs/halves.sql"][..],
        &["check"],
        &["test"],
        &["sql", "-c", "SELECT 1"],
        &["explain", "jobs/halves.sql"],
    ] {
        let said = wrong(home.path(), arguments, 2)?;
        ensure!(
            said.starts_with("error[E0541]: 'tables' is nowhere: ") && said.contains("millstream.toml:1"),
            "{arguments:?}: {said}"
        );
    }
    Ok(())
}

fn tests_are_checked() -> Result<()> {
    let home = tempfile::tempdir()?;
    let shop = shop(home.path())?;
    // What would fail is not run; what is no test is found.
    write(
        &shop,
        "tests/fails.test.sql",
        "TEST 'fails' FOR '../jobs/sales.sql' WITH ('OUT' = 'o');\nFINISH;\nEXPECT sales ROWS 7;\n",
    )?;
    said_of_check(&shop, &["check"], 0)?;
    let test = "TEST 'slips' FOR '../jobs/sales.sql' WITH ('OUT' = 'o');\nGIVEN ordrs VALUES (1);\nEXPECT sales ROWS 0;\n\
                TEST 'no job' FOR '../jobs/sale.sql';\nEXPECT sales ROWS 0;\nTEST 'other' FOR 'b.sql';\nEXPECT sales ROWS 0;\n";
    write(&shop, "tests/slips.test.sql", test)?;
    // Nobody else checks that one.
    write(&shop, "tests/b.sql", "SELECT x FROM sales;")?;
    let said = said_of_check(&shop, &["check", "tests/slips.test.sql"], 1)?;
    for part in [
        "error[E0201]: table \"ordrs\" does not exist\n --> tests/slips.test.sql:2:7",
        "error[E0803]: there is no job file '../jobs/sale.sql'\n --> tests/slips.test.sql:4:19",
        "error[E0202]: column \"x\" does not exist\n --> tests/b.sql:1:8",
        "2 files checked: 3 errors",
    ] {
        ensure!(said.contains(part), "no {part} in\n{said}");
    }
    let said = said_of_check(&shop, &["check"], 1)?;
    ensure!(said.ends_with("7 files checked: 3 errors\n"), "{said}");
    Ok(())
}

fn demo() -> Result<()> {
    let home = tempfile::tempdir()?;
    write(home.path(), "millstream.toml", "tables = \"nowhere\"\n")?;
    let mut command = millstream(home.path())?;
    command.args(["demo", "--for", "5 min"]).stdout(Stdio::piped());
    let mut demo = Running::start(command)?;
    let mut first = String::new();
    BufReader::new(demo.0.stdout.take().context("no output")?).read_line(&mut first)?;
    ensure!(
        first.starts_with("{\"window_end\":\"") && first.contains("\"orders\":"),
        "{first}{}",
        demo.told()?
    );
    signal(&demo.0, "TERM")?;
    ensure!(demo.0.wait()?.success(), "{}", demo.told()?);
    let told = demo.told()?;
    for next in ["millstream demo --sql > demo.sql", "millstream  ", "millstream new shop"] {
        ensure!(told.contains(next), "{told}");
    }
    let sql = right(home.path(), &["demo", "--sql"])?;
    std::fs::remove_file(home.path().join("millstream.toml"))?;
    write(home.path(), "demo.sql", &sql)?;
    right(home.path(), &["check", "--deny-warnings", "demo.sql"])?;
    right(home.path(), &["fmt", "--check", "demo.sql"])?;
    Ok(())
}
