//! Reads partitions, on the rim.

use super::batch::{Message, Queue};
use super::client::{Client, TableConsumer};
use super::position::{Position, parse_split_id, split_id};
use millstream_dataflow::{Chunk, Clock, Error, Fetch, Result, Split, SplitReader};
use rdkafka::bindings::rd_kafka_resp_err_t as Code;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// Messages per call.
const MESSAGES: usize = 4096;
/// How often trouble with a broker is told.
const WARN_EVERY: Duration = Duration::from_secs(10);
/// How often the ends of the partitions are looked at, for the lag.
const LAG_EVERY: Duration = Duration::from_secs(2);
/// How often brokers are asked whether partitions that were read to their ends still end there; less often while none answers.
const ASK_EVERY: Duration = Duration::from_secs(1);
const ASK_EVERY_MAX: Duration = Duration::from_secs(8);
/// How long brokers may take to answer that.
const ASK_WAIT: Duration = Duration::from_millis(500);
/// After how long without records brokers are asked whether they are there at all, and after how long without an answer they are not.
const QUIET: Duration = Duration::from_secs(3);
const CUT_OFF: Duration = Duration::from_secs(10);

pub(super) struct KafkaReader {
    queue: Queue,
    consumer: Arc<TableConsumer>,
    open: BTreeMap<(String, i32), Position>,
    /// Partitions that are not wanted for now.
    paused: BTreeSet<(String, i32)>,
    /// Found and not handed out yet.
    ready: VecDeque<Fetch>,
    clock: Arc<dyn Clock>,
    warned: Option<Duration>,
    lag: Vec<(String, u64)>,
    lag_at: Duration,
    /// Partitions that were read to their ends.
    at_end: BTreeSet<(String, i32)>,
    ask_at: Duration,
    ask_every: Duration,
    /// When a broker last gave a record or an answer.
    heard_at: Duration,
    is_connected: bool,
    job: String,
    table: String,
}

/// Messages of one partition, in order, and where it stands after them.
pub(super) struct Messages {
    pub(super) messages: Vec<Message>,
    pub(super) next: Position,
    /// Outlives the messages: fields are dropped in their order.
    _client: Arc<TableConsumer>,
}

impl KafkaReader {
    pub(super) fn new(client: &Client, splits: Vec<Split>, clock: Arc<dyn Clock>) -> Result<Self> {
        let consumer = Arc::new(client.consumer()?);
        let mut queue = Queue::new(Arc::clone(&consumer), MESSAGES);
        let (mut open, mut ready) = (BTreeMap::new(), VecDeque::new());
        for split in splits {
            let (topic, partition) = parse_split_id(&split.id)?;
            let position = Position::parse(&split.position)?;
            if position.done() {
                ready.push_back(Fetch::Finished(split.id));
                continue;
            }
            queue.start(topic, partition, position.next)?;
            open.insert((topic.to_string(), partition), position);
        }
        let clock_now = clock.monotonic();
        Ok(KafkaReader {
            queue,
            consumer,
            open,
            paused: BTreeSet::new(),
            ready,
            clock,
            warned: None,
            lag: Vec::new(),
            lag_at: Duration::ZERO,
            at_end: BTreeSet::new(),
            ask_at: Duration::ZERO,
            ask_every: ASK_EVERY,
            heard_at: clock_now,
            is_connected: true,
            table: client.table.clone(),
            job: client.job.clone(),
        })
    }

    /// Sorts what a call brought into chunks by partition.
    fn take(&mut self, messages: Vec<Message>) -> Result<()> {
        let mut groups: BTreeMap<(String, i32), Vec<Message>> = BTreeMap::new();
        // Neighbours are mostly of one partition.
        let mut current: Option<((String, i32), Vec<Message>)> = None;
        for m in messages {
            if let Some(code) = m.error() {
                if let Some((key, list)) = current.take() {
                    groups.entry(key).or_default().extend(list);
                }
                self.event(&m, code, &mut groups)?;
                continue;
            }
            match &mut current {
                Some((_, list)) if list.last().is_some_and(|last| last.is_beside(&m)) => list.push(m),
                _ => {
                    if let Some((key, list)) = current.take() {
                        groups.entry(key).or_default().extend(list);
                    }
                    current = Some(((m.topic().to_string(), m.partition()), vec![m]));
                }
            }
        }
        if let Some((key, list)) = current {
            groups.entry(key).or_default().extend(list);
        }
        for (key, list) in groups {
            self.chunk(&key, list);
        }
        Ok(())
    }

    fn chunk(&mut self, key: &(String, i32), mut messages: Vec<Message>) {
        let Some(position) = self.open.get_mut(key) else { return };
        let Some(last) = messages.last() else { return };
        self.at_end.remove(key);
        // A record behind the stop says that nothing more comes before it: control records take offsets, too.
        let next = position.stop.map_or(last.offset() + 1, |stop| stop.min(last.offset() + 1));
        position.leader_epoch = last.leader_epoch().or(position.leader_epoch);
        if next > position.next {
            position.next = next;
            messages.retain(|m| m.offset() < next);
            let bytes = messages.iter().map(|m| m.payload().map_or(0, <[u8]>::len) + 64).sum();
            let next = position.clone();
            self.ready.push_back(Fetch::Chunk(Chunk {
                split: split_id(&key.0, key.1),
                bytes,
                payload: Box::new(Messages {
                    messages,
                    next,
                    _client: Arc::clone(&self.consumer),
                }),
            }));
        }
        self.finish_if_done(key);
    }

    fn finish_if_done(&mut self, key: &(String, i32)) {
        if self.open.get(key).is_some_and(Position::done) {
            self.open.remove(key);
            self.ready.push_back(Fetch::Finished(split_id(&key.0, key.1)));
        }
    }

    /// What is no record: the end of a partition, or trouble.
    fn event(&mut self, m: &Message, code: Code, groups: &mut BTreeMap<(String, i32), Vec<Message>>) -> Result<()> {
        let key = (m.topic().to_string(), m.partition());
        match code {
            Code::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                if let Some(list) = groups.remove(&key) {
                    self.chunk(&key, list);
                }
                // Control records at the end take offsets, too: the position moves past them.
                let Some(position) = self.open.get_mut(&key) else { return Ok(()) };
                if m.offset() > position.next {
                    position.next = m.offset();
                    let next = position.clone();
                    self.ready.push_back(Fetch::Chunk(Chunk {
                        split: split_id(&key.0, key.1),
                        bytes: 0,
                        payload: Box::new(Messages {
                            messages: Vec::new(),
                            next,
                            _client: Arc::clone(&self.consumer),
                        }),
                    }));
                }
                self.finish_if_done(&key);
                if self.open.contains_key(&key) {
                    self.at_end.insert(key);
                }
                Ok(())
            }
            Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET | Code::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE => Err(self.out_of_range(&key)),
            Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR__AUTHENTICATION => {
                Err(
                    Error::config(format!("the broker refuses to let table \"{}\" read: {}", self.table, m.error_text()))
                        .code("E0518")
                        .hint("check the 'properties.sasl.*' options and the ACLs"),
                )
            }
            Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART | Code::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION | Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC => {
                Err(Error::config(format!("partition {} of topic '{}' does not exist any more", key.1, key.0))
                    .code("E0517")
                    .hint("was the topic deleted? --fresh starts over"))
            }
            // The client connects again by itself.
            _ => {
                self.tell(&m.error_text());
                Ok(())
            }
        }
    }

    fn tell(&mut self, what: &str) {
        let now = self.clock.monotonic();
        if self.warned.is_none_or(|at| now - at > WARN_EVERY) {
            self.warned = Some(now);
            warn!(job = %self.job, table = %self.table, error = what, "trouble with a Kafka broker; waiting for it");
        }
    }

    fn out_of_range(&self, key: &(String, i32)) -> Error {
        let next = self.open.get(key).map_or(-1, |p| p.next);
        let range = self.consumer.fetch_watermarks(&key.0, key.1, Duration::from_secs(5)).ok();
        let why = match range {
            Some((low, _)) if low > next => "older records were deleted by the topic's retention",
            Some((low, high)) if next > high => {
                if low == 0 {
                    "the topic was deleted and created again"
                } else {
                    "the partition lost its newest records"
                }
            }
            _ => "the broker does not have it",
        };
        let range = range.map_or("unknown".to_string(), |(low, high)| format!("{low} to {high}"));
        Error::data(format!("offset {next} of topic '{}', partition {}, cannot be read: {why}", key.0, key.1))
            .code("E0701")
            .detail(format!("table \"{}\", offsets there are: {range}", self.table))
            .hint("records are lost for this job: restore the topic, or start a new life with --fresh and 'scan.startup.mode' = 'earliest-offset'")
    }

    /// The partitions that end where they were read to. That a partition has ended is old news when it is told: what came since may wait
    /// behind a broker that does not answer.
    fn ask_for_ends(&mut self) -> Result<Vec<String>> {
        let now = self.clock.monotonic();
        // Who waits for records hears nothing of a broker that is gone, or stands still.
        let only_asks_whether = self.at_end.is_empty() && now - self.heard_at > QUIET;
        let asked: Vec<&(String, i32)> = match only_asks_whether {
            true => self.open.keys().take(1).collect(),
            false => self.at_end.iter().collect(),
        };
        if asked.is_empty() || now < self.ask_at {
            return Ok(Vec::new());
        }
        let mut ends = TopicPartitionList::with_capacity(asked.len());
        for (topic, partition) in asked {
            let added = ends.add_partition_offset(topic, *partition, Offset::End);
            added.map_err(|e| Error::bug("a partition cannot be asked for").source(e))?;
        }
        let answered = self.consumer.offsets_for_times(ends, ASK_WAIT);
        let all_answered = answered.as_ref().is_ok_and(|a| a.elements().iter().all(|e| e.error().is_ok()));
        // A busy machine may miss an answer: whoever counts as connected is asked often enough to miss several.
        self.ask_every = match all_answered || self.is_connected {
            true => ASK_EVERY,
            false => (self.ask_every * 2).min(ASK_EVERY_MAX),
        };
        let now = self.clock.monotonic();
        self.ask_at = now + self.ask_every;
        if all_answered {
            self.heard_at = now;
        }
        let Ok(answered) = answered else { return Ok(Vec::new()) };
        if only_asks_whether {
            return Ok(Vec::new());
        }
        let elements = answered.elements();
        let still = elements.iter().filter(|e| {
            let position = self.open.get(&(e.topic().to_string(), e.partition()));
            e.error().is_ok() && matches!((e.offset(), position), (Offset::Offset(end), Some(p)) if end <= p.next)
        });
        Ok(still.map(|e| split_id(e.topic(), e.partition())).collect())
    }

    /// Notes whether brokers are there.
    fn look_at_connection(&mut self) {
        let is_connected = self.open.is_empty() || self.clock.monotonic() - self.heard_at < CUT_OFF;
        if std::mem::replace(&mut self.is_connected, is_connected) && !is_connected {
            self.tell(&format!("no answer for {} s", CUT_OFF.as_secs()));
        }
    }

    /// Distance of each partition to its end, as far as the client knows it.
    fn look_at_lag(&mut self) {
        let now = self.clock.monotonic();
        if now - self.lag_at < LAG_EVERY {
            return;
        }
        self.lag_at = now;
        let distance = |((topic, partition), p): (&(String, i32), &Position)| {
            let high = match p.stop {
                Some(stop) => stop,
                None => self.queue.known_end(topic, *partition)?,
            };
            Some((split_id(topic, *partition), (high - p.next).max(0) as u64))
        };
        self.lag = self.open.iter().filter_map(distance).collect();
    }
}

impl SplitReader for KafkaReader {
    fn fetch(&mut self, wait: Duration) -> Result<Fetch> {
        if let Some(ready) = self.ready.pop_front() {
            return Ok(ready);
        }
        // Here all that was read is handed over. Not only when nothing comes: idle partitions would hold back the event time of busy ones.
        let ended = self.ask_for_ends()?;
        if !ended.is_empty() {
            return Ok(Fetch::EndOfData(ended));
        }
        // Serves the client's own events: connection errors, which it mends itself.
        if let Some(Err(e)) = self.consumer.poll(Duration::ZERO) {
            self.tell(&e.to_string());
        }
        let messages = self.queue.consume(wait);
        if messages
            .iter()
            .any(|m| matches!(m.error(), None | Some(Code::RD_KAFKA_RESP_ERR__PARTITION_EOF)))
        {
            self.heard_at = self.clock.monotonic();
        }
        self.take(messages)?;
        self.look_at_lag();
        self.look_at_connection();
        Ok(self.ready.pop_front().unwrap_or(Fetch::Nothing))
    }
    /// What the client has fetched ahead of a paused partition it throws away, and fetches it anew afterwards.
    fn pause(&mut self, splits: &BTreeSet<String>) -> Result<()> {
        let paused: BTreeSet<(String, i32)> = self.open.keys().filter(|k| splits.contains(&split_id(&k.0, k.1))).cloned().collect();
        let list = |keys: Vec<&(String, i32)>| {
            let mut list = TopicPartitionList::with_capacity(keys.len());
            for (topic, partition) in keys {
                list.add_partition(topic, *partition);
            }
            list
        };
        let refused = |e: KafkaError| Error::unavailable(format!("partitions of table \"{}\" cannot be paused", self.table)).source(e);
        self.consumer.pause(&list(paused.difference(&self.paused).collect())).map_err(refused)?;
        let resumed = self.paused.difference(&paused).filter(|k| self.open.contains_key(*k)).collect();
        self.consumer.resume(&list(resumed)).map_err(refused)?;
        self.paused = paused;
        Ok(())
    }
    fn is_connected(&self) -> bool {
        self.is_connected
    }
    fn lag(&self) -> Vec<(String, u64)> {
        self.lag.clone()
    }
    fn left(&self) -> Option<u64> {
        self.open.values().map(Position::left).sum()
    }
}
