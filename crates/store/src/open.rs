//! A location's text to a store.

use crate::{LocalStore, ObjectStore};
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Error, Result, Store};
use object_store::aws::AmazonS3Builder;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub const ENDPOINT: OptionSpec =
    OptionSpec::new("s3.endpoint", OptionType::Text, "Address of an S3-compatible store; AWS itself if not set.").examples(&["http://localhost:9000"]);
pub const ACCESS_KEY: OptionSpec = OptionSpec::new(
    "s3.access-key",
    OptionType::Secret,
    "Access key; from the AWS_* environment variables if not set.",
);
pub const SECRET_KEY: OptionSpec = OptionSpec::new(
    "s3.secret-key",
    OptionType::Secret,
    "Secret key; from the AWS_* environment variables if not set.",
);
pub const REGION: OptionSpec = OptionSpec::new("s3.region", OptionType::Text, "Region of the bucket.").examples(&["eu-central-1"]);
pub const PATH_STYLE: OptionSpec = OptionSpec::new(
    "s3.path-style-access",
    OptionType::Boolean,
    "Whether the bucket's name stands in the path rather than the host. On with an endpoint.",
)
.examples(&["true"]);

/// Opens `s3://bucket/prefix`, `file:///directory` or a path, relative to `base`. A directory is made if it is missing.
///
/// # Errors
/// `Config` for a scheme that does not exist or a directory that cannot be made.
pub fn open(location: &str, base: &Path, options: &BTreeMap<String, String>) -> Result<Arc<dyn Store>> {
    check(location)?;
    match location.split_once("://") {
        None => Ok(Arc::new(LocalStore::new(base.join(location))?)),
        Some(("file", path)) => Ok(Arc::new(LocalStore::new(path)?)),
        Some((_, rest)) => s3(rest, &Options::new(options)),
    }
}

/// # Errors
/// `Config` for a scheme that does not exist.
pub fn check(location: &str) -> Result<()> {
    match location.split_once("://") {
        None | Some(("file" | "s3" | "s3a", _)) => Ok(()),
        Some((scheme, _)) => Err(Error::config(format!("\"{location}\" has the scheme '{scheme}', which is not supported"))
            .code("E0508")
            .hint("use a path, file:// or s3://")),
    }
}

fn s3(rest: &str, options: &Options<'_>) -> Result<Arc<dyn Store>> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(Error::config("an s3:// location needs a bucket").code("E0508").hint("s3://bucket/prefix"));
    }
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    if let Some(endpoint) = options.text(&ENDPOINT) {
        builder = builder
            .with_endpoint(endpoint)
            .with_allow_http(endpoint.starts_with("http://"))
            .with_virtual_hosted_style_request(false);
    }
    if let Some(key) = options.text(&ACCESS_KEY) {
        builder = builder.with_access_key_id(key);
    }
    if let Some(key) = options.text(&SECRET_KEY) {
        builder = builder.with_secret_access_key(key);
    }
    if let Some(region) = options.text(&REGION) {
        builder = builder.with_region(region);
    }
    if options.text(&PATH_STYLE) == Some("false") {
        builder = builder.with_virtual_hosted_style_request(true);
    }
    let api = builder
        .build()
        .map_err(|e| Error::config(format!("s3://{bucket} cannot be opened")).code("E0508").source(e))?;
    Ok(Arc::new(ObjectStore::new(api, prefix, format!("s3://{bucket}/{prefix}"))))
}
