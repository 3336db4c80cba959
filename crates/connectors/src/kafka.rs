//! The `kafka` connector (in work).

use crate::ConnectorContext;
use millstream_dataflow::{ConnectorSpec, Error, Result, Sink, Source, TableSpec};
use std::sync::Arc;

pub const SPEC: ConnectorSpec = ConnectorSpec { name: "kafka", doc: "", source: false, sink: false, options: &[], formats: &[], metadata: &[] };

/// What valid options may still get wrong together.
pub fn check(_table: &TableSpec) -> Vec<Error> {
    Vec::new()
}
pub fn source(_table: &TableSpec, _context: &ConnectorContext) -> Result<Arc<dyn Source>> {
    Err(Error::bug("not written yet"))
}
pub fn sink(_table: &TableSpec, _id: &str, _context: &ConnectorContext) -> Result<Arc<dyn Sink>> {
    Err(Error::bug("not written yet"))
}
