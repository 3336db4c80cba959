//! How a table's options become a librdkafka consumer.

use super::{BROKERS, GROUP, TOPIC};
use millstream_dataflow::option::Options;
use millstream_dataflow::{Error, Result, TableSpec};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::BaseConsumer;

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

    /// # Errors
    /// `Config` for a setting that librdkafka does not know or take. Values are not shown: they may be secret.
    pub(super) fn consumer(&self) -> Result<BaseConsumer> {
        self.config.create().map_err(|e| {
            let what = match &e {
                rdkafka::error::KafkaError::ClientConfig(_, why, key, _) => format!("option 'properties.{key}' is refused by the Kafka client: {why}"),
                other => format!("the Kafka client cannot be made: {other}"),
            };
            Error::config(what).code("E0515").detail(format!("table \"{}\"", self.table))
        })
    }
}
