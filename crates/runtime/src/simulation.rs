//! A world in which jobs run on one thread, in simulated time: a clock that moves when nobody has work, tasks in an order that a seed decides,
//! processes that end at any await. `millstream test` runs in it, and so do the simulator's lives (`tests/sim`).

mod chance;
mod executor;
mod world;

pub use chance::Chance;
pub use executor::{Executor, Stop};
pub use world::{EPOCH_MS, ProcessId, SimClock, Sleep, World};
