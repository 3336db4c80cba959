//! The arguments of TUMBLE and HOP.

use super::scope::{self, Column, Ctes};
use super::statement::{place, tables};
use super::tree::{Node, ends_in, is, is_query, leaf, name};
use super::{Answer, SuggestionKind, query};
use crate::edit::words::WINDOWS;
use crate::edit::words::is_one_of;

/// Within `TABLE(…)`: a window function, or its arguments.
pub(super) fn functions(a: &mut Answer<'_>, nodes: &[Node<'_>], ctes: &Ctes) {
    let at = place(nodes);
    match nodes.get(at) {
        Some(Node::Group(inside)) if leaf_is_window(nodes.get(at.wrapping_sub(1))) => arguments(a, inside, ctes),
        _ if at == 0 => {
            a.word(
                "TUMBLE",
                "TUMBLE(",
                SuggestionKind::Function,
                "TUMBLE(TABLE t, DESCRIPTOR(time), size [, offset])",
            );
            a.word(
                "HOP",
                "HOP(",
                SuggestionKind::Function,
                "HOP(TABLE t, DESCRIPTOR(time), slide, size [, offset])",
            );
        }
        _ => {}
    }
}

fn leaf_is_window(node: Option<&Node<'_>>) -> bool {
    node.and_then(leaf).is_some_and(|p| is_one_of(p.text, WINDOWS))
}

/// Within `TUMBLE(…)`.
pub(super) fn arguments(a: &mut Answer<'_>, nodes: &[Node<'_>], ctes: &Ctes) {
    let at = place(nodes);
    let before = &nodes[..at];
    let last = before.last();
    if let Some(Node::Group(inside)) = nodes.get(at) {
        if is(last, "DESCRIPTOR") {
            return times(a, inside, scope::windowed_table(a.known, nodes, ctes, 0));
        }
        if is_query(inside) {
            query::query(a, inside, ctes, 1);
        }
        return;
    }
    let commas = before.iter().filter(|n| is(Some(n), ",")).count();
    match last {
        None => a.keywords(&["TABLE", "DATA => TABLE"]),
        Some(last) if is(Some(last), "TABLE") || is(Some(last), ".") => tables(a, before, ctes, true),
        Some(last) if is(Some(last), "=>") => match name(before.get(before.len().wrapping_sub(2))).map(|n| n.to_uppercase()).as_deref() {
            Some("DATA") => a.keywords(&["TABLE"]),
            Some("TIMECOL") => a.keywords(&["DESCRIPTOR("]),
            _ => a.keywords(&["INTERVAL"]),
        },
        Some(last) if is(Some(last), ",") && is(before.get(1), "=>") => a.keywords(&["TIMECOL => DESCRIPTOR(", "SIZE =>", "SLIDE =>", "OFFSET =>"]),
        Some(last) if is(Some(last), ",") && commas == 1 => a.keywords(&["DESCRIPTOR("]),
        Some(last) if is(Some(last), ",") => a.keywords(&["INTERVAL"]),
        _ if ends_in(&before[..before.len() - 1], &["INTERVAL"]) => a.keywords(&["SECOND", "MINUTE", "HOUR", "DAY"]),
        _ => {}
    }
}

/// The columns that windows can be cut on.
fn times(a: &mut Answer<'_>, inside: &[Node<'_>], columns: Vec<Column>) {
    if place(inside) > 0 {
        return;
    }
    for (column, ty) in columns.iter().filter(|(_, ty)| ty.is_empty() || ty.starts_with("TIMESTAMP")) {
        a.name(column, SuggestionKind::Column, ty.as_str());
    }
}
