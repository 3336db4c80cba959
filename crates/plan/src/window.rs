//! Windows and the aggregations over them.

use crate::{Column, Type};
use serde::{Deserialize, Serialize};

/// How time is cut. All in milliseconds of event time; windows are `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// `start = t - floorMod(t - offset, size)`.
    Tumble {
        /// Length, > 0.
        size_ms: i64,
        /// Shift of the grid.
        offset_ms: i64,
    },
    /// A window of `size` starts every `slide`; `size` is a multiple of `slide`.
    Hop {
        /// Distance of starts, > 0.
        slide_ms: i64,
        /// Length, a multiple of `slide_ms`.
        size_ms: i64,
        /// Shift of the grid.
        offset_ms: i64,
    },
    /// All rows of an input that ends, whenever they were: one window, which ends with it.
    Whole,
}

impl Window {
    /// Length of a window, ms.
    pub fn size_ms(&self) -> i64 {
        match self {
            Window::Tumble { size_ms, .. } | Window::Hop { size_ms, .. } => *size_ms,
            Window::Whole => i64::MAX,
        }
    }
    /// Distance of window starts, ms; also the length of a slice, because the size is a multiple of it.
    pub fn slide_ms(&self) -> i64 {
        match self {
            Window::Tumble { size_ms, .. } => *size_ms,
            Window::Hop { slide_ms, .. } => *slide_ms,
            Window::Whole => i64::MAX,
        }
    }
    /// Shift of the grid, ms.
    pub fn offset_ms(&self) -> i64 {
        match self {
            Window::Tumble { offset_ms, .. } | Window::Hop { offset_ms, .. } => *offset_ms,
            Window::Whole => 0,
        }
    }
    /// End (exclusive) of the slice that contains a time. Saturates at the ends of the range.
    pub fn slice_end(&self, time_ms: i64) -> i64 {
        let into = (i128::from(time_ms) - i128::from(self.offset_ms())).rem_euclid(i128::from(self.slide_ms()));
        let end = i128::from(time_ms) - into + i128::from(self.slide_ms());
        end.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

/// Where an aggregation takes its windows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowTime {
    /// The event-time column of a window TVF's input.
    Column(usize),
    /// The rows carry their window already: regrouping by `window_start, window_end` of an earlier window operator.
    Attached {
        /// Column of the window's start, TIMESTAMP(3).
        start: usize,
        /// Column of the window's end, TIMESTAMP(3).
        end: usize,
    },
}

/// What an aggregation reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateInput {
    /// Rows; the operator cuts the slices.
    Rows,
    /// What the local phase of the same aggregation emits: `slice_end BIGINT, from_end BIGINT`, keys, partial states.
    Partials,
}

/// An aggregation per window and key. Output columns: keys, results, `window_start`, `window_end`, `window_time`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowAggregate {
    /// How time is cut.
    pub window: Window,
    /// Where the time is.
    pub time: WindowTime,
    /// Type of the `window_time` output: TIMESTAMP(3), or TIMESTAMP_LTZ(3) if the event time is one.
    pub window_time: Type,
    /// The zone whose wall clock cuts the windows of a TIMESTAMP_LTZ; UTC if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Columns of the rows that form the key beside the window.
    pub keys: Vec<usize>,
    /// The aggregates.
    pub aggregates: Vec<AggregateCall>,
    /// The columns of the rows (of the local phase's input, if there are two phases).
    pub rows: Vec<Column>,
}

/// An aggregate function over columns of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AggregateCall {
    /// `count`, `sum`, `avg`, `min`, `max` …
    pub function: String,
    /// Grows when the meaning of `function` changes.
    pub version: u16,
    /// Argument columns; none for `COUNT(*)`.
    pub args: Vec<usize>,
    /// DISTINCT.
    pub distinct: bool,
    /// A BOOLEAN column: only rows where it is true count.
    pub filter: Option<usize>,
    /// Name of the result.
    pub name: String,
    /// Type of the result.
    #[serde(rename = "type")]
    pub ty: Type,
}
