//! Which clause of which statement the cursor stands in.

use super::scope::{self, Column, Ctes};
use super::tree::{Node, begins_with, ends_in, has_cursor, is, is_query, leaf, name, path, qualifier};
use super::{Answer, SuggestionKind, columns, options, query};
use crate::edit::words::is_one_of;
use crate::known::KnownTable;

/// The statements there are.
const STATEMENTS: [&str; 15] = [
    "SELECT",
    "INSERT INTO",
    "CREATE",
    "WITH",
    "EXPLAIN",
    "DESCRIBE",
    "SHOW",
    "USE",
    "SET",
    "RESET",
    "ALTER",
    "DROP",
    "VALUES",
    "EXECUTE STATEMENT SET BEGIN",
    "BEGIN STATEMENT SET",
];

/// Words that only certain ones follow.
const CONTINUED: &[(&[&str], &[&str])] = &[
    (&["INSERT"], &["INTO"]),
    (&["GROUP"], &["BY"]),
    (&["ORDER"], &["BY"]),
    (&["PARTITION"], &["BY"]),
    (&["PARTITIONED"], &["BY"]),
    (&["GROUPING"], &["SETS"]),
    (&["UNION"], &["ALL"]),
    (&["UNION", "ALL"], &["SELECT"]),
    (&["IF"], &["NOT EXISTS", "EXISTS"]),
    (&["IF", "NOT"], &["EXISTS"]),
    (&["EXECUTE"], &["STATEMENT SET BEGIN"]),
    (&["EXECUTE", "STATEMENT"], &["SET BEGIN"]),
    (&["BEGIN"], &["STATEMENT SET"]),
    (&["BEGIN", "STATEMENT"], &["SET"]),
    (&["STATEMENT", "SET"], &["BEGIN"]),
    (&["PRIMARY"], &["KEY"]),
    (&["WATERMARK"], &["FOR"]),
    (&["IS", "NOT"], &["NULL", "TRUE", "FALSE", "DISTINCT FROM", "JSON"]),
    (&["IS"], &["NULL", "NOT NULL", "TRUE", "FALSE", "DISTINCT FROM", "NOT DISTINCT FROM", "JSON"]),
];

/// The number of the node that the cursor is or stands in.
pub(super) fn place(nodes: &[Node<'_>]) -> usize {
    nodes.iter().position(has_cursor).unwrap_or(nodes.len())
}

/// What may follow, where that is clear from the last words alone.
pub(super) fn continued(a: &mut Answer<'_>, before: &[Node<'_>]) -> bool {
    match CONTINUED.iter().find(|(words, _)| ends_in(before, words)) {
        Some((_, next)) => {
            a.keywords(next);
            true
        }
        None => false,
    }
}

/// - `in_set`: whether a statement set is open
pub(super) fn statement(a: &mut Answer<'_>, mut nodes: &[Node<'_>], mut in_set: bool) {
    for begin in [["EXECUTE", "STATEMENT", "SET", "BEGIN"].as_slice(), &["EXPLAIN", "STATEMENT", "SET", "BEGIN"]] {
        if begins_with(nodes, begin) {
            in_set = true;
            nodes = &nodes[begin.len()..];
        }
    }
    let explained = is(nodes.first(), "EXPLAIN");
    if explained {
        nodes = &nodes[1..];
        if begins_with(nodes, &["PLAN", "FOR"]) {
            nodes = &nodes[2..];
        }
    }
    let at = place(nodes);
    let before = &nodes[..at];
    let Some(first) = before.first().and_then(leaf) else {
        return match nodes.get(at) {
            Some(Node::Group(inside)) => query::query(a, inside, &Ctes::default(), 0),
            _ if in_set => a.keywords(&["INSERT INTO", "END"]),
            _ if explained => a.keywords(&["SELECT", "INSERT INTO", "WITH", "STATEMENT SET BEGIN", "PLAN FOR"]),
            _ => a.keywords(&STATEMENTS),
        };
    };
    match first.text.to_uppercase().as_str() {
        "SELECT" | "WITH" | "VALUES" => query::query(a, nodes, &Ctes::default(), 0),
        _ if !matches!(nodes.get(at), Some(Node::Group(_))) && continued(a, before) => {}
        "INSERT" => insert(a, nodes, at),
        "CREATE" => create(a, nodes, at),
        "ALTER" => alter(a, nodes, at),
        "DROP" => drop(a, before),
        "SHOW" => show(a, before),
        "DESCRIBE" | "DESC" if is(before.get(1), "CATALOG") => {
            if before.len() == 2 {
                a.keywords(&["EXTENDED"]);
            }
            if before.len() == 2 || (before.len() == 3 && is(before.last(), "EXTENDED")) {
                catalogs(a);
            }
        }
        "DESCRIBE" | "DESC" => {
            let last = before.last();
            if before.len() == 1 || is(last, "EXTENDED") || is(last, "TABLE") || is(last, ".") {
                tables(a, before, &Ctes::default(), true);
            }
            if before.len() == 1 {
                a.keywords(&["EXTENDED", "CATALOG"]);
            }
        }
        "USE" => using(a, before),
        "SET" => options::setting(a, before),
        "RESET" if before.len() == 1 => options::reset(a),
        _ => {}
    }
}

/// Tables by what stands before the cursor: `database.` leaves those of the database.
///
/// - `views`: whether views may stand here, too
pub(super) fn tables(a: &mut Answer<'_>, before: &[Node<'_>], ctes: &Ctes, views: bool) {
    tables_that(a, before, ctes, |t| views || !t.view);
}

/// Tables that can be written.
fn sinks(a: &mut Answer<'_>, before: &[Node<'_>]) {
    let registry = a.registry;
    let connector = |t: &KnownTable| t.connector.as_deref().and_then(|name| registry.connector(name));
    tables_that(a, before, &Ctes::default(), |t| !t.view && connector(t).is_none_or(|c| c.sink));
}

fn tables_that(a: &mut Answer<'_>, before: &[Node<'_>], ctes: &Ctes, fits: impl Fn(&KnownTable) -> bool) {
    let known = a.known;
    let (given, _) = qualifier(before);
    let here = [known.current_catalog.clone(), known.current_database.clone()];
    let place: Option<Vec<String>> = match given.as_slice() {
        [] => Some(here.to_vec()),
        [one] if known.databases.contains(one) => Some(vec![here[0].clone(), one.clone()]),
        [_] => None,
        [catalog, database] => Some(vec![catalog.clone(), database.clone()]),
        _ => return,
    };
    if given.is_empty() {
        for cte in &ctes.0 {
            a.name(&cte.alias, SuggestionKind::Alias, "WITH");
        }
    }
    if let Some(place) = &place {
        let matching = known.tables.iter().filter(|t| t.path.len() == 3 && t.path[..2] == place[..]);
        for table in matching.filter(|t| fits(t)) {
            let names: Vec<&str> = table.columns.iter().map(|(n, _)| n.as_str()).collect();
            let kind = if table.view { SuggestionKind::View } else { SuggestionKind::Table };
            a.name(&table.path[2], kind, names.join(", "));
        }
    }
    match given.as_slice() {
        [] => {
            databases(a);
            catalogs(a);
        }
        // A catalog's databases are known by the tables in them.
        [catalog] if known.catalogs.contains(catalog) => {
            let mut of: Vec<String> = known
                .tables
                .iter()
                .filter(|t| t.path.first() == Some(catalog))
                .filter_map(|t| t.path.get(1).cloned())
                .collect();
            if *catalog == known.current_catalog {
                of.extend(known.databases.iter().cloned());
            }
            of.sort();
            of.dedup();
            for database in of {
                a.name(&database, SuggestionKind::Database, "");
            }
        }
        _ => {}
    }
}

/// Databases but the one that names without a database are of.
fn databases(a: &mut Answer<'_>) {
    let known = a.known;
    for database in known.databases.iter().filter(|d| **d != known.current_database) {
        a.name(database, SuggestionKind::Database, "database");
    }
}

fn catalogs(a: &mut Answer<'_>) {
    let known = a.known;
    for catalog in known.catalogs.iter().filter(|c| **c != known.current_catalog) {
        a.name(catalog, SuggestionKind::Catalog, "catalog");
    }
}

fn insert(a: &mut Answer<'_>, nodes: &[Node<'_>], at: usize) {
    let (target, taken) = path(&nodes[2.min(nodes.len())..]);
    let name_end = 2 + taken;
    match nodes.get(at) {
        _ if at <= 2 || is(nodes.get(at - 1), ".") => sinks(a, &nodes[..at]),
        Some(Node::Group(inside)) if at == name_end && !is_query(inside) => {
            let columns = scope::table(a.known, &target).map(|t| t.columns.clone()).unwrap_or_default();
            columns::listed(a, inside, &columns);
            if inside.len() == 1 {
                a.keywords(&["SELECT"]);
            }
        }
        _ => {
            let begin = name_end + usize::from(matches!(nodes.get(name_end), Some(Node::Group(inside)) if !is_query(inside)));
            if at <= begin {
                a.keywords(&["SELECT", "VALUES", "WITH"]);
            } else {
                query::query(a, &nodes[begin..], &Ctes::default(), 0);
            }
        }
    }
}

fn create(a: &mut Answer<'_>, nodes: &[Node<'_>], at: usize) {
    let kind_at = 1 + usize::from(is(nodes.get(1), "TEMPORARY"));
    if at <= kind_at {
        let all: &[&str] = if kind_at == 2 {
            &["TABLE", "VIEW"]
        } else {
            &["TABLE", "VIEW", "TEMPORARY TABLE", "TEMPORARY VIEW", "DATABASE", "CATALOG"]
        };
        return a.keywords(all);
    }
    let guard = if begins_with(&nodes[kind_at + 1..], &["IF", "NOT", "EXISTS"]) { 3 } else { 0 };
    let name_at = kind_at + 1 + guard;
    let (_, taken) = path(&nodes[name_at.min(nodes.len())..]);
    let rest = name_at + taken;
    if at < rest || at == name_at || is(nodes.get(at - 1), ".") {
        if guard == 0 && at == name_at {
            a.keywords(&["IF NOT EXISTS"]);
        }
        return;
    }
    let before = &nodes[rest..at];
    let query_at = (rest..at).find(|i| is(nodes.get(*i), "AS"));
    if let Some(query_at) = query_at {
        return query::query(a, &nodes[query_at + 1..], &Ctes::default(), 0);
    }
    let declared = match nodes.get(rest) {
        Some(Node::Group(inside)) => columns::declared(inside),
        _ => Vec::new(),
    };
    let kind = nodes.get(kind_at).and_then(leaf).map_or(String::new(), |p| p.text.to_uppercase());
    match (kind.as_str(), nodes.get(at)) {
        ("TABLE", Some(Node::Group(inside))) if is(before.last(), "WITH") => options::table(a, inside, &declared),
        ("TABLE", Some(Node::Group(inside))) if at == rest => {
            let connector = options::connector(a, nodes);
            columns::definitions(a, inside, &declared, connector);
        }
        ("TABLE", Some(Node::Group(inside))) if is(before.last(), "BY") => columns::listed(a, inside, &declared),
        ("TABLE", Some(Node::Group(_))) => a.keywords(&[
            "INCLUDING ALL",
            "INCLUDING OPTIONS",
            "EXCLUDING ALL",
            "EXCLUDING OPTIONS",
            "OVERWRITING OPTIONS",
            "EXCLUDING WATERMARKS",
            "EXCLUDING CONSTRAINTS",
            "EXCLUDING GENERATED",
            "EXCLUDING METADATA",
            "EXCLUDING PARTITIONS",
        ]),
        ("CATALOG" | "DATABASE", Some(Node::Group(inside))) if is(before.last(), "WITH") => options::catalog(a, inside),
        ("TABLE", _) if is(before.last(), "LIKE") || is(before.last(), ".") => tables(a, before, &Ctes::default(), false),
        ("TABLE", _) => {
            let missing = |word: &&str| !before.iter().any(|n| is(Some(n), word.split(' ').next().unwrap_or(word)));
            let next: Vec<&str> = ["WITH (", "PARTITIONED BY (", "COMMENT", "LIKE", "AS"]
                .into_iter()
                .filter(|w| missing(w))
                .collect();
            a.keywords(&next);
        }
        ("VIEW", _) => a.keywords(&["AS", "COMMENT"]),
        ("CATALOG", _) if before.is_empty() => a.keywords(&["WITH ("]),
        _ => {}
    }
}

fn alter(a: &mut Answer<'_>, nodes: &[Node<'_>], at: usize) {
    if at == 1 {
        return a.keywords(&["TABLE", "VIEW", "DATABASE"]);
    }
    if is(nodes.get(1), "DATABASE") {
        return match at {
            2 => databases(a),
            3 => a.keywords(&["SET ("]),
            _ => {}
        };
    }
    let guard = if begins_with(&nodes[2..], &["IF", "EXISTS"]) { 2 } else { 0 };
    let name_at = 2 + guard;
    let (target, taken) = path(&nodes[name_at.min(nodes.len())..]);
    if at <= name_at || is(nodes.get(at - 1), ".") {
        tables(a, &nodes[..at], &Ctes::default(), is(nodes.get(1), "VIEW"));
        if at == name_at && guard == 0 {
            a.keywords(&["IF EXISTS"]);
        }
        return;
    }
    let rest = &nodes[name_at + taken..];
    let before = &rest[..at - name_at - taken];
    let columns: Vec<Column> = scope::table(a.known, &target).map(|t| t.columns.clone()).unwrap_or_default();
    let names = |a: &mut Answer<'_>| columns.iter().for_each(|(name, ty)| a.name(name, SuggestionKind::Column, ty.as_str()));
    match nodes.get(at) {
        Some(Node::Group(inside)) if is(before.last(), "SET") => options::table(a, inside, &columns),
        Some(Node::Group(inside)) if is(before.last(), "RESET") => options::keys(a, inside),
        Some(Node::Group(inside)) if is(before.last(), "DROP") => columns::listed(a, inside, &columns),
        Some(Node::Group(inside)) => columns::definitions(a, inside, &columns, None),
        _ => match before {
            [] if is(nodes.get(1), "VIEW") => a.keywords(&["RENAME TO"]),
            [] => a.keywords(&["SET (", "RESET (", "ADD", "MODIFY", "DROP", "RENAME TO", "RENAME"]),
            [_] if is(before.last(), "DROP") => {
                names(a);
                a.keywords(&["PRIMARY KEY", "CONSTRAINT", "WATERMARK"]);
            }
            [_] if is(before.last(), "RENAME") => {
                a.keywords(&["TO"]);
                names(a);
            }
            [_] if is(before.last(), "MODIFY") => names(a),
            [first, _] if is(Some(first), "RENAME") && !is(before.last(), "TO") => a.keywords(&["TO"]),
            [.., last] if is(Some(last), "AFTER") => names(a),
            [first, _, ..] if is(Some(first), "ADD") || is(Some(first), "MODIFY") => columns::definition(a, &before[1..], &columns, None),
            _ => {}
        },
    }
}

fn drop(a: &mut Answer<'_>, before: &[Node<'_>]) {
    let kind_at = 1 + usize::from(is(before.get(1), "TEMPORARY"));
    let Some(kind) = before.get(kind_at).and_then(leaf) else {
        let all: &[&str] = if kind_at == 2 {
            &["TABLE", "VIEW"]
        } else {
            &["TABLE", "VIEW", "TEMPORARY TABLE", "TEMPORARY VIEW", "DATABASE", "CATALOG"]
        };
        return a.keywords(all);
    };
    let guard = if begins_with(&before[kind_at + 1..], &["IF", "EXISTS"]) { 2 } else { 0 };
    let named = before.len() > kind_at + 1 + guard && !is(before.last(), ".");
    if named {
        if kind.is("DATABASE") {
            a.keywords(&["CASCADE", "RESTRICT"]);
        }
        return;
    }
    match kind.text.to_uppercase().as_str() {
        "TABLE" => tables(a, before, &Ctes::default(), false),
        "VIEW" => tables(a, before, &Ctes::default(), true),
        "DATABASE" => databases(a),
        "CATALOG" => catalogs(a),
        _ => {}
    }
    a.found.retain(|(_, s)| !kind.is("VIEW") || s.kind != SuggestionKind::Table);
    if guard == 0 && before.len() == kind_at + 1 {
        a.keywords(&["IF EXISTS"]);
    }
}

fn show(a: &mut Answer<'_>, before: &[Node<'_>]) {
    let last = before.last();
    match before {
        [_] => a.keywords(&[
            "TABLES",
            "VIEWS",
            "COLUMNS FROM",
            "CREATE TABLE",
            "CREATE VIEW",
            "CREATE CATALOG",
            "FUNCTIONS",
            "CATALOGS",
            "DATABASES",
            "CURRENT CATALOG",
            "CURRENT DATABASE",
        ]),
        [_, current] if is(Some(current), "CURRENT") => a.keywords(&["CATALOG", "DATABASE"]),
        [_, create] if is(Some(create), "CREATE") => a.keywords(&["TABLE", "VIEW", "CATALOG"]),
        [_, create, kind] if is(Some(create), "CREATE") && is(Some(kind), "CATALOG") => catalogs(a),
        [_, columns] if is(Some(columns), "COLUMNS") => a.keywords(&["FROM", "IN"]),
        [_, create, kind, ..] if is(Some(create), "CREATE") && (before.len() == 3 || is(last, ".")) => {
            tables(a, before, &Ctes::default(), true);
            let view = is(Some(kind), "VIEW");
            a.found
                .retain(|(_, s)| s.kind != if view { SuggestionKind::Table } else { SuggestionKind::View });
        }
        [_, columns, _, ..] if is(Some(columns), "COLUMNS") && (before.len() == 3 || is(last, ".")) => tables(a, before, &Ctes::default(), true),
        [_, what, from] if (is(Some(what), "TABLES") || is(Some(what), "VIEWS")) && (is(Some(from), "FROM") || is(Some(from), "IN")) => databases(a),
        [_, what, from] if is(Some(what), "DATABASES") && (is(Some(from), "FROM") || is(Some(from), "IN")) => catalogs(a),
        [_, what] if leaf(what).is_some_and(|p| is_one_of(p.text, &["TABLES", "VIEWS", "DATABASES"])) => a.keywords(&["FROM", "LIKE", "NOT LIKE"]),
        [_, what] if leaf(what).is_some_and(|p| is_one_of(p.text, &["FUNCTIONS", "CATALOGS"])) => a.keywords(&["LIKE", "NOT LIKE"]),
        _ => {}
    }
}

fn using(a: &mut Answer<'_>, before: &[Node<'_>]) {
    let known = a.known;
    match before {
        [_] => {
            databases(a);
            a.keywords(&["CATALOG"]);
            catalogs(a);
        }
        [_, word] if is(Some(word), "CATALOG") => catalogs(a),
        [_, catalog, dot] if is(Some(dot), ".") => {
            let of = name(Some(catalog));
            let mut found: Vec<&String> = known
                .tables
                .iter()
                .filter(|t| t.path.first() == of.as_ref())
                .filter_map(|t| t.path.get(1))
                .collect();
            if of.as_ref() == Some(&known.current_catalog) {
                found.extend(&known.databases);
            }
            found.sort();
            found.dedup();
            for database in found {
                a.name(database, SuggestionKind::Database, "");
            }
        }
        _ => {}
    }
}
