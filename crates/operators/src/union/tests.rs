use crate::tests::{node, plan_columns};
use millstream_dataflow::testing::check_operator;
use millstream_plan::NodeSpec;

#[test]
fn rows_of_all_inputs_come_out_under_the_names_of_the_union() {
    let make = node(NodeSpec::Union, plan_columns("a BIGINT, s STRING"));
    check_operator(make, &["a BIGINT, s STRING", "x BIGINT NOT NULL, y STRING NOT NULL"])
        .input(["1 | p", "1> 2 | q", "1> 2 | q @ 9", "NULL | NULL", "watermark 4", "1> 3 | r", "end"])
        .leaves_no_state()
        .expect(["1 | p", "2 | q", "2 | q", "NULL | NULL", "3 | r"]);
}
