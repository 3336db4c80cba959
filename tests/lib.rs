//! What Millstream's integration tests (main.rs) and measurements (benches/) share: a real broker, and Millstream run as users do.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

pub mod broker;
pub mod harness;
pub mod hostile;
pub mod intercept;
pub mod sim;
pub mod suites;
