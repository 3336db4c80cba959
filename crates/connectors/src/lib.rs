//! Connectors: how tables reach Kafka, files, clients that send, and generators.
//!
//! Each connector is a module with `SPEC` (what it declares), `check` (what options may get wrong together) and `source` / `sink`.
//! To add one, write the module and add one line to `registry.rs`.
#![allow(missing_docs, reason = "documented where it is not obvious; every file says what it is for")]

pub mod blackhole;
mod context;
pub mod datagen;
pub mod filesystem;
mod generator;
pub mod http;
pub mod kafka;
mod named;
pub mod nexmark;
mod outcomes;
mod pattern;
pub mod print;
mod random;
mod registry;
mod scan;
mod schema_registry;
mod staging;

pub use context::{ConnectorContext, Host, Machine, Printer};
pub use registry::{CONNECTORS, ConnectorRegistry};
