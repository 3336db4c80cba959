//! The columns that a query can name: of its tables, views, CTEs, subqueries and windows.

use super::tree::{Node, has_cursor, is, is_query, leaf, name, path};
use crate::edit::Kind;
use crate::edit::words::{WINDOWS, is_one_of};
use crate::known::{Known, KnownTable};

/// A column's name and type; the type is empty where only binding would tell it.
pub(super) type Column = (String, String);

/// What stands in a FROM clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// What its columns can be qualified with.
    pub(super) alias: String,
    pub(super) columns: Vec<Column>,
}

/// Names that stand for queries: of WITH.
#[derive(Debug, Clone, Default)]
pub(super) struct Ctes(pub(super) Vec<Source>);

/// Queries within queries that are looked into.
const DEPTH_MAX: usize = 16;

/// Words behind a table that are no alias of it.
const NO_ALIAS: [&str; 26] = [
    "AS",
    "CROSS",
    "EXCEPT",
    "FETCH",
    "FOR",
    "FULL",
    "GROUP",
    "HAVING",
    "INNER",
    "INTERSECT",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIMIT",
    "MATCH_RECOGNIZE",
    "NATURAL",
    "OFFSET",
    "ON",
    "ORDER",
    "RIGHT",
    "TABLESAMPLE",
    "UNION",
    "USING",
    "WHERE",
    "WINDOW",
    "WITH",
];
/// Words that end a FROM clause.
const AFTER_FROM: [&str; 11] = [
    "WHERE",
    "GROUP",
    "HAVING",
    "WINDOW",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
];

/// The table or view of a name with one to three parts.
pub(super) fn table<'k>(known: &'k Known, parts: &[String]) -> Option<&'k KnownTable> {
    let mut whole: Vec<&String> = vec![&known.current_catalog, &known.current_database];
    whole.truncate(3usize.saturating_sub(parts.len()));
    whole.extend(parts);
    known.tables.iter().find(|t| t.path.iter().eq(whole.iter().copied()))
}

/// The CTEs of a query, and where what follows them begins.
pub(super) fn ctes(known: &Known, nodes: &[Node<'_>], outer: &Ctes, depth: usize) -> (Ctes, usize) {
    let mut all = outer.clone();
    if !is(nodes.first(), "WITH") {
        return (all, 0);
    }
    let mut at = 1;
    while let Some(alias) = name(nodes.get(at)).filter(|_| !is(nodes.get(at), "SELECT")) {
        at += 1;
        let mut named = None;
        if let Some(Node::Group(inside)) = nodes.get(at) {
            named = Some(list(inside));
            at += 1;
        }
        if is(nodes.get(at), "AS") {
            at += 1;
        }
        if let Some(Node::Group(query)) = nodes.get(at) {
            // One that is being written does not know itself.
            if !query.iter().any(has_cursor) {
                let columns = renamed(output(known, query, &all, depth + 1), named);
                all.0.push(Source { alias, columns });
            }
            at += 1;
        }
        if !is(nodes.get(at), ",") {
            break;
        }
        at += 1;
    }
    (all, at)
}

/// The names in `(a, b)`.
fn list(inside: &[Node<'_>]) -> Vec<String> {
    inside.iter().filter_map(|n| name(Some(n))).collect()
}

fn renamed(columns: Vec<Column>, names: Option<Vec<String>>) -> Vec<Column> {
    match names {
        None => columns,
        Some(names) => {
            let types = columns.into_iter().map(|(_, ty)| ty).chain(std::iter::repeat(String::new()));
            names.into_iter().zip(types).collect()
        }
    }
}

/// The sources of one SELECT's FROM clause.
pub(super) fn sources(known: &Known, select: &[Node<'_>], ctes: &Ctes, depth: usize) -> Vec<Source> {
    let Some(from) = select.iter().position(|n| is(Some(n), "FROM")) else {
        return Vec::new();
    };
    let rest = &select[from + 1..];
    let end = rest
        .iter()
        .position(|n| leaf(n).is_some_and(|p| is_one_of(p.text, &AFTER_FROM)))
        .unwrap_or(rest.len());
    joined(known, &rest[..end], ctes, depth)
}

/// Tables with commas and joins between them.
fn joined(known: &Known, nodes: &[Node<'_>], ctes: &Ctes, depth: usize) -> Vec<Source> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut expected = true;
    while at < nodes.len() {
        if !expected {
            expected = is(nodes.get(at), ",") || is(nodes.get(at), "JOIN");
            at += 1;
            continue;
        }
        if is(nodes.get(at), "LATERAL") || matches!(nodes.get(at), Some(Node::Cursor)) {
            at += 1;
            continue;
        }
        expected = false;
        let taken = item(known, &nodes[at..], ctes, depth, &mut found);
        at += taken.max(1);
    }
    found
}

/// One table with its alias; gives how many nodes it takes.
fn item(known: &Known, nodes: &[Node<'_>], ctes: &Ctes, depth: usize, found: &mut Vec<Source>) -> usize {
    if depth > DEPTH_MAX {
        return nodes.len();
    }
    let mut alias = String::new();
    let (mut columns, mut at) = match nodes.first() {
        Some(Node::Group(inside)) if is_query(inside) => (output(known, inside, ctes, depth + 1), 1),
        Some(Node::Group(inside)) => {
            found.extend(joined(known, inside, ctes, depth + 1));
            return 1;
        }
        Some(first) if is(Some(first), "TABLE") => match nodes.get(1) {
            Some(Node::Group(inside)) => (windowed(known, inside, ctes, depth), 2),
            _ => return 1,
        },
        Some(Node::Leaf(word)) if is_one_of(word.text, WINDOWS) && matches!(nodes.get(1), Some(Node::Group(_))) => {
            (windowed(known, &nodes[..2], ctes, depth), 2)
        }
        _ => {
            let (parts, taken) = path(nodes);
            alias = parts.last().cloned().unwrap_or_default();
            let cte = ctes.0.iter().rev().find(|c| parts.len() == 1 && c.alias == alias);
            let columns = cte.map(|c| c.columns.clone()).or_else(|| table(known, &parts).map(|t| t.columns.clone()));
            // A function such as UNNEST.
            let called = matches!(nodes.get(taken), Some(Node::Group(_)));
            (columns.unwrap_or_default(), taken + usize::from(called))
        }
    };
    if is(nodes.get(at), "FOR") {
        at += nodes[at..].iter().position(|n| is(Some(n), "OF")).map_or(1, |of| of + 1);
        at += path(&nodes[at.min(nodes.len())..]).1;
    }
    let aliased = is(nodes.get(at), "AS");
    at += usize::from(aliased);
    if let Some(given) = name(nodes.get(at)).filter(|n| aliased || !is_one_of(n, &NO_ALIAS)) {
        alias = given;
        at += 1;
        if let Some(Node::Group(inside)) = nodes.get(at) {
            columns = renamed(columns, Some(list(inside)));
            at += 1;
        }
    }
    found.push(Source { alias, columns });
    at
}

/// The columns of `TUMBLE(TABLE t, …)`.
fn windowed(known: &Known, call: &[Node<'_>], ctes: &Ctes, depth: usize) -> Vec<Column> {
    let Some(args) = call.iter().find_map(|n| match n {
        Node::Group(args) => Some(args),
        _ => None,
    }) else {
        return Vec::new();
    };
    let mut columns = windowed_table(known, args, ctes, depth);
    let descriptor = args.iter().position(|n| is(Some(n), "DESCRIPTOR")).and_then(|i| match args.get(i + 1) {
        Some(Node::Group(inside)) => name(inside.first()),
        _ => None,
    });
    let time = columns.iter().find(|(c, _)| Some(c) == descriptor.as_ref());
    // The types of our own texts say it in either way.
    let local = time.is_some_and(|(_, ty)| ty.contains("LTZ") || ty.contains("LOCAL TIME ZONE"));
    let attribute = if local { "TIMESTAMP_LTZ(3)" } else { "TIMESTAMP(3)" };
    columns.extend([("window_start", "TIMESTAMP(3)"), ("window_end", "TIMESTAMP(3)"), ("window_time", attribute)].map(|(n, t)| (n.to_string(), t.to_string())));
    columns
}

/// The columns of the table that stands in the arguments of a window function.
pub(super) fn windowed_table(known: &Known, args: &[Node<'_>], ctes: &Ctes, depth: usize) -> Vec<Column> {
    let Some(of) = args.iter().position(|n| is(Some(n), "TABLE")) else {
        return match args.first() {
            Some(Node::Group(query)) if is_query(query) => output(known, query, ctes, depth + 1),
            _ => Vec::new(),
        };
    };
    let mut found = Vec::new();
    item(known, &args[of + 1..], ctes, depth + 1, &mut found);
    found.pop().map(|s| s.columns).unwrap_or_default()
}

/// The columns that a query gives.
pub(super) fn output(known: &Known, nodes: &[Node<'_>], outer: &Ctes, depth: usize) -> Vec<Column> {
    if depth > DEPTH_MAX {
        return Vec::new();
    }
    let (ctes, start) = ctes(known, nodes, outer, depth);
    let body = &nodes[start..];
    if let Some(Node::Group(inside)) = body.first() {
        return output(known, inside, &ctes, depth + 1);
    }
    let Some(select) = body.iter().position(|n| is(Some(n), "SELECT")) else {
        return Vec::new();
    };
    let sources = sources(known, &body[select..], &ctes, depth);
    let items = &body[select + 1..];
    let end = items
        .iter()
        .position(|n| is(Some(n), "FROM") || leaf(n).is_some_and(|p| is_one_of(p.text, &AFTER_FROM)))
        .unwrap_or(items.len());
    let mut columns = Vec::new();
    for (i, item) in items[..end].split(|n| is(Some(n), ",")).enumerate() {
        let item = if is(item.first(), "DISTINCT") || is(item.first(), "ALL") {
            &item[1..]
        } else {
            item
        };
        if is(item.last(), "*") && item.len() == 1 {
            columns.extend(sources.iter().flat_map(|s| s.columns.iter().cloned()));
        } else if is(item.last(), "*") && is(item.get(1), ".") {
            let of = name(item.first()).unwrap_or_default();
            columns.extend(sources.iter().filter(|s| s.alias == of).flat_map(|s| s.columns.iter().cloned()));
        } else {
            columns.push(selected(item, i, &sources));
        }
    }
    columns
}

/// The name and type of one item of a SELECT.
fn selected(item: &[Node<'_>], i: usize, sources: &[Source]) -> Column {
    let last = name(item.last());
    let follows_operand = match item.len().checked_sub(2).and_then(|n| item.get(n)) {
        Some(Node::Leaf(p)) => p.is("AS") || p.is("END") || !matches!(p.kind, Kind::Sign),
        Some(Node::Group(_)) => true,
        _ => false,
    };
    let (expr, alias) = match last {
        Some(alias) if follows_operand => {
            let cut = item.len() - if is(item.get(item.len() - 2), "AS") { 2 } else { 1 };
            (&item[..cut], Some(alias))
        }
        _ => (item, None),
    };
    let (parts, taken) = path(expr);
    let plain = taken == expr.len() && !parts.is_empty();
    let ty = match expr.first() {
        Some(Node::Leaf(p)) if p.is("COUNT") => "BIGINT".to_string(),
        _ if plain => find(sources, &parts).unwrap_or_default(),
        _ => String::new(),
    };
    let name = alias.or_else(|| parts.last().filter(|_| plain).cloned());
    (name.unwrap_or_else(|| format!("EXPR${i}")), ty)
}

/// The type of a column by its name, or by its source's and its own.
pub(super) fn find(sources: &[Source], parts: &[String]) -> Option<String> {
    let (qualifier, column) = match parts {
        [column] => (None, column),
        [qualifier, column] => (Some(qualifier), column),
        _ => return None,
    };
    let of = |s: &&Source| qualifier.is_none_or(|q| s.alias == *q);
    sources
        .iter()
        .filter(of)
        .flat_map(|s| &s.columns)
        .find(|(name, _)| name == column)
        .map(|(_, ty)| ty.clone())
}
