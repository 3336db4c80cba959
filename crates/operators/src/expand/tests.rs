use crate::tests::{node, plan_columns};
use millstream_dataflow::testing::check_operator;
use millstream_plan::NodeSpec;

#[test]
fn each_grouping_set_gets_each_row_with_null_for_the_keys_it_leaves_out() {
    let spec = NodeSpec::Expand {
        keys: vec![0, 2],
        sets: vec![vec![0, 1], vec![1], vec![]],
    };
    let make = node(spec, plan_columns("a STRING, v BIGINT, b INT, id BIGINT NOT NULL"));
    check_operator(make, &["a STRING, v BIGINT, b INT"])
        .input(["x | 1 | 10", "watermark 0", "NULL | 2 | 20 @ 3", "end"])
        .leaves_no_state()
        .expect([
            "x | 1 | 10 | 0",
            "NULL | 1 | 10 | 2",
            "NULL | 1 | NULL | 3",
            "NULL | 2 | 20 | 0",
            "NULL | 2 | 20 | 2",
            "NULL | 2 | NULL | 3",
        ]);
}
