//! Flink's scalar and aggregate functions, and the one registry that names them.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

pub mod aggregate;
pub mod scalar;
