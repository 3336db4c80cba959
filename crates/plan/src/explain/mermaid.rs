//! A plan as a flowchart of Mermaid, which Markdown pages draw.

use super::card::{Role, card, label};
use crate::describe::{Changelog, Description};
use std::fmt::Write;

/// The flowchart. Edges with updates and deletions are thick.
pub fn mermaid(description: &Description) -> String {
    let mut out = "flowchart TD\n".to_string();
    for (i, operator) in description.operators.iter().enumerate() {
        let card = card(operator);
        let lines: String = card.lines.iter().map(|l| format!("<br/>{}", text(l))).collect();
        let (open, close) = match card.role {
            Role::Source | Role::Sink => ("([", "])"),
            Role::Stateful => ("[[", "]]"),
            Role::Stateless => ("[", "]"),
        };
        let _ = writeln!(out, "  n{i}{open}\"<b>{}</b>{lines}\"{close}", text(&card.title));
    }
    for (i, operator) in description.operators.iter().enumerate() {
        for edge in &operator.inputs {
            let arrow = if edge.changelog == Changelog::Changes { "==>" } else { "-->" };
            let label = label(edge);
            let label = if label.is_empty() { String::new() } else { format!("|\"{}\"|", text(&label)) };
            let _ = writeln!(out, "  n{} {arrow}{label} n{i}", edge.index);
        }
    }
    out
}

/// Mermaid's own entities begin with `#`, without the `&`.
fn text(text: &str) -> String {
    let entities = text.replace('#', "#35;").replace('"', "#quot;").replace('`', "#96;");
    entities.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
