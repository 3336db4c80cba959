//! docs/grammar.md: its rules are drawn, and what they generate is parsed.

mod diagram;
mod ebnf;
mod sentence;

use crate::harness::root;
use crate::reference::compare;
use anyhow::{Context, Result, ensure};
use ebnf::Rule;
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeMap;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, f: fn() -> Result<()>| Trial::test(format!("grammar::{name}"), move || f().map_err(|e| Failed::from(format!("{e:#}"))));
    vec![
        trial("every_rule_is_drawn", diagrams),
        trial("what_the_rules_generate_is_parsed", sentences),
        trial("what_the_rules_of_test_files_generate_is_parsed", test_files),
        trial("rules_use_what_there_is", references),
    ]
}

const PAGE: &str = "docs/grammar.md";

/// Parts that no rule describes, and texts that they stand for.
const LEAVES: [(&str, &[&str]); 12] = [
    ("name", &["a", "`order`", "Clicks_2"]),
    ("text", &["'x'", "'it''s'", "''"]),
    ("number", &["0", "1.5", "12"]),
    ("length", &["1", "20"]),
    ("precision", &["10", "38"]),
    ("scale", &["0", "2"]),
    ("digits", &["0", "3"]),
    ("partition", &["0", "7"]),
    ("count", &["1", "4096"]),
    ("code", &["'E0202'", "'E0700'"]),
    ("lint", &["'W0401'", "'w0403'"]),
    ("function", &["ABS", "COUNT", "my_function"]),
];

/// The page's rules, in order.
fn rules() -> Result<Vec<Rule>> {
    let page = std::fs::read_to_string(root().join(PAGE))?;
    let mut rules = Vec::new();
    for block in page.split("```ebnf\n").skip(1) {
        let (block, _) = block.split_once("```").context("a block does not end")?;
        rules.extend(ebnf::rules(block)?);
    }
    Ok(rules)
}

/// Behind each block the page shows the diagrams of its rules.
fn diagrams() -> Result<()> {
    let page = std::fs::read_to_string(root().join(PAGE))?;
    let mut made = String::new();
    let mut blocks = page.split("```ebnf\n");
    made += blocks.next().unwrap_or_default();
    for block in blocks {
        let (block, after) = block.split_once("```\n").context("a block does not end")?;
        made = format!("{}\n\n```ebnf\n{block}```\n", made.trim_end());
        for rule in ebnf::rules(block)? {
            let path = format!("grammar/{}.svg", rule.name);
            made += &format!("\n![{}]({path})\n", rule.name);
            compare(&format!("docs/{path}"), &diagram::svg(&rule))?;
        }
        let text: Vec<&str> = after.lines().skip_while(|line| line.is_empty() || line.starts_with("![")).collect();
        let text = text.join("\n");
        match text.trim_end() {
            "" => {}
            text => made += &format!("\n{text}\n"),
        }
    }
    compare(PAGE, &made)?;
    let drawn = rules()?;
    for entry in std::fs::read_dir(root().join("docs/grammar"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        ensure!(drawn.iter().any(|r| format!("{}.svg", r.name) == name), "docs/grammar/{name} draws no rule");
    }
    Ok(())
}

/// Sentences per choice of a rule.
const SENTENCES: u64 = 400;

fn sentences() -> Result<()> {
    let parse = |text: &str| millstream_sql::parse::parse(text).map(drop);
    each_is_parsed("statement", SENTENCES, parse)
}

fn test_files() -> Result<()> {
    // Names are few here: that columns or fields have the same is nothing that rules could say.
    let parse = |text: &str| match millstream_sql::parse::parse_tests(text) {
        Ok(_) => Ok(()),
        Err(mut errors) => {
            errors.retain(|e| e.code != Some("E0209") && !e.message.starts_with("expected another name"));
            if errors.is_empty() { Ok(()) } else { Err(errors) }
        }
    };
    let rules = ["test_file", "test_set", "given", "advance", "idle", "restart", "expect"];
    rules.into_iter().try_for_each(|rule| {
        match rule {
            // It has many statements.
            "test_file" => each_is_parsed(rule, SENTENCES / 4, parse),
            _ => each_is_parsed(rule, SENTENCES, |text| parse(&format!("TEST 'of a step'; {text};"))),
        }
    })
}

/// - `rule`: so many sentences of each of its choices are parsed
fn each_is_parsed(rule: &str, sentences: u64, parse: impl Fn(&str) -> Result<(), Vec<millstream_dataflow::Error>>) -> Result<()> {
    let all = rules()?;
    let known: BTreeMap<&str, &Rule> = all.iter().map(|r| (r.name.as_str(), r)).collect();
    let choices = known.get(rule).with_context(|| format!("no rule {rule}"))?.body.parts();
    let mut wrong = Vec::new();
    for choice in choices {
        for seed in 0..sentences {
            let text = sentence::generate(choice, &known, seed)?;
            if let Err(errors) = parse(&text) {
                let told: Vec<String> = errors.iter().map(|e| e.to_string()).collect();
                wrong.push(format!("{text}\n  {}", told.join("\n  ")));
            }
        }
    }
    // Short ones say best what is wrong.
    wrong.sort_by_key(String::len);
    ensure!(
        wrong.is_empty(),
        "{} sentences of {rule} are refused:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n")
    );
    Ok(())
}

/// No rule is missing, and none is there for nothing.
fn references() -> Result<()> {
    let all = rules()?;
    let leaf = |name: &str| LEAVES.iter().any(|(leaf, _)| *leaf == name);
    for rule in &all {
        ensure!(all.iter().filter(|r| r.name == rule.name).count() == 1, "{} is there twice", rule.name);
        for name in rule.body.names() {
            ensure!(leaf(name) || all.iter().any(|r| r.name == name), "{} uses {name}, which is no rule", rule.name);
        }
        let used = all.iter().any(|r| r.body.names().contains(&rule.name.as_str()));
        ensure!(used || rule.name == "test_file", "no rule uses {}", rule.name);
    }
    Ok(())
}
