//! Which windows are due.

use super::bounds::{Place, first_open, last_end};
use super::slice::Slice;
use millstream_plan::Window;
use std::collections::BTreeMap;

/// End of the earliest window that holds a slice and has not fired, if it is due at this watermark.
pub(super) fn next_due(slices: &BTreeMap<Place, Slice>, window: &Window, attached: bool, fired: i64, watermark: i64) -> Option<i64> {
    let open = |(end, from): &Place| {
        let first = if attached {
            *end
        } else {
            (*from).max(first_open(*end, window.slide_ms(), fired))
        };
        let last = if attached { *end } else { last_end(window, *end) };
        (first <= last).then_some(first)
    };
    slices.keys().filter_map(open).min().filter(|end| watermark >= end.saturating_sub(1))
}
