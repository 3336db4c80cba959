//! A Grafana dashboard and Prometheus alerts over the metrics that there are: a name that is not served is an error here, not an empty panel.

use anyhow::{Result, ensure};
use millstream_server::{METRICS, Metric};
use serde_json::{Value, json};
use std::fmt::Write;

/// Width and height of a panel, of 24 columns.
const WIDTH: usize = 8;
const HEIGHT: usize = 8;

/// Operators of one name are told apart by their ids.
fn labels(m: &Metric) -> impl Iterator<Item = &'static str> {
    ["job", "instance"].into_iter().chain(m.labels.iter().copied().filter(|l| *l != "operator"))
}

/// What a panel shows of a metric: counters as rates, times as ages.
fn expression(m: &Metric) -> String {
    let by = labels(m).collect::<Vec<_>>().join(", ");
    let series = format!("{}{{job=~\"$job\"}}", m.name);
    if m.name.ends_with("_total") {
        format!("sum by ({by}) (rate({series}[$__rate_interval]))")
    } else if m.name.ends_with("_timestamp_seconds") {
        format!("time() - max by ({by}) ({series})")
    } else {
        format!("max by ({by}) ({series})")
    }
}

fn unit(m: &Metric) -> &'static str {
    match m.name {
        n if n.ends_with("_seconds_total") => "percentunit",
        n if n.ends_with("_total") => "cps",
        n if n.ends_with("_seconds") => "s",
        n if n.ends_with("_bytes") => "bytes",
        _ => "short",
    }
}

/// `millstream_source_lag_records` as `Source lag records`.
fn title(m: &Metric) -> String {
    let words = m.name.trim_start_matches("millstream_").trim_end_matches("_total").replace('_', " ");
    let mut chars = words.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn panel(number: usize, m: &Metric) -> Value {
    let legend: Vec<String> = labels(m).map(|l| format!("{{{{{l}}}}}")).collect();
    json!({
        "id": number + 1,
        "type": "timeseries",
        "title": title(m),
        "description": m.doc,
        "datasource": { "type": "prometheus", "uid": "${datasource}" },
        "gridPos": { "x": number % 3 * WIDTH, "y": number / 3 * HEIGHT, "w": WIDTH, "h": HEIGHT },
        "fieldConfig": { "defaults": { "unit": unit(m) }, "overrides": [] },
        "targets": [{ "refId": "A", "expr": expression(m), "legendFormat": legend.join(" ") }],
    })
}

/// `docs/grafana-dashboard.json`
pub(crate) fn dashboard() -> Result<String> {
    let variable = |name: &str, more: Value| {
        let mut variable = json!({ "name": name, "label": name });
        if let (Some(all), Value::Object(more)) = (variable.as_object_mut(), more) {
            all.extend(more);
        }
        variable
    };
    let panels: Vec<Value> = METRICS.iter().enumerate().map(|(i, m)| panel(i, m)).collect();
    let dashboard = json!({
        "uid": "millstream-jobs",
        "title": "Millstream jobs",
        "tags": ["millstream"],
        "schemaVersion": 39,
        "refresh": "10s",
        "time": { "from": "now-1h", "to": "now" },
        "templating": { "list": [
            variable("datasource", json!({ "type": "datasource", "query": "prometheus" })),
            variable("job", json!({
                "type": "query",
                "datasource": { "type": "prometheus", "uid": "${datasource}" },
                "query": "label_values(millstream_checkpoint_last_success_timestamp_seconds, job)",
                "refresh": 2, "multi": true, "includeAll": true,
            })),
        ] },
        "panels": panels,
    });
    let text = serde_json::to_string_pretty(&dashboard)? + "\n";
    names_are_served(&text)?;
    Ok(text)
}

/// Name, expression, for how long, severity, what it says, what to do.
type Alert = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const ALERTS: [Alert; 8] = [
    (
        "MillstreamDown",
        "millstream_build_info offset 10m unless on (instance) millstream_build_info",
        "2m",
        "critical",
        "Millstream at {{ $labels.instance }} is gone",
        "The same command goes on from its last checkpoint.",
    ),
    (
        "MillstreamSourceCutOff",
        "millstream_source_connected == 0",
        "2m",
        "critical",
        "nobody answers source {{ $labels.operator_id }} of job {{ $labels.job }}",
        "Are its brokers up and reachable? The job goes on by itself once they answer.",
    ),
    (
        "MillstreamLagGrows",
        "sum by (job, instance) (millstream_source_lag_records) > 10000 and sum by (job, instance) (delta(millstream_source_lag_records[15m])) > 0",
        "15m",
        "warning",
        "job {{ $labels.job }} falls behind its sources",
        "Look at the busy and backpressured time of its operators; raise its parallelism.",
    ),
    (
        "MillstreamWatermarkStalled",
        // There is no series of a watermark that never was.
        "changes(millstream_watermark_timestamp_seconds[10m]) == 0 and on (job, instance) sum by (job, instance) (rate(millstream_source_records_total[10m])) > 0 or millstream_source_event_time_lag_seconds unless on (job, instance, operator_id) millstream_watermark_timestamp_seconds",
        "10m",
        "warning",
        "rows come into job {{ $labels.job }}, but the watermark of {{ $labels.operator_id }} stands",
        "A partition without rows holds it back (scan.watermark.idle-timeout), or a row far in the future has moved it (scan.watermark.max-future-skew).",
    ),
    (
        "MillstreamCheckpointsFail",
        "sum by (job, instance) (increase(millstream_checkpoint_failures_total[10m])) > 0",
        "10m",
        "critical",
        "checkpoints of job {{ $labels.job }} fail",
        "The log says why. Until one completes nothing new is shown, and a restart goes back to the last one.",
    ),
    (
        "MillstreamNoCheckpoint",
        "time() - max by (job, instance) (millstream_checkpoint_last_success_timestamp_seconds) > 300",
        "10m",
        "critical",
        "job {{ $labels.job }} completes no checkpoints",
        "A sink or the checkpoint store does not answer: the log says which.",
    ),
    (
        "MillstreamBadRecordsRise",
        // A series begins with its first record: rate() does not see what that one counts.
        "sum by (job, instance, reason) (rate(millstream_decode_errors_total[5m])) > 2 * (sum by (job, instance, reason) (rate(millstream_decode_errors_total[1h] offset 5m)) or 0 * sum by (job, instance, reason) (rate(millstream_decode_errors_total[5m]))) or sum by (job, instance, reason) (millstream_decode_errors_total) unless sum by (job, instance, reason) (millstream_decode_errors_total offset 10m)",
        "2m",
        "warning",
        "job {{ $labels.job }} leaves out more records than before: {{ $labels.reason }}",
        "The log has samples with their places.",
    ),
    (
        "MillstreamRestarts",
        "sum by (job, instance) (increase(millstream_job_restarts_total[15m])) > 3",
        "0m",
        "critical",
        "job {{ $labels.job }} keeps restarting",
        "The log says why.",
    ),
];

/// `docs/prometheus-alerts.yaml`
pub(crate) fn alerts() -> Result<String> {
    let mut out = "# Made of the list of metrics: UPDATE=1 cargo test -p tests reference\ngroups:\n  - name: millstream\n    rules:\n".to_string();
    // A JSON text is a YAML scalar.
    let quoted = |text: &str| Value::from(text).to_string();
    for (name, expr, duration, severity, summary, description) in ALERTS {
        let _ = write!(
            out,
            "      - alert: {name}\n        expr: {}\n        for: {duration}\n        labels:\n          severity: {severity}\n        annotations:\n          summary: {}\n          description: {}\n",
            quoted(expr),
            quoted(summary),
            quoted(description)
        );
    }
    names_are_served(&out)?;
    Ok(out)
}

/// Every metric that a text names is served.
fn names_are_served(text: &str) -> Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find("millstream_") {
        rest = &rest[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..end];
        ensure!(name == "millstream_build_info" || METRICS.iter().any(|m| m.name == name), "{name} is no metric");
        rest = &rest[end..];
    }
    Ok(())
}
