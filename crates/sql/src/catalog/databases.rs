//! Catalogs and databases: dropped, made, changed, described and used.

use super::{Catalog, Database, Place, exists, missing_place, single};
use crate::parse::ObjectPath;
use crate::stored::{self, ChangeKind};
use millstream_dataflow::{Error, Result};
use std::collections::BTreeMap;

impl Catalog<'_> {
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
    pub(super) fn database_name(&self, path: &ObjectPath) -> Result<(String, String)> {
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
        if databases.all.contains_key(&database) {
            return if if_not_exists { Ok(()) } else { Err(exists("database", path)) };
        }
        databases.all.insert(database.clone(), Database::new());
        if let Some(catalog) = databases.stored {
            self.changed(ChangeKind::CreateDatabase { catalog, database }, path);
        }
        Ok(())
    }
    pub(crate) fn drop_database(&mut self, path: &ObjectPath, if_exists: bool, cascade: bool) -> Result<()> {
        let (catalog, database) = self.database_name(path)?;
        let e = if (&catalog, &database) == (&self.current.catalog, &self.current.database) {
            Error::sql(format!("the database \"{path}\" is in use")).hint("USE another one first")
        } else {
            let databases = self.catalogs.entry(catalog).or_default();
            match databases.all.get(&database) {
                None if if_exists => return Ok(()),
                None => return Err(missing_place("database", &database, path, databases.all.keys())),
                Some(_) if databases.stored.is_some() && database == stored::DEFAULT => {
                    Error::sql(format!("the database \"{path}\" is the one that a stored catalog always has"))
                }
                Some(tables) if !tables.is_empty() && !cascade => {
                    Error::sql(format!("the database \"{path}\" is not empty")).hint("drop what is in it, or use CASCADE")
                }
                Some(_) => {
                    databases.all.remove(&database);
                    if let Some(catalog) = databases.stored {
                        self.changed(ChangeKind::DropDatabase { catalog, database, cascade }, path);
                    }
                    return Ok(());
                }
            }
        };
        Err(e.code("E0210").span(path.span))
    }
    /// Only whether it is there: what a database is given is not kept.
    pub(crate) fn alter_database(&self, path: &ObjectPath) -> Result<()> {
        let (catalog, database) = self.database_name(path)?;
        self.database(&catalog, &database, path).map(|_| ())
    }
    /// A catalog's name, comment and options.
    pub(crate) fn described<'c>(&'c self, path: &'c ObjectPath) -> Result<(&'c str, Option<&'c String>, &'c BTreeMap<String, String>)> {
        let name = single("catalog", path)?;
        let catalog = self
            .catalogs
            .get(name)
            .ok_or_else(|| missing_place("catalog", name, path, self.catalogs.keys()))?;
        Ok((name, catalog.comment.as_ref(), &catalog.options))
    }
    pub(crate) fn use_catalog(&mut self, path: &ObjectPath) -> Result<()> {
        let name = single("catalog", path)?;
        let databases = self.catalogs.get(name);
        let databases = databases.ok_or_else(|| missing_place("catalog", name, path, self.catalogs.keys()))?;
        let first = Some(&databases.first).filter(|d| databases.all.contains_key(*d));
        let database = first.or_else(|| databases.all.keys().next()).cloned().unwrap_or_default();
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
}
