//! The columns of CREATE TABLE, as they are written.

use super::scope::{Column, Source};
use super::statement::{continued, place};
use super::tree::{Node, ends_in, is, leaf, name};
use super::{Answer, SuggestionKind, query};
use crate::edit::Kind;
use crate::edit::words::{TYPES, is_one_of};
use millstream_dataflow::ConnectorSpec;

/// Words that begin something else than a column.
const NO_COLUMN: [&str; 3] = ["WATERMARK", "PRIMARY", "CONSTRAINT"];
/// Words that end a column's type.
const AFTER_TYPE: [&str; 5] = ["NOT", "METADATA", "COMMENT", "PRIMARY", "AS"];

/// The columns that a list declares, with the types as far as they are written.
pub(super) fn declared(inside: &[Node<'_>]) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut depth = 0;
    let elements = inside.split(|n| {
        // The fields of ROW<a INT, b INT> are no elements.
        depth += i32::from(is(Some(n), "<")) - i32::from(is(Some(n), ">")) - 2 * i32::from(is(Some(n), ">>"));
        depth <= 0 && is(Some(n), ",")
    });
    for element in elements {
        let element: Vec<&Node<'_>> = element.iter().filter(|n| !matches!(n, Node::Cursor)).collect();
        let Some(column) = name(element.first().copied()).filter(|_| !element.first().is_some_and(|n| NO_COLUMN.iter().any(|w| is(Some(n), w)))) else {
            continue;
        };
        let ty = element[1..].iter().take_while(|n| !AFTER_TYPE.iter().any(|w| is(Some(n), w)));
        columns.push((column, ty.map(|n| shown(n)).collect()));
    }
    columns
}

/// The text of a type's node.
fn shown(node: &Node<'_>) -> String {
    match node {
        Node::Leaf(piece) if piece.kind == Kind::Sign => piece.text.to_string(),
        Node::Leaf(piece) => piece.text.to_uppercase(),
        Node::Group(inside) => format!("({})", inside.iter().map(shown).collect::<String>()),
        Node::Cursor => String::new(),
    }
}

/// Names of columns in a list, those that are not in it yet.
pub(super) fn listed(a: &mut Answer<'_>, inside: &[Node<'_>], columns: &[Column]) {
    let at = place(inside);
    if at > 0 && !is(inside.get(at - 1), ",") {
        return;
    }
    let given: Vec<String> = inside.iter().filter_map(|n| name(Some(n))).collect();
    for (column, ty) in columns.iter().filter(|(c, _)| !given.contains(c)) {
        a.name(column, SuggestionKind::Column, ty.as_str());
    }
}

/// What stands in the brackets behind a table's name.
pub(super) fn definitions(a: &mut Answer<'_>, inside: &[Node<'_>], columns: &[Column], connector: Option<&'static ConnectorSpec>) {
    let at = place(inside);
    let start = inside[..at].iter().rposition(|n| is(Some(n), ",")).map_or(0, |i| i + 1);
    if let Some(Node::Group(group)) = inside.get(at) {
        if is(inside.get(at.wrapping_sub(1)), "KEY") {
            return listed(a, group, columns);
        }
        if inside[start..at].iter().any(|n| is(Some(n), "AS")) {
            return query::arguments(a, group, inside.get(at - 1).and_then(leaf), &as_source(columns), 0);
        }
        return;
    }
    definition(a, &inside[start..at], columns, connector);
}

/// What may follow in one element of the list.
pub(super) fn definition(a: &mut Answer<'_>, before: &[Node<'_>], columns: &[Column], connector: Option<&'static ConnectorSpec>) {
    if continued(a, before) {
        return;
    }
    let Some(first) = before.first() else {
        return a.keywords(&["WATERMARK FOR", "PRIMARY KEY (", "CONSTRAINT"]);
    };
    let last = before.last();
    if is(Some(first), "WATERMARK") {
        return match before.len() {
            2 => {
                for (column, ty) in columns.iter().filter(|(_, ty)| ty.is_empty() || ty.starts_with("TIMESTAMP")) {
                    a.name(column, SuggestionKind::Column, ty.as_str());
                }
            }
            3 => a.keywords(&["AS"]),
            _ => query::expression(a, &before[4..], &as_source(columns), &[]),
        };
    }
    if is(Some(first), "CONSTRAINT") {
        return match before.len() {
            2 => a.keywords(&["PRIMARY KEY ("]),
            _ if matches!(last, Some(Node::Group(_))) => a.keywords(&["NOT ENFORCED"]),
            _ => {}
        };
    }
    if is(Some(first), "PRIMARY") {
        if matches!(last, Some(Node::Group(_))) {
            a.keywords(&["NOT ENFORCED"]);
        }
        return;
    }
    if let Some(computed) = before.iter().position(|n| is(Some(n), "AS")) {
        return query::expression(a, &before[computed + 1..], &as_source(columns), &["COMMENT"]);
    }
    if ends_in(before, &["METADATA", "FROM"]) {
        for key in connector.map_or(&[][..], |c| c.metadata) {
            a.text(key.key, "", SuggestionKind::OptionValue, format!("{}: {}", key.ty, key.doc));
        }
        return;
    }
    match before {
        [_] => {
            types(a);
            a.keywords(&["AS", "METADATA"]);
        }
        [.., last] if ["<", ","].iter().any(|w| is(Some(last), w)) => types(a),
        [.., open, _] if is(Some(open), "<") && !leaf(&before[before.len() - 1]).is_some_and(|p| is_one_of(p.text, TYPES)) => types(a),
        [.., last] if is(Some(last), "METADATA") => a.keywords(&["FROM", "VIRTUAL"]),
        [.., last] if is(Some(last), "NOT") => a.keywords(&["NULL", "ENFORCED"]),
        [.., last] if is(Some(last), "TIMESTAMP") => a.keywords(&["(3)", "NOT NULL", "METADATA", "COMMENT"]),
        [.., last] if is(Some(last), "COMMENT") => {}
        _ if before.iter().any(|n| is(Some(n), "METADATA")) => a.keywords(&["VIRTUAL", "COMMENT"]),
        _ => a.keywords(&["NOT NULL", "METADATA", "PRIMARY KEY NOT ENFORCED", "COMMENT"]),
    }
}

pub(super) fn types(a: &mut Answer<'_>) {
    for ty in TYPES {
        let detail = match *ty {
            "TIMESTAMP_LTZ" => "(p): a point in time",
            "TIMESTAMP" => "(p): date and time without a zone",
            "DECIMAL" => "(p, s)",
            "ARRAY" => "<type>",
            "MAP" => "<type, type>",
            "ROW" => "<name type, …>",
            "STRING" => "VARCHAR(2147483647)",
            "BYTES" => "VARBINARY(2147483647)",
            _ => "",
        };
        a.word(ty, ty, SuggestionKind::Type, detail);
    }
}

/// The declared columns as what an expression can name.
fn as_source(columns: &[Column]) -> Vec<Source> {
    vec![Source {
        alias: String::new(),
        columns: columns.to_vec(),
    }]
}
