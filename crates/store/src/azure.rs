//! `az://container/prefix` and `abfss://container@account.dfs.core.windows.net/prefix`: Azure Blob Storage.

use crate::ObjectStore;
use crate::open::{bucket_of, no_credential, server, unopened};
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Error, Result, Store};
use object_store::azure::MicrosoftAzureBuilder;
use std::sync::Arc;

pub const ACCOUNT: OptionSpec = OptionSpec::new(
    "azure.account",
    OptionType::Text,
    "Storage account, where the location does not name it; from AZURE_STORAGE_ACCOUNT_NAME if not set.",
)
.examples(&["lake"]);
pub const ACCESS_KEY: OptionSpec = OptionSpec::new(
    "azure.access-key",
    OptionType::Secret,
    "Key of the account; from the AZURE_* environment variables if not set: a key, a client's secret, a workload's or the machine's identity.",
);
pub const SAS_TOKEN: OptionSpec = OptionSpec::new(
    "azure.sas-token",
    OptionType::Secret,
    "Shared access signature instead of a key; from AZURE_STORAGE_SAS_TOKEN if not set.",
);
pub const ENDPOINT: OptionSpec = OptionSpec::new(
    "azure.endpoint",
    OptionType::Text,
    "Address of another server than the account's, such as Azurite's.",
)
.examples(&["http://127.0.0.1:10000/devstoreaccount1"]);

/// Where else the library looks for the endpoint.
pub(crate) const ENDPOINTS: &[&str] = &["AZURE_ENDPOINT", "AZURE_STORAGE_ENDPOINT"];

/// A key that is none: the library would show a part of it.
pub(crate) fn wrong_key(options: &Options<'_>) -> Option<Error> {
    let key = options.text(&ACCESS_KEY)?;
    let digits = key.trim_end_matches('=');
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let is_base64 = !key.is_empty() && key.len().is_multiple_of(4) && key.len() - digits.len() <= 2 && digits.bytes().all(is_digit);
    (!is_base64).then(|| no_credential(&ACCESS_KEY, "a key's text in base64"))
}

/// - `rest`: what follows `scheme://`
pub(crate) fn open(scheme: &str, rest: &str, options: &Options<'_>) -> Result<Arc<dyn Store>> {
    let (place, prefix) = bucket_of(scheme, rest)?;
    if let Some(wrong) = wrong_key(options) {
        return Err(wrong);
    }
    let mut builder = MicrosoftAzureBuilder::from_env();
    builder = match place.split_once('@') {
        Some(_) => builder.with_url(format!("abfss://{place}/")),
        None => builder.with_container_name(place),
    };
    if let Some(account) = options.text(&ACCOUNT) {
        builder = builder.with_account(account);
    }
    if let Some(key) = options.text(&ACCESS_KEY) {
        builder = builder.with_access_key(key);
    }
    if let Some(token) = options.text(&SAS_TOKEN) {
        builder = builder.with_config(object_store::azure::AzureConfigKey::SasKey, token);
    }
    if let Some(endpoint) = server(options, &ENDPOINT, ENDPOINTS)? {
        builder = builder.with_endpoint(endpoint.to_string()).with_allow_http(endpoint.starts_with("http://"));
    }
    let location = format!("{scheme}://{place}/{prefix}");
    let account = format!(
        "name the account: '{}', AZURE_STORAGE_ACCOUNT_NAME, or abfss://container@account.dfs.core.windows.net/…",
        ACCOUNT.name
    );
    let api = builder.build().map_err(|e| unopened(&location, e).hint(account))?;
    Ok(Arc::new(ObjectStore::new(api, prefix, location)))
}
