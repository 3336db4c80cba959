//! The tests of a plan's source as connectors take them.

use crate::expression::Evaluator;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use millstream_dataflow::{Comparison, Result, RowTest};
use millstream_plan::{Expr, SourceSpec};
use std::sync::Arc;

/// Tests that cannot be told this way are left out: the filter behind the source decides.
pub(crate) fn row_tests(source: &SourceSpec) -> Vec<RowTest> {
    source.tests.iter().filter_map(|test| row_test(test, source)).collect()
}

fn row_test(test: &Expr, source: &SourceSpec) -> Option<RowTest> {
    let Expr::Call { name, args, .. } = test else { return None };
    let column = |i: usize| source.table.columns.get(i).map(|(c, _)| c.name.clone());
    let (place, value, flipped) = match args.as_slice() {
        [Expr::Column(i)] => (*i, None, false),
        [Expr::Column(i), constant] => (*i, Some(constant), false),
        [constant, Expr::Column(i)] => (*i, Some(constant), true),
        _ => return None,
    };
    let comparison = match (name.as_str(), flipped) {
        ("eq", _) => Comparison::Eq,
        ("lt", false) | ("gt", true) => Comparison::Lt,
        ("lte", false) | ("gte", true) => Comparison::LtEq,
        ("gt", false) | ("lt", true) => Comparison::Gt,
        ("gte", false) | ("lte", true) => Comparison::GtEq,
        ("is_null", _) => Comparison::IsNull,
        ("is_not_null", _) => Comparison::IsNotNull,
        _ => return None,
    };
    let value = match value {
        Some(constant) => {
            let value = constant_value(constant).ok()?;
            // Of another type than the column they are compared by other rules; NULL is compared with nothing.
            let ty = source.table.columns.get(place)?.0.ty.ty.to_arrow();
            Some(value).filter(|v| *v.data_type() == ty && v.is_valid(0)).map(Some)?
        }
        None => None,
    };
    Some(RowTest {
        column: column(place)?,
        comparison,
        value,
    })
}

fn constant_value(constant: &Expr) -> Result<ArrayRef> {
    let one = RecordBatch::try_new_with_options(
        Arc::new(arrow_schema::Schema::empty()),
        vec![],
        &RecordBatchOptions::new().with_row_count(Some(1)),
    )?;
    Evaluator::new(constant)?.evaluate(&one)
}
