//! Which columns are in a record's key, which in its value, and in what formats.

use super::{KEY_FIELDS, KEY_FORMAT, KEY_PREFIX, VALUE_FIELDS};
use millstream_dataflow::option::Options;
use millstream_dataflow::{Error, Field, Result, Schema, TableSpec};
use std::collections::BTreeMap;

/// One of the two parts of a record.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) format: String,
    /// The format's options, by the names that it knows.
    pub(super) options: BTreeMap<String, String>,
    /// All fields in it, by their names in the record.
    pub(super) all: Schema,
    /// Those that are wanted of a source or written by a sink, by their names in the record.
    pub(super) wanted: Schema,
    /// Where those are among the table's physical columns.
    pub(super) places: Vec<usize>,
}

/// Key and value of a table's records.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// None where keys are not looked at.
    pub(super) key: Option<Part>,
    pub(super) value: Part,
}

/// The options of the format that `key` names, without its prefix.
fn options_of(options: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    options
        .iter()
        .filter_map(|(k, v)| Some((k.strip_prefix(prefix)?.to_string(), v.clone())))
        .collect()
}

impl Fields {
    /// # Errors
    /// `Config` for key options that do not fit each other or the columns.
    pub(super) fn new(table: &TableSpec) -> Result<Fields> {
        let o = Options::new(&table.options);
        let keys: Vec<&str> = o
            .text(&KEY_FIELDS)
            .unwrap_or_default()
            .split(';')
            .map(str::trim)
            .filter(|k| !k.is_empty())
            .collect();
        let (prefix, only_in_key) = (o.text(&KEY_PREFIX).unwrap_or_default(), o.text(&VALUE_FIELDS) == Some("EXCEPT_KEY"));
        let wrong = |message: String, code: &'static str, hint: &str| Err(Error::config(message).code(code).hint(hint));
        let Some(key_format) = o.text(&KEY_FORMAT) else {
            if let Some(needs) = [&KEY_FIELDS, &KEY_PREFIX].into_iter().find(|s| table.options.contains_key(s.name)) {
                return wrong(
                    format!("option '{}' needs the option 'key.format'", needs.name),
                    "E0503",
                    "add 'key.format' = 'json', or leave it out",
                );
            }
            if only_in_key {
                return wrong(
                    "option 'value.fields-include' = 'EXCEPT_KEY' needs the options 'key.format' and 'key.fields'".into(),
                    "E0503",
                    "add them, or leave it out",
                );
            }
            return Ok(Fields {
                key: None,
                value: part(table, "value.", &|_| true, "")?,
            });
        };
        if keys.is_empty() {
            return wrong(
                "option 'key.format' needs the option 'key.fields'".into(),
                "E0503",
                "name the columns of the key: 'key.fields' = 'user;page'",
            );
        }
        if !prefix.is_empty() && !only_in_key {
            return wrong(
                "option 'key.fields-prefix' needs 'value.fields-include' = 'EXCEPT_KEY'".into(),
                "E0503",
                "the value would hold the same names",
            );
        }
        for key in &keys {
            if !table.all_physical.iter().any(|f| f.name == *key) {
                return wrong(
                    format!("option 'key.fields' names '{key}', which is no physical column of table \"{}\"", table.name),
                    "E0502",
                    "name columns of the table",
                );
            }
            if !key.starts_with(prefix) {
                return wrong(
                    format!("option 'key.fields' names '{key}', which does not begin with the prefix '{prefix}'"),
                    "E0502",
                    "every column of the key has the prefix",
                );
            }
        }
        let in_key = |f: &Field| keys.contains(&f.name.as_str());
        // The key's fields are in the order of the option.
        let mut key = part(table, "key.", &in_key, prefix)?;
        key.format = key_format.to_string();
        let mut all: Vec<Field> = key.all.fields.clone();
        all.sort_by_key(|f| keys.iter().position(|k| k.strip_prefix(prefix) == Some(&f.name)));
        key.all = Schema::new(all);
        let mut order: Vec<usize> = (0..key.places.len()).collect();
        order.sort_by_key(|i| key.all.index_of(&key.wanted.fields[*i].name));
        key.wanted = Schema::new(order.iter().map(|i| key.wanted.fields[*i].clone()).collect());
        key.places = order.iter().map(|i| key.places[*i]).collect();
        Ok(Fields {
            key: Some(key),
            value: part(table, "value.", &|f| !only_in_key || !in_key(f), "")?,
        })
    }
}

fn part(table: &TableSpec, prefix: &str, is_in: &dyn Fn(&Field) -> bool, cut: &str) -> Result<Part> {
    let named = |f: &Field| Field {
        name: f.name.strip_prefix(cut).unwrap_or(&f.name).to_string(),
        ..f.clone()
    };
    let physical = table.physical().fields;
    let wanted: Vec<(usize, &Field)> = physical.iter().enumerate().filter(|(_, f)| is_in(f)).collect();
    let of_its_own = table.options.contains_key(&format!("{prefix}format"));
    let options = if of_its_own {
        options_of(&table.options, prefix)
    } else {
        table.options.clone()
    };
    Ok(Part {
        format: options.get("format").cloned().unwrap_or_default(),
        all: Schema::new(table.all_physical.iter().filter(|f| is_in(f)).map(named).collect()),
        wanted: Schema::new(wanted.iter().map(|(_, f)| named(f)).collect()),
        places: wanted.into_iter().map(|(i, _)| i).collect(),
        options,
    })
}
