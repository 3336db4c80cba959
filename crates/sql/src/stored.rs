//! Catalogs that outlive the file: where their statements come from, and what a file changes in them.

mod reading;
mod writing;

use millstream_dataflow::option::OptionSpec;
use millstream_dataflow::{Result, Span};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use reading::{at_name, entry, is_view, no_hint};
pub(crate) use writing::statement;

/// The database that every stored catalog has.
pub(crate) const DEFAULT: &str = "default";

/// Keeps the statements of catalogs. Asked while a file is compiled, on a thread that may block.
pub trait CatalogStore: Sync {
    /// The options of a catalog, beside `'type'`.
    fn options(&self) -> &'static [OptionSpec];
    /// Opens a catalog, whose options are checked; called once for each CREATE CATALOG. Nothing may be changed yet.
    ///
    /// # Errors
    /// `Config` or `Unavailable` if it cannot be reached.
    fn open(&self, options: &BTreeMap<String, String>) -> Result<StoredCatalog>;
    /// Reads what makes a table or view of an open catalog.
    ///
    /// # Errors
    /// `Config` or `Unavailable` if it is not there any more or cannot be read.
    fn read(&self, name: &StoredName) -> Result<StoredText>;
}

/// What is in a catalog.
#[derive(Debug, Clone)]
pub struct StoredCatalog {
    /// Distinguishes the catalogs opened.
    pub number: usize,
    /// The names of tables and views, by database.
    pub databases: BTreeMap<String, BTreeSet<String>>,
}

/// A table or view of an open catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredName {
    pub catalog: usize,
    pub database: String,
    pub name: String,
}

/// A statement, and where it is kept.
#[derive(Debug, Clone)]
pub struct StoredText {
    pub location: String,
    pub text: String,
}

/// What a statement of the file changes in a stored catalog.
#[derive(Debug, Clone)]
pub struct CatalogChange {
    pub kind: ChangeKind,
    /// The name in the file that it is about.
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// Of a table or view that must not be there, with its statement.
    Create(StoredName, String),
    /// Of one that must be there.
    Replace(StoredName, String),
    Remove(StoredName),
    CreateDatabase {
        catalog: usize,
        database: String,
    },
    DropDatabase {
        catalog: usize,
        database: String,
        cascade: bool,
    },
}

#[cfg(test)]
pub(crate) mod tests;
