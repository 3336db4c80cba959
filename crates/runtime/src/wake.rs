//! Wakes a parked worker.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// One per worker thread. A signal that arrives while the worker runs is not lost.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    // A std mutex: held for a few instructions, never across a step.
    signalled: Mutex<bool>,
    condition: Condvar,
}

impl Wake {
    /// Wakes the worker, or keeps it from parking next time.
    pub(crate) fn signal(&self) {
        let mut signalled = self.signalled.lock().unwrap_or_else(PoisonError::into_inner);
        if !*signalled {
            *signalled = true;
            self.condition.notify_one();
        }
    }
    /// Parks until a signal, at most for `wait`.
    pub(crate) fn park(&self, wait: Duration) {
        let signalled = self.signalled.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut signalled, _) = self
            .condition
            .wait_timeout_while(signalled, wait, |s| !*s)
            .unwrap_or_else(PoisonError::into_inner);
        *signalled = false;
    }
}
