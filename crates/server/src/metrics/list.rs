//! Every metric there is, with what it reads.

use millstream_dataflow::Watermark;
use millstream_runtime::JobMetrics;
use millstream_runtime::metrics::{NodeMetrics, NodeRole};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

/// Names and values of labels, without `job`.
pub(super) type Labels = Vec<(&'static str, String)>;

/// What a metric may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
}

/// What is read at one moment.
pub(super) struct Moment {
    pub(super) metrics: Arc<JobMetrics>,
    pub(super) nodes: Vec<Arc<NodeMetrics>>,
    pub(super) now_ms: i64,
}

/// A metric as the documentation and `/metrics` show it. A name in `_total` is a counter, any other a gauge; the unit is part of the name.
pub struct Metric {
    pub name: &'static str,
    pub doc: &'static str,
    /// Besides `job`.
    pub labels: &'static [&'static str],
    pub(super) values: fn(&Moment) -> Vec<(Labels, Number)>,
}

const NODE: &[&str] = &["operator", "operator_id"];

/// In the order of the documentation.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "millstream_source_records_total",
        doc: "Records read.",
        labels: NODE,
        values: |m| m.of(NodeRole::Source, |n| whole(&n.records_in)),
    },
    Metric {
        name: "millstream_source_connected",
        doc: "Whether whom the source reads from answers: 0 once Kafka's brokers have not for 10 s. The lag is what was known before.",
        labels: NODE,
        values: |m| m.of(NodeRole::Source, |n| Number::Whole(n.is_connected().into())),
    },
    Metric {
        name: "millstream_source_lag_records",
        doc: "Records between the reader's position and the end of a split: `topic/partition` of Kafka.",
        labels: &["operator", "operator_id", "split"],
        values: Moment::lags,
    },
    Metric {
        name: "millstream_source_splits_paused",
        doc: "Splits that are not read because they are ahead of their group: 'scan.watermark.alignment.group'.",
        labels: NODE,
        values: |m| m.of(NodeRole::Source, |n| Number::Whole(n.paused_splits())),
    },
    Metric {
        name: "millstream_source_event_time_lag_seconds",
        doc: "Wall time minus the newest event time read.",
        labels: NODE,
        values: |m| m.times(|n| n.role == NodeRole::Source, |n| n.event_time.load(Relaxed), |now, time| now - time),
    },
    Metric {
        name: "millstream_decode_errors_total",
        doc: "Records that are no rows, by reason and what was done with them: `drop` or `route`.",
        labels: &["operator", "operator_id", "reason", "action"],
        values: |m| m.left_out(false),
    },
    Metric {
        name: "millstream_source_tombstones_total",
        doc: "Records without a value that are no rows: Kafka's tombstones, in all formats but `raw`.",
        labels: NODE,
        values: |m| m.of(NodeRole::Source, |n| whole(&n.tombstones)),
    },
    Metric {
        name: "millstream_late_records_total",
        doc: "Rows that came too late for all their windows, by reason and what was done with them: `drop` or `route`.",
        labels: &["operator", "operator_id", "reason", "action"],
        values: |m| m.left_out(true),
    },
    Metric {
        name: "millstream_operator_records_in_total",
        doc: "Rows that went into operators and sinks.",
        labels: NODE,
        values: |m| m.select(|n| n.role != NodeRole::Source, |n| whole(&n.records_in)),
    },
    Metric {
        name: "millstream_operator_records_out_total",
        doc: "Rows that left sources, operators and sinks.",
        labels: NODE,
        values: |m| m.select(|_| true, |n| whole(&n.records_out)),
    },
    Metric {
        name: "millstream_operator_busy_seconds_total",
        doc: "Time in the operator's calls, over all its subtasks.",
        labels: NODE,
        values: |m| m.select(|_| true, |n| nanos(&n.busy_ns)),
    },
    Metric {
        name: "millstream_operator_idle_seconds_total",
        doc: "Time without input, over all its subtasks. Operators that run fused in one subtask wait together.",
        labels: NODE,
        values: |m| m.select(|_| true, |n| nanos(&n.idle_ns)),
    },
    Metric {
        name: "millstream_operator_backpressured_seconds_total",
        doc: "Time in which what comes after the operator took no more, over all its subtasks.",
        labels: NODE,
        values: |m| m.select(|_| true, |n| nanos(&n.backpressured_ns)),
    },
    Metric {
        name: "millstream_watermark_timestamp_seconds",
        doc: "The operator's watermark.",
        labels: NODE,
        values: |m| m.times(|_| true, |n| n.watermark(), |_, time| time),
    },
    Metric {
        name: "millstream_watermark_lag_seconds",
        doc: "Wall time minus the operator's watermark.",
        labels: NODE,
        values: |m| m.times(|_| true, |n| n.watermark(), |now, time| now - time),
    },
    Metric {
        name: "millstream_state_size_bytes",
        doc: "State held in memory at the last checkpoint.",
        labels: NODE,
        values: |m| m.of(NodeRole::Operator, |n| whole(&n.state_bytes)),
    },
    Metric {
        name: "millstream_sink_commits_total",
        doc: "Epochs committed to the sinks.",
        labels: &[],
        values: |m| one(whole(&m.metrics.checkpoints.completed)),
    },
    Metric {
        name: "millstream_end_to_end_latency_seconds",
        doc: "How long rows of the last checkpoint took at most from being read to being visible in the sinks.",
        labels: &[],
        values: |m| one(Number::Real(m.metrics.checkpoints.last_latency_ms.load(Relaxed) as f64 / 1000.0)),
    },
    Metric {
        name: "millstream_checkpoint_duration_seconds",
        doc: "How long the last checkpoint took.",
        labels: &[],
        values: |m| one(Number::Real(m.metrics.checkpoints.last_duration_ms.load(Relaxed) as f64 / 1000.0)),
    },
    Metric {
        name: "millstream_checkpoint_size_bytes",
        doc: "What the last checkpoint uploaded.",
        labels: &[],
        values: |m| one(whole(&m.metrics.checkpoints.last_bytes)),
    },
    Metric {
        name: "millstream_checkpoint_last_success_timestamp_seconds",
        doc: "When the last checkpoint completed; 0 before the first.",
        labels: &[],
        values: |m| one(seconds(m.metrics.checkpoints.last_at_ms.load(Relaxed))),
    },
    Metric {
        name: "millstream_checkpoint_failures_total",
        doc: "Checkpoints that failed.",
        labels: &[],
        values: |m| one(whole(&m.metrics.checkpoints.failed)),
    },
    Metric {
        name: "millstream_job_restarts_total",
        doc: "Restarts from a checkpoint.",
        labels: &[],
        values: |m| one(whole(&m.metrics.restarts)),
    },
];

fn whole(counter: &AtomicU64) -> Number {
    Number::Whole(counter.load(Relaxed))
}

fn nanos(counter: &AtomicU64) -> Number {
    Number::Real(counter.load(Relaxed) as f64 / 1e9)
}

fn seconds(ms: i64) -> Number {
    Number::Real(ms as f64 / 1000.0)
}

fn one(value: Number) -> Vec<(Labels, Number)> {
    vec![(Vec::new(), value)]
}

fn labels(n: &NodeMetrics) -> Labels {
    vec![("operator", n.name.clone()), ("operator_id", n.id.clone())]
}

impl Moment {
    fn select(&self, which: impl Fn(&NodeMetrics) -> bool, value: impl Fn(&NodeMetrics) -> Number) -> Vec<(Labels, Number)> {
        self.nodes.iter().filter(|n| which(n)).map(|n| (labels(n), value(n))).collect()
    }
    fn of(&self, role: NodeRole, value: impl Fn(&NodeMetrics) -> Number) -> Vec<(Labels, Number)> {
        self.select(|n| n.role == role, value)
    }
    /// Of the nodes whose time is known, made of the wall time and it; in ms.
    fn times(&self, which: impl Fn(&NodeMetrics) -> bool, time: impl Fn(&NodeMetrics) -> i64, made: impl Fn(i64, i64) -> i64) -> Vec<(Labels, Number)> {
        let known = |n: &NodeMetrics| which(n) && ![Watermark::NONE, Watermark::END].contains(&time(n));
        self.select(known, |n| seconds(made(self.now_ms, time(n))))
    }
    fn lags(&self) -> Vec<(Labels, Number)> {
        let mut all = Vec::new();
        for n in self.nodes.iter().filter(|n| n.role == NodeRole::Source) {
            for (split, lag) in n.lag.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let mut l = labels(n);
                l.push(("split", split.clone()));
                all.push((l, Number::Whole(*lag)));
            }
        }
        all
    }
    fn left_out(&self, late: bool) -> Vec<(Labels, Number)> {
        let mut all = Vec::new();
        for n in &self.nodes {
            for (reason, count) in n.counts().into_iter().filter(|(reason, _)| reason.starts_with("late") == late) {
                let mut l = labels(n);
                l.push(("reason", reason.to_string()));
                l.push(("action", if n.routes.load(Relaxed) { "route" } else { "drop" }.to_string()));
                all.push((l, Number::Whole(count)));
            }
        }
        all
    }
}
