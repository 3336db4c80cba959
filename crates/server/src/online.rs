//! Asks what is outside whether a file's jobs can run: brokers, schema registries, stores. Nothing runs, and nothing is changed there.

use crate::catalogs::Catalogs;
use crate::run::RunOptions;
use crate::runner::Runner;
use millstream_dataflow::{Error, TableSpec};
use millstream_plan::{Job as Plan, NodeSpec, Settings};
use millstream_sql::{CompileOptions, Compiled, Declared, Diagnostic, Session, Step};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// All that is wrong with what the file's tables are read from and written to, and advice; with places in the whole text. Each table is asked
/// once for each way in which it is used. Must be called in a tokio runtime.
pub async fn ask(options: &RunOptions) -> Vec<Diagnostic> {
    let runner = Runner::new(&options.directory, &options.name);
    let (all, handle, registry) = (options.clone(), Handle::current(), runner.registry.clone());
    let planning = tokio::task::spawn_blocking(move || {
        let compile_options = CompileOptions {
            registry: &registry,
            catalogs: Some(&Catalogs::new(all.directory.clone(), handle)),
            variables: &all.variables,
            settings: &all.settings,
            job_name: Some(&all.name),
        };
        all.sources.compile(Session::new(all.defaults.clone()), &compile_options)
    });
    let compiled = match planning.await {
        Ok(Ok(compiled)) => compiled,
        Ok(Err(errors)) => return errors.iter().map(Diagnostic::from).collect(),
        Err(e) => return vec![Diagnostic::from(&Error::bug("planning ended early").source(e))],
    };
    let mut asking = JoinSet::new();
    for (table, is_written) in tables(&compiled) {
        let registry = runner.registry.clone();
        asking.spawn(async move { (registry.ask(&table, is_written).await, table, is_written) });
    }
    let placed = |e: Error| compiled.places.of(e, &Declared::default());
    let mut findings = Vec::new();
    let mut read = Vec::new();
    for (answer, table, is_written) in asking.join_all().await {
        match answer {
            Ok(Some(parts)) if !is_written => read.push((table, parts)),
            Ok(_) => {}
            Err(e) => findings.extend(e.apart().into_iter().map(|e| Diagnostic::from(&placed(e.of_table(&table.name))))),
        }
    }
    findings.extend(plans(&compiled).filter_map(|plan| more_than_read(plan, &read, &compiled)));
    findings.retain(|f| !compiled.allowed.allows(f));
    findings.sort_by_key(|f| f.primary.map(|span| span.start));
    findings
}

fn plans(compiled: &Compiled) -> impl Iterator<Item = &Plan> {
    compiled.steps.iter().filter_map(|step| match step {
        Step::Query(query) => Some(&query.plan),
        Step::Insert(plan) => Some(plan),
        _ => None,
    })
}

/// The tables that the file's plans use, and whether they write them.
fn tables(compiled: &Compiled) -> Vec<(Arc<TableSpec>, bool)> {
    let mut all: Vec<(Arc<TableSpec>, bool)> = Vec::new();
    for node in plans(compiled).flat_map(|plan| &plan.nodes) {
        let (table, is_written) = match &node.spec {
            NodeSpec::Source(source) => (source.table.spec(), false),
            NodeSpec::Sink(table) => (table.spec(), true),
            _ => continue,
        };
        if !all.iter().any(|(t, w)| (t.as_ref(), *w) == (&table, is_written)) {
            all.push((Arc::new(table), is_written));
        }
    }
    all
}

/// More subtasks were asked for than any of the plan's tables has parts that are read side by side.
///
/// - `read`: tables with their parts
fn more_than_read(plan: &Plan, read: &[(Arc<TableSpec>, usize)], compiled: &Compiled) -> Option<Diagnostic> {
    let parallelism = Settings::new(&plan.settings).ok()?.parallelism?;
    let sources: Vec<TableSpec> = plan
        .nodes
        .iter()
        .filter_map(|n| {
            if let NodeSpec::Source(source) = &n.spec {
                Some(source.table.spec())
            } else {
                None
            }
        })
        .collect();
    let parts = |table: &TableSpec| read.iter().find(|(t, _)| t.as_ref() == table).map(|(_, parts)| *parts);
    // Of others it is not known.
    let known = sources.iter().map(parts).collect::<Option<Vec<usize>>>()?;
    let (table, most) = sources.iter().zip(known).max_by_key(|(_, parts)| *parts)?;
    let at = compiled.places.of(Error::config("").of_table(&table.name), &Declared::default()).span?;
    millstream_sql::idle_subtasks(parallelism, &table.name, most, at)
}
