//! Binds queries: each clause that is taken is named here; all others are refused with their place.

mod aggregate;
mod answer;
mod select;
mod table_factor;
mod windows;

pub use answer::{Shown, SortKey};

use crate::catalog::{Catalog, FullName, Place};
use crate::constant::{convert, value_of};
use crate::diagnostic::unsupported;
use crate::expression::{Binder, cast, counted, span};
use crate::graph::JobGraph;
use crate::hints::Hints;
use crate::relation::{Bound, Relation, ScopeColumn};
use crate::zone::holds_ltz;
use millstream_dataflow::{Error, Registry, Result, Span, SqlType, both, each};
use millstream_functions::types::common;
use millstream_plan::{Column, Expr as Plan, Input, NodeSpec, Settings, Type, Value};
use sqlparser::ast::{Expr, LimitClause, Query, SetExpr, SetOperator, SetQuantifier, Values};
use std::collections::BTreeMap;

/// What to do without LIMIT and the like.
pub(crate) const FIRST_ROWS: &str = "it stands at the end of a SELECT by itself, whose rows are shown";
/// Views that read views.
const VIEWS_DEEP_MAX: usize = 60;
/// Views read in one statement, each as often as it is read: two that each read the one before twice are four.
const VIEWS_READ_MAX: usize = 2_000;

/// What binding a query needs, and the job it adds nodes to.
pub(crate) struct Planner<'a> {
    pub(crate) catalog: &'a Catalog<'a>,
    pub(crate) registry: &'a dyn Registry,
    pub(crate) settings: &'a Settings,
    pub(crate) graph: &'a mut JobGraph,
    /// Where names are looked for.
    place: Place,
    hints: &'a Hints,
    /// WITH names in scope, innermost last.
    ctes: Vec<BTreeMap<String, Relation>>,
    /// Views being expanded, against endless recursion.
    views: Vec<FullName>,
    /// How many views the statement has read so far, each as often as it is read.
    views_read: usize,
    /// Whether tables are read by the clock, for a window over when rows arrive.
    processing_time: bool,
    /// Whether the result may wait for the end of what is read: that of a bare SELECT.
    is_answer: bool,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(catalog: &'a Catalog<'a>, hints: &'a Hints, registry: &'a dyn Registry, settings: &'a Settings, graph: &'a mut JobGraph) -> Self {
        Planner {
            place: catalog.current.clone(),
            hints,
            catalog,
            registry,
            settings,
            graph,
            ctes: Vec::new(),
            views: Vec::new(),
            views_read: 0,
            processing_time: false,
            is_answer: false,
        }
    }
    /// Whether the rows of a node come to an end, and may be waited for.
    fn ends(&self, node: usize) -> bool {
        let is_bounded = |node: usize| match &self.graph.nodes[node].spec {
            NodeSpec::Source(source) => {
                let options = &source.table.options;
                let connector = options.get("connector").and_then(|name| self.registry.connector(name));
                connector.is_some_and(|c| (c.ends)(options))
            }
            _ => true,
        };
        self.is_answer && self.graph.sources_of(node).into_iter().all(is_bounded)
    }

    /// Binds a whole query; its windows are given to the rows.
    ///
    /// # Errors
    /// `Sql` with the place.
    pub(crate) fn query(&mut self, query: &Query) -> Result<Relation> {
        let Query {
            order_by, limit_clause, fetch, ..
        } = query;
        let at = span(query);
        if let Some(order_by) = order_by {
            return Err(unsupported("ORDER BY", span(order_by)).hint("leave it out: rows are given as they come"));
        }
        if let Some(limit) = limit_clause {
            let what = if matches!(limit, LimitClause::LimitOffset { limit: None, .. }) {
                "OFFSET"
            } else {
                "LIMIT"
            };
            return Err(unsupported(what, span(limit)).hint(FIRST_ROWS));
        }
        if let Some(fetch) = fetch {
            return Err(unsupported("FETCH", fetch.quantity.as_ref().map_or(at, span)).hint(FIRST_ROWS));
        }
        self.unsorted(query, &[])
    }

    /// The rows of a query in any order.
    ///
    /// - `beside`: expressions that are columns behind its own, if it is a SELECT
    fn unsorted(&mut self, query: &Query, beside: &[&Expr]) -> Result<Relation> {
        let Query {
            with,
            body,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
            order_by: _,
            limit_clause: _,
            fetch: _,
        } = query;
        let at = span(query);
        let refused = [
            ("FOR UPDATE", !locks.is_empty()),
            ("FOR", for_clause.is_some()),
            ("SETTINGS", settings.is_some()),
            ("FORMAT", format_clause.is_some()),
            ("|>", !pipe_operators.is_empty()),
        ];
        if let Some((what, _)) = refused.iter().find(|(_, there)| *there) {
            return Err(unsupported(what, at));
        }
        self.ctes.push(BTreeMap::new());
        let relation = self.with_ctes(with.as_ref(), body, beside);
        self.ctes.pop();
        relation
    }

    fn with_ctes(&mut self, with: Option<&sqlparser::ast::With>, body: &SetExpr, beside: &[&Expr]) -> Result<Relation> {
        if let Some(with) = with {
            if with.recursive {
                return Err(unsupported("WITH RECURSIVE", span(with)));
            }
            for cte in &with.cte_tables {
                if cte.from.is_some() || cte.materialized.is_some() {
                    return Err(unsupported("this form of WITH", span(cte)));
                }
                let relation = self.query(&cte.query)?;
                let relation = rename(relation, &cte.alias.columns.iter().map(|c| c.name.value.clone()).collect::<Vec<_>>(), span(cte))?;
                let name = &cte.alias.name.value;
                let relation = relation.aliased(name);
                if let Some(scope) = self.ctes.last_mut()
                    && scope.insert(name.clone(), relation).is_some()
                {
                    let at = crate::parse::span_of(cte.alias.name.span);
                    return Err(Error::sql(format!("\"{name}\" is defined twice in one WITH")).code("E0209").span(at));
                }
            }
        }
        match body {
            SetExpr::Select(select) => self.select(select, beside),
            _ => self.body(body),
        }
    }

    fn cte(&self, name: &str) -> Option<Relation> {
        self.ctes.iter().rev().find_map(|scope| scope.get(name)).cloned()
    }

    fn body(&mut self, body: &SetExpr) -> Result<Relation> {
        match body {
            SetExpr::Select(select) => self.select(select, &[]),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::SetOperation {
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::All,
                left,
                right,
            } => {
                let (left_span, right_span) = (span(left.as_ref()), span(right.as_ref()));
                let (left, right) = both(self.body(left), self.body(right))?;
                self.union(left, right, left_span, right_span)
            }
            SetExpr::SetOperation {
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::None | SetQuantifier::Distinct,
                left,
                right,
            } if self.is_answer => {
                let (left_span, right_span) = (span(left.as_ref()), span(right.as_ref()));
                let (left, right) = both(self.body(left), self.body(right))?;
                let all = self.union(left, right, left_span, right_span)?;
                self.distinct(all, "UNION", right_span).map_err(|e| e.hint("UNION ALL is"))
            }
            SetExpr::SetOperation {
                op,
                set_quantifier,
                left: _,
                right,
            } => {
                let e = unsupported(format!("{op} {set_quantifier}").trim(), span(right.as_ref()));
                Err(if *op == SetOperator::Union { e.hint("UNION ALL is") } else { e })
            }
            other => Err(unsupported("this kind of query", span(other))),
        }
    }

    /// A node that keeps the input's subtasks.
    fn forward(&mut self, role: &str, spec: NodeSpec, from: usize, columns: Vec<Column>) -> usize {
        self.graph.add(role, spec, JobGraph::forward(from), columns)
    }

    fn union(&mut self, left: Relation, right: Relation, left_span: Span, right_span: Span) -> Result<Relation> {
        if left.columns.len() != right.columns.len() {
            return Err(Error::sql(format!(
                "the sides of UNION ALL have {} and {} columns",
                left.columns.len(),
                right.columns.len()
            ))
            .code("E0309")
            .span(Span {
                start: left_span.start,
                end: right_span.end,
            }));
        }
        let mut columns = Vec::new();
        for (l, r) in left.columns.iter().zip(&right.columns) {
            let ty = common(&l.ty.ty, &r.ty.ty).ok_or_else(|| {
                Error::sql(format!(
                    "column \"{}\" is {} on one side of UNION ALL and {} on the other",
                    l.name, l.ty.ty, r.ty.ty
                ))
                .code("E0309")
                .hint("cast one of them")
                .span(right_span)
            })?;
            let rowtime = l.rowtime && r.rowtime && l.ty.ty == r.ty.ty;
            columns.push(ScopeColumn {
                qualifier: None,
                name: l.name.clone(),
                ty: Type::new(ty, l.ty.nullable || r.ty.nullable),
                rowtime,
                proctime: l.proctime && r.proctime,
                window: if l.window == r.window { l.window } else { None },
                is_unknown: false,
            });
        }
        let plan_columns: Vec<Column> = columns
            .iter()
            .map(|c| Column {
                name: c.name.clone(),
                ty: c.ty.clone(),
            })
            .collect();
        let side = |planner: &mut Self, side: &Relation| -> Input {
            let exprs = side
                .columns
                .iter()
                .enumerate()
                .zip(&columns)
                .map(|((i, from), to)| {
                    cast(
                        Bound {
                            expr: Plan::Column(i),
                            ty: from.ty.clone(),
                        },
                        to.ty.clone(),
                    )
                    .expr
                })
                .collect();
            let node = planner.forward("project", NodeSpec::Project(exprs), side.node, plan_columns.clone());
            Input::main(node, millstream_dataflow::Exchange::Forward)
        };
        let inputs = vec![side(self, &left), side(self, &right)];
        let node = self.graph.add("union", NodeSpec::Union, inputs, plan_columns);
        Ok(Relation { node, columns, pending: None })
    }

    fn values(&mut self, values: &Values) -> Result<Relation> {
        let mut rows: Vec<Vec<(Bound, Span)>> = Vec::new();
        let mut types: Vec<Type> = Vec::new();
        for row in &values.rows {
            let mut binder = Binder::new(&[]);
            let bound = each(row.content.iter().map(|e| Ok((binder.bind(e)?, span(e)))))?;
            self.graph.findings.append(&mut binder.findings);
            if rows.is_empty() {
                types = bound.iter().map(|(b, _)| b.ty.clone()).collect();
            }
            let at = bound.first().map_or(Span::new((1, 1), (1, 1)), |(_, at)| *at);
            if bound.len() != types.len() {
                return Err(
                    Error::sql(format!("a row of VALUES has {}, the first {}", counted(bound.len(), "value"), types.len()))
                        .code("E0309")
                        .span(at),
                );
            }
            for (i, (b, at)) in bound.iter().enumerate() {
                let both = common(&types[i].ty, &b.ty.ty).ok_or_else(|| {
                    Error::sql(format!("column {} of VALUES is {} and {}", i + 1, types[i].ty, b.ty.ty))
                        .code("E0309")
                        .span(*at)
                })?;
                types[i] = Type::new(both, types[i].nullable || b.ty.nullable);
            }
            rows.push(bound);
        }
        let columns: Vec<Column> = types
            .iter()
            .enumerate()
            .map(|(i, t)| Column {
                name: format!("EXPR${i}"),
                ty: t.clone(),
            })
            .collect();
        let mut constants = Vec::new();
        for row in &rows {
            let row = row.iter().zip(&types).map(|((b, at), ty)| self.constant(b, ty, *at));
            constants.push(row.collect::<Result<Option<Vec<Value>>>>()?);
        }
        let node = match constants.into_iter().collect::<Option<Vec<_>>>() {
            Some(constants) => self.graph.add("values", NodeSpec::Values(constants), Vec::new(), columns.clone()),
            None => self.computed(rows, &columns),
        };
        let scope = columns.into_iter().map(|c| ScopeColumn {
            qualifier: None,
            name: c.name,
            ty: c.ty,
            rowtime: false,
            proctime: false,
            window: None,
            is_unknown: false,
        });
        Ok(Relation {
            node,
            columns: scope.collect(),
            pending: None,
        })
    }

    /// A value of VALUES, if it is known now.
    fn constant(&self, bound: &Bound, ty: &Type, at: Span) -> Result<Option<Value>> {
        if self.graph.zone.is_some() && (holds_ltz(&bound.ty.ty) || holds_ltz(&ty.ty)) {
            return Ok(None);
        }
        let Some(value) = value_of(bound, at)? else { return Ok(None) };
        convert(&value, &bound.ty.ty, &ty.ty, false)
    }

    /// Rows of VALUES that compute something: each a projection of its own.
    fn computed(&mut self, rows: Vec<Vec<(Bound, Span)>>, columns: &[Column]) -> usize {
        let one = self.one_row().node;
        let mut inputs = Vec::new();
        for row in rows {
            let exprs = row.into_iter().zip(columns).map(|((b, _), c)| cast(b, c.ty.clone()).expr).collect();
            inputs.extend(JobGraph::forward(self.forward("project", NodeSpec::Project(exprs), one, columns.to_vec())));
        }
        match inputs.as_slice() {
            [only] => only.node,
            _ => self.graph.add("union", NodeSpec::Union, inputs, columns.to_vec()),
        }
    }

    /// A query used as a table; `SELECT 1` reads one row of nothing.
    fn one_row(&mut self) -> Relation {
        let column = Column::new("EXPR$0", SqlType::Int, false);
        let node = self.graph.add("values", NodeSpec::Values(vec![vec![Value::Int(0)]]), Vec::new(), vec![column]);
        Relation {
            node,
            columns: vec![ScopeColumn {
                qualifier: None,
                name: String::new(),
                ty: Type::new(SqlType::Int, false),
                rowtime: false,
                proctime: false,
                window: None,
                is_unknown: false,
            }],
            pending: None,
        }
    }
}

/// New names for all columns, if there are any.
pub(crate) fn rename(mut relation: Relation, names: &[String], span: Span) -> Result<Relation> {
    if names.is_empty() {
        return Ok(relation);
    }
    if names.len() != relation.columns.len() {
        return Err(Error::sql(format!(
            "{} given for {}",
            if names.len() == 1 {
                "1 name is".to_string()
            } else {
                format!("{} names are", names.len())
            },
            counted(relation.columns.len(), "column")
        ))
        .code("E0309")
        .span(span));
    }
    for (column, name) in relation.columns.iter_mut().zip(names) {
        column.name.clone_from(name);
    }
    Ok(relation)
}

/// The columns of a relation as those of a node.
pub(crate) fn node_columns(columns: &[ScopeColumn]) -> Vec<Column> {
    columns
        .iter()
        .map(|c| Column {
            name: c.name.clone(),
            ty: c.ty.clone(),
        })
        .collect()
}
