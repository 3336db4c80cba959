//! What names there are: for whoever completes, lists or underlines them while a statement is written.

/// The names of a session, as they are at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub tables: Vec<KnownTable>,
    pub catalogs: Vec<String>,
    /// Those of the current catalog.
    pub databases: Vec<String>,
    /// Where names of fewer than three parts are looked for.
    pub current_catalog: String,
    pub current_database: String,
    /// What is SET, with its values.
    pub settings: Vec<(String, String)>,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTable {
    /// Catalog, database, name.
    pub path: Vec<String>,
    pub view: bool,
    /// Names and types; none if it comes from a stored catalog and nobody has read it yet, or if it cannot be read.
    pub columns: Vec<(String, String)>,
    /// Of a table, if that is known.
    pub connector: Option<String>,
}
