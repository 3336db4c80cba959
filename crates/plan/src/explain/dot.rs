//! A plan in the language of Graphviz.

use super::card::{Role, card, label};
use crate::describe::{Changelog, Description};
use std::fmt::Write;

/// The directed graph. Edges with updates and deletions are bold.
pub fn dot(description: &Description) -> String {
    let mut out = format!(
        "digraph {} {{\n  rankdir = TB;\n  node [shape = box, style = \"rounded,filled\", fontname = \"monospace\", fontsize = 11];\n  edge [fontname = \"monospace\", fontsize = 10];\n",
        quoted(&description.job)
    );
    for (i, operator) in description.operators.iter().enumerate() {
        let card = card(operator);
        let label: Vec<String> = std::iter::once(card.title).chain(card.lines).collect();
        let colour = match card.role {
            Role::Source => "#dafbe1",
            Role::Sink => "#ddf4ff",
            Role::Stateful => "#fff8c5",
            Role::Stateless => "#f6f8fa",
        };
        let _ = writeln!(
            out,
            "  n{i} [label = {}, fillcolor = \"{colour}\", tooltip = {}];",
            quoted(&label.join("\n")),
            quoted(&operator.id)
        );
    }
    for (i, operator) in description.operators.iter().enumerate() {
        for edge in &operator.inputs {
            let style = if edge.changelog == Changelog::Changes { ", style = bold" } else { "" };
            let _ = writeln!(out, "  n{} -> n{i} [label = {}{style}];", edge.index, quoted(&label(edge)));
        }
    }
    out + "}\n"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
