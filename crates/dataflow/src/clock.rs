//! The injected clock of everything on the rim. Operators have none.

use std::time::Duration;

/// Reads time for code on the rim, so that a simulator can drive it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Wall time, epoch milliseconds. May jump.
    fn now_ms(&self) -> i64;
    /// Time since some fixed start. Never goes back.
    fn monotonic(&self) -> Duration;
}
