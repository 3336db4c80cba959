//! `/metrics`: Prometheus text from the counters of the running job.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use millstream_dataflow::{Clock, Error, Result, Watermark};
use millstream_runtime::metrics::{NodeMetrics, NodeRole};
use millstream_runtime::{JobMetrics, SystemClock};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

/// The job whose numbers are shown now; a file with several queries runs them one after the other.
pub(crate) type Current = Arc<Mutex<Option<(String, Arc<JobMetrics>)>>>;

/// Serves `/metrics` until the process ends. Returns the bound address once connections are taken.
///
/// # Errors
/// `Config` if the address cannot be bound.
pub async fn serve(address: SocketAddr, current: Current) -> Result<SocketAddr> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Jobs {
        current,
        clock: SystemClock::default(),
    }));
    let registry = Arc::new(registry);
    let handler = move || {
        let registry = Arc::clone(&registry);
        async move {
            let mut text = String::new();
            // Writing to a String does not fail.
            let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
            ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        }
    };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|e| {
        Error::config(format!("the metrics address {address} cannot be listened on"))
            .code("E0507")
            .hint("choose another with --metrics")
            .source(e)
    })?;
    let bound = listener.local_addr().map_err(|e| Error::config("the metrics address is unknown").source(e))?;
    let app = Router::new().route("/metrics", get(handler));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(bound)
}

#[derive(Debug)]
struct Jobs {
    current: Current,
    clock: SystemClock,
}

type Labels = Vec<(&'static str, String)>;

impl Collector for Jobs {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> fmt::Result {
        let build = ConstGauge::new(1i64);
        let e = out.encode_descriptor(
            "millstream_build_info",
            "The running release",
            None,
            prometheus_client::metrics::MetricType::Gauge,
        )?;
        encode_one(e, &vec![("version", env!("CARGO_PKG_VERSION").to_string())], &build)?;
        let Some((job, metrics)) = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            return Ok(());
        };
        let mut w = Family { out: &mut out, job: &job };
        let nodes = metrics.nodes();
        let of = |role: NodeRole| nodes.iter().filter(move |n| n.role == role);
        let n = |a: &std::sync::atomic::AtomicU64| a.load(Relaxed);
        w.counter(
            "millstream_source_records",
            "Records read",
            of(NodeRole::Source).map(|m| (labels(m), n(&m.records_in))),
        )?;
        w.counter(
            "millstream_operator_records_in",
            "Rows that went into operators and sinks",
            nodes.iter().filter(|m| m.role != NodeRole::Source).map(|m| (labels(m), n(&m.records_in))),
        )?;
        w.counter(
            "millstream_operator_records_out",
            "Rows that left operators, sources and sinks",
            nodes.iter().map(|m| (labels(m), n(&m.records_out))),
        )?;
        w.seconds(
            "millstream_operator_busy",
            "Time spent in an operator's calls",
            nodes.iter().map(|m| (labels(m), n(&m.busy_ns) as f64 / 1e9)),
        )?;
        let counts: Vec<(&Arc<NodeMetrics>, &'static str, u64)> = nodes.iter().flat_map(|m| m.counts().into_iter().map(move |(r, n)| (m, r, n))).collect();
        let with = |m: &NodeMetrics, key: &'static str, value: &str| {
            let mut l = labels(m);
            l.push((key, value.to_string()));
            l
        };
        let late = counts.iter().filter(|c| c.1.starts_with("late"));
        w.counter(
            "millstream_late_records",
            "Rows that came too late for all their windows",
            late.map(|(m, r, n)| (with(m, "reason", r), *n)),
        )?;
        let bad = counts.iter().filter(|c| !c.1.starts_with("late"));
        w.counter(
            "millstream_decode_errors",
            "Records left out because they are no rows",
            bad.map(|(m, r, n)| (with(m, "reason", r), *n)),
        )?;
        let lags: Vec<(Labels, f64)> = of(NodeRole::Source)
            .map(|m| (labels(m), m.lag.lock().unwrap_or_else(PoisonError::into_inner).values().sum::<u64>() as f64))
            .collect();
        w.gauge("millstream_source_lag_records", "Records between the reader's position and the end", None, lags)?;
        let now = self.clock.now_ms();
        let seconds = |ms: i64| ms as f64 / 1000.0;
        let known = |ms: i64| ms != Watermark::NONE && ms != Watermark::END;
        let event_times = of(NodeRole::Source).filter(|m| known(m.event_time.load(Relaxed)));
        w.gauge(
            "millstream_source_event_time_lag",
            "Wall time minus the newest event time",
            Some(Unit::Seconds),
            event_times.map(|m| (labels(m), seconds(now - m.event_time.load(Relaxed)))),
        )?;
        let marked: Vec<&Arc<NodeMetrics>> = nodes.iter().filter(|m| known(m.watermark())).collect();
        w.gauge(
            "millstream_watermark_timestamp",
            "The node's watermark",
            Some(Unit::Seconds),
            marked.iter().map(|m| (labels(m), seconds(m.watermark()))),
        )?;
        w.gauge(
            "millstream_watermark_lag",
            "Wall time minus the node's watermark",
            Some(Unit::Seconds),
            marked.iter().map(|m| (labels(m), seconds(now - m.watermark()))),
        )?;
        w.gauge(
            "millstream_state_size",
            "State held in memory",
            Some(Unit::Bytes),
            of(NodeRole::Operator).map(|m| (labels(m), n(&m.state_bytes) as f64)),
        )?;
        let c = &metrics.checkpoints;
        w.counter("millstream_sink_commits", "Epochs committed to the sinks", [(Vec::new(), n(&c.completed))])?;
        w.counter("millstream_checkpoint_failures", "Checkpoints that failed", [(Vec::new(), n(&c.failed))])?;
        w.counter("millstream_job_restarts", "Restarts from a checkpoint", [(Vec::new(), n(&metrics.restarts))])?;
        w.gauge(
            "millstream_checkpoint_duration",
            "How long the last checkpoint took",
            Some(Unit::Seconds),
            [(Vec::new(), n(&c.last_duration_ms) as f64 / 1000.0)],
        )?;
        w.gauge(
            "millstream_checkpoint_size",
            "What the last checkpoint uploaded",
            Some(Unit::Bytes),
            [(Vec::new(), n(&c.last_bytes) as f64)],
        )?;
        w.gauge(
            "millstream_checkpoint_last_success_timestamp",
            "When the last checkpoint completed",
            Some(Unit::Seconds),
            [(Vec::new(), seconds(c.last_at_ms.load(Relaxed)))],
        )
    }
}

fn labels(m: &NodeMetrics) -> Labels {
    vec![("operator", m.name.clone()), ("operator_id", m.id.clone())]
}

fn encode_one(mut e: prometheus_client::encoding::MetricEncoder<'_>, labels: &Labels, metric: &impl EncodeMetric) -> fmt::Result {
    metric.encode(e.encode_family(labels)?)
}

/// Writes one metric with all its label sets.
struct Family<'a, 'b> {
    out: &'a mut DescriptorEncoder<'b>,
    job: &'a str,
}

impl Family<'_, '_> {
    fn counter(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, u64)>) -> fmt::Result {
        let mut e = self.out.encode_descriptor(name, help, None, prometheus_client::metrics::MetricType::Counter)?;
        for (mut labels, value) in values {
            labels.insert(0, ("job", self.job.to_string()));
            ConstCounter::new(value).encode(e.encode_family(&labels)?)?;
        }
        Ok(())
    }
    fn seconds(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) -> fmt::Result {
        let mut e = self
            .out
            .encode_descriptor(name, help, Some(&Unit::Seconds), prometheus_client::metrics::MetricType::Counter)?;
        for (mut labels, value) in values {
            labels.insert(0, ("job", self.job.to_string()));
            ConstCounter::new(value).encode(e.encode_family(&labels)?)?;
        }
        Ok(())
    }
    fn gauge(&mut self, name: &str, help: &str, unit: Option<Unit>, values: impl IntoIterator<Item = (Labels, f64)>) -> fmt::Result {
        let mut e = self
            .out
            .encode_descriptor(name, help, unit.as_ref(), prometheus_client::metrics::MetricType::Gauge)?;
        for (mut labels, value) in values {
            labels.insert(0, ("job", self.job.to_string()));
            ConstGauge::new(value).encode(e.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
