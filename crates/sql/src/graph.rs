//! The nodes of a job while it is planned; equal stateless nodes over the same input are one.

use millstream_dataflow::Exchange;
use millstream_plan::{Column, Input, Job, Node, NodeSpec};

#[derive(Debug, Default, Clone)]
pub(crate) struct JobGraph {
    pub(crate) nodes: Vec<Node>,
    /// Put before the ids of new nodes: the sink and the number of the INSERT into it.
    pub(crate) prefix: String,
    next: usize,
}

impl JobGraph {
    /// Starts a statement: its nodes' ids begin with `prefix`.
    pub(crate) fn begin(&mut self, prefix: impl Into<String>) {
        self.prefix = prefix.into();
        self.next = 0;
    }
    /// Adds a stateless node, or finds its equal.
    pub(crate) fn add(&mut self, role: &str, spec: NodeSpec, inputs: Vec<Input>, columns: Vec<Column>) -> usize {
        if let Some(same) = self.nodes.iter().position(|n| n.spec == spec && n.inputs == inputs && n.columns == columns) {
            return same;
        }
        self.add_stateful(role, spec, inputs, columns)
    }
    /// Adds a node of its own.
    pub(crate) fn add_stateful(&mut self, role: &str, spec: NodeSpec, inputs: Vec<Input>, columns: Vec<Column>) -> usize {
        self.next += 1;
        let id = format!("{}:{role}{}", self.prefix, self.next);
        self.push(id, role.to_string(), spec, inputs, columns, None)
    }
    pub(crate) fn push(&mut self, id: String, name: String, spec: NodeSpec, inputs: Vec<Input>, columns: Vec<Column>, parallelism: Option<u32>) -> usize {
        self.nodes.push(Node {
            id,
            name,
            spec,
            inputs,
            columns,
            parallelism,
        });
        self.nodes.len() - 1
    }
    pub(crate) fn forward(node: usize) -> Vec<Input> {
        vec![Input {
            node,
            exchange: Exchange::Forward,
        }]
    }
    pub(crate) fn into_job(self, name: &str, settings: std::collections::BTreeMap<String, String>) -> Job {
        Job {
            version: millstream_plan::JOB_VERSION,
            name: name.to_string(),
            nodes: crate::prune::prune(self.nodes),
            settings,
        }
    }
}
