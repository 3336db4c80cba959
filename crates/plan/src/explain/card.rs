//! What a picture shows of an operator and of an edge.

use super::text::exchange;
use crate::describe::{Changelog, Edge, Growth, Operator, Port};

/// An operator as a box.
pub(super) struct Card {
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    pub(super) role: Role,
}

/// What colours a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Source,
    Sink,
    Stateful,
    Stateless,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Role::Source => "source",
            Role::Sink => "sink",
            Role::Stateful => "stateful",
            Role::Stateless => "stateless",
        }
    }
}

/// Characters of a line that are shown, and of one that may be a long list.
const LINE_MAX: usize = 64;
const LIST_MAX: usize = 46;

pub(super) fn card(operator: &Operator) -> Card {
    let mut lines: Vec<String> = operator.summary.iter().map(|l| short(l, LIST_MAX)).collect();
    if !operator.key.is_empty() {
        lines.push(format!("key ({})", operator.key.join(", ")));
    }
    let makes_watermark = operator.operator == "Source";
    match operator.state.growth {
        Growth::None | Growth::Splits => {}
        _ => lines.push(format!("state {}", operator.state.text)),
    }
    if makes_watermark || operator.waits_for_watermark {
        for w in &operator.watermark {
            match makes_watermark {
                true => lines.push(format!("watermark {}{}", w.delay_text(), w.idle_text())),
                false => lines.push(format!("waits for the watermark of {}", w.table)),
            }
        }
    }
    if let Some(n) = operator.parallelism {
        lines.push(format!("{n} subtask{}", if n == 1 { "" } else { "s" }));
    }
    let role = match operator.operator {
        "Source" | "Values" => Role::Source,
        "Sink" | "Collect" => Role::Sink,
        _ if operator.state.growth != Growth::None => Role::Stateful,
        _ => Role::Stateless,
    };
    Card {
        title: short(format!("{} {}", operator.operator, operator.subject).trim(), LINE_MAX),
        lines: lines.iter().filter(|l| !l.is_empty()).map(|l| short(l, LINE_MAX)).collect(),
        role,
    }
}

/// What is written at an edge: which rows, how distributed, whether they are changes.
pub(super) fn label(edge: &Edge) -> String {
    let port = match edge.port {
        Port::Main => None,
        Port::Late => Some("late rows".to_string()),
        Port::Rejected => Some("bad records".to_string()),
    };
    let changes = (edge.changelog == Changelog::Changes).then(|| "changes".to_string());
    short(&[port, exchange(edge), changes].into_iter().flatten().collect::<Vec<_>>().join(", "), LIST_MAX)
}

fn short(text: &str, max: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= max {
        return text;
    }
    text.chars().take(max - 1).chain(['…']).collect()
}
