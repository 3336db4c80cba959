//! `gs://bucket/prefix`: Google Cloud Storage.

use crate::ObjectStore;
use crate::open::{bucket_of, unopened};
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
    if let Some(endpoint) = options.text(&ENDPOINT) {
        builder = builder
            .with_base_url(endpoint)
            .with_client_options(ClientOptions::new().with_allow_http(endpoint.starts_with("http://")));
    }
    let location = format!("gs://{bucket}/{prefix}");
    let api = builder.build().map_err(|e| unopened(&location, e))?;
    Ok(Arc::new(ObjectStore::new(api, prefix, location)))
}
