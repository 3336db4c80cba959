//! A plan as text.

use crate::describe::{Changelog, Description, Distribution, Edge, Growth, Operator};
use std::fmt::Write;

/// The operators of each sink as a tree, the sink first, each with its id in brackets, and the kinds of its rows behind that if they are
/// not insertions only. Below an operator stands what it remembers and which watermark it waits for; where nothing stands it has no state.
///
/// - an operator that several read is drawn once, and named where it is read again
/// - what stands between two operators is drawn as an exchange; without one rows stay in their subtask
pub fn text(description: &Description) -> String {
    let parallelism = match description.parallelism {
        Some(n) => format!("parallelism {n}"),
        None => "one subtask per core".to_string(),
    };
    let mut text = format!("Job {}: {parallelism}, {} key groups\n", description.job, description.key_groups);
    let operators = &description.operators;
    let mut drawn = vec![false; operators.len()];
    let is_read = |i: usize| operators.iter().any(|o| o.inputs.iter().any(|input| input.index == i));
    for i in (0..operators.len()).filter(|i| !is_read(*i)) {
        draw(operators, i, 0, &mut drawn, &mut text);
    }
    text
}

fn lead(depth: usize) -> String {
    match depth {
        0 => String::new(),
        _ => format!("{}+- ", "   ".repeat(depth - 1)),
    }
}

fn draw(operators: &[Operator], index: usize, depth: usize, drawn: &mut [bool], text: &mut String) {
    let operator = &operators[index];
    if std::mem::replace(&mut drawn[index], true) {
        let _ = writeln!(text, "{}[{}] as above", lead(depth), operator.id);
        return;
    }
    let alone = operator
        .parallelism
        .map_or_else(String::new, |n| format!(" in {n} subtask{}", if n == 1 { "" } else { "s" }));
    let detail = if operator.detail.is_empty() {
        String::new()
    } else {
        format!(" {}", operator.detail)
    };
    let changes = match operator.changelog {
        Changelog::InsertOnly => "",
        Changelog::Changes => " +I -U +U -D",
    };
    let _ = writeln!(text, "{}{}{detail}{alone} [{}]{changes}", lead(depth), operator.operator, operator.id);
    for fact in facts(operator) {
        let _ = writeln!(text, "{}:  {fact}", "   ".repeat(depth));
    }
    for input in &operator.inputs {
        let below = match exchange(input) {
            None => depth + 1,
            Some(how) => {
                let _ = writeln!(text, "{}Exchange {how}", lead(depth + 1));
                depth + 2
            }
        };
        draw(operators, input.index, below, drawn, text);
    }
}

/// How rows are distributed on an edge, unless they stay where they are.
pub(super) fn exchange(edge: &Edge) -> Option<String> {
    match edge.exchange {
        Distribution::Forward => None,
        Distribution::AllToOne => Some("all to one".to_string()),
        Distribution::Rebalance => Some("rebalance".to_string()),
        Distribution::Hash => Some(format!("hash({})", edge.keys.join(", "))),
    }
}

/// What a source remembers goes without saying, and its watermark is in its own line.
fn facts(operator: &Operator) -> Vec<String> {
    let mut facts = Vec::new();
    if !matches!(operator.state.growth, Growth::None | Growth::Splits) {
        facts.push(format!("state: {}", operator.state.text));
    }
    if operator.waits_for_watermark {
        let from: Vec<String> = operator.watermark.iter().map(|w| w.text()).collect();
        let least = if from.len() > 1 { "the least of " } else { "" };
        facts.push(format!("watermark: {least}{}", from.join("; ")));
    }
    facts
}
