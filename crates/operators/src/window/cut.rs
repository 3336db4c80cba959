//! How time is cut: by event time, or by the wall clock of a zone.

use arrow_array::{Array, ArrayRef, Int64Array, TimestampMillisecondArray};
use arrow_schema::DataType;
use millstream_dataflow::{Batch, Error, Result, Watermark};
use millstream_functions::Zone;
use millstream_plan::{Window, WindowAggregate, WindowTime};
use std::cell::Cell;
use std::sync::Arc;

/// With a zone all times of windows, and those in the state, are wall times; stamps and watermarks outside stay instants.
pub(super) struct Cut {
    pub(super) window: Window,
    time: WindowTime,
    zone: Option<Zone>,
}

impl Cut {
    pub(super) fn new(window: Window, time: WindowTime, zone: Option<&str>) -> Result<Cut> {
        let zone = zone.map(Zone::parse).transpose();
        Ok(Cut {
            window,
            time,
            zone: zone.map_err(|e| Error::corrupt("a plan names a time zone that is none").source(e))?,
        })
    }
    pub(super) fn of(spec: &WindowAggregate) -> Result<Cut> {
        Cut::new(spec.window, spec.time, spec.zone.as_deref())
    }
    /// Whether the rows carry their window.
    pub(super) fn attached(&self) -> bool {
        matches!(self.time, WindowTime::Attached { .. })
    }
    /// Whether a window is of several slices.
    pub(super) fn slides(&self) -> bool {
        !self.attached() && self.window.size_ms() > self.window.slide_ms()
    }
    /// The event times of rows, or the ends of the windows they carry, ms.
    pub(super) fn times(&self, batch: &Batch) -> Result<Int64Array> {
        match self.time {
            WindowTime::Column(column) => {
                let times = millis(batch.column(column))?;
                Ok(self.zone.map_or_else(|| times.clone(), |zone| Int64Array::from(zone.walls(times.values()))))
            }
            WindowTime::Attached { end, .. } => millis(batch.column(end)),
        }
    }
    /// A watermark of the input as one of the windows' times.
    pub(super) fn watermark(&self, instant: i64) -> i64 {
        self.zone.map_or(instant, |zone| zone.watermark(instant))
    }
    /// The same for stamps of rows, of which neighbours are mostly equal.
    pub(super) fn watermarks(&self) -> Watermarks<'_> {
        Watermarks(self, (Watermark::NONE, Watermark::NONE))
    }
    /// The first instant with this watermark of the windows' times.
    pub(super) fn instant(&self, watermark: i64) -> i64 {
        self.zone.map_or(watermark, |zone| zone.passed(watermark))
    }
    /// `window_start`, `window_end` and `window_time` (of this type) of window ends.
    pub(super) fn bounds(&self, ends: &[i64], window_time: &DataType) -> Result<[ArrayRef; 3]> {
        let DataType::Timestamp(_, zone) = window_time else {
            return Err(Error::bug(format!("window_time is {window_time}")));
        };
        let column = |f: &dyn Fn(i64) -> i64| TimestampMillisecondArray::from_iter_values(ends.iter().map(|e| f(*e)));
        // Rows of a window stand together: the zone is asked once for each.
        let known = Cell::new((i64::MIN, i64::MIN));
        let last = |end: i64| {
            let Some(zone) = self.zone else { return end.saturating_sub(1) };
            if known.get().0 != end {
                known.set((end, zone.instant(end.saturating_sub(1))));
            }
            known.get().1
        };
        Ok([
            Arc::new(column(&|e| e.saturating_sub(self.window.size_ms()))),
            Arc::new(column(&|e| e)),
            Arc::new(column(&last).with_timezone_opt(zone.clone())),
        ])
    }
}

pub(super) struct Watermarks<'a>(&'a Cut, (i64, i64));

impl Watermarks<'_> {
    pub(super) fn of(&mut self, stamp: i64) -> i64 {
        if self.1.0 != stamp {
            self.1 = (stamp, self.0.watermark(stamp));
        }
        self.1.1
    }
}

fn millis(array: &ArrayRef) -> Result<Int64Array> {
    if array.null_count() > 0 {
        return Err(Error::bug("an event time is NULL"));
    }
    let data = array
        .to_data()
        .into_builder()
        .data_type(DataType::Int64)
        .build()
        .map_err(|e| Error::bug("an event time is not carried in milliseconds").source(e))?;
    Ok(Int64Array::from(data))
}
