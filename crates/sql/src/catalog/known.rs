//! The names of a session, listed.

use super::{Entry, Names, Slot};
use crate::known::{Known, KnownTable};

impl Names {
    pub(crate) fn known(&self) -> Known {
        let mut tables = Vec::new();
        for (catalog, databases) in &self.catalogs {
            for (database, entries) in &databases.all {
                for (name, slot) in entries {
                    let entry = match slot {
                        Slot::Here(entry) => Some(entry),
                        Slot::Stored(read) => read.get(),
                    };
                    let columns = match entry {
                        Some(Entry::Table(table)) => table.columns().map(|c| (c.name.clone(), c.ty.ty.to_string())).collect(),
                        Some(Entry::View(view)) => view.columns.iter().map(|c| (c.name.clone(), c.ty.ty.to_string())).collect(),
                        None => Vec::new(),
                    };
                    tables.push(KnownTable {
                        path: vec![catalog.clone(), database.clone(), name.clone()],
                        view: matches!(entry, Some(Entry::View(_))),
                        columns,
                        connector: match entry {
                            Some(Entry::Table(table)) => table.connector().map(str::to_string),
                            _ => None,
                        },
                    });
                }
            }
        }
        let here = self.catalogs.get(&self.current.catalog);
        Known {
            tables,
            catalogs: self.catalogs.keys().cloned().collect(),
            databases: here.map_or_else(Vec::new, |d| d.all.keys().cloned().collect()),
            current_catalog: self.current.catalog.clone(),
            current_database: self.current.database.clone(),
            settings: Vec::new(),
        }
    }
}
