//! Catalogs in a directory or an object store: `<path>/<database>/<name>.sql`, one statement each.
//!
//! Names that are no file names are percent-encoded. A database without tables is kept by a marker. Nothing is made before the changes of a
//! file are applied, so that a file with errors leaves nothing behind.

use crate::catalogs::names::{file_of, in_catalog, marker_of};
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Error, Put, PutMode, Result, Store};
use millstream_sql::{CatalogChange, CatalogStore, ChangeKind, StoredCatalog, StoredName, StoredText};
use millstream_store::{azure, gcs, open, s3};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

mod names;

const PATH: OptionSpec = OptionSpec::new(
    "path",
    OptionType::Text,
    "Directory or location in an object store (s3://, gs://, az://, abfss://) of the catalog; a directory is made if it is missing.",
)
.required()
.examples(&["catalogs/shop", "s3://lake/catalogs/shop"]);

const OPTIONS: &[OptionSpec] = &[
    azure::ACCESS_KEY,
    azure::ACCOUNT,
    azure::ENDPOINT,
    azure::SAS_TOKEN,
    gcs::CREDENTIALS,
    gcs::ENDPOINT,
    PATH,
    s3::ACCESS_KEY,
    s3::ENDPOINT,
    s3::PATH_STYLE,
    s3::REGION,
    s3::SECRET_KEY,
];

/// The catalogs that a file has opened.
#[derive(Debug)]
pub struct Catalogs {
    /// Relative paths start here.
    directory: PathBuf,
    handle: Handle,
    // A std mutex: held to look and to add.
    opened: Mutex<Vec<Opened>>,
}

#[derive(Debug, Clone)]
struct Opened {
    options: BTreeMap<String, String>,
    /// Not there for a directory that is still to be made.
    store: Option<Arc<dyn Store>>,
}

impl Catalogs {
    /// - `handle`: of the runtime that I/O is done on; compiling waits for it
    pub fn new(directory: PathBuf, handle: Handle) -> Self {
        Catalogs {
            directory,
            handle,
            opened: Mutex::default(),
        }
    }

    /// Makes the changes of a file, in their order.
    ///
    /// # Errors
    /// The first that cannot be made, with its place in the file; those before it are made.
    pub async fn apply(&self, changes: &[CatalogChange]) -> Result<()> {
        for change in changes {
            self.make(&change.kind).await.map_err(|e| e.span(change.span))?;
        }
        Ok(())
    }

    async fn make(&self, change: &ChangeKind) -> Result<()> {
        match change {
            ChangeKind::Create(name, text) => {
                let (store, file) = (self.made(name.catalog)?, file_of(&name.database, &name.name));
                let put = store.put(&file, text.clone().into(), PutMode::Create).await?;
                // It may be our own: the answer to a first try can be lost.
                if put == Put::Exists && store.get(&file, None).await?.is_none_or(|there| there != text.as_bytes()) {
                    return Err(meanwhile(store.as_ref(), &file, "was made by somebody else"));
                }
                Ok(())
            }
            ChangeKind::Replace(name, text) => {
                let (store, file) = (self.made(name.catalog)?, file_of(&name.database, &name.name));
                if store.head(&file).await?.is_none() {
                    return Err(meanwhile(store.as_ref(), &file, "was dropped by somebody else"));
                }
                store.put(&file, text.clone().into(), PutMode::Overwrite).await.map(drop)
            }
            ChangeKind::Remove(name) => self.made(name.catalog)?.delete(&file_of(&name.database, &name.name)).await,
            ChangeKind::CreateDatabase { catalog, database } => {
                let put = self.made(*catalog)?.put(&marker_of(database), Vec::new().into(), PutMode::Create).await;
                put.map(drop)
            }
            ChangeKind::DropDatabase { catalog, database, cascade } => {
                let store = self.made(*catalog)?;
                let there = store.list("").await?.into_iter().map(|m| m.path);
                let tables: Vec<String> = there
                    .filter(|path| in_catalog(path).is_some_and(|(d, name)| d == *database && name.is_some()))
                    .collect();
                if let (false, Some(file)) = (cascade, tables.first()) {
                    return Err(meanwhile(store.as_ref(), file, "was made by somebody else"));
                }
                for file in tables {
                    store.delete(&file).await?;
                }
                store.delete(&marker_of(database)).await
            }
        }
    }

    /// The store of a catalog, whose directory is made if it is missing.
    fn made(&self, catalog: usize) -> Result<Arc<dyn Store>> {
        let opened = self.opened(catalog)?;
        match opened.store {
            Some(store) => Ok(store),
            None => self.store(&opened.options),
        }
    }
    fn opened(&self, catalog: usize) -> Result<Opened> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.get(catalog).cloned().ok_or_else(|| Error::bug("a catalog that is not open"))
    }
    fn store(&self, options: &BTreeMap<String, String>) -> Result<Arc<dyn Store>> {
        open(Options::new(options).required(&PATH)?, &self.directory, options)
    }
    /// Whether it is a directory that is not there.
    fn is_missing(&self, location: &str) -> bool {
        match location.split_once("://") {
            None => !self.directory.join(location).exists(),
            Some(("file", path)) => !PathBuf::from(path).exists(),
            Some(_) => false,
        }
    }
}

impl CatalogStore for Catalogs {
    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn open(&self, options: &BTreeMap<String, String>) -> Result<StoredCatalog> {
        let location = Options::new(options).required(&PATH)?;
        if location.is_empty() {
            let e = Error::config(format!("option '{}' is empty, expected a directory or an s3:// location", PATH.name));
            return Err(e.code("E0502"));
        }
        open::check(location)?;
        let store = if self.is_missing(location) { None } else { Some(self.store(options)?) };
        let mut databases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        if let Some(store) = &store {
            for meta in self.handle.block_on(store.list(""))? {
                if let Some((database, name)) = in_catalog(&meta.path) {
                    databases.entry(database).or_default().extend(name);
                }
            }
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.push(Opened {
            options: options.clone(),
            store,
        });
        Ok(StoredCatalog {
            number: opened.len() - 1,
            databases,
        })
    }

    fn read(&self, name: &StoredName) -> Result<StoredText> {
        let (store, file) = (self.made(name.catalog)?, file_of(&name.database, &name.name));
        let Some(bytes) = self.handle.block_on(store.get(&file, None))? else {
            return Err(meanwhile(store.as_ref(), &file, "was dropped by somebody else"));
        };
        let location = located(store.as_ref(), &file);
        match String::from_utf8(bytes.to_vec()) {
            Ok(text) => Ok(StoredText { location, text }),
            Err(e) => Err(Error::config("a stored statement is no UTF-8 text").code("E0213").detail(location).source(e)),
        }
    }
}

fn located(store: &dyn Store, file: &str) -> String {
    format!("{}/{file}", store.location().trim_end_matches('/'))
}

/// What was not so when the catalog was opened.
fn meanwhile(store: &dyn Store, file: &str, what: &str) -> Error {
    let name = in_catalog(file).and_then(|(_, name)| name).unwrap_or_default();
    let e = Error::config(format!("\"{name}\" {what} in the meantime")).code("E0531");
    e.detail(located(store, file)).hint("run the file again")
}
