//! What may stand in FROM: tables, views, WITH names, subqueries, window functions.

use super::select::join;
use super::{Planner, VIEWS_DEEP_MAX, VIEWS_READ_MAX, rename};
use crate::catalog::{Entry, is_a};
use crate::diagnostic::unsupported;
use crate::expression::span;
use crate::parse::{ObjectPath, span_of};
use crate::relation::Relation;
use crate::stored::at_name;
use millstream_dataflow::{Error, Result, Span};
use sqlparser::ast::{Expr, FunctionArguments, Ident, ObjectName, TableAlias, TableFactor};
use std::sync::Arc;

impl Planner<'_> {
    pub(super) fn factor(&mut self, factor: &TableFactor) -> Result<Relation> {
        let at = span(factor);
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } => {
                if let Some(version) = version {
                    return Err(unsupported(format!("{version}").trim(), at));
                }
                if !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty() {
                    return Err(unsupported("this form of naming a table", at));
                }
                let relation = self.named(&path(name)?)?;
                aliased(relation, alias.as_ref(), at)
            }
            TableFactor::Table {
                name,
                alias,
                args: Some(args),
                with_hints: _,
                version: None,
                with_ordinality: false,
                ..
            } => {
                if args.settings.is_some() {
                    return Err(unsupported("SETTINGS", at));
                }
                let relation = self.window_function(name, &args.args, at)?;
                aliased(relation, alias.as_ref(), at)
            }
            TableFactor::Function {
                lateral: false,
                name,
                args,
                with_ordinality: false,
                alias,
            } => {
                let relation = self.window_function(name, args, at)?;
                aliased(relation, alias.as_ref(), at)
            }
            TableFactor::TableFunction {
                expr: Expr::Function(f),
                alias,
            } => {
                let FunctionArguments::List(list) = &f.args else {
                    return Err(unsupported("this table function", at));
                };
                if f.over.is_some() || f.filter.is_some() || !list.clauses.is_empty() {
                    return Err(unsupported("this form of a table function", at));
                }
                let relation = self.window_function(&f.name, &list.args, at)?;
                aliased(relation, alias.as_ref(), at)
            }
            TableFactor::Derived {
                lateral: false,
                subquery,
                alias,
                sample: None,
            } => {
                let mut relation = self.query(subquery)?;
                relation.columns.iter_mut().for_each(|c| c.qualifier = None);
                aliased(relation, alias.as_ref(), at)
            }
            TableFactor::NestedJoin { table_with_joins, alias } if table_with_joins.joins.is_empty() => {
                let relation = self.factor(&table_with_joins.relation)?;
                aliased(relation, alias.as_ref(), at)
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                let first = table_with_joins.joins.first();
                Err(unsupported(
                    first.map_or("JOIN", |j| join(&j.join_operator)),
                    first.map_or(at, |j| span(&j.relation)),
                ))
            }
            TableFactor::Derived { .. } | TableFactor::Function { lateral: true, .. } => Err(unsupported("LATERAL", at)),
            TableFactor::UNNEST { .. } => Err(unsupported("UNNEST", at)),
            TableFactor::MatchRecognize { .. } => Err(unsupported("MATCH_RECOGNIZE", at)),
            TableFactor::Pivot { .. } => Err(unsupported("PIVOT", at)),
            TableFactor::Unpivot { .. } => Err(unsupported("UNPIVOT", at)),
            TableFactor::Table { sample: Some(_), .. } => Err(unsupported("TABLESAMPLE", at)),
            _ => Err(unsupported("this kind of table", at)),
        }
    }

    /// A table, view or WITH name.
    pub(crate) fn named(&mut self, path: &ObjectPath) -> Result<Relation> {
        if let [name] = path.parts.as_slice()
            && let Some(relation) = self.cte(name)
        {
            return Ok(relation);
        }
        let entry = self.catalog.get_or_half(path, &self.place)?;
        let full = self.catalog.resolve(path, &self.place)?;
        let name = full.name.clone();
        let hint = self.hints.take(path, &full.short());
        match entry {
            Entry::Table(table) => {
                let table = match hint.filter(|_| table.is_whole()) {
                    Some(hint) => Arc::new(table.with_options(&hint.options, self.registry).map_err(|e| hint.error(e))?),
                    None => table,
                };
                let relation = table.scan(self.registry, self.settings, self.graph, path.span, self.processing_time)?;
                self.graph.routes.insert(relation.node, (table.routes.clone(), full.place()));
                Ok(relation.aliased(&name))
            }
            Entry::View(view) => {
                if let Some(hint) = hint {
                    return Err(is_a(path, "view", "give the options to the tables it reads").span(hint.span));
                }
                if self.views.contains(&full) {
                    return Err(Error::sql(format!("view \"{name}\" reads itself")).code("E0208").span(path.span));
                }
                self.views_read += 1;
                let too_many = if self.views.len() >= VIEWS_DEEP_MAX {
                    Some(format!("views read each other more than {VIEWS_DEEP_MAX} deep"))
                } else {
                    (self.views_read > VIEWS_READ_MAX).then(|| format!("the statement reads views more than {VIEWS_READ_MAX} times"))
                };
                if let Some(message) = too_many {
                    return Err(Error::sql(message).code("E0103").span(path.span));
                }
                self.views.push(full);
                // A view sees no WITH names of the query that uses it, and its names are those of where it was made.
                let outer = std::mem::take(&mut self.ctes);
                let here = std::mem::replace(&mut self.place, view.place.clone());
                let relation = self.query(&view.create.query);
                (self.ctes, self.place) = (outer, here);
                self.views.pop();
                // What is too much is so for the statement, whichever view is the last straw.
                let relation = relation.map_err(Error::alone).map_err(|e| match &view.location {
                    Some(location) => at_name(e, location, path.span),
                    None if e.code == Some("E0103") || e.span.is_none_or(|s| self.hints.is_elsewhere(s)) => e.span(path.span),
                    None => e,
                });
                Ok(rename(relation?, &view.create.columns, path.span)?.aliased(&name))
            }
        }
    }
}

fn aliased(relation: Relation, alias: Option<&TableAlias>, at: Span) -> Result<Relation> {
    let Some(alias) = alias else { return Ok(relation) };
    if alias.at.is_some() || alias.columns.iter().any(|c| c.data_type.is_some()) {
        return Err(unsupported("this form of an alias", at));
    }
    let names: Vec<String> = alias.columns.iter().map(|c| c.name.value.clone()).collect();
    Ok(rename(relation, &names, at)?.aliased(&is_name(&alias.name)?.value))
}

/// sqlparser takes texts for names.
pub(super) fn is_name(ident: &Ident) -> Result<&Ident> {
    match ident.quote_style {
        Some('\'') => Err(Error::sql(format!("'{}' is a text, and no name", ident.value))
            .code("E0102")
            .hint(format!("a name stands in back-quotes: `{}`", ident.value))
            .span(span_of(ident.span))),
        _ => Ok(ident),
    }
}

pub(super) fn path(name: &ObjectName) -> Result<ObjectPath> {
    let parts = name.0.iter().map(|p| p.as_ident().cloned()).collect::<Option<Vec<Ident>>>();
    let parts = parts.ok_or_else(|| Error::sql(format!("\"{name}\" is no table name")).code("E0102").span(span(name)))?;
    idents(&parts)
}

/// A name of identifiers.
pub(super) fn idents(parts: &[Ident]) -> Result<ObjectPath> {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return Err(Error::bug("a name without parts"));
    };
    parts.iter().try_for_each(|p| is_name(p).map(|_| ()))?;
    Ok(ObjectPath {
        parts: parts.iter().map(|p| p.value.clone()).collect(),
        span: Span {
            start: span_of(first.span).start,
            end: span_of(last.span).end,
        },
    })
}
