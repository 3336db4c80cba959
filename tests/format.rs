//! `millstream fmt`: what layouts look like (`format/*.sql`, each beside what becomes of it; `UPDATE=1` writes that), what must hold of any
//! text, and what the command does to files.

use crate::harness::{fail, files, millstream, root, succeed};
use crate::mutations::{broken_statements, saved, statements};
use crate::suites::World;
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_sql::{CompileOptions, Step, compile, format, render};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("format::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    let mut trials = vec![
        trial("plans_stay_what_they_are", plans),
        trial("keywords_are_told_from_names", lower_case),
        trial("white_space_makes_no_difference", white_space),
        trial("comments_survive_wherever_they_stand", comments),
        trial("examples_are_formatted", examples),
        trial("files_are_replaced_whole", replaced),
        trial("check_changes_nothing", check),
        trial("what_is_wrong_is_left_alone", wrong),
        trial("standard_input", input),
    ];
    for file in files(&root().join("tests/format"), "sql") {
        let name = file.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
        trials.push(Trial::test(format!("format::{name}"), move || {
            golden(&file).map_err(|e| Failed::from(format!("{e:#}")))
        }));
    }
    trials
}

fn formatted(text: &str) -> Result<String> {
    format(text).map_err(|errors| anyhow::anyhow!(errors.iter().map(|e| render(e, text, "format")).collect::<String>()))
}

fn golden(file: &Path) -> Result<()> {
    let made = formatted(&std::fs::read_to_string(file)?)?;
    ensure!(
        formatted(&made)? == made,
        "it changes when it is formatted again\n{made}\n{}",
        formatted(&made)?
    );
    let golden = file.with_extension("out");
    if std::env::var_os("UPDATE").is_some() {
        return Ok(std::fs::write(golden, made)?);
    }
    let committed = std::fs::read_to_string(&golden).unwrap_or_default();
    ensure!(
        committed == made,
        "{} is\n{committed}\nit becomes\n{made}\nUPDATE=1 writes it",
        golden.display()
    );
    Ok(())
}

/// What a text is compiled to, or its errors without their places. Messages quote keywords as they are written.
fn compiled(world: &World, text: &str) -> Result<String> {
    let variables = ["BROKERS", "DATA", "NAME", "OUT", "PROTO", "REGISTRY", "TOKEN"];
    let options = CompileOptions {
        registry: &world.connectors,
        catalogs: None,
        variables: &variables.map(|v| (v.to_string(), v.to_lowercase())).into(),
        settings: &BTreeMap::new(),
        job_name: Some("job"),
    };
    Ok(match compile(text, &options) {
        Ok(compiled) => {
            let mut all = String::new();
            for step in compiled.steps {
                all += &match step {
                    Step::Query(query) => query.plan.to_text()?,
                    Step::Insert(job) => job.to_text()?,
                    Step::Explain(text) | Step::Statement(text) => text,
                    Step::Settings(list) => format!("{list:?}"),
                };
            }
            all
        }
        Err(errors) => {
            let shown = errors.iter().map(|e| format!("{:?} {}\n", e.code, e.message.to_lowercase()));
            shown.collect()
        }
    })
}

/// Everything there is of SQL: the tests', the examples, the blocks in the docs.
fn corpus() -> Result<Vec<String>> {
    let found = statements()?.into_iter().chain(broken_statements()?).chain(saved("sql")?);
    let mut all: Vec<String> = found.map(|b| String::from_utf8_lossy(&b).into_owned()).collect();
    for page in files(&root().join("docs"), "md").into_iter().chain([root().join("README.md")]) {
        let text = std::fs::read_to_string(page)?;
        all.extend(text.split("```sql\n").skip(1).filter_map(|b| b.split("```").next()).map(str::to_string));
    }
    ensure!(all.len() > 300, "only {} texts", all.len());
    Ok(all)
}

/// A text is compiled to the same before and after, and formatting it again changes nothing. What is not formatted is not compiled, either.
fn plans() -> Result<()> {
    let world = World::new()?;
    let mut formatted = 0;
    for text in corpus()? {
        let before = compiled(&world, &text)?;
        let made = match format(&text) {
            Ok(made) => made,
            Err(errors) => {
                let codes: Vec<&str> = errors.iter().filter_map(|e| e.code).collect();
                ensure!(
                    codes.len() == errors.len() && codes.iter().all(|c| c.starts_with("E01") || *c == "E0301" || *c == "E0506"),
                    "{errors:?}\n{text}"
                );
                ensure!(before.starts_with("Some"), "it compiles, but is not formatted: {errors:?}\n{text}");
                continue;
            }
        };
        formatted += 1;
        let after = compiled(&world, &made)?;
        ensure!(before == after, "{text}\nbecomes\n{made}\nwhich means\n{after}\ninstead of\n{before}");
        let again = format(&made).map_err(|e| anyhow::anyhow!("{e:?}\n{made}"))?;
        ensure!(again == made, "formatted again\n{made}\nbecomes\n{again}");
    }
    ensure!(formatted > 200, "only {formatted} texts were formatted");
    Ok(())
}

/// Keywords in lower case become upper case; what then means something else was none.
fn lower_case() -> Result<()> {
    let world = World::new()?;
    let mut changed = 0;
    for text in corpus()? {
        let is_fixed = |piece: &str| piece.starts_with(['\'', '`']) || ["--", "/*", "${"].iter().any(|s| piece.starts_with(s));
        let lower: String = pieces(&text)
            .into_iter()
            .map(|p| if is_fixed(p) { p.to_string() } else { p.to_lowercase() })
            .collect();
        let Ok(made) = format(&lower) else { continue };
        let (mut before, mut after) = (compiled(&world, &lower)?, compiled(&world, &made)?);
        // These show expressions as they are written.
        if ["show ", "describe ", "desc "].iter().any(|s| lower.contains(s)) {
            (before, after) = (before.to_lowercase(), after.to_lowercase());
        }
        ensure!(before == after, "{lower}\nbecomes\n{made}\nwhich means\n{after}\ninstead of\n{before}");
        changed += usize::from(made.contains("SELECT") && made.contains("FROM"));
    }
    ensure!(changed > 200, "only {changed} texts");
    Ok(())
}

/// Numbers that look random, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The pieces of a text that must stay whole, and the white space between: whole literals, comments, words, other characters.
fn pieces(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let upto = |close: &str, from: usize| rest[from..].find(close).map_or(rest.len(), |i| from + i + close.len());
        let end = match c {
            '\'' | '`' => upto(&c.to_string(), 1),
            _ if rest.starts_with("--") => upto("\n", 0),
            _ if rest.starts_with("/*") => upto("*/", 2),
            _ if rest.starts_with("${") => upto("}", 2),
            _ if c.is_whitespace() => rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len()),
            // Signs that are one, such as <=, stay together with all that is next to them.
            _ => rest
                .find(|c: char| c.is_whitespace() || "'`(),;[]".contains(c))
                .unwrap_or(rest.len())
                .max(c.len_utf8()),
        };
        let (piece, after) = rest.split_at(end);
        found.push(piece);
        rest = after;
    }
    found
}

/// The text with other white space, and with `more` here and there.
fn respaced(chance: &mut Chance, text: &str, more: &[&str]) -> String {
    let spaces = [" ", "\n", "\t", "  \n\n  ", "\u{a0}"];
    let mut out = String::new();
    for piece in pieces(text) {
        let is_space = piece.trim().is_empty();
        let line_comment = piece.starts_with("--");
        // Between statements blank lines count.
        if is_space && (out.ends_with(';') || out.ends_with("BEGIN")) || line_comment {
            out += piece;
            continue;
        }
        let after_sign = out.ends_with(['(', ',', ')', '=']) || piece.starts_with(['(', ')', ',']);
        if is_space || after_sign && chance.below(2) == 0 {
            out += spaces[chance.below(spaces.len() as u64) as usize];
            if !more.is_empty() && chance.below(3) == 0 {
                out += more[chance.below(more.len() as u64) as usize];
            }
        }
        if !is_space {
            out += piece;
        }
    }
    out
}

fn white_space() -> Result<()> {
    let mut chance = Chance(1);
    let mut compared = 0;
    for text in corpus()? {
        if text.contains("--") || text.contains("/*") || text.contains("''") {
            continue;
        }
        let Ok(made) = format(&text) else { continue };
        for _ in 0..2 {
            let other = respaced(&mut chance, text.trim(), &[]);
            let other_made = formatted(&other).with_context(|| other.clone())?;
            ensure!(other_made == made, "{other}\nbecomes\n{other_made:?}\ninstead of\n{made:?}");
            compared += 1;
        }
    }
    ensure!(compared > 200, "only {compared} texts");
    Ok(())
}

/// The command itself refuses to lose one; where they end up does not change any more.
fn comments() -> Result<()> {
    let more = ["-- line\n", "/* block */", "\n-- above\n", "/* two\n   lines */", "\n/* a */ /* b */ -- c\n"];
    let mut chance = Chance(2);
    let mut compared = 0;
    for text in corpus()? {
        if text.contains("''") || format(&text).is_err() {
            continue;
        }
        let other = respaced(&mut chance, &text, &more);
        // A comment may stand where a hint must not be parted from its table.
        let made = formatted(&other).with_context(|| other.clone())?;
        let again = formatted(&made).with_context(|| made.clone())?;
        ensure!(made == again, "{other}\nbecomes\n{made}\nand then\n{again}");
        compared += 1;
    }
    ensure!(compared > 200, "only {compared} texts");
    Ok(())
}

fn examples() -> Result<()> {
    let mut command = millstream(&root())?;
    command.args(["fmt", "--check", "sql-examples"]);
    ensure!(succeed(command)?.is_empty(), "something was said");
    Ok(())
}

const UGLY: &str = "select a,b\nfrom t -- all\n;\n";
const NICE: &str = "SELECT a, b FROM t; -- all\n";

fn replaced() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let at = |name: &str| directory.path().join(name);
    std::fs::create_dir_all(at("jobs/.hidden"))?;
    for name in ["a.sql", "jobs/b.sql", "jobs/.hidden/c.sql", "jobs/d.txt"] {
        std::fs::write(at(name), UGLY)?;
    }
    std::fs::write(at("jobs/nice.sql"), NICE)?;
    std::fs::set_permissions(at("a.sql"), std::fs::Permissions::from_mode(0o640))?;
    std::os::unix::fs::symlink("../a.sql", at("jobs/link.sql"))?;
    let untouched = std::fs::metadata(at("jobs/nice.sql"))?.modified()?;
    let mut command = millstream(directory.path())?;
    let output = command.arg("fmt").output()?;
    ensure!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    ensure!(
        String::from_utf8(output.stderr)? == "formatted a.sql\nformatted jobs/b.sql\n",
        "named otherwise"
    );
    for (name, text) in [("a.sql", NICE), ("jobs/b.sql", NICE), ("jobs/.hidden/c.sql", UGLY), ("jobs/d.txt", UGLY)] {
        ensure!(std::fs::read_to_string(at(name))? == text, "{name}");
    }
    ensure!(std::fs::metadata(at("a.sql"))?.permissions().mode() & 0o777 == 0o640, "others may read it");
    ensure!(std::fs::symlink_metadata(at("jobs/link.sql"))?.is_symlink(), "the link is none any more");
    ensure!(std::fs::metadata(at("jobs/nice.sql"))?.modified()? == untouched, "what is right was written");
    ensure!(std::fs::read_dir(directory.path())?.count() == 2, "something is left behind");
    // A file that is named is formatted, whatever its name.
    let mut command = millstream(directory.path())?;
    command.args(["fmt", "jobs/d.txt", "jobs/link.sql"]);
    succeed(command)?;
    ensure!(std::fs::read_to_string(at("jobs/d.txt"))? == NICE);
    // Line ends stay those of the file.
    std::fs::write(at("windows.sql"), "\u{feff}select 1\r\nfrom t;\r\n")?;
    let mut command = millstream(directory.path())?;
    command.args(["fmt", "windows.sql"]);
    succeed(command)?;
    ensure!(std::fs::read_to_string(at("windows.sql"))? == "\u{feff}SELECT 1 FROM t;\r\n");
    Ok(())
}

fn check() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("ugly.sql"), UGLY)?;
    std::fs::write(directory.path().join("nice.sql"), NICE)?;
    let mut command = millstream(directory.path())?;
    let output = command.args(["fmt", "--check"]).output()?;
    ensure!(output.status.code() == Some(1) && output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout)?;
    let expected = "ugly.sql is not formatted\n  @@ -1,3 +1 @@\n  -select a,b\n  -from t -- all\n  -;\n  +SELECT a, b FROM t; -- all\n";
    ensure!(said == expected, "{said}");
    ensure!(std::fs::read_to_string(directory.path().join("ugly.sql"))? == UGLY, "it was changed");
    let mut command = millstream(directory.path())?;
    command.args(["fmt", "--check", "nice.sql"]);
    ensure!(succeed(command)?.is_empty());
    Ok(())
}

fn wrong() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let text = "select 1;\nselect (2;\nselect 3 from;\n";
    std::fs::write(directory.path().join("wrong.sql"), text)?;
    std::fs::write(directory.path().join("ugly.sql"), UGLY)?;
    let mut command = millstream(directory.path())?;
    command.args(["fmt", "wrong.sql", "ugly.sql"]);
    let said = fail(command, 1)?;
    for part in ["error[E0102]", "--> wrong.sql:2:8", "--> wrong.sql:3:", "2 errors", "formatted ugly.sql"] {
        ensure!(said.contains(part), "no {part} in\n{said}");
    }
    ensure!(std::fs::read_to_string(directory.path().join("wrong.sql"))? == text, "it was changed");
    for (arguments, status, part) in [
        (&["fmt", "missing.sql"][..], 2, "missing.sql cannot be read"),
        (&["fmt", "--chek"], 2, "--check"),
    ] {
        let mut command = millstream(directory.path())?;
        command.args(arguments);
        let said = fail(command, status)?;
        ensure!(said.contains(part), "{said}");
    }
    // Laid out it would be too long to be run.
    let columns: Vec<String> = (0..18_000).map(|i| format!("column_{i}")).collect();
    std::fs::write(directory.path().join("long.sql"), format!("SELECT {} FROM t;", columns.join(", ")))?;
    let mut command = millstream(directory.path())?;
    command.args(["fmt", "long.sql"]);
    let said = fail(command, 1)?;
    ensure!(said.contains("error[E0103]: the text has") && !said.contains("bug"), "{said}");
    let read_only = directory.path().join("read_only.sql");
    std::fs::write(&read_only, UGLY)?;
    std::fs::set_permissions(&read_only, std::fs::Permissions::from_mode(0o440))?;
    let mut command = millstream(directory.path())?;
    command.args(["fmt", "read_only.sql"]);
    ensure!(fail(command, 2)?.contains("read_only.sql cannot be written: it is read-only"));
    ensure!(std::fs::read_to_string(read_only)? == UGLY, "it was written all the same");
    Ok(())
}

fn input() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for (arguments, status, out) in [(&["fmt", "-"][..], 0, NICE), (&["fmt", "--check", "-"], 1, "standard input is not formatted\n")] {
        let mut child = millstream(directory.path())?
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("no input")?.write_all(UGLY.as_bytes())?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8(output.stdout)?;
        if output.status.code() != Some(status) || !said.starts_with(out) {
            bail!("{:?} {}\n{said}", arguments, output.status);
        }
    }
    // What is shown of a difference goes into logs.
    std::fs::write(
        directory.path().join("secret.sql"),
        "create table t (a INT) WITH ('connector' = 'kafka', 'properties.sasl.password' = 'hunter2');",
    )?;
    let mut command = millstream(directory.path())?;
    let output = command.args(["fmt", "--check", "secret.sql"]).output()?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(said.contains("'properties.sasl.password' = '*******'") && !said.contains("hunter2"), "{said}");
    Ok(())
}
