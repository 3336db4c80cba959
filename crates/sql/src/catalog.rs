//! The catalogs of a session: databases with tables and views.

mod create;
mod databases;
mod known;

pub(crate) use create::CreateCatalog;

use crate::compile::CompileOptions;
use crate::parse::{CreateView, ObjectPath};
use crate::show::name_written;
use crate::stored::{self, CatalogChange, ChangeKind, StoredName};
use crate::table::Table;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result, Span};
use millstream_plan::Column;
use std::cell::OnceCell;
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
    /// Where it is kept, if it is from a stored catalog.
    pub(crate) location: Option<String>,
    /// Names and types as they were when it was made; none if it is from a stored catalog.
    pub(crate) columns: Vec<Column>,
}

impl Entry {
    /// Whether it goes with the session, in a catalog that stays.
    fn is_temporary(&self) -> bool {
        match self {
            Entry::Table(table) => table.definition().temporary,
            Entry::View(view) => view.create.temporary,
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone)]
enum Slot {
    Here(Entry),
    /// Read when it is first asked for, so that one that is wrong disturbs nobody else.
    Stored(OnceCell<Entry>),
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

type Database = BTreeMap<String, Slot>;

#[derive(Debug, Clone, Default)]
struct Databases {
    all: BTreeMap<String, Database>,
    /// The one that a USE CATALOG goes to.
    first: String,
    /// The number of a stored catalog.
    stored: Option<usize>,
    comment: Option<String>,
    /// `'type'` and the others.
    options: BTreeMap<String, String>,
}

impl Databases {
    /// The catalog that every session has.
    fn of_session() -> Databases {
        let options = [("type", create::MEMORY), (create::FIRST.name, DATABASE)];
        Databases {
            all: BTreeMap::from([(DATABASE.to_string(), Database::new())]),
            first: DATABASE.to_string(),
            options: options.map(|(key, value)| (key.to_string(), value.to_string())).into(),
            ..Databases::default()
        }
    }
}

/// What lives on from one text of a session to the next.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    catalogs: BTreeMap<String, Databases>,
    current: Place,
}

impl Default for Names {
    fn default() -> Self {
        Names {
            catalogs: BTreeMap::from([(CATALOG.to_string(), Databases::of_session())]),
            current: Place {
                catalog: CATALOG.to_string(),
                database: DATABASE.to_string(),
            },
        }
    }
}

/// The names of a session while a text of it is compiled.
pub(crate) struct Catalog<'a> {
    options: &'a CompileOptions<'a>,
    catalogs: BTreeMap<String, Databases>,
    pub(crate) current: Place,
    /// What the text changes in stored catalogs, in its order.
    pub(crate) changes: Vec<CatalogChange>,
    /// What could not be made: that it is missing says nothing new.
    broken: BTreeSet<FullName>,
    /// Those of them whose columns are known.
    half: BTreeMap<FullName, Arc<Table>>,
}

/// Stands where a code would, for what is only wrong because something before it is: no user sees it.
pub(crate) const FOLLOWS: &str = "follows";

/// The error of a statement that may be right, but needs something that is not.
pub(crate) fn follows() -> Error {
    Error::sql("something before it is wrong").code(FOLLOWS)
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

impl<'a> Catalog<'a> {
    pub(crate) fn new(options: &'a CompileOptions<'a>, names: Names) -> Self {
        Catalog {
            options,
            catalogs: names.catalogs,
            current: names.current,
            changes: Vec::new(),
            broken: BTreeSet::new(),
            half: BTreeMap::new(),
        }
    }
    /// The names as they are now.
    pub(crate) fn names(&self) -> Names {
        Names {
            catalogs: self.catalogs.clone(),
            current: self.current.clone(),
        }
    }
    /// Names as they were, with the number of changes there were then.
    pub(crate) fn back_to(&mut self, names: Names, changes: usize) {
        (self.catalogs, self.current) = (names.catalogs, names.current);
        self.changes.truncate(changes);
    }

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
        let databases = &databases.all;
        databases
            .get(database)
            .ok_or_else(|| missing_place("database", database, path, databases.keys()))
    }
    fn database_mut(&mut self, catalog: &str, database: &str) -> Result<&mut Database> {
        let databases = self.catalogs.get_mut(catalog);
        databases.and_then(|d| d.all.get_mut(database)).ok_or_else(|| Error::bug("a database vanished"))
    }
    /// The names in `database` or `catalog.database`; in the current one without a name.
    pub(crate) fn tables(&self, path: Option<&ObjectPath>) -> Result<Vec<String>> {
        let Some(path) = path else {
            let here = self.database(&self.current.catalog, &self.current.database, &ObjectPath::default())?;
            return Ok(here.keys().cloned().collect());
        };
        let (catalog, database) = self.database_name(path)?;
        Ok(self.database(&catalog, &database, path)?.keys().cloned().collect())
    }
    /// Those of views.
    pub(crate) fn views(&self, path: Option<&ObjectPath>) -> Result<Vec<String>> {
        let (catalog, database) = match path {
            Some(path) => self.database_name(path)?,
            None => (self.current.catalog.clone(), self.current.database.clone()),
        };
        let mut views = Vec::new();
        for name in self.tables(path)? {
            let full = FullName {
                catalog: catalog.clone(),
                database: database.clone(),
                name,
            };
            if self.is_view(&full, path.map_or(Span::default(), |p| p.span))? == Some(true) {
                views.push(full.name);
            }
        }
        Ok(views)
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
        Ok(databases.all.keys().cloned().collect())
    }

    /// The tables that the file makes, or has read of a stored catalog.
    pub(crate) fn tables_here(&self) -> impl Iterator<Item = &Table> {
        let slots = self.catalogs.values().flat_map(|c| c.all.values()).flat_map(|database| database.values());
        slots.filter_map(|slot| match slot {
            Slot::Here(Entry::Table(table)) => Some(table.as_ref()),
            _ => None,
        })
    }
    /// Remembers a table or view with errors of its own.
    pub(crate) fn add_broken(&mut self, path: &ObjectPath) {
        if let Ok(name) = self.resolve(path, &self.current) {
            self.broken.insert(name);
        }
    }
    /// Remembers the columns of a table that is not right otherwise.
    pub(crate) fn add_half(&mut self, path: &ObjectPath, table: Table) {
        if let Ok(name) = self.resolve(path, &self.current) {
            self.half.insert(name, Arc::new(table));
        }
    }
    /// Forgets a table or view that a statement with errors makes or changes: what it is now nobody can tell.
    pub(crate) fn forget(&mut self, path: &ObjectPath) {
        if let Ok(name) = self.resolve(path, &self.current) {
            if let Ok(database) = self.database_mut(&name.catalog, &name.database) {
                database.remove(&name.name);
            }
            self.broken.insert(name);
        }
    }
    /// Whether there is something of this name.
    pub(crate) fn has(&self, path: &ObjectPath) -> bool {
        self.resolve(path, &self.current).is_ok_and(|full| self.slot(&full).is_some())
    }
    /// Whether what is made under this name outlives the file, unless it is temporary.
    pub(crate) fn keeps(&self, path: &ObjectPath) -> bool {
        self.resolve(path, &self.current).is_ok_and(|full| self.stored_name(&full).is_some())
    }
    pub(crate) fn add(&mut self, path: &ObjectPath, entry: Entry, if_not_exists: bool) -> Result<()> {
        let full = self.resolve(path, &self.current)?;
        if self.slot(&full).is_some() {
            return if if_not_exists {
                Ok(())
            } else {
                Err(Error::sql(format!("\"{}\" exists already", full.short()))
                    .code("E0204")
                    .hint("drop it first, or use IF NOT EXISTS")
                    .span(path.span))
            };
        }
        if let Some(stored) = self.stored(&full, &entry) {
            let text = stored::statement(&full, &entry, path, self.options.variables)?;
            self.changed(ChangeKind::Create(stored, text), path);
        }
        self.database_mut(&full.catalog, &full.database)?.insert(full.name, Slot::Here(entry));
        Ok(())
    }
    /// Puts a table or view in the place of one that is there, under another name if one is given.
    pub(crate) fn replace(&mut self, path: &ObjectPath, to: Option<&ObjectPath>, entry: Entry) -> Result<()> {
        let renamed = to.is_some();
        let to = to.unwrap_or(path);
        let (from, to_full) = (self.resolve(path, &self.current)?, self.resolve(to, &self.current)?);
        if renamed && self.has(to) {
            return Err(Error::sql(format!("\"{}\" exists already", to_full.short())).code("E0204").span(to.span));
        }
        if let Some(stored) = self.stored(&to_full, &entry) {
            let text = stored::statement(&to_full, &entry, to, self.options.variables)?;
            let kind = if renamed { ChangeKind::Create } else { ChangeKind::Replace };
            self.changed(kind(stored, text), to);
        }
        if let Some(stored) = self.stored(&from, &entry).filter(|_| renamed) {
            self.changed(ChangeKind::Remove(stored), path);
        }
        self.database_mut(&from.catalog, &from.database)?.remove(&from.name);
        self.database_mut(&to_full.catalog, &to_full.database)?.insert(to_full.name, Slot::Here(entry));
        Ok(())
    }
    pub(crate) fn drop(&mut self, path: &ObjectPath, view: bool, if_exists: bool) -> Result<()> {
        let full = self.resolve(path, &self.current)?;
        if self.slot(&full).is_none() {
            let missing = self.missing(&full, path)?;
            return if missing.code == Some("E0201") && if_exists { Ok(()) } else { Err(missing) };
        }
        match self.is_view(&full, path.span)? {
            Some(true) if !view => return Err(is_a(path, "view", "use DROP VIEW")),
            Some(false) if view => return Err(is_a(path, "table", "use DROP TABLE")),
            // One that cannot be read can be dropped.
            _ => {}
        }
        let stored = self.stored_name(&full);
        let slot = self.database_mut(&full.catalog, &full.database)?.remove(&full.name);
        let stays = slot.is_some_and(|slot| !matches!(slot, Slot::Here(entry) if entry.is_temporary()));
        if let Some(stored) = stored.filter(|_| stays) {
            self.changed(ChangeKind::Remove(stored), path);
        }
        Ok(())
    }
    /// The same as [`Self::get`], or a table that is not right, so that the names of its columns can be looked up.
    pub(crate) fn get_or_half(&self, path: &ObjectPath, from: &Place) -> Result<Entry> {
        let half = || self.half.get(&self.resolve(path, from).ok()?).cloned();
        self.get(path, from).or_else(|e| match half().filter(|_| e.code == Some(FOLLOWS)) {
            Some(table) => Ok(Entry::Table(table)),
            None => Err(e),
        })
    }
    pub(crate) fn get(&self, path: &ObjectPath, from: &Place) -> Result<Entry> {
        let full = self.resolve(path, from)?;
        match self.slot(&full) {
            Some(Slot::Here(entry)) => Ok(entry.clone()),
            Some(Slot::Stored(read)) => {
                if let Some(entry) = read.get() {
                    return Ok(entry.clone());
                }
                let entry = stored::entry(&self.known(&full)?, &full, self.options, path.span)?;
                Ok(read.get_or_init(|| entry).clone())
            }
            None => Err(self.missing(&full, path)?),
        }
    }

    fn slot(&self, full: &FullName) -> Option<&Slot> {
        self.catalogs.get(&full.catalog)?.all.get(&full.database)?.get(&full.name)
    }
    /// The error for a name that stands for nothing.
    fn missing(&self, full: &FullName, path: &ObjectPath) -> Result<Error> {
        let code = if self.broken.contains(full) { FOLLOWS } else { "E0201" };
        let e = Error::sql(format!("table \"{path}\" does not exist")).code(code).span(path.span);
        let database = self.database(&full.catalog, &full.database, path)?;
        Ok(match nearest(&full.name, database.keys().map(String::as_str)) {
            Some(near) => {
                let before = path.parts[..path.parts.len().saturating_sub(1)].iter().map(|part| name_written(part) + ".");
                e.meant(format!("\"{near}\""), before.collect::<String>() + &name_written(near))
            }
            None => e,
        })
    }
    /// Whether a name that is there is that of a view; `None` if it cannot be told.
    fn is_view(&self, full: &FullName, at: Span) -> Result<Option<bool>> {
        match self.slot(full) {
            Some(Slot::Here(entry)) => Ok(Some(matches!(entry, Entry::View(_)))),
            Some(Slot::Stored(read)) => match read.get() {
                Some(entry) => Ok(Some(matches!(entry, Entry::View(_)))),
                None => stored::is_view(&self.known(full)?, self.options, at),
            },
            None => Ok(None),
        }
    }

    /// A name in a stored catalog.
    fn stored_name(&self, full: &FullName) -> Option<StoredName> {
        Some(StoredName {
            catalog: self.catalogs.get(&full.catalog)?.stored?,
            database: full.database.clone(),
            name: full.name.clone(),
        })
    }
    fn known(&self, full: &FullName) -> Result<StoredName> {
        self.stored_name(full).ok_or_else(|| Error::bug("a stored table in a catalog that is not"))
    }
    /// The name under which something is stored, if it is.
    fn stored(&self, full: &FullName, entry: &Entry) -> Option<StoredName> {
        self.stored_name(full).filter(|_| !entry.is_temporary())
    }
    fn changed(&mut self, kind: ChangeKind, path: &ObjectPath) {
        self.changes.push(CatalogChange { kind, span: path.span });
    }
}
