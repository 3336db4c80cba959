//! Where a partition goes on: a persisted text, pinned by a test.

use millstream_dataflow::{Error, Result};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    v: u32,
    /// Offset of the next record.
    pub(super) next: i64,
    /// The first offset that is not read, of a bounded table.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) stop: Option<i64>,
    /// Leader epoch of the last record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) leader_epoch: Option<i32>,
    /// Id of the topic that the offsets are of, where the broker tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) topic_id: Option<String>,
}

impl Position {
    pub(super) fn new(next: i64, stop: Option<i64>) -> Self {
        Position {
            v: 1,
            next,
            stop,
            leader_epoch: None,
            topic_id: None,
        }
    }
    pub(super) fn done(&self) -> bool {
        self.stop.is_some_and(|stop| self.next >= stop)
    }
    /// Offsets before the stop.
    pub(super) fn left(&self) -> Option<u64> {
        Some(u64::try_from(self.stop? - self.next).unwrap_or(0))
    }
    pub(super) fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::bug("a Kafka position cannot be written").source(e))
    }
    pub(super) fn parse(text: &str) -> Result<Position> {
        let position: Position = serde_json::from_str(text).map_err(|e| Error::corrupt(format!("\"{text}\" is no position of a Kafka source")).source(e))?;
        if position.v != 1 {
            return Err(Error::corrupt(format!("a Kafka position has version {}, this release reads 1", position.v)));
        }
        Ok(position)
    }
}

/// A split's id.
pub(super) fn split_id(topic: &str, partition: i32) -> String {
    format!("{topic}/{partition}")
}

pub(super) fn parse_split_id(id: &str) -> Result<(&str, i32)> {
    let parts = id.rsplit_once('/').and_then(|(t, p)| Some((t, p.parse().ok()?)));
    parts.ok_or_else(|| Error::corrupt(format!("\"{id}\" is no partition of a Kafka source")))
}
