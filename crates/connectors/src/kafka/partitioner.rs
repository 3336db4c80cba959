//! Which partition a record goes to.

use millstream_dataflow::Result;
use std::collections::HashMap;

/// `sink.partitioner`.
#[derive(Debug, Clone, Default)]
pub(super) enum Partitioner {
    /// librdkafka's: by the key's murmur2 hash as Java clients, at random without a key.
    #[default]
    Default,
    /// One partition per subtask. Partitions by topic.
    Fixed(HashMap<String, i32>),
    /// One after the other. Partitions by topic, and the next one.
    RoundRobin(HashMap<String, i32>, u32),
}

impl Partitioner {
    pub(super) fn new(name: &str) -> Partitioner {
        match name {
            "fixed" => Partitioner::Fixed(HashMap::new()),
            "round-robin" => Partitioner::RoundRobin(HashMap::new(), 0),
            _ => Partitioner::Default,
        }
    }
    /// None leaves it to the client. `count` tells a topic's number of partitions; it is asked once.
    pub(super) fn partition(&mut self, topic: &str, subtask: u32, count: impl FnOnce() -> Result<i32>) -> Result<Option<i32>> {
        let known = |counts: &mut HashMap<String, i32>| -> Result<u32> {
            let n = match counts.get(topic) {
                Some(n) => *n,
                None => {
                    let n = count()?;
                    counts.insert(topic.to_string(), n);
                    n
                }
            };
            Ok(n.max(1).unsigned_abs())
        };
        Ok(match self {
            Partitioner::Default => None,
            Partitioner::Fixed(counts) => Some((subtask % known(counts)?) as i32),
            Partitioner::RoundRobin(counts, next) => {
                let n = known(counts)?;
                *next = next.wrapping_add(1);
                Some((next.wrapping_sub(1) % n) as i32)
            }
        })
    }
}
