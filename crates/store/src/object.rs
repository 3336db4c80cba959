//! An object store behind our contract.

use bytes::Bytes;
use futures::TryStreamExt;
use millstream_dataflow::{BoxFuture, Error, ObjectMeta, PartId, Put, PutMode, Result, Store, StoreKind};
use object_store::multipart::{MultipartStore, PartId as PartName};
use object_store::path::Path;
use object_store::{Error as ObjectError, GetOptions, GetRange, ObjectStore as Api, ObjectStoreExt, PutOptions};
use std::ops::Range;
use std::sync::Arc;

/// A bucket, or a prefix of one.
#[derive(Debug, Clone)]
pub struct ObjectStore<S> {
    api: Arc<S>,
    prefix: String,
    location: String,
}

const BUCKET: &str = "check the bucket's name";

impl<S: Api + MultipartStore> ObjectStore<S> {
    /// - `prefix`: without slashes at its ends; may be empty
    /// - `location`: for messages, without credentials
    pub fn new(api: S, prefix: &str, location: String) -> Self {
        ObjectStore {
            api: Arc::new(api),
            prefix: prefix.trim_matches('/').to_string(),
            location,
        }
    }
    fn path(&self, path: &str) -> Result<Path> {
        let whole = if self.prefix.is_empty() {
            path.to_string()
        } else {
            format!("{}/{path}", self.prefix)
        };
        Path::parse(whole.trim_end_matches('/')).map_err(|e| Error::config(format!("\"{path}\" is no object path")).source(e))
    }
    fn relative(&self, path: &Path) -> String {
        let whole = path.as_ref();
        match self.prefix.is_empty() {
            true => whole.to_string(),
            false => whole.strip_prefix(&self.prefix).unwrap_or(whole).trim_start_matches('/').to_string(),
        }
    }
    fn meta(&self, m: object_store::ObjectMeta) -> ObjectMeta {
        ObjectMeta {
            path: self.relative(&m.location),
            bytes: m.size,
            modified_ms: m.last_modified.timestamp_millis(),
        }
    }
    /// What to look at when the store refuses.
    fn credentials(&self) -> &'static str {
        match self.location.split("://").next() {
            Some("gs") => "check the credentials and what they allow: the option 'gs.credentials', or GOOGLE_APPLICATION_CREDENTIALS in the environment",
            Some("az" | "abfs" | "abfss") => {
                "check the credentials and what they allow: the options 'azure.access-key' or 'azure.sas-token', or AZURE_STORAGE_ACCOUNT_KEY in the environment"
            }
            _ => {
                "check the credentials and what they allow: the options 's3.access-key' and 's3.secret-key', or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
            }
        }
    }
    /// What to look at when the store does not answer.
    fn endpoint(&self) -> &'static str {
        match self.location.split("://").next() {
            Some("gs") => "is the store reachable? The option 'gs.endpoint' says where it is, if it is not Google's",
            Some("az" | "abfs" | "abfss") => "is the store reachable? The option 'azure.endpoint' says where it is, if it is not Microsoft's",
            _ => "is the store reachable? The options 's3.endpoint' and 's3.region', or AWS_ENDPOINT_URL and AWS_REGION in the environment, say where it is",
        }
    }
    fn failed(&self, what: &str, path: &str, e: ObjectError) -> Error {
        let detail = format!("{}/{path}", self.location.trim_end_matches('/'));
        // Listings give every refusal as `Generic`; only its text names the status.
        let generic = match &e {
            ObjectError::Generic { .. } => e.to_string(),
            _ => String::new(),
        };
        let all = e.to_string();
        if METADATA.iter().any(|host| all.contains(host)) {
            // A machine that has credentials of its own may be slow to tell them.
            let lacks = match generic.contains("status code: 4") {
                true => Error::config(what),
                false => Error::unavailable(what),
            };
            let why = "neither the options nor the environment give credentials, and this machine tells none of its own";
            return lacks.code("E0520").detail(detail).source(why).hint(self.credentials());
        }
        let status = |codes: &[&str]| codes.iter().any(|code| generic.contains(&format!("status code: {code}")));
        let error = match &e {
            ObjectError::PermissionDenied { .. } | ObjectError::Unauthenticated { .. } => Error::config(what).hint(self.credentials()),
            ObjectError::NotFound { .. } => Error::config(what).hint(BUCKET),
            ObjectError::NotImplemented { .. } | ObjectError::NotSupported { .. } => {
                Error::config(what).hint("the store must support conditional writes (If-None-Match)")
            }
            _ if status(&["401", "403"]) => Error::config(what).hint(self.credentials()),
            _ if status(&["404"]) => Error::config(what).hint(BUCKET),
            _ => Error::unavailable(what).hint(self.endpoint()),
        };
        error.code("E0520").detail(detail).source(said(&all))
    }
}

/// Where machines of a cloud ask for credentials of their own.
const METADATA: [&str; 2] = ["169.254.169.254", "metadata.google.internal"];

/// What a store said, without the library's frame around it: of a document the code and the message.
fn said(text: &str) -> String {
    let within = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once(&format!("</{tag}>")).map(|(inside, _)| inside)
    };
    match (within("Code"), within("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_string(),
        _ => text.to_string(),
    }
}

impl<S: Api + MultipartStore> Store for ObjectStore<S> {
    fn kind(&self) -> StoreKind {
        StoreKind::Object
    }
    fn location(&self) -> String {
        self.location.clone()
    }
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes, mode: PutMode) -> BoxFuture<'a, Result<Put>> {
        Box::pin(async move {
            let options = match mode {
                PutMode::Create => PutOptions::from(object_store::PutMode::Create),
                PutMode::Overwrite => PutOptions::default(),
            };
            match self.api.put_opts(&self.path(path)?, bytes.into(), options).await {
                Ok(_) => Ok(Put::Done),
                // Both answers, and a 409 that comes as one of them, may be our own earlier try: the caller reads back.
                Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) if mode == PutMode::Create => Ok(Put::Exists),
                Err(e) => Err(self.failed("an object cannot be written", path, e)),
            }
        })
    }
    fn get<'a>(&'a self, path: &'a str, range: Option<Range<u64>>) -> BoxFuture<'a, Result<Option<Bytes>>> {
        Box::pin(async move {
            if range.as_ref().is_some_and(|r| r.is_empty()) {
                return Ok(self.head(path).await?.map(|_| Bytes::new()));
            }
            let options = GetOptions {
                range: range.map(GetRange::Bounded),
                ..GetOptions::default()
            };
            let read = async {
                self.api
                    .get_opts(
                        &self.path(path).map_err(|e| ObjectError::Generic {
                            store: "path",
                            source: Box::new(e),
                        })?,
                        options,
                    )
                    .await?
                    .bytes()
                    .await
            };
            match read.await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(ObjectError::NotFound { .. }) => Ok(None),
                Err(e) => Err(self.failed("an object cannot be read", path, e)),
            }
        })
    }
    fn head<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<ObjectMeta>>> {
        Box::pin(async move {
            match self.api.head(&self.path(path)?).await {
                Ok(m) => Ok(Some(self.meta(m))),
                Err(ObjectError::NotFound { .. }) => Ok(None),
                Err(e) => Err(self.failed("an object cannot be looked at", path, e)),
            }
        })
    }
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<ObjectMeta>>> {
        Box::pin(async move {
            let path = self.path(prefix)?;
            let listed: Vec<_> = self
                .api
                .list(Some(&path))
                .try_collect()
                .await
                .map_err(|e| self.failed("objects cannot be listed", prefix, e))?;
            let mut metas: Vec<ObjectMeta> = listed.into_iter().map(|m| self.meta(m)).collect();
            metas.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(metas)
        })
    }
    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match self.api.delete(&self.path(path)?).await {
                Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
                Err(e) => Err(self.failed("an object cannot be removed", path, e)),
            }
        })
    }
    fn link<'a>(&'a self, _from: &'a str, _to: &'a str) -> BoxFuture<'a, Result<Put>> {
        Box::pin(async { Err(Error::bug("an object store has no links")) })
    }
    fn create_multipart<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            self.api
                .create_multipart(&self.path(path)?)
                .await
                .map_err(|e| self.failed("an upload cannot be started", path, e))
        })
    }
    fn put_part<'a>(&'a self, path: &'a str, upload: &'a str, index: usize, bytes: Bytes) -> BoxFuture<'a, Result<PartId>> {
        Box::pin(async move {
            let part = self.api.put_part(&self.path(path)?, &upload.to_string(), index, bytes.into()).await;
            part.map(|p| p.content_id).map_err(|e| self.failed("a part cannot be uploaded", path, e))
        })
    }
    fn complete_multipart<'a>(&'a self, path: &'a str, upload: &'a str, parts: &'a [PartId]) -> BoxFuture<'a, Result<Put>> {
        Box::pin(async move {
            let names = parts.iter().map(|p| PartName { content_id: p.clone() }).collect();
            match self.api.complete_multipart(&self.path(path)?, &upload.to_string(), names).await {
                Ok(_) => Ok(Put::Done),
                // The upload is gone: completed before, or expired. What stands there tells.
                Err(e) => match self.head(path).await {
                    Ok(Some(_)) => Ok(Put::Exists),
                    _ => Err(self.failed("an upload cannot be completed", path, e)),
                },
            }
        })
    }
    fn abort_multipart<'a>(&'a self, path: &'a str, upload: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match self.api.abort_multipart(&self.path(path)?, &upload.to_string()).await {
                Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
                Err(e) => Err(self.failed("an upload cannot be given up", path, e)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn of_a_document_code_and_message_are_told() {
        let text = "Generic S3 error: Server returned error: <?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>";
        assert_eq!(said(text), "NoSuchBucket: The bucket does not exist");
        assert_eq!(said("connection refused"), "connection refused");
    }
}
