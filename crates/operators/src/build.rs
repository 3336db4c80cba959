//! A plan to an executable graph.

use crate::dead_letters::DeadLetterRows;
use crate::expand::Expand;
use crate::expression::{Evaluator, one_row};
use crate::filter::Filter;
use crate::project::{Project, Projection};
use crate::row_tests::row_tests;
use crate::scan::TableScan;
use crate::union::Union;
use crate::values::ValuesSource;
use crate::window::{LocalAggregate, WindowAggregateOperator, WindowAssign};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use millstream_dataflow::{
    Alignment, BadRecords, Connectors, Edge, Error, Graph, MakeOperator, Node as GraphNode, NodeKind, Operator, Result, Scan, Sink, SourceNode, SubtaskContext,
};
use millstream_plan::{Column, Expr, Job, Node, NodeSpec, RecordPolicy, SourceSpec, Value};
use std::sync::Arc;

/// Makes the graph of a job. What cannot be made is found here, before anything runs.
///
/// - `collect`: where the rows of a bare SELECT go
///
/// # Errors
/// `Corrupt` for a plan of another release, `Config` for a table its connector cannot serve.
pub fn build(job: &Job, connectors: &dyn Connectors, collect: Option<Arc<dyn Sink>>) -> Result<Graph> {
    let mut graph = Graph::default();
    for (index, node) in job.nodes.iter().enumerate() {
        let kind = match &node.spec {
            NodeSpec::Source(source) => NodeKind::Source(source_node(source, &node.columns, connectors)?),
            NodeSpec::Values(rows) => NodeKind::Source(values_node(rows, &node.columns)?),
            NodeSpec::Sink(table) => NodeKind::Sink(connectors.sink(&table.spec(), &node.id)?),
            NodeSpec::Collect => NodeKind::Sink(collect.clone().ok_or_else(|| Error::bug("nobody takes the rows of a query"))?),
            _ => NodeKind::Operator(operator(node)?),
        };
        graph.nodes.push(GraphNode {
            id: node.id.clone(),
            name: node.name.clone(),
            kind,
            parallelism: node.parallelism,
        });
        for (input, from) in node.inputs.iter().enumerate() {
            if from.node >= index {
                return Err(Error::corrupt("the nodes of a plan are not in order"));
            }
            graph.edges.push(Edge {
                from: from.node,
                port: from.port,
                to: index,
                input,
                exchange: from.exchange.clone(),
            });
        }
    }
    Ok(graph)
}

fn source_node(source: &SourceSpec, columns: &[Column], connectors: &dyn Connectors) -> Result<SourceNode> {
    TableScan::new(source, columns)?;
    let (spec, scan_columns) = (source.clone(), columns.to_vec());
    let mut table = source.table.spec();
    table.tests = row_tests(source);
    table.keep_records = source.route_late || source.on_error == RecordPolicy::Route;
    Ok(SourceNode {
        source: connectors.source(&table)?,
        scan: Arc::new(move || Ok(Box::new(TableScan::new(&spec, &scan_columns)?) as Box<dyn Scan>)),
        idle_timeout_ms: source.idle_timeout_ms,
        processing_time: source.processing_time,
        alignment: source.rowtime.as_ref().and_then(|r| r.alignment.as_ref()).map(|a| Alignment {
            group: a.group.clone(),
            max_drift_ms: a.max_drift_ms,
            update_interval_ms: a.update_interval_ms,
        }),
        table: source.table.name.clone(),
        bad_records: match source.on_error {
            RecordPolicy::Fail => BadRecords::Fail,
            RecordPolicy::Skip => BadRecords::Skip,
            RecordPolicy::Route => BadRecords::Route,
        },
        keep_origins: source.route_late,
    })
}

/// The one value of an expression that reads no columns.
///
/// # Errors
/// `Data` if it has none, as a cast of a text that is no number.
pub fn constant(expr: &Expr) -> Result<ArrayRef> {
    Evaluator::new(expr)?.evaluate(&one_row()?)
}

/// Inline rows go through a scan, too: one that changes nothing.
fn values_node(rows: &[Vec<Value>], columns: &[Column]) -> Result<SourceNode> {
    let column = |i: usize, c: &Column| -> Result<ArrayRef> {
        let values = rows.iter().map(|row| {
            let value = row.get(i).cloned().ok_or_else(|| Error::corrupt("inline rows differ in length"))?;
            constant(&Expr::Literal { value, ty: c.ty.clone() })
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        if values.is_empty() {
            return Ok(arrow_array::new_empty_array(&c.ty.ty.to_arrow()));
        }
        let parts: Vec<&dyn arrow_array::Array> = values.iter().map(|v| v.as_ref()).collect();
        Ok(arrow_select::concat::concat(&parts)?)
    };
    let arrays = columns.iter().enumerate().map(|(i, c)| column(i, c)).collect::<Result<Vec<_>>>()?;
    let schema = Column::schema(columns).to_arrow();
    let data = RecordBatch::try_new_with_options(schema, arrays, &RecordBatchOptions::new().with_row_count(Some(rows.len())))
        .map_err(|e| Error::corrupt("inline rows do not fit their columns").source(e))?;
    let (exprs, scan_columns): (Vec<Expr>, Vec<Column>) = ((0..columns.len()).map(Expr::Column).collect(), columns.to_vec());
    Ok(SourceNode {
        source: Arc::new(ValuesSource(data)),
        scan: Arc::new(move || Ok(Box::new(Unchanged(Projection::new(&exprs, &scan_columns)?)) as Box<dyn Scan>)),
        idle_timeout_ms: None,
        processing_time: false,
        alignment: None,
        table: "VALUES".to_string(),
        bad_records: BadRecords::Fail,
        keep_origins: false,
    })
}

struct Unchanged(Projection);

impl Scan for Unchanged {
    fn scan(&mut self, batch: millstream_dataflow::Batch, _arrived_ms: i64) -> Result<millstream_dataflow::Scanned> {
        Ok(millstream_dataflow::Scanned {
            batch: self.0.apply(&batch)?,
            candidates: None,
            event_times: None,
            bad: Vec::new(),
        })
    }
}

pub(crate) fn operator(node: &Node) -> Result<MakeOperator> {
    let node = node.clone();
    let make = move |context: &SubtaskContext| -> Result<Box<dyn Operator>> {
        let schema = || Column::schema(&node.columns).to_arrow();
        Ok(match &node.spec {
            NodeSpec::Project(exprs) => Box::new(Project(Projection::new(exprs, &node.columns)?)),
            NodeSpec::Filter(condition) => Box::new(Filter(Evaluator::new(condition)?)),
            NodeSpec::Union => Box::new(Union(schema())),
            NodeSpec::DeadLetters(of) => Box::new(DeadLetterRows {
                of: of.clone(),
                schema: schema(),
            }),
            NodeSpec::Expand { keys, sets } => Box::new(Expand {
                keys: keys.clone(),
                sets: sets.clone(),
                schema: schema(),
            }),
            NodeSpec::Window { window, time, zone, .. } => Box::new(WindowAssign::new(*window, *time, zone.as_deref(), schema())?),
            NodeSpec::LocalWindowAggregate(aggregate) => Box::new(LocalAggregate::new(aggregate, schema())?),
            NodeSpec::WindowAggregate { aggregate, input } => Box::new(WindowAggregateOperator::new(aggregate, *input, schema(), context)?),
            NodeSpec::Source(_) | NodeSpec::Values(_) | NodeSpec::Sink(_) | NodeSpec::Collect => return Err(Error::bug("sources and sinks are no operators")),
        })
    };
    // Made once now, so that a plan that cannot run is refused before anything starts.
    make(&SubtaskContext {
        subtask: 0,
        parallelism: 1,
        key_groups: millstream_dataflow::KeyGroupRange { start: 0, end: 1 },
        max_parallelism: 1,
    })?;
    Ok(Arc::new(make))
}
