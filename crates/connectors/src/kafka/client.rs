//! How a table's options become librdkafka's clients.

use super::message::OutMessage;
use super::producer::Answers;
use super::topics::Topics;
use super::{BROKERS, GROUP};
use millstream_dataflow::option::{Options, nearest};
use millstream_dataflow::{Error, Result, TableSpec, Written, WrittenPlace};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::producer::ThreadedProducer;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{debug, warn};

/// How long brokers may take to answer, and how often they are asked.
const METADATA_TIMEOUT: Duration = Duration::from_secs(3);
const METADATA_TRIES: u32 = 5;

/// Errors of connections that may wait to be told.
const TOLD_MAX: usize = 50;

/// What the user may change.
const DEFAULTS: &[(&str, &str)] = &[
    ("isolation.level", "read_committed"),
    ("check.crcs", "true"),
    // Small fetches stay in the cache; a full queue is looked at again soon.
    ("fetch.message.max.bytes", "262144"),
    ("fetch.queue.backoff.ms", "20"),
    ("allow.auto.create.topics", "false"),
];

/// What reading exactly once stands on.
const FIXED: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
];

/// What the user may change of what sends.
const PRODUCER_DEFAULTS: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("linger.ms", "20"),
    // As Java clients do.
    ("partitioner", "murmur2_random"),
    // Writers hold the input back long before.
    ("queue.buffering.max.messages", "2000000"),
    ("queue.buffering.max.kbytes", "1048576"),
];

/// Settings that only a consumer has. Others of librdkafka are for both, or for producers.
const CONSUMER_ONLY: &[&str] = &[
    "group.",
    "isolation.level",
    "fetch.",
    "queued.",
    "check.crcs",
    "session.timeout.ms",
    "max.poll.",
    "heartbeat.",
    "partition.assignment.",
];

/// Settings that only a producer has.
const PRODUCER_ONLY: &[&str] = &[
    "acks",
    "batch.",
    "compression.",
    "delivery.timeout.ms",
    "enable.idempotence",
    "linger.ms",
    "message.timeout.ms",
    "partitioner",
    "queue.buffering.",
    "request.required.acks",
    "retries",
    "retry.",
    "sticky.",
    "transaction",
];

/// What records larger than that are refused by, unless the user says otherwise; librdkafka's default.
const MESSAGE_MAX: usize = 1_000_000;

/// Settings of Java clients that mean nothing here.
const JAVA_ONLY: &[&str] = &[
    "key.deserializer",
    "value.deserializer",
    "key.serializer",
    "value.serializer",
    "auto.offset.reset",
    "enable.auto.commit",
];

/// Settings that people use, to tell slips from.
const KNOWN: &[&str] = &[
    "bootstrap.servers",
    "client.id",
    "client.rack",
    "connections.max.idle.ms",
    "debug",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "group.id",
    "isolation.level",
    "message.max.bytes",
    "metadata.max.age.ms",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "receive.message.max.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.config",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "session.timeout.ms",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.timeout.ms",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "statistics.interval.ms",
];

/// A consumer that remembers what a broker refused.
pub(super) type TableConsumer = BaseConsumer<Refusals>;

/// What waiting does not mend: credentials and certificates.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    // A std mutex: held to look and to note.
    last: Mutex<Option<String>>,
    trouble: Trouble,
}

/// What was last said of a connection that does not come about, by all clients of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    pub(super) fn note(&self, reason: &str) {
        // `…: Connection refused (after 0ms in state CONNECT, 1 identical error(s) suppressed)`
        let once = match reason.find(" identical error") {
            Some(at) => format!("{})", reason[..at].rsplit_once(", ").map_or(reason, |(before, _)| before)),
            None => reason.to_string(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(once);
    }
    fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Refusals {
    /// What a broker said.
    pub(super) fn last(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What librdkafka says of a listener that speaks otherwise, in its log only.
const OTHERWISE: &str = "security.protocol";

impl ClientContext for Refusals {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, message: &str) {
        if message.contains(OTHERWISE) {
            self.trouble.note(message);
        }
        debug!("{message}");
    }
    fn error(&self, error: KafkaError, reason: &str) {
        // That none is left says nothing of why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.trouble.note(reason);
        }
        if matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed | RDKafkaErrorCode::SSL)
        ) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_string());
        }
    }
}

impl ConsumerContext for Refusals {}

#[derive(Clone)]
pub(super) struct Client {
    config: ClientConfig,
    producer: ClientConfig,
    message_max: usize,
    pub(super) topics: Topics,
    pub(super) brokers: String,
    pub(super) table: String,
    pub(super) job: String,
    pub(super) trouble: Trouble,
    /// Whether it was told that no broker answers.
    is_told: Arc<AtomicBool>,
    /// The group that offsets are committed to, if the user named one.
    pub(super) group: Option<String>,
}

impl Client {
    pub(super) fn new(table: &TableSpec, job: &str) -> Result<Client> {
        let o = Options::new(&table.options);
        let brokers = o.required(&BROKERS)?.to_string();
        let mut config = ClientConfig::new();
        // Without a group librdkafka refuses to keep positions; this one is never committed to.
        config.set("group.id", format!("millstream-{job}-{}", table.name));
        config.set("client.id", format!("millstream-{job}"));
        config.set_log_level(RDKafkaLogLevel::Info);
        for (key, value) in DEFAULTS {
            config.set(*key, *value);
        }
        let mut producer = ClientConfig::new();
        producer.set("client.id", format!("millstream-{job}"));
        for (key, value) in PRODUCER_DEFAULTS {
            producer.set(*key, *value);
        }
        let is_of = |key: &str, list: &[&str]| list.iter().any(|p| key.starts_with(p));
        for (key, value) in o.under("properties.").filter(|(k, _)| !JAVA_ONLY.contains(k)) {
            if !is_of(key, PRODUCER_ONLY) {
                config.set(key, value);
            }
            if !is_of(key, CONSUMER_ONLY) {
                producer.set(key, value);
            }
        }
        // As in Java clients: fewer acknowledgements go without what stands on them, unless it is asked for.
        let acks = table
            .options
            .get("properties.acks")
            .or_else(|| table.options.get("properties.request.required.acks"));
        if acks.is_some_and(|acks| !matches!(acks.as_str(), "all" | "-1")) && !table.options.contains_key("properties.enable.idempotence") {
            producer.set("enable.idempotence", "false");
        }
        for (key, value) in FIXED {
            config.set(*key, *value);
        }
        let topics = Topics::new(&o)?;
        let message_max = producer.get("message.max.bytes").and_then(|n| n.parse().ok());
        Ok(Client {
            config,
            producer,
            message_max: message_max.unwrap_or(MESSAGE_MAX),
            topics,
            brokers,
            table: table.name.clone(),
            job: job.to_string(),
            trouble: Trouble::default(),
            is_told: Arc::default(),
            group: o.text(&GROUP).map(str::to_string),
        })
    }

    /// What librdkafka does not know or take of the settings; nothing is connected.
    pub(super) fn check(&self) -> Vec<Error> {
        let configs = [&self.config, &self.producer];
        let all: BTreeMap<&str, &str> = configs.iter().flat_map(|c| c.config_map()).collect();
        let alone = |(key, value): (&str, &str)| ClientConfig::new().set(key, value).create_native_config().err();
        let wrong: Vec<Error> = all.into_iter().filter_map(alone).map(|e| self.refused(&e)).collect();
        if !wrong.is_empty() {
            return wrong;
        }
        let together = configs.iter().find_map(|c| c.create_native_config().err());
        together.map(|e| self.refused(&e)).into_iter().collect()
    }
    /// # Errors
    /// As [`Client::consumer`].
    pub(super) fn threaded_producer(&self, answers: Answers) -> Result<ThreadedProducer<Answers>> {
        ThreadedProducer::from_config_and_context(&self.producer, answers).map_err(|e| self.refused(&e))
    }
    /// A producer that can take over what others with this id have open.
    ///
    /// # Errors
    /// As [`Client::consumer`].
    pub(super) fn transactional_producer(&self, id: &str, answers: Answers) -> Result<ThreadedProducer<Answers>> {
        let mut config = self.producer.clone();
        config.set("transactional.id", id);
        ThreadedProducer::from_config_and_context(&config, answers).map_err(|e| self.refused(&e))
    }
    /// A consumer of a group that holds no more than offsets. It waits for transactions that are being committed.
    ///
    /// # Errors
    /// As [`Client::consumer`].
    pub(super) fn progress_consumer(&self, group: &str) -> Result<TableConsumer> {
        let mut config = self.config.clone();
        config.set("group.id", group).set("isolation.level", "read_committed");
        config.create_with_context(self.refusals()).map_err(|e| self.refused(&e))
    }
    /// So many rows in the table's topics.
    pub(super) fn written(&self, rows: u64) -> Written {
        Written {
            rows,
            place: WrittenPlace::Topics(self.topics.listed().to_vec()),
        }
    }
    /// Where a record goes.
    ///
    /// # Errors
    /// `Data` for a record that does not say so, or names a topic that is not among the table's.
    pub(super) fn topic_of<'a>(&'a self, message: &OutMessage<'a>) -> Result<&'a str> {
        match (message.topic, self.topics.listed()) {
            (None, [only]) => Ok(only),
            (Some(named), topics) if topics.iter().any(|t| t == named) => Ok(named),
            (Some(named), topics) => Err(Error::data(format!("a record of table \"{}\" is for the topic '{named}'", self.table))
                .code("E0522")
                .hint(format!("the option 'topic' names: {}", topics.join("; ")))),
            (None, _) => Err(Error::data(format!("a record of table \"{}\" has no topic", self.table))
                .code("E0522")
                .hint("the metadata column 'topic' is NULL, and the option 'topic' names several")),
        }
    }
    /// Whether librdkafka takes a record of this size.
    ///
    /// # Errors
    /// `Config` if not.
    pub(super) fn fits(&self, message: &OutMessage<'_>) -> Result<()> {
        // What a record takes beside key and value is small, and counted generously.
        let headers = message.headers.iter().map(|(name, value)| 16 + name.len() + value.map_or(0, <[u8]>::len));
        let bytes = 512 + message.key.map_or(0, <[u8]>::len) + message.value.map_or(0, <[u8]>::len) + headers.sum::<usize>();
        if bytes <= self.message_max {
            return Ok(());
        }
        let code = RDKafkaErrorCode::MessageSizeTooLarge;
        Err(super::producer::refused(self, code, &format!("{bytes} bytes")))
    }
    /// # Errors
    /// `Config` for a setting that librdkafka does not know or take. Values are not shown: they may be secret.
    pub(super) fn consumer(&self) -> Result<TableConsumer> {
        self.config.create_with_context(self.refusals()).map_err(|e| self.refused(&e))
    }
    fn refusals(&self) -> Refusals {
        Refusals {
            trouble: self.trouble.clone(),
            ..Refusals::default()
        }
    }
    /// Waits for the brokers' answer, unless they refuse to give one.
    ///
    /// # Errors
    /// `Unavailable` if none answers, `Config` if credentials or certificates are refused. Blocks.
    pub(super) fn metadata(&self, consumer: &TableConsumer, topic: Option<&str>) -> Result<Metadata> {
        let mut tries = METADATA_TRIES;
        loop {
            let e = match consumer.fetch_metadata(topic, METADATA_TIMEOUT) {
                Ok(metadata) => return Ok(metadata),
                Err(e) => e,
            };
            // Errors of connections are told here, one after the other.
            for _ in 0..TOLD_MAX {
                let _ = consumer.poll(Duration::ZERO);
            }
            if let Some(why) = consumer.context().last() {
                return Err(Error::config(format!("the broker refuses table \"{}\": {why}", self.table))
                    .code("E0518")
                    .detail(format!("asked {}", self.brokers))
                    .hint("check the 'properties.security.protocol', 'properties.sasl.*' and 'properties.ssl.*' options"));
            }
            tries -= 1;
            let silent = self.silent("no broker answered for the topics", e);
            if tries == 0 {
                return Err(silent);
            }
            // Once: from then on the restarts tell of it.
            if !self.is_told.swap(true, Relaxed) {
                warn!(job = %self.job, table = %self.table, error = %silent, "waiting for a Kafka broker");
            }
        }
    }
    /// The error for a topic that the brokers do not have; with the one that may be meant. Blocks.
    pub(super) fn no_topic(&self, consumer: &TableConsumer, topic: &str) -> Error {
        let all = consumer.fetch_metadata(None, METADATA_TIMEOUT).ok();
        let names: Vec<&str> = all.iter().flat_map(|m| m.topics()).map(|t| t.name()).filter(|t| *t != topic).collect();
        self.missing(topic, nearest(topic, names))
    }
    /// The same, the topic that may be meant being known.
    pub(super) fn missing(&self, topic: &str, near: Option<&str>) -> Error {
        let e = Error::config(format!("the topic '{topic}' of table \"{}\" does not exist", self.table))
            .code("E0517")
            .detail(format!("asked {}", self.brokers));
        match near {
            Some(near) => e.hint(format!("did you mean '{near}'? Correct the option 'topic', or create the topic")),
            None => e.hint("create it, or correct the option 'topic'"),
        }
    }
    /// Nobody answers.
    pub(super) fn silent(&self, what: &str, e: KafkaError) -> Error {
        let told = self.trouble.last();
        let is_of_listener = told
            .as_ref()
            .is_some_and(|t| ["SSL", "SASL", "PLAINTEXT", "ApiVersion", OTHERWISE].iter().any(|w| t.contains(w)));
        let error = Error::unavailable(format!("{what} of table \"{}\"", self.table)).code("E0516");
        let error = match told {
            Some(told) => error.detail(format!("asked {}: {told}", self.brokers)),
            None => error.detail(format!("asked {}", self.brokers)).source(e),
        };
        match is_of_listener {
            true => error.hint("does 'properties.security.protocol' say what the broker's listener speaks? It is PLAINTEXT unless it is set"),
            false => error.hint(format!("is 'properties.bootstrap.servers' right and reachable? It is '{}'", self.brokers)),
        }
    }
    fn refused(&self, e: &KafkaError) -> Error {
        let KafkaError::ClientConfig(_, why, key, _) = e else {
            let error = Error::config(format!("the Kafka client cannot be made: {e}")).code("E0515");
            // librdkafka names the setting that it could not use, but not its value: of a file that is its path.
            let text = e.to_string();
            let file = [
                "ssl.ca.location",
                "ssl.certificate.location",
                "ssl.key.location",
                "ssl.keystore.location",
                "ssl.crl.location",
            ]
            .into_iter()
            .find(|key| text.contains(key))
            .and_then(|key| Some((key, self.config.get(key)?)));
            let table = format!("table \"{}\"", self.table);
            return match file {
                Some((key, path)) => error.detail(format!("{table}, file {path}")).hint(format!(
                    "check the option 'properties.{key}': the file must be there, and readable as what it is for"
                )),
                None => error.detail(table),
            };
        };
        // The option is known then, so its value may be shown, unless it is a secret's.
        if why.starts_with("Invalid value") {
            let e = Error::config(format!("option 'properties.{key}': the Kafka client does not take this value")).code("E0502");
            return e.hint("the options are librdkafka's, which are not always those of Java clients");
        }
        let error = Error::config(format!("option 'properties.{key}' is refused by the Kafka client: {why}")).code("E0515");
        match nearest(key, KNOWN.iter().copied()) {
            Some(near) if near != key => error.hint(format!("did you mean 'properties.{near}'?")),
            _ => error.hint("the options are librdkafka's, which are not always those of Java clients"),
        }
    }
}
