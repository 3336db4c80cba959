//! Which partitions there are, and where reading starts and ends.

use super::bounds::Bounds;
use super::client::{Client, TableConsumer};
use super::position::{Position, split_id};
use super::topic_id::topic_ids;
use super::{STARTUP, STARTUP_OFFSETS, STARTUP_TIMESTAMP};
use millstream_dataflow::option::{OptionSpec, Options};
use millstream_dataflow::{Error, Result, Split};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a broker may take to answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Startup {
    Earliest,
    Latest,
    /// The group's offsets, and what `auto.offset.reset` says where it has none.
    Group(Option<Reset>),
    Timestamp(i64),
    /// By partition; those not named start at the earliest.
    Specific(BTreeMap<i32, i64>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reset {
    Earliest,
    Latest,
}

impl Reset {
    fn new(o: &Options<'_>) -> Result<Option<Reset>> {
        match o.under("properties.").find(|(k, _)| *k == "auto.offset.reset").map(|(_, v)| v) {
            None | Some("none") => Ok(None),
            Some("earliest") => Ok(Some(Reset::Earliest)),
            Some("latest") => Ok(Some(Reset::Latest)),
            Some(other) => Err(Error::config(format!(
                "option 'properties.auto.offset.reset' has the value '{other}', expected earliest, latest or none"
            ))
            .code("E0502")),
        }
    }
}

impl Startup {
    pub(super) fn new(o: &Options<'_>) -> Result<Startup> {
        let needs = |key: &str| {
            Error::config(format!(
                "'scan.startup.mode' = '{}' needs the option '{key}'",
                o.text(&STARTUP).unwrap_or_default()
            ))
            .code("E0503")
            .hint(format!("add '{key}' = '…'"))
        };
        let reset = Reset::new(o)?;
        Ok(match o.text(&STARTUP).unwrap_or_default() {
            "earliest-offset" => Startup::Earliest,
            "latest-offset" => Startup::Latest,
            "timestamp" => Startup::Timestamp(millis(o, &STARTUP_TIMESTAMP)?.ok_or_else(|| needs(STARTUP_TIMESTAMP.name))?),
            "specific-offsets" => Startup::Specific(offsets(
                STARTUP_OFFSETS.name,
                o.text(&STARTUP_OFFSETS).ok_or_else(|| needs(STARTUP_OFFSETS.name))?,
            )?),
            _ => Startup::Group(reset),
        })
    }
}

/// An option of epoch milliseconds. Brokers have other meanings for negative ones.
pub(super) fn millis(o: &Options<'_>, option: &OptionSpec) -> Result<Option<i64>> {
    match o.parsed::<i64>(option)? {
        Some(ms) if ms < 0 => Err(Error::config(format!("option '{}' has the value '{ms}', expected 0 or more", option.name)).code("E0502")),
        ms => Ok(ms),
    }
}

/// `partition:0,offset:42;partition:1,offset:300`
pub(super) fn offsets(option: &str, text: &str) -> Result<BTreeMap<i32, i64>> {
    let wrong = || {
        Error::config(format!(
            "option '{option}' has the value '{text}', expected partition:0,offset:42;partition:1,offset:300"
        ))
        .code("E0502")
    };
    text.split(';')
        .filter(|p| !p.trim().is_empty())
        .map(|pair| {
            let (p, o) = pair.split_once(',').ok_or_else(wrong)?;
            let number = |t: &str, key: &str| {
                t.trim()
                    .strip_prefix(key)
                    .and_then(|n| n.trim().strip_prefix(':'))
                    .and_then(|n| n.trim().parse::<i64>().ok())
                    .ok_or_else(wrong)
            };
            Ok((i32::try_from(number(p, "partition")?).map_err(|_| wrong())?, number(o, "offset")?))
        })
        .collect()
}

/// The topics of a table with their partitions, in order. Blocks.
///
/// # Errors
/// `Config` for one that is not there, and those of brokers that do not answer or refuse.
pub(super) fn topics(client: &Client, consumer: &TableConsumer) -> Result<Vec<(String, Vec<i32>)>> {
    let names = client.topics.names(client, consumer)?;
    if names.is_empty() {
        return Err(Error::config(format!(
            "no topic matches 'topic-pattern' = '{}' of table \"{}\"",
            client.topics.text(),
            client.table
        ))
        .code("E0517")
        .detail(format!("asked {}", client.brokers))
        .hint("create one, or correct the option; it matches whole names"));
    }
    let with_partitions = |topic: String| {
        let metadata = client.metadata(consumer, Some(&topic))?;
        let found = metadata
            .topics()
            .iter()
            .find(|t| t.name() == topic)
            .filter(|t| t.error().is_none() && !t.partitions().is_empty());
        let Some(found) = found else {
            return Err(client.no_topic(consumer, &topic));
        };
        let mut partitions: Vec<i32> = found.partitions().iter().map(|p| p.id()).collect();
        partitions.sort_unstable();
        Ok((topic, partitions))
    };
    names.into_iter().map(with_partitions).collect()
}

/// Blocks; call it on a thread that may.
pub(super) fn discover(client: &Client, startup: &Startup, bounds: Option<&Bounds>, known: &[Split]) -> Result<Vec<Split>> {
    let consumer = client.consumer()?;
    let failed = |what: &str, e: KafkaError| client.silent(what, e);
    let mut splits = Vec::new();
    // Before anything else: it says why, if nobody may ask.
    let found = topics(client, &consumer)?;
    let topics: Vec<String> = found.iter().map(|(topic, _)| topic.clone()).collect();
    let ids = topic_ids(&consumer, &topics, TIMEOUT);
    for (topic, partitions) in &found {
        let asked = start_offsets(&consumer, topic, partitions, startup).map_err(|e| failed("the start offsets cannot be found", e))?;
        let stops = match bounds {
            Some(bounds) => bounds
                .stops(&consumer, topic, partitions)
                .map_err(|e| failed("the end offsets cannot be found", e))?,
            None => BTreeMap::new(),
        };
        for &partition in partitions {
            let id = split_id(topic, partition);
            if let Some(k) = known.iter().find(|k| k.id == id) {
                let mut position = Position::parse(&k.position)?;
                if let (Some(was), Some(is)) = (&position.topic_id, ids.get(topic))
                    && was != is
                {
                    return Err(made_anew(client, topic, position.next));
                }
                position.topic_id = position.topic_id.or_else(|| ids.get(topic).cloned());
                let position = position.text()?;
                splits.push(Split { id, position });
                continue;
            }
            let (low, high) = consumer
                .fetch_watermarks(topic, partition, TIMEOUT)
                .map_err(|e| failed("the offsets cannot be found", e))?;
            // A partition that came later is read from its beginning, whatever the options say of the start.
            let asked = if known.is_empty() { asked.get(&partition) } else { Some(&Start::Beginning) };
            let next = match asked {
                Some(Start::At(offset)) if (low..=high).contains(offset) => *offset,
                Some(Start::At(offset)) => {
                    return Err(
                        Error::data(format!("offset {offset} of topic '{topic}', partition {partition}, cannot be read"))
                            .code("E0701")
                            .detail(format!("table \"{}\", offsets there are: {low} to {high}", client.table))
                            .hint("correct 'scan.startup.specific-offsets' or the group's offsets, or choose another 'scan.startup.mode'"),
                    );
                }
                Some(Start::Beginning) => low,
                Some(Start::End) => high,
                None => return Err(no_offset(client, topic, partition)),
            };
            let stop = match bounds {
                None => None,
                Some(bounds) if bounds.has_ends() => Some(stops.get(&partition).copied().unwrap_or(high)),
                Some(_) => Some(*stops.get(&partition).ok_or_else(|| no_end(client, topic, partition))?),
            };
            let mut position = Position::new(next, stop);
            position.topic_id = ids.get(topic).cloned();
            let position = position.text()?;
            splits.push(Split { id, position });
        }
    }
    if let Startup::Specific(offsets) = startup
        && known.is_empty()
        && let Some(unknown) = offsets.keys().find(|p| !topics.iter().any(|t| splits.iter().any(|s| s.id == split_id(t, **p))))
    {
        return Err(Error::config(format!(
            "'scan.startup.specific-offsets' of table \"{}\" names partition {unknown}, which topic '{}' does not have",
            client.table,
            topics.join("', '")
        ))
        .code("E0517")
        .detail(format!("there are: {}", splits.iter().map(|s| s.id.as_str()).collect::<Vec<_>>().join(", ")))
        .hint("correct the option"));
    }
    // To leave it out would lose its records, and its offsets with the next checkpoint.
    if let Some(gone) = known.iter().find(|k| !splits.iter().any(|s| s.id == k.id)) {
        return Err(Error::config(format!(
            "the checkpoint holds \"{}\" of table \"{}\", which the topics do not have any more",
            gone.id, client.table
        ))
        .code("E0517")
        .detail(format!("asked {}", client.brokers))
        .hint("was the topic deleted or left out of the option 'topic'? --fresh starts over"));
    }
    Ok(splits)
}

fn made_anew(client: &Client, topic: &str, next: i64) -> Error {
    Error::data(format!(
        "the topic '{topic}' of table \"{}\" was deleted and made anew since the last checkpoint, which goes on at offset {next} of the former one",
        client.table
    ))
    .code("E0701")
    .hint("what the former topic held beyond that is gone; --fresh starts over with the new one")
}

fn no_offset(client: &Client, topic: &str, partition: i32) -> Error {
    let group = match &client.group {
        Some(group) => format!("the group '{group}' of table \"{}\"", client.table),
        None => format!("table \"{}\" names no 'properties.group.id' and", client.table),
    };
    Error::config(format!("{group} has no offset for topic '{topic}', partition {partition}, to start from"))
        .code("E0519")
        .hint("set 'scan.startup.mode' to 'earliest-offset' or 'latest-offset', or 'properties.auto.offset.reset' to 'earliest' or 'latest'")
}

/// As in Flink: what would be read nobody knows.
fn no_end(client: &Client, topic: &str, partition: i32) -> Error {
    let group = client.group.as_deref().unwrap_or_default();
    let what = format!(
        "the group '{group}' of table \"{}\" has no offset for topic '{topic}', partition {partition}, to stop at",
        client.table
    );
    Error::config(what)
        .code("E0519")
        .hint("is the option 'properties.group.id' right? 'scan.bounded.mode' may also be 'latest-offset'")
}

enum Start {
    At(i64),
    Beginning,
    End,
}

/// Where each partition shall start; none where a group has no offset.
fn start_offsets(consumer: &TableConsumer, topic: &str, partitions: &[i32], startup: &Startup) -> Result<BTreeMap<i32, Start>, KafkaError> {
    let list = |offset: Offset| -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        for p in partitions {
            list.add_partition_offset(topic, *p, offset)?;
        }
        Ok(list)
    };
    let all = |start: fn() -> Start| partitions.iter().map(|p| (*p, start())).collect::<BTreeMap<_, _>>();
    let found = |answered: TopicPartitionList, otherwise: Option<fn() -> Start>| {
        let mut starts = otherwise.map_or_else(BTreeMap::new, all);
        for e in answered.elements() {
            if let Offset::Offset(offset) = e.offset() {
                starts.insert(e.partition(), Start::At(offset));
            }
        }
        starts
    };
    match startup {
        Startup::Earliest => Ok(all(|| Start::Beginning)),
        Startup::Latest => Ok(all(|| Start::End)),
        Startup::Specific(offsets) => {
            let mut starts = all(|| Start::Beginning);
            starts.extend(offsets.iter().map(|(p, o)| (*p, Start::At(*o))));
            Ok(starts)
        }
        // A partition without a record at or after the time starts at its end.
        Startup::Timestamp(ms) => Ok(found(consumer.offsets_for_times(list(Offset::Offset(*ms))?, TIMEOUT)?, Some(|| Start::End))),
        Startup::Group(reset) => {
            let otherwise: Option<fn() -> Start> = match reset {
                None => None,
                Some(Reset::Earliest) => Some(|| Start::Beginning),
                Some(Reset::Latest) => Some(|| Start::End),
            };
            match consumer.committed_offsets(list(Offset::Invalid)?, TIMEOUT) {
                Ok(answered) => Ok(found(answered, otherwise)),
                // A group that never committed has no coordinator yet on a new broker.
                Err(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownGroup)) => Ok(otherwise.map_or_else(BTreeMap::new, all)),
                Err(e) => Err(e),
            }
        }
    }
}
