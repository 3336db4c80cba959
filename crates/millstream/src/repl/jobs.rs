//! The jobs of a session, as commands list them.

use super::line::{Line, Mark};
use super::listing::Listing;
use crate::summary::reasons;
use crate::units::{count, size, span};
use millstream_dataflow::Watermark;
use millstream_formats::render::timestamp_ms;
use millstream_runtime::JobMetrics;
use millstream_runtime::metrics::{NodeMetrics, NodeRole};
use millstream_server::{JobInfo, JobStatus};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

pub(crate) fn status(status: &JobStatus) -> String {
    match status {
        JobStatus::Running => "running".to_string(),
        JobStatus::Stopping => "stopping".to_string(),
        JobStatus::Finished => "finished".to_string(),
        JobStatus::Stopped => "stopped".to_string(),
        JobStatus::Failed(e) => format!("failed: {e}"),
    }
}

/// `\jobs`
pub(crate) fn list(jobs: &[JobInfo], now_ms: i64) -> Listing {
    let mut listing = Listing::new(&["job", "status", ">read", ">written", "watermark", "checkpoint", ">late", ">restarts"]);
    for job in jobs {
        let m = &job.metrics;
        listing.row([
            job.name.clone(),
            status(&job.status),
            count(m.total(NodeRole::Source, |n| n.records_in.load(Relaxed))),
            count(m.total(NodeRole::Sink, |n| n.records_in.load(Relaxed))),
            watermark(sources(m).iter().map(|n| n.watermark()).min().unwrap_or(Watermark::NONE)),
            checkpoint(m, now_ms),
            count(m.late()),
            count(m.restarts.load(Relaxed)),
        ]);
    }
    listing
}

/// `\job NAME`
pub(crate) fn one(job: &JobInfo, now_ms: i64, width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut said = |what: &str, text: String| {
        let mut line = Line::of(format!("{what:<11}"), Mark::Dim);
        line.push(text, Mark::Plain);
        lines.push(line);
    };
    said("job", job.name.clone());
    said("status", status(&job.status));
    said("state", job.state.clone());
    if let Some(epoch) = job.resumed {
        said("went on", format!("from checkpoint {epoch}"));
    }
    said("checkpoint", checkpoint(&job.metrics, now_ms));
    for line in reasons(&job.metrics) {
        let (what, rows) = line.split_once(": ").unwrap_or(("", &line));
        said(what, rows.to_string());
    }
    let mut listing = Listing::new(&["operator", "role", ">in", ">out", ">busy", ">held back", ">state", "watermark"]);
    for node in job.metrics.nodes() {
        let (busy, idle, held) = (node.busy_ns.load(Relaxed), node.idle_ns.load(Relaxed), node.backpressured_ns.load(Relaxed));
        let part = |ns: u64| format!("{} %", ns.saturating_mul(100) / (busy + idle + held).max(1));
        listing.row([
            node.name.clone(),
            role(&node).to_string(),
            count(node.records_in.load(Relaxed)),
            count(node.records_out.load(Relaxed)),
            part(busy),
            part(held),
            size(node.state_bytes.load(Relaxed)),
            watermark(node.watermark()),
        ]);
    }
    lines.extend(listing.lines(width));
    lines
}

fn role(node: &NodeMetrics) -> &'static str {
    match node.role {
        NodeRole::Source => "source",
        NodeRole::Operator => "operator",
        NodeRole::Sink => "sink",
    }
}

/// What `\tap` can look at.
pub(crate) fn taps(jobs: &[JobInfo]) -> Listing {
    let mut listing = Listing::new(&["job", "operator", "name", "columns"]);
    for job in running(jobs) {
        for output in job.outputs.iter() {
            let columns: Vec<&str> = output.schema.fields.iter().map(|f| f.name.as_str()).collect();
            listing.row([job.name.clone(), output.id.clone(), output.name.clone(), columns.join(", ")]);
        }
    }
    listing
}

/// The ids of the operators that run.
pub(crate) fn operators(jobs: &[JobInfo]) -> Vec<String> {
    running(jobs).flat_map(|job| job.outputs.iter().map(|o| o.id.clone())).collect()
}

/// `\lag`
pub(crate) fn lag(jobs: &[JobInfo]) -> Listing {
    let mut listing = Listing::new(&["job", "source", "split", ">records behind"]);
    for job in running(jobs) {
        for node in sources(&job.metrics) {
            for (split, behind) in node.lag.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                listing.row([job.name.clone(), node.name.clone(), split.clone(), count(*behind)]);
            }
        }
    }
    listing
}

/// `\watermarks`
pub(crate) fn watermarks(jobs: &[JobInfo], now_ms: i64) -> Listing {
    let mut listing = Listing::new(&["job", "operator", "watermark", ">behind the clock"]);
    for job in running(jobs) {
        for node in job.metrics.nodes() {
            let time = node.watermark();
            let known = time != Watermark::NONE && time != Watermark::END && time <= now_ms;
            let behind = if known { span((now_ms - time) as u64) } else { String::new() };
            listing.row([job.name.clone(), node.name.clone(), watermark(time), behind]);
        }
    }
    listing
}

/// `\checkpoints`
pub(crate) fn checkpoints(jobs: &[JobInfo], now_ms: i64) -> Listing {
    let mut listing = Listing::new(&["job", ">completed", ">failed", ">last", "when", ">took", ">size", ">oldest row waited"]);
    for job in running(jobs) {
        let c = &job.metrics.checkpoints;
        let some = c.last_epoch.load(Relaxed) > 0;
        let of_last = |text: String| if some { text } else { String::new() };
        listing.row([
            job.name.clone(),
            count(c.completed.load(Relaxed)),
            count(c.failed.load(Relaxed)),
            of_last(c.last_epoch.load(Relaxed).to_string()),
            of_last(format!("{} ago", span((now_ms - c.last_at_ms.load(Relaxed)).max(0) as u64))),
            of_last(format!("{} ms", count(c.last_duration_ms.load(Relaxed)))),
            of_last(size(c.last_bytes.load(Relaxed))),
            of_last(format!("{} ms", count(c.last_latency_ms.load(Relaxed)))),
        ]);
    }
    listing
}

pub(crate) fn running(jobs: &[JobInfo]) -> impl Iterator<Item = &JobInfo> {
    jobs.iter().filter(|j| j.status.is_running())
}

fn sources(metrics: &JobMetrics) -> Vec<std::sync::Arc<NodeMetrics>> {
    metrics.nodes().into_iter().filter(|n| n.role == NodeRole::Source).collect()
}

fn watermark(time: i64) -> String {
    match time {
        Watermark::NONE => "-".to_string(),
        Watermark::END => "end".to_string(),
        time => timestamp_ms(time),
    }
}

fn checkpoint(metrics: &JobMetrics, now_ms: i64) -> String {
    let c = &metrics.checkpoints;
    match c.last_epoch.load(Relaxed) {
        0 => "none yet".to_string(),
        epoch => format!("{epoch}, {} ago", span((now_ms - c.last_at_ms.load(Relaxed)).max(0) as u64)),
    }
}
