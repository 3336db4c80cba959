//! Counters and gauges of a running job, updated per batch, read by progress lines and `/metrics`.

use crate::constants::SAMPLES;
use crate::tap::Tap;
use millstream_dataflow::{Watermark, Written};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// What a node is, for those who show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRole {
    Source,
    Operator,
    Sink,
}

/// One node, over all its subtasks.
#[derive(Debug)]
pub struct NodeMetrics {
    /// Of the job, for logs.
    pub job: String,
    pub id: String,
    pub name: String,
    pub role: NodeRole,
    pub records_in: AtomicU64,
    pub records_out: AtomicU64,
    /// Records of a source without a value that are no rows.
    pub tombstones: AtomicU64,
    /// Records that left a source's decoder or an operator by another way than its output, by reason: `malformed`, `late` …
    counts: Mutex<BTreeMap<&'static str, u64>>,
    /// Whether those go into a table.
    pub routes: AtomicBool,
    /// Nanoseconds spent in the node's calls.
    pub busy_ns: AtomicU64,
    /// Nanoseconds the node's subtasks had no input.
    pub idle_ns: AtomicU64,
    /// Nanoseconds the node's subtasks could not go on because what comes after them took no more.
    pub backpressured_ns: AtomicU64,
    pub state_bytes: AtomicU64,
    /// Highest event time seen by a source, epoch ms.
    pub event_time: AtomicI64,
    watermarks: Vec<AtomicI64>,
    idle: Vec<AtomicBool>,
    paused: Vec<AtomicU64>,
    /// Whether whom the subtasks read from answers.
    connected: Vec<Arc<AtomicBool>>,
    /// Records behind the end, per split.
    pub lag: Mutex<BTreeMap<String, u64>>,
    /// What a sink's subtasks have written.
    pub(crate) written: Mutex<BTreeMap<u32, Written>>,
    /// Per subtask of a bounded source: how much was left when it was first seen, and how much is now.
    left: Mutex<BTreeMap<u32, Way>>,
    /// Its rows.
    pub tap: Tap,
}

/// A bounded way, in a unit of the source: records, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Way {
    /// How long it was at the start.
    pub whole: u64,
    pub left: u64,
}

impl Way {
    /// The part that is done, from 0 to 1.
    pub fn done(self) -> f64 {
        match self.whole {
            0 => 1.0,
            whole => 1.0 - self.left as f64 / whole as f64,
        }
    }
}

/// In place of a subtask: the sum of those before.
const KEPT: u32 = u32::MAX;

impl NodeMetrics {
    fn new(job: &str, id: &str, name: &str, role: NodeRole, parallelism: u32) -> Self {
        NodeMetrics {
            job: job.to_string(),
            id: id.to_string(),
            name: name.to_string(),
            role,
            records_in: AtomicU64::new(0),
            records_out: AtomicU64::new(0),
            tombstones: AtomicU64::new(0),
            counts: Mutex::default(),
            routes: AtomicBool::new(false),
            busy_ns: AtomicU64::new(0),
            idle_ns: AtomicU64::new(0),
            backpressured_ns: AtomicU64::new(0),
            state_bytes: AtomicU64::new(0),
            event_time: AtomicI64::new(Watermark::NONE),
            watermarks: (0..parallelism).map(|_| AtomicI64::new(Watermark::NONE)).collect(),
            idle: (0..parallelism).map(|_| AtomicBool::new(false)).collect(),
            paused: (0..parallelism).map(|_| AtomicU64::new(0)).collect(),
            connected: (0..parallelism).map(|_| Arc::new(AtomicBool::new(true))).collect(),
            lag: Mutex::default(),
            written: Mutex::default(),
            left: Mutex::default(),
            tap: Tap::default(),
        }
    }
    pub(crate) fn set_watermark(&self, subtask: u32, time: i64) {
        self.watermarks[subtask as usize].store(time, Relaxed);
        self.idle[subtask as usize].store(false, Relaxed);
    }
    pub(crate) fn set_idle(&self, subtask: u32) {
        self.idle[subtask as usize].store(true, Relaxed);
    }
    pub(crate) fn set_paused(&self, subtask: u32, splits: u64) {
        self.paused[subtask as usize].store(splits, Relaxed);
    }
    /// Splits of a source that wait for others of their group.
    pub fn paused_splits(&self) -> u64 {
        self.paused.iter().map(|p| p.load(Relaxed)).sum()
    }
    pub(crate) fn set_left(&self, subtask: u32, left: u64) {
        let mut ways = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let way = ways.entry(subtask).or_default();
        *way = Way {
            whole: way.whole.max(left),
            left,
        };
    }
    /// How far a bounded source has come since the job's start; `None` of others, and of those that do not know.
    pub fn way(&self) -> Option<Way> {
        let ways = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        ways.values().copied().reduce(|a, b| Way {
            whole: a.whole + b.whole,
            left: a.left + b.left,
        })
    }
    pub(crate) fn connected(&self, subtask: u32) -> Arc<AtomicBool> {
        Arc::clone(&self.connected[subtask as usize])
    }
    /// Whether all that a source's subtasks read from answers.
    pub fn is_connected(&self) -> bool {
        self.connected.iter().all(|c| c.load(Relaxed))
    }
    /// What a sink has written since the start, or the last restart after a failure.
    pub fn written(&self) -> Option<Written> {
        let parts = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        parts.values().cloned().reduce(|mut all, part| {
            // All writers of a sink write to one place.
            let _same = all.add(part);
            all
        })
    }
    /// The minimum over the subtasks that are not idle.
    pub fn watermark(&self) -> i64 {
        let active = self
            .watermarks
            .iter()
            .zip(&self.idle)
            .filter(|(_, idle)| !idle.load(Relaxed))
            .map(|(w, _)| w.load(Relaxed))
            .min();
        active
            .or_else(|| self.watermarks.iter().map(|w| w.load(Relaxed)).max())
            .unwrap_or(Watermark::NONE)
    }
    /// Adds to a reason's counter, and tells how many samples of it are still wanted.
    pub fn count(&self, reason: &'static str, records: u64) -> u64 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(reason).or_default();
        *count += records;
        SAMPLES.saturating_sub(*count - records).min(records)
    }
    /// The counters by reason.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Checkpoints of this run.
#[derive(Debug, Default)]
pub struct CheckpointMetrics {
    pub completed: AtomicU64,
    pub failed: AtomicU64,
    pub last_epoch: AtomicU64,
    pub last_duration_ms: AtomicU64,
    pub last_bytes: AtomicU64,
    /// How long a row of the last one waited at most from being read to being committed.
    pub last_latency_ms: AtomicU64,
    /// Wall time of the last completed one, epoch ms; 0 before the first.
    pub last_at_ms: AtomicI64,
}

/// A running job.
#[derive(Debug, Default)]
pub struct JobMetrics {
    pub checkpoints: CheckpointMetrics,
    pub restarts: AtomicU64,
    /// Whether rows are flowing: not while state is restored, nor between a failure and the restart.
    pub running: AtomicBool,
    nodes: Mutex<Vec<Arc<NodeMetrics>>>,
    failure: Mutex<Option<String>>,
}

impl JobMetrics {
    /// All nodes, in the order of the graph.
    pub fn nodes(&self) -> Vec<Arc<NodeMetrics>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Why the job was stopped, if it is about to be restarted or is trying to.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(crate) fn set_failure(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
    /// The metrics of a node, made at its first start; counters go on over restarts.
    pub(crate) fn node(&self, job: &str, id: &str, name: &str, role: NodeRole, parallelism: u32) -> Arc<NodeMetrics> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = nodes.iter().find(|n| n.id == id) {
            for i in 0..parallelism.min(node.watermarks.len() as u32) {
                node.set_watermark(i, Watermark::NONE);
                node.set_paused(i, 0);
                node.connected[i as usize].store(true, Relaxed);
            }
            return Arc::clone(node);
        }
        let node = Arc::new(NodeMetrics::new(job, id, name, role, parallelism));
        nodes.push(Arc::clone(&node));
        node
    }
    /// What the sinks have written is committed: it stays in the sum when new writers take over.
    pub(crate) fn keep_written(&self) {
        for node in self.nodes() {
            if let Some(sum) = node.written() {
                *node.written.lock().unwrap_or_else(PoisonError::into_inner) = BTreeMap::from([(KEPT, sum)]);
            }
        }
    }
    /// The names of the sources that nobody answers.
    pub fn cut_off(&self) -> Vec<String> {
        self.nodes().iter().filter(|n| !n.is_connected()).map(|n| n.name.clone()).collect()
    }
    /// The part of the input that is read, from 0 to 1: that of the source which has come least far. `None` if one has no end, or does not
    /// know where it is.
    pub fn done(&self) -> Option<f64> {
        let sources = self.nodes().into_iter().filter(|n| n.role == NodeRole::Source);
        let parts: Option<Vec<f64>> = sources.map(|n| n.way().map(Way::done)).collect();
        parts?.into_iter().reduce(f64::min)
    }
    /// Sum over the nodes of a role.
    pub fn total(&self, role: NodeRole, of: impl Fn(&NodeMetrics) -> u64) -> u64 {
        self.nodes().iter().filter(|n| n.role == role).map(|n| of(n)).sum()
    }
    /// Rows that came too late, left out or routed.
    pub fn late(&self) -> u64 {
        let counts = [false, true].map(|routed| self.counts(routed));
        let late = counts.iter().flatten().filter(|(reason, _)| reason.starts_with("late"));
        late.map(|(_, n)| n).sum()
    }
    /// All counters by reason, over all nodes: of what is left out, or of what goes into a table.
    pub fn counts(&self, routed: bool) -> BTreeMap<&'static str, u64> {
        let mut all = BTreeMap::new();
        for node in self.nodes().iter().filter(|n| n.routes.load(Relaxed) == routed) {
            for (reason, n) in node.counts() {
                *all.entry(reason).or_default() += n;
            }
        }
        all
    }
}
