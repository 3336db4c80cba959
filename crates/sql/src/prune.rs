//! Takes out of a plan what nobody reads: columns, and fields of ROWs, so that sources decode only what is needed.

mod need;

use millstream_dataflow::Exchange;
use millstream_plan::{AggregateInput, Column, Expr, Node, NodeSpec, SourceSpec, WindowAggregate, WindowTime};
use need::{Need, Needs, read, retype, shrink};
use std::collections::BTreeSet;

/// Where an old column stands now.
type Places = Vec<Option<usize>>;

/// The same plan without what nobody reads. Operators keep their output where an operation is by position: sinks, unions, aggregations.
pub(crate) fn prune(mut nodes: Vec<Node>) -> Vec<Node> {
    let needs = needs(&nodes);
    let mut places: Vec<Places> = Vec::with_capacity(nodes.len());
    for (i, need) in needs.iter().enumerate() {
        let (before, rest) = nodes.split_at_mut(i);
        let Some(node) = rest.first_mut() else { break };
        for input in &mut node.inputs {
            if let Exchange::Hash(columns) = &mut input.exchange {
                columns.iter_mut().for_each(|c| moved(c, &places[input.node]));
            }
        }
        let input = node.inputs.first().map(|input| input.node);
        let from = input.map_or(&[][..], |n| places[n].as_slice());
        let columns = input.map_or(&[][..], |n| before[n].columns.as_slice());
        let kept = match &mut node.spec {
            NodeSpec::Source(source) => source_columns(source, &mut node.columns, need),
            NodeSpec::Project(exprs) => {
                let keep: BTreeSet<usize> = need.keys().copied().collect();
                let kept = renumber(exprs.len(), &keep);
                *exprs = pick(exprs, &keep);
                node.columns = pick(&node.columns, &keep);
                for (expr, column) in exprs.iter_mut().zip(&mut node.columns) {
                    rename(expr, from);
                    if let Some(ty) = retype(expr, columns) {
                        column.ty.ty = ty;
                    }
                }
                kept
            }
            NodeSpec::Filter(condition) => {
                rename(condition, from);
                retype(condition, columns);
                follow(&mut node.columns, from, columns, 0)
            }
            NodeSpec::Window { time, .. } => {
                moved(time, from);
                follow(&mut node.columns, from, columns, 3)
            }
            NodeSpec::Expand { keys, .. } => {
                keys.iter_mut().for_each(|k| moved(k, from));
                follow(&mut node.columns, from, columns, 1)
            }
            NodeSpec::LocalWindowAggregate(aggregate)
            | NodeSpec::WindowAggregate {
                aggregate,
                input: AggregateInput::Rows,
            } => {
                read_from(aggregate, from, columns);
                unmoved(&node.columns)
            }
            NodeSpec::WindowAggregate {
                aggregate,
                input: AggregateInput::Partials,
            } => {
                // It names the columns of the local phase's input.
                if let Some(NodeSpec::LocalWindowAggregate(local)) = input.map(|n| &before[n].spec) {
                    *aggregate = local.clone();
                }
                unmoved(&node.columns)
            }
            NodeSpec::Values(_) | NodeSpec::Union | NodeSpec::DeadLetters(_) | NodeSpec::Sink(_) | NodeSpec::Collect => unmoved(&node.columns),
        };
        places.push(kept);
    }
    nodes
}

/// What is read of each node's output.
fn needs(nodes: &[Node]) -> Vec<Needs> {
    let mut needs: Vec<Needs> = nodes.iter().map(|_| Needs::new()).collect();
    for i in (0..nodes.len()).rev() {
        let node = &nodes[i];
        if let NodeSpec::Source(source) = &node.spec
            && let Some(rowtime) = &source.rowtime
        {
            need::add(&mut needs[i], rowtime.column, Need::Whole);
            read(&rowtime.watermark, Need::Whole, &mut needs[i]);
        }
        // Rows without columns would lose their number.
        if needs[i].is_empty() && !node.columns.is_empty() {
            need::add(&mut needs[i], 0, Need::Fields(Needs::<String>::new()));
        }
        let mut of_input = Needs::new();
        match &node.spec {
            NodeSpec::Project(exprs) => needs[i].iter().for_each(|(c, need)| read(&exprs[*c], need.clone(), &mut of_input)),
            NodeSpec::Filter(condition) => {
                of_input = needs[i].clone();
                read(condition, Need::Whole, &mut of_input);
            }
            NodeSpec::Window { time, .. } => {
                of_input = below(&needs[i], node.columns.len() - 3);
                need::add(&mut of_input, *time, Need::Whole);
            }
            NodeSpec::Expand { keys, .. } => {
                of_input = below(&needs[i], node.columns.len() - 1);
                keys.iter().for_each(|k| need::add(&mut of_input, *k, Need::Whole));
            }
            NodeSpec::LocalWindowAggregate(a)
            | NodeSpec::WindowAggregate {
                aggregate: a,
                input: AggregateInput::Rows,
            } => columns_of(a).for_each(|c| need::add(&mut of_input, c, Need::Whole)),
            // Reads what comes beside the columns.
            NodeSpec::DeadLetters(_) => {}
            _ => {
                for input in &node.inputs {
                    (0..nodes[input.node].columns.len()).for_each(|c| need::add(&mut needs[input.node], c, Need::Whole));
                }
            }
        }
        for input in &node.inputs {
            if let Exchange::Hash(columns) = &input.exchange {
                columns.iter().for_each(|c| need::add(&mut needs[input.node], *c, Need::Whole));
            }
        }
        if let Some(input) = node.inputs.first() {
            of_input.into_iter().for_each(|(c, need)| need::add(&mut needs[input.node], c, need));
        }
    }
    needs
}

fn below(needs: &Needs, width: usize) -> Needs {
    needs.iter().filter(|(c, _)| **c < width).map(|(c, n)| (*c, n.clone())).collect()
}

/// Every column of its rows that an aggregation reads.
fn columns_of(a: &WindowAggregate) -> impl Iterator<Item = usize> {
    let time = match a.time {
        WindowTime::Column(c) => vec![c],
        WindowTime::Attached { start, end } => vec![start, end],
    };
    let calls = a.aggregates.iter().flat_map(|call| call.args.iter().copied().chain(call.filter));
    a.keys.iter().copied().chain(calls).chain(time).collect::<Vec<_>>().into_iter()
}

fn read_from(a: &mut WindowAggregate, from: &[Option<usize>], columns: &[Column]) {
    match &mut a.time {
        WindowTime::Column(c) => moved(c, from),
        WindowTime::Attached { start, end } => {
            moved(start, from);
            moved(end, from);
        }
    }
    a.keys.iter_mut().for_each(|k| moved(k, from));
    for call in &mut a.aggregates {
        call.args.iter_mut().chain(&mut call.filter).for_each(|c| moved(c, from));
    }
    a.rows = columns.to_vec();
}

fn source_columns(source: &mut SourceSpec, columns: &mut Vec<Column>, needs: &Needs) -> Places {
    let keep: BTreeSet<usize> = needs.keys().copied().collect();
    let places = renumber(columns.len(), &keep);
    if let Some(rowtime) = &mut source.rowtime {
        moved(&mut rowtime.column, &places);
        rename(&mut rowtime.watermark, &places);
    }
    let mut of_table = Needs::new();
    needs.iter().for_each(|(c, need)| read(&source.columns[*c], need.clone(), &mut of_table));
    let used: BTreeSet<usize> = of_table.keys().copied().collect();
    let table = renumber(source.table.columns.len(), &used);
    for (place, need) in &of_table {
        let ty = &mut source.table.columns[*place].0.ty.ty;
        *ty = shrink(ty, need);
    }
    source.table.columns = pick(&source.table.columns, &used);
    let of: Vec<Column> = source.table.columns.iter().map(|(c, _)| c.clone()).collect();
    source.columns = pick(&source.columns, &keep);
    *columns = pick(columns, &keep);
    for (expr, column) in source.columns.iter_mut().zip(columns) {
        rename(expr, &table);
        if let Some(ty) = retype(expr, &of) {
            column.ty.ty = ty;
        }
    }
    places
}

/// The columns of a node that passes its input's on and appends `more`.
fn follow(columns: &mut Vec<Column>, from: &[Option<usize>], input: &[Column], more: usize) -> Places {
    let appended = columns.split_off(columns.len() - more);
    let old = std::mem::take(columns);
    columns.extend(old.into_iter().zip(from).filter(|(_, place)| place.is_some()).map(|(c, _)| c));
    // A grouped column may be NULL where its input's is not.
    columns.iter_mut().zip(input).for_each(|(c, i)| c.ty.ty = i.ty.ty.clone());
    let width = columns.len();
    columns.extend(appended);
    from.iter().copied().chain((width..width + more).map(Some)).collect()
}

fn pick<T: Clone>(items: &[T], keep: &BTreeSet<usize>) -> Vec<T> {
    keep.iter().map(|i| items[*i].clone()).collect()
}

fn renumber(width: usize, keep: &BTreeSet<usize>) -> Places {
    (0..width).map(|i| keep.iter().position(|k| *k == i)).collect()
}

fn unmoved(columns: &[Column]) -> Places {
    (0..columns.len()).map(Some).collect()
}

fn moved(column: &mut usize, places: &[Option<usize>]) {
    *column = places.get(*column).copied().flatten().unwrap_or(*column);
}

fn rename(expr: &mut Expr, places: &[Option<usize>]) {
    expr.visit_mut(&mut |e| {
        if let Expr::Column(i) = e {
            moved(i, places);
        }
    });
}
