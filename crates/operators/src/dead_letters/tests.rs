use super::*;
use crate::tests::{node, plan_columns};
use arrow_array::{Int64Array, UInt32Array};
use millstream_dataflow::dead_letter::ChunkOrigin;
use millstream_dataflow::testing::{check_operator, columns, rows, texts};
use millstream_dataflow::{Places, Stamp};
use millstream_plan::NodeSpec;

const LETTERS: &str = "reason STRING NOT NULL, message STRING, table_name STRING NOT NULL, record BYTES, split STRING NOT NULL, topic STRING, \
                       `partition` INT, `offset` BIGINT, event_time TIMESTAMP(3), watermark TIMESTAMP(3)";

#[test]
fn rejected_records_get_the_times_of_their_table() {
    let before = LETTERS.replace("TIMESTAMP(3)", "BIGINT");
    check_operator(node(NodeSpec::DeadLetters(DeadLetters::Rejected), plan_columns(LETTERS)), &[&before])
        .input([
            "malformed | no JSON | t | x'7b' | t/3 | t | 3 | 8 | NULL | 4000",
            "null-rowtime | NULL | t | NULL | f.json | NULL | NULL | 1 | 5 | NULL",
        ])
        .leaves_no_state()
        .expect([
            "malformed | no JSON | t | x'7b' | t/3 | t | 3 | 8 | NULL | 1970-01-01 00:00:04.000",
            "null-rowtime | NULL | t | NULL | f.json | NULL | NULL | 1 | 1970-01-01 00:00:00.005 | NULL",
        ]);
}

#[test]
fn late_rows_of_other_tables_are_left_out() {
    let places = Places::consecutive("row", 5, 2);
    let batch = |table: Option<&str>| {
        let mut batch = Batch::new(rows(&columns("a BIGINT"), ["1", "2"]));
        let times = Int64Array::from(vec![1, 2]);
        let of = |table| {
            ChunkOrigin {
                table,
                split: "part-0",
                places: &places,
            }
            .of_rows(&UInt32Array::from(vec![0, 1]), None, &times, &Stamp::Constant(9))
            .unwrap()
        };
        batch.origins = table.map(of);
        batch
    };
    let mut operator = DeadLetterRows {
        of: DeadLetters::Late { table: "t".into() },
        schema: columns(LETTERS).to_arrow(),
    };
    let mut out = Output::new(100);
    for table in [Some("t"), Some("u"), None] {
        assert_eq!(operator.on_batch(0, batch(table), &mut out).unwrap(), Step::Done);
    }
    let letters: Vec<String> = out.drain().flat_map(|(_, batch)| texts(&batch)).collect();
    let tail = "1970-01-01 00:00:00.009";
    assert_eq!(
        letters,
        [
            format!("late | NULL | t | NULL | part-0 | NULL | NULL | 5 | 1970-01-01 00:00:00.001 | {tail}"),
            format!("late | NULL | t | NULL | part-0 | NULL | NULL | 6 | 1970-01-01 00:00:00.002 | {tail}"),
        ]
    );
}
