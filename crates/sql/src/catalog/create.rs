//! CREATE CATALOG: in memory, for as long as the file runs, or stored.

use super::{Catalog, Database, Databases, Slot, exists, single};
use crate::parse::{ObjectPath, TableOption};
use crate::stored::{CatalogStore, DEFAULT};
use millstream_dataflow::option::check_all;
use millstream_dataflow::{Error, Result};
use std::cell::OnceCell;
use std::collections::BTreeMap;

const MEMORY: &str = "generic_in_memory";
const STORED: &str = "filesystem";

impl<'a> Catalog<'a> {
    pub(crate) fn create_catalog(&mut self, path: &ObjectPath, if_not_exists: bool, options: &[TableOption]) -> Result<(), Vec<Error>> {
        let one = |e: Error| vec![e];
        let store = self.store_of(path, options).map_err(one)?;
        let given = match store {
            Some(store) => checked(path, options, store)?,
            None => BTreeMap::new(),
        };
        let name = single("catalog", path).map_err(one)?;
        if self.catalogs.contains_key(name) {
            return if if_not_exists { Ok(()) } else { Err(vec![exists("catalog", path)]) };
        }
        let mut databases = Databases::default();
        if let Some(store) = store {
            let found = store.open(&given).map_err(|e| vec![at_option(path, options, e)])?;
            databases.stored = Some(found.number);
            for (database, names) in found.databases {
                let slots = names.into_iter().map(|name| (name, Slot::Stored(OnceCell::new())));
                databases.all.insert(database, slots.collect());
            }
        }
        databases.all.entry(DEFAULT.to_string()).or_insert_with(Database::new);
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

/// The options of a stored catalog, beside its type.
fn checked(path: &ObjectPath, options: &[TableOption], store: &dyn CatalogStore) -> Result<BTreeMap<String, String>, Vec<Error>> {
    let rest = options.iter().filter(|o| o.key != "type");
    let given: BTreeMap<String, String> = rest.map(|o| (o.key.clone(), o.value.clone())).collect();
    let specs: Vec<_> = store.options().iter().collect();
    let wrong = check_all(&given, &specs, &format!("the catalog type '{STORED}'"));
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
