//! The tables and views of a file.

use crate::parse::{CreateView, ObjectPath};
use crate::table::Table;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const CATALOG: &str = "default_catalog";
const DATABASE: &str = "default_database";

#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Table(Arc<Table>),
    View(Arc<CreateView>),
}

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    entries: BTreeMap<String, Entry>,
    /// What could not be made: that it is missing says nothing new.
    broken: BTreeSet<String>,
}

/// The code of what is only wrong because something before it is.
pub(crate) const FOLLOWS: &str = "E0200";

/// The name of a table in the default database, which is the only one.
///
/// # Errors
/// `Sql` for another catalog or database.
pub(crate) fn local_name(path: &ObjectPath) -> Result<&str> {
    let (name, rest) = path.parts.split_last().ok_or_else(|| Error::bug("a name without parts"))?;
    let known = match rest {
        [] => true,
        [database] => database == DATABASE,
        [catalog, database] => catalog == CATALOG && database == DATABASE,
        _ => false,
    };
    if known {
        Ok(name)
    } else {
        Err(Error::sql(format!("\"{path}\" names a catalog or database that does not exist"))
            .code("E0203")
            .hint(format!("there is {CATALOG}.{DATABASE}"))
            .span(path.span))
    }
}

impl Catalog {
    /// Remembers a table or view with errors of its own.
    pub(crate) fn add_broken(&mut self, path: &ObjectPath) {
        if let Ok(name) = local_name(path) {
            self.broken.insert(name.to_string());
        }
    }
    pub(crate) fn add(&mut self, path: &ObjectPath, entry: Entry, if_not_exists: bool) -> Result<()> {
        let name = local_name(path)?;
        if self.entries.contains_key(name) {
            return if if_not_exists {
                Ok(())
            } else {
                Err(Error::sql(format!("\"{name}\" exists already"))
                    .code("E0204")
                    .hint("drop it first, or use IF NOT EXISTS")
                    .span(path.span))
            };
        }
        self.entries.insert(name.to_string(), entry);
        Ok(())
    }
    pub(crate) fn drop(&mut self, path: &ObjectPath, view: bool, if_exists: bool) -> Result<()> {
        let name = local_name(path)?;
        match self.entries.get(name) {
            None if if_exists => Ok(()),
            None => Err(self.missing(path)),
            Some(Entry::View(_)) if !view => Err(Error::sql(format!("\"{name}\" is a view")).code("E0205").hint("use DROP VIEW").span(path.span)),
            Some(Entry::Table(_)) if view => Err(Error::sql(format!("\"{name}\" is a table"))
                .code("E0205")
                .hint("use DROP TABLE")
                .span(path.span)),
            Some(_) => {
                self.entries.remove(name);
                Ok(())
            }
        }
    }
    pub(crate) fn get(&self, path: &ObjectPath) -> Result<Entry> {
        self.entries.get(local_name(path)?).cloned().ok_or_else(|| self.missing(path))
    }
    fn missing(&self, path: &ObjectPath) -> Error {
        let is_broken = local_name(path).is_ok_and(|n| self.broken.contains(n));
        let code = if is_broken { FOLLOWS } else { "E0201" };
        let e = Error::sql(format!("table \"{path}\" does not exist")).code(code).span(path.span);
        match nearest(path.parts.last().map_or("", String::as_str), self.entries.keys().map(String::as_str)) {
            Some(near) => e.hint(format!("did you mean \"{near}\"?")),
            None => e,
        }
    }
}
