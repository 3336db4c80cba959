//! Records sent as they come: at least once, as checkpoints wait for the broker's acknowledgements.

use super::client::Client;
use super::encoder::MessageEncoder;
use super::partitioner::Partitioner;
use super::producer::{Answers, Flight, record, refused};
use millstream_dataflow::{Batch, BoxFuture, Clock, Committable, Epoch, Error, Result, SinkWriter, Written};
use rdkafka::error::KafkaError;
use rdkafka::producer::{Producer, ThreadedProducer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::warn;

/// Bytes sent and not yet acknowledged, beyond which input is held back.
const IN_FLIGHT_MAX: u64 = 64 << 20;
/// Records so.
const OUTSTANDING_MAX: u64 = 500_000;

pub(super) struct DirectWriter {
    client: Client,
    producer: ThreadedProducer<Answers>,
    encoder: MessageEncoder,
    partitioner: Partitioner,
    subtask: u32,
    flight: Arc<Flight>,
    in_flight: Arc<AtomicU64>,
    /// Whether records that did not arrive are an error, or only told.
    strict: bool,
    /// Rows so far, and at the last checkpoint.
    rows: u64,
    written: u64,
}

impl DirectWriter {
    pub(super) fn new(client: &Client, clock: &Arc<dyn Clock>, encoder: MessageEncoder, partitioner: Partitioner, subtask: u32, strict: bool) -> Result<Self> {
        let answers = Answers::new(client, clock);
        let in_flight = Arc::clone(&answers.in_flight);
        Ok(DirectWriter {
            producer: client.threaded_producer(answers)?,
            client: client.clone(),
            encoder,
            partitioner,
            subtask,
            flight: Arc::default(),
            in_flight,
            strict,
            rows: 0,
            written: 0,
        })
    }
}

fn unless_refused(client: &Client, flight: &Flight) -> Result<()> {
    match flight.failure() {
        Some((code, place)) => Err(refused(client, code, &place)),
        None => Ok(()),
    }
}

impl SinkWriter for DirectWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        if self.strict {
            unless_refused(&self.client, &self.flight)?;
        }
        self.rows += batch.num_rows() as u64;
        let (client, producer, flight, in_flight) = (&self.client, &self.producer, &self.flight, &self.in_flight);
        let (partitioner, subtask) = (&mut self.partitioner, self.subtask);
        self.encoder.encode(&batch, |message| {
            let topic = client.topic_of(message)?;
            let partition = partitioner.partition(topic, subtask, || super::producer::partitions(producer.client(), client, topic))?;
            let bytes = (message.key.map_or(0, <[u8]>::len) + message.value.map_or(0, <[u8]>::len)) as u64;
            in_flight.fetch_add(bytes, Ordering::AcqRel);
            match producer.send(record(topic, message, partition, flight)) {
                Ok(()) => Ok(()),
                Err((e, _)) => {
                    in_flight.fetch_sub(bytes, Ordering::AcqRel);
                    flight.not_sent();
                    Err(not_queued(client, &e, topic))
                }
            }
        })
    }
    fn is_ready(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) < IN_FLIGHT_MAX && self.flight.outstanding() < OUTSTANDING_MAX
    }
    fn written(&self) -> Option<Written> {
        Some(self.client.written(self.written))
    }
    fn pre_commit(&mut self, _epoch: Epoch) -> Result<BoxFuture<'static, Result<Vec<Committable>>>> {
        self.written = self.rows;
        let (flight, client, strict) = (std::mem::take(&mut self.flight), self.client.clone(), self.strict);
        Ok(Box::pin(async move {
            flight.land().await;
            match unless_refused(&client, &flight) {
                Err(e) if strict => return Err(e),
                Err(e) => warn!(job = %client.job, table = %client.table, error = %e, "records are lost, as 'sink.delivery-guarantee' is 'none'"),
                Ok(()) => {}
            }
            Ok(Vec::new())
        }))
    }
}

/// librdkafka did not even take a record.
pub(super) fn not_queued(client: &Client, e: &KafkaError, topic: &str) -> Error {
    let code = e.rdkafka_error_code().unwrap_or(rdkafka::error::RDKafkaErrorCode::Unknown);
    refused(client, code, &format!("topic '{topic}'"))
}
