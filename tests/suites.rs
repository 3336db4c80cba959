//! What the trials of the conformance suites share: connectors outside of a job.

use crate::harness::unique;
use anyhow::Result;
use millstream_connectors::{ConnectorContext, ConnectorRegistry, Machine};
use millstream_dataflow::testing::columns;
use millstream_dataflow::{ColumnKind, Field, TableColumn, TableSpec};
use millstream_runtime::SystemClock;
use std::path::PathBuf;
use std::sync::Arc;

/// Connectors on a runtime of their own.
pub struct World {
    pub runtime: tokio::runtime::Runtime,
    pub connectors: ConnectorRegistry,
}

impl World {
    pub fn new() -> Result<World> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let connectors = ConnectorRegistry::new(ConnectorContext {
            clock: Arc::new(SystemClock::default()),
            handle: runtime.handle().clone(),
            host: Arc::new(Machine::new(runtime.handle().clone(), Arc::new(unique))),
            job: "suites".to_string(),
            directory: PathBuf::from("."),
            state: None,
        });
        Ok(World { runtime, connectors })
    }
}

/// A table of these columns, all of them in its records.
pub fn table(text: &str, options: &[(&str, &str)]) -> TableSpec {
    let fields = columns(text).fields;
    let column = |f: &Field| TableColumn {
        field: f.clone(),
        kind: ColumnKind::Physical,
    };
    TableSpec {
        name: "t".to_string(),
        columns: fields.iter().map(column).collect(),
        all_physical: fields,
        partition_keys: Vec::new(),
        primary_key: Vec::new(),
        options: options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        keep_records: false,
        tests: Vec::new(),
    }
}
