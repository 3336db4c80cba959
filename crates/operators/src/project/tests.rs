use crate::tests::{call, int, node, plan_columns};
use millstream_dataflow::SqlType;
use millstream_dataflow::testing::check_operator;
use millstream_plan::{Expr, NodeSpec};

#[test]
fn columns_are_computed_from_columns() {
    let product = call("multiply", vec![Expr::Column(1), Expr::Column(1)], SqlType::BigInt);
    let make = node(
        NodeSpec::Project(vec![product, Expr::Column(0), int(7)]),
        plan_columns("p BIGINT, s STRING, seven BIGINT NOT NULL"),
    );
    check_operator(make, &["s STRING, a BIGINT"])
        .keys(&[&[0]])
        .input(["x | 3", "NULL | -2 @ 5", "y | NULL", "watermark 5", "-D x | 3", "end"])
        .leaves_no_state()
        .expect(["4 | NULL | 7", "NULL | y | 7"]);
}
