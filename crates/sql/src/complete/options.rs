//! Keys and values of options: of tables and catalogs in WITH, and of SET.

use super::scope::Column;
use super::statement::place;
use super::tree::{Node, is, leaf};
use super::{Answer, SuggestionKind, Wanted};
use crate::edit::Kind;
use crate::table::{CONNECTOR, FORMAT, VALUE_FORMAT};
use millstream_dataflow::option::{OptionSpec, OptionType};
use millstream_dataflow::{ConnectorSpec, Registry};
use millstream_plan::SETTINGS;
use std::collections::BTreeMap;

const CATALOG_TYPE: OptionSpec = OptionSpec::new("type", OptionType::OneOf(&["generic_in_memory", "filesystem"]), "What keeps the catalog.").required();
const CATALOG_PATH: OptionSpec = OptionSpec::new("path", OptionType::Text, "Where a catalog of the type 'filesystem' lies.");

/// The options that name a format, and what stands in front of its options.
const FORMATS: [(&str, &str); 3] = [("format", ""), ("value.format", "value."), ("key.format", "key.")];

/// An option that may be given, by its key.
struct Allowed {
    key: String,
    spec: OptionSpec,
}

/// The options in a list: `'key' = 'value'`.
fn given(inside: &[Node<'_>]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for pair in inside.split(|n| is(Some(n), ",")) {
        if let [Node::Leaf(key), equals, Node::Leaf(value), ..] = pair
            && is(Some(equals), "=")
            && key.kind == Kind::Text
            && value.kind == Kind::Text
        {
            found.insert(key.inside().to_string(), value.inside().replace("''", "'"));
        }
    }
    found
}

/// The connector in the WITH clause of a CREATE TABLE.
pub(super) fn connector<'r>(a: &Answer<'r>, nodes: &[Node<'_>]) -> Option<&'static ConnectorSpec> {
    let with = nodes.iter().rposition(|n| is(Some(n), "WITH"))?;
    match nodes.get(with + 1) {
        Some(Node::Group(inside)) => a.registry.connector(given(inside).get("connector")?),
        _ => None,
    }
}

/// What stands where the cursor is in a list of options.
enum Place {
    Key,
    Value(String),
    Elsewhere,
}

fn where_in(inside: &[Node<'_>]) -> Place {
    let at = place(inside);
    match &inside[..at] {
        [] => Place::Key,
        [.., last] if is(Some(last), ",") => Place::Key,
        [.., key, last] if is(Some(last), "=") => leaf(key).map_or(Place::Elsewhere, |p| Place::Value(p.inside().to_string())),
        _ => Place::Elsewhere,
    }
}

/// The options of a table.
pub(super) fn table(a: &mut Answer<'_>, inside: &[Node<'_>], columns: &[Column]) {
    let given = given(inside);
    let all = allowed(&given, a.registry, columns);
    match where_in(inside) {
        Place::Key => offer_keys(a, all, &given),
        Place::Value(key) => match key.as_str() {
            "connector" => {
                for connector in a.registry.connectors() {
                    a.text(connector.name, "", SuggestionKind::OptionValue, first_sentence(connector.doc));
                }
            }
            "format" | "key.format" | "value.format" => {
                let names = given.get("connector").and_then(|c| a.registry.connector(c)).map(|c| c.formats);
                for name in names.unwrap_or_default() {
                    let doc = a.registry.format(name).map_or("", |f| f.doc);
                    a.text(name, "", SuggestionKind::OptionValue, first_sentence(doc));
                }
            }
            "topic" => {
                a.wanted = Some(Wanted::Topic {
                    typed: a.typed.to_string(),
                    options: given,
                });
            }
            // That of the http source is a part of its address.
            "path" if given.get("connector").is_some_and(|c| c == "filesystem") => path(a),
            _ if subject(a, &key, &given) => {}
            _ => {
                if let Some(option) = all.iter().find(|o| o.key == key || o.spec.matches(&key)) {
                    values(a, &option.spec);
                }
            }
        },
        Place::Elsewhere => {}
    }
}

/// Asks for the subjects of a registry, if that is what stands behind a key.
fn subject(a: &mut Answer<'_>, key: &str, given: &BTreeMap<String, String>) -> bool {
    let of = |(name, prefix): &(&str, &str)| {
        let format = given.get(*name)?;
        let of_it = key.strip_prefix(prefix)? == format!("{format}.subject");
        let own = given.iter().filter_map(|(k, v)| Some((k.strip_prefix(prefix)?.to_string(), v.clone())));
        let options = own.filter(|(k, _)| k.starts_with(&format!("{format}."))).collect();
        of_it.then(|| (format.clone(), options))
    };
    let Some((format, options)) = FORMATS.iter().find_map(of) else { return false };
    a.wanted = Some(Wanted::Subject {
        typed: a.typed.to_string(),
        format,
        options,
    });
    true
}

/// The keys of options that a table has: of RESET.
pub(super) fn keys(a: &mut Answer<'_>, inside: &[Node<'_>]) {
    let connectors = a.registry.connectors();
    if matches!(where_in(inside), Place::Key) {
        let mut all: Vec<&OptionSpec> = connectors.iter().flat_map(|c| c.options).collect();
        all.sort_by_key(|o| o.name);
        all.dedup_by_key(|o| o.name);
        for option in all.iter().filter(|o| !o.name.contains(['*', '#'])) {
            a.text(option.name, "", SuggestionKind::OptionKey, option.doc);
        }
    }
}

/// The options of a catalog.
pub(super) fn catalog(a: &mut Answer<'_>, inside: &[Node<'_>]) {
    let given = given(inside);
    match where_in(inside) {
        Place::Key => {
            let all = [CATALOG_TYPE, CATALOG_PATH].map(|spec| Allowed {
                key: spec.name.to_string(),
                spec,
            });
            offer_keys(a, all.into(), &given);
        }
        Place::Value(key) if key == CATALOG_TYPE.name => values(a, &CATALOG_TYPE),
        Place::Value(key) if key == CATALOG_PATH.name => path(a),
        _ => {}
    }
}

/// `SET 'key' = 'value'`
pub(super) fn setting(a: &mut Answer<'_>, before: &[Node<'_>]) {
    match before {
        [_] => {
            let now = &a.known.settings;
            for spec in SETTINGS {
                let set = now.iter().find(|(k, _)| k == spec.name).map(|(_, v)| format!("now '{v}'  "));
                a.text(
                    spec.name,
                    " = ",
                    SuggestionKind::OptionKey,
                    format!("{}{}", set.unwrap_or_default(), about(spec)),
                );
            }
        }
        [_, key, equals] if is(Some(equals), "=") => {
            let key = leaf(key).map(|p| p.inside().to_string()).unwrap_or_default();
            if key == "execution.checkpointing.dir" {
                path(a);
            }
            if let Some(spec) = SETTINGS.iter().find(|s| s.name == key) {
                values(a, spec);
            }
        }
        _ => {}
    }
}

/// `RESET 'key'`: those that are set first.
pub(super) fn reset(a: &mut Answer<'_>) {
    let known = a.known;
    for (key, value) in &known.settings {
        a.text(key, "", SuggestionKind::OptionKey, format!("now '{value}'"));
    }
    for spec in SETTINGS {
        a.text(spec.name, "", SuggestionKind::OptionKey, about(spec));
    }
}

fn path(a: &mut Answer<'_>) {
    a.wanted = Some(Wanted::Path { typed: a.typed.to_string() });
}

/// The options that a table may have beside those it has.
fn allowed(given: &BTreeMap<String, String>, registry: &dyn Registry, columns: &[Column]) -> Vec<Allowed> {
    let mut all = Vec::new();
    let mut add = |key: String, spec: &OptionSpec| {
        // One key for each column.
        if key.contains('#') {
            all.extend(columns.iter().map(|(name, _)| Allowed {
                key: key.replace('#', name),
                spec: *spec,
            }));
        } else {
            all.push(Allowed { key, spec: *spec });
        }
    };
    add(CONNECTOR.name.to_string(), &CONNECTOR);
    let Some(connector) = given.get("connector").and_then(|c| registry.connector(c)) else {
        return all;
    };
    for required in [true, false] {
        for spec in connector.options.iter().filter(|s| s.required == required) {
            add(spec.name.to_string(), spec);
        }
        if required && !connector.formats.is_empty() {
            add(FORMAT.name.to_string(), &FORMAT);
            add(VALUE_FORMAT.name.to_string(), &VALUE_FORMAT);
        }
    }
    for (key, prefix) in FORMATS {
        let format = given.get(key).filter(|_| !connector.formats.is_empty()).and_then(|f| registry.format(f));
        for spec in format.map_or(&[][..], |f| f.options) {
            add(format!("{prefix}{}", spec.name), spec);
        }
    }
    all
}

fn offer_keys(a: &mut Answer<'_>, all: Vec<Allowed>, given: &BTreeMap<String, String>) {
    // A value that is written already needs no `=`.
    for option in all.iter().filter(|o| !given.contains_key(&o.key)) {
        match option.key.strip_suffix('*') {
            // What follows is anyone's.
            Some(open) => {
                let quote = if a.quote == super::Quote::None { "'" } else { "" };
                a.add(open, format!("{quote}{open}"), SuggestionKind::OptionKey, about(&option.spec));
            }
            None => a.text(&option.key, " = ", SuggestionKind::OptionKey, about(&option.spec)),
        }
    }
}

/// The values of an option that are known beforehand.
fn values(a: &mut Answer<'_>, spec: &OptionSpec) {
    let detail = |value: &str| if spec.default == Some(value) { "default" } else { "" };
    match spec.ty {
        OptionType::OneOf(values) => values.iter().for_each(|v| a.text(v, "", SuggestionKind::OptionValue, detail(v))),
        OptionType::Boolean => ["true", "false"].iter().for_each(|v| a.text(v, "", SuggestionKind::OptionValue, detail(v))),
        _ => {
            let default = spec.default.filter(|d| !spec.examples.contains(d));
            for value in default.iter().chain(spec.examples) {
                let shown = if spec.default == Some(*value) { "default" } else { "for example" };
                a.text(value, "", SuggestionKind::OptionValue, shown);
            }
        }
    }
}

/// `required  Integer, default 4: what it does`
fn about(spec: &OptionSpec) -> String {
    let ty = match spec.ty {
        OptionType::Text | OptionType::Secret => String::new(),
        OptionType::Boolean => "true or false. ".to_string(),
        OptionType::Integer => "Whole number. ".to_string(),
        OptionType::Number => "Number. ".to_string(),
        OptionType::Duration => "Duration. ".to_string(),
        OptionType::Memory => "Size. ".to_string(),
        OptionType::OneOf(values) => format!("{}. ", values.join(" | ")),
    };
    let required = if spec.required { "Required. " } else { "" };
    let default = spec.default.map_or(String::new(), |d| format!("Default {d}. "));
    format!("{required}{ty}{default}{}", spec.doc)
}

fn first_sentence(doc: &str) -> String {
    doc.split_inclusive(". ").next().unwrap_or_default().trim().to_string()
}
