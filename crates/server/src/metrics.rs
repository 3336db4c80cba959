//! `/metrics`: Prometheus text from the counters of the running job; `/healthz` and `/readyz` for whoever starts and stops processes.

mod list;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use list::{Moment, Number};
use millstream_dataflow::{Clock, Error, Result};
use millstream_runtime::{JobMetrics, SystemClock};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

pub use list::{METRICS, Metric};

/// The jobs whose numbers are shown, by name, the last one started last; each query takes the place of the one before it.
pub type Watched = Arc<Mutex<Vec<(String, Arc<JobMetrics>)>>>;

/// Serves `/metrics`, `/healthz` and `/readyz` until the process ends. Returns the bound address once connections are taken.
///
/// # Errors
/// `Config` if the address cannot be bound.
pub async fn serve(address: SocketAddr, watched: Watched) -> Result<SocketAddr> {
    let mut registry = Registry::default();
    let seen = Arc::clone(&watched);
    let ready = move || std::future::ready(readiness(&seen));
    registry.register_collector(Box::new(Jobs {
        watched,
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
    let app = Router::new()
        .route("/metrics", get(handler))
        // It answers: that is all there is to say. A job that hangs is found by its metrics.
        .route("/healthz", get(|| std::future::ready("ok\n")))
        .route("/readyz", get(ready));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(bound)
}

/// Whether rows of a job are flowing, with the reason if not.
fn readiness(watched: &Watched) -> (StatusCode, String) {
    let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
    let running = || watched.iter().filter(|(_, metrics)| metrics.running.load(Relaxed));
    let cut_off = running().find_map(|(job, metrics)| {
        let cut_off = metrics.cut_off();
        (!cut_off.is_empty()).then(|| format!("job {job} is running, but nobody answers: {}\n", cut_off.join(", ")))
    });
    if let Some(why) = cut_off {
        return (StatusCode::SERVICE_UNAVAILABLE, why);
    }
    if let Some((job, _)) = running().next() {
        return (StatusCode::OK, format!("job {job} is running\n"));
    }
    let Some((job, metrics)) = watched.last() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "no job has started yet\n".to_string());
    };
    let why = match metrics.failure() {
        Some(failure) => format!("job {job} is restarted, for the {}. time: {failure}\n", metrics.restarts.load(Relaxed)),
        None => format!("job {job} is starting, or has ended\n"),
    };
    (StatusCode::SERVICE_UNAVAILABLE, why)
}

#[derive(Debug)]
struct Jobs {
    watched: Watched,
    clock: SystemClock,
}

impl Collector for Jobs {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> fmt::Result {
        let e = out.encode_descriptor("millstream_build_info", "The running release", None, MetricType::Gauge)?;
        one(e, &[("version", env!("CARGO_PKG_VERSION").to_string())], &ConstGauge::new(1i64))?;
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if watched.is_empty() {
            return Ok(());
        }
        let moment = |(job, metrics): (String, Arc<JobMetrics>)| {
            let (nodes, now_ms) = (metrics.nodes(), self.clock.now_ms());
            (job, Moment { nodes, metrics, now_ms })
        };
        let moments: Vec<(String, Moment)> = watched.into_iter().map(moment).collect();
        METRICS.iter().try_for_each(|m| family(&mut out, m, &moments))
    }
}

/// Writes one metric with all its label sets.
fn family(out: &mut DescriptorEncoder<'_>, metric: &Metric, moments: &[(String, Moment)]) -> fmt::Result {
    let (name, is_counter) = metric.name.strip_suffix("_total").map_or((metric.name, false), |name| (name, true));
    let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
    let unit = units.into_iter().find_map(|(suffix, unit)| name.strip_suffix(suffix).map(|name| (name, unit)));
    let (name, unit) = unit.map_or((name, None), |(name, unit)| (name, Some(unit)));
    let kind = if is_counter { MetricType::Counter } else { MetricType::Gauge };
    // A full stop comes after every help text.
    let mut e = out.encode_descriptor(name, metric.doc.trim_end_matches('.'), unit.as_ref(), kind)?;
    let values = moments
        .iter()
        .flat_map(|(job, moment)| (metric.values)(moment).into_iter().map(move |v| (job, v)));
    for (job, (mut labels, value)) in values {
        debug_assert!(labels.iter().map(|l| l.0).eq(metric.labels.iter().copied()), "{}", metric.name);
        labels.insert(0, ("job", job.clone()));
        match (is_counter, value) {
            (true, Number::Whole(v)) => ConstCounter::new(v).encode(e.encode_family(&labels)?)?,
            (true, Number::Real(v)) => ConstCounter::new(v).encode(e.encode_family(&labels)?)?,
            (false, Number::Whole(v)) => ConstGauge::new(v as f64).encode(e.encode_family(&labels)?)?,
            (false, Number::Real(v)) => ConstGauge::new(v).encode(e.encode_family(&labels)?)?,
        }
    }
    Ok(())
}

fn one(mut e: MetricEncoder<'_>, labels: &[(&'static str, String)], metric: &impl EncodeMetric) -> fmt::Result {
    metric.encode(e.encode_family(&labels.to_vec())?)
}
