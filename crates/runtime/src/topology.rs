//! Which nodes run fused in one task, and how tasks are joined.

use millstream_dataflow::{Error, Exchange, Graph, NodeKind, Result};

/// Nodes joined by forward edges: each of its subtasks runs one instance of all of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Graph indices, ascending, which is a topological order.
    pub(crate) nodes: Vec<usize>,
    pub(crate) parallelism: u32,
}

/// The tasks, in topological order of their first nodes, and the task of each node.
pub(crate) fn tasks(graph: &Graph, parallelism: u32) -> Result<(Vec<Task>, Vec<usize>)> {
    let mut group: Vec<usize> = (0..graph.nodes.len()).collect();
    fn root(group: &[usize], mut i: usize) -> usize {
        while group[i] != i {
            i = group[i];
        }
        i
    }
    for edge in graph.edges.iter().filter(|e| e.exchange == Exchange::Forward) {
        let (a, b) = (root(&group, edge.from), root(&group, edge.to));
        group[a.max(b)] = a.min(b);
    }
    let mut tasks: Vec<Task> = Vec::new();
    let mut task_of = vec![usize::MAX; graph.nodes.len()];
    for i in 0..graph.nodes.len() {
        let first = root(&group, i);
        if first == i {
            task_of[i] = tasks.len();
            tasks.push(Task {
                nodes: vec![i],
                parallelism: 0,
            });
        } else {
            task_of[i] = task_of[first];
            tasks[task_of[i]].nodes.push(i);
        }
    }
    for task in &mut tasks {
        let fixed: Vec<u32> = task.nodes.iter().filter_map(|n| fixed_parallelism(graph, *n)).collect();
        task.parallelism = fixed.first().copied().unwrap_or(parallelism);
        if fixed.iter().any(|p| *p != task.parallelism) {
            return Err(Error::bug("nodes of different fixed parallelism are joined by a forward edge"));
        }
    }
    Ok((tasks, task_of))
}

fn fixed_parallelism(graph: &Graph, node: usize) -> Option<u32> {
    let node = &graph.nodes[node];
    node.parallelism.or_else(|| match &node.kind {
        NodeKind::Sink(sink) => sink.parallelism(),
        _ => None,
    })
}
