//! Rules as railroad diagrams.

use super::ebnf::{Part, Rule};
use railroad::{Choice, Diagram, Empty, Node, NonTerminal, Optional, Repeat, Sequence, SimpleEnd, SimpleStart, Stack, Stylesheet, Terminal};

/// Pixels up to which parts stand in one row.
const ROW: i64 = 900;

pub(super) fn svg(rule: &Rule) -> String {
    let mut rows: Vec<Box<dyn Node>> = Vec::new();
    let mut row: Vec<Box<dyn Node>> = vec![Box::new(SimpleStart)];
    let parts = match &rule.body {
        Part::All(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    for part in nodes(parts).into_iter().chain([Box::new(SimpleEnd) as Box<dyn Node>]) {
        let width: i64 = row.iter().map(Node::width).sum();
        if width + part.width() > ROW && row.len() > 1 {
            rows.push(Box::new(Sequence::new(std::mem::take(&mut row))));
        }
        row.push(part);
    }
    rows.push(Box::new(Sequence::new(row)));
    let root: Box<dyn Node> = if rows.len() == 1 { rows.remove(0) } else { Box::new(Stack::new(rows)) };
    format!("{}\n", Diagram::new_with_stylesheet(root, &Stylesheet::Light))
}

fn drawn(part: &Part) -> Box<dyn Node> {
    match part {
        Part::Word(word) => Box::new(Terminal::new(word.clone())),
        Part::Name(name) => Box::new(NonTerminal::new(name.clone())),
        Part::All(parts) => sequence(parts),
        Part::One(parts) => Box::new(Choice::new(parts.iter().map(drawn).collect::<Vec<_>>())),
        Part::Maybe(part) => Box::new(Optional::new(drawn(part))),
        Part::Many(part) => Box::new(Optional::new(Repeat::new(drawn(part), Empty))),
    }
}

fn sequence(parts: &[Part]) -> Box<dyn Node> {
    Box::new(Sequence::new(nodes(parts)))
}

/// The parts of a sequence: `a { "," a }` is one that is gone through again.
fn nodes(parts: &[Part]) -> Vec<Box<dyn Node>> {
    let mut nodes: Vec<Box<dyn Node>> = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let Part::Many(again) = part else {
            nodes.push(drawn(part));
            continue;
        };
        let again = match again.as_ref() {
            Part::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let (between, repeated) = match again {
            [sign @ Part::Word(_), repeated @ ..] if parts[..n].ends_with(repeated) => (drawn(sign), repeated),
            repeated => (Box::new(Empty) as Box<dyn Node>, repeated),
        };
        if parts[..n].ends_with(repeated) {
            nodes.truncate(nodes.len() - repeated.len());
            nodes.push(Box::new(Repeat::new(sequence(repeated), between)));
        } else {
            nodes.push(drawn(part));
        }
    }
    nodes
}
