//! What a job has done so far: as a line for people, and as the fields of a JSON log.

use super::way::Way;
use crate::units::count;
use millstream_dataflow::Watermark;
use millstream_formats::render::timestamp_ms;
use millstream_runtime::JobMetrics;
use millstream_runtime::metrics::NodeRole;
use serde_json::{Map, Value, json};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

/// Read once, so that its parts go together.
pub(crate) struct Figures {
    rows_in: u64,
    rows_out: u64,
    /// Rows read per second.
    rate: u64,
    watermark: i64,
    way: Option<Way>,
    lag: u64,
    /// Tables that do not answer: their lag is not known.
    cut_off: Vec<String>,
    /// Between a failure and rows that flow again nobody looks for the lag.
    is_restarted: bool,
    /// The last one, and how many ms ago it was completed.
    checkpoint: Option<(u64, i64)>,
    late: u64,
    bad: u64,
    restarts: u64,
}

impl Figures {
    /// - `rate`: rows read per second
    /// - `way`: how far bounded input is read
    pub(crate) fn of(metrics: &JobMetrics, rate: f64, way: Option<Way>, now_ms: i64) -> Figures {
        let watermarks = metrics.nodes().into_iter().filter(|n| n.role == NodeRole::Source).map(|n| n.watermark());
        let epoch = metrics.checkpoints.last_epoch.load(Relaxed);
        let ago_ms = (now_ms - metrics.checkpoints.last_at_ms.load(Relaxed)).max(0);
        let counted: u64 = [false, true].into_iter().flat_map(|routed| metrics.counts(routed)).map(|(_, n)| n).sum();
        let late = metrics.late();
        Figures {
            rows_in: metrics.total(NodeRole::Source, |n| n.records_in.load(Relaxed)),
            rows_out: metrics.total(NodeRole::Sink, |n| n.records_in.load(Relaxed)),
            rate: rate as u64,
            way,
            watermark: watermarks.min().unwrap_or(Watermark::NONE),
            lag: metrics.total(NodeRole::Source, |n| n.lag.lock().unwrap_or_else(PoisonError::into_inner).values().sum()),
            cut_off: metrics.cut_off(),
            is_restarted: metrics.failure().is_some() && !metrics.running.load(Relaxed),
            checkpoint: (epoch > 0).then_some((epoch, ago_ms)),
            late,
            bad: counted.saturating_sub(late),
            restarts: metrics.restarts.load(Relaxed),
        }
    }

    /// `in 1 234 (56/s)  out 7  watermark …`
    pub(crate) fn line(&self) -> String {
        let mut line = format!("in {} ({}/s)  out {}", count(self.rows_in), count(self.rate), count(self.rows_out));
        if let Some(way) = self.way {
            line += &format!("  {way}");
        }
        match self.watermark {
            Watermark::NONE => line += "  watermark -",
            Watermark::END => line += "  watermark end",
            time => line += &format!("  watermark {}", timestamp_ms(time)),
        }
        match self.known_lag() {
            Some(lag) => line += &format!("  lag {}", count(lag)),
            None if self.cut_off.is_empty() => line += "  lag ? (being restarted)",
            None => line += &format!("  lag ? (no answer for {})", self.cut_off.join(", ")),
        }
        match self.checkpoint {
            None => line += "  checkpoint -",
            Some((epoch, ago_ms)) => line += &format!("  checkpoint {epoch} ({:.0} s ago)", ago_ms as f64 / 1000.0),
        }
        line += &format!("  late {}  bad {}", count(self.late), count(self.bad));
        if self.restarts > 0 {
            line += &format!("  restarts {}", self.restarts);
        }
        line
    }

    fn known_lag(&self) -> Option<u64> {
        (self.cut_off.is_empty() && !self.is_restarted).then_some(self.lag)
    }

    /// The same; what there is not yet, or is not known, is null.
    pub(crate) fn fields(&self, job: &str) -> Map<String, Value> {
        let watermark = match self.watermark {
            Watermark::NONE => None,
            Watermark::END => Some("end".to_string()),
            time => Some(timestamp_ms(time)),
        };
        let mut fields = Map::new();
        for (name, value) in [
            ("job", json!(job)),
            ("rows_in", json!(self.rows_in)),
            ("rows_out", json!(self.rows_out)),
            ("rate", json!(self.rate)),
            ("done", json!(self.way.map(|w| (w.done * 1_000.0).floor() / 1_000.0))),
            ("left_s", json!(self.way.and_then(|w| w.left).map(|l| l.as_secs()))),
            ("watermark", json!(watermark)),
            ("lag", json!(self.known_lag())),
            ("checkpoint", json!(self.checkpoint.map(|(epoch, _)| epoch))),
            ("checkpoint_age_ms", json!(self.checkpoint.map(|(_, ago_ms)| ago_ms))),
            ("late", json!(self.late)),
            ("bad", json!(self.bad)),
            ("restarts", json!(self.restarts)),
        ] {
            fields.insert(name.to_string(), value);
        }
        if !self.cut_off.is_empty() {
            fields.insert("no_answer".to_string(), json!(self.cut_off));
        }
        fields
    }
}
