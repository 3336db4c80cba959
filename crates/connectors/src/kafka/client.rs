//! How a table's options become a librdkafka consumer.

use super::{BROKERS, GROUP, TOPIC};
use millstream_dataflow::option::{Options, nearest};
use millstream_dataflow::{Error, Result, TableSpec};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;

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

#[derive(Clone)]
pub(super) struct Client {
    config: ClientConfig,
    pub(super) topics: Vec<String>,
    pub(super) brokers: String,
    pub(super) table: String,
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
        for (key, value) in DEFAULTS {
            config.set(*key, *value);
        }
        for (key, value) in o.under("properties.").filter(|(k, _)| !JAVA_ONLY.contains(k)) {
            config.set(key, value);
        }
        for (key, value) in FIXED {
            config.set(*key, *value);
        }
        let topics: Vec<String> = o
            .required(&TOPIC)?
            .split(';')
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::to_string)
            .collect();
        if topics.is_empty() {
            return Err(Error::config("option 'topic' names no topic").code("E0502"));
        }
        Ok(Client {
            config,
            topics,
            brokers,
            table: table.name.clone(),
            group: o.text(&GROUP).map(str::to_string),
        })
    }

    /// Whether librdkafka knows and takes all settings; nothing is connected.
    ///
    /// # Errors
    /// As [`Client::consumer`].
    pub(super) fn check(&self) -> Result<()> {
        self.config.create_native_config().map(|_| ()).map_err(|e| self.refused(&e))
    }
    /// # Errors
    /// `Config` for a setting that librdkafka does not know or take. Values are not shown: they may be secret.
    pub(super) fn consumer(&self) -> Result<BaseConsumer> {
        self.config.create().map_err(|e| self.refused(&e))
    }
    fn refused(&self, e: &KafkaError) -> Error {
        let KafkaError::ClientConfig(_, why, key, _) = e else {
            let error = Error::config(format!("the Kafka client cannot be made: {e}")).code("E0515");
            return error.detail(format!("table \"{}\"", self.table));
        };
        let error = Error::config(format!("option 'properties.{key}' is refused by the Kafka client: {why}")).code("E0515");
        match nearest(key, KNOWN.iter().copied()) {
            Some(near) if near != key => error.hint(format!("did you mean 'properties.{near}'?")),
            _ => error.hint("the options are librdkafka's, which are not always those of Java clients"),
        }
    }
}
