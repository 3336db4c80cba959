//! How a query's columns go into a table's: by position or by name, with the casts that nobody has to write.

use crate::expression::{cast, counted, span};
use crate::parse::Insert;
use crate::relation::{Bound, Relation};
use crate::show::name_written;
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result, Span, SqlType, each};
use millstream_functions::types::{common, is_numeric, is_text, is_timestamp};
use millstream_plan::{Column, Expr, Type};
use sqlparser::ast::{Query, SelectItem, SetExpr};

/// The query's columns as the sink wants them: by position, or by the names of a column list.
pub(crate) fn targets(relation: &Relation, columns: &[Column], insert: &Insert) -> Result<Vec<Expr>> {
    let shapes = || {
        let text = |c: Vec<(String, String)>| c.into_iter().map(|(n, t)| format!("{n} {t}")).collect::<Vec<_>>().join(", ");
        format!(
            "the query gives ({}), \"{}\" takes ({})",
            text(relation.columns.iter().map(|c| (c.name.clone(), c.ty.to_string())).collect()),
            insert.table,
            text(
                columns
                    .iter()
                    .map(|c| (c.name.clone(), if c.ty.ty == SqlType::Null { "?".to_string() } else { c.ty.to_string() }))
                    .collect()
            )
        )
    };
    // Per sink column the query's column.
    let mut from: Vec<Option<usize>> = (0..columns.len()).map(Some).collect();
    let given = if insert.columns.is_empty() { columns.len() } else { insert.columns.len() };
    if relation.columns.len() != given {
        let message = format!("the query gives {}, the table takes {given}", counted(relation.columns.len(), "column"));
        return Err(Error::sql(message)
            .code("E0305")
            .detail(shapes())
            .span(output_span(&insert.query, None).unwrap_or(insert.table.span)));
    }
    if !insert.columns.is_empty() {
        from = vec![None; columns.len()];
        let place = |(name, span): &(String, Span)| {
            columns.iter().position(|c| c.name == *name).ok_or_else(|| {
                let e = Error::sql(format!("\"{}\" has no column \"{name}\" to insert into", insert.table))
                    .code("E0202")
                    .span(*span);
                let names = || columns.iter().map(|c| c.name.as_str());
                match nearest(name, names()) {
                    Some(near) => e.meant(format!("\"{near}\""), name_written(near)),
                    None => e.hint(format!("there are: {}", names().collect::<Vec<_>>().join(", "))),
                }
            })
        };
        let places = each(insert.columns.iter().map(place))?;
        for (i, ((name, span), place)) in insert.columns.iter().zip(places).enumerate() {
            if from[place].replace(i).is_some() {
                return Err(Error::sql(format!("column \"{name}\" is listed twice")).code("E0209").span(*span));
            }
        }
    }
    let mut told = false;
    each(columns.iter().zip(from).map(|(column, from)| {
        let bound = match from {
            Some(i) => Bound {
                expr: Expr::Column(i),
                ty: relation.columns[i].ty.clone(),
            },
            None if column.ty.nullable => Bound {
                expr: Expr::Literal {
                    value: millstream_plan::Value::Null,
                    ty: column.ty.clone(),
                },
                ty: column.ty.clone(),
            },
            None => {
                return Err(Error::sql(format!("column \"{}\" is NOT NULL and gets no value", column.name))
                    .code("E0305")
                    .hint("add it to the list of columns")
                    .span(insert.table.span));
            }
        };
        // The type of one that is declared wrongly is not known.
        let is_known = column.ty.ty != SqlType::Null;
        if is_known && !fits(&bound.ty.ty, &column.ty.ty) {
            let e = Error::sql(format!("column \"{}\" is {}, the query gives {}", column.name, column.ty.ty, bound.ty.ty)).code("E0305");
            let e = e
                .hint("cast it in the query")
                .span(output_span(&insert.query, from).unwrap_or(insert.table.span));
            // Both lists are the same for all of them.
            return Err(if std::mem::replace(&mut told, true) { e } else { e.detail(shapes()) });
        }
        Ok(cast(bound, Type::new(column.ty.ty.clone(), true)).expr)
    }))
}

/// Where an output column of a query stands, or the list of them; `None` where they are not written out.
fn output_span(query: &Query, column: Option<usize>) -> Option<Span> {
    let list: Vec<Span> = match query.body.as_ref() {
        SetExpr::Select(select) => {
            let written = |item: &SelectItem| match item {
                SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => Some(span(e)),
                _ => None,
            };
            select.projection.iter().map(written).collect::<Option<_>>()?
        }
        SetExpr::Values(values) => values.rows.first()?.content.iter().map(span).collect(),
        SetExpr::Query(query) => return output_span(query, column),
        _ => return None,
    };
    let found = match column {
        Some(column) => *list.get(column)?,
        None => Span {
            start: list.first()?.start,
            end: list.last()?.end,
        },
    };
    (found.start.line > 0).then_some(found)
}

/// The same for what is inside: the fields of a ROW by position.
fn inside_fits(from: &SqlType, to: &SqlType) -> bool {
    match (from, to) {
        (SqlType::Row(a), SqlType::Row(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| fits(&a.ty, &b.ty)),
        (SqlType::Array(a), SqlType::Array(b)) => fits(&a.ty, &b.ty),
        (SqlType::Map(k1, v1), SqlType::Map(k2, v2)) => fits(&k1.ty, &k2.ty) && fits(&v1.ty, &v2.ty),
        (SqlType::Multiset(_), SqlType::Multiset(_)) => from.to_arrow() == to.to_arrow(),
        _ => false,
    }
}

/// Integers go into wider ones, and all numbers into DECIMAL, as in Flink: what does not fit there is an error of its row.
fn is_wider_number(from: &SqlType, to: &SqlType) -> bool {
    is_numeric(from)
        && match to {
            SqlType::Decimal(..) | SqlType::Double => true,
            SqlType::Float => *from != SqlType::Double,
            _ => is_numeric(to) && common(from, to).as_ref() == Some(to),
        }
}

/// Whether values of one type go into a column of another without being asked.
pub(crate) fn fits(from: &SqlType, to: &SqlType) -> bool {
    from == to
        || *from == SqlType::Null
        || (is_text(from) && is_text(to))
        || (is_timestamp(from) && is_timestamp(to))
        || is_wider_number(from, to)
        || (matches!(from, SqlType::Timestamp(_)) && matches!(to, SqlType::Date | SqlType::Time(_)))
        || inside_fits(from, to)
        || (matches!(from, SqlType::Time(_)) && matches!(to, SqlType::Time(_)))
        || matches!((from, to), (SqlType::Binary(n) | SqlType::VarBinary(n), SqlType::VarBinary(m)) if n <= m)
}
