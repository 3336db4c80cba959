//! The generated pages of the docs: made from what the code declares, compared with what is committed. `UPDATE=1` writes them.

use crate::harness::{millstream, root, succeed};
use anyhow::{Result, ensure};
use libtest_mimic::{Failed, Trial};
use millstream_connectors::CONNECTORS;
use millstream_dataflow::option::{OptionSpec, OptionType};
use millstream_formats::FORMATS;
use millstream_plan::SETTINGS;
use millstream_server::METRICS;
use millstream_sql::catalogue::PAGES;
use millstream_sql::manual;
use std::fmt::Write;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("reference::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("connectors", || compare("docs/connectors.md", &connectors())),
        trial("command_line", || compare("docs/command-line.md", &command_line()?)),
        trial("settings", || compare("docs/settings.md", &settings())),
        trial("functions", || compare("docs/functions.md", &functions())),
        trial("examples", examples),
        trial("errors", || compare("docs/errors.md", &errors())),
        trial("metrics", || compare("docs/metrics.md", &metrics())),
        trial("dashboard", || compare("docs/grafana-dashboard.json", &crate::monitoring::dashboard()?)),
        trial("alerts", || compare("docs/prometheus-alerts.yaml", &crate::monitoring::alerts()?)),
    ]
}

pub(crate) fn compare(path: &str, made: &str) -> Result<()> {
    let path = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        return Ok(std::fs::write(path, made)?);
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    ensure!(
        committed == made,
        "{} is not what the code declares: UPDATE=1 cargo test -p tests writes it",
        path.display()
    );
    Ok(())
}

const GENERATED: &str = "<!-- Generated from the code: UPDATE=1 cargo test -p tests reference -->\n";

fn connectors() -> String {
    let mut out =
        format!("# Connectors and formats\n\n{GENERATED}\nA table names its connector and its format in `WITH`. Keys are Flink's where Flink has them.\n");
    for c in CONNECTORS {
        let can = match (c.source, c.sink) {
            (true, true) => "Source and sink.",
            (true, false) => "Source.",
            _ => "Sink.",
        };
        let _ = write!(out, "\n## `{}`\n\n{can} {}\n", c.name, c.doc);
        if !c.formats.is_empty() {
            let _ = write!(
                out,
                "\nFormats: {}.\n",
                c.formats.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ")
            );
        }
        options(&mut out, c.options);
        if !c.metadata.is_empty() {
            out += "\n| Metadata column | Type | |\n|---|---|---|\n";
            for m in c.metadata {
                let _ = writeln!(out, "| `{}` | `{}` | {} |", m.key, m.ty, m.doc);
            }
        }
    }
    out += "\n# Formats\n";
    for f in FORMATS {
        let _ = write!(out, "\n## `{}`\n\n{}\n", f.name, f.doc);
        options(&mut out, f.options);
    }
    out
}

/// What `--help` says of the program, and of each of its commands.
fn command_line() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let help = |verb: Option<&str>| -> Result<String> {
        let mut command = millstream(directory.path())?;
        command.args(verb).arg("--help").env("NO_COLOR", "1");
        Ok(succeed(command)?.lines().map(|l| format!("{}\n", l.trim_end())).collect())
    };
    let program = help(None)?;
    let commands = program.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    // What does not fit goes on further to the right.
    let names = commands.filter_map(|l| l.strip_prefix("  ")).filter(|l| !l.starts_with(' '));
    let verbs: Vec<&str> = names.filter_map(|l| l.split_whitespace().next()).filter(|v| *v != "help").collect();
    ensure!(verbs.len() > 5, "commands are not found in the help: {verbs:?}");
    let mut out = format!("# Command line\n\n{GENERATED}\n```help\n{program}```\n");
    for verb in verbs {
        let _ = write!(out, "\n## `millstream {verb}`\n\n```help\n{}```\n", help(Some(verb))?);
    }
    Ok(out)
}

fn settings() -> String {
    let mut out = format!("# Settings\n\n{GENERATED}\n`SET 'key' = 'value';` in the file, or `--set key=value`, which wins.\n");
    options(&mut out, SETTINGS);
    out
}

/// A text in a cell of a table, as code.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// Every example of a function gives what is said of it.
fn examples() -> Result<()> {
    let examples: Vec<(&str, &str)> = manual::functions().iter().filter_map(|f| f.example).collect();
    let statements: String = examples.iter().map(|(call, _)| format!("SELECT {call} AS x;\n")).collect();
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("examples.sql"), statements)?;
    let output = millstream(directory.path())?.args(["run", "examples.sql", "--format", "vertical"]).output()?;
    let (shown, said) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    ensure!(output.status.success(), "{said}");
    let values: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("x | ")).collect();
    ensure!(
        values.len() == examples.len(),
        "{} of {} examples have a result:\n{shown}",
        values.len(),
        examples.len()
    );
    let plain = |value: &str| {
        if value == "<NULL>" {
            "NULL".to_string()
        } else {
            value.trim_end().to_string()
        }
    };
    let wrong = examples.iter().zip(values).filter(|((_, told), value)| told.trim_end() != plain(value));
    let wrong: Vec<String> = wrong
        .map(|((call, told), value)| format!("{call} is said to give {told}, it gives {value}"))
        .collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn functions() -> String {
    let mut out = format!(
        "# Functions\n\n{GENERATED}\nNames, types, nulls and results are those of Flink 2.3 unless \"Not in Flink\" is said; [differences](flink-compatibility.md#functions). \
         Unless something else is said, NULL in any argument gives NULL. `CASE`, `CAST`, `TRY_CAST`, `TYPEOF`, `[NOT] BETWEEN [SYMMETRIC]` and \
         `(start, end) OVERLAPS (start, end)` are there too.\n"
    );
    let cell = |text: &str| text.replace('|', "\\|");
    let all = manual::functions();
    let mut groups: Vec<&str> = Vec::new();
    for f in &all {
        if !groups.contains(&f.group) {
            groups.push(f.group);
        }
    }
    for group in groups {
        let _ = write!(out, "\n## {group}\n\n| Function | | Example |\n|---|---|---|\n");
        for f in all.iter().filter(|f| f.group == group) {
            let example = f.example.map_or(String::new(), |(call, result)| format!("{} → {}", code(call), code(result)));
            let _ = writeln!(out, "| {} | {} | {} |", code(f.usage), cell(f.doc), example);
        }
    }
    out + "\n## Refused\n\n`NOW`, `CURRENT_TIMESTAMP` and their like, `UNIX_TIMESTAMP()`, `UUID`, `RAND` and `RAND_INTEGER`: a replay would give other values.\n"
}

fn errors() -> String {
    let mut out = format!(
        "# Errors\n\n{GENERATED}\nEach error has a code, which stays the same while its words may change: `error[E0402]: …`. \
         The first digits tell what it is about. Examples under \"fails\" give exactly that error, those under \"works\" none. \
         Where they are commands of a console, the second ones come after the first, in the same directory, and `…` stands for what is left out.\n"
    );
    for page in PAGES {
        let mut in_block = false;
        out.push('\n');
        for line in page.lines() {
            in_block ^= line.starts_with("```");
            let heading = line.starts_with('#') && !in_block;
            let _ = writeln!(out, "{}{line}", if heading { "#" } else { "" });
        }
    }
    out
}

fn metrics() -> String {
    let mut out = format!(
        "# Metrics\n\n{GENERATED}\n`--metrics ADDRESS` serves these at `http://ADDRESS/metrics` as Prometheus text. All but `millstream_build_info` carry the label `job`.\n\n\
         `/healthz` answers 200 as long as the process does. `/readyz` answers 200 while rows are flowing, and 503 with the reason while a job starts, \
         restores its state, waits for a restart, or has ended, and while nobody answers one of its sources. It does not look at sinks and stores: whether checkpoints complete is told by the metrics.\n\n\
         Scrape it with `honor_labels: true`, so that `job` stays the name of the Millstream job. \
         A [dashboard](grafana-dashboard.json) for Grafana and [alert rules](prometheus-alerts.yaml) for Prometheus are made of the same list.\n"
    );
    out += "\n| Metric | Type | Labels | |\n|---|---|---|---|\n| `millstream_build_info` | gauge | `version` | The running release. |\n";
    for m in METRICS {
        let kind = if m.name.ends_with("_total") { "counter" } else { "gauge" };
        let labels = std::iter::once("job")
            .chain(m.labels.iter().copied())
            .map(|l| format!("`{l}`"))
            .collect::<Vec<_>>();
        let _ = writeln!(out, "| `{}` | {kind} | {} | {} |", m.name, labels.join(", "), m.doc);
    }
    out
}

fn options(out: &mut String, specs: &[OptionSpec]) {
    if specs.is_empty() {
        return;
    }
    *out += "\n| Option | Value | Default | |\n|---|---|---|---|\n";
    for o in specs {
        let value = match o.ty {
            OptionType::Text => "text".to_string(),
            OptionType::Secret => "secret".to_string(),
            OptionType::Boolean => "true, false".to_string(),
            OptionType::Integer => "whole number".to_string(),
            OptionType::Number => "number".to_string(),
            OptionType::Duration => "duration".to_string(),
            OptionType::Memory => "bytes".to_string(),
            OptionType::OneOf(values) => values.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", "),
        };
        let default = match (o.required, o.default) {
            (true, _) => "required".to_string(),
            (false, Some(default)) => format!("`{default}`"),
            (false, None) => String::new(),
        };
        let examples = match o.examples {
            [] => String::new(),
            some => format!(" For example {}.", some.iter().map(|e| format!("`{e}`")).collect::<Vec<_>>().join(", ")),
        };
        let _ = writeln!(out, "| `{}` | {value} | {default} | {}{examples} |", o.name, o.doc.replace('|', "\\|"));
    }
}
