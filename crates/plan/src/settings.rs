//! Settings of a job: Flink's keys, from `SET` or `--set key=value`.

use millstream_dataflow::option::{OptionSpec, OptionType, Options, check_all};
use millstream_dataflow::{Error, MAX_PARALLELISM_DEFAULT, Result};
use std::collections::BTreeMap;
use std::time::Duration;

const INTERVAL: OptionSpec = OptionSpec::new(
    "execution.checkpointing.interval",
    OptionType::Duration,
    "Time between two checkpoints; output becomes visible with them.",
)
.default("5 s")
.examples(&["1 s"]);
const DIR: OptionSpec = OptionSpec::new(
    "execution.checkpointing.dir",
    OptionType::Text,
    "Where checkpoints lie: a directory or a place in an object store (s3://, gs://, az://, abfss://). `./.millstream/<job>` if not set.",
)
.examples(&["s3://bucket/checkpoints"]);
const RETAINED: OptionSpec = OptionSpec::new(
    "execution.checkpointing.num-retained",
    OptionType::Integer,
    "How many completed checkpoints are kept.",
)
.default("1");
const TIMEOUT: OptionSpec = OptionSpec::new(
    "execution.checkpointing.timeout",
    OptionType::Duration,
    "A checkpoint that takes longer has failed.",
)
.default("10 min");
const TOLERABLE: OptionSpec = OptionSpec::new(
    "execution.checkpointing.tolerable-failed-checkpoints",
    OptionType::Integer,
    "How many checkpoints in a row may fail before the job restarts from the last good one.",
)
.default("3");
const PARALLELISM: OptionSpec = OptionSpec::new(
    "parallelism.default",
    OptionType::Integer,
    "Subtasks per operator. The number of cores if not set.",
)
.examples(&["4"]);
const MAX_PARALLELISM: OptionSpec = OptionSpec::new(
    "pipeline.max-parallelism",
    OptionType::Integer,
    "Number of key groups: fixed for the life of a job, the upper bound of its parallelism.",
)
.default("128");
const NAME: OptionSpec = OptionSpec::new(
    "pipeline.name",
    OptionType::Text,
    "Name of the job; the file's name if not set. State is found by it.",
);
const ZONE: OptionSpec = OptionSpec::new(
    "table.local-time-zone",
    OptionType::Text,
    "By whose clocks a TIMESTAMP_LTZ is cast, rounded and cut into windows: Europe/Paris, UTC, GMT+08:00. Shown are points in time in UTC, with a Z.",
)
.default("UTC")
.examples(&["Europe/Paris"]);
const IDLE: OptionSpec = OptionSpec::new(
    "table.exec.source.idle-timeout",
    OptionType::Duration,
    "After how long without data a split, whose end was seen, stops holding the watermark back. 0 switches it off. A table's own 'scan.watermark.idle-timeout' goes first.",
)
.default("30 s");
const RUNTIME_MODE: OptionSpec = OptionSpec::new(
    "execution.runtime-mode",
    OptionType::OneOf(&["streaming", "batch", "automatic"]),
    "Accepted for compatibility. INSERTs run as a stream; a SELECT by itself over tables that end gives its result once, as in Flink's batch mode.",
)
.default("streaming");
const RESTART_ATTEMPTS: OptionSpec = OptionSpec::new(
    "restart-strategy.exponential-delay.attempts-before-reset-backoff",
    OptionType::Integer,
    "How often in a row a job restarts after transient errors before it fails for good.",
)
.default("10");
const RESTART_INITIAL: OptionSpec = OptionSpec::new(
    "restart-strategy.exponential-delay.initial-backoff",
    OptionType::Duration,
    "Wait before the first restart; it doubles each time.",
)
.default("1 s");
const RESTART_MAX: OptionSpec = OptionSpec::new(
    "restart-strategy.exponential-delay.max-backoff",
    OptionType::Duration,
    "Longest wait before a restart.",
)
.default("1 min");

const DML_SYNC: OptionSpec = OptionSpec::new(
    "table.dml-sync",
    OptionType::Boolean,
    "In a session whether what comes after an INSERT waits for its end; a bounded one has written all its rows then. A file always waits.",
)
.default("false");

/// Every setting there is.
pub const SETTINGS: &[OptionSpec] = &[
    DIR,
    INTERVAL,
    RETAINED,
    TIMEOUT,
    TOLERABLE,
    RUNTIME_MODE,
    PARALLELISM,
    MAX_PARALLELISM,
    NAME,
    RESTART_ATTEMPTS,
    RESTART_INITIAL,
    RESTART_MAX,
    DML_SYNC,
    IDLE,
    ZONE,
];

/// The settings of a job, checked and typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `execution.checkpointing.interval`
    pub checkpoint_interval: Duration,
    /// `execution.checkpointing.dir`
    pub checkpoint_dir: Option<String>,
    /// `execution.checkpointing.num-retained`, at least 1
    pub checkpoints_retained: usize,
    /// `execution.checkpointing.timeout`
    pub checkpoint_timeout: Duration,
    /// `execution.checkpointing.tolerable-failed-checkpoints`
    pub tolerable_failed_checkpoints: u32,
    /// `parallelism.default`
    pub parallelism: Option<u32>,
    /// `pipeline.max-parallelism`
    pub max_parallelism: u32,
    /// `pipeline.name`
    pub name: Option<String>,
    /// `table.dml-sync`
    pub dml_sync: bool,
    /// `table.local-time-zone`
    pub local_time_zone: String,
    /// `table.exec.source.idle-timeout`; `None` is off
    pub idle_timeout: Option<Duration>,
    /// `restart-strategy.exponential-delay.attempts-before-reset-backoff`
    pub restart_attempts: u32,
    /// `restart-strategy.exponential-delay.initial-backoff`
    pub restart_backoff: Duration,
    /// `restart-strategy.exponential-delay.max-backoff`
    pub restart_backoff_max: Duration,
}

impl Settings {
    /// Checks one `SET`.
    ///
    /// # Errors
    /// `Config`, naming the key (with the nearest one) or the value.
    pub fn check(key: &str, value: &str) -> Result<()> {
        let specs: Vec<&OptionSpec> = SETTINGS.iter().collect();
        let one = BTreeMap::from([(key.to_string(), value.to_string())]);
        match check_all(&one, &specs, "the job").into_iter().next() {
            Some(e) => Err(e),
            None => Self::new(&one).map(|_| ()),
        }
    }
    /// Checks the key of a `RESET`.
    ///
    /// # Errors
    /// `Config`, naming the key (with the nearest one).
    pub fn check_key(key: &str) -> Result<()> {
        let specs: Vec<&OptionSpec> = SETTINGS.iter().collect();
        let one = BTreeMap::from([(key.to_string(), String::new())]);
        let known = SETTINGS.iter().any(|s| s.matches(key));
        check_all(&one, &specs, "the job").into_iter().find(|_| !known).map_or(Ok(()), Err)
    }
    /// Typed settings from all that was SET.
    ///
    /// # Errors
    /// `Config` for the first value that is out of range.
    pub fn new(set: &BTreeMap<String, String>) -> Result<Settings> {
        let o = Options::new(set);
        let positive = |spec: &OptionSpec, max: u32| -> Result<Option<u32>> {
            match o.parsed::<u32>(spec)? {
                Some(v) if v == 0 || v > max => Err(Error::config(format!("option '{}' has the value '{v}', expected 1 to {max}", spec.name)).code("E0502")),
                v => Ok(v),
            }
        };
        let max_parallelism = positive(&MAX_PARALLELISM, 32_768)?.unwrap_or(MAX_PARALLELISM_DEFAULT);
        let interval = o.duration(&INTERVAL).unwrap_or_default();
        if interval < Duration::from_millis(10) {
            return Err(Error::config(format!("option '{}' must be at least 10 ms", INTERVAL.name)).code("E0502"));
        }
        Ok(Settings {
            checkpoint_interval: interval,
            checkpoint_dir: o.text(&DIR).map(str::to_string),
            checkpoints_retained: positive(&RETAINED, 1000)?.unwrap_or(1) as usize,
            checkpoint_timeout: o.duration(&TIMEOUT).unwrap_or_default(),
            tolerable_failed_checkpoints: o.parsed(&TOLERABLE)?.unwrap_or(0),
            parallelism: positive(&PARALLELISM, max_parallelism)?,
            max_parallelism,
            name: o.text(&NAME).map(str::to_string),
            dml_sync: o.boolean(&DML_SYNC),
            local_time_zone: o.text(&ZONE).unwrap_or("UTC").to_string(),
            idle_timeout: o.duration(&IDLE).filter(|d| !d.is_zero()),
            restart_attempts: o.parsed(&RESTART_ATTEMPTS)?.unwrap_or(0),
            restart_backoff: o.duration(&RESTART_INITIAL).unwrap_or_default(),
            restart_backoff_max: o.duration(&RESTART_MAX).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests;
