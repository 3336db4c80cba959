//! A librdkafka producer, and what its errors mean.

use super::client::{Client, TableConsumer, Trouble};
use millstream_dataflow::{Clock, Error, Result};
use rdkafka::ClientContext;
use rdkafka::client::Client as NativeClient;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, ProducerContext};
use rdkafka::util::IntoOpaque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::warn;

/// How long a broker may take to tell of a topic.
const METADATA_TIMEOUT: Duration = Duration::from_secs(15);
/// How often trouble with brokers is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What was sent by one writer in one epoch, or in one transaction.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Sent and not yet acknowledged, bytes in all.
    state: Mutex<FlightState>,
}

#[derive(Debug, Default)]
struct FlightState {
    outstanding: u64,
    failure: Option<(Code, String)>,
    landed: Option<futures::channel::oneshot::Sender<()>>,
}

impl Flight {
    fn state(&self) -> std::sync::MutexGuard<'_, FlightState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn sent(&self) {
        self.state().outstanding += 1;
    }
    /// A record that could not even be queued.
    pub(super) fn not_sent(&self) {
        self.state().outstanding -= 1;
    }
    /// The first error, and the topic and partition that it is about.
    pub(super) fn failure(&self) -> Option<(Code, String)> {
        self.state().failure.clone()
    }
    pub(super) fn outstanding(&self) -> u64 {
        self.state().outstanding
    }
    /// Waits until everything sent is acknowledged or has failed. Nothing is sent any more.
    pub(super) async fn land(&self) {
        let landed = {
            let mut state = self.state();
            if state.outstanding == 0 {
                return;
            }
            let (sender, landed) = futures::channel::oneshot::channel();
            state.landed = Some(sender);
            landed
        };
        // The sender lives as long as the flight.
        let _ = landed.await;
    }
    fn acknowledged(&self, failure: Option<(Code, String)>) {
        let mut state = self.state();
        state.outstanding -= 1;
        if state.failure.is_none() {
            state.failure = failure;
        }
        if state.outstanding == 0
            && let Some(landed) = state.landed.take()
        {
            // Nobody may be waiting any more.
            let _ = landed.send(());
        }
    }
}

/// Travels with a record until the broker answers.
#[derive(Debug)]
pub(super) struct Ticket(pub(super) Arc<Flight>);

impl IntoOpaque for Ticket {
    fn into_ptr(self) -> *mut std::ffi::c_void {
        self.0.into_ptr()
    }
    #[allow(unsafe_code, reason = "the trait of rdkafka is so")]
    unsafe fn from_ptr(pointer: *mut std::ffi::c_void) -> Self {
        // SAFETY: the caller's, as the trait says: `pointer` came from `into_ptr`.
        Ticket(unsafe { Arc::<Flight>::from_ptr(pointer) })
    }
}

/// Takes the broker's answers.
#[derive(Debug)]
pub(super) struct Answers {
    /// Bytes sent and not yet answered.
    pub(super) in_flight: Arc<AtomicU64>,
    table: String,
    job: String,
    brokers: String,
    trouble: Trouble,
    clock: Arc<dyn Clock>,
    /// When trouble was last told of, in seconds of the clock, plus one; 0: not yet.
    told: AtomicU64,
}

impl Answers {
    pub(super) fn new(client: &Client, clock: &Arc<dyn Clock>) -> Self {
        Answers {
            in_flight: Arc::default(),
            table: client.table.clone(),
            job: client.job.clone(),
            brokers: client.brokers.clone(),
            trouble: client.trouble.clone(),
            clock: Arc::clone(clock),
            told: AtomicU64::new(0),
        }
    }
}

impl ClientContext for Answers {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() != Some(Code::AllBrokersDown) {
            self.trouble.note(reason);
        }
        // The client connects again by itself; what it gives up comes back with the records. It tells of each connection, again and again.
        let seconds = self.clock.monotonic().as_secs() + 1;
        let before = self.told.load(Ordering::Relaxed);
        if (before == 0 || seconds - before >= TELL_EVERY.as_secs())
            && self.told.compare_exchange(before, seconds, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            warn!(job = %self.job, table = %self.table, brokers = %self.brokers, error = %error, reason, "trouble with a Kafka broker; waiting for it");
        }
    }
}

impl ProducerContext for Answers {
    type DeliveryOpaque = Ticket;

    fn delivery(&self, delivery: &DeliveryResult<'_>, ticket: Ticket) {
        use rdkafka::Message;
        let (message, failure) = match delivery {
            Ok(m) => (m, None),
            Err((e, m)) => {
                let code = e.rdkafka_error_code().unwrap_or(Code::Unknown);
                (m, Some((code, format!("topic '{}', partition {}", m.topic(), m.partition()))))
            }
        };
        let bytes = message.payload_len() + message.key_len();
        self.in_flight.fetch_sub(bytes as u64, Ordering::AcqRel);
        ticket.0.acknowledged(failure);
    }
}

/// A record for librdkafka, which copies it.
pub(super) fn record<'a>(
    topic: &'a str,
    message: &super::message::OutMessage<'a>,
    partition: Option<i32>,
    flight: &Arc<Flight>,
) -> BaseRecord<'a, [u8], [u8], Ticket> {
    flight.sent();
    let mut record: BaseRecord<'_, [u8], [u8], Ticket> = BaseRecord::with_opaque_to(topic, Ticket(Arc::clone(flight)));
    record.key = message.key;
    record.payload = message.value;
    record.partition = partition;
    record.timestamp = message.timestamp;
    if !message.headers.is_empty() {
        let headers = message
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: *value }));
        record.headers = Some(headers);
    }
    record
}

/// How many partitions a topic has.
///
/// # Errors
/// `Unavailable` if no broker answers, `Config` for a topic that does not exist.
pub(super) fn partitions<C: ClientContext>(native: &NativeClient<C>, client: &Client, topic: &str) -> Result<i32> {
    let metadata = native
        .fetch_metadata(Some(topic), METADATA_TIMEOUT)
        .map_err(|e| client.silent("no broker answered for the topic", e))?;
    let found = metadata.topics().iter().find(|t| t.name() == topic && t.error().is_none());
    match found.map(|t| t.partitions().len()) {
        Some(n) if n > 0 => Ok(n as i32),
        _ => Err(client.missing(topic, None)),
    }
}

/// Whether the topics are there that a table writes. Blocks.
///
/// # Errors
/// As [`partitions`], and `Config` if credentials or certificates are refused.
pub(super) fn check_topics(client: &Client, consumer: &TableConsumer) -> Result<()> {
    for topic in client.topics.listed() {
        let metadata = client.metadata(consumer, Some(topic))?;
        if !metadata
            .topics()
            .iter()
            .any(|t| t.name() == topic && t.error().is_none() && !t.partitions().is_empty())
        {
            return Err(client.no_topic(consumer, topic));
        }
    }
    Ok(())
}

/// What a broker's refusal of a record means: whether waiting helps, and what does.
pub(super) fn refused(client: &Client, code: Code, place: &str) -> Error {
    let table = &client.table;
    match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => Error::config(format!("a record of table \"{table}\" is larger than its topic takes"))
            .code("E0522")
            .detail(place)
            .hint("raise the topic's 'max.message.bytes', and 'properties.message.max.bytes' of the table"),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
            Error::config(format!("the topic of table \"{table}\" does not exist any more"))
                .code("E0517")
                .detail(place)
                .hint("create it again; the job goes on from its last checkpoint")
        }
        Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::Authentication => Error::config(format!("the broker refuses to let table \"{table}\" write: {code}"))
            .code("E0518")
            .detail(place)
            .hint("check the 'properties.sasl.*' options and the ACLs (exactly-once also needs rights on its transactional id and group)"),
        Code::InvalidTransactionTimeout => Error::config(format!("the broker refuses how long transactions of table \"{table}\" may take"))
            .code("E0515")
            .detail(place)
            .hint("lower the option 'properties.transaction.timeout.ms', or raise the broker's 'transaction.max.timeout.ms'; left out, it is one minute"),
        Code::InvalidRecord | Code::InvalidTimestamp | Code::PolicyViolation => {
            Error::config(format!("the broker takes a record of table \"{table}\" for wrong: {code}"))
                .code("E0522")
                .detail(place)
                .hint("a compacted topic needs a 'key.format'; see also the topic's 'message.timestamp.*' settings")
        }
        _ => Error::unavailable(format!("records of table \"{table}\" did not reach the broker: {code}"))
            .code("E0516")
            .detail(place),
    }
}
