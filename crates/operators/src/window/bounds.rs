//! Which windows a row counts in.

use super::cut::Cut;
use millstream_dataflow::{Batch, Result};
use millstream_plan::Window;

/// End of a row's slice, and end of the first window it counts in.
pub(super) type Place = (i64, i64);

/// The first window end on the grid `slice_end + k · slide` whose last millisecond is past `watermark`.
pub(super) fn first_open(slice_end: i64, slide: i64, watermark: i64) -> i64 {
    let behind = i128::from(watermark) + 2 - i128::from(slice_end);
    if behind <= 0 {
        return slice_end;
    }
    let steps = (behind + i128::from(slide) - 1) / i128::from(slide);
    (i128::from(slice_end) + steps * i128::from(slide)).min(i128::from(i64::MAX)) as i64
}

/// End of the last window that holds a slice.
pub(super) fn last_end(window: &Window, slice_end: i64) -> i64 {
    slice_end.saturating_add(window.size_ms() - window.slide_ms())
}

/// Per row its place, `None` for rows that are late for all their windows.
pub(super) fn places(batch: &Batch, cut: &Cut) -> Result<Vec<Option<Place>>> {
    let (times, attached, window) = (cut.times(batch)?, cut.attached(), &cut.window);
    let slide = window.slide_ms();
    let mut stamps = cut.watermarks();
    // Rows close in time share their slice: remember the last one.
    let mut known: Option<(i64, i64)> = None;
    let mut out = Vec::with_capacity(times.len());
    for (row, t) in times.values().iter().enumerate() {
        let end = if attached {
            *t
        } else {
            match known {
                Some((start, end)) if (start..end).contains(t) => end,
                _ => {
                    let end = window.slice_end(*t);
                    known = Some((end.saturating_sub(slide), end));
                    end
                }
            }
        };
        let stamp = stamps.of(batch.stamp_at(row));
        // A window given by its own columns is one window, whatever the grid.
        let (from, last) = if attached {
            (if stamp >= end.saturating_sub(1) { i64::MAX } else { end }, end)
        } else {
            (first_open(end, slide, stamp), last_end(window, end))
        };
        out.push((from <= last).then_some((end, from)));
    }
    Ok(out)
}

/// Rows grouped by place, places in order; and the late ones.
pub(super) fn group(places: &[Option<Place>]) -> (Vec<(Place, Vec<u32>)>, Vec<u32>) {
    let mut groups: Vec<(Place, Vec<u32>)> = Vec::new();
    let mut late = Vec::new();
    let mut last = 0;
    for (row, place) in places.iter().enumerate() {
        let Some(place) = place else {
            late.push(row as u32);
            continue;
        };
        if groups.get(last).is_none_or(|g| g.0 != *place) {
            last = groups.iter().position(|g| g.0 == *place).unwrap_or_else(|| {
                groups.push((*place, Vec::new()));
                groups.len() - 1
            });
        }
        groups[last].1.push(row as u32);
    }
    groups.sort_by_key(|g| g.0);
    (groups, late)
}
