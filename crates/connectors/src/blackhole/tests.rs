//! What takes everything and keeps nothing, against the suite.

use super::*;
use crate::context::tests::{context_in, table};
use millstream_dataflow::testing::{SinkCase, columns, rows, sink_suite};
use std::path::Path;

#[test]
fn it_keeps_the_contract_of_sinks() {
    let table = table("n BIGINT", &[("connector", "blackhole")]);
    let context = context_in(Path::new("."));
    sink_suite(&SinkCase {
        open: &|| sink(&table, "s", &context),
        rows: &|number| Batch::new(rows(&columns("n BIGINT"), [number.to_string()])),
        visible: None,
        leftovers: &Vec::new,
        atomic: false,
    });
}
