//! INSERTs, alone or beside others in one job.

use super::{NODES_MAX, Text};
use crate::catalog::{Entry, follows};
use crate::expression::{cast, span};
use crate::graph::JobGraph;
use crate::lint;
use crate::parse::Insert;
use crate::relation::Bound;
use crate::routes::route;
use crate::targets::targets;
use millstream_dataflow::{Error, Result, Span, both};
use millstream_plan::{Job, NodeSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Text<'_> {
    /// A job of some INSERTs only.
    pub(super) fn alone(&self, inserts: &[Insert]) -> Result<Job> {
        let mut graph = JobGraph::default();
        let mut inserted = BTreeMap::new();
        for insert in inserts {
            self.insert_into(insert, &mut graph, &mut inserted)?;
        }
        Ok(graph.into_job(&self.job_name(), self.settings()))
    }

    pub(super) fn insert(&mut self, insert: &Insert) -> Result<()> {
        let (mut graph, mut inserted) = (std::mem::take(&mut self.inserts), std::mem::take(&mut self.inserted));
        let before = graph.nodes.len();
        let result = self.insert_into(insert, &mut graph, &mut inserted);
        if result.is_err() {
            graph.cut(before);
        }
        (self.inserts, self.inserted) = (graph, inserted);
        let name = result?;
        let number = self.inserted.get(&name).copied().unwrap_or(1);
        let prefix = if number == 1 { name.clone() } else { format!("{name}/{number}") };
        let (start, query) = (insert.span.start, span(insert.query.as_ref()));
        self.places.insert(
            prefix,
            Span {
                start,
                end: query.end.max(insert.span.end),
            },
        );
        self.first.get_or_insert(name);
        Ok(())
    }

    /// Adds an INSERT to a job; gives the table's name.
    fn insert_into(&self, insert: &Insert, graph: &mut JobGraph, inserted: &mut BTreeMap<String, usize>) -> Result<String> {
        let Entry::Table(mut table) = self.catalog.get_or_half(&insert.table, &self.catalog.current)? else {
            return Err(Error::sql(format!("\"{}\" is a view: rows cannot be inserted into it", insert.table))
                .code("E0205")
                .hint("insert into a table")
                .span(insert.table.span));
        };
        if let Some(hint) = self.hints.take(&insert.table, table.name()).filter(|_| table.is_whole()) {
            let hinted = table.with_options(&hint.options, self.options.registry);
            table = Arc::new(hinted.map_err(|e| hint.error(e))?);
        }
        let name = table.name().to_string();
        let number = inserted.entry(name.clone()).or_insert(0);
        *number += 1;
        let prefix = if *number == 1 { name.clone() } else { format!("{name}/{number}") };
        graph.begin(prefix.clone());
        if graph.nodes.len() > NODES_MAX {
            return Err(Error::sql(format!("the INSERTs before this one make a job of more than {NODES_MAX} nodes"))
                .code("E0103")
                .hint("put some of them into another file")
                .span(insert.table.span));
        }
        let relation = self.bind(&insert.query, graph);
        if !table.is_whole() {
            graph.refused = None;
            return targets(&relation?, &table.written_columns(), insert).and_then(|_| Err(follows()));
        }
        let (sink, relation) = both(table.sink(self.options.registry, insert.table.span), relation).inspect_err(|_| graph.refused = None)?;
        if graph.changes(relation.node) && !table.takes_changes(self.options.registry) {
            let connector = sink.options.get("connector").map_or("", String::as_str);
            return Err(Error::sql(format!(
                "table \"{}\" takes only inserts, the query gives updates and deletions, too",
                insert.table
            ))
            .code("E0411")
            .detail(format!("The connector '{connector}' writes changes in the format debezium-json only."))
            .hint("group the rows by windows, or write into a table that takes changes: 'format' = 'debezium-json', or 'connector' = 'print'")
            .span(insert.table.span));
        }
        let declared = table.written_columns();
        if insert.columns.is_empty() {
            let exchanged = lint::exchanged(&relation, &declared, &insert.table.to_string(), insert.table.span);
            graph.findings.extend(exchanged);
        }
        let columns = table.sink_columns();
        // Metadata goes to the connector's types by way of the declared ones.
        let exprs = targets(&relation, &declared, insert)?.into_iter().zip(&declared).zip(&columns);
        let to_sink = exprs.map(|((expr, from), to)| {
            let ty = from.ty.clone();
            cast(Bound { expr, ty }, to.ty.clone()).expr
        });
        let exprs = to_sink.collect();
        let project = graph.add("project", NodeSpec::Project(exprs), JobGraph::forward(relation.node), columns.clone());
        if let Some(refused) = graph.refused.take() {
            return Err(refused);
        }
        let (input, parallelism) = table.sink_input(&sink, project, &columns, graph.changes(project), insert.table.span)?;
        let spec = NodeSpec::Sink(sink);
        graph.push(format!("{prefix}:sink"), name.clone(), spec, input, columns, parallelism);
        route(&self.catalog, self.options.registry, graph)?;
        Ok(name)
    }
}
