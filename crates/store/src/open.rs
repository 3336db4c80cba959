//! A location's text to a store.

use crate::{LocalStore, azure, gcs, s3};
use millstream_dataflow::option::{OptionSpec, Options};
use millstream_dataflow::{Error, Result, Store};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What stands in front of `://`.
const SCHEMES: [&str; 7] = ["file", "s3", "s3a", "gs", "az", "abfs", "abfss"];

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
/// `Config` for a scheme that does not exist, or without `//` behind it.
pub fn check(location: &str) -> Result<()> {
    if let Some((scheme, path)) = location
        .split_once(":/")
        .filter(|(scheme, path)| SCHEMES.contains(scheme) && !path.starts_with('/'))
    {
        // A path keeps its root: `file:/tmp` is `file:///tmp`.
        let root = if scheme == "file" { "/" } else { "" };
        return Err(Error::config(format!("\"{location}\" lacks // behind the scheme"))
            .code("E0508")
            .hint(format!("{scheme}://{root}{path}")));
    }
    match location.split_once("://") {
        Some((scheme, _)) if !SCHEMES.contains(&scheme) => Err(Error::config(format!("\"{location}\" has the scheme '{scheme}', which is not supported"))
            .code("E0508")
            .hint(LOCATIONS)),
        _ => Ok(()),
    }
}

/// What the options of an object store get wrong, as far as that can be told without asking it.
pub fn check_options(location: &str, options: &BTreeMap<String, String>) -> Vec<Error> {
    let options = Options::new(options);
    let endpoint = |spec, variables: &[&str]| server(&options, spec, variables).err();
    match location.split_once("://") {
        Some(("gs", _)) => endpoint(&gcs::ENDPOINT, &[]).into_iter().collect(),
        Some(("az" | "abfs" | "abfss", _)) => {
            let endpoint = endpoint(&azure::ENDPOINT, azure::ENDPOINTS);
            endpoint.into_iter().chain(azure::wrong_key(&options)).collect()
        }
        Some(("s3" | "s3a", _)) => endpoint(&s3::ENDPOINT, s3::ENDPOINTS).into_iter().chain(s3::half_a_key(&options)).collect(),
        _ => Vec::new(),
    }
}

/// The server that an option names, if it does.
///
/// - `variables`: of the environment, which the library reads where the option is not given
///
/// # Errors
/// `Config` for what is no address: the library would stop the program.
pub(crate) fn server<'a>(options: &Options<'a>, spec: &OptionSpec, variables: &[&str]) -> Result<Option<&'a str>> {
    let wrong = |what: String| Err(Error::config(format!("{what}, which is no address of a server")).code("E0502").hint(ADDRESS));
    let given = options.text(spec);
    if let Some(text) = given.filter(|text| !is_address(text)) {
        return wrong(format!("option '{}' has the value '{text}'", spec.name));
    }
    let of_environment = variables.iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    match of_environment.into_iter().find(|(_, text)| given.is_none() && !is_address(text)) {
        Some((name, text)) => wrong(format!("the variable {name} of the environment is '{text}'")),
        None => Ok(given),
    }
}

const ADDRESS: &str = "with http:// or https://, as in http://localhost:9000";

/// `http://host:port/path`, the port and the path as may be.
fn is_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !host.is_empty() && host.chars().all(is_host) && port.is_none_or(|p| p.parse::<u16>().is_ok()) && !rest.contains(char::is_whitespace)
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

/// The error for a credential that is none; the library's words may show a part of it.
pub(crate) fn no_credential(spec: &OptionSpec, what: &str) -> Error {
    let e = Error::config(format!("option '{}' is not {what}", spec.name)).code("E0502");
    e.hint("give it by a variable of the environment: '${NAME}'")
}

pub(crate) fn unopened(location: &str, e: object_store::Error) -> Error {
    Error::config(format!("{location} cannot be opened")).code("E0508").source(e)
}

#[cfg(test)]
mod tests {
    use super::{check, is_address};

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for text in [
            "http://localhost:9000",
            "https://s3.eu-central-1.amazonaws.com",
            "http://127.0.0.1:10000/account",
            "http://[::1]:9000",
            "https://[::1]",
        ] {
            assert!(is_address(text), "{text}");
        }
        for text in [
            "",
            "localhost:9000",
            "nourl",
            "http://",
            "http://local host:9000",
            "http://a:b",
            "http://a:99999",
            "ftp://a",
            "http://a/ b",
        ] {
            assert!(!is_address(text), "{text}");
        }
    }

    #[test]
    fn a_scheme_has_two_slashes_behind_it() {
        let hint = |location: &str| check(location).err().and_then(|e| e.hint.clone());
        assert_eq!(hint("s3:/lake/t").as_deref(), Some("s3://lake/t"));
        assert_eq!(hint("file:/lake/t").as_deref(), Some("file:///lake/t"));
        assert_eq!(hint("c:/lake/t"), None);
        assert_eq!(hint("s3://lake/t"), None);
        assert!(hint("hdfs://lake/t").is_some());
    }
}
