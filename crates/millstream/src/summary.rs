//! What a job has done in the end, and what it has left out.

use crate::progress::{Figures, Way};
use crate::report::{event, say, speaks_json};
use crate::units::count;
use millstream_dataflow::{Written, WrittenPlace};
use millstream_runtime::metrics::NodeRole;
use millstream_runtime::{JobMetrics, Outcome};
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering::Relaxed;

pub(crate) fn summary(name: &str, metrics: &JobMetrics, outcome: Outcome, seconds: f64) {
    let rows_in = metrics.total(NodeRole::Source, |n| n.records_in.load(Relaxed));
    let way = metrics.done().map(|done| Way { done, left: None });
    let figures = Figures::of(metrics, rows_in as f64 / seconds.max(1e-3), way, metrics.checkpoints.last_at_ms.load(Relaxed));
    let tables = written(metrics);
    if speaks_json() {
        let message = match outcome {
            Outcome::Finished => "job finished",
            Outcome::Stopped => "job stopped",
        };
        let mut fields = figures.fields(name);
        fields.remove("checkpoint_age_ms");
        fields.insert("seconds".to_string(), json!(seconds));
        let table = |(name, w): &(String, Written)| match &w.place {
            WrittenPlace::Files { count, pattern } => json!({"table": name, "rows": w.rows, "files": count, "location": pattern}),
            WrittenPlace::Topics(topics) => json!({"table": name, "rows": w.rows, "topics": topics}),
        };
        fields.insert("tables".to_string(), tables.iter().map(table).collect());
        fields.append(&mut reason_fields(metrics));
        return event(message, fields);
    }
    say(figures.line());
    match outcome {
        Outcome::Finished => say(format_args!("job {name} has finished in {seconds:.1} s")),
        Outcome::Stopped => say(format_args!("job {name} is stopped after {seconds:.1} s; the same command goes on from here")),
    }
    for (name, Written { rows, place }) in &tables {
        let place = match place {
            WrittenPlace::Files { count, pattern } => format!("{} like {pattern}", count.map_or("files".to_string(), |n| counted(n, "file"))),
            WrittenPlace::Topics(topics) => format!("topic{} {}", if topics.len() == 1 { "" } else { "s" }, topics.join(", ")),
        };
        say(format_args!("  {name}: {} in {place}", counted(*rows, "row")));
    }
    left_out(metrics);
    let patterns = tables.iter().find_map(|(_, written)| match &written.place {
        WrittenPlace::Files { pattern, .. } => Some(pattern),
        WrittenPlace::Topics(_) => None,
    });
    if let Some(pattern) = patterns {
        let pattern = pattern.strip_prefix("file://").unwrap_or(pattern);
        let ours = "`millstream sql` with its CREATE TABLE and a SELECT";
        // What DuckDB knows by the ends of names.
        match [".parquet", ".json", ".csv"].iter().any(|end| pattern.ends_with(end)) {
            true => say(format_args!("look at it: duckdb -c \"SELECT * FROM '{pattern}' LIMIT 10\", or {ours}")),
            false => say(format_args!("look at it: {ours}")),
        }
    }
}

/// What has become of the rows of each table. One of dead letters may be written by several nodes.
fn written(metrics: &JobMetrics) -> Vec<(String, Written)> {
    let mut tables: Vec<(String, Written)> = Vec::new();
    for node in metrics.nodes() {
        let Some(written) = node.written() else { continue };
        let mut same_table = tables.iter_mut().filter(|(name, _)| *name == node.name);
        // None is left once it was added to one.
        let left = same_table.try_fold(written, |written, (_, all)| all.add(written).err());
        tables.extend(left.map(|written| (node.name.clone(), written)));
    }
    tables
}

/// Tells what is left out or routed, if there is anything.
pub(crate) fn left_out(metrics: &JobMetrics) {
    let told = reasons(metrics);
    if speaks_json() && !told.is_empty() {
        return event("rows left out", reason_fields(metrics));
    }
    told.iter().for_each(|line| say(format_args!("  {line}")));
}

/// Late and bad rows by reason, and what became of them, if there are any.
pub(crate) fn reasons(metrics: &JobMetrics) -> Vec<String> {
    let told = [("left out", false), ("routed", true)].map(|(what, routed)| {
        let reasons: Vec<String> = metrics.counts(routed).iter().map(|(reason, n)| format!("{} {reason}", count(*n))).collect();
        (!reasons.is_empty()).then(|| format!("{what}: {}", reasons.join(", ")))
    });
    let tombstones = tombstones(metrics);
    let without_value = (tombstones > 0).then(|| format!("{} without a value: no rows", counted(tombstones, "record")));
    told.into_iter().flatten().chain(without_value).collect()
}

/// The same as fields of a JSON log.
fn reason_fields(metrics: &JobMetrics) -> Map<String, Value> {
    Map::from_iter([
        ("left_out".to_string(), json!(metrics.counts(false))),
        ("routed".to_string(), json!(metrics.counts(true))),
        ("tombstones".to_string(), json!(tombstones(metrics))),
    ])
}

fn tombstones(metrics: &JobMetrics) -> u64 {
    metrics.total(NodeRole::Source, |n| n.tombstones.load(Relaxed))
}

pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}
