//! The options of a table, and how they are checked.

use crate::parse::{ColumnDef, CreateTable};
use millstream_dataflow::option::{OptionSpec, OptionType, check_all, nearest};
use millstream_dataflow::{Error, Registry};
use std::collections::BTreeMap;

pub(crate) const CONNECTOR: OptionSpec = OptionSpec::new("connector", OptionType::Text, "Which connector serves the table.")
    .required()
    .examples(&["kafka", "filesystem"]);
pub(crate) const FORMAT: OptionSpec = OptionSpec::new("format", OptionType::Text, "How records are encoded.").examples(&["json", "parquet"]);
pub(crate) const VALUE_FORMAT: OptionSpec =
    OptionSpec::new("value.format", OptionType::Text, "How record values are encoded; the same as 'format'.").examples(&["json"]);

/// An error at the option or the column that it names, or else at the table's name.
pub(super) fn at_option(create: &CreateTable, e: Error) -> Error {
    if e.span.is_some() {
        return e;
    }
    let named = create.options.iter().find(|o| e.message.contains(&format!("'{}'", o.key)));
    let of_column = |c: &&ColumnDef| {
        e.message.starts_with(&format!("\"{}\" ", c.name)) || {
            ["", "."]
                .iter()
                .any(|end| e.message.contains(&format!("column \"{}{}", c.name, if end.is_empty() { "\"" } else { end })))
        }
    };
    let column = || create.columns.iter().find(of_column).map(|c| c.span);
    let span = match (named, e.code) {
        (None, _) => column().unwrap_or(create.name.span),
        (Some(option), Some("E0501")) => option.key_span,
        (Some(option), _) if e.replacement.is_some() => option.value_span,
        (Some(option), _) => option.span,
    };
    e.span(span)
}

/// Every option against the specs of its connector and format.
pub(super) fn check_options(create: &CreateTable, options: &BTreeMap<String, String>, registry: &dyn Registry) -> Vec<Error> {
    let value_span = |key: &str| create.options.iter().find(|o| o.key == key).map_or(create.name.span, |o| o.value_span);
    let Some(connector_name) = options.get("connector") else {
        if let Some(slip) = create.options.iter().find(|o| nearest(&o.key, ["connector"]).is_some()) {
            let e = Error::config(format!("there is no option '{}'", slip.key)).code("E0501");
            return vec![e.meant("'connector'", "'connector'").span(slip.key_span)];
        }
        if let Some(former) = create.options.iter().find(|o| o.key == "connector.type") {
            let e = Error::config(format!("there is no option '{}'", former.key)).code("E0501");
            return vec![
                e.hint("it is of Flink before 1.11: 'connector' = '…', and see docs/connectors.md for the others")
                    .span(former.span),
            ];
        }
        // It may be there for LIKE only; what reads or writes it is told.
        return Vec::new();
    };
    let names = || registry.connectors().iter().map(|c| c.name);
    let Some(connector) = registry.connector(connector_name) else {
        let e = Error::config(format!("the connector '{connector_name}' does not exist"))
            .code("E0504")
            .span(value_span("connector"));
        let begins = |n: &&str| connector_name.len() > 3 && n.starts_with(connector_name.as_str());
        return vec![match nearest(connector_name, names()).or_else(|| names().find(begins)) {
            Some(near) => e.meant(format!("'{near}'"), format!("'{near}'")),
            None => e.hint(format!("there are: {}", names().collect::<Vec<_>>().join(", "))),
        }];
    };
    let mut specs: Vec<&OptionSpec> = vec![&CONNECTOR];
    specs.extend(connector.options);
    let mut errors = Vec::new();
    // Of `key.format` and `value.format`, the format's own options have the same prefix: `value.json.ignore-parse-errors`.
    let mut prefixed: Vec<(&str, &[OptionSpec])> = Vec::new();
    if !connector.formats.is_empty() {
        specs.extend([&FORMAT, &VALUE_FORMAT]);
        let value = if options.contains_key(VALUE_FORMAT.name) {
            VALUE_FORMAT.name
        } else {
            FORMAT.name
        };
        if !options.contains_key(value) {
            errors.push(
                Error::config(format!("connector '{connector_name}' needs the option 'format'"))
                    .code("E0503")
                    .hint(format!("one of {}", connector.formats.join(", ")))
                    .span(create.name.span),
            );
        }
        let named = [value, "key.format"].into_iter().filter_map(|key| Some((key, options.get(key)?)));
        for (key, format) in named.filter(|(key, _)| specs.iter().any(|s| s.name == *key)).collect::<Vec<_>>() {
            if !connector.formats.contains(&format.as_str()) {
                let e = Error::config(format!("connector '{connector_name}' has no format '{format}'"))
                    .code("E0509")
                    .span(value_span(key));
                errors.push(match nearest(format, connector.formats.iter().copied()) {
                    Some(near) => e.meant(format!("'{near}'"), format!("'{near}'")),
                    None => e.hint(format!("it has: {}", connector.formats.join(", "))),
                });
                continue;
            }
            if key == "key.format" && registry.format(format).is_some_and(|f| f.changes) {
                let e = Error::config(format!("the format '{format}' is none of keys: its records are changes"));
                errors.push(e.code("E0509").span(value_span(key)));
            }
            let own = registry.format(format).map_or(&[][..], |f| f.options);
            match key.strip_suffix(FORMAT.name) {
                Some("") | None => specs.extend(own),
                Some(prefix) => prefixed.push((prefix, own)),
            }
        }
    }
    let mut rest = options.clone();
    for (prefix, own) in prefixed {
        let under = options.iter().filter_map(|(k, v)| Some((k, k.strip_prefix(prefix)?, v)));
        for (key, name, value) in under {
            if let Some(spec) = own.iter().find(|s| s.matches(name)) {
                errors.extend(spec.check(key, value).err().map(|e| at_option(create, e)));
                rest.remove(key);
            }
        }
        for spec in own.iter().filter(|s| s.required && !options.contains_key(&format!("{prefix}{}", s.name))) {
            let (key, example) = (format!("{prefix}{}", spec.name), spec.examples.first().unwrap_or(&"…"));
            let e = Error::config(format!("connector '{connector_name}' needs the option '{key}'")).code("E0503");
            errors.push(e.hint(format!("add '{key}' = '{example}': {}", spec.doc)).span(create.name.span));
        }
    }
    let wrong = check_all(&rest, &specs, &format!("connector '{connector_name}'"));
    errors.extend(wrong.into_iter().map(|e| at_option(create, e)));
    errors
}
