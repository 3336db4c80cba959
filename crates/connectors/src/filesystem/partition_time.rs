//! The time that a partition stands for, told by its directory.

use super::partition::values_of_path;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use millstream_dataflow::{Error, Result, TableSpec};
use millstream_functions::{TimePattern, Zone};

pub(super) const KIND: OptionSpec = OptionSpec::new(
    "partition.time-extractor.kind",
    OptionType::Text,
    "How a partition's time is told: by a pattern.",
)
.default("default");
pub(super) const PATTERN: OptionSpec = OptionSpec::new(
    "partition.time-extractor.timestamp-pattern",
    OptionType::Text,
    "A partition's time, made of its columns: each `$column` becomes the column's value. Without it the first partition column is the time.",
)
.examples(&["$day $hour:00:00", "$year-$month-$day"]);
pub(super) const FORMATTER: OptionSpec = OptionSpec::new(
    "partition.time-extractor.timestamp-formatter",
    OptionType::Text,
    "How that text is read: a pattern of java.time.format.DateTimeFormatter, of a date or a timestamp. `yyyy-MM-dd HH:mm:ss` or `yyyy-MM-dd` if not set.",
)
.examples(&["yyyyMMdd", "yyyyMMdd HH"]);
pub(super) const ZONE: OptionSpec = OptionSpec::new(
    "sink.partition-commit.watermark-time-zone",
    OptionType::Text,
    "The zone of the partitions' times, with the trigger `partition-time`. UTC fits a watermark on a TIMESTAMP; for one on a TIMESTAMP_LTZ name the zone that the partition columns are in.",
)
.default("UTC")
.examples(&["Europe/Paris"]);

#[derive(Debug, Clone)]
pub(super) struct PartitionTime {
    keys: Vec<String>,
    pattern: Option<String>,
    formatter: TimePattern,
    zone: Zone,
}

impl PartitionTime {
    /// # Errors
    /// `Config` for a kind, pattern or zone that is none.
    pub(super) fn new(table: &TableSpec) -> Result<Self> {
        let o = Options::new(&table.options);
        let wrong = |spec: &OptionSpec, e: Error| {
            let told = Error::config(format!("option '{}': {}", spec.name, e.message)).code("E0502");
            match e.hint.clone() {
                Some(hint) => told.hint(hint),
                None => told,
            }
        };
        let kind = o.text(&KIND).unwrap_or_default();
        if kind != "default" {
            let e = match kind {
                "custom" => Error::config("'custom' needs a Java class, which cannot be loaded here"),
                other => Error::config(format!("'{other}' is no kind of time extractor")),
            };
            return Err(wrong(&KIND, e.hint("use 'default' with 'partition.time-extractor.timestamp-pattern'")));
        }
        let pattern = o.text(&PATTERN).map(str::to_string);
        if let Some(text) = &pattern {
            let is_key = |rest: &str| table.partition_keys.iter().any(|key| rest.starts_with(key.as_str()));
            let is_name = |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || c == '_');
            let others = || text.split('$').skip(1).filter(|rest| !is_key(rest));
            let unknown = others().find(|rest| is_name(rest)).map(|rest| {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                format!("\"${}\"", &rest[..end])
            });
            if let Some(what) = unknown.or_else(|| (!text.split('$').skip(1).any(is_key)).then(|| format!("\"{text}\""))) {
                let e = Error::config(format!("{what} names no partition column")).hint(format!("such as ${}", table.partition_keys.join(" or $")));
                return Err(wrong(&PATTERN, e));
            }
        }
        Ok(PartitionTime {
            keys: table.partition_keys.clone(),
            pattern,
            formatter: TimePattern::new(o.text(&FORMATTER)).map_err(|e| wrong(&FORMATTER, e))?,
            zone: Zone::parse(o.text(&ZONE).unwrap_or_default()).map_err(|e| wrong(&ZONE, e))?,
        })
    }
    /// When a partition begins, epoch ms.
    ///
    /// # Errors
    /// `Data` for a directory that tells no time.
    pub(super) fn of(&self, directory: &str) -> Result<i64> {
        let values = values_of_path(directory);
        let value = |key: &String| values.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value);
        let text = match &self.pattern {
            None => self.keys.first().map_or("", value).to_string(),
            Some(pattern) => {
                // `$day` is not `$d` with an `ay` behind it.
                let mut keys: Vec<&String> = self.keys.iter().collect();
                keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
                keys.into_iter().fold(pattern.clone(), |text, key| text.replace(&format!("${key}"), value(key)))
            }
        };
        let wall = self.formatter.read(&text).ok_or_else(|| {
            Error::data(format!("the partition {directory} has no time: \"{text}\" cannot be read"))
                .code("E0704")
                .hint(format!(
                    "set '{}' and '{}' so that they fit, or leave such rows out",
                    PATTERN.name, FORMATTER.name
                ))
        })?;
        Ok(self.zone.instant(wall))
    }
}
