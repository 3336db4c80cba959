//! So many requests per second, and a second's worth at once.

use std::time::Duration;

/// A token bucket.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    left: f64,
    at: Duration,
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Rate {
            per_second,
            left: per_second,
            at: Duration::ZERO,
        }
    }
    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let more = now.saturating_sub(self.at).as_secs_f64() * self.per_second;
        self.left = (self.left + more).min(self.per_second);
        self.at = now;
        let taken = self.left >= 1.0;
        if taken {
            self.left -= 1.0;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_at_once_and_then_by_and_by() {
        let mut rate = Rate::new(2);
        let taken: Vec<bool> = [10_000, 10_000, 10_000, 10_499, 10_500, 10_500, 99_000, 99_000, 99_000]
            .into_iter()
            .map(|ms| rate.take(Duration::from_millis(ms)))
            .collect();
        assert_eq!(taken, [true, true, false, false, true, false, true, true, false]);
    }
}
