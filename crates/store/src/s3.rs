//! `s3://bucket/prefix`: Amazon's, and stores that speak its protocol.

use crate::ObjectStore;
use crate::open::{bucket_of, server, unopened};
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Error, Result, Store};
use object_store::aws::AmazonS3Builder;
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

/// Where else the library looks for the endpoint.
pub(crate) const ENDPOINTS: &[&str] = &["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"];

/// One of the two parts of a key is of no use.
pub(crate) fn half_a_key(options: &Options<'_>) -> Option<Error> {
    let half = |given: &OptionSpec, missing: &OptionSpec| {
        let e = Error::config(format!("option '{}' needs '{}' beside it", given.name, missing.name));
        e.code("E0503").hint(missing.doc)
    };
    match (options.text(&ACCESS_KEY), options.text(&SECRET_KEY)) {
        (Some(_), None) if std::env::var_os("AWS_SECRET_ACCESS_KEY").is_none() => Some(half(&ACCESS_KEY, &SECRET_KEY)),
        (None, Some(_)) if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() => Some(half(&SECRET_KEY, &ACCESS_KEY)),
        _ => None,
    }
}

/// - `rest`: what follows `s3://`
pub(crate) fn open(rest: &str, options: &Options<'_>) -> Result<Arc<dyn Store>> {
    let (bucket, prefix) = bucket_of("s3", rest)?;
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    if let Some(endpoint) = server(options, &ENDPOINT, ENDPOINTS)? {
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
    let location = format!("s3://{bucket}/{prefix}");
    let api = builder.build().map_err(|e| unopened(&location, e))?;
    Ok(Arc::new(ObjectStore::new(api, prefix, location)))
}
