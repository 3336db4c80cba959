//! Whether a checkpoint of one plan can continue under another.

use crate::job::HIDDEN;
use crate::{Job, Node, NodeSpec, RecordPolicy};
use millstream_dataflow::Exchange;
use std::collections::{BTreeMap, BTreeSet};

/// The operators in which two plans differ, one sentence each; empty if state can continue.
///
/// Options that say how to reach the data (`properties.*`, `s3.*`), where to start when there is no checkpoint (`scan.startup.*`), how long to
/// wait for an idle split and for splits that are behind, how often to look for new ones, what to do with a bad record, how fast Nexmark's events come, and where and which HTTP
/// requests are taken may change: the state stays what it was.
pub fn differences(old: &Job, new: &Job) -> Vec<String> {
    let by_id = |job: &Job| {
        job.nodes
            .iter()
            .map(|n| (n.id.clone(), (comparable(n), inputs(job, n))))
            .collect::<BTreeMap<_, _>>()
    };
    let (mut old, mut new) = (by_id(old), by_id(new));
    for (id, node) in &mut old {
        if let Some(other) = new.get_mut(id) {
            forget_secrets(&mut node.0, &mut other.0);
        }
    }
    let mut differences = Vec::new();
    for (id, node) in &old {
        match new.get(id) {
            None => differences.push(format!("operator \"{id}\" is gone")),
            Some(other) if other.0 != node.0 => differences.push(format!("operator \"{id}\" has changed{}", options(&node.0, &other.0))),
            Some(other) if other.1 != node.1 => differences.push(format!("operator \"{id}\" reads another input")),
            Some(_) => {}
        }
    }
    differences.extend(new.keys().filter(|id| !old.contains_key(*id)).map(|id| format!("operator \"{id}\" is new")));
    differences
}

/// The text of a plan has no secrets ([`HIDDEN`]), so nobody knows whether they have changed; what is one is another release's to say, too.
fn forget_secrets(old: &mut NodeSpec, new: &mut NodeSpec) {
    let (Some(old), Some(new)) = (options_of(old), options_of(new)) else { return };
    let hidden: Vec<String> = old.iter().filter(|(_, v)| *v == HIDDEN).map(|(k, _)| k.clone()).collect();
    for key in hidden {
        if new.contains_key(&key) {
            old.remove(&key);
            new.remove(&key);
        }
    }
}

fn options_of(spec: &mut NodeSpec) -> Option<&mut BTreeMap<String, String>> {
    match spec {
        NodeSpec::Source(s) => Some(&mut s.table.options),
        NodeSpec::Sink(t) => Some(&mut t.options),
        _ => None,
    }
}

/// Which options of a table differ.
fn options(old: &NodeSpec, new: &NodeSpec) -> String {
    let table = |spec: &NodeSpec| match spec {
        NodeSpec::Source(s) => s.table.options.clone(),
        NodeSpec::Sink(t) => t.options.clone(),
        _ => BTreeMap::new(),
    };
    let (old, new) = (table(old), table(new));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).filter(|k| old.get(*k) != new.get(*k)).collect();
    match keys.is_empty() {
        true => String::new(),
        false => format!(": {}", keys.iter().map(|k| format!("'{k}'")).collect::<Vec<_>>().join(", ")),
    }
}

/// How rows find the subtasks of what keeps no state by key may change: of sinks, and behind sources.
fn inputs(job: &Job, node: &Node) -> Vec<(String, usize, Exchange)> {
    let exchange = |exchange: &Exchange| match exchange {
        _ if matches!(node.spec, NodeSpec::Sink(_)) => Exchange::Forward,
        Exchange::Rebalance => Exchange::Forward,
        other => other.clone(),
    };
    node.inputs
        .iter()
        .map(|i| (job.nodes[i.node].id.clone(), i.port, exchange(&i.exchange)))
        .collect()
}

fn comparable(node: &Node) -> NodeSpec {
    let mut spec = node.spec.clone();
    let table = match &mut spec {
        NodeSpec::Source(s) => {
            s.idle_timeout_ms = None;
            if let Some(rowtime) = &mut s.rowtime {
                rowtime.max_future_skew = None;
                rowtime.alignment = None;
            }
            s.on_error = RecordPolicy::Fail;
            s.route_late = false;
            s.skips = false;
            s.tests.clear();
            Some(&mut s.table)
        }
        NodeSpec::Sink(t) => Some(t),
        _ => None,
    };
    if let Some(table) = table {
        // Where the rate decides over a row's time ('datagen'), it may not change.
        let is = |name: &str| table.options.get("connector").is_some_and(|c| c == name);
        let (nexmark, http) = (is("nexmark"), is("http"));
        let free = |key: &str| {
            [
                "azure.",
                "gs.",
                "partition.time-extractor.",
                "properties.",
                "s3.",
                "scan.startup.",
                "scan.watermark.alignment.",
                "sink.partition-commit.",
                "sink.rolling-policy.",
            ]
            .iter()
            .any(|p| key.starts_with(p))
                || key.ends_with(".ignore-parse-errors")
                || matches!(
                    key,
                    "auto-compaction"
                        | "compaction.file-size"
                        | "on-error"
                        | "on-error.table"
                        | "on-late"
                        | "on-late.table"
                        | "scan.parallelism"
                        | "scan.watermark.idle-timeout"
                        | "scan.watermark.max-future-skew"
                        | "scan.topic-partition-discovery.interval"
                        | "source.monitor-interval"
                        | "sink.parallelism"
                        | "sink.partitioner"
                )
                || nexmark && key == "rows-per-second"
                || http && (matches!(key, "listen" | "path" | "token") || ["max-", "idempotency."].iter().any(|p| key.starts_with(p)))
        };
        table.options.retain(|k, _| !free(k));
    }
    spec
}
