//! What is known of a query while it runs.

use crate::progress::Pace;
use crate::repl::line::{Line, Mark};
use crate::units::{count, size, span};
use millstream_dataflow::Watermark;
use millstream_formats::render::timestamp_ms;
use millstream_runtime::JobMetrics;
use millstream_runtime::metrics::NodeRole;
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// What is measured at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    /// Records that the sources have read.
    pub(crate) read: u64,
    pub(crate) watermark: i64,
    /// Records behind the end, if the sources know their end.
    pub(crate) lag: Option<u64>,
    pub(crate) state_bytes: u64,
    pub(crate) late: u64,
    /// The part of bounded input that is read.
    pub(crate) done: Option<f64>,
    /// Whether rows can flow: sources are known, and state is restored.
    pub(crate) running: bool,
    /// Sources that nobody answers for.
    pub(crate) cut_off: Vec<String>,
    /// Epoch ms.
    pub(crate) now_ms: i64,
}

impl Facts {
    pub(crate) fn of(metrics: &JobMetrics, now_ms: i64) -> Facts {
        let nodes = metrics.nodes();
        let sources = || nodes.iter().filter(|n| n.role == NodeRole::Source);
        let lags: Vec<u64> = sources()
            .flat_map(|n| n.lag.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect::<Vec<_>>())
            .collect();
        Facts {
            read: metrics.total(NodeRole::Source, |n| n.records_in.load(Relaxed)),
            watermark: sources().map(|n| n.watermark()).min().unwrap_or(Watermark::NONE),
            lag: (!lags.is_empty()).then(|| lags.iter().sum()),
            state_bytes: nodes.iter().map(|n| n.state_bytes.load(Relaxed)).sum(),
            late: metrics.late(),
            done: metrics.done(),
            running: metrics.running.load(Relaxed),
            cut_off: metrics.cut_off(),
            now_ms,
        }
    }
}

/// Over how long a rate is measured.
const WINDOW: Duration = Duration::from_secs(2);

/// What was read at moments of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    read: VecDeque<(Duration, u64)>,
    pace: Pace,
}

impl Rate {
    /// `12 rows  read 1 234 (120/s)  35 % (26.0 s left)  watermark … (2.1 s behind)  lag 3  state 1.2 MB`
    ///
    /// What it is too wide for is left out from the end, but not what ends it.
    ///
    /// - `changes`: what came; `rows`: what it comes to
    pub(crate) fn footer(&mut self, changes: u64, rows: u64, now: Duration, facts: &Facts, width: usize) -> Line {
        self.read.push_back((now, facts.read));
        while self.read.len() > 2 && self.read.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= WINDOW) {
            self.read.pop_front();
        }
        let rate = match self.read.front() {
            Some((at, before)) if now > *at => (facts.read.saturating_sub(*before)) as f64 / (now - *at).as_secs_f64(),
            _ => 0.0,
        };
        let mut parts = vec![format!("{} row{}", count(rows), if rows == 1 { "" } else { "s" })];
        if changes != rows {
            parts.push(format!("{} changes", count(changes)));
        }
        match (facts.running, facts.cut_off.as_slice()) {
            (false, _) if facts.read == 0 => parts.push("waiting for the sources".to_string()),
            (_, []) => parts.push(format!("read {} ({}/s)", count(facts.read), count(rate as u64))),
            (_, sources) => parts.push(format!("read {}  no answer for {}", count(facts.read), sources.join(", "))),
        }
        if let Some(done) = facts.done {
            parts.push(self.pace.at(done, now).to_string());
        }
        match facts.watermark {
            Watermark::NONE => {}
            Watermark::END => parts.push("watermark end".to_string()),
            time => parts.push(format!("watermark {}{}", timestamp_ms(time), behind(facts.now_ms - time))),
        }
        if let Some(lag) = facts.lag {
            parts.push(format!("lag {}", count(lag)));
        }
        if facts.state_bytes > 0 {
            parts.push(format!("state {}", size(facts.state_bytes)));
        }
        if facts.late > 0 {
            parts.push(format!("late {}", count(facts.late)));
        }
        const END: &str = "Ctrl-C ends it";
        while parts.len() > 1 && parts.iter().map(|p| p.width() + 2).sum::<usize>() + END.len() > width {
            parts.pop();
        }
        parts.push(END.to_string());
        Line::of(parts.join("  "), Mark::Dim).fit(width)
    }
}

/// How far a watermark is behind the clock.
fn behind(ms: i64) -> String {
    if ms < 0 {
        return String::new();
    }
    format!(" ({} behind)", span(ms as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_footer_says_what_is_known() {
        let mut rate = Rate::default();
        let mut facts = Facts {
            read: 0,
            watermark: Watermark::NONE,
            lag: None,
            state_bytes: 0,
            late: 0,
            done: None,
            running: true,
            cut_off: Vec::new(),
            now_ms: 1_700_000_000_000,
        };
        let at = Duration::from_millis;
        assert_eq!(rate.footer(0, 0, at(0), &facts, 200).text(), "0 rows  read 0 (0/s)  Ctrl-C ends it");
        facts.read = 500;
        assert_eq!(rate.footer(1, 1, at(500), &facts, 200).text(), "1 row  read 500 (1 000/s)  Ctrl-C ends it");
        facts = Facts {
            read: 2_500,
            watermark: 1_700_000_000_000 - 90_000,
            lag: Some(1_234),
            state_bytes: 2 << 20,
            late: 3,
            done: Some(0.25),
            ..facts
        };
        assert_eq!(
            rate.footer(9, 4, at(2_500), &facts, 200).text(),
            "4 rows  9 changes  read 2 500 (1 000/s)  25 %  watermark 2023-11-14 22:11:50.000 (1 min behind)  lag 1 234  state 2.0 MB  late 3  Ctrl-C ends it"
        );
        assert_eq!(
            rate.footer(9, 4, at(2_500), &facts, 56).text(),
            "4 rows  9 changes  read 2 500 (1 000/s)  Ctrl-C ends it"
        );
        assert_eq!(rate.footer(9, 4, at(2_500), &facts, 40).text(), "4 rows  9 changes  Ctrl-C ends it");
        facts.cut_off = vec!["clicks".to_string()];
        let away = rate.footer(9, 9, at(3_000), &facts, 200).text();
        assert!(away.contains("read 2 500  no answer for clicks"), "{away}");
        facts.cut_off.clear();
        // The rate is that of the last seconds.
        facts.watermark = Watermark::END;
        let later = rate.footer(9, 9, at(10_000), &facts, 200).text();
        assert!(later.starts_with("9 rows  read 2 500 (0/s)  25 %  watermark end"), "{later}");
    }
}
