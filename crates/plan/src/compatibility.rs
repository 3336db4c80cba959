//! Whether a checkpoint of one plan can continue under another.

use crate::{Job, Node, NodeSpec};
use std::collections::BTreeMap;

/// The operators in which two plans differ, one sentence each; empty if state can continue.
///
/// Connection options (`properties.*`, `s3.*`) may change: they say how to reach the data, not what it is.
pub fn differences(old: &Job, new: &Job) -> Vec<String> {
    let by_id = |job: &Job| {
        job.nodes
            .iter()
            .map(|n| (n.id.clone(), (comparable(n), inputs(job, n))))
            .collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (by_id(old), by_id(new));
    let mut differences = Vec::new();
    for (id, node) in &old {
        match new.get(id) {
            None => differences.push(format!("operator \"{id}\" is gone")),
            Some(other) if other.0 != node.0 => differences.push(format!("operator \"{id}\" has changed")),
            Some(other) if other.1 != node.1 => differences.push(format!("operator \"{id}\" reads another input")),
            Some(_) => {}
        }
    }
    differences.extend(new.keys().filter(|id| !old.contains_key(*id)).map(|id| format!("operator \"{id}\" is new")));
    differences
}

fn inputs(job: &Job, node: &Node) -> Vec<(String, millstream_dataflow::Exchange)> {
    node.inputs.iter().map(|i| (job.nodes[i.node].id.clone(), i.exchange.clone())).collect()
}

fn comparable(node: &Node) -> NodeSpec {
    let mut spec = node.spec.clone();
    let table = match &mut spec {
        NodeSpec::Source(s) => {
            s.idle_timeout_ms = None;
            Some(&mut s.table)
        }
        NodeSpec::Sink(t) => Some(t),
        _ => None,
    };
    if let Some(table) = table {
        table.options.retain(|k, _| !k.starts_with("properties.") && !k.starts_with("s3."));
    }
    spec
}
