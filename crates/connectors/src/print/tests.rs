//! What is printed, against the suite.

use super::*;
use crate::context::tests::table;
use millstream_dataflow::KeyGroupRange;
use millstream_dataflow::testing::{SinkCase, block_on, columns, rows, sink_suite};
use std::sync::Mutex;

const COLUMNS: &str = "n BIGINT, s STRING";

fn capture() -> (Out, Arc<Mutex<String>>) {
    let printed = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&printed);
    let out: Out = Arc::new(move |lines| {
        into.lock().unwrap().push_str(std::str::from_utf8(lines).unwrap());
        Ok(())
    });
    (out, printed)
}

#[test]
fn every_row_is_printed_once() {
    let (out, printed) = capture();
    // `2> +I[7, text]` is what the suite writes as `7 | text`.
    let row = |line: &str| {
        let (_, row) = line.split_once("+I[").unwrap();
        row.strip_suffix(']').unwrap().replace(", ", " | ")
    };
    sink_suite(&SinkCase {
        open: &|| Ok(Arc::new(Print::to(Arc::clone(&out), &table(COLUMNS, &[("connector", "print")])))),
        rows: &|number| Batch::new(rows(&columns(COLUMNS), (0..3).map(|i| format!("{} | text {number}", number * 10 + i)))),
        visible: Some(&|| printed.lock().unwrap().lines().map(row).collect()),
        leftovers: &Vec::new,
        atomic: false,
    });
}

#[test]
fn the_subtask_and_the_identifier_stand_in_front() {
    let line = |options: &[(&str, &str)], parallelism: u32| {
        let (out, printed) = capture();
        let subtask = SubtaskContext {
            subtask: parallelism - 1,
            parallelism,
            key_groups: KeyGroupRange::of(0, parallelism, 128),
            max_parallelism: 128,
        };
        let mut writer = Print::to(out, &table(COLUMNS, options)).writer(&subtask, "a").unwrap();
        writer.write(Batch::new(rows(&columns(COLUMNS), ["1 | NULL"]))).unwrap();
        assert!(block_on(writer.pre_commit(1).unwrap()).unwrap().is_empty());
        printed.lock().unwrap().clone()
    };
    assert_eq!(line(&[], 1), "+I[1, NULL]\n");
    assert_eq!(line(&[], 3), "3> +I[1, NULL]\n");
    assert_eq!(line(&[("print-identifier", "out")], 1), "out> +I[1, NULL]\n");
    assert_eq!(line(&[("print-identifier", "out")], 2), "out:2> +I[1, NULL]\n");
}
