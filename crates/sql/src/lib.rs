//! Text to plan: Flink SQL in, a `plan::Job` out.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

pub mod parse;
pub mod query;
