//! Which columns are in a record's key, which in its value, and in what formats.

use super::topics::Topics;
use super::{KEY_FIELDS, KEY_FORMAT, KEY_PREFIX, VALUE_FIELDS};
use crate::ConnectorContext;
use crate::schema_registry::{Asked, ConfluentRegistry};
use arrow_array::RecordBatch;
use millstream_dataflow::option::Options;
use millstream_dataflow::{Batch, Decoder, Error, Field, RecordEncoder, Records, Result, Schema, TableSpec};
use millstream_formats::{RegistryOptions, SchemaRegistry};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One of the two parts of a record.
#[derive(Clone)]
pub(super) struct Part {
    format: String,
    /// What the format's options begin with in the table: `key.`, `value.` or nothing.
    prefix: String,
    /// These options, by the names that the format knows.
    options: BTreeMap<String, String>,
    /// For a format whose schemas are in one; shared by all that read or write the table.
    registry: Option<(&'static RegistryOptions, Arc<ConfluentRegistry>)>,
    /// The subject of its schema there, where the table has one topic or the options say so.
    subject: Option<String>,
    /// All fields in it, by their names in the record.
    all: Schema,
    /// Those that are wanted of a source or written by a sink, by their names in the record.
    pub(super) wanted: Schema,
    /// Where those are among the table's physical columns.
    pub(super) places: Vec<usize>,
}

impl Part {
    /// Reads one part of records.
    ///
    /// # Errors
    /// `Sql` for a column that the format cannot read, `Config` for options that it does not take.
    pub(super) fn decoder(&self) -> Result<Box<dyn Decoder>> {
        match &self.registry {
            Some((_, registry)) => {
                let registry: Arc<dyn SchemaRegistry> = Arc::<ConfluentRegistry>::clone(registry);
                millstream_formats::registry_decoder(&self.format, &self.wanted, &self.options, registry)
            }
            None => millstream_formats::decoder(&self.format, &self.all, &self.wanted, &self.options),
        }
    }
    /// Writes one part of records.
    ///
    /// # Errors
    /// As [`Part::decoder`].
    pub(super) fn encoder(&self) -> Result<Box<dyn RecordEncoder>> {
        match &self.registry {
            Some((names, registry)) => self.encoder_with(names, Arc::<ConfluentRegistry>::clone(registry)),
            None => millstream_formats::record_encoder(&self.format, &self.wanted, &self.options),
        }
    }
    /// Asks its registry, if it has one, whether it may be asked; and of a part that is written, whether its schema goes with what is
    /// there. Nothing is registered. Blocks.
    ///
    /// # Errors
    /// Those of the registry, and of [`Part::encoder`].
    pub(super) fn ask(&self, is_written: bool) -> Result<()> {
        match &self.registry {
            None => Ok(()),
            Some((_, registry)) if !is_written => registry.subjects().map(drop),
            Some((names, registry)) => {
                let mut encoder = self.encoder_with(names, Arc::new(Asked(Arc::clone(registry))))?;
                let no_rows = Batch::new(RecordBatch::new_empty(self.wanted.to_arrow()));
                // Before its first record it has its schema registered.
                encoder.encode(&no_rows, &mut Records::default())
            }
        }
    }
    fn encoder_with(&self, names: &RegistryOptions, registry: Arc<dyn SchemaRegistry>) -> Result<Box<dyn RecordEncoder>> {
        let Some(subject) = &self.subject else {
            let name = format!("{}{}", self.prefix, names.subject.name);
            return Err(Error::config(format!("a table that writes several topics needs the option '{name}'"))
                .code("E0503")
                .hint(format!("name the subject that its schema is registered under: '{name}' = 'orders-value'")));
        };
        millstream_formats::registry_encoder(&self.format, &self.wanted, subject, &self.options, registry)
    }
}

/// Key and value of a table's records.
#[derive(Clone)]
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
    /// No registry is asked yet.
    ///
    /// # Errors
    /// `Config` for key options that do not fit each other or the columns, and for a schema registry that cannot be one.
    pub(super) fn new(table: &TableSpec, context: &ConnectorContext) -> Result<Fields> {
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
        if o.text(&KEY_FORMAT).is_none() {
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
                value: part(table, "value", &|_| true, "", context)?,
            });
        }
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
        let mut key = part(table, "key", &in_key, prefix, context)?;
        let mut all: Vec<Field> = key.all.fields.clone();
        all.sort_by_key(|f| keys.iter().position(|k| k.strip_prefix(prefix) == Some(&f.name)));
        key.all = Schema::new(all);
        let mut order: Vec<usize> = (0..key.places.len()).collect();
        order.sort_by_key(|i| key.all.index_of(&key.wanted.fields[*i].name));
        key.wanted = Schema::new(order.iter().map(|i| key.wanted.fields[*i].clone()).collect());
        key.places = order.iter().map(|i| key.places[*i]).collect();
        Ok(Fields {
            key: Some(key),
            value: part(table, "value", &|f| !only_in_key || !in_key(f), "", context)?,
        })
    }
}

/// - `name`: `key` or `value`
/// - `cut`: what its fields' names do not have of their columns'
fn part(table: &TableSpec, name: &str, is_in: &dyn Fn(&Field) -> bool, cut: &str, context: &ConnectorContext) -> Result<Part> {
    let named = |f: &Field| Field {
        name: f.name.strip_prefix(cut).unwrap_or(&f.name).to_string(),
        ..f.clone()
    };
    let physical = table.physical().fields;
    let wanted: Vec<(usize, &Field)> = physical.iter().enumerate().filter(|(_, f)| is_in(f)).collect();
    let of_its_own = format!("{name}.");
    let (prefix, mut options) = match table.options.contains_key(&format!("{of_its_own}format")) {
        true => (of_its_own.as_str(), options_of(&table.options, &of_its_own)),
        false => ("", table.options.clone()),
    };
    for (_, path) in options.iter_mut().filter(|(key, _)| millstream_formats::FILE_OPTIONS.contains(&key.as_str())) {
        *path = context.directory.join(&*path).to_string_lossy().into_owned();
    }
    let format = options.get("format").cloned().unwrap_or_default();
    let registry = match millstream_formats::registry_options(&format) {
        Some(names) => Some((names, Arc::new(ConfluentRegistry::new(&options, names, prefix, context)?))),
        None => None,
    };
    let topics = Topics::new(&Options::new(&table.options)).ok();
    let of_topic = match topics.as_ref().map(Topics::listed) {
        Some([topic]) => Some(format!("{topic}-{name}")),
        _ => None,
    };
    Ok(Part {
        subject: registry.as_ref().and_then(|(names, _)| options.get(names.subject.name).cloned()).or(of_topic),
        all: Schema::new(table.all_physical.iter().filter(|f| is_in(f)).map(named).collect()),
        wanted: Schema::new(wanted.iter().map(|(_, f)| named(f)).collect()),
        places: wanted.into_iter().map(|(i, _)| i).collect(),
        prefix: prefix.to_string(),
        format,
        options,
        registry,
    })
}
