//! The `kafka` connector: topics as tables.

mod ask;
mod batch;
mod bounds;
mod client;
mod decoder;
mod direct;
mod discover;
mod encoder;
mod fields;
mod message;
mod names;
mod partitioner;
mod position;
mod producer;
mod reader;
mod session;
mod sink;
mod staged;
mod topic_id;
mod topics;
mod transaction;
mod transactions;

pub use ask::ask;
pub use message::{OutMessage, StagedRecords};
pub use names::topic_names;
pub use topics::check_sink;
pub use transactions::{Failed, TransactionOwner, Transactions};

use crate::ConnectorContext;
use crate::scan::{
    ALIGNMENT_DRIFT, ALIGNMENT_GROUP, ALIGNMENT_INTERVAL, ON_ERROR, ON_ERROR_TABLE, ON_LATE, ON_LATE_TABLE, PARALLELISM, SINK_PARALLELISM, SKEW,
};
use bounds::Bounds;
use client::{Client, TableConsumer};
use decoder::KafkaDecoder;
use fields::Fields;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{BoxFuture, ConnectorSpec, Error, MetadataColumn, Result, Sink, Source, Split, SplitDecoder, SplitReader, TableSpec};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use reader::KafkaReader;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TOPIC: OptionSpec = OptionSpec::new(
    "topic",
    OptionType::Text,
    "The topic, or several as `a;b`. To write to several, each row says which in the metadata column `topic`.",
)
.examples(&["clicks"]);
const TOPIC_PATTERN: OptionSpec = OptionSpec::new(
    "topic-pattern",
    OptionType::Text,
    "Instead of `topic`: a regular expression; all topics are read whose whole names match it, also those that come later.",
)
.examples(&["clicks-.*"]);
const BROKERS: OptionSpec = OptionSpec::new("properties.bootstrap.servers", OptionType::Text, "Brokers to start from.")
    .required()
    .examples(&["localhost:9092"]);
const GROUP: OptionSpec = OptionSpec::new(
    "properties.group.id",
    OptionType::Text,
    "Consumer group that offsets are committed to with each checkpoint, for lag tools. Recovery never uses them.",
)
.examples(&["page-metrics"]);
const PROPERTIES: OptionSpec = OptionSpec::new(
    "properties.*",
    OptionType::Text,
    "Any setting of librdkafka, passed on: `properties.security.protocol` …",
);
const STARTUP: OptionSpec = OptionSpec::new(
    "scan.startup.mode",
    OptionType::OneOf(&["earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"]),
    "Where reading starts when there is no checkpoint. A group without offsets needs `properties.auto.offset.reset`.",
)
.default("group-offsets");
const STARTUP_TIMESTAMP: OptionSpec = OptionSpec::new(
    "scan.startup.timestamp-millis",
    OptionType::Integer,
    "Epoch milliseconds for the mode `timestamp`.",
)
.examples(&["1704067200000"]);
const STARTUP_OFFSETS: OptionSpec = OptionSpec::new("scan.startup.specific-offsets", OptionType::Text, "Offsets for the mode `specific-offsets`.")
    .examples(&["partition:0,offset:42;partition:1,offset:300"]);
const BOUNDED: OptionSpec = OptionSpec::new(
    "scan.bounded.mode",
    OptionType::OneOf(&["unbounded", "latest-offset", "group-offsets", "timestamp", "specific-offsets"]),
    "Where the table ends: `latest-offset` where the topic ended when the job first started, the others at the group's offsets then, at the first \
     record of a time or later, or at offsets that are named.",
)
.default("unbounded");
const BOUNDED_TIMESTAMP: OptionSpec = OptionSpec::new(
    "scan.bounded.timestamp-millis",
    OptionType::Integer,
    "Epoch milliseconds for the mode `timestamp`: that record is not read any more.",
)
.examples(&["1704153600000"]);
const BOUNDED_OFFSETS: OptionSpec = OptionSpec::new(
    "scan.bounded.specific-offsets",
    OptionType::Text,
    "Offsets for the mode `specific-offsets`, which are not read any more. Of a partition that is not named nothing is read.",
)
.examples(&["partition:0,offset:42;partition:1,offset:300"]);
const DISCOVERY: OptionSpec = OptionSpec::new(
    "scan.topic-partition-discovery.interval",
    OptionType::Duration,
    "How often new partitions are looked for while the job runs; `0 s`: only when it starts.",
)
.default("5 min");
const IDLE: OptionSpec = OptionSpec::new(
    "scan.watermark.idle-timeout",
    OptionType::Duration,
    "After how long without data a partition, whose end was seen, stops holding the watermark back.",
);

const KEY_FORMAT: OptionSpec = OptionSpec::new("key.format", OptionType::Text, "How record keys are encoded.").examples(&["json"]);
const KEY_FIELDS: OptionSpec = OptionSpec::new("key.fields", OptionType::Text, "The columns in a record's key.").examples(&["user;page"]);
const KEY_PREFIX: OptionSpec = OptionSpec::new(
    "key.fields-prefix",
    OptionType::Text,
    "What the names of the key's columns begin with in the table and not in the record. Needs 'value.fields-include' = 'EXCEPT_KEY'.",
)
.examples(&["key_"]);
const VALUE_FIELDS: OptionSpec = OptionSpec::new(
    "value.fields-include",
    OptionType::OneOf(&["ALL", "EXCEPT_KEY"]),
    "Whether a record's value also has the columns of its key.",
)
.default("ALL");
const GUARANTEE: OptionSpec = OptionSpec::new(
    "sink.delivery-guarantee",
    OptionType::OneOf(&["none", "at-least-once", "exactly-once"]),
    "`at-least-once`: records are sent as they come, and checkpoints wait until brokers have them; after a restart some come again. `exactly-once`: they \
     are sent in one transaction per checkpoint and seen once by readers with `isolation.level` = `read_committed`. `none`: a record that does \
     not arrive is told of in the log, and lost.",
)
.default("at-least-once");
const TRANSACTIONAL_ID: OptionSpec = OptionSpec::new(
    "sink.transactional-id-prefix",
    OptionType::Text,
    "What transactional ids, and the groups that hold the progress, begin with: `millstream-` and the job's name unless given. The sink and the life of \
     the job's state are added, so jobs may share it.",
)
.examples(&["page-metrics"]);
const PARTITIONER: OptionSpec = OptionSpec::new(
    "sink.partitioner",
    OptionType::OneOf(&["default", "fixed", "round-robin"]),
    "`default`: by the key's hash as Java clients, spread without a key; `fixed`: one partition per subtask; `round-robin`: one after the other.",
)
.default("default");

const fn metadata(key: &'static str, ty: &'static str, doc: &'static str) -> MetadataColumn {
    MetadataColumn { key, ty, writable: false, doc }
}

const fn writable(key: &'static str, ty: &'static str, doc: &'static str) -> MetadataColumn {
    MetadataColumn { key, ty, writable: true, doc }
}

pub const SPEC: ConnectorSpec = ConnectorSpec {
    name: "kafka",
    doc: "Reads and writes topics. Positions are part of the checkpoints; the watermark is kept per partition. New partitions are read from their \
          beginning.",
    source: true,
    sink: true,
    options: &[
        KEY_FIELDS,
        KEY_PREFIX,
        KEY_FORMAT,
        ON_ERROR,
        ON_ERROR_TABLE,
        ON_LATE,
        ON_LATE_TABLE,
        BROKERS,
        GROUP,
        PROPERTIES,
        BOUNDED,
        BOUNDED_OFFSETS,
        BOUNDED_TIMESTAMP,
        PARALLELISM,
        STARTUP,
        STARTUP_OFFSETS,
        STARTUP_TIMESTAMP,
        DISCOVERY,
        ALIGNMENT_GROUP,
        ALIGNMENT_DRIFT,
        ALIGNMENT_INTERVAL,
        IDLE,
        SKEW,
        GUARANTEE,
        SINK_PARALLELISM,
        PARTITIONER,
        TRANSACTIONAL_ID,
        TOPIC,
        TOPIC_PATTERN,
        VALUE_FIELDS,
    ],
    formats: &[
        "avro",
        "avro-confluent",
        "csv",
        "debezium-json",
        "json",
        "json-registry",
        "proto-registry",
        "protobuf",
        "raw",
    ],
    metadata: &[
        writable(
            "headers",
            "MAP<STRING NOT NULL, BYTES> NOT NULL",
            "Headers of the record. One without a value is NULL.",
        ),
        metadata("leader-epoch", "INT", "Leader epoch of the record."),
        metadata("offset", "BIGINT NOT NULL", "Offset in the partition."),
        metadata("partition", "INT NOT NULL", "Partition."),
        writable("timestamp", "TIMESTAMP_LTZ(3) NOT NULL", "Timestamp of the record."),
        metadata("timestamp-type", "STRING NOT NULL", "NoTimestampType, CreateTime or LogAppendTime."),
        writable("topic", "STRING NOT NULL", "Topic."),
    ],
    changes: false,
    ends: |o| o.get(BOUNDED.name).is_some_and(|mode| mode != "unbounded"),
};

/// What valid options may still get wrong together.
pub fn check(table: &TableSpec, context: &ConnectorContext) -> Vec<Error> {
    let o = Options::new(&table.options);
    let mut errors: Vec<Error> = discover::Startup::new(&o).err().into_iter().collect();
    errors.extend(Bounds::new(&o).err());
    errors.extend(topics::Topics::new(&o).err());
    errors.extend(Fields::new(table, context).and_then(|fields| KafkaDecoder::new(table, &fields)).err());
    errors.extend(transactions(&table.options).err());
    if o.text(&GROUP).is_some_and(str::is_empty) {
        let e = Error::config(format!("option '{}' has no value", GROUP.name)).code("E0502");
        errors.push(e.hint("name a group, or leave the option out"));
    }
    if o.text(&BROKERS).is_some_and(|brokers| brokers.contains('@')) {
        // E0515: the value is not shown, as a password may stand in it.
        let e = Error::config(format!("option '{}' names a user, which an address of a broker does not have", BROKERS.name)).code("E0515");
        errors.push(e.hint("'host:port,host:port'; 'properties.sasl.username' and 'properties.sasl.password' say who reads"));
    }
    errors.extend(mechanism(&table.options));
    let lacking = credentials(&table.options);
    let jaas = table.options.contains_key("properties.sasl.jaas.config");
    if !jaas
        && lacking.is_empty()
        && let Ok(client) = Client::new(table, "check")
    {
        errors.extend(client.check());
    }
    errors.extend(lacking);
    if jaas {
        errors.push(
            Error::config("option 'properties.sasl.jaas.config' is for Java clients")
                .code("E0501")
                .hint("use 'properties.sasl.mechanism', 'properties.sasl.username' and 'properties.sasl.password'"),
        );
    }
    errors
}

/// A way to say who reads that the client does not have. It would name none of the options.
fn mechanism(options: &std::collections::BTreeMap<String, String>) -> Option<Error> {
    const THERE: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];
    let protocol = options.get("properties.security.protocol")?;
    if !protocol.to_ascii_uppercase().starts_with("SASL_") || options.contains_key("properties.sasl.jaas.config") {
        return None;
    }
    let given = ["properties.sasl.mechanism", "properties.sasl.mechanisms"]
        .into_iter()
        .find_map(|key| Some((key, options.get(key)?)));
    let hint = format!("one of {}", THERE.join(", "));
    match given {
        None => {
            let e = Error::config("the option 'properties.sasl.mechanism' is missing, which 'properties.security.protocol' needs").code("E0503");
            Some(e.hint(hint))
        }
        // A variable may have no value yet.
        Some((_, name)) if name.contains("${") || THERE.contains(&name.to_ascii_uppercase().as_str()) => None,
        Some((key, name)) => {
            let e = Error::config(format!("option '{key}' has the value '{name}', which is not supported")).code("E0502");
            Some(e.hint(hint))
        }
    }
}

/// The parts of a user's credentials that are missing. The client would tell of them without naming the options.
fn credentials(options: &std::collections::BTreeMap<String, String>) -> Vec<Error> {
    let is = |key: &str, of: &dyn Fn(&str) -> bool| options.get(key).is_some_and(|value| of(&value.to_ascii_uppercase()));
    let is_mechanism = |value: &str| value == "PLAIN" || value.starts_with("SCRAM-");
    let by_password = ["properties.sasl.mechanism", "properties.sasl.mechanisms"]
        .iter()
        .any(|key| is(key, &is_mechanism));
    if !by_password || !is("properties.security.protocol", &|value| value.starts_with("SASL_")) || options.contains_key("properties.sasl.jaas.config") {
        return Vec::new();
    }
    let missing = ["properties.sasl.username", "properties.sasl.password"]
        .into_iter()
        .filter(|key| !options.contains_key(*key));
    let told = |key: &str| {
        let e = Error::config(format!("the option '{key}' is missing, which 'properties.sasl.mechanism' needs")).code("E0503");
        e.hint(format!("add '{key}' = '${{…}}'"))
    };
    missing.map(told).collect()
}

/// What exactly-once stands on.
fn transactions(options: &std::collections::BTreeMap<String, String>) -> Result<()> {
    let o = Options::new(options);
    if options.contains_key("properties.transactional.id") {
        let e = Error::config("option 'properties.transactional.id' is not for tables: who writes exactly once has ids of his own").code("E0502");
        return Err(e.hint("leave it out; 'sink.transactional-id-prefix' says what the ids begin with"));
    }
    if o.text(&GUARANTEE) != Some("exactly-once") {
        return Ok(());
    }
    let wrong = |key: &str, why: &str| Err(Error::config(format!("option '{key}' does not go with exactly-once")).code("E0502").hint(why));
    if options.get("properties.acks").is_some_and(|acks| !matches!(acks.as_str(), "all" | "-1")) {
        return wrong("properties.acks", "leave it out: all replicas acknowledge then");
    }
    match options.get("properties.enable.idempotence") {
        Some(value) if value != "true" => wrong("properties.enable.idempotence", "leave it out"),
        _ => Ok(()),
    }
}

pub fn sink(table: &TableSpec, id: &str, context: &ConnectorContext) -> Result<Arc<dyn Sink>> {
    Ok(Arc::new(sink::KafkaSink::new(table, id, context, None)?))
}
/// The same, with other brokers for what is sent exactly once.
///
/// # Errors
/// As those of [`sink`].
pub fn sink_on(transactions: Arc<dyn Transactions>, table: &TableSpec, id: &str, context: &ConnectorContext) -> Result<Arc<dyn Sink>> {
    Ok(Arc::new(sink::KafkaSink::new(table, id, context, Some(transactions))?))
}

pub fn source(table: &TableSpec, context: &ConnectorContext) -> Result<Arc<dyn Source>> {
    let client = Client::new(table, &context.job)?;
    // Settings that librdkafka does not know are found before anything runs.
    client.consumer()?;
    let o = Options::new(&table.options);
    Ok(Arc::new(Kafka {
        startup: discover::Startup::new(&o)?,
        discovery: o.duration(&DISCOVERY).filter(|d| !d.is_zero()),
        bounds: Bounds::new(&o)?,
        group: Arc::new(Mutex::new(None)),
        client,
        fields: Fields::new(table, context)?,
        table: table.clone(),
        context: context.clone(),
    }))
}

struct Kafka {
    /// Commits offsets, if the user named a group; made at the first use.
    // A std mutex: held while a broker is asked; who finds it held leaves the offsets to the next checkpoint.
    group: Arc<Mutex<Option<TableConsumer>>>,
    client: Client,
    startup: discover::Startup,
    bounds: Option<Bounds>,
    discovery: Option<Duration>,
    fields: Fields,
    table: TableSpec,
    context: ConnectorContext,
}

impl Source for Kafka {
    fn discover<'a>(&'a self, known: &'a [Split]) -> BoxFuture<'a, Result<Vec<Split>>> {
        let (client, startup, bounds, known) = (self.client.clone(), self.startup.clone(), self.bounds.clone(), known.to_vec());
        let found = self
            .context
            .handle
            .spawn_blocking(move || discover::discover(&client, &startup, bounds.as_ref(), &known));
        Box::pin(async move { found.await.map_err(|e| Error::bug("looking for partitions ended early").source(e))? })
    }
    fn reader(&self, splits: Vec<Split>) -> Result<Box<dyn SplitReader>> {
        Ok(Box::new(KafkaReader::new(&self.client, splits, Arc::clone(&self.context.clock))?))
    }
    fn decoder(&self) -> Result<Box<dyn SplitDecoder>> {
        Ok(Box::new(KafkaDecoder::new(&self.table, &self.fields)?))
    }
    fn bounded(&self) -> bool {
        self.bounds.is_some()
    }
    fn discovery_interval(&self) -> Option<Duration> {
        self.discovery.filter(|_| self.bounds.is_none())
    }
    fn committed<'a>(&'a self, positions: &'a [Split]) -> BoxFuture<'a, Result<()>> {
        if self.client.group.is_none() {
            return Box::pin(std::future::ready(Ok(())));
        }
        let (group, client, positions) = (Arc::clone(&self.group), self.client.clone(), positions.to_vec());
        let told = self.context.handle.spawn_blocking(move || match group.try_lock() {
            Ok(mut consumer) => commit_offsets(&mut consumer, &client, &positions),
            Err(_) => Ok(()),
        });
        Box::pin(async move { told.await.map_err(|e| Error::bug("committing offsets ended early").source(e))? })
    }
}

fn commit_offsets(consumer: &mut Option<TableConsumer>, client: &Client, positions: &[Split]) -> Result<()> {
    let failed = |e: KafkaError| Error::unavailable("the group's offsets could not be committed").code("E0516").source(e);
    let mut list = TopicPartitionList::new();
    for split in positions {
        let (topic, partition) = position::parse_split_id(&split.id)?;
        let next = position::Position::parse(&split.position)?.next;
        list.add_partition_offset(topic, partition, Offset::Offset(next)).map_err(failed)?;
    }
    let consumer = match consumer {
        Some(consumer) => consumer,
        None => consumer.insert(client.consumer()?),
    };
    consumer.commit(&list, CommitMode::Sync).map_err(failed)
}

#[cfg(test)]
mod tests;
