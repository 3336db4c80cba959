//! `gs://bucket/prefix`: Google Cloud Storage.

use crate::ObjectStore;
use crate::open::{bucket_of, no_credential, server, unopened};
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Result, Store};
use object_store::ClientOptions;
use object_store::gcp::GoogleCloudStorageBuilder;
use std::sync::Arc;

pub const CREDENTIALS: OptionSpec = OptionSpec::new(
    "gs.credentials",
    OptionType::Secret,
    "Key of a service account: the text of its JSON file. Without it the key is the file that GOOGLE_SERVICE_ACCOUNT names, or one is asked for as Google's \
     tools do: GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth`, the machine's account.",
);
pub const ENDPOINT: OptionSpec =
    OptionSpec::new("gs.endpoint", OptionType::Text, "Address of another server than Google's.").examples(&["http://localhost:4443"]);

/// - `rest`: what follows `gs://`
pub(crate) fn open(rest: &str, options: &Options<'_>) -> Result<Arc<dyn Store>> {
    let (bucket, prefix) = bucket_of("gs", rest)?;
    let mut builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
    if let Some(key) = options.text(&CREDENTIALS) {
        builder = builder.with_service_account_key(key);
    }
    if let Some(endpoint) = server(options, &ENDPOINT, &[])? {
        builder = builder
            .with_base_url(endpoint)
            .with_client_options(ClientOptions::new().with_allow_http(endpoint.starts_with("http://")));
    }
    let location = format!("gs://{bucket}/{prefix}");
    let api = builder.build().map_err(|e| match options.text(&CREDENTIALS) {
        Some(_) => no_credential(&CREDENTIALS, "the JSON text of a service account's key"),
        None => unopened(&location, e).hint("is the file that GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS names a key?"),
    })?;
    Ok(Arc::new(ObjectStore::new(api, prefix, location)))
}
