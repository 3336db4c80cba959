//! When a partition counts as complete, and is marked so.

use super::partition_time::PartitionTime;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Error, Result, TableSpec, Watermark};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const POLICY: OptionSpec = OptionSpec::new(
    "sink.partition-commit.policy.kind",
    OptionType::Text,
    "What marks a partition as complete, once all its files are visible: `success-file`, an empty file in its directory. Without it nothing does.",
)
.examples(&["success-file"]);
pub(super) const TRIGGER: OptionSpec = OptionSpec::new(
    "sink.partition-commit.trigger",
    OptionType::OneOf(&["process-time", "partition-time"]),
    "When a partition is complete: a time after its first files became visible, by the machine's clock; or when the watermark has passed the time \
     that its directory tells. Either comes with the next checkpoint, and with the end of the input. Rows that come later are written all the same, and it is marked again.",
)
.default("process-time");
pub(super) const DELAY: OptionSpec = OptionSpec::new(
    "sink.partition-commit.delay",
    OptionType::Duration,
    "How much later than that. What a directory tells with `partition-time` is when its partition begins: for one directory per hour this is `1 h`.",
)
.default("0 s")
.examples(&["1 h"]);
pub(super) const SUCCESS_FILE: OptionSpec = OptionSpec::new(
    "sink.partition-commit.success-file.name",
    OptionType::Text,
    "Name of the success file. Begin it with `_` or `.`, so that it is not taken for data.",
)
.default("_SUCCESS");

/// What is known of partitions that are not complete. Part of each epoch of the sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Partitions {
    /// The highest so far.
    watermark: i64,
    /// Directories that are not complete, and since when they have files, epoch ms.
    pending: BTreeMap<String, i64>,
    /// Directories that are complete with this epoch.
    pub(super) complete: BTreeSet<String>,
}

impl Default for Partitions {
    fn default() -> Self {
        Partitions {
            watermark: Watermark::NONE,
            pending: BTreeMap::new(),
            complete: BTreeSet::new(),
        }
    }
}

#[derive(Debug, Clone)]
enum Trigger {
    ProcessTime,
    PartitionTime(PartitionTime),
}

#[derive(Debug, Clone)]
pub(super) struct PartitionCommit {
    trigger: Trigger,
    delay_ms: i64,
    success_file: String,
}

impl PartitionCommit {
    /// `None` without a policy.
    ///
    /// # Errors
    /// `Config` for options that do not go together.
    pub(super) fn new(table: &TableSpec) -> Result<Option<Self>> {
        let o = Options::new(&table.options);
        let Some(policies) = o.text(&POLICY) else { return Ok(None) };
        for policy in policies.split(',').map(str::trim) {
            let refused = |what: &str| {
                let e = Error::config(format!("option '{}': '{policy}' {what}", POLICY.name)).code("E0502");
                Err(e.hint("the policy there is: success-file"))
            };
            match policy {
                "success-file" => {}
                "metastore" => return refused("is for tables of a Hive metastore, which this one is not"),
                "custom" => return refused("needs a Java class, which cannot be loaded here"),
                _ => return refused("is no policy"),
            }
        }
        if table.partition_keys.is_empty() {
            let e = Error::config(format!("'{}' needs partitions", POLICY.name)).code("E0513");
            return Err(e.hint("add PARTITIONED BY (…) to the table, or leave the option out"));
        }
        let success_file = o.text(&SUCCESS_FILE).unwrap_or_default().to_string();
        if !success_file.starts_with(['_', '.']) || success_file.contains('/') || success_file == "." || success_file == ".." {
            return Err(Error::config(format!(
                "option '{}' has the value '{success_file}', which is no name of a file beside the data",
                SUCCESS_FILE.name
            ))
            .code("E0502")
            .hint("begin it with _ or ., or readers take it for data: '_SUCCESS'"));
        }
        Ok(Some(PartitionCommit {
            trigger: match o.text(&TRIGGER) {
                Some("partition-time") => Trigger::PartitionTime(PartitionTime::new(table)?),
                _ => Trigger::ProcessTime,
            },
            delay_ms: o.duration(&DELAY).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
            success_file,
        }))
    }
    /// Where a directory's success file is.
    pub(super) fn success_file(&self, directory: &str) -> String {
        format!("{directory}{}", self.success_file)
    }
    /// # Errors
    /// `Data` for a directory of which it can never be told when it is complete.
    pub(super) fn check(&self, directory: &str) -> Result<()> {
        match &self.trigger {
            Trigger::ProcessTime => Ok(()),
            Trigger::PartitionTime(time) => time.of(directory).map(drop),
        }
    }
    /// What an epoch makes of the partitions.
    ///
    /// - `written`: the directories of its files
    /// - `watermark`: at its barrier
    /// - `now_ms`: the machine's clock
    pub(super) fn decide(&self, before: &Partitions, written: BTreeSet<String>, watermark: i64, now_ms: i64) -> Result<Partitions> {
        let watermark = watermark.max(before.watermark);
        let mut after = Partitions {
            watermark,
            pending: before.pending.clone(),
            complete: BTreeSet::new(),
        };
        for directory in written {
            after.pending.entry(directory).or_insert(now_ms);
        }
        for (directory, since) in std::mem::take(&mut after.pending) {
            let complete = watermark == Watermark::END
                || match &self.trigger {
                    Trigger::ProcessTime => self.delay_ms == 0 || now_ms > since.saturating_add(self.delay_ms),
                    Trigger::PartitionTime(time) => watermark > time.of(&directory)?.saturating_add(self.delay_ms),
                };
            match complete {
                true => after.complete.insert(directory),
                false => after.pending.insert(directory, since).is_none(),
            };
        }
        Ok(after)
    }
}

#[cfg(test)]
mod tests;
