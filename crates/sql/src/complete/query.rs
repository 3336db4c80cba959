//! The clauses of a query, and expressions in them.

use super::columns::types;
use super::scope::{self, Column, Ctes, Source};
use super::statement::{continued, place, tables};
use super::tree::{Node, ends_in, is, is_query, leaf, name, qualifier};
use super::{Answer, SuggestionKind, window};
use crate::edit::Kind;
use crate::edit::words::{WINDOWS, is_function, is_one_of};
use millstream_dataflow::{Field, SqlType};
use millstream_functions::aggregate::NAMES;

/// Words that begin a clause.
const CLAUSES: [&str; 10] = ["SELECT", "FROM", "JOIN", "ON", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "VALUES"];
/// Words behind which an operand stands.
const BEFORE_OPERAND: [&str; 24] = [
    "SELECT",
    "DISTINCT",
    "ALL",
    "WHERE",
    "ON",
    "HAVING",
    "BY",
    "AND",
    "OR",
    "NOT",
    "WHEN",
    "THEN",
    "ELSE",
    "CASE",
    "IN",
    "LIKE",
    "ILIKE",
    "BETWEEN",
    "SYMMETRIC",
    "ASYMMETRIC",
    "TO",
    "FROM",
    "ESCAPE",
    "VALUES",
];
const OPERATORS: [&str; 8] = ["AND", "OR", "IS NULL", "IS NOT NULL", "IN (", "BETWEEN", "LIKE", "NOT"];
const UNITS: [&str; 6] = ["SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR"];
/// What stands for a value without being a call or a column.
const OPERANDS: [&str; 12] = [
    "CASE WHEN",
    "CAST(",
    "TRY_CAST(",
    "NOT",
    "NULL",
    "TRUE",
    "FALSE",
    "INTERVAL",
    "EXTRACT(",
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "LOCALTIMESTAMP",
];
/// Queries within queries that are looked into.
const DEPTH_MAX: usize = 16;

pub(super) fn query(a: &mut Answer<'_>, nodes: &[Node<'_>], outer: &Ctes, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    let (ctes, start) = scope::ctes(a.known, nodes, outer, 0);
    let at = place(nodes);
    if at < start {
        return match nodes.get(at) {
            Some(Node::Group(inside)) if is(nodes.get(at.wrapping_sub(1)), "AS") => query(a, inside, &ctes, depth + 1),
            _ => {}
        };
    }
    let body = &nodes[start..];
    let at = at - start;
    if start > 0 && at == 0 {
        // Behind WITH, behind the name, behind the query.
        return match nodes.get(start - 1) {
            Some(Node::Group(_)) if is(nodes.get(start.wrapping_sub(2)), "AS") => a.keywords(&["SELECT"]),
            Some(last) if is(Some(last), "AS") || is(Some(last), "WITH") || is(Some(last), ",") => {}
            _ => a.keywords(&["AS ("]),
        };
    }
    let cut = |n: &Node<'_>| is(Some(n), "UNION") || is(Some(n), "INTERSECT") || is(Some(n), "EXCEPT");
    let mut begin = body[..at].iter().rposition(cut).map_or(0, |i| i + 1);
    let end = body[at..].iter().position(cut).map_or(body.len(), |i| at + i);
    if begin > 0 {
        if begin == at {
            return a.keywords(&["ALL"]);
        }
        begin += usize::from(is(body.get(begin), "ALL"));
    }
    select(a, &body[begin..end], at - begin.min(at), &ctes, depth);
}

/// One SELECT, with the cursor in its `at`th node.
fn select(a: &mut Answer<'_>, nodes: &[Node<'_>], at: usize, ctes: &Ctes, depth: usize) {
    let before = &nodes[..at];
    let clause_at = before
        .iter()
        .rposition(|n| leaf(n).is_some_and(|p| p.kind == Kind::Word && is_one_of(p.text, &CLAUSES)));
    let Some(clause_at) = clause_at else {
        return match nodes.get(at) {
            Some(Node::Group(inside)) => query(a, inside, ctes, depth + 1),
            _ if before.is_empty() => a.keywords(&["SELECT", "VALUES", "WITH"]),
            _ => {}
        };
    };
    let clause = leaf(&nodes[clause_at]).map_or(String::new(), |p| p.text.to_uppercase());
    let written = &nodes[clause_at..at];
    let sources = scope::sources(a.known, nodes, ctes, 0);
    if let Some(Node::Group(inside)) = nodes.get(at) {
        let opener = before.last().and_then(leaf);
        let table = opener.is_some_and(|p| p.is("FROM") || p.is("JOIN") || p.is(",") && clause == "FROM");
        return match opener {
            _ if is_query(inside) => query(a, inside, ctes, depth + 1),
            _ if table => {
                tables(a, &inside[..place(inside)], ctes, true);
                a.keywords(&["SELECT"]);
            }
            Some(word) if word.is("TABLE") => window::functions(a, inside, ctes),
            Some(word) if is_one_of(word.text, WINDOWS) && matches!(clause.as_str(), "FROM" | "JOIN") => window::arguments(a, inside, ctes),
            _ => arguments(a, inside, opener, &sources, depth),
        };
    }
    match clause.as_str() {
        "FROM" | "JOIN" => from(a, written, ctes, clause == "JOIN"),
        "SELECT" => {
            if written.len() == 1 {
                a.keywords(&["*"]);
            }
            expression(a, written, &sources, &["FROM", "AS"]);
        }
        "WHERE" => expression(a, written, &sources, &["GROUP BY", "UNION ALL"]),
        "ON" => expression(a, written, &sources, &["WHERE", "GROUP BY"]),
        "HAVING" => expression(a, written, &sources, &["UNION ALL"]),
        "GROUP" if !continued(a, written) => {
            expression(a, written, &for_groups(sources, before), &["HAVING", "UNION ALL"]);
            if written.len() == 2 {
                a.keywords(&["GROUPING SETS (", "ROLLUP (", "CUBE ("]);
            }
        }
        "VALUES" => a.keywords(&["ROW ("]),
        _ => {
            continued(a, written);
        }
    }
}

/// Columns in the order in which they are grouped by: those of the window, then those that are selected as they are.
fn for_groups(mut sources: Vec<Source>, before: &[Node<'_>]) -> Vec<Source> {
    let start = before.iter().position(|n| is(Some(n), "SELECT")).map_or(0, |at| at + 1);
    let end = before.iter().position(|n| is(Some(n), "FROM")).unwrap_or(start).max(start);
    let mut selected = Vec::new();
    for item in before[start..end].split(|n| is(Some(n), ",")) {
        let value = item.split(|n| is(Some(n), "AS")).next().unwrap_or(item);
        // A name and its alias, or a name of parts.
        let (given, first) = qualifier(&value[..value.len().saturating_sub(1)]);
        match value {
            [only] | [only, Node::Leaf(_)] if given.is_empty() => selected.extend(name(Some(only))),
            [.., last] if first == 0 => selected.extend(name(Some(last))),
            _ => {}
        }
    }
    let place = |column: &String| match column.as_str() {
        "window_start" => 0,
        "window_end" => 1,
        _ if selected.contains(column) => 2,
        _ => 3,
    };
    sources.iter_mut().for_each(|s| s.columns.sort_by_key(|(column, _)| place(column)));
    sources
}

/// Behind FROM or JOIN.
fn from(a: &mut Answer<'_>, written: &[Node<'_>], ctes: &Ctes, joins: bool) {
    let last = written.last();
    let (given, start) = qualifier(written);
    let expects = |node: Option<&Node<'_>>| ["FROM", "JOIN", ","].iter().any(|w| is(node, w));
    if expects(start.checked_sub(1).and_then(|i| written.get(i))) && (expects(last) || !given.is_empty()) {
        tables(a, written, ctes, true);
        if given.is_empty() {
            a.keywords(&["TABLE(", "TUMBLE(", "HOP("]);
        }
        return;
    }
    if is(last, "AS") || is(last, ".") || continued(a, written) {
        return;
    }
    if is(last, "LEFT") || is(last, "RIGHT") || is(last, "FULL") || is(last, "INNER") || is(last, "CROSS") {
        return a.keywords(&["JOIN"]);
    }
    if joins {
        a.keywords(&["ON"]);
    }
    a.keywords(&["WHERE", "GROUP BY", "AS", "UNION ALL"]);
}

/// What stands in brackets of an expression.
///
/// - `opener`: what stands before them
pub(super) fn arguments(a: &mut Answer<'_>, nodes: &[Node<'_>], opener: Option<crate::edit::Piece<'_>>, sources: &[Source], depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    let at = place(nodes);
    let before = &nodes[..at];
    if let Some(Node::Group(inside)) = nodes.get(at) {
        return match is_query(inside) {
            true => query(a, inside, &Ctes::default(), depth + 1),
            false => arguments(a, inside, before.last().and_then(leaf), sources, depth + 1),
        };
    }
    let opened = |word: &str| opener.is_some_and(|p| p.is(word));
    match before {
        [] if opened("FILTER") => a.keywords(&["WHERE"]),
        [] if opened("EXTRACT") => a.keywords(&UNITS),
        [_] if opened("EXTRACT") => a.keywords(&["FROM"]),
        [.., last] if is(Some(last), "AS") && (opened("CAST") || opened("TRY_CAST")) => types(a),
        _ if opened("CAST") || opened("TRY_CAST") => expression(a, before, sources, &["AS"]),
        _ if continued(a, before) => {}
        _ => {
            if before.is_empty() && (opened("IN") || opened("EXISTS")) {
                a.keywords(&["SELECT"]);
            }
            if before.is_empty() && opened("COUNT") {
                a.keywords(&["*", "DISTINCT"]);
            }
            expression(a, before, sources, &[]);
        }
    }
}

/// An expression, or several.
///
/// - `next`: what may follow it
pub(super) fn expression(a: &mut Answer<'_>, before: &[Node<'_>], sources: &[Source], next: &[&str]) {
    let (given, _) = qualifier(before);
    if !given.is_empty() {
        return qualified(a, &given, sources);
    }
    let last = before.last();
    if is(last, "AS") || is(last, "INTERVAL") || is(last, ".") {
        return;
    }
    if continued(a, before) {
        return;
    }
    if ends_in(&before[..before.len().saturating_sub(1)], &["INTERVAL"]) {
        return a.keywords(&UNITS);
    }
    if operand_follows(before) {
        operands(a, sources);
        if is(last, "NOT") {
            a.keywords(&["IN (", "BETWEEN", "LIKE", "EXISTS ("]);
        }
        return;
    }
    let open_cases = before
        .iter()
        .fold(0, |n, node| n + i32::from(is(Some(node), "CASE")) - i32::from(is(Some(node), "END")));
    if open_cases > 0 {
        a.keywords(&["WHEN", "THEN", "ELSE", "END"]);
    }
    a.keywords(next);
    if matches!(last, Some(Node::Group(_)))
        && before.len() > 1
        && name(before.get(before.len() - 2)).is_some_and(|f| NAMES.contains(&f.to_lowercase().as_str()))
    {
        a.keywords(&["FILTER (WHERE"]);
    }
    a.keywords(&OPERATORS);
}

/// Whether an operand is to come.
fn operand_follows(before: &[Node<'_>]) -> bool {
    match before.last() {
        None => true,
        Some(Node::Leaf(piece)) => match piece.kind {
            Kind::Word => is_one_of(piece.text, &BEFORE_OPERAND),
            // `SELECT *`, `COUNT(*`, `t.*`.
            Kind::Sign if piece.text == "*" => {
                let two = before.len().checked_sub(2).and_then(|i| before.get(i));
                !(two.is_none() || is(two, "SELECT") || is(two, ",") || is(two, "."))
            }
            Kind::Sign => true,
            _ => false,
        },
        _ => false,
    }
}

/// Columns of what a name stands for: a table of FROM, or a column of type ROW.
fn qualified(a: &mut Answer<'_>, given: &[String], sources: &[Source]) {
    if let [one] = given {
        let of: Vec<Column> = sources.iter().filter(|s| s.alias == *one).flat_map(|s| s.columns.iter().cloned()).collect();
        for (column, ty) in of {
            a.name(&column, SuggestionKind::Column, ty);
        }
        if sources.iter().any(|s| s.alias == *one) {
            a.keywords(&["*"]);
            return;
        }
    }
    // The fields of a ROW, as deep as they are named.
    let (mut ty, mut rest) = (scope::find(sources, &given[..1]), &given[1..]);
    if ty.is_none() && given.len() > 1 {
        (ty, rest) = (scope::find(sources, &given[..2]), &given[2..]);
    }
    let Some(mut field) = ty.and_then(|ty| Field::parse_type("", &ty).ok()) else {
        return;
    };
    for name in rest {
        let SqlType::Row(fields) = &field.ty else { return };
        let Some(inner) = fields.iter().find(|f| f.name == *name).cloned() else {
            return;
        };
        field = inner;
    }
    if let SqlType::Row(fields) = &field.ty {
        for f in fields.iter() {
            a.name(&f.name, SuggestionKind::Column, f.type_text());
        }
    }
}

/// Columns, functions, and the words that begin a value.
fn operands(a: &mut Answer<'_>, sources: &[Source]) {
    let several = |name: &str| sources.iter().filter(|s| s.columns.iter().any(|(n, _)| n == name)).count() > 1;
    for source in sources {
        for (column, ty) in &source.columns {
            if several(column) && !source.alias.is_empty() {
                let (alias, name) = (written(&source.alias), written(column));
                a.qualified(column, format!("{alias}.{name}"), SuggestionKind::Column, ty.as_str());
            } else {
                a.name(column, SuggestionKind::Column, ty.as_str());
            }
        }
    }
    for source in sources.iter().filter(|s| !s.alias.is_empty()) {
        a.name(&source.alias, SuggestionKind::Alias, "FROM");
    }
    for name in NAMES {
        let call = name.to_uppercase();
        let usage = if *name == "count" {
            "COUNT(*), COUNT([DISTINCT] value)".to_string()
        } else {
            format!("{call}([DISTINCT] value)")
        };
        a.word(&call, &format!("{call}("), SuggestionKind::Function, usage);
    }
    a.keywords(&OPERANDS);
    let mut before = "";
    for function in millstream_functions::functions() {
        let call = function.name.to_uppercase();
        if function.name == before || !function.usage.starts_with(&format!("{call}(")) || !is_function(function.name) {
            continue;
        }
        before = function.name;
        let text = if function.usage.starts_with(&format!("{call}()")) {
            format!("{call}()")
        } else {
            format!("{call}(")
        };
        let detail = if function.doc.is_empty() {
            function.usage.to_string()
        } else {
            format!("{}  {}", function.usage, function.doc)
        };
        a.word(&call, &text, SuggestionKind::Function, detail);
    }
}

fn written(name: &str) -> String {
    if super::is_plain(name) { name.to_string() } else { crate::show::quoted(name) }
}
