//! What the operators' tests share: operators made as a job makes them, from a node of a plan.

use crate::build::operator;
use millstream_dataflow::testing::columns;
use millstream_dataflow::{Operator, Result, SqlType, SubtaskContext};
use millstream_plan::{Column, Expr, Node, NodeSpec, Type, Value};

/// Columns of a plan: `k STRING, v BIGINT`.
pub(crate) fn plan_columns(text: &str) -> Vec<Column> {
    columns(text).fields.iter().map(Column::from).collect()
}

/// Makes the operator of a node with these output columns.
pub(crate) fn node(spec: NodeSpec, columns: Vec<Column>) -> impl Fn(&SubtaskContext) -> Result<Box<dyn Operator>> + 'static {
    let made = operator(&Node {
        id: "node".into(),
        name: "node".into(),
        spec,
        inputs: Vec::new(),
        columns,
        parallelism: None,
    });
    let make = made.unwrap();
    move |context| make(context)
}

pub(crate) fn int(v: i64) -> Expr {
    Expr::Literal {
        value: Value::Int(v),
        ty: Type::new(SqlType::BigInt, false),
    }
}

pub(crate) fn call(name: &str, args: Vec<Expr>, ty: SqlType) -> Expr {
    Expr::call(name, args, Type::new(ty, true))
}
