//! CREATE CATALOG: in memory, for as long as the file runs, or stored.

use super::{Catalog, Databases, Slot, exists, single};
use crate::parse::{ObjectPath, TableOption};
use crate::stored::{CatalogStore, DEFAULT};
use millstream_dataflow::option::{OptionSpec, OptionType, Options, check_all};
use millstream_dataflow::{Error, Result};
use std::cell::OnceCell;
use std::collections::BTreeMap;

pub(super) const MEMORY: &str = "generic_in_memory";
const STORED: &str = "filesystem";

/// The option of a catalog in memory.
pub(super) const FIRST: OptionSpec = OptionSpec::new("default-database", OptionType::Text, "The database that there is from the beginning.").default(DEFAULT);

/// `CREATE CATALOG [IF NOT EXISTS] name [COMMENT 'comment'] WITH ('key' = 'value', …)`
pub(crate) struct CreateCatalog<'a> {
    pub(crate) name: &'a ObjectPath,
    pub(crate) if_not_exists: bool,
    pub(crate) comment: Option<&'a String>,
    pub(crate) options: &'a [TableOption],
}

impl<'a> Catalog<'a> {
    pub(crate) fn create_catalog(&mut self, create: &CreateCatalog<'_>) -> Result<(), Vec<Error>> {
        let one = |e: Error| vec![e];
        let (path, options, if_not_exists) = (create.name, create.options, create.if_not_exists);
        let store = self.store_of(path, options).map_err(one)?;
        let (specs, kind) = match store {
            Some(store) => (store.options(), STORED),
            None => (&[FIRST][..], MEMORY),
        };
        let given = checked(path, options, specs, kind)?;
        let name = single("catalog", path).map_err(one)?;
        if self.catalogs.contains_key(name) {
            return if if_not_exists { Ok(()) } else { Err(vec![exists("catalog", path)]) };
        }
        let mut databases = Databases {
            first: Options::new(&given).text(&FIRST).unwrap_or(DEFAULT).to_string(),
            comment: create.comment.cloned(),
            options: options.iter().map(|o| (o.key.clone(), o.value.clone())).collect(),
            ..Databases::default()
        };
        if let Some(store) = store {
            let found = store.open(&given).map_err(|e| vec![at_option(path, options, e)])?;
            databases.stored = Some(found.number);
            for (database, names) in found.databases {
                let slots = names.into_iter().map(|name| (name, Slot::Stored(OnceCell::new())));
                databases.all.insert(database, slots.collect());
            }
        }
        databases.all.entry(databases.first.clone()).or_default();
        self.catalogs.insert(name.to_string(), databases);
        Ok(())
    }

    /// What keeps a catalog of the type that is asked for; nothing if that is in memory.
    fn store_of(&self, path: &ObjectPath, options: &[TableOption]) -> Result<Option<&'a dyn CatalogStore>> {
        let Some(kind) = options.iter().find(|o| o.key == "type") else {
            let e = Error::config(format!("the catalog \"{path}\" needs the option 'type'")).code("E0503");
            return Err(e.hint(format!("WITH ('type' = '{STORED}', 'path' = '…'), or '{MEMORY}'")).span(path.span));
        };
        match (kind.value.as_str(), self.options.catalogs) {
            (MEMORY, _) => Ok(None),
            (STORED, Some(store)) => Ok(Some(store)),
            (other, _) => {
                let e = Error::config(format!("there are no catalogs of the type '{other}'")).code("E0502");
                Err(e.hint(format!("there are: {MEMORY}, {STORED}")).span(kind.span))
            }
        }
    }
}

/// The options of a catalog, beside its type.
fn checked(path: &ObjectPath, options: &[TableOption], specs: &[OptionSpec], kind: &str) -> Result<BTreeMap<String, String>, Vec<Error>> {
    let rest = options.iter().filter(|o| o.key != "type");
    let given: BTreeMap<String, String> = rest.map(|o| (o.key.clone(), o.value.clone())).collect();
    let specs: Vec<_> = specs.iter().collect();
    let wrong = check_all(&given, &specs, &format!("the catalog type '{kind}'"));
    match wrong.is_empty() {
        true => Ok(given),
        false => Err(wrong.into_iter().map(|e| at_option(path, options, e)).collect()),
    }
}

/// An error at the option that it names, or else at the catalog's name.
fn at_option(path: &ObjectPath, options: &[TableOption], e: Error) -> Error {
    let named = options.iter().find(|o| e.message.contains(&format!("'{}'", o.key)));
    e.span(named.map_or(path.span, |o| o.span))
}
