//! A thread that steps subtasks in turn.

use crate::constants::PARK;
use crate::subtask::{Progress, Subtask};
use crate::wake::Wake;
use millstream_dataflow::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Steps every subtask once; true if any of them worked.
fn step_all(subtasks: &mut [Subtask]) -> Result<bool> {
    let mut worked = false;
    for subtask in subtasks {
        worked |= guarded(subtask)? == Progress::Worked;
    }
    Ok(worked)
}

/// A panic in an operator fails its job, not the process.
pub(crate) fn guarded(subtask: &mut Subtask) -> Result<Progress> {
    match catch_unwind(AssertUnwindSafe(|| subtask.step())) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|s| s.to_string())
                .or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Error::bug(format!("{} panicked: {}", subtask.name(), text.unwrap_or_default())))
        }
    }
}

/// Steps subtasks until told to stop, or until one fails.
pub(crate) fn run(mut subtasks: Vec<Subtask>, wake: &Arc<Wake>, stop: &AtomicBool) -> Result<()> {
    while !stop.load(Ordering::Acquire) {
        if !step_all(&mut subtasks)? {
            wake.park(PARK);
        }
    }
    subtasks.iter().for_each(Subtask::summarise);
    Ok(())
}
