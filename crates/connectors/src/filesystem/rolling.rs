//! When a new file is begun within an epoch.

use millstream_dataflow::TableSpec;
use millstream_dataflow::option::{OptionSpec, OptionType, Options};
use std::time::Duration;

pub(super) const FILE_SIZE: OptionSpec = OptionSpec::new(
    "sink.rolling-policy.file-size",
    OptionType::Memory,
    "Size from which on a new file is begun. One is begun at each checkpoint, too, in every format: what a checkpoint holds is visible with it.",
)
.default("128 MB");
pub(super) const ROLLOVER: OptionSpec = OptionSpec::new(
    "sink.rolling-policy.rollover-interval",
    OptionType::Duration,
    "Age from which on a new file is begun. No file is older than the time between two checkpoints.",
)
.default("30 min");
pub(super) const INACTIVITY: OptionSpec = OptionSpec::new(
    "sink.rolling-policy.inactivity-interval",
    OptionType::Duration,
    "After how long without a row a new file is begun.",
)
.default("30 min");
pub(super) const CHECK: OptionSpec = OptionSpec::new(
    "sink.rolling-policy.check-interval",
    OptionType::Duration,
    "How often, while rows come, files are looked at for their age.",
)
.default("1 min");

#[derive(Debug, Clone)]
pub(super) struct Rolling {
    pub(super) file_bytes: u64,
    rollover: Duration,
    inactivity: Duration,
    check: Duration,
}

/// When a file was begun and had its last row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    pub(super) begun: Duration,
    pub(super) written: Duration,
}

impl Rolling {
    pub(super) fn new(table: &TableSpec) -> Self {
        let o = Options::new(&table.options);
        let duration = |spec: &OptionSpec| o.duration(spec).unwrap_or(Duration::MAX);
        Rolling {
            file_bytes: o.memory(&FILE_SIZE).unwrap_or(u64::MAX).max(1),
            rollover: duration(&ROLLOVER),
            inactivity: duration(&INACTIVITY),
            check: duration(&CHECK),
        }
    }
    /// Whether files are to be looked at.
    pub(super) fn is_due(&self, last: Duration, now: Duration) -> bool {
        now.saturating_sub(last) >= self.check
    }
    /// Whether a file is to be finished.
    pub(super) fn is_old(&self, age: Age, now: Duration) -> bool {
        now.saturating_sub(age.begun) >= self.rollover || now.saturating_sub(age.written) >= self.inactivity
    }
}
