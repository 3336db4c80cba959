use super::*;
use millstream_dataflow::testing::{SourceCase, columns, rows, source_suite};
use std::sync::Arc;

#[test]
fn inline_rows_are_a_source_like_any_other() {
    let open = || {
        let data = rows(&columns("a BIGINT, s STRING"), ["1 | x", "NULL | y", "3 | NULL"]);
        Ok(Arc::new(ValuesSource(data)) as Arc<dyn Source>)
    };
    source_suite(&SourceCase { open: &[&open], rows: 3 });
}
