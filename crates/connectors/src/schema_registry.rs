//! A client of Confluent's schema registry, over HTTP: schemas by their ids, and ids by schemas.

mod settings;
mod tls;

use crate::ConnectorContext;
use millstream_dataflow::option::OptionSpec;
use millstream_dataflow::{Error, Result};
use millstream_formats::{RegisteredSchema, RegistryOptions, SchemaReference, SchemaRegistry};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use settings::{Credentials, Settings};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;
use tls::Tls;

/// How long an address may take to be reached, and to answer in whole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// What the runtime may add to that before nobody waits for it any more.
const GRACE: Duration = Duration::from_secs(2);

/// Longest answer taken.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Longest message of a registry that is passed on.
const MESSAGE_CHARS_MAX: usize = 300;
/// Schemas and ids remembered; beyond it all are asked for again.
const KNOWN_MAX: usize = 1024;
/// Schemas that one schema may need, all in all, and how deep they may lie.
const REFERENCES_MAX: usize = 1024;
const REFERENCES_DEPTH_MAX: usize = 64;

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

#[derive(Default)]
struct Known {
    schemas: HashMap<u32, Arc<RegisteredSchema>>,
    /// By subject and schema.
    ids: HashMap<(String, String), u32>,
}

/// The registry that a table's options name.
///
/// The calls wait for its answer, at most [`ANSWER_TIMEOUT`] per address and a little more, so they are for threads that are not tokio's. What it
/// has told is remembered.
pub(crate) struct ConfluentRegistry {
    /// Addresses of one registry.
    urls: Vec<Url>,
    /// The one that answered last.
    preferred: AtomicUsize,
    credentials: Credentials,
    tls: Tls,
    /// What the table's options have in front of the format's: `key.`, `value.` or nothing.
    prefix: String,
    names: &'static RegistryOptions,
    /// Where requests run.
    handle: tokio::runtime::Handle,
    /// Made for the first request: it reads certificates.
    client: OnceLock<Client>,
    answer_timeout: Duration,
    // A std mutex: held for a look or an insertion, never while the registry is asked.
    known: Mutex<Known>,
}

/// A schema as it is told.
struct Fetched {
    kind: String,
    text: String,
    references: Vec<Place>,
}

/// Where a schema that another one refers to is, and by which name.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    name: String,
    subject: String,
    version: i64,
}

/// What an address said.
struct Answer {
    status: StatusCode,
    /// NULL unless it is JSON.
    body: Value,
}

/// Why an address said nothing.
enum Silence {
    /// Another one, or another time, may be better.
    Unreachable(String),
    Fatal(Error),
}

impl ConfluentRegistry {
    /// Asks nothing yet.
    ///
    /// - `options`: the format's, by the names that it knows
    /// - `names`: these names
    /// - `prefix`: what they have in front of them in the table, for errors
    ///
    /// # Errors
    /// `Config` for addresses that are none, credentials that are incomplete, and certificates that cannot be read.
    pub(crate) fn new(options: &BTreeMap<String, String>, names: &'static RegistryOptions, prefix: &str, context: &ConnectorContext) -> Result<Self> {
        let settings = Settings { options, names, prefix };
        Ok(ConfluentRegistry {
            urls: settings.urls()?,
            preferred: AtomicUsize::new(0),
            credentials: settings.credentials()?,
            tls: Tls::new(&settings, &context.directory)?,
            prefix: prefix.to_string(),
            names,
            handle: context.handle.clone(),
            client: OnceLock::new(),
            answer_timeout: ANSWER_TIMEOUT,
            known: Mutex::default(),
        })
    }

    /// The same for somebody who does not wait for long.
    pub(crate) fn waiting(mut self, wait: Duration) -> Self {
        self.answer_timeout = wait;
        self
    }

    /// The names that schemas are registered under, sorted.
    ///
    /// # Errors
    /// As those of `schema`.
    pub(crate) fn subjects(&self) -> Result<Vec<String>> {
        let (answer, url) = self.ask(&["subjects"], None)?;
        let names = answer.body.as_array().filter(|_| answer.status.is_success());
        let Some(names) = names else { return Err(self.refused(&answer, url)) };
        let mut names: Vec<String> = names.iter().filter_map(Value::as_str).map(str::to_string).collect();
        names.sort();
        Ok(names)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn option(&self, spec: &OptionSpec) -> String {
        format!("'{}{}'", self.prefix, spec.name)
    }

    /// Asks one address after the other, until one answers. Gives its place, too.
    fn ask(&self, path: &[&str], body: Option<&Value>) -> Result<(Answer, &Url)> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut silent = Vec::new();
        for i in (first..self.urls.len()).chain(0..first) {
            let url = &self.urls[i];
            match self.ask_at(url, path, body) {
                Ok(answer) if !may_pass(answer.status) => {
                    self.preferred.store(i, Ordering::Relaxed);
                    return Ok((answer, url));
                }
                Ok(answer) => silent.push(format!("{}: {}", shown(url), told(&answer))),
                Err(Silence::Unreachable(why)) => silent.push(format!("{}: {why}", shown(url))),
                Err(Silence::Fatal(e)) => return Err(e),
            }
        }
        Err(Error::unavailable("the schema registry does not answer")
            .code("E0523")
            .detail(silent.join("; "))
            .hint(format!("check the option {}, and whether the registry runs", self.option(&self.names.url))))
    }

    fn ask_at(&self, url: &Url, path: &[&str], body: Option<&Value>) -> Result<Answer, Silence> {
        let mut url = url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let client = self.client()?;
        let mut request = match body {
            Some(body) => client.post(url).header("Content-Type", CONTENT_TYPE).body(body.to_string()),
            None => client.get(url),
        };
        request = match &self.credentials {
            Credentials::None => request,
            Credentials::Basic { user, password } => request.basic_auth(user, Some(password)),
            Credentials::Token(token) => request.bearer_auth(token),
        };
        let (send, answer) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // Nobody may be waiting any more.
            let _ = send.send(exchange(request).await);
        });
        match answer.recv_timeout(self.answer_timeout + GRACE) {
            Ok(answer) => answer,
            Err(_) => Err(Silence::Unreachable("the request did not end".to_string())),
        }
    }

    fn client(&self) -> Result<&Client, Silence> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = self
            .tls
            .apply(Client::builder())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(self.answer_timeout)
            // Requests are few: a connection that was kept would be one that the registry has closed.
            .pool_max_idle_per_host(0)
            .user_agent("millstream")
            // Credentials are for the address that was named.
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let made = made.map_err(|e| Silence::Fatal(Error::config("no HTTP client can be made").code("E0523").source(e)))?;
        Ok(self.client.get_or_init(|| made))
    }

    /// What is wrong with an answer that is neither what was asked for nor about it.
    fn refused(&self, answer: &Answer, url: &Url) -> Error {
        let (url, said) = (shown(url), told(answer));
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let names = match self.credentials {
                    Credentials::Token(_) => self.option(&self.names.token),
                    _ => self.option(&self.names.user_info),
                };
                let e = Error::config(format!("the schema registry at {url} does not let us in: {said}")).code("E0524");
                e.hint(format!("check the option {names}, and its rights"))
            }
            _ => {
                let e = Error::config(format!("what is at {url} does not answer as a schema registry does: {said}")).code("E0523");
                e.hint(format!("check the option {}", self.option(&self.names.url)))
            }
        }
    }

    /// What the registry has at a place.
    ///
    /// # Errors
    /// `Data` if it has nothing there.
    fn fetch(&self, path: &[&str], what: &str) -> Result<Fetched> {
        let (answer, url) = self.ask(path, None)?;
        if has_no_such(&answer) {
            return Err(Error::data(format!(
                "the schema registry at {} does not have {what}: {}",
                shown(url),
                told(&answer)
            )));
        }
        let text = |key: &str| answer.body.get(key).and_then(Value::as_str).map(str::to_string);
        let Some(schema) = text("schema").filter(|_| answer.status.is_success()) else {
            return Err(self.refused(&answer, url));
        };
        let references = answer.body.get("references").and_then(Value::as_array).into_iter().flatten();
        let place = |reference: &Value| {
            let text = |key: &str| reference.get(key).and_then(Value::as_str).map(str::to_string);
            Some(Place {
                name: text("name")?,
                subject: text("subject")?,
                version: reference.get("version")?.as_i64()?,
            })
        };
        let references = references.map(place).collect::<Option<Vec<Place>>>();
        Ok(Fetched {
            kind: text("schemaType").map_or("AVRO".to_string(), |kind| cut(&kind)),
            text: schema,
            references: references.ok_or_else(|| self.refused(&answer, url))?,
        })
    }

    /// Appends what is referred to, and before it what that refers to.
    fn follow(&self, places: Vec<Place>, depth: usize, seen: &mut HashSet<Place>, out: &mut Vec<SchemaReference>) -> Result<()> {
        for place in places {
            if !seen.insert(place.clone()) {
                continue;
            }
            if seen.len() > REFERENCES_MAX || depth > REFERENCES_DEPTH_MAX {
                return Err(Error::data(format!(
                    "it refers to more than {REFERENCES_MAX} schemas, or through more than {REFERENCES_DEPTH_MAX}"
                )));
            }
            let version = place.version.to_string();
            let what = format!("version {version} of the subject {}, which the schema refers to", cut(&place.subject));
            let fetched = self.fetch(&["subjects", &place.subject, "versions", &version], &what)?;
            self.follow(fetched.references, depth + 1, seen, out)?;
            out.push(SchemaReference {
                name: place.name,
                text: fetched.text,
            });
        }
        Ok(())
    }
}

/// A registry that is only asked: what would be registered is compared with what there is.
pub(crate) struct Asked(pub(crate) Arc<ConfluentRegistry>);

impl SchemaRegistry for Asked {
    fn schema(&self, id: u32) -> Result<Arc<RegisteredSchema>> {
        self.0.schema(id)
    }
    /// Gives no id that means anything.
    fn register(&self, subject: &str, kind: &str, text: &str) -> Result<u32> {
        let (answer, url) = self
            .0
            .ask(&["compatibility", "subjects", subject, "versions", "latest"], Some(&registered(kind, text)))?;
        // What is new goes with everything.
        if has_no_such(&answer) {
            return Ok(0);
        }
        match answer.body.get("is_compatible").and_then(Value::as_bool) {
            Some(true) => Ok(0),
            Some(false) => Err(clash(subject, url, "it is not compatible with the latest version")),
            None if answer.status == StatusCode::UNPROCESSABLE_ENTITY => Err(clash(subject, url, &told(&answer))),
            None => Err(self.0.refused(&answer, url)),
        }
    }
}

/// A schema as a registry is told of it.
fn registered(kind: &str, text: &str) -> Value {
    let mut body = json!({ "schema": text });
    // What registries did not yet know when all was Avro.
    if kind != "AVRO" {
        body["schemaType"] = kind.into();
    }
    body
}

/// Whether a registry says that it has nothing at a place.
fn has_no_such(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND && error_code(&answer.body).is_some_and(|c| (40_400..40_500).contains(&c))
}

fn clash(subject: &str, url: &Url, said: &str) -> Error {
    Error::config(format!(
        "the schema registry at {} refuses the schema of the table's columns: {said}",
        shown(url)
    ))
    .code("E0525")
    .detail(format!("subject {subject}"))
    .hint("declare columns that go with the subject's former schemas, or another subject")
}

impl SchemaRegistry for ConfluentRegistry {
    fn schema(&self, id: u32) -> Result<Arc<RegisteredSchema>> {
        if let Some(schema) = self.known().schemas.get(&id) {
            return Ok(Arc::clone(schema));
        }
        let fetched = self.fetch(&["schemas", "ids", &id.to_string()], "it")?;
        let mut references = Vec::new();
        self.follow(fetched.references, 1, &mut HashSet::new(), &mut references)?;
        let schema = Arc::new(RegisteredSchema {
            kind: fetched.kind,
            text: fetched.text,
            references,
        });
        let schemas = &mut self.known().schemas;
        if schemas.len() >= KNOWN_MAX {
            schemas.clear();
        }
        schemas.insert(id, Arc::clone(&schema));
        Ok(schema)
    }

    fn register(&self, subject: &str, kind: &str, text: &str) -> Result<u32> {
        let key = (subject.to_string(), text.to_string());
        if let Some(id) = self.known().ids.get(&key) {
            return Ok(*id);
        }
        let (answer, url) = self.ask(&["subjects", subject, "versions"], Some(&registered(kind, text)))?;
        // Some registries say 422 of a schema that is valid and not compatible.
        if matches!(answer.status, StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY) {
            return Err(clash(subject, url, &told(&answer)));
        }
        let id = answer.body.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
        let Some(id) = id.filter(|_| answer.status.is_success()) else {
            return Err(self.refused(&answer, url));
        };
        let ids = &mut self.known().ids;
        if ids.len() >= KNOWN_MAX {
            ids.clear();
        }
        ids.insert(key, id);
        Ok(id)
    }
}

/// Sends a request and reads what comes back.
async fn exchange(request: RequestBuilder) -> Result<Answer, Silence> {
    let accepted = request.header("Accept", format!("{CONTENT_TYPE}, application/json"));
    let mut response = accepted.send().await.map_err(failed)?;
    let (status, bytes) = (response.status(), content(&mut response).await?);
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Answer { status, body })
}

async fn content(response: &mut Response) -> Result<Vec<u8>, Silence> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        if bytes.len() + piece.len() > ANSWER_BYTES_MAX {
            let e = Error::config(format!("a schema registry's answer has more than {ANSWER_BYTES_MAX} bytes")).code("E0523");
            return Err(Silence::Fatal(e));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Why there was no answer, without the address, which may have more in it than is shown.
fn failed(e: reqwest::Error) -> Silence {
    if e.is_builder() {
        return Silence::Fatal(Error::config("the schema registry cannot be asked").code("E0523").source(e.without_url()));
    }
    if e.is_timeout() {
        return Silence::Unreachable("no answer in time".to_string());
    }
    let e = e.without_url();
    let mut deepest: &dyn std::error::Error = &e;
    while let Some(below) = deepest.source() {
        deepest = below;
    }
    Silence::Unreachable(cut(&deepest.to_string()))
}

/// Whether the same request may be answered elsewhere or later.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

fn error_code(body: &Value) -> Option<u64> {
    body.get("error_code").and_then(Value::as_u64)
}

/// The registry's own words, or the status.
fn told(answer: &Answer) -> String {
    match answer.body.get("message").and_then(Value::as_str) {
        Some(message) => cut(message),
        None => format!("HTTP status {}", answer.status.as_u16()),
    }
}

/// On one line of bounded length.
fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// An address without what may be secret.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests;
