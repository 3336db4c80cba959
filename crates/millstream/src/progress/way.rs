//! How far bounded input is read, and how long the rest takes.

use crate::units::span;
use millstream_runtime::JobMetrics;
use std::fmt::{Display, Formatter, Result};
use std::time::Duration;

/// How far the input is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Way {
    /// From 0 to 1.
    pub(crate) done: f64,
    /// How long the rest takes at the pace of before; `None` while that is not known.
    pub(crate) left: Option<Duration>,
}

impl Display for Way {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        // What is not done is not 100.
        write!(f, "{:.0} %", (self.done * 100.0).floor())?;
        match self.left {
            Some(left) if self.done < 1.0 => write!(f, " ({} left)", span(left.as_millis() as u64)),
            _ => Ok(()),
        }
    }
}

/// Remembers where the way was first looked at.
#[derive(Debug, Default)]
pub(crate) struct Pace(Option<(Duration, f64)>);

impl Pace {
    /// The way of a job at a moment; `None` if a source has no end, or does not know where it is.
    pub(crate) fn way(&mut self, metrics: &JobMetrics, now: Duration) -> Option<Way> {
        Some(self.at(metrics.done()?, now))
    }
    /// The way when so much of it is done.
    pub(crate) fn at(&mut self, done: f64, now: Duration) -> Way {
        let (since, before) = *self.0.get_or_insert((now, done));
        let (took, came) = (now.saturating_sub(since).as_secs_f64(), done - before);
        let left = (came > 0.0).then(|| Duration::from_secs_f64((took * (1.0 - done) / came).clamp(0.0, LEFT_MAX)));
        Way { done, left }
    }
}

/// Seconds; more is not worth a word.
const LEFT_MAX: f64 = 1e8;

#[cfg(test)]
mod tests {
    use super::{Pace, Way};
    use std::time::Duration;

    #[test]
    fn the_rest_takes_as_long_as_the_part_before() {
        let mut pace = Pace::default();
        let seconds = Duration::from_secs;
        assert_eq!(pace.at(0.1, seconds(5)), Way { done: 0.1, left: None });
        assert_eq!(pace.at(0.1, seconds(6)).to_string(), "10 %");
        // A quarter of the whole in ten seconds.
        assert_eq!(pace.at(0.35, seconds(15)).to_string(), "35 % (26.0 s left)");
        assert_eq!(pace.at(0.999, seconds(50)).to_string(), "99 % (0.1 s left)");
        assert_eq!(pace.at(1.0, seconds(51)).to_string(), "100 %");
    }
}
