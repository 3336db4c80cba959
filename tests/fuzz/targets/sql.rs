//! Any text as a file of SQL.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use tests::hostile::Sql;

static SQL: OnceLock<Sql> = OnceLock::new();

fuzz_target!(|text: &str| {
    let sql = SQL.get_or_init(|| Sql::new().expect("a runtime"));
    if let Err(e) = sql.check(text) {
        panic!("{e:#}");
    }
});
