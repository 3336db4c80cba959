//! Where a bounded table ends.

use super::client::TableConsumer;
use super::discover::{TIMEOUT, millis, offsets};
use super::{BOUNDED, BOUNDED_OFFSETS, BOUNDED_TIMESTAMP, GROUP};
use millstream_dataflow::option::Options;
use millstream_dataflow::{Error, Result};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeMap;

/// `scan.bounded.mode`, looked at when the job first starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bounds {
    Latest,
    Group,
    /// Epoch ms.
    Timestamp(i64),
    /// By partition; of others nothing is read.
    Specific(BTreeMap<i32, i64>),
}

impl Bounds {
    /// None: unbounded.
    ///
    /// # Errors
    /// `Config` for a mode without the option that it needs.
    pub(super) fn new(o: &Options<'_>) -> Result<Option<Bounds>> {
        let mode = o.text(&BOUNDED).unwrap_or_default();
        let needs = |key: &str| {
            Error::config(format!("'scan.bounded.mode' = '{mode}' needs the option '{key}'"))
                .code("E0503")
                .hint(format!("add '{key}' = '…'"))
        };
        Ok(match mode {
            "latest-offset" => Some(Bounds::Latest),
            "group-offsets" if o.text(&GROUP).is_none() => return Err(needs(GROUP.name)),
            "group-offsets" => Some(Bounds::Group),
            "timestamp" => Some(Bounds::Timestamp(millis(o, &BOUNDED_TIMESTAMP)?.ok_or_else(|| needs(BOUNDED_TIMESTAMP.name))?)),
            "specific-offsets" => {
                let text = o.text(&BOUNDED_OFFSETS).ok_or_else(|| needs(BOUNDED_OFFSETS.name))?;
                Some(Bounds::Specific(offsets(BOUNDED_OFFSETS.name, text)?))
            }
            _ => None,
        })
    }
    /// Whether a partition ends where it ends now, if nothing else is said of it.
    pub(super) fn has_ends(&self) -> bool {
        *self != Bounds::Group
    }
    /// The first offset that is not read any more, of each partition of a topic that has one other than its end. Blocks.
    pub(super) fn stops(&self, consumer: &TableConsumer, topic: &str, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, KafkaError> {
        let list = |offset: Offset| -> Result<TopicPartitionList, KafkaError> {
            let mut list = TopicPartitionList::new();
            for p in partitions {
                list.add_partition_offset(topic, *p, offset)?;
            }
            Ok(list)
        };
        let answered = match self {
            Bounds::Latest => return Ok(BTreeMap::new()),
            Bounds::Specific(offsets) => return Ok(partitions.iter().map(|p| (*p, offsets.get(p).copied().unwrap_or(0))).collect()),
            Bounds::Group => match consumer.committed_offsets(list(Offset::Invalid)?, TIMEOUT) {
                // A group that never committed has no coordinator yet on a new broker.
                Err(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownGroup)) => list(Offset::Invalid)?,
                answered => answered?,
            },
            Bounds::Timestamp(ms) => consumer.offsets_for_times(list(Offset::Offset(*ms))?, TIMEOUT)?,
        };
        // Where no record is so late, the partition ends where it ends now.
        let stop = |offset: Offset| match offset {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        Ok(answered.elements().iter().filter_map(|e| Some((e.partition(), stop(e.offset())?))).collect())
    }
}
