//! A location's text to a store.

use crate::{LocalStore, azure, gcs, s3};
use millstream_dataflow::option::Options;
use millstream_dataflow::{Error, Result, Store};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What a location may be, for hints.
pub const LOCATIONS: &str = "use a path, file://, s3://, gs://, az:// or abfss://";

/// Opens a path, relative to `base`, `file:///directory`, or a place in an object store: `s3://bucket/prefix`, `gs://bucket/prefix`,
/// `az://container/prefix`, `abfss://container@account.dfs.core.windows.net/prefix`. A directory is made if it is missing.
///
/// # Errors
/// `Config` for a scheme that does not exist, an object store whose options do not suffice, or a directory that cannot be made.
pub fn open(location: &str, base: &Path, options: &BTreeMap<String, String>) -> Result<Arc<dyn Store>> {
    check(location)?;
    let options = Options::new(options);
    match location.split_once("://") {
        None => Ok(Arc::new(LocalStore::new(base.join(location))?)),
        Some(("file", path)) => Ok(Arc::new(LocalStore::new(path)?)),
        Some(("gs", rest)) => gcs::open(rest, &options),
        Some((scheme @ ("az" | "abfs" | "abfss"), rest)) => azure::open(scheme, rest, &options),
        Some((_, rest)) => s3::open(rest, &options),
    }
}

/// # Errors
/// `Config` for a scheme that does not exist.
pub fn check(location: &str) -> Result<()> {
    match location.split_once("://") {
        None | Some(("file" | "s3" | "s3a" | "gs" | "az" | "abfs" | "abfss", _)) => Ok(()),
        Some((scheme, _)) => Err(Error::config(format!("\"{location}\" has the scheme '{scheme}', which is not supported"))
            .code("E0508")
            .hint(LOCATIONS)),
    }
}

/// The bucket, and the prefix in it.
pub(crate) fn bucket_of<'a>(scheme: &str, rest: &'a str) -> Result<(&'a str, &'a str)> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let (noun, place) = match scheme {
        "az" => ("container", "container"),
        "abfs" | "abfss" => ("container", "container@account.dfs.core.windows.net"),
        _ => ("bucket", "bucket"),
    };
    if bucket.is_empty() {
        return Err(Error::config(format!("an {scheme}:// location needs a {noun}"))
            .code("E0508")
            .hint(format!("{scheme}://{place}/prefix")));
    }
    Ok((bucket, prefix))
}

pub(crate) fn unopened(location: &str, e: object_store::Error) -> Error {
    Error::config(format!("{location} cannot be opened")).code("E0508").source(e)
}
