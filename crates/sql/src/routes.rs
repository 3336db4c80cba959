//! `'on-error' = 'route'` and `'on-late' = 'route'`: records that are no rows, and rows that came too late, go into a table.

use crate::catalog::{Catalog, Entry, Place, is_a};
use crate::expression::cast;
use crate::graph::JobGraph;
use crate::parse::{CreateTable, ObjectPath};
use crate::relation::Bound;
use crate::targets::fits;
use millstream_dataflow::{Error, Exchange, Output, Port, Registry, Result, SqlType, dead_letter};
use millstream_plan::{AggregateInput, Column, DeadLetters, Expr, Input, NodeSpec, Type};

const ON_ERROR: &str = "on-error";
const ON_LATE: &str = "on-late";

/// The tables that a table's dead letters go to; names without catalog or database are those beside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes {
    pub(crate) bad: Option<ObjectPath>,
    pub(crate) late: Option<ObjectPath>,
}

impl Routes {
    /// What the options say.
    pub(crate) fn new(create: &CreateTable, errors: &mut Vec<Error>) -> Routes {
        let mut to = |policy: &str| {
            let option = |key: &str| create.options.iter().find(|o| o.key == key);
            let table_key = format!("{policy}.table");
            let routes = option(policy).filter(|o| o.value == "route");
            match (routes, option(&table_key)) {
                (Some(route), None) => {
                    let e = Error::config(format!("'{policy}' = 'route' needs the option '{table_key}'")).code("E0503");
                    errors.push(
                        e.hint(format!("add '{table_key}' = 'dead_letters', a table with some of the columns {}", names()))
                            .span(route.span),
                    );
                    None
                }
                (None, Some(table)) => {
                    let e = Error::config(format!("'{table_key}' has no effect without '{policy}' = 'route'")).code("E0502");
                    errors.push(e.span(table.span));
                    None
                }
                (Some(_), Some(table)) => Some(ObjectPath {
                    parts: table.value.split('.').map(|part| part.trim_matches('`').to_string()).collect(),
                    span: table.span,
                }),
                (None, None) => None,
            }
        };
        let routes = Routes {
            bad: to(ON_ERROR),
            late: to(ON_LATE),
        };
        if let (Some(late), None) = (&routes.late, &create.watermark) {
            let e = Error::config(format!("'{ON_LATE}' has no effect on a table without WATERMARK: no row of it is late")).code("E0502");
            errors.push(e.span(late.span));
        }
        routes
    }
}

fn names() -> String {
    dead_letter::schema().fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Adds what takes the dead letters of a job's sources and operators to their tables, where that is missing.
///
/// # Errors
/// `Sql` for a table that is not there or has other columns than a dead letter.
pub(crate) fn route(catalog: &Catalog<'_>, registry: &dyn Registry, graph: &mut JobGraph) -> Result<()> {
    for (source, (routes, place)) in graph.routes.clone() {
        let Some(node) = graph.nodes.get(source) else { continue };
        let NodeSpec::Source(spec) = &node.spec else { continue };
        let table = spec.table.name.clone();
        let time = match spec.rowtime.as_ref().map(|r| &node.columns[r.column].ty.ty) {
            Some(SqlType::Timestamp(_)) => SqlType::Timestamp(3),
            _ => SqlType::TimestampLtz(3),
        };
        let mut letters = Vec::new();
        if let Some(to) = &routes.bad {
            letters.push((source, Output::REJECTED, DeadLetters::Rejected, to));
        }
        if let Some(to) = &routes.late {
            let judges = |n: &usize| {
                matches!(
                    graph.nodes[*n].spec,
                    NodeSpec::WindowAggregate {
                        input: AggregateInput::Rows,
                        ..
                    }
                )
            };
            let operators = (0..graph.nodes.len()).filter(judges).filter(|n| graph.sources_of(*n).contains(&source));
            letters.extend(operators.map(|n| (n, Output::LATE, DeadLetters::Late { table: table.clone() }, to)));
        }
        for (from, port, of, to) in letters {
            add(catalog, registry, graph, Letters { from, port, of, time: &time }, (to, &place))?;
        }
    }
    Ok(())
}

/// The dead letters that come to a port of a node.
struct Letters<'a> {
    from: usize,
    port: Port,
    of: DeadLetters,
    time: &'a SqlType,
}

fn add(catalog: &Catalog<'_>, registry: &dyn Registry, graph: &mut JobGraph, letters: Letters<'_>, (to, place): (&ObjectPath, &Place)) -> Result<()> {
    let input = Input {
        node: letters.from,
        port: letters.port,
        exchange: Exchange::Forward,
    };
    let spec = NodeSpec::DeadLetters(letters.of);
    if graph.nodes.iter().any(|n| n.spec == spec && n.inputs.first() == Some(&input)) {
        return Ok(());
    }
    let missing = |e: Error| match e.code {
        Some("E0201") if e.hint.is_none() => e.hint(format!("make it first, with some of the columns {}", names())),
        _ => e,
    };
    let Entry::Table(table) = catalog.get(to, place).map_err(missing)? else {
        return Err(is_a(to, "view", "dead letters go into a table"));
    };
    let sink = table.sink(registry, to.span)?;
    let columns: Vec<Column> = dead_letter::schema()
        .fields
        .into_iter()
        .map(|f| {
            let is_time = matches!(f.name.as_str(), "event_time" | "watermark");
            Column::new(f.name, if is_time { letters.time.clone() } else { f.ty }, f.nullable)
        })
        .collect();
    let targets = table.sink_columns();
    let exprs = targets.iter().map(|target| field(target, &columns, to)).collect::<Result<Vec<_>>>()?;
    let name = sink.name.clone();
    let prefix = format!("{name}/{}", graph.nodes[letters.from].id);
    graph.begin(prefix.clone());
    let node = graph.push(format!("{prefix}:dead_letters"), "dead_letters".to_string(), spec, vec![input], columns, None);
    let project = graph.add("project", NodeSpec::Project(exprs), JobGraph::forward(node), targets.clone());
    let (input, parallelism) = table.sink_input(&sink, project, &targets, false, to.span)?;
    graph.push(format!("{prefix}:sink"), name, NodeSpec::Sink(sink), input, targets, parallelism);
    Ok(())
}

/// What a column of the table takes of a dead letter.
fn field(target: &Column, columns: &[Column], to: &ObjectPath) -> Result<Expr> {
    let Some(place) = columns.iter().position(|c| c.name == target.name) else {
        let e = Error::sql(format!("a dead letter has no column \"{}\", which \"{to}\" has", target.name)).code("E0202");
        return Err(e.hint(format!("it has: {}", names())).span(to.span));
    };
    let ty = columns[place].ty.clone();
    if !fits(&ty.ty, &target.ty.ty) {
        let e = Error::sql(format!(
            "column \"{}\" of \"{to}\" is {}, a dead letter has {}",
            target.name, target.ty.ty, ty.ty
        ))
        .code("E0305");
        return Err(e.span(to.span));
    }
    if ty.nullable && !target.ty.nullable {
        let e = Error::sql(format!("column \"{}\" of \"{to}\" is NOT NULL, of a dead letter it may be NULL", target.name)).code("E0305");
        return Err(e.span(to.span));
    }
    let value = Bound { expr: Expr::Column(place), ty };
    Ok(cast(value, Type::new(target.ty.ty.clone(), true)).expr)
}
