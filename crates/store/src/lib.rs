//! Files and objects that survive: fsynced local files, object stores, memory, and planted faults.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

pub mod azure;
mod disk;
mod fault;
pub mod gcs;
mod local;
mod memory;
mod object;
pub mod open;
pub mod s3;
pub mod suite;

pub use disk::{Disk, Entry};
pub use fault::{Fault, FaultStore};
pub use local::LocalStore;
pub use memory::MemoryStore;
pub use object::ObjectStore;
pub use open::open;
