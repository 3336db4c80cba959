//! `millstream check`: findings in every form, exit codes, lints that are silenced, edits that mend.

use crate::harness::{millstream, root};
use crate::surface::golden;
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("check::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("findings_in_every_form", forms),
        trial("exit_codes_say_what_was_found", exit_codes),
        trial("edits_mend_what_they_are_for", edits),
        trial("all_that_is_wrong_is_told_at_once", together),
        trial("errors_that_are_not_told_are_counted", many),
        trial("tables_without_connector_are_told_if_nothing_has_them", bases),
        trial("standard_input_is_checked", stdin),
        trial("variables_are_those_of_the_configuration", configured),
    ]
}

/// `millstream check …` in the folder with the jobs.
fn check(arguments: &[&str]) -> Result<Output> {
    let mut command = millstream(&root().join("tests/check"))?;
    command.arg("check").args(arguments).env_remove("GITHUB_ACTIONS");
    command.output().context("could not be started")
}

fn forms() -> Result<()> {
    for form in ["human", "json", "sarif", "github", "junit"] {
        let output = check(&["jobs", "--output", form])?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(1), "{form}: {}\n{said}", output.status);
        ensure!(said.starts_with("3 files checked: "), "{form}: {said}");
        golden(&format!("check/{form}.txt"), &String::from_utf8(output.stdout)?)?;
    }
    let mut command = millstream(&root().join("tests/check"))?;
    let output = command.args(["check", "jobs/lints.sql"]).env("GITHUB_ACTIONS", "true").output()?;
    let shown = String::from_utf8(output.stdout)?;
    ensure!(shown.starts_with("::notice file=jobs/lints.sql,line=4,"), "in a workflow: {shown}");
    Ok(())
}

fn together() -> Result<()> {
    let output = check(&["together.sql"])?;
    golden("check/together.txt", &String::from_utf8(output.stdout)?)
}

fn many() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("many.sql"), "SELECT nope;\n".repeat(150))?;
    let told = |command: &str| {
        let output = millstream(directory.path())?.args([command, "many.sql"]).output()?;
        ensure!(output.status.code() == Some(1), "{}", output.status);
        Ok(String::from_utf8(output.stderr)?)
    };
    let said = told("check")?;
    ensure!(
        said == "1 file checked: 100 errors\nmany.sql has 50 errors more: mend those that are told first\n",
        "{said}"
    );
    let said = told("run")?;
    ensure!(said.ends_with("100 errors or more, the first 20 are shown\n"), "{said}");
    Ok(())
}

fn exit_codes() -> Result<()> {
    let cases: &[(&[&str], i32, &str)] = &[
        (&["jobs/clean.sql", "--deny-warnings"], 0, "1 file checked: nothing found"),
        (&["jobs/lints.sql"], 0, "1 file checked: 9 warnings, advice on 4 places"),
        (&["jobs/lints.sql", "--deny-warnings"], 1, "1 file checked: 9 warnings, advice on 4 places"),
        (
            &[
                "jobs/lints.sql",
                "--deny-warnings",
                "--allow",
                "W0201,W0301,W0303,w0402,W0404,W0501,W0502,W0505",
            ],
            0,
            "1 file checked: advice on 4 places",
        ),
        (&["jobs/slips.sql"], 1, "1 file checked: 16 errors"),
        (&["no.sql"], 2, "error[E0544]: no.sql cannot be read"),
        (&["jobs/clean.sql", "jobs/clean.sql"], 0, "1 file checked: nothing found"),
        (&["json.txt/.."], 2, "error[E0544]: json.txt/.. cannot be read"),
    ];
    for (arguments, status, said) in cases {
        let output = check(arguments)?;
        let stderr = String::from_utf8(output.stderr)?;
        ensure!(
            output.status.code() == Some(*status) && stderr.starts_with(said),
            "{arguments:?}: {}\n{stderr}",
            output.status
        );
    }
    let empty = tempfile::tempdir()?;
    let mut command = millstream(empty.path())?;
    let output = command.arg("check").output()?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(2) && said == "error: there is no *.sql file in .\n", "{said}");
    Ok(())
}

/// A base is of use where a table is LIKE it, or a hint gives it a connector; what an error says of it no lint says again.
fn bases() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let options = "'connector' = 'datagen'";
    let used = [
        format!("CREATE TABLE t WITH ({options}) LIKE base;"),
        format!("SELECT a FROM base /*+ OPTIONS({options}) */;"),
        format!("ALTER TABLE base SET ({options});"),
        "DROP TABLE base;".to_string(),
        "SELECT a FROM base;".to_string(),
    ];
    for (rest, told) in used.iter().map(|rest| (rest.as_str(), 0)).chain([("", 1), ("CREATE TABLE base_2 (a INT);", 2)]) {
        std::fs::write(directory.path().join("job.sql"), format!("CREATE TABLE base (a INT);\n{rest}"))?;
        let mut command = millstream(directory.path())?;
        let shown = String::from_utf8(command.args(["check", "job.sql"]).output()?.stdout)?;
        ensure!(shown.matches("[W0504]").count() == told, "{rest}: {shown}");
    }
    Ok(())
}

/// Each finding with an edit is gone once its edit is made, and nothing else has changed.
fn edits() -> Result<()> {
    let found = |directory: &Path| -> Result<Vec<Value>> {
        let mut command = millstream(directory)?;
        let output = command.args(["check", "slips.sql", "--output", "json"]).output()?;
        let report: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(report["version"] == 1, "{report}");
        Ok(report["diagnostics"].as_array().context("no list")?.clone())
    };
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("slips.sql");
    let text = std::fs::read_to_string(root().join("tests/check/jobs/slips.sql"))?;
    std::fs::write(&path, &text)?;
    let all = found(directory.path())?;
    let mut tried = 0;
    for finding in &all {
        for edit in finding["edits"].as_array().context("no edits")? {
            let place = |end: &str| -> Result<usize> {
                let at = &edit["span"][end];
                let (line, column) = (at["line"].as_u64().context("no line")?, at["column"].as_u64().context("no column")?);
                let before: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
                Ok(before + column as usize - 1)
            };
            let replacement = edit["replacement"].as_str().context("no replacement")?;
            let mended = format!("{}{replacement}{}", &text[..place("start")?], &text[place("end")?..]);
            std::fs::write(&path, mended)?;
            let left = found(directory.path())?;
            let same = |other: &Value| other["code"] == finding["code"] && other["message"] == finding["message"];
            ensure!(!left.iter().any(same), "{finding:#} is still there with its edit");
            tried += 1;
        }
    }
    ensure!(tried == 15, "{tried} edits instead of 15");
    Ok(())
}

fn configured() -> Result<()> {
    let project = tempfile::tempdir()?;
    std::fs::copy(root().join("tests/check/jobs/clean.sql"), project.path().join("clean.sql"))?;
    let told = |status: i32| -> Result<String> {
        let mut command = millstream(project.path())?;
        let output = command.args(["check", "clean.sql"]).env("MILLSTREAM_DEFINE_PASSWORD", "hunter2").output()?;
        let said = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(status), "{}\n{said}", output.status);
        Ok(said)
    };
    let toml = project.path().join("millstream.toml");
    std::fs::write(&toml, "[define]\nBROKERS = \"localhost:9092\"\n")?;
    let said = told(0)?;
    ensure!(said.contains("not checked: what ${SKEW} stands for;"), "{said}");
    std::fs::write(&toml, "[define]\nBROKERS = \"localhost:9092\"\nSKEW = \"long\"\n")?;
    let said = told(1)?;
    ensure!(said.contains("error[E0502]") && !said.contains("hunter2"), "{said}");
    std::fs::write(&toml, "defnie = 1\n")?;
    told(2)?;
    Ok(())
}

fn stdin() -> Result<()> {
    let empty = tempfile::tempdir()?;
    let mut command: Command = millstream(empty.path())?;
    let mut child = command
        .args(["check", "-", "--output", "github"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    std::io::Write::write_all(&mut child.stdin.take().context("no stdin")?, "SELECT 'ä', x FROM\n t;".as_bytes())?;
    let output = child.wait_with_output()?;
    let shown = String::from_utf8(output.stdout)?;
    let expected = "::error file=standard input,line=2,col=2,endColumn=2,title=E0201::table \"t\" does not exist\n";
    ensure!(shown == expected && output.status.code() == Some(1), "{shown}");
    Ok(())
}
