//! The catalogs of a file: databases with tables and views.

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
    View(Arc<View>),
}

/// A view, and where the names in its query are looked for.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) create: CreateView,
    pub(crate) place: Place,
}

/// Where a name without catalog or database is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) catalog: String,
    pub(crate) database: String,
}

/// A table's whole name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FullName {
    pub(crate) catalog: String,
    pub(crate) database: String,
    pub(crate) name: String,
}

impl FullName {
    pub(crate) fn place(&self) -> Place {
        Place {
            catalog: self.catalog.clone(),
            database: self.database.clone(),
        }
    }
    /// As messages and plans name it: without what is the default.
    pub(crate) fn short(&self) -> String {
        match (self.catalog.as_str(), self.database.as_str()) {
            (CATALOG, DATABASE) => self.name.clone(),
            (CATALOG, database) => format!("{database}.{}", self.name),
            (catalog, database) => format!("{catalog}.{database}.{}", self.name),
        }
    }
}

type Database = BTreeMap<String, Entry>;

#[derive(Debug)]
pub(crate) struct Catalog {
    catalogs: BTreeMap<String, BTreeMap<String, Database>>,
    pub(crate) current: Place,
    /// What could not be made: that it is missing says nothing new.
    broken: BTreeSet<FullName>,
}

/// The code of what is only wrong because something before it is.
pub(crate) const FOLLOWS: &str = "E0200";

impl Default for Catalog {
    fn default() -> Self {
        let database = BTreeMap::from([(DATABASE.to_string(), Database::new())]);
        Catalog {
            catalogs: BTreeMap::from([(CATALOG.to_string(), database)]),
            current: Place {
                catalog: CATALOG.to_string(),
                database: DATABASE.to_string(),
            },
            broken: BTreeSet::new(),
        }
    }
}

fn missing_place<'a>(what: &str, name: &str, path: &ObjectPath, there: impl Iterator<Item = &'a String> + Clone) -> Error {
    let e = Error::sql(format!("the {what} \"{name}\" does not exist")).code("E0203").span(path.span);
    match nearest(name, there.clone().map(String::as_str)) {
        Some(near) => e.hint(format!("did you mean \"{near}\"?")),
        None => e.hint(format!("there is {}", there.cloned().collect::<Vec<_>>().join(", "))),
    }
}

fn exists(what: &str, path: &ObjectPath) -> Error {
    let e = Error::sql(format!("the {what} \"{path}\" exists already")).code("E0204");
    e.hint("use IF NOT EXISTS").span(path.span)
}

/// The error for a table that should be a view, or the other way round.
pub(crate) fn is_a(path: &ObjectPath, what: &str, hint: &str) -> Error {
    let name = path.parts.last().map_or("", String::as_str);
    Error::sql(format!("\"{name}\" is a {what}")).code("E0205").hint(hint).span(path.span)
}

/// The only part of a name.
fn single<'a>(what: &str, path: &'a ObjectPath) -> Result<&'a str> {
    match path.parts.as_slice() {
        [name] => Ok(name),
        _ => Err(Error::sql(format!("\"{path}\" is no name of a {what}")).code("E0102").span(path.span)),
    }
}

impl Catalog {
    /// A name from a place, whole. Its catalog and database exist.
    pub(crate) fn resolve(&self, path: &ObjectPath, from: &Place) -> Result<FullName> {
        let (name, rest) = path.parts.split_last().ok_or_else(|| Error::bug("a name without parts"))?;
        let (catalog, database) = match rest {
            [] => (&from.catalog, &from.database),
            [database] => (&from.catalog, database),
            [catalog, database] => (catalog, database),
            _ => {
                let e = Error::sql(format!("\"{path}\" has more than three parts")).code("E0102");
                return Err(e.hint("a name is table, database.table or catalog.database.table").span(path.span));
            }
        };
        self.database(catalog, database, path)?;
        Ok(FullName {
            catalog: catalog.clone(),
            database: database.clone(),
            name: name.clone(),
        })
    }
    fn database(&self, catalog: &str, database: &str, path: &ObjectPath) -> Result<&Database> {
        let databases = self
            .catalogs
            .get(catalog)
            .ok_or_else(|| missing_place("catalog", catalog, path, self.catalogs.keys()))?;
        databases
            .get(database)
            .ok_or_else(|| missing_place("database", database, path, databases.keys()))
    }
    fn database_mut(&mut self, catalog: &str, database: &str) -> Result<&mut Database> {
        let databases = self.catalogs.get_mut(catalog);
        databases.and_then(|d| d.get_mut(database)).ok_or_else(|| Error::bug("a database vanished"))
    }
    /// `database` or `catalog.database`, and what is in it; the current one without a name.
    pub(crate) fn database_of(&self, path: Option<&ObjectPath>) -> Result<&Database> {
        let Some(path) = path else {
            return self.database(&self.current.catalog, &self.current.database, &ObjectPath::default());
        };
        let (catalog, database) = self.database_name(path)?;
        self.database(&catalog, &database, path)
    }
    pub(crate) fn catalogs(&self) -> Vec<String> {
        self.catalogs.keys().cloned().collect()
    }
    /// The databases of a catalog, or of the current one.
    pub(crate) fn databases(&self, path: Option<&ObjectPath>) -> Result<Vec<String>> {
        let catalog = match path {
            Some(path) => single("catalog", path)?,
            None => &self.current.catalog,
        };
        let databases = self.catalogs.get(catalog);
        let none = ObjectPath::default();
        let databases = databases.ok_or_else(|| missing_place("catalog", catalog, path.unwrap_or(&none), self.catalogs.keys()))?;
        Ok(databases.keys().cloned().collect())
    }

    pub(crate) fn create_catalog(&mut self, path: &ObjectPath, if_not_exists: bool) -> Result<()> {
        let name = single("catalog", path)?;
        if self.catalogs.contains_key(name) {
            return if if_not_exists { Ok(()) } else { Err(exists("catalog", path)) };
        }
        let database = BTreeMap::from([("default".to_string(), Database::new())]);
        self.catalogs.insert(name.to_string(), database);
        Ok(())
    }
    pub(crate) fn drop_catalog(&mut self, path: &ObjectPath, if_exists: bool) -> Result<()> {
        let name = single("catalog", path)?;
        if name == self.current.catalog {
            let e = Error::sql(format!("the catalog \"{name}\" is in use")).code("E0210").span(path.span);
            return Err(e.hint("USE CATALOG another one first"));
        }
        if self.catalogs.remove(name).is_none() && !if_exists {
            return Err(missing_place("catalog", name, path, self.catalogs.keys()));
        }
        Ok(())
    }
    /// The catalog and name of a database.
    fn database_name(&self, path: &ObjectPath) -> Result<(String, String)> {
        match path.parts.as_slice() {
            [database] => Ok((self.current.catalog.clone(), database.clone())),
            [catalog, database] if self.catalogs.contains_key(catalog) => Ok((catalog.clone(), database.clone())),
            [catalog, _] => Err(missing_place("catalog", catalog, path, self.catalogs.keys())),
            _ => Err(Error::sql(format!("\"{path}\" is no name of a database")).code("E0102").span(path.span)),
        }
    }
    pub(crate) fn create_database(&mut self, path: &ObjectPath, if_not_exists: bool) -> Result<()> {
        let (catalog, database) = self.database_name(path)?;
        let databases = self.catalogs.entry(catalog).or_default();
        if databases.contains_key(&database) {
            return if if_not_exists { Ok(()) } else { Err(exists("database", path)) };
        }
        databases.insert(database, Database::new());
        Ok(())
    }
    pub(crate) fn drop_database(&mut self, path: &ObjectPath, if_exists: bool, cascade: bool) -> Result<()> {
        let (catalog, database) = self.database_name(path)?;
        let e = if (&catalog, &database) == (&self.current.catalog, &self.current.database) {
            Error::sql(format!("the database \"{path}\" is in use")).hint("USE another one first")
        } else {
            let databases = self.catalogs.entry(catalog).or_default();
            match databases.get(&database) {
                None if if_exists => return Ok(()),
                None => return Err(missing_place("database", &database, path, databases.keys())),
                Some(tables) if !tables.is_empty() && !cascade => {
                    Error::sql(format!("the database \"{path}\" is not empty")).hint("drop what is in it, or use CASCADE")
                }
                Some(_) => {
                    databases.remove(&database);
                    return Ok(());
                }
            }
        };
        Err(e.code("E0210").span(path.span))
    }
    pub(crate) fn use_catalog(&mut self, path: &ObjectPath) -> Result<()> {
        let name = single("catalog", path)?;
        let databases = self.catalogs.get(name);
        let databases = databases.ok_or_else(|| missing_place("catalog", name, path, self.catalogs.keys()))?;
        let first = [DATABASE, "default"].into_iter().find(|d| databases.contains_key(*d));
        let database = first.map(str::to_string).or_else(|| databases.keys().next().cloned()).unwrap_or_default();
        self.current = Place {
            catalog: name.to_string(),
            database,
        };
        Ok(())
    }
    pub(crate) fn use_database(&mut self, path: &ObjectPath) -> Result<()> {
        let (catalog, database) = self.database_name(path)?;
        self.database(&catalog, &database, path)?;
        self.current = Place { catalog, database };
        Ok(())
    }

    /// Remembers a table or view with errors of its own.
    pub(crate) fn add_broken(&mut self, path: &ObjectPath) {
        if let Ok(name) = self.resolve(path, &self.current) {
            self.broken.insert(name);
        }
    }
    /// Whether there is something of this name.
    pub(crate) fn has(&self, path: &ObjectPath) -> bool {
        self.get(path, &self.current).is_ok()
    }
    pub(crate) fn add(&mut self, path: &ObjectPath, entry: Entry, if_not_exists: bool) -> Result<()> {
        let full = self.resolve(path, &self.current)?;
        let database = self.database_mut(&full.catalog, &full.database)?;
        if database.contains_key(&full.name) {
            return if if_not_exists {
                Ok(())
            } else {
                Err(Error::sql(format!("\"{}\" exists already", full.short()))
                    .code("E0204")
                    .hint("drop it first, or use IF NOT EXISTS")
                    .span(path.span))
            };
        }
        database.insert(full.name, entry);
        Ok(())
    }
    /// Puts a table or view in the place of one that is there, under another name if one is given.
    pub(crate) fn replace(&mut self, path: &ObjectPath, to: &ObjectPath, entry: Entry) -> Result<()> {
        let (from, to_full) = (self.resolve(path, &self.current)?, self.resolve(to, &self.current)?);
        if from != to_full && self.has(to) {
            return Err(Error::sql(format!("\"{}\" exists already", to_full.short())).code("E0204").span(to.span));
        }
        self.database_mut(&from.catalog, &from.database)?.remove(&from.name);
        self.database_mut(&to_full.catalog, &to_full.database)?.insert(to_full.name, entry);
        Ok(())
    }
    pub(crate) fn drop(&mut self, path: &ObjectPath, view: bool, if_exists: bool) -> Result<()> {
        match self.get(path, &self.current) {
            Err(e) if e.code == Some("E0201") && if_exists => Ok(()),
            Err(e) => Err(e),
            Ok(Entry::View(_)) if !view => Err(is_a(path, "view", "use DROP VIEW")),
            Ok(Entry::Table(_)) if view => Err(is_a(path, "table", "use DROP TABLE")),
            Ok(_) => {
                let full = self.resolve(path, &self.current)?;
                self.database_mut(&full.catalog, &full.database)?.remove(&full.name);
                Ok(())
            }
        }
    }
    pub(crate) fn get(&self, path: &ObjectPath, from: &Place) -> Result<Entry> {
        let full = self.resolve(path, from)?;
        let database = self.database(&full.catalog, &full.database, path)?;
        if let Some(entry) = database.get(&full.name) {
            return Ok(entry.clone());
        }
        let code = if self.broken.contains(&full) { FOLLOWS } else { "E0201" };
        let e = Error::sql(format!("table \"{path}\" does not exist")).code(code).span(path.span);
        Err(match nearest(&full.name, database.keys().map(String::as_str)) {
            Some(near) => e.hint(format!("did you mean \"{near}\"?")),
            None => e,
        })
    }
}
