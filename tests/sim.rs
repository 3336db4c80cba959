//! Whole jobs in a simulated world: one seeded thread, a clock that only moves when nobody has work, a log and stores that fail.
//!
//! What runs is the production code from the SQL text on: planner, operators, scheduler, checkpoint coordinator, sinks. Only what touches the
//! outside is simulated: [`world`] is time, tasks and chance, [`store`] the object stores and disks, [`disk`] what a loss of power leaves of a disk, [`log`] a partitioned log, [`broker`] transactions, in Kafka's
//! place. A run is a function of its seed: the same seed gives the same trace.
//!
//! [`life`] starts, kills, pauses and restarts processes until a job has ended; [`oracle`] says what must be committed by then, row at a
//! time from the log's records; [`enumerate`] does the same for every single fault at every single call.

pub mod broker;
pub mod defects;
pub mod disk;
pub mod enumerate;
pub mod job;
pub mod laws;
pub mod life;
pub mod log;
pub mod oracle;
pub mod process;
pub mod query;
pub mod store;
pub mod world;
