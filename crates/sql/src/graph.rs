//! The nodes of a job while it is planned; equal stateless nodes over the same input are one.

use crate::catalog::Place;
use crate::diagnostic::Diagnostic;
use crate::items::Items;
use crate::pushdown::push_down;
use crate::routes::Routes;
use crate::zone::localize;
use millstream_dataflow::{Error, Exchange, Span};
use millstream_plan::{Column, Input, Job, Node, NodeSpec, SourceSpec};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(crate) struct JobGraph {
    pub(crate) nodes: Vec<Node>,
    /// Put before the ids of new nodes: the sink and the number of the INSERT into it.
    pub(crate) prefix: String,
    /// How many nodes of each role the statement has had, shared ones included: ids do not depend on what other statements share.
    roles: BTreeMap<String, usize>,
    /// The statement's time zone, if it is another one than UTC: new nodes say it.
    pub(crate) zone: Option<String>,
    /// Where the dead letters of sources go, and where the tables of these are.
    pub(crate) routes: BTreeMap<usize, (Routes, Place)>,
    /// Why a node cannot be in that zone.
    pub(crate) refused: Option<Error>,
    /// What lints say about the queries in it.
    pub(crate) findings: Vec<Diagnostic>,
    /// Where what its nodes compute stands.
    pub(crate) items: Items,
}

/// See [`JobGraph::mark`].
#[derive(Debug)]
pub(crate) struct Mark {
    nodes: usize,
    roles: BTreeMap<String, usize>,
}

impl JobGraph {
    /// Starts a statement: its nodes' ids begin with `prefix`.
    pub(crate) fn begin(&mut self, prefix: impl Into<String>) {
        self.prefix = prefix.into();
        self.roles.clear();
    }
    /// Adds a source, or finds its equal. A table that was dropped and made anew is another one, although it has the same name.
    ///
    /// - `parallelism`: what its table asks for
    pub(crate) fn source(&mut self, table: &str, spec: SourceSpec, columns: Vec<Column>, parallelism: Option<u32>) -> usize {
        let mut spec = NodeSpec::Source(Box::new(spec));
        self.localize(&mut spec, &columns);
        let same_name = |n: &&Node| n.name == table && matches!(n.spec, NodeSpec::Source(_));
        if let Some(same) = self.nodes.iter().position(|n| same_name(&n) && n.spec == spec) {
            return same;
        }
        let id = match self.nodes.iter().filter(same_name).count() {
            0 => format!("source:{table}"),
            others => format!("source:{table}/{}", others + 1),
        };
        self.push(id, table.to_string(), spec, Vec::new(), columns, parallelism)
    }
    /// Adds a stateless node, or finds its equal.
    pub(crate) fn add(&mut self, role: &str, mut spec: NodeSpec, inputs: Vec<Input>, columns: Vec<Column>) -> usize {
        self.localize_over(&mut spec, &inputs);
        match self.nodes.iter().position(|n| n.spec == spec && n.inputs == inputs && n.columns == columns) {
            Some(same) => {
                self.next_id(role);
                same
            }
            None => self.next(role, spec, inputs, columns),
        }
    }
    /// Adds a node of its own.
    pub(crate) fn add_stateful(&mut self, role: &str, mut spec: NodeSpec, inputs: Vec<Input>, columns: Vec<Column>) -> usize {
        self.localize_over(&mut spec, &inputs);
        self.next(role, spec, inputs, columns)
    }
    fn next(&mut self, role: &str, spec: NodeSpec, inputs: Vec<Input>, columns: Vec<Column>) -> usize {
        let id = self.next_id(role);
        self.push(id, role.to_string(), spec, inputs, columns, None)
    }
    /// The n-th node of a role in this statement.
    fn next_id(&mut self, role: &str) -> String {
        let number = self.roles.entry(role.to_string()).or_insert(0);
        *number += 1;
        format!("{}:{role}{number}", self.prefix)
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
    /// Where the statement is now.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            nodes: self.nodes.len(),
            roles: self.roles.clone(),
        }
    }
    /// Forgets what came since, which nothing may refer to.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.nodes.truncate(mark.nodes);
        self.roles = mark.roles;
    }
    /// Notes where the columns of a projection stand.
    pub(crate) fn note(&mut self, node: usize, places: impl Iterator<Item = Span>) {
        let node = &self.nodes[node];
        for (column, at) in node.columns.iter().zip(places) {
            self.items.add(&node.id, &column.name, at);
        }
    }
    /// Leaves only the first nodes, which nothing behind them is needed by.
    pub(crate) fn cut(&mut self, nodes: usize) {
        self.nodes.truncate(nodes);
        self.routes.retain(|node, _| *node < nodes);
    }
    fn localize_over(&mut self, spec: &mut NodeSpec, inputs: &[Input]) {
        // What has several inputs computes nothing.
        let columns = inputs.first().map_or_else(Vec::new, |i| self.nodes[i.node].columns.clone());
        self.localize(spec, &columns);
    }
    fn localize(&mut self, spec: &mut NodeSpec, input: &[Column]) {
        if let Some(zone) = &self.zone
            && let Err(e) = localize(spec, input, zone)
        {
            self.refused.get_or_insert(e);
        }
    }
    pub(crate) fn forward(node: usize) -> Vec<Input> {
        vec![Input::main(node, Exchange::Forward)]
    }
    /// The sources whose rows come to a node.
    pub(crate) fn sources_of(&self, node: usize) -> BTreeSet<usize> {
        self.sources_until(node, |_| false)
    }
    /// The same, but for those behind certain nodes.
    fn sources_until(&self, node: usize, ends: impl Fn(&usize) -> bool) -> BTreeSet<usize> {
        let (mut seen, mut left, mut sources) = (BTreeSet::new(), vec![node], BTreeSet::new());
        while let Some(n) = left.pop() {
            if seen.insert(n) && !ends(&n) {
                left.extend(self.nodes[n].inputs.iter().map(|i| i.node));
                sources.extend(matches!(self.nodes[n].spec, NodeSpec::Source(_)).then_some(n));
            }
        }
        sources
    }
    /// Whether a node's rows are changes: updates and deletions, too.
    pub(crate) fn changes(&self, node: usize) -> bool {
        let changes = |n: &usize| matches!(&self.nodes[*n].spec, NodeSpec::Source(s) if s.changes);
        let folds = |n: &usize| matches!(self.nodes[*n].spec, NodeSpec::WindowAggregate { .. });
        self.sources_until(node, folds).iter().any(changes)
    }
    /// Whether late rows that come to a node are to be routed.
    pub(crate) fn routes_late(&self, node: usize) -> bool {
        let routes = |n: &usize| matches!(&self.nodes[*n].spec, NodeSpec::Source(s) if s.route_late);
        self.sources_of(node).iter().any(routes)
    }
    pub(crate) fn into_job(self, name: &str, settings: BTreeMap<String, String>) -> Job {
        let mut nodes = crate::prune::prune(self.nodes);
        push_down(&mut nodes);
        crate::parallelism::spread(&mut nodes);
        Job {
            version: millstream_plan::JOB_VERSION,
            name: name.to_string(),
            nodes,
            settings,
        }
    }
}
