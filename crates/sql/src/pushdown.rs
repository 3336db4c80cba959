//! What filters tell the sources before them: rows that nobody would keep need not be read.
//!
//! Only hints: the filter stays. And only where no watermark is made of the rows: one that is not read would not move it.

use millstream_dataflow::Output;
use millstream_plan::{Expr, Node, NodeSpec};

/// Comparisons that statistics can decide.
const COMPARISONS: [&str; 7] = ["eq", "lt", "lte", "gt", "gte", "is_null", "is_not_null"];

/// Gives sources the tests of the one filter that reads them.
pub(crate) fn push_down(nodes: &mut [Node]) {
    for source in 0..nodes.len() {
        let NodeSpec::Source(spec) = &nodes[source].spec else { continue };
        if !spec.skips || spec.rowtime.is_some() {
            continue;
        }
        let mut readers = nodes.iter().flat_map(|n| n.inputs.iter().map(move |input| (n, input)));
        let mut readers = readers.by_ref().filter(|(_, input)| input.node == source && input.port == Output::MAIN);
        let (
            Some((
                Node {
                    spec: NodeSpec::Filter(condition),
                    ..
                },
                _,
            )),
            None,
        ) = (readers.next(), readers.next())
        else {
            continue;
        };
        let mut tests = Vec::new();
        conjuncts(condition, &mut tests);
        let delivered = |e: &Expr| test(e, &spec.columns, &spec.table.columns);
        let tests: Vec<Expr> = tests.into_iter().filter_map(delivered).collect();
        if let NodeSpec::Source(spec) = &mut nodes[source].spec {
            spec.tests = tests;
        }
    }
}

fn conjuncts<'a>(condition: &'a Expr, all: &mut Vec<&'a Expr>) {
    match condition {
        Expr::Call { name, args, .. } if name == "and" => args.iter().for_each(|a| conjuncts(a, all)),
        other => all.push(other),
    }
}

/// A comparison of a physical column with a constant, over the columns that the connector delivers.
fn test(expr: &Expr, scan: &[Expr], delivered: &[(millstream_plan::Column, Option<String>)]) -> Option<Expr> {
    let Expr::Call { name, version, args, ty } = expr else { return None };
    if !COMPARISONS.contains(&name.as_str()) {
        return None;
    }
    let mut columns = 0;
    let args = args
        .iter()
        .map(|arg| match arg {
            Expr::Column(i) => match scan.get(*i) {
                Some(Expr::Column(place)) if delivered.get(*place).is_some_and(|(_, metadata)| metadata.is_none()) => {
                    columns += 1;
                    Some(Expr::Column(*place))
                }
                _ => None,
            },
            constant => is_constant(constant).then(|| constant.clone()),
        })
        .collect::<Option<Vec<Expr>>>()?;
    (columns == 1).then(|| Expr::Call {
        name: name.clone(),
        version: *version,
        args,
        ty: ty.clone(),
    })
}

/// Literals and casts of them: what is the same for all rows and costs nothing to evaluate.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal { .. } => true,
        Expr::Cast { expr, .. } => is_constant(expr),
        _ => false,
    }
}
