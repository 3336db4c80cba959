//! TUMBLE and HOP as table functions.

use super::table_factor::idents;
use super::{Planner, node_columns};
use crate::catalog::Entry;
use crate::diagnostic::unsupported;
use crate::expression::{interval_ms, span};
use crate::lint::many_windows;
use crate::parse::span_of;
use crate::relation::{BOUNDS, Cut, Pending, Relation, ScopeColumn, WindowPart, find};
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result, Span, SqlType};
use millstream_plan::{NodeSpec, Type, Window};
use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, WindowType};

impl Planner<'_> {
    pub(super) fn window_function(&mut self, name: &ObjectName, args: &[FunctionArg], at: Span) -> Result<Relation> {
        let kind = name.to_string().to_uppercase();
        let (parameters, required): (&[&str], usize) = match kind.as_str() {
            "TUMBLE" => (&["DATA", "TIMECOL", "SIZE", "OFFSET"], 3),
            "HOP" => (&["DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"], 4),
            "CUMULATE" | "SESSION" => return Err(unsupported(&kind, span(name))),
            _ => {
                return Err(match nearest(&kind, ["TUMBLE", "HOP"]) {
                    Some(near) => Error::sql(format!("the function {kind} does not exist"))
                        .code("E0207")
                        .span(span(name))
                        .meant(near, near),
                    None => unsupported(format!("the table function {name}"), span(name)),
                });
            }
        };
        let args = arrange(&kind, args, parameters, required, at)?;
        let (Some(data), Some(time)) = (args[0], args[1]) else {
            return Err(Error::bug("required arguments are missing"));
        };
        let time = descriptor(time)?;
        let at_time = span_of(time.span);
        let mark = self.graph.mark();
        let mut relation = self.data(data)?;
        let mut index = find(&relation.columns, None, &time.value, at_time)?;
        if relation.columns[index].proctime && !self.processing_time {
            // The same once more, by the clock.
            self.graph.back_to(mark);
            self.processing_time = true;
            let again = self.data(data);
            self.processing_time = false;
            relation = again?;
            index = find(&relation.columns, None, &time.value, at_time)?;
        }
        let column = &relation.columns[index];
        if !column.rowtime {
            let of = column.qualifier.as_ref().map_or(String::new(), |table| format!(" of \"{table}\""));
            let mut e = Error::sql(format!(
                "\"{}\"{of} is {}, but no event time: windows need a column with a watermark",
                column.name, column.ty.ty
            ))
            .code("E0402")
            .span(at_time);
            if let Some(place) = self.declared(data, &column.name) {
                e = e.label(place, "declared here");
            }
            if column.window.is_some() && relation.columns.iter().any(|c| c.rowtime && c.name == BOUNDS[2]) {
                return Err(e.hint("window_time is the event time behind a window"));
            }
            if !column.ty.ty.is_time_attribute() {
                let events = relation.columns.iter().find(|c| c.rowtime);
                return Err(e.hint(match events {
                    Some(c) => format!("the event time here is \"{}\"", c.name),
                    None => "it is a TIMESTAMP(3) or TIMESTAMP_LTZ(3) that CREATE TABLE declares a WATERMARK for".to_string(),
                }));
            }
            return Err(e.hint(format!(
                "declare one in CREATE TABLE: WATERMARK FOR {0} AS {0} - INTERVAL '5' SECOND; casts, functions and earlier windows make a column lose it. A column AS PROCTIME() needs none, as it is",
                column.name
            )));
        }
        let length = |i: usize| args.get(i).copied().flatten().map(interval_ms).transpose();
        let place = |i: usize| args.get(i).copied().flatten().map_or(at, span);
        let positive = |i: usize, what: &str| -> Result<i64> {
            match length(i)? {
                Some(ms) if ms > 0 => Ok(ms),
                _ => Err(Error::sql(format!("the {what} of a window must be longer than zero"))
                    .code("E0404")
                    .span(place(i))),
            }
        };
        let window = if kind == "TUMBLE" {
            Window::Tumble {
                size_ms: positive(2, "size")?,
                offset_ms: length(3)?.unwrap_or(0),
            }
        } else {
            let (slide_ms, size_ms) = (positive(2, "slide")?, positive(3, "size")?);
            if size_ms % slide_ms != 0 {
                return Err(
                    Error::sql(format!("the size of a HOP ({size_ms} ms) must be a multiple of its slide ({slide_ms} ms)"))
                        .code("E0403")
                        .hint("the slide comes first: HOP(…, slide, size)")
                        .span(place(3)),
                );
            }
            self.graph.findings.extend(many_windows(slide_ms, size_ms, at));
            Window::Hop {
                slide_ms,
                size_ms,
                offset_ms: length(4)?.unwrap_or(0),
            }
        };
        let cut = Cut {
            window,
            ltz: matches!(column.ty.ty, SqlType::TimestampLtz(_)),
        };
        // Only window_time is an event time from here on.
        relation.columns.iter_mut().for_each(|c| {
            c.rowtime = false;
            c.proctime = false;
            c.window = None;
        });
        for (part, name) in [WindowPart::Start, WindowPart::End, WindowPart::Time].into_iter().zip(BOUNDS) {
            let ty = if part == WindowPart::Time {
                cut.window_time()
            } else {
                Type::new(SqlType::Timestamp(3), false)
            };
            relation.columns.push(ScopeColumn {
                qualifier: None,
                name: name.to_string(),
                ty,
                rowtime: part == WindowPart::Time,
                proctime: false,
                window: Some((part, cut)),
                is_unknown: false,
            });
        }
        relation.pending = Some(Pending { cut, time: index });
        Ok(relation)
    }

    /// Gives each row its windows.
    pub(super) fn assign_windows(&mut self, mut relation: Relation) -> Result<Relation> {
        let Some(Pending { cut, time }) = relation.pending.take() else {
            return Ok(relation);
        };
        let columns = node_columns(&relation.columns);
        let spec = NodeSpec::Window {
            window: cut.window,
            time,
            window_time: cut.window_time(),
            zone: None,
        };
        relation.node = self.forward("window", spec, relation.node, columns);
        Ok(relation)
    }

    /// Where a column of the table that a window function reads is declared.
    fn declared(&self, data: &Expr, column: &str) -> Option<Span> {
        let Expr::Function(f) = data else { return None };
        let parts = match argument(f)? {
            Expr::Identifier(i) => std::slice::from_ref(i),
            Expr::CompoundIdentifier(parts) => parts,
            _ => return None,
        };
        let Entry::Table(table) = self.catalog.get(&idents(parts).ok()?, &self.place).ok()? else {
            return None;
        };
        let declared = table.definition().columns.iter().find(|c| c.name == column)?;
        Some(declared.span)
    }

    /// `TABLE t`, or a subquery.
    fn data(&mut self, expr: &Expr) -> Result<Relation> {
        let at = span(expr);
        let not_a_table = || {
            Error::sql(format!("expected TABLE and a name, found {expr}"))
                .code("E0102")
                .hint("as in TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE)")
                .span(at)
        };
        let relation = match expr {
            Expr::Function(f) if f.name.to_string() == "TABLE" => {
                if let Some(WindowType::WindowSpec(spec)) = &f.over {
                    return Err(unsupported("PARTITION BY in a window function", spec.partition_by.first().map_or(at, span)));
                }
                match argument(f) {
                    Some(Expr::Identifier(i)) => self.named(&idents(std::slice::from_ref(i))?)?,
                    Some(Expr::CompoundIdentifier(parts)) => self.named(&idents(parts)?)?,
                    _ => return Err(not_a_table()),
                }
            }
            Expr::Subquery(query) => self.query(query)?,
            _ => return Err(not_a_table()),
        };
        if relation.pending.is_some() {
            self.assign_windows(relation)
        } else {
            Ok(relation)
        }
    }
}

/// The one plain argument of a call.
fn argument(f: &sqlparser::ast::Function) -> Option<&Expr> {
    match &f.args {
        FunctionArguments::List(list) => match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(e))] => Some(e),
            _ => None,
        },
        _ => None,
    }
}

/// The column of `DESCRIPTOR(column)`.
fn descriptor(expr: &Expr) -> Result<&Ident> {
    match expr {
        Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("DESCRIPTOR") => match argument(f) {
            Some(Expr::Identifier(column)) => Some(column),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(|| {
        let e = Error::sql(format!("expected DESCRIPTOR(column), found {expr}")).code("E0102");
        e.hint("the event time, as a name: DESCRIPTOR(ts)").span(span(expr))
    })
}

/// Arguments in the order of the parameters, from positions or names.
fn arrange<'a>(kind: &str, args: &'a [FunctionArg], parameters: &[&str], required: usize, at: Span) -> Result<Vec<Option<&'a Expr>>> {
    let mut arranged = vec![None; parameters.len()];
    let usage = || format!("{kind}({})", parameters.iter().map(|p| p.to_lowercase()).collect::<Vec<_>>().join(", "));
    for (i, arg) in args.iter().enumerate() {
        let (place, value) = match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => (Some(i).filter(|i| *i < parameters.len()), e),
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(e),
                operator: _,
            } => (parameters.iter().position(|p| name.value.eq_ignore_ascii_case(p)), e),
            other => return Err(Error::sql(format!("{kind} does not take \"{other}\"")).code("E0304").hint(usage()).span(at)),
        };
        let Some(place) = place.filter(|p| arranged[*p].is_none()) else {
            return Err(Error::sql(format!("{kind} does not take \"{arg}\" here"))
                .code("E0304")
                .hint(usage())
                .span(span(value)));
        };
        arranged[place] = Some(value);
    }
    if let Some(missing) = arranged[..required].iter().position(Option::is_none) {
        return Err(Error::sql(format!("{kind} lacks its {}", parameters[missing].to_lowercase()))
            .code("E0304")
            .hint(usage())
            .span(at));
    }
    Ok(arranged)
}
