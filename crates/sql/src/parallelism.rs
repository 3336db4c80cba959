//! How many subtasks a source or a sink has, where its table says so; and how rows find them.

use millstream_dataflow::{Error, Exchange, Result};
use millstream_plan::{Column, Input, Node, NodeSpec, TableDef};
use std::collections::BTreeMap;

pub(crate) const SCAN: &str = "scan.parallelism";
pub(crate) const SINK: &str = "sink.parallelism";

/// The most that a job can have.
const SUBTASKS_MAX: u32 = 32_768;

/// What an option asks for.
///
/// # Errors
/// `Config` unless it is a number of subtasks.
pub(crate) fn of(options: &BTreeMap<String, String>, key: &str) -> Result<Option<u32>> {
    let Some(value) = options.get(key) else { return Ok(None) };
    match value.trim().parse() {
        Ok(n @ 1..=SUBTASKS_MAX) => Ok(Some(n)),
        _ => Err(Error::config(format!(
            "option '{key}' has the value '{value}', expected a number of subtasks, 1 to {SUBTASKS_MAX}"
        ))
        .code("E0502")),
    }
}

/// Changes of a row stay in their order only where they stay together.
///
/// # Errors
/// `Config` for a source of changes with subtasks of its own.
pub(crate) fn of_source(table: &TableDef, changes: bool) -> Result<Option<u32>> {
    let n = of(&table.options, SCAN)?;
    if n.is_some() && changes {
        let e = Error::config(format!(
            "'{SCAN}' is not for table \"{}\", whose rows are updates and deletions, too",
            table.name
        ))
        .code("E0502");
        return Err(e.hint("leave it out: changes of a row stay in order in the subtask that reads them"));
    }
    Ok(n)
}

/// The input of a sink, and how many subtasks it has.
///
/// # Errors
/// `Config` for a number that is none, and for changes of a table without a primary key, as in Flink.
pub(crate) fn of_sink(table: &TableDef, node: usize, columns: &[Column], changes: bool) -> Result<(Vec<Input>, Option<u32>)> {
    let n = of(&table.options, SINK)?;
    let key = || {
        table
            .primary_key
            .iter()
            .map(|k| columns.iter().position(|c| c.name == *k))
            .collect::<Option<Vec<_>>>()
    };
    let exchange = match n {
        None => Exchange::Forward,
        Some(1) => Exchange::Singleton,
        Some(_) if !changes => Exchange::Rebalance,
        Some(_) => Exchange::Hash(key().filter(|k| !k.is_empty()).ok_or_else(|| {
            let e = Error::config(format!(
                "'{SINK}' of table \"{}\" needs a primary key: its rows are updates and deletions, too",
                table.name
            ))
            .code("E0502");
            e.hint("declare PRIMARY KEY (…) NOT ENFORCED, so that the changes of a row stay in order in one subtask, or set it to '1'")
        })?),
    };
    Ok((vec![Input::main(node, exchange)], n))
}

/// What reads a source with subtasks of its own gets its rows in turn.
pub(crate) fn spread(nodes: &mut [Node]) {
    let own = |n: &Node| matches!(n.spec, NodeSpec::Source(_)) && n.parallelism.is_some();
    let own: Vec<bool> = nodes.iter().map(own).collect();
    let inputs = nodes.iter_mut().flat_map(|n| &mut n.inputs);
    for input in inputs.filter(|i| own[i.node] && i.exchange == Exchange::Forward) {
        input.exchange = Exchange::Rebalance;
    }
}
