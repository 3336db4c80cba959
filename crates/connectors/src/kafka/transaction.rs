//! Records sent exactly once: staged beside the checkpoints until their epoch is decided, then sent in one Kafka transaction.
//!
//! librdkafka cannot go on with a transaction that another process has prepared, so nothing is sent before the decision. The transaction
//! also commits an offset of a consumer group of the sink's own, whose number is the epoch: who comes after a crash takes the transactional
//! id over, which ends what the former process had open, and reads from that offset whether the epoch is there. Zombies are fenced by the
//! same step.

use super::client::{Client, TableConsumer};
use super::direct::not_queued;
use super::message::Staged;
use super::partitioner::Partitioner;
use super::producer::{Answers, Flight, check_topics, partitions, record, refused};
use super::staged::{Piece, Pieces};
use crate::ConnectorContext;
use crate::staging::Leftovers;
use millstream_dataflow::{BoxFuture, Clock, EpochCommit, Error, Result, SinkCommitter, Store};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tracing::warn;

/// How long each step with the transaction coordinator may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes sent and not yet acknowledged, beyond which the next record waits.
const IN_FLIGHT_MAX: u64 = 64 << 20;
const WAIT: Duration = Duration::from_millis(2);
/// How often an epoch is tried before the job is restarted, which tries again after a pause.
const TRIES: u32 = 3;

/// A producer that owns the transactional id, until another one takes it.
struct Session {
    producer: ThreadedProducer<Answers>,
    in_flight: Arc<AtomicU64>,
    /// Its group holds the progress; it reads nothing else.
    progress: TableConsumer,
    client: Client,
    /// The last epoch whose transaction was committed; none if the broker knows of none.
    committed: Option<u64>,
}

/// Why a transaction was not committed, and whether a new session may try again.
struct Failed {
    error: Error,
    again: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed { error, again: false }
    }
}

impl Session {
    /// Takes the transactional id over. Blocks.
    fn open(client: &Client, clock: &Arc<dyn Clock>, id: &str) -> Result<Session> {
        let answers = Answers::new(client, clock);
        let in_flight = Arc::clone(&answers.in_flight);
        let producer = client.transactional_producer(id, answers)?;
        let progress = client.progress_consumer(id)?;
        let failed = |what: &str, e: KafkaError| match e.rdkafka_error_code() {
            Some(code) if refused(client, code, "").is_transient() => Error::unavailable(format!("{what} of table \"{}\"", client.table))
                .code("E0516")
                .hint(format!("is 'properties.bootstrap.servers' right and reachable? It is '{}'", client.brokers))
                .source(e),
            Some(code) => refused(client, code, &format!("transactional id '{id}'")).source(e),
            None => Error::unavailable(format!("{what} of table \"{}\"", client.table)).code("E0516").source(e),
        };
        // Says more of a topic that is missing than the transaction would.
        check_topics(client, &progress)?;
        producer
            .init_transactions(TIMEOUT)
            .map_err(|e| failed("no broker took the transactional id", e))?;
        let mut session = Session {
            producer,
            in_flight,
            progress,
            client: client.clone(),
            committed: None,
        };
        let asked = session.offsets(None).map_err(|e| failed("the progress cannot be asked for", e))?;
        let answered = session
            .progress
            .committed_offsets(asked, TIMEOUT)
            .map_err(|e| failed("the progress cannot be read", e))?;
        for element in answered.elements() {
            // What could not be told is not the same as nothing.
            element.error().map_err(|e| failed("the progress cannot be read", e))?;
            if let Offset::Offset(epoch) = element.offset() {
                session.committed = u64::try_from(epoch).ok();
            }
        }
        Ok(session)
    }
    /// The progress as an offset of the first topic's first partition.
    fn offsets(&self, epoch: Option<u64>) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        let topic = self.client.topics.listed().first().map_or("", String::as_str);
        let offset = epoch.and_then(|e| i64::try_from(e).ok()).map_or(Offset::Invalid, Offset::Offset);
        list.add_partition_offset(topic, 0, offset)?;
        Ok(list)
    }
    /// An error of the transaction itself. Nothing of it stays open, if the broker can be reached.
    fn failed(&self, e: &KafkaError, flight: &Flight) -> Failed {
        let (code, place) = flight
            .failure()
            .unwrap_or_else(|| (e.rdkafka_error_code().unwrap_or(Code::Unknown), "its transaction".to_string()));
        let fenced = matches!(
            e.rdkafka_error_code(),
            Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch | Code::Fatal)
        );
        if !fenced && let Err(e) = self.producer.abort_transaction(TIMEOUT) {
            warn!(table = %self.client.table, error = %e, "a transaction could not be aborted; the broker does so when its time is up");
        }
        let error = refused(&self.client, code, &place);
        Failed {
            again: error.is_transient(),
            error,
        }
    }
    fn begin(&self) -> Result<(), Failed> {
        self.producer.begin_transaction().map_err(|e| self.failed(&e, &Flight::default()))
    }
    /// Sends the records of a piece. Blocks while too much is on its way.
    fn send(&self, bytes: &[u8], partitioner: &mut Partitioner, flight: &Arc<Flight>) -> Result<(), Failed> {
        let staged = Staged::new(bytes)?;
        let subtask = staged.subtask;
        for message in staged {
            let message = message?;
            let topic = self.client.topic_of(&message)?;
            let partition = partitioner.partition(topic, subtask, || partitions(self.producer.client(), &self.client, topic))?;
            let bytes = (message.key.map_or(0, <[u8]>::len) + message.value.map_or(0, <[u8]>::len)) as u64;
            while self.in_flight.load(Ordering::Acquire) > IN_FLIGHT_MAX && flight.failure().is_none() {
                std::thread::sleep(WAIT);
            }
            self.in_flight.fetch_add(bytes, Ordering::AcqRel);
            loop {
                match self.producer.send(record(topic, &message, partition, flight)) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(Code::QueueFull), _)) => {
                        flight.not_sent();
                        std::thread::sleep(WAIT);
                    }
                    Err((e, _)) => {
                        flight.not_sent();
                        let told = self.failed(&e, flight);
                        let error = not_queued(&self.client, &e, topic);
                        return Err(if error.is_transient() { told } else { error.into() });
                    }
                }
            }
        }
        Ok(())
    }
    /// Commits records and progress together. Blocks.
    fn commit(&mut self, epoch: u64, flight: &Flight) -> Result<(), Failed> {
        let group = self.progress.group_metadata().ok_or_else(|| Error::bug("a consumer without a group"))?;
        let committed = self
            .offsets(Some(epoch))
            .and_then(|offsets| self.producer.send_offsets_to_transaction(&offsets, &group, TIMEOUT))
            .and_then(|()| self.producer.commit_transaction(TIMEOUT));
        match committed {
            Ok(()) => {
                self.committed = Some(epoch);
                Ok(())
            }
            Err(e) => Err(self.failed(&e, flight)),
        }
    }
}

pub(super) struct TransactionCommitter {
    client: Client,
    store: Arc<dyn Store>,
    handle: tokio::runtime::Handle,
    clock: Arc<dyn Clock>,
    incarnation: String,
    /// Transactional id and group.
    id: String,
    partitioner: Partitioner,
    session: Option<Session>,
    left: Leftovers,
}

impl TransactionCommitter {
    pub(super) fn new(client: &Client, store: Arc<dyn Store>, context: &ConnectorContext, incarnation: &str, id: String, partitioner: Partitioner) -> Self {
        TransactionCommitter {
            client: client.clone(),
            store,
            handle: context.handle.clone(),
            clock: Arc::clone(&context.clock),
            incarnation: incarnation.to_string(),
            id,
            partitioner,
            session: None,
            left: Leftovers::default(),
        }
    }
    /// Runs a blocking step off the async threads, with the session that is taken away for it.
    async fn blocking<T: Send + 'static>(&self, step: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.handle
            .spawn_blocking(step)
            .await
            .map_err(|e| Error::bug("a Kafka task ended early").source(e))
    }
    async fn session(&mut self) -> Result<Session> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let (client, clock, id) = (self.client.clone(), Arc::clone(&self.clock), self.id.clone());
        self.blocking(move || Session::open(&client, &clock, &id)).await?
    }
    /// One transaction. The session is kept only if it is as good as new.
    async fn transact(&mut self, epoch: u64, pieces: &[Piece]) -> Result<(), Failed> {
        let session = self.session().await.map_err(|error| Failed {
            again: error.is_transient(),
            error,
        })?;
        match session.committed {
            Some(committed) if committed >= epoch => {
                self.session = Some(session);
                return Ok(());
            }
            Some(_) => {}
            None if pieces.is_empty() => {}
            None => return Err(self.forgotten(epoch).into()),
        }
        let flight = Arc::<Flight>::default();
        let mut session = self.blocking(move || session.begin().map(|()| session)).await??;
        for piece in pieces {
            let bytes = piece.read(self.store.as_ref()).await?;
            let (mut partitioner, flight) = (self.partitioner.clone(), Arc::clone(&flight));
            (session, self.partitioner) = self
                .blocking(move || session.send(&bytes, &mut partitioner, &flight).map(|()| (session, partitioner)))
                .await??;
        }
        session = self.blocking(move || session.commit(epoch, &flight).map(|()| session)).await??;
        self.session = Some(session);
        Ok(())
    }
    async fn transact_with_retries(&mut self, epoch: u64, pieces: &[Piece]) -> Result<()> {
        let mut tried = 1;
        loop {
            match self.transact(epoch, pieces).await {
                Ok(()) => return Ok(()),
                Err(failed) if failed.again && tried < TRIES => {
                    warn!(table = %self.client.table, epoch, error = %failed.error, "a transaction failed; trying again");
                    tried += 1;
                }
                Err(failed) => return Err(failed.error),
            }
        }
    }
    fn forgotten(&self, epoch: u64) -> Error {
        Error::data(format!(
            "the broker does not know any more how far table \"{}\" was written: whether epoch {epoch} is there cannot be told",
            self.client.table
        ))
        .code("E0607")
        .detail(format!("group '{}', {}", self.id, self.client.brokers))
        .hint("offsets of a group expire after 'offsets.retention.minutes', and with their topic. Look at the topic's last records; --fresh starts over")
    }
}

impl SinkCommitter for TransactionCommitter {
    fn commit(&mut self, commit: EpochCommit) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut pieces = Vec::new();
            for committable in &commit.committables {
                pieces.extend(Pieces::decode(committable)?.pieces);
            }
            if pieces.is_empty() {
                return Ok(());
            }
            self.transact_with_retries(commit.epoch, &pieces).await?;
            for piece in &pieces {
                self.store.delete(&piece.path).await?;
            }
            Ok(())
        })
    }
    fn survey(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            // From here on that the broker knows no progress means that it has forgotten it.
            self.transact_with_retries(0, &[]).await?;
            self.left.survey(self.store.as_ref(), &self.incarnation).await
        })
    }
    fn clear(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.left.clear(self.store.as_ref()))
    }
}
