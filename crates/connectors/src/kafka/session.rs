//! Transactions by librdkafka.
//!
//! Its calls block, so each runs off the async threads.

use super::client::{Client, TableConsumer};
use super::direct::not_queued;
use super::message::StagedRecords;
use super::partitioner::Partitioner;
use super::producer::{Answers, Flight, check_topics, partitions, record, refused};
use super::transactions::{Failed, TransactionOwner, Transactions};
use bytes::Bytes;
use millstream_dataflow::{BoxFuture, Clock, Error, Result};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::warn;

/// How long each step with the transaction coordinator may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes sent and not yet acknowledged, beyond which the next record waits.
const IN_FLIGHT_MAX: u64 = 64 << 20;
const WAIT: Duration = Duration::from_millis(2);
/// The brokers of a table.
pub(super) struct Brokers {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) partitioner: Partitioner,
    pub(super) handle: Handle,
}

async fn blocking<T: Send + 'static>(handle: &Handle, step: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = handle.spawn_blocking(step).await;
    done.map_err(|e| Error::bug("a Kafka task ended early").source(e))
}

impl Transactions for Brokers {
    fn take_over<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Box<dyn TransactionOwner>>> {
        let (client, clock, partitioner, id) = (self.client.clone(), Arc::clone(&self.clock), self.partitioner.clone(), id.to_string());
        Box::pin(async move {
            let session = blocking(&self.handle, move || Session::open(&client, &clock, partitioner, &id)).await??;
            Ok(Box::new(Owner {
                session: Some(session),
                handle: self.handle.clone(),
            }) as Box<dyn TransactionOwner>)
        })
    }
}

struct Owner {
    /// Away while a step runs, and after one that failed.
    session: Option<Session>,
    handle: Handle,
}

impl Owner {
    fn step<'a>(&'a mut self, step: impl FnOnce(&mut Session) -> Result<(), Failed> + Send + 'static) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(async move {
            let mut session = self.session.take().ok_or_else(|| Error::bug("a Kafka session that has ended"))?;
            let run = move || step(&mut session).map(|()| session);
            self.session = Some(blocking(&self.handle, run).await??);
            Ok(())
        })
    }
}

impl TransactionOwner for Owner {
    fn committed(&self) -> Option<u64> {
        self.session.as_ref()?.committed
    }
    fn begin(&mut self) -> BoxFuture<'_, Result<(), Failed>> {
        self.step(Session::begin)
    }
    fn send(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), Failed>> {
        self.step(move |session| session.send(&piece))
    }
    fn commit(&mut self, epoch: u64) -> BoxFuture<'_, Result<(), Failed>> {
        self.step(move |session| session.commit(epoch))
    }
}

/// A producer that owns the transactional id, until another one takes it.
struct Session {
    producer: ThreadedProducer<Answers>,
    in_flight: Arc<AtomicU64>,
    /// Its group holds the progress; it reads nothing else.
    progress: TableConsumer,
    client: Client,
    /// The last epoch whose transaction was committed; none if the broker knows of none.
    committed: Option<u64>,
    partitioner: Partitioner,
    /// Of the transaction that is open.
    flight: Arc<Flight>,
}

impl Session {
    /// Takes the transactional id over. Blocks.
    fn open(client: &Client, clock: &Arc<dyn Clock>, partitioner: Partitioner, id: &str) -> Result<Session> {
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
            partitioner,
            flight: Arc::default(),
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
    fn failed(&self, e: &KafkaError) -> Failed {
        let (code, place) = self
            .flight
            .failure()
            .unwrap_or_else(|| (e.rdkafka_error_code().unwrap_or(Code::Unknown), "its transaction".to_string()));
        let fenced = matches!(
            e.rdkafka_error_code(),
            Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch | Code::Fatal)
        );
        if !fenced && let Err(e) = self.producer.abort_transaction(TIMEOUT) {
            warn!(job = %self.client.job, table = %self.client.table, error = %e, "a transaction could not be aborted; the broker does so when its time is up");
        }
        let error = refused(&self.client, code, &place);
        Failed {
            again: error.is_transient(),
            error,
        }
    }
    /// Blocks.
    fn begin(&mut self) -> Result<(), Failed> {
        self.flight = Arc::default();
        self.producer.begin_transaction().map_err(|e| self.failed(&e))
    }
    /// Sends the records of a piece. Blocks while too much is on its way.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        let staged = StagedRecords::new(bytes)?;
        let subtask = staged.subtask;
        for message in staged {
            let message = message?;
            let topic = self.client.topic_of(&message)?;
            let partition = self
                .partitioner
                .partition(topic, subtask, || partitions(self.producer.client(), &self.client, topic))?;
            let bytes = (message.key.map_or(0, <[u8]>::len) + message.value.map_or(0, <[u8]>::len)) as u64;
            while self.in_flight.load(Ordering::Acquire) > IN_FLIGHT_MAX && self.flight.failure().is_none() {
                std::thread::sleep(WAIT);
            }
            self.in_flight.fetch_add(bytes, Ordering::AcqRel);
            loop {
                match self.producer.send(record(topic, &message, partition, &self.flight)) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(Code::QueueFull), _)) => {
                        self.flight.not_sent();
                        std::thread::sleep(WAIT);
                    }
                    Err((e, _)) => {
                        self.flight.not_sent();
                        let told = self.failed(&e);
                        let error = not_queued(&self.client, &e, topic);
                        return Err(if error.is_transient() { told } else { error.into() });
                    }
                }
            }
        }
        Ok(())
    }
    /// Commits records and progress together. Blocks.
    fn commit(&mut self, epoch: u64) -> Result<(), Failed> {
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
            Err(e) => Err(self.failed(&e)),
        }
    }
}
