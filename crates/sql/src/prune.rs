//! Takes columns out of sources and projections that nobody reads.

use millstream_plan::{Column, Expr, Node, NodeSpec};
use std::collections::BTreeSet;

/// Every source then delivers only the columns that the plan needs; nodes that pass rows on follow.
pub(crate) fn prune(mut nodes: Vec<Node>) -> Vec<Node> {
    let needed = needed(&nodes);
    // Per node the new place of each old output column.
    let mut places: Vec<Vec<Option<usize>>> = nodes.iter().map(|n| (0..n.columns.len()).map(Some).collect()).collect();
    for i in 0..nodes.len() {
        let inputs: Vec<usize> = nodes[i].inputs.iter().map(|input| input.node).collect();
        let from = inputs.first().map(|n| places[*n].clone()).unwrap_or_default();
        let node = &mut nodes[i];
        match &mut node.spec {
            NodeSpec::Source(source) => {
                let keep = &needed[i];
                places[i] = renumber(node.columns.len(), keep);
                let at = &places[i];
                if let Some(rowtime) = &mut source.rowtime {
                    rowtime.column = at[rowtime.column].unwrap_or(rowtime.column);
                    rename(&mut rowtime.watermark, at);
                }
                source.columns = pick(&source.columns, keep);
                node.columns = pick(&node.columns, keep);
                let used: BTreeSet<usize> = source.columns.iter().flat_map(Expr::columns).collect();
                let table = renumber(source.table.columns.len(), &used);
                source.columns.iter_mut().for_each(|e| rename(e, &table));
                source.table.columns = pick(&source.table.columns, &used);
            }
            NodeSpec::Project(exprs) => {
                exprs.iter_mut().for_each(|e| rename(e, &from));
                let keep = &needed[i];
                places[i] = renumber(node.columns.len(), keep);
                *exprs = pick(exprs, keep);
                node.columns = pick(&node.columns, keep);
            }
            NodeSpec::Filter(condition) => {
                rename(condition, &from);
                node.columns = follow(&node.columns, &from);
                places[i] = from;
            }
            NodeSpec::Window { time, .. } => {
                *time = from[*time].unwrap_or(*time);
                let width = from.iter().flatten().count();
                places[i] = from.iter().copied().chain((0..3).map(|k| Some(width + k))).collect();
                node.columns = follow(&node.columns, &places[i]);
            }
            _ => {}
        }
    }
    nodes
}

fn pick<T: Clone>(items: &[T], keep: &BTreeSet<usize>) -> Vec<T> {
    keep.iter().map(|i| items[*i].clone()).collect()
}

fn follow(columns: &[Column], places: &[Option<usize>]) -> Vec<Column> {
    columns.iter().zip(places).filter(|(_, p)| p.is_some()).map(|(c, _)| c.clone()).collect()
}

fn renumber(width: usize, keep: &BTreeSet<usize>) -> Vec<Option<usize>> {
    (0..width).map(|i| keep.iter().position(|k| *k == i)).collect()
}

fn rename(expr: &mut Expr, places: &[Option<usize>]) {
    match expr {
        Expr::Column(i) => *i = places.get(*i).copied().flatten().unwrap_or(*i),
        Expr::Literal { .. } => {}
        Expr::Call { args, .. } => args.iter_mut().for_each(|a| rename(a, places)),
        Expr::Cast { expr, .. } => rename(expr, places),
        Expr::Case { when, otherwise, .. } => {
            for (c, r) in when {
                rename(c, places);
                rename(r, places);
            }
            if let Some(o) = otherwise {
                rename(o, places);
            }
        }
    }
}

/// Per node the output columns that somebody reads.
fn needed(nodes: &[Node]) -> Vec<BTreeSet<usize>> {
    let mut needed: Vec<BTreeSet<usize>> = nodes.iter().map(|_| BTreeSet::new()).collect();
    for i in (0..nodes.len()).rev() {
        let node = &nodes[i];
        // Rows without columns would lose their number.
        if needed[i].is_empty() && matches!(node.spec, NodeSpec::Project(_)) && !node.columns.is_empty() {
            needed[i].insert(0);
        }
        let reads: Option<BTreeSet<usize>> = match &node.spec {
            NodeSpec::Project(exprs) => Some(needed[i].iter().filter_map(|c| exprs.get(*c)).flat_map(Expr::columns).collect()),
            NodeSpec::Filter(condition) => Some(needed[i].iter().copied().chain(condition.columns()).collect()),
            NodeSpec::Window { time, .. } => {
                let width = node.columns.len() - 3;
                Some(needed[i].iter().copied().filter(|c| *c < width).chain([*time]).collect())
            }
            _ => None,
        };
        for input in &node.inputs {
            match &reads {
                Some(columns) => needed[input.node].extend(columns),
                None => needed[input.node].extend(0..nodes[input.node].columns.len()),
            }
        }
        if let NodeSpec::Source(source) = &node.spec {
            if let Some(rowtime) = &source.rowtime {
                needed[i].insert(rowtime.column);
                needed[i].extend(rowtime.watermark.columns());
            }
            // Rows without columns would lose their number.
            if needed[i].is_empty() && !node.columns.is_empty() {
                needed[i].insert(0);
            }
        }
    }
    needed
}
