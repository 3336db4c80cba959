use crate::tests::{call, int, node, plan_columns};
use millstream_dataflow::SqlType;
use millstream_dataflow::testing::check_operator;
use millstream_plan::{Expr, NodeSpec};

#[test]
fn rows_stay_where_the_condition_is_true_not_where_it_is_unknown() {
    let condition = call("gt", vec![Expr::Column(0), int(1)], SqlType::Boolean);
    let columns = "a BIGINT, s STRING";
    check_operator(node(NodeSpec::Filter(condition), plan_columns(columns)), &[columns])
        .input(["1 | x", "2 | NULL", "NULL | y", "3 | z @ 7", "watermark 5", "2 | again", "end"])
        .leaves_no_state()
        .expect(["2 | NULL", "3 | z", "2 | again"]);
}

#[test]
fn kinds_of_a_changelog_stay_with_their_rows() {
    let condition = call("gt", vec![Expr::Column(0), int(1)], SqlType::Boolean);
    check_operator(node(NodeSpec::Filter(condition), plan_columns("a BIGINT")), &["a BIGINT"])
        .keys(&[&[0]])
        .input(["+I 2", "+I 1", "-U 2", "+U 3", "+I 4", "-D 4", "-D 1"])
        .expect(["3"]);
}
