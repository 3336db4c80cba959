//! The outside world, injected: time, timers, and where futures run.

use millstream_dataflow::{Batch, BoxFuture, Clock};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Waits.
pub trait Timer: Send + Sync {
    /// Completes after `wait`.
    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()>;
}

/// What the runtime needs of the world.
#[derive(Clone)]
pub struct Rim {
    pub clock: Arc<dyn Clock>,
    pub timer: Arc<dyn Timer>,
    /// Gives a fresh random name for incarnations and nonces.
    pub unique: Arc<dyn Fn() -> String + Send + Sync>,
    /// Which of so many subtasks is stepped next, where one thread steps all of them.
    pub pick: Arc<dyn Fn(usize) -> usize + Send + Sync>,
    /// A row of a batch as text, for the log.
    pub show: fn(&Batch, usize) -> String,
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the replacement that the lint names")]
    fn default() -> Self {
        SystemClock { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the replacement that the lint names")]
    fn now_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(d) => d.as_millis() as i64,
            Err(e) => -(e.duration().as_millis() as i64),
        }
    }
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Waits by tokio's timer.
#[derive(Debug, Default)]
pub struct TokioTimer;

impl Timer for TokioTimer {
    #[allow(clippy::disallowed_methods, reason = "this is the replacement that the lint names")]
    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}
