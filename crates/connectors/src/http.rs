//! The `http` connector: records that clients send by POST, acknowledged once they are durable.
//!
//! A request is answered with 200 when it is in the journal: numbered objects in a directory or an object store, written ahead of all
//! processing. The source reads the journal like any log; what a checkpoint covers is removed from it.

mod answer;
mod decoder;
mod encoding;
mod endpoint;
mod group;
mod intake;
mod journal;
mod keys;
mod lines;
mod position;
mod rate;
mod reader;
mod server;

use crate::ConnectorContext;
use crate::scan::{ON_ERROR, ON_ERROR_TABLE, ON_LATE, ON_LATE_TABLE, SKEW};
use decoder::HttpDecoder;
use endpoint::Endpoint;
use intake::Intake;
use keys::Keys;
use lines::Lines;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BoxFuture, ConnectorSpec, Error, MetadataColumn, Result, Source, Split, SplitDecoder, SplitReader, Store, TableSpec};
use millstream_store::MemoryStore;
use millstream_store::{azure, gcs, s3};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use position::Position;
use rate::Rate;
use reader::{JournalReader, ReaderParts};
pub(crate) use server::Listeners;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::{info, warn};

const LISTEN: OptionSpec = OptionSpec::new(
    "listen",
    OptionType::Text,
    "The address that requests are taken at. Tables of a job may share one. There is no TLS: listen on a loopback address, or put a proxy in front.",
)
.required()
.examples(&["127.0.0.1:8088"]);
const PATH: OptionSpec = OptionSpec::new(
    "path",
    OptionType::Text,
    "The path that requests are sent to: `/` and the table's name unless given.",
)
.examples(&["/v1/clicks"]);
const TOKEN: OptionSpec = OptionSpec::new(
    "token",
    OptionType::Secret,
    "What a client must show as `Authorization: Bearer …`. Without it anybody who reaches the address may send.",
)
.examples(&["${TOKEN}"]);
const JOURNAL: OptionSpec = OptionSpec::new(
    "journal",
    OptionType::Text,
    "Where requests are written before they are acknowledged: a directory or object store of this table's own; beside the job's state unless given. A \
     query without INSERT keeps them in memory instead.",
)
.examples(&["s3://bucket/journals/clicks"]);
const BODY_MAX: OptionSpec = OptionSpec::new(
    "max-body-size",
    OptionType::Memory,
    "Size of the largest body, unpacked. Larger ones are refused with 413.",
)
.default("8 MB");
const PENDING_MAX: OptionSpec = OptionSpec::new(
    "max-pending-bytes",
    OptionType::Memory,
    "How much may wait: requests on their way, and the journal up to the last checkpoint. Then requests are refused with 429 and Retry-After.",
)
.default("256 MB");
const RATE: OptionSpec = OptionSpec::new(
    "max-requests-per-second",
    OptionType::Integer,
    "Beyond it requests are refused with 429 and Retry-After; not limited unless given.",
)
.examples(&["500"]);
const KEYS_MAX: OptionSpec = OptionSpec::new(
    "idempotency.max-keys",
    OptionType::Integer,
    "How many of the last Idempotency-Keys are remembered, over restarts. A request whose key is remembered is acknowledged and not taken again.",
)
.default("100000");
const WINDOW: OptionSpec = OptionSpec::new("idempotency.window", OptionType::Duration, "How long an Idempotency-Key is remembered at most.").default("1 d");
const IDLE: OptionSpec = OptionSpec::new(
    "scan.watermark.idle-timeout",
    OptionType::Duration,
    "After how long without requests the table stops holding the watermark back.",
);

const fn metadata(key: &'static str, ty: &'static str, doc: &'static str) -> MetadataColumn {
    MetadataColumn { key, ty, writable: false, doc }
}

pub const SPEC: ConnectorSpec = ConnectorSpec {
    name: "http",
    doc: "Takes records that clients send by POST: one per line, a JSON array as a record with a row per element, or with the format `avro` one per body. \
          A request is answered with 200 once it is durable, and its records are then processed exactly once, whatever crashes. Bodies may be \
          packed with gzip (`Content-Encoding`). A client that has no answer sends the request again with the same `Idempotency-Key`. What is wrong with \
          a record is no matter of its request's answer: `'on-error'` decides.",
    source: true,
    sink: false,
    options: &[
        KEYS_MAX,
        WINDOW,
        JOURNAL,
        LISTEN,
        BODY_MAX,
        PENDING_MAX,
        RATE,
        ON_ERROR,
        ON_ERROR_TABLE,
        ON_LATE,
        ON_LATE_TABLE,
        PATH,
        azure::ACCESS_KEY,
        azure::ACCOUNT,
        azure::ENDPOINT,
        azure::SAS_TOKEN,
        gcs::CREDENTIALS,
        gcs::ENDPOINT,
        s3::ACCESS_KEY,
        s3::ENDPOINT,
        s3::PATH_STYLE,
        s3::REGION,
        s3::SECRET_KEY,
        IDLE,
        SKEW,
        TOKEN,
    ],
    formats: &["avro", "csv", "debezium-json", "json", "raw"],
    metadata: &[
        metadata("idempotency-key", "STRING", "The Idempotency-Key of the request."),
        metadata("received-at", "TIMESTAMP_LTZ(3) NOT NULL", "When the request had come whole."),
        metadata(
            "remote-address",
            "STRING NOT NULL",
            "Address and port that the request came from; with a proxy in front, the proxy's.",
        ),
    ],
    changes: false,
    ends: |_| false,
};

/// The one split's id.
const SPLIT: &str = "journal";
/// What a table's name is without as the name of its directory: no two names are the same one.
const NOT_IN_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');
/// What lengths in the journal can tell.
const BODY_BYTES_MAX: u64 = 1 << 30;

fn format(table: &TableSpec) -> &str {
    table
        .options
        .get("format")
        .or_else(|| table.options.get("value.format"))
        .map_or("", String::as_str)
}

fn path(table: &TableSpec) -> String {
    let path = Options::new(&table.options).text(&PATH);
    path.map_or_else(|| format!("/{}", table.name), str::to_string)
}

/// What a table's requests may be at most, and what is remembered of them.
struct Limits {
    body: u64,
    pending: u64,
    per_second: Option<u32>,
    keys: usize,
    window: Duration,
}

impl Limits {
    fn new(table: &TableSpec) -> Result<Limits> {
        let o = Options::new(&table.options);
        let limits = Limits {
            body: o.memory(&BODY_MAX).unwrap_or(0),
            pending: o.memory(&PENDING_MAX).unwrap_or(0),
            per_second: o.parsed(&RATE)?,
            keys: o.parsed(&KEYS_MAX)?.unwrap_or(0),
            window: o.duration(&WINDOW).unwrap_or_default(),
        };
        let wrong = |spec: &OptionSpec, why: &str, hint: &str| Err(Error::config(format!("option '{}' {why}", spec.name)).code("E0502").hint(hint));
        if limits.body == 0 || limits.body > BODY_BYTES_MAX {
            return wrong(
                &BODY_MAX,
                "is not between 1 byte and 1 GB",
                "larger inputs are files: see the connector filesystem",
            );
        }
        if limits.pending < limits.body {
            return wrong(
                &PENDING_MAX,
                "is smaller than 'max-body-size'",
                "a body of that size could never be taken: raise the one or lower the other",
            );
        }
        if limits.per_second == Some(0) {
            return wrong(&RATE, "allows no requests", "give a number from 1 on, or leave it out");
        }
        Ok(limits)
    }
}

/// What valid options may still get wrong together.
pub fn check(table: &TableSpec) -> Vec<Error> {
    let o = Options::new(&table.options);
    let mut errors: Vec<Error> = Limits::new(table).err().into_iter().collect();
    errors.extend(Lines::new(table).and_then(|_| HttpDecoder::new(table)).err());
    let mut wrong = |message: String, hint: &str| errors.push(Error::config(message).code("E0502").hint(hint));
    if let Some(listen) = o.text(&LISTEN)
        && !is_address(listen)
    {
        wrong(
            format!("option '{}' has the value '{listen}', expected an address and a port", LISTEN.name),
            "'127.0.0.1:8088' takes requests of this machine, '0.0.0.0:8088' those of all",
        );
    }
    let path = path(table);
    if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
        wrong(
            format!("option '{}' has the value '{path}', which is no path", PATH.name),
            "it begins with / and has no query: '/v1/clicks'",
        );
    }
    if o.text(&TOKEN).is_some_and(|t| t.trim().is_empty()) {
        wrong(format!("option '{}' is empty", TOKEN.name), "leave it out to take requests of anybody");
    }
    if let Some(e) = o.text(&JOURNAL).and_then(|journal| millstream_store::open::check(journal).err()) {
        let told = Error::config(format!("option '{}': {}", JOURNAL.name, e.message)).code("E0508");
        errors.push(told.hint(e.hint.clone().unwrap_or_default()));
    }
    errors
}

/// A host and a port; whether there is such a host is seen when it is listened on.
fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

pub(crate) fn source(table: &TableSpec, context: &ConnectorContext, listeners: &Listeners) -> Result<Arc<dyn Source>> {
    Ok(Arc::new(Http::new(table, context, listeners)?))
}

struct Http {
    endpoint: Arc<Endpoint>,
    route: server::Route,
    store: Arc<dyn Store>,
    table: TableSpec,
    context: ConnectorContext,
    /// Records of a chunk at most.
    chunk_records: usize,
}

impl Http {
    /// Listens from here on, so that a second process finds out before it takes the job's state over; all requests are told to come again
    /// until the journal is open.
    fn new(table: &TableSpec, context: &ConnectorContext, listeners: &Listeners) -> Result<Http> {
        let o = Options::new(&table.options);
        let limits = Limits::new(table)?;
        let listen = o.required(&LISTEN)?;
        let token = o.text(&TOKEN);
        let keys = Keys::new(limits.keys, limits.window);
        let endpoint = Arc::new(Endpoint {
            table: table.name.clone(),
            intake: Intake::new(table.name.clone(), Arc::clone(&context.clock), keys, limits.pending),
            lines: Lines::new(table)?,
            token: token.map(|t| endpoint::digest(t.as_bytes())),
            body_max: limits.body,
            rate: limits.per_second.map(|n| Mutex::new(Rate::new(n))),
            clock: Arc::clone(&context.clock),
        });
        let route = listeners.add(listen, &path(table), Arc::clone(&endpoint), &context.handle)?;
        if token.is_none() && !route.address().ip().is_loopback() {
            warn!(table = %table.name, address = %route.address(), "anybody who reaches this address may send records: set the option 'token', or listen on 127.0.0.1");
        }
        info!(table = %table.name, address = %route.address(), path = %path(table), "requests are taken");
        Ok(Http {
            endpoint,
            route,
            store: journal_store(table, context)?,
            table: table.clone(),
            context: context.clone(),
            chunk_records: ReaderParts::default_chunk(),
        })
    }
    fn intake(&self) -> &Arc<Intake> {
        &self.endpoint.intake
    }
    /// - `last`: the last object that a position may be at
    fn check_position(&self, split: &Split, last: u64) -> Result<()> {
        if split.id != SPLIT {
            return Err(Error::corrupt(format!("\"{}\" is no split of an http source", split.id)));
        }
        let object = Position::parse(&split.position)?.object;
        if (self.intake().low()..=last).contains(&object) {
            return Ok(());
        }
        Err(Error::data(format!(
            "the journal of table \"{}\" does not hold object {object}, where the checkpoint goes on",
            self.table.name
        ))
        .code("E0701")
        .detail(self.store.location())
        .hint("is it another journal, or was it removed? restore it, or start a new life with --fresh, which reads what there is"))
    }
}

/// A query without INSERT has nothing that it could go on from.
fn journal_store(table: &TableSpec, context: &ConnectorContext) -> Result<Arc<dyn Store>> {
    let Some(state) = &context.state else {
        return Ok(Arc::new(MemoryStore::new()));
    };
    match Options::new(&table.options).text(&JOURNAL) {
        Some(location) => context.host.open(location, &context.directory, &table.options),
        None => {
            let name = utf8_percent_encode(&table.name, NOT_IN_NAMES);
            let location = format!("{}/sources/{name}", state.trim_end_matches('/'));
            context.host.open(&location, &context.directory, &BTreeMap::new())
        }
    }
}

impl Source for Http {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        Box::pin(async move {
            let owner = self.context.host.unique();
            let last = self.intake().open(&self.store, owner, &self.context.handle).await?;
            match known {
                [] => Ok(vec![Split {
                    id: SPLIT.to_string(),
                    position: Position::start_of(self.intake().low()).text(),
                }]),
                known => {
                    known.iter().try_for_each(|s| self.check_position(s, last))?;
                    Ok(known.to_vec())
                }
            }
        })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        let parts = ReaderParts {
            intake: Arc::clone(self.intake()),
            lines: self.endpoint.lines.clone(),
            handle: self.context.handle.clone(),
            clock: Arc::clone(&self.context.clock),
            forgetful: self.context.state.is_none(),
            chunk_records: self.chunk_records,
        };
        Ok(Box::new(JournalReader::new(parts, splits.into_iter().next())?))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(Box::new(HttpDecoder::new(&self.table)?))
    }
    fn bounded(&self) -> bool {
        false
    }
    fn committed<'a>(&'a self, positions: &'a [Split]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(split) = positions.first() else { return Ok(()) };
            let (below, intake) = (Position::parse(&split.position)?.object, Arc::clone(self.intake()));
            // It goes on if nobody waits for it any longer.
            let released = self.context.handle.spawn(async move { intake.release(below).await });
            released.await.map_err(|e| Error::bug("removing what is covered ended early").source(e))?
        })
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.intake().close().await;
            self.route.end().await;
        })
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.intake().close_now();
    }
}

#[cfg(test)]
mod tests;
