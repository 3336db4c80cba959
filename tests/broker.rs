//! A real Apache Kafka broker for tests: one KRaft node from the jars that Maven fetches once into the cache, or the one that
//! `MILLSTREAM_TEST_KAFKA=host:port` names.

use crate::intercept::Intercept;
use anyhow::{Context, Result, bail, ensure};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

const VERSION: &str = "4.3.1";
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a new broker is asked, a second each, whether it is there.
const ATTEMPTS: usize = 60;

/// What a shell does around the broker, so that it never outlives the tests: it waits for the end of its input, which the tests hold open.
const GUARD: &str = r#"java -Xmx512m -XX:+UseSerialGC -cp "$1/*" kafka.Kafka "$2" >>"$3" 2>&1 </dev/null &
broker=$!
read -r _ignored
kill -9 $broker
wait $broker 2>/dev/null
exit 0"#;

/// Why there can be no broker here; `None` if there can.
pub fn missing() -> Option<String> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing = || {
        if std::env::var_os("MILLSTREAM_TEST_KAFKA").is_some() {
            return None;
        }
        ["java", "mvn"]
            .into_iter()
            .find(|tool| !Command::new(tool).arg("-version").output().is_ok_and(|o| o.status.success()))
            .map(|tool| format!("needs `{tool}` on the PATH, or MILLSTREAM_TEST_KAFKA=host:port"))
    };
    MISSING.get_or_init(missing).clone()
}

/// The broker that all trials share.
pub fn shared() -> Result<&'static str> {
    static BROKER: OnceLock<Result<(String, Option<Broker>), String>> = OnceLock::new();
    let start = || -> Result<(String, Option<Broker>)> {
        if let Ok(address) = std::env::var("MILLSTREAM_TEST_KAFKA") {
            return Ok((address, None));
        }
        let broker = Broker::new()?;
        Ok((broker.address(), Some(broker)))
    };
    match BROKER.get_or_init(|| start().map_err(|e| format!("{e:#}"))) {
        Ok((address, _)) => Ok(address),
        Err(e) => bail!("no Kafka broker: {e}"),
    }
}

/// Commands that Kafka comes with, and what they run.
const TOOLS: [(&str, &str); 4] = [
    ("kafka-topics.sh", "org.apache.kafka.tools.TopicCommand"),
    ("kafka-delete-records.sh", "org.apache.kafka.tools.DeleteRecordsCommand"),
    ("kafka-consumer-groups.sh", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"),
    ("kafka-console-producer.sh", "org.apache.kafka.tools.ConsoleProducer"),
];

/// A broker of one's own, that may be killed.
pub struct Broker {
    home: tempfile::TempDir,
    libs: PathBuf,
    port: u16,
    /// Of the listener that wants TLS and credentials.
    secured: u16,
    /// Of a listener whose clients are told to come by another port: an [`Intercept`] stands there.
    behind: u16,
    watched: u16,
    guard: Option<Child>,
}

/// Whom a secured listener lets in, by SCRAM-SHA-256 or PLAIN.
pub const USER: &str = "ann";
pub const PASSWORD: &str = "hunter2-ann";
/// Of the broker's key.
const STORE_PASSWORD: &str = "changeit";

impl Broker {
    pub fn new() -> Result<Broker> {
        let libs = jars()?;
        let home = tempfile::tempdir()?;
        let (port, control, secured, behind, watched) = (free_port()?, free_port()?, free_port()?, free_port()?, free_port()?);
        let keys = home.path().join("broker.p12");
        let keytool = |arguments: &[&str]| -> Result<Vec<u8>> {
            let output = Command::new("keytool")
                .args(arguments)
                .args(["-alias", "broker", "-storetype", "PKCS12", "-storepass", STORE_PASSWORD, "-keystore"])
                .arg(&keys)
                .output()?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            Ok(output.stdout)
        };
        let subject = ["-dname", "CN=localhost", "-ext", "SAN=IP:127.0.0.1,DNS:localhost"];
        keytool(&[&["-genkeypair", "-keyalg", "EC", "-validity", "30"], subject.as_slice()].concat())?;
        std::fs::write(home.path().join("ca.pem"), keytool(&["-exportcert", "-rfc"])?)?;
        let data = home.path().join("data");
        let properties = home.path().join("server.properties");
        std::fs::write(
            &properties,
            format!(
                "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=127.0.0.1:{control}\n\
                 listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secured},WATCHED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{control}\n\
                 advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secured},WATCHED://127.0.0.1:{watched}\n\
                 ssl.keystore.type=PKCS12\nssl.keystore.location={}\nssl.keystore.password={STORE_PASSWORD}\nsasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN\n\
                 listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
                 listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";\n\
                 controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n\
                 listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,WATCHED:PLAINTEXT,SASL_SSL:SASL_SSL\nlog.dirs={}\nnum.partitions=1\n\
                 auto.create.topics.enable=false\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=2\n\
                 transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\ntransaction.state.log.num.partitions=2\n\
                 share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n\
                 group.initial.rebalance.delay.ms=0\nlog.retention.ms=-1\n",
                keys.display(),
                data.display()
            ),
        )?;
        let tool = |arguments: &[&str]| -> Result<String> {
            let classes = format!("{}/*", libs.display());
            let output = Command::new("java")
                .args(["-XX:TieredStopAtLevel=1", "-cp", &classes, "kafka.tools.StorageTool"])
                .args(arguments)
                .output()?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Ok(String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or("").trim().to_string())
        };
        let id = tool(&["random-uuid"])?;
        let (scram, properties) = (format!("SCRAM-SHA-256=[name={USER},password={PASSWORD}]"), properties.to_string_lossy());
        tool(&["format", "-t", &id, "-c", &properties, "--standalone", "--add-scram", &scram])?;
        let mut broker = Broker {
            home,
            libs,
            port,
            secured,
            behind,
            watched,
            guard: None,
        };
        broker.start()?;
        // The first who asks for a group's offsets waits until there is a topic for them.
        let mut any = TopicPartitionList::new();
        any.add_partition("none", 0);
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker.address())
            .set("group.id", "first")
            .create()?;
        consumer.committed_offsets(any, PATIENCE)?;
        Ok(broker)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The listener that wants TLS and credentials.
    pub fn secured(&self) -> String {
        format!("127.0.0.1:{}", self.secured)
    }

    /// A way to the broker that can be cut at a request, and its address.
    pub fn intercept(&self) -> Result<(Intercept, String)> {
        Ok((Intercept::new(self.watched, self.behind)?, format!("127.0.0.1:{}", self.watched)))
    }

    /// The certificate that vouches for it.
    pub fn certificate(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }

    /// Puts Kafka's own commands into a directory, by their names there.
    pub fn tools(&self, directory: &Path) -> Result<()> {
        std::fs::create_dir_all(directory)?;
        for (name, class) in TOOLS {
            let path = directory.join(name);
            let program = format!(
                "#!/bin/sh\nexec java -Xmx128m -XX:TieredStopAtLevel=1 -cp '{}/*' {class} \"$@\" 2>/dev/null\n",
                self.libs.display()
            );
            std::fs::write(&path, program)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    /// Starts it, again on the same data, and waits until it answers.
    pub fn start(&mut self) -> Result<()> {
        let log = self.home.path().join("broker.log");
        let guard = Command::new("sh")
            .args(["-c", GUARD, "broker"])
            .arg(&self.libs)
            .arg(self.home.path().join("server.properties"))
            .arg(&log)
            .stdin(Stdio::piped())
            .spawn()?;
        self.guard = Some(guard);
        for _ in 0..ATTEMPTS {
            if answers(&self.address()) {
                return Ok(());
            }
        }
        bail!("the broker did not answer: {}", std::fs::read_to_string(&log).unwrap_or_default())
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            guard.wait()?;
        }
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Nothing is left to do about a failure here: the guard ends with this process at the latest.
        let _ended = self.kill();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether a broker tells its metadata; waits a second at most.
fn answers(address: &str) -> bool {
    ClientConfig::new()
        .set("bootstrap.servers", address)
        .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg)
        .create::<BaseProducer>()
        .is_ok_and(|p| p.client().fetch_metadata(None, Duration::from_secs(1)).is_ok_and(|m| !m.brokers().is_empty()))
}

/// The folder of the broker's jars; fetched once, one process at a time.
fn jars() -> Result<PathBuf> {
    let cache = cache()?;
    let libs = cache.join(format!("kafka-{VERSION}"));
    let complete = libs.join(".complete");
    std::fs::create_dir_all(&cache)?;
    let lock = File::create(cache.join(".kafka.lock"))?;
    lock.lock()?;
    if complete.exists() {
        return Ok(libs);
    }
    let project = tempfile::tempdir()?;
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!("<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>")
    };
    let dependencies = dependency("org.apache.kafka", "kafka_2.13", VERSION) + &dependency("org.apache.kafka", "kafka-tools", VERSION);
    std::fs::write(
        project.path().join("pom.xml"),
        format!(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>test</groupId>\
             <artifactId>broker</artifactId><version>1</version><dependencies>{dependencies}</dependencies></project>"
        ),
    )?;
    let output = Command::new("mvn")
        .args([
            "-q",
            "-B",
            "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
            "-DincludeScope=runtime",
        ])
        .arg(format!("-DoutputDirectory={}", libs.display()))
        .current_dir(project.path())
        .output()?;
    ensure!(
        output.status.success(),
        "Maven could not fetch Kafka {VERSION}: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    File::create(complete)?.flush()?;
    Ok(libs)
}

/// Where what tests fetch is kept.
pub fn cache() -> Result<PathBuf> {
    Ok(match std::env::var_os("MILLSTREAM_CACHE") {
        Some(path) => PathBuf::from(path),
        None => match std::env::var_os("XDG_CACHE_HOME") {
            Some(path) => PathBuf::from(path).join("millstream"),
            None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache/millstream"),
        },
    })
}

/// Names for topics that no other trial or run has.
#[allow(
    clippy::disallowed_methods,
    reason = "names of topics differ between runs against one broker; nothing else depends on them"
)]
pub fn unique(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::new_v4().simple())
}

fn wait_for<F: Future>(future: F) -> Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

fn admin(address: &str) -> Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", address).create()?)
}

pub fn create_topic(address: &str, topic: &str, partitions: i32) -> Result<()> {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    for result in wait_for(admin(address)?.create_topics([&new], &options))?? {
        result.map_err(|(topic, e)| anyhow::anyhow!("{topic}: {e}"))?;
    }
    Ok(())
}

/// Raises a topic's number of partitions.
pub fn add_partitions(address: &str, topic: &str, total: usize) -> Result<()> {
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    for result in wait_for(admin(address)?.create_partitions([&NewPartitions::new(topic, total)], &options))?? {
        result.map_err(|(topic, e)| anyhow::anyhow!("{topic}: {e}"))?;
    }
    Ok(())
}

pub fn delete_topic(address: &str, topic: &str) -> Result<()> {
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    for result in wait_for(admin(address)?.delete_topics(&[topic], &options))?? {
        result.map_err(|(topic, e)| anyhow::anyhow!("{topic}: {e}"))?;
    }
    Ok(())
}

/// What a topic's retention does, at once: everything before an offset goes.
pub fn delete_before(address: &str, topic: &str, partition: i32, offset: i64) -> Result<()> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
    wait_for(admin(address)?.delete_records(&list, &AdminOptions::new()))??;
    Ok(())
}

/// Forgets a consumer group and its offsets, as a broker does when they expire.
pub fn delete_group(address: &str, group: &str) -> Result<()> {
    for result in wait_for(admin(address)?.delete_groups(&[group], &AdminOptions::new()))?? {
        result.map_err(|(group, e)| anyhow::anyhow!("{group}: {e}"))?;
    }
    Ok(())
}

/// The groups whose names begin so.
pub fn groups(address: &str, prefix: &str) -> Result<Vec<String>> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", address).create()?;
    let all = consumer.fetch_group_list(None, PATIENCE)?;
    Ok(all.groups().iter().map(|g| g.name().to_string()).filter(|n| n.starts_with(prefix)).collect())
}

/// All that a topic holds now, by partition and offset.
pub fn read_all(address: &str, topic: &str, isolation: &str) -> Result<Vec<OwnedMessage>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "readers")
        .set("enable.auto.commit", "false")
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let partitions = metadata.topics().first().context("no topic")?.partitions();
    let mut list = TopicPartitionList::new();
    for p in partitions {
        list.add_partition_offset(topic, p.id(), Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let (mut found, mut ended) = (Vec::new(), BTreeSet::new());
    while ended.len() < partitions.len() {
        match consumer.poll(PATIENCE).context("nothing came")? {
            Ok(message) => found.push(message.detach()),
            Err(KafkaError::PartitionEOF(partition)) => {
                ended.insert(partition);
            }
            Err(e) => return Err(e.into()),
        }
    }
    found.sort_by_key(|m| (m.partition(), m.offset()));
    Ok(found)
}

/// Writes records.
pub struct Writer {
    producer: BaseProducer<Deliveries>,
    topic: String,
}

/// What became of the records that were sent.
#[derive(Default)]
struct Deliveries {
    failed: Mutex<Option<KafkaError>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();
    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((e, _)) = result {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e.clone());
        }
    }
}

/// One record: partition, value (`None`: a tombstone), timestamp in epoch ms.
pub type Record<'a> = (i32, Option<&'a str>, i64);

impl Writer {
    pub fn new(address: &str, topic: &str, settings: &[(&str, &str)]) -> Result<Writer> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", address).set("linger.ms", "20").set("compression.type", "lz4");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        Ok(Writer {
            producer: config.create_with_context(Deliveries::default())?,
            topic: topic.to_string(),
        })
    }

    pub fn send(&self, (partition, value, timestamp): Record<'_>) -> Result<()> {
        let mut record = BaseRecord::<str, str>::to(&self.topic).partition(partition).timestamp(timestamp).key("k");
        if let Some(value) = value {
            record = record.payload(value);
        }
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((e, _)) => return Err(e.into()),
            }
        }
    }

    /// Waits for the broker to have all records.
    pub fn flush(&self) -> Result<()> {
        self.producer.flush(PATIENCE)?;
        let failed = self.producer.context().failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        failed.map_or(Ok(()), |e| Err(e).context("a record was not delivered"))
    }

    /// Sends values to partition 0, each with its place as timestamp, and waits for the broker to have them.
    pub fn send_all(&self, values: &[&str]) -> Result<()> {
        for (i, value) in values.iter().enumerate() {
            self.send((0, Some(value), 1_000 * (i as i64 + 1)))?;
        }
        self.flush()
    }

    /// Writes values to partition 0 in a transaction that is committed or aborted.
    pub fn transaction(&self, values: &[&str], commit: bool) -> Result<()> {
        self.producer.begin_transaction()?;
        self.send_all(values)?;
        if commit {
            self.producer.commit_transaction(PATIENCE)?;
        } else {
            self.producer.abort_transaction(PATIENCE)?;
        }
        Ok(())
    }

    /// Once for a writer with a `transactional.id`.
    pub fn init_transactions(&self) -> Result<()> {
        Ok(self.producer.init_transactions(PATIENCE)?)
    }
}
