//! SELECT … FROM … WHERE … [GROUP BY … HAVING …]

use super::table_factor::is_name;
use super::{Planner, node_columns};
use crate::diagnostic::unsupported;
use crate::expression::{Aggregates, Binder, of_tables, span, with_names};
use crate::parse::span_of;
use crate::relation::{Bound, Relation, ScopeColumn};
use millstream_dataflow::{Error, Result, Span, each};
use millstream_plan::{Expr as Plan, NodeSpec};
use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, JoinConstraint, JoinOperator, Select, SelectItem, SelectItemQualifiedWildcardKind, Spanned, WildcardAdditionalOptions,
};
use std::borrow::Cow;

/// Columns of a query.
const COLUMNS_MAX: usize = 2_000;

/// An output expression with its name, if it has one. Columns of `*` are written out, so they are owned.
struct Item<'a> {
    expr: Cow<'a, Expr>,
    name: Option<String>,
}

impl Planner<'_> {
    /// - `beside`: expressions that are columns behind its own
    pub(super) fn select(&mut self, select: &Select, beside: &[&Expr]) -> Result<Relation> {
        let Select {
            select_token,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor: _,
        } = select;
        let at = span(select);
        let start = span_of(select_token.0.span);
        let refused = [
            ("a hint", !optimizer_hints.is_empty(), start),
            ("SELECT DISTINCT", matches!(distinct, Some(Distinct::Distinct)) && !self.is_answer, start),
            ("SELECT DISTINCT ON", matches!(distinct, Some(Distinct::On(_))), start),
            ("TOP", top.is_some(), start),
            ("EXCLUDE", exclude.is_some(), start),
            ("SELECT … INTO", into.is_some(), into.as_ref().map_or(start, |i| span(&i.name))),
            ("this form of SELECT", select_modifiers.is_some() || value_table_mode.is_some(), start),
            (
                "LATERAL VIEW",
                !lateral_views.is_empty(),
                lateral_views.first().map_or(start, |v| span(&v.lateral_view)),
            ),
            ("PREWHERE", prewhere.is_some(), prewhere.as_ref().map_or(start, span)),
            ("CONNECT BY", !connect_by.is_empty(), start),
            ("CLUSTER BY", !cluster_by.is_empty(), cluster_by.first().map_or(start, span)),
            ("DISTRIBUTE BY", !distribute_by.is_empty(), distribute_by.first().map_or(start, span)),
            ("SORT BY", !sort_by.is_empty(), sort_by.first().map_or(start, |o| span(&o.expr))),
            ("WINDOW", !named_window.is_empty(), named_window.first().map_or(start, |w| span_of(w.0.span))),
            ("QUALIFY", qualify.is_some(), qualify.as_ref().map_or(start, span)),
        ];
        if let Some((what, _, at)) = refused.into_iter().find(|(_, there, _)| *there) {
            let e = unsupported(what, at);
            return Err(match what {
                "SELECT DISTINCT" => e.hint("GROUP BY the columns, in a window, gives each once for each window"),
                "TOP" => e.hint("LIMIT stands at the end of the SELECT"),
                _ => e,
            });
        }
        let mut relation = match from.as_slice() {
            [] => self.one_row(),
            [one] if one.joins.is_empty() => self.factor(&one.relation)?,
            [one] => {
                let first = one.joins.first();
                return Err(unsupported(
                    first.map_or("JOIN", |j| join(&j.join_operator)),
                    first.map_or(span(&one.relation), |j| span(&j.relation)),
                ));
            }
            [_, second, ..] => return Err(unsupported("a join of several tables in FROM", span(second))),
        };
        if let Some(condition) = selection {
            let place = span(condition);
            let mut binder = Binder::new(&relation.columns);
            let condition = binder.condition(condition, "WHERE");
            self.graph.findings.append(&mut binder.findings);
            let condition = condition.map_err(|e| {
                let written = projection.iter().filter_map(|item| match item {
                    SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
                    _ => None,
                });
                let grouped = match group_by {
                    GroupByExpr::Expressions(exprs, _) => exprs.as_slice(),
                    GroupByExpr::All(_) => &[],
                };
                with_others(named_later(e, projection), &relation.columns, written.chain(grouped).chain(having))
            })?;
            if condition.columns().iter().any(|c| *c >= relation.width()) {
                relation = self.assign_windows(relation)?;
            }
            let columns = node_columns(&relation.columns[..relation.width()]);
            relation.node = self.forward("filter", NodeSpec::Filter(condition), relation.node, columns);
            self.graph.items.add(&self.graph.nodes[relation.node].id, "", place);
        }
        if from.is_empty()
            && let Some(star) = projection.iter().find(|i| matches!(i, SelectItem::Wildcard(_)))
        {
            return Err(Error::sql("* needs a FROM").code("E0102").span(span(star)));
        }
        let mut items = items(projection, &relation)?;
        items.extend(beside.iter().map(|expr| Item {
            expr: Cow::Borrowed(*expr),
            name: None,
        }));
        let items = items;
        if items.len() > COLUMNS_MAX {
            return Err(Error::sql(format!("the query has {} columns, at most {COLUMNS_MAX} are taken", items.len()))
                .code("E0103")
                .span(start));
        }
        let grouped = match group_by {
            GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => exprs,
            other => return Err(unsupported(format!("{other}"), at)),
        };
        let aggregate = items.iter().find_map(|i| aggregate_in(&i.expr));
        if !grouped.is_empty() || having.is_some() || aggregate.is_some() {
            let at = aggregate.or(having.as_ref().map(span)).unwrap_or(at);
            let items: Vec<_> = items.iter().map(|i| (i.expr.as_ref(), i.name.clone())).collect();
            let aggregated = self.aggregated(relation, grouped, having.as_ref(), &items, at)?;
            return if distinct.is_some() {
                self.distinct(aggregated, "SELECT DISTINCT", start)
            } else {
                Ok(aggregated)
            };
        }
        if relation.pending.is_some() {
            relation = self.assign_windows(relation)?;
        }
        let mut binder = Binder::new(&relation.columns);
        let bound = each(items.iter().map(|i| binder.bind(&i.expr).map_err(|e| named_later(e, projection))))?;
        self.graph.findings.append(&mut binder.findings);
        let names = items
            .iter()
            .enumerate()
            .map(|(n, i)| output_name(&i.expr, i.name.as_ref(), n))
            .collect::<Vec<_>>();
        let projected = self.project(&relation, bound, names);
        self.graph.note(projected.node, items.iter().map(|i| span(i.expr.as_ref())));
        if distinct.is_some() {
            self.distinct(projected, "SELECT DISTINCT", start)
        } else {
            Ok(projected)
        }
    }

    /// A projection; columns that pass unchanged keep what is known of them.
    pub(super) fn project(&mut self, relation: &Relation, bound: Vec<Bound>, names: Vec<String>) -> Relation {
        let columns: Vec<ScopeColumn> = bound
            .iter()
            .zip(names)
            .map(|(b, name)| {
                let from = match b.expr {
                    Plan::Column(i) => relation.columns.get(i),
                    _ => None,
                };
                ScopeColumn {
                    qualifier: None,
                    name,
                    ty: b.ty.clone(),
                    rowtime: from.is_some_and(|c| c.rowtime),
                    proctime: from.is_some_and(|c| c.proctime),
                    window: from.and_then(|c| c.window),
                    is_unknown: false,
                }
            })
            .collect();
        let exprs: Vec<Plan> = bound.into_iter().map(|b| b.expr).collect();
        let node = self.forward("project", NodeSpec::Project(exprs), relation.node, node_columns(&columns));
        Relation { node, columns, pending: None }
    }
}

/// An error, and the names in other expressions that do not exist.
pub(super) fn with_others<'a>(e: Error, columns: &[ScopeColumn], others: impl Iterator<Item = &'a Expr>) -> Error {
    let mut any = Aggregates::default();
    let mut binder = Binder::new(columns);
    binder.grouped = Some(&mut any);
    with_names(e, others.filter_map(|expr| binder.bind(expr).err()))
}

/// A column that is not there, but is a name that the SELECT gives.
fn named_later(e: Error, projection: &[SelectItem]) -> Error {
    let gives =
        |item: &&SelectItem| matches!(item, SelectItem::ExprWithAlias { alias, .. } if e.message == format!("column \"{}\" does not exist", alias.value));
    match projection.iter().find(gives) {
        Some(_) if e.code == Some("E0202") => e.hint("AS gives this name to what comes out: repeat the expression, or name it in a query in FROM"),
        _ => e,
    }
}

/// A join's name.
pub(super) fn join(operator: &JoinOperator) -> &'static str {
    use JoinConstraint as C;
    use JoinOperator as J;
    match operator {
        J::Join(C::Natural) | J::Inner(C::Natural) | J::Left(C::Natural) | J::Right(C::Natural) | J::FullOuter(C::Natural) => "NATURAL JOIN",
        J::Left(_) | J::LeftOuter(_) => "LEFT JOIN",
        J::Right(_) | J::RightOuter(_) => "RIGHT JOIN",
        J::FullOuter(_) => "FULL JOIN",
        J::CrossJoin(_) => "CROSS JOIN",
        J::Semi(_) | J::LeftSemi(_) | J::RightSemi(_) => "SEMI JOIN",
        J::Anti(_) | J::LeftAnti(_) | J::RightAnti(_) => "ANTI JOIN",
        _ => "JOIN",
    }
}

/// The select list with `*` written out.
fn items<'a>(projection: &'a [SelectItem], relation: &Relation) -> Result<Vec<Item<'a>>> {
    let mut items = Vec::new();
    for item in projection {
        match item {
            SelectItem::UnnamedExpr(expr) => items.push(Item {
                expr: Cow::Borrowed(expr),
                name: None,
            }),
            SelectItem::ExprWithAlias { expr, alias } => items.push(Item {
                expr: Cow::Borrowed(expr),
                name: Some(is_name(alias).map_err(|e| e.span(span(expr)))?.value.clone()),
            }),
            SelectItem::Wildcard(options) if plain(options) => items.extend(all(relation, None, item.span())),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) if plain(options) => {
                let name = name.to_string().replace('`', "");
                if !relation.columns.iter().any(|c| c.qualifier.as_deref() == Some(&name)) {
                    let e = Error::sql(format!("\"{name}\" is no table of this query")).code("E0201").span(span(item));
                    return Err(of_tables(e, &name, &relation.columns));
                }
                items.extend(all(relation, Some(&name), item.span()));
            }
            other => return Err(unsupported(format!("\"{other}\" in a SELECT list"), span(other))),
        }
    }
    Ok(items)
}

fn plain(options: &WildcardAdditionalOptions) -> bool {
    options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
}

fn all<'a>(relation: &Relation, qualifier: Option<&str>, at: sqlparser::tokenizer::Span) -> Vec<Item<'a>> {
    let columns = relation.columns.iter().filter(|c| qualifier.is_none() || c.qualifier.as_deref() == qualifier);
    columns
        .map(|c| {
            let ident = |name: &str| sqlparser::ast::Ident::with_quote_and_span('`', at, name);
            let expr = match &c.qualifier {
                Some(q) => Expr::CompoundIdentifier(vec![ident(q), ident(&c.name)]),
                None => Expr::Identifier(ident(&c.name)),
            };
            Item {
                expr: Cow::Owned(expr),
                name: Some(c.name.clone()),
            }
        })
        .collect()
}

/// As Flink names it: the alias, the column or the field of a column, or `EXPR$n`.
pub(super) fn output_name(expr: &Expr, alias: Option<&String>, place: usize) -> String {
    match (alias, expr) {
        (Some(name), _) => name.clone(),
        (None, Expr::Identifier(i)) => i.value.clone(),
        (None, Expr::CompoundIdentifier(parts)) => parts.last().map_or_else(String::new, |p| p.value.clone()),
        (None, Expr::Nested(inner)) => output_name(inner, None, place),
        _ => format!("EXPR${place}"),
    }
}

/// The first aggregate that stands in an expression, and not in a query within it.
fn aggregate_in(expr: &Expr) -> Option<Span> {
    struct Find {
        found: Option<Span>,
        queries: usize,
    }
    impl sqlparser::ast::Visitor for Find {
        type Break = ();
        fn pre_visit_query(&mut self, _: &sqlparser::ast::Query) -> std::ops::ControlFlow<()> {
            self.queries += 1;
            std::ops::ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _: &sqlparser::ast::Query) -> std::ops::ControlFlow<()> {
            self.queries -= 1;
            std::ops::ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> std::ops::ControlFlow<()> {
            if let Expr::Function(f) = expr {
                let name = f.name.to_string().to_lowercase();
                if self.found.is_none() && self.queries == 0 && f.over.is_none() && millstream_functions::aggregate::NAMES.contains(&name.as_str()) {
                    self.found = Some(span(&f.name));
                }
            }
            std::ops::ControlFlow::Continue(())
        }
    }
    let mut find = Find { found: None, queries: 0 };
    let _ = sqlparser::ast::Visit::visit(expr, &mut find);
    find.found
}
