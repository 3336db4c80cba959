//! Flink's scalar and aggregate functions, each with its types, nulls and results, in one registry.
//!
//! Operators such as `+` are functions like any other (`add`). To add a function, write it in the file of its group under `scalar/` and add
//! it to that file's list; to add an aggregate, write `aggregate/<name>.rs` and add a line to [`aggregate::aggregate`].
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

pub mod aggregate;
pub mod cast;
pub mod scalar;
pub mod types;
pub mod zone;

pub use aggregate::aggregate;
pub use cast::cast;
pub use scalar::{Function, Signature, TimePattern, check_literals, function, functions};
pub use types::Type;
pub use zone::Zone;
