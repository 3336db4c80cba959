//! Where watermarks come from, and what holds them back.

use super::expression::{duration, expression};
use super::{Edge, Operator};
use crate::{Expr, Node, NodeSpec, SourceSpec, Value};
use millstream_dataflow::SqlType;
use serde::Serialize;

/// The watermark of one source, as it comes to an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watermark {
    /// Id of the source.
    pub source: String,
    /// Its table.
    pub table: String,
    /// What time it follows.
    #[serde(flatten)]
    pub delay: Delay,
    /// What it waits for.
    pub held_by: Held,
    /// After how long without rows a split at its end is not waited for; never if absent.
    pub idle_timeout_ms: Option<u64>,
    /// Whom it is kept together with.
    pub alignment: Option<Alignment>,
}

/// What time a watermark follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "time", rename_all = "snake_case")]
pub enum Delay {
    /// That of the rows.
    Event {
        /// The event-time column.
        column: String,
        /// How far behind the latest row of a split it is; absent if it is no constant.
        delay_ms: Option<i64>,
        /// As declared.
        expression: String,
        /// Rows further ahead of the clock than this are bad records.
        max_future_skew_ms: Option<u64>,
    },
    /// That of the clock.
    Processing,
    /// There is none until the input ends.
    None,
}

/// What a watermark waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The split whose own watermark is the least.
    SlowestSplit,
    /// The clock.
    Clock,
    /// The end of the input.
    End,
}

/// Splits of a group's tables wait for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alignment {
    /// Name of the group.
    pub group: String,
    /// How far a split may be ahead, milliseconds of event time.
    pub max_drift_ms: u64,
}

impl Watermark {
    /// In words: `clicks, 5 s behind ts, held by its slowest split, unless that is idle for 30 s`.
    pub fn text(&self) -> String {
        let idle = match self.idle_timeout_ms {
            Some(ms) => format!(", unless that is idle for {}", duration(ms as i64)),
            None => ", idle or not".to_string(),
        };
        match &self.delay {
            Delay::Event { .. } => format!("{}, {}, held by its slowest split{idle}", self.table, self.delay_text()),
            Delay::Processing => format!("{}, the clock", self.table),
            Delay::None => format!("{}, none before its end", self.table),
        }
    }
    /// `, idle after 30 s`; nothing where nothing is waited for.
    pub(crate) fn idle_text(&self) -> String {
        match (self.held_by, self.idle_timeout_ms) {
            (Held::SlowestSplit, Some(ms)) => format!(", idle after {}", duration(ms as i64)),
            (Held::SlowestSplit, None) => ", never idle".to_string(),
            (Held::Clock | Held::End, _) => String::new(),
        }
    }
    /// In fewer words: `5 s behind ts`.
    pub fn delay_text(&self) -> String {
        match &self.delay {
            Delay::Event { column, delay_ms: Some(0), .. } => format!("at {column}"),
            Delay::Event {
                column, delay_ms: Some(ms), ..
            } => format!("{} behind {column}", duration(*ms)),
            Delay::Event { expression, .. } => expression.clone(),
            Delay::Processing => "the clock".to_string(),
            Delay::None => "none before the end".to_string(),
        }
    }
}

/// The watermarks that come to a node, or that it makes; `before` are the operators it may read.
pub(super) fn of(node: &Node, inputs: &[Edge], before: &[Operator]) -> Vec<Watermark> {
    if let NodeSpec::Source(source) = &node.spec {
        return vec![made(source, node)];
    }
    let mut all: Vec<Watermark> = Vec::new();
    for edge in inputs {
        for watermark in before.get(edge.index).map_or(&[][..], |o| &o.watermark) {
            if !all.contains(watermark) {
                all.push(watermark.clone());
            }
        }
    }
    all
}

fn made(source: &SourceSpec, node: &Node) -> Watermark {
    let scan: Vec<String> = node.columns.iter().map(|c| c.name.clone()).collect();
    let alignment = source.rowtime.as_ref().and_then(|r| r.alignment.as_ref());
    let (delay, held_by) = match &source.rowtime {
        Some(rowtime) => {
            let delay = Delay::Event {
                column: scan.get(rowtime.column).cloned().unwrap_or_default(),
                delay_ms: delay_ms(&rowtime.watermark, rowtime.column),
                expression: expression(&rowtime.watermark, &scan),
                max_future_skew_ms: rowtime.max_future_skew.as_ref().map(|s| s.ms),
            };
            (delay, Held::SlowestSplit)
        }
        None if source.processing_time => (Delay::Processing, Held::Clock),
        None => (Delay::None, Held::End),
    };
    Watermark {
        source: node.id.clone(),
        table: source.table.name.clone(),
        idle_timeout_ms: source.idle_timeout_ms.filter(|_| held_by == Held::SlowestSplit),
        delay,
        held_by,
        alignment: alignment.map(|a| Alignment {
            group: a.group.clone(),
            max_drift_ms: a.max_drift_ms,
        }),
    }
}

/// The constant of `ts - INTERVAL '5' SECOND`; 0 for `ts`.
fn delay_ms(watermark: &Expr, column: usize) -> Option<i64> {
    match watermark {
        Expr::Column(c) if *c == column => Some(0),
        Expr::Cast { expr, .. } => delay_ms(expr, column),
        Expr::Call { name, args, .. } if name == "subtract" => match args.as_slice() {
            [of, Expr::Literal { value: Value::Int(ms), ty }] if ty.ty == SqlType::IntervalDayTime => delay_ms(of, column).map(|d| d + ms),
            _ => None,
        },
        _ => None,
    }
}
