//! State: keyed tables with copy-on-write snapshots, and the checkpoints that keep them.

pub mod checkpoint;
pub mod table;
