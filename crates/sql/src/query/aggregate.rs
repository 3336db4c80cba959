//! GROUP BY over windows.

use super::select::{output_name, with_others};
use super::{Planner, node_columns};
use crate::diagnostic::unsupported;
use crate::expression::{Aggregates, Binder, span};
use crate::graph::JobGraph;
use crate::relation::{Bound, Cut, Relation, ScopeColumn, WindowPart};
use millstream_dataflow::{Error, Exchange, Result, Span, SqlType, StateType, both, each};
use millstream_functions::aggregate;
use millstream_plan::{AggregateCall, AggregateInput, Column, Expr as Plan, Input, NodeSpec, Type, Value, Window, WindowAggregate, WindowTime};
use sqlparser::ast::Expr;

/// Most expressions in grouping sets.
const GROUPING_MAX: usize = 20;

impl Planner<'_> {
    pub(super) fn aggregated(
        &mut self,
        mut relation: Relation,
        group_by: &[Expr],
        having: Option<&Expr>,
        items: &[(&Expr, Option<String>)],
        at: Span,
    ) -> Result<Relation> {
        let Keys { mut grouped, sets, window } = keys(&relation, group_by, self.ends(relation.node), at).map_err(|e| {
            let others = group_by.iter().chain(items.iter().map(|(e, _)| *e)).chain(having);
            with_others(e, &relation.columns, others)
        })?;

        // Rows count once for each window that holds them.
        if window.window == Window::Whole && relation.pending.is_some() {
            relation = self.assign_windows(relation)?;
        }

        // Bind everything that may name an aggregate, then build what they need.
        let columns = relation.columns.clone();
        let mut binder = Binder::new(&columns);
        binder.grouped = Some(&mut grouped);
        let outputs = each(items.iter().map(|(e, _)| binder.bind(e)));
        let (outputs, condition) = both(outputs, having.map(|h| binder.condition(h, "HAVING")).transpose())?;
        let findings = binder.findings;
        // What is computed of a row's window needs the row with its window.
        let bounds = relation.width()..relation.columns.len();
        if relation.pending.is_some() && grouped.inputs().any(|b| b.expr.columns().iter().any(|c| bounds.contains(c))) {
            let assigned = self.assign_windows(relation)?;
            return self.aggregated(assigned, group_by, having, items, at);
        }
        self.graph.findings.extend(findings);

        let aggregation = self.aggregation(relation, window, &grouped, sets.map(|(c, s)| (c.len(), s)));
        let aggregation = aggregation.map_err(|e| if e.span.is_none() { e.span(at) } else { e })?;
        let width = aggregation.columns.len();
        let place = |e: Plan| renumber(e, width - 3);
        let mut result = aggregation;
        if let Some(condition) = condition {
            let columns = node_columns(&result.columns);
            result.node = self.forward("filter", NodeSpec::Filter(place(condition)), result.node, columns);
            let at = having.map_or(at, span);
            self.graph.items.add(&self.graph.nodes[result.node].id, "", at);
        }
        let names = items.iter().enumerate().map(|(n, (e, name))| output_name(e, name.as_ref(), n)).collect();
        let outputs = outputs.into_iter().map(|b| Bound { expr: place(b.expr), ty: b.ty }).collect();
        let projected = self.project(&result, outputs, names);
        self.graph.note(projected.node, items.iter().map(|(e, _)| span(*e)));
        Ok(projected)
    }

    /// Each row once.
    pub(super) fn distinct(&mut self, relation: Relation, what: &str, at: Span) -> Result<Relation> {
        if !self.ends(relation.node) {
            return Err(unsupported(what, at).hint("GROUP BY the columns, in a window, gives each once for each window"));
        }
        let columns = relation.columns.clone();
        let key = |(i, c): (usize, &ScopeColumn)| {
            let bound = Bound {
                expr: Plan::Column(i),
                ty: c.ty.clone(),
            };
            (bound, c.ty.clone())
        };
        let grouped = Aggregates {
            keys: columns.iter().enumerate().map(key).collect(),
            ..Aggregates::default()
        };
        let whole = Cut {
            window: Window::Whole,
            ltz: false,
        };
        let aggregation = self.aggregation(relation, whole, &grouped, None)?;
        let kept = columns.iter().enumerate().map(|(i, c)| Bound {
            expr: Plan::Column(i),
            ty: c.ty.clone(),
        });
        let names = columns.iter().map(|c| c.name.clone()).collect();
        Ok(self.project(&aggregation, kept.collect(), names))
    }

    /// The rows, and one of NULLs: an aggregation over no row has a result, too.
    fn and_nothing(&mut self, node: usize, rows: &mut [Column]) -> usize {
        // The first column is the time.
        rows.iter_mut().skip(1).for_each(|c| c.ty.nullable = true);
        let nothing = std::iter::once(Value::Int(0)).chain(rows.iter().skip(1).map(|_| Value::Null)).collect();
        let nothing = self.graph.add("values", NodeSpec::Values(vec![nothing]), Vec::new(), rows.to_vec());
        let inputs = [node, nothing].map(|from| Input::main(from, Exchange::Forward));
        self.graph.add("union", NodeSpec::Union, inputs.to_vec(), rows.to_vec())
    }

    /// The nodes of a window aggregation. Its columns: keys, aggregates, window bounds.
    fn aggregation(&mut self, relation: Relation, cut: Cut, grouped: &Aggregates, sets: Option<(usize, Vec<Vec<usize>>)>) -> Result<Relation> {
        // What the aggregation reads, one column each: time, keys, arguments, filters.
        let mut exprs: Vec<Bound> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut column = |bound: &Bound, name: &str| -> usize {
            if let Some(i) = exprs.iter().position(|e| e.expr == bound.expr) {
                return i;
            }
            exprs.push(bound.clone());
            names.push(if names.iter().any(|n| n == name) {
                format!("{name}_{}", names.len())
            } else {
                name.to_string()
            });
            names.len() - 1
        };
        let name_of = |b: &Bound| match &b.expr {
            Plan::Column(i) => relation.columns.get(*i).map_or_else(|| "key".to_string(), |c| c.name.clone()),
            _ => "expr".to_string(),
        };
        let time = match &relation.pending {
            _ if cut.window == Window::Whole => {
                let any = Plan::Literal {
                    value: Value::Int(0),
                    ty: Type::new(SqlType::Timestamp(3), false),
                };
                let ty = Type::new(SqlType::Timestamp(3), false);
                WindowTime::Column(column(&Bound { expr: any, ty }, "whole"))
            }
            Some(p) => {
                let c = &relation.columns[p.time];
                let bound = Bound {
                    expr: Plan::Column(p.time),
                    ty: c.ty.clone(),
                };
                WindowTime::Column(column(&bound, &c.name))
            }
            None => {
                let bound = |part: usize| {
                    grouped.bounds[part]
                        .first()
                        .map(|b| b.0.clone())
                        .ok_or_else(|| Error::bug("a window without bounds"))
                };
                let (start, end) = (column(&bound(0)?, "window_start"), column(&bound(1)?, "window_end"));
                WindowTime::Attached { start, end }
            }
        };
        let expanded = sets.as_ref().map_or(0, |(n, _)| *n);
        let own_keys = if sets.is_some() { grouped.keys.len() - 1 } else { grouped.keys.len() };
        let mut keys: Vec<usize> = Vec::new();
        for (i, (b, _)) in grouped.keys[..own_keys].iter().enumerate() {
            // A grouping set's column may be read by an aggregate, too, which must not see its NULLs: it gets a column of its own.
            if i >= own_keys - expanded {
                exprs_push(&mut exprs, &mut names, b, &name_of(b));
                keys.push(names.len() - 1);
            } else {
                let mut add = |bound: &Bound, name: &str| -> usize {
                    exprs.iter().position(|e| e.expr == bound.expr).unwrap_or_else(|| {
                        exprs_push(&mut exprs, &mut names, bound, name);
                        names.len() - 1
                    })
                };
                keys.push(add(b, &name_of(b)));
            }
        }
        let set_keys: Vec<usize> = keys[own_keys - expanded..].to_vec();
        let mut calls = Vec::new();
        for (i, a) in grouped.aggregates.iter().enumerate() {
            let mut add = |bound: &Bound, name: &str| -> usize {
                exprs
                    .iter()
                    .enumerate()
                    .position(|(at, e)| e.expr == bound.expr && !set_keys.contains(&at))
                    .unwrap_or_else(|| {
                        exprs_push(&mut exprs, &mut names, bound, name);
                        names.len() - 1
                    })
            };
            let mut args: Vec<usize> = a.args.iter().map(|b| add(b, &name_of(b))).collect();
            // The row that stands for none is not counted.
            if grouped.of_nothing && args.is_empty() {
                args.push(add(&there(), "there"));
            }
            let filter = a.filter.as_ref().map(|b| add(b, "filter"));
            calls.push(AggregateCall {
                function: a.function.clone(),
                version: 1,
                args,
                distinct: a.distinct,
                filter,
                name: format!("agg{i}"),
                ty: a.ty.clone(),
            });
        }
        let columns: Vec<Column> = exprs
            .iter()
            .zip(&names)
            .map(|(e, n)| Column {
                name: n.clone(),
                ty: e.ty.clone(),
            })
            .collect();
        let mut node = self.forward(
            "project",
            NodeSpec::Project(exprs.into_iter().map(|e| e.expr).collect()),
            relation.node,
            columns.clone(),
        );
        let mut rows = columns;
        for (a, call) in grouped.aggregates.iter().zip(&calls) {
            for column in call.args.iter().chain(&call.filter) {
                self.graph.items.add(&self.graph.nodes[node].id, &rows[*column].name, a.at.0);
            }
        }
        if grouped.of_nothing {
            node = self.and_nothing(node, &mut rows);
        }
        if let Some((_, sets)) = sets {
            for key in &set_keys {
                rows[*key].ty.nullable = true;
            }
            rows.push(Column::new("grouping_id", SqlType::BigInt, false));
            node = self.forward("expand", NodeSpec::Expand { keys: set_keys, sets }, node, rows.clone());
            keys.push(rows.len() - 1);
        }
        let spec = WindowAggregate {
            window: cut.window,
            time,
            window_time: cut.window_time(),
            zone: None,
            keys: keys.clone(),
            aggregates: calls,
            rows: rows.clone(),
        };

        let mut output: Vec<Column> = keys
            .iter()
            .enumerate()
            .map(|(i, k)| Column {
                name: rows[*k].name.clone(),
                ty: grouped.keys[i].1.clone(),
            })
            .collect();
        output.extend(spec.aggregates.iter().map(|a| Column {
            name: a.name.clone(),
            ty: a.ty.clone(),
        }));
        output.extend([
            Column::new("window_start", SqlType::Timestamp(3), false),
            Column::new("window_end", SqlType::Timestamp(3), false),
            Column {
                name: "window_time".to_string(),
                ty: cut.window_time(),
            },
        ]);

        let changes = self.graph.changes(node);
        if changes && cut.window == Window::Whole {
            return Err(unsupported(
                "grouping changes without a window",
                grouped.aggregates.first().map_or(Span::default(), |a| a.at.0),
            ));
        }
        if changes {
            can_be_taken_back(&spec, grouped)?;
        }
        // Partial states of late rows could not be routed, nor are deletions added up.
        let two_phases = !spec.aggregates.iter().any(|a| a.distinct) && !self.graph.routes_late(node) && !changes;
        let node = if two_phases {
            let partials = partial_columns(&spec)?;
            let local = self
                .graph
                .add("local", NodeSpec::LocalWindowAggregate(spec.clone()), JobGraph::forward(node), partials);
            let exchange = Exchange::Hash((0..keys.len()).map(|k| k + 2).collect());
            let spec = NodeSpec::WindowAggregate {
                aggregate: spec,
                input: AggregateInput::Partials,
            };
            self.graph
                .add_stateful("window_aggregate", spec, vec![Input::main(local, exchange)], output.clone())
        } else {
            let exchange = Exchange::Hash(keys);
            let spec = NodeSpec::WindowAggregate {
                aggregate: spec,
                input: AggregateInput::Rows,
            };
            self.graph
                .add_stateful("window_aggregate", spec, vec![Input::main(node, exchange)], output.clone())
        };
        let parts = [WindowPart::Start, WindowPart::End, WindowPart::Time];
        let first_bound = output.len() - 3;
        let scope = output.into_iter().enumerate().map(|(i, c)| {
            let part = i.checked_sub(first_bound).map(|p| parts[p]);
            ScopeColumn {
                qualifier: None,
                name: c.name,
                ty: c.ty,
                rowtime: part == Some(WindowPart::Time),
                proctime: false,
                window: part.map(|p| (p, cut)),
                is_unknown: false,
            }
        });
        Ok(Relation {
            node,
            columns: scope.collect(),
            pending: None,
        })
    }
}

/// Whether a row is one, and not the row that stands for none.
fn there() -> Bound {
    let ty = Type::new(SqlType::Boolean, false);
    let value = Value::Boolean(true);
    Bound {
        expr: Plan::Literal { value, ty: ty.clone() },
        ty,
    }
}

/// What a query groups by.
struct Keys {
    grouped: Aggregates,
    /// The expressions of grouping sets, and which of them each set has.
    sets: Option<(Vec<Bound>, Vec<Vec<usize>>)>,
    window: Cut,
}

/// - `may_be_whole`: without windows all rows are one
/// - `at`: where the aggregation is told of if GROUP BY is not there
fn keys(relation: &Relation, group_by: &[Expr], may_be_whole: bool, at: Span) -> Result<Keys> {
    let mut grouped = Aggregates::default();
    let mut sets: Option<(Vec<Bound>, Vec<Vec<usize>>)> = None;
    let mut window: Option<Cut> = None;
    let mut plain: Vec<Bound> = Vec::new();
    for expr in group_by {
        match expr {
            Expr::GroupingSets(list) => grouping(relation, list, &mut sets, span(expr))?,
            Expr::Rollup(list) => {
                let list: Vec<Vec<Expr>> = (0..=list.len()).rev().map(|n| list[..n].iter().flatten().cloned().collect()).collect();
                grouping(relation, &list, &mut sets, span(expr))?;
            }
            Expr::Cube(list) => {
                if list.len() > 8 {
                    return Err(unsupported("CUBE of more than 8 expressions", span(expr)));
                }
                let chosen = |mask: usize| {
                    list.iter()
                        .enumerate()
                        .filter(|(i, _)| mask >> (list.len() - 1 - i) & 1 == 1)
                        .flat_map(|(_, e)| e.clone())
                        .collect()
                };
                let list: Vec<Vec<Expr>> = (0..1usize << list.len()).rev().map(chosen).collect();
                grouping(relation, &list, &mut sets, span(expr))?;
            }
            Expr::Value(v) if matches!(v.value, sqlparser::ast::Value::Number(..)) => return Err(unsupported("GROUP BY by position", span(expr))),
            _ => {
                let bound = Binder::new(&relation.columns).bind(expr)?;
                match part_of(relation, &bound) {
                    Some((part, w)) => {
                        if window.is_some_and(|other| other != w) {
                            return Err(unsupported("GROUP BY over two different windows", span(expr)));
                        }
                        window = Some(w);
                        let ty = bound.ty.clone();
                        grouped.bounds[part as usize].push((bound, ty));
                    }
                    None => plain.push(bound),
                }
            }
        }
    }
    let whole = Cut {
        window: Window::Whole,
        ltz: false,
    };
    grouped.of_nothing = may_be_whole && group_by.is_empty();
    let window = window.or(Some(whole).filter(|_| may_be_whole));
    let is_one = |window: &Cut| window.window == Window::Whole || !grouped.bounds[0].is_empty() && !grouped.bounds[1].is_empty();
    let Some(window) = window.filter(is_one) else {
        let e = if window.is_some() {
            Error::sql("a window aggregation groups by both window_start and window_end")
                .code("E0401")
                .hint("add the missing one to GROUP BY")
        } else {
            unsupported("grouping without a window", group_by.first().map_or(at, span)).hint("group by window_start and window_end of TUMBLE(…) or HOP(…)")
        };
        return Err(e.span(group_by.first().map_or(at, span)));
    };
    // Other columns of the same window mean the same.
    for part in [WindowPart::Start, WindowPart::End, WindowPart::Time] {
        for (i, c) in relation.columns.iter().enumerate() {
            if c.window == Some((part, window)) && !grouped.bounds[part as usize].is_empty() {
                let bound = Bound {
                    expr: Plan::Column(i),
                    ty: c.ty.clone(),
                };
                if !grouped.bounds[part as usize].iter().any(|(b, _)| b.expr == bound.expr) {
                    grouped.bounds[part as usize].push((bound, c.ty.clone()));
                }
            }
        }
    }
    grouped.keys = plain.iter().map(|b| (b.clone(), b.ty.clone())).collect();
    if let Some((columns, _)) = &sets {
        // Outside its set a grouped expression is NULL.
        grouped.keys.extend(columns.iter().map(|b| (b.clone(), Type::new(b.ty.ty.clone(), true))));
        let id = Bound {
            expr: Plan::Column(usize::MAX),
            ty: Type::new(SqlType::BigInt, false),
        };
        grouped.keys.push((id.clone(), id.ty));
        grouped.grouping = Some(columns.clone());
    }
    Ok(Keys { grouped, sets, window })
}

fn exprs_push(exprs: &mut Vec<Bound>, names: &mut Vec<String>, bound: &Bound, name: &str) {
    exprs.push(bound.clone());
    names.push(if names.iter().any(|n| n == name) {
        format!("{name}_{}", names.len())
    } else {
        name.to_string()
    });
}

/// Rows that are updated or deleted are taken out of their groups again, which not every aggregate can do.
fn can_be_taken_back(spec: &WindowAggregate, grouped: &Aggregates) -> Result<()> {
    for (call, reference) in spec.aggregates.iter().zip(&grouped.aggregates) {
        let types: Vec<SqlType> = call.args.iter().map(|a| spec.rows[*a].ty.ty.clone()).collect();
        if call.distinct || !aggregate(&call.function, &types)?.invertible() {
            let name = call.function.to_uppercase();
            let what = match call.distinct {
                true => format!("{name}(DISTINCT …)"),
                false => format!("{name} of {}", types.iter().map(SqlType::to_string).collect::<Vec<_>>().join(", ")),
            };
            return Err(Error::sql(format!("{what} does not follow updates and deletions yet"))
                .code("E0411")
                .span(reference.at.0)
                .hint("COUNT, and SUM and AVG of integers and decimals do"));
        }
    }
    Ok(())
}

/// Which bound of which window an expression is.
fn part_of(relation: &Relation, bound: &Bound) -> Option<(WindowPart, Cut)> {
    match bound.expr {
        Plan::Column(i) => relation.columns[i].window,
        _ => None,
    }
}

/// Takes in the sets of a GROUPING SETS: its expressions, each once, and per set their places.
fn grouping(relation: &Relation, list: &[Vec<Expr>], sets: &mut Option<(Vec<Bound>, Vec<Vec<usize>>)>, at: Span) -> Result<()> {
    if sets.is_some() {
        return Err(unsupported("more than one of GROUPING SETS, ROLLUP and CUBE", at));
    }
    let mut columns: Vec<Bound> = Vec::new();
    let mut chosen = Vec::new();
    let mut distinct: Vec<Vec<usize>> = Vec::new();
    for set in list {
        let mut places = Vec::new();
        for expr in set {
            let exprs = if let Expr::Tuple(parts) = expr {
                parts.as_slice()
            } else {
                std::slice::from_ref(expr)
            };
            for e in exprs {
                let bound = Binder::new(&relation.columns).bind(e)?;
                if part_of(relation, &bound).is_some() {
                    return Err(Error::sql("window columns stand beside grouping sets, not in them").code("E0401").span(span(e)));
                }
                let place = columns.iter().position(|c| c.expr == bound.expr).unwrap_or_else(|| {
                    columns.push(bound);
                    columns.len() - 1
                });
                places.push(place);
            }
        }
        // The id that tells rows of different sets apart is that of the set's expressions.
        let mut same = places.clone();
        same.sort_unstable();
        same.dedup();
        if distinct.contains(&same) {
            return Err(unsupported("the same grouping set twice", at));
        }
        distinct.push(same);
        chosen.push(places);
    }
    if columns.len() > GROUPING_MAX {
        return Err(unsupported(format!("more than {GROUPING_MAX} expressions in grouping sets"), at));
    }
    *sets = Some((columns, chosen));
    Ok(())
}

/// Puts window bounds behind the keys and aggregates, now that their number is known.
fn renumber(expr: Plan, first_bound: usize) -> Plan {
    let again = |e: Plan| renumber(e, first_bound);
    match expr {
        Plan::Column(i) if i >= Aggregates::WINDOW => Plan::Column(i - Aggregates::WINDOW + first_bound),
        Plan::Column(_) | Plan::Literal { .. } => expr,
        Plan::Call { name, version, args, ty } => Plan::Call {
            name,
            version,
            args: args.into_iter().map(again).collect(),
            ty,
        },
        Plan::Cast { expr, from, to, safe } => Plan::Cast {
            expr: Box::new(again(*expr)),
            from,
            to,
            safe,
        },
        Plan::Case { when, otherwise, ty } => Plan::Case {
            when: when.into_iter().map(|(c, r)| (renumber(c, first_bound), renumber(r, first_bound))).collect(),
            otherwise: otherwise.map(|o| Box::new(renumber(*o, first_bound))),
            ty,
        },
    }
}

/// The columns between the two phases of an aggregation.
fn partial_columns(spec: &WindowAggregate) -> Result<Vec<Column>> {
    let mut columns = vec![
        Column::new("slice_end", SqlType::BigInt, false),
        Column::new("from_end", SqlType::BigInt, false),
    ];
    columns.extend(spec.keys.iter().map(|k| spec.rows[*k].clone()));
    columns.push(Column::new("rows", SqlType::BigInt, false));
    for call in &spec.aggregates {
        let types: Vec<SqlType> = call.args.iter().map(|a| spec.rows[*a].ty.ty.clone()).collect();
        for (i, state) in aggregate(&call.function, &types)?.state().into_iter().enumerate() {
            let ty = match state {
                StateType::I64 => SqlType::BigInt,
                StateType::I128 => SqlType::Decimal(38, 0),
                StateType::F64 => SqlType::Double,
                StateType::Bytes => SqlType::BYTES,
            };
            columns.push(Column::new(format!("{}_{i}", call.name), ty, state == StateType::Bytes));
        }
    }
    Ok(columns)
}
