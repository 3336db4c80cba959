//! What can be told of a job before it runs: how much state each operator keeps, what flows on each edge, where watermarks come from.
//!
//! All forms of EXPLAIN are made of this. Serialised it is the JSON form, which docs/explain.md describes.

mod detail;
mod expression;
mod watermark;

use crate::{Column, Input, Job, Node, NodeSpec, Window};
use detail::{detail, subject, summary};
use expression::duration;
use millstream_dataflow::{Exchange, MAX_PARALLELISM_DEFAULT, Output};
use serde::Serialize;

pub use watermark::{Alignment, Delay, Held, Watermark};

/// Version of the JSON form: grows when something in it changes its meaning or goes.
pub const DESCRIPTION_VERSION: u32 = 1;

/// A job's operators and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// [`DESCRIPTION_VERSION`]
    pub version: u32,
    /// The job's name.
    pub job: String,
    /// Subtasks per operator, if it is set; else as many as the machine has cores.
    pub parallelism: Option<u32>,
    /// How many parts keyed state is cut into: the most subtasks there can be.
    pub key_groups: u32,
    /// In topological order: an operator stands behind those it reads.
    pub operators: Vec<Operator>,
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operator {
    /// Stable across versions of the file.
    pub id: String,
    /// `Source`, `WindowAggregate` …
    pub operator: &'static str,
    /// What it is about: its table or window; empty for some.
    pub subject: String,
    /// All that it does, in words.
    pub detail: String,
    /// The same in few words, one fact each, for pictures.
    #[serde(skip)]
    pub summary: Vec<String>,
    /// A fixed number of subtasks.
    pub parallelism: Option<u32>,
    /// The columns by which its state is kept; for tables their primary key.
    pub key: Vec<String>,
    /// What it remembers.
    pub state: State,
    /// What its ordinary output holds.
    pub changelog: Changelog,
    /// Where its watermark comes from; several are combined to the least.
    pub watermark: Vec<Watermark>,
    /// Whether it waits for the watermark before it gives something out.
    pub waits_for_watermark: bool,
    /// Its output.
    pub columns: Vec<Column>,
    /// What it reads.
    pub inputs: Vec<Edge>,
}

/// An edge into an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Id of the sending operator.
    pub from: String,
    /// Its index among the operators.
    #[serde(skip)]
    pub index: usize,
    /// Which of its outputs.
    pub port: Port,
    /// How rows find their subtask.
    pub exchange: Distribution,
    /// By which columns, if it is by their hash.
    pub keys: Vec<String>,
    /// What flows.
    pub changelog: Changelog,
}

/// An output of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// The ordinary one.
    Main,
    /// Rows that came too late.
    Late,
    /// Records that are no rows.
    Rejected,
}

/// How rows find the subtask they go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// They stay in theirs.
    Forward,
    /// By the hash of columns.
    Hash,
    /// All go to one.
    AllToOne,
    /// In turn.
    Rebalance,
}

/// What rows of an edge can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Changelog {
    /// Insertions only.
    InsertOnly,
    /// Updates and deletions, too.
    Changes,
}

/// How the state of an operator grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// There is none.
    None,
    /// By the number of splits: a position and a watermark each.
    Splits,
    /// By the keys in the windows that have not fired.
    Window,
    /// By the number of keys.
    Keys,
    /// By the number of rows.
    Unbounded,
}

/// What an operator remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// How it grows.
    pub growth: Growth,
    /// The length of the windows that bound it, milliseconds.
    pub window_ms: Option<i64>,
    /// In words; empty if there is none.
    pub text: String,
}

impl State {
    fn none() -> State {
        State {
            growth: Growth::None,
            window_ms: None,
            text: String::new(),
        }
    }
}

/// Describes a job. Secrets among the options are left out.
pub fn describe(job: &Job) -> Description {
    let set = |key: &str| job.settings.get(key).and_then(|n| n.parse().ok());
    let mut operators: Vec<Operator> = Vec::with_capacity(job.nodes.len());
    for (index, node) in job.nodes.iter().enumerate() {
        let inputs: Vec<Edge> = node.inputs.iter().filter_map(|input| edge(&operators, input)).collect();
        let below: Vec<String> = match node.inputs.first() {
            Some(input) => job.nodes[input.node].columns.iter().map(|c| c.name.clone()).collect(),
            None => Vec::new(),
        };
        operators.push(Operator {
            id: node.id.clone(),
            operator: name(&node.spec),
            subject: subject(&node.spec),
            detail: detail(job, index, &below),
            summary: summary(node, &below),
            parallelism: node.parallelism,
            key: key(&node.spec),
            state: state(&node.spec),
            changelog: changelog(node, &inputs),
            watermark: watermark::of(node, &inputs, &operators),
            waits_for_watermark: waits(&node.spec),
            columns: node.columns.clone(),
            inputs,
        });
    }
    Description {
        version: DESCRIPTION_VERSION,
        job: job.name.clone(),
        parallelism: set("parallelism.default"),
        key_groups: set("pipeline.max-parallelism").unwrap_or(MAX_PARALLELISM_DEFAULT),
        operators,
    }
}

fn edge(before: &[Operator], input: &Input) -> Option<Edge> {
    let from = before.get(input.node)?;
    let port = match input.port {
        Output::LATE => Port::Late,
        Output::REJECTED => Port::Rejected,
        _ => Port::Main,
    };
    let (exchange, keys) = match &input.exchange {
        Exchange::Forward => (Distribution::Forward, Vec::new()),
        Exchange::Hash(keys) if keys.is_empty() => (Distribution::AllToOne, Vec::new()),
        Exchange::Hash(keys) => (
            Distribution::Hash,
            keys.iter().map(|k| from.columns.get(*k).map_or("?", |c| c.name.as_str()).to_string()).collect(),
        ),
        Exchange::Singleton => (Distribution::AllToOne, Vec::new()),
        Exchange::Rebalance => (Distribution::Rebalance, Vec::new()),
    };
    Some(Edge {
        from: from.id.clone(),
        index: input.node,
        port,
        exchange,
        keys,
        changelog: if port == Port::Main { from.changelog } else { Changelog::InsertOnly },
    })
}

fn name(spec: &NodeSpec) -> &'static str {
    match spec {
        NodeSpec::Source(_) => "Source",
        NodeSpec::Values(_) => "Values",
        NodeSpec::Project(_) => "Project",
        NodeSpec::Filter(_) => "Filter",
        NodeSpec::Window { .. } => "Window",
        NodeSpec::Expand { .. } => "Expand",
        NodeSpec::LocalWindowAggregate(_) => "LocalWindowAggregate",
        NodeSpec::WindowAggregate { .. } => "WindowAggregate",
        NodeSpec::Union => "Union",
        NodeSpec::DeadLetters(_) => "DeadLetters",
        NodeSpec::Sink(_) => "Sink",
        NodeSpec::Collect => "Collect",
    }
}

fn key(spec: &NodeSpec) -> Vec<String> {
    match spec {
        NodeSpec::Source(s) => s.table.primary_key.clone(),
        NodeSpec::Sink(t) => t.primary_key.clone(),
        NodeSpec::LocalWindowAggregate(a) | NodeSpec::WindowAggregate { aggregate: a, .. } => {
            a.keys.iter().filter_map(|k| a.rows.get(*k)).map(|c| c.name.clone()).collect()
        }
        NodeSpec::Values(_)
        | NodeSpec::Project(_)
        | NodeSpec::Filter(_)
        | NodeSpec::Window { .. }
        | NodeSpec::Expand { .. }
        | NodeSpec::Union
        | NodeSpec::DeadLetters(_)
        | NodeSpec::Collect => Vec::new(),
    }
}

/// What is kept in checkpoints. The local phase of an aggregation is emptied before each.
fn state(spec: &NodeSpec) -> State {
    match spec {
        NodeSpec::Source(_) | NodeSpec::Values(_) => State {
            growth: Growth::Splits,
            window_ms: None,
            text: "a position and a watermark per split".to_string(),
        },
        NodeSpec::WindowAggregate { aggregate: a, .. } if a.window == Window::Whole => State {
            growth: Growth::Keys,
            window_ms: None,
            text: if a.keys.is_empty() { "one row" } else { "a row per key" }.to_string(),
        },
        NodeSpec::WindowAggregate { aggregate: a, .. } => {
            let slices = match a.window {
                Window::Tumble { .. } | Window::Whole => String::new(),
                Window::Hop { slide_ms, .. } => format!(" in slices of {}", duration(slide_ms)),
            };
            let keys = if a.keys.is_empty() { "" } else { ", per key" };
            State {
                growth: Growth::Window,
                window_ms: Some(a.window.size_ms()),
                text: format!("bounded by windows of {}{slices}{keys}", duration(a.window.size_ms())),
            }
        }
        NodeSpec::Project(_)
        | NodeSpec::Filter(_)
        | NodeSpec::Window { .. }
        | NodeSpec::Expand { .. }
        | NodeSpec::LocalWindowAggregate(_)
        | NodeSpec::Union
        | NodeSpec::DeadLetters(_)
        | NodeSpec::Sink(_)
        | NodeSpec::Collect => State::none(),
    }
}

/// A window aggregation gives each window out once; all others pass on what comes.
fn changelog(node: &Node, inputs: &[Edge]) -> Changelog {
    let changes = match &node.spec {
        NodeSpec::Source(s) => s.changes,
        NodeSpec::WindowAggregate { .. } => false,
        NodeSpec::Values(_)
        | NodeSpec::Project(_)
        | NodeSpec::Filter(_)
        | NodeSpec::Window { .. }
        | NodeSpec::Expand { .. }
        | NodeSpec::LocalWindowAggregate(_)
        | NodeSpec::Union
        | NodeSpec::DeadLetters(_)
        | NodeSpec::Sink(_)
        | NodeSpec::Collect => inputs.iter().any(|i| i.changelog == Changelog::Changes),
    };
    if changes { Changelog::Changes } else { Changelog::InsertOnly }
}

fn waits(spec: &NodeSpec) -> bool {
    match spec {
        NodeSpec::WindowAggregate { .. } => true,
        NodeSpec::Sink(t) => t.options.get("sink.partition-commit.trigger").is_some_and(|t| t == "partition-time"),
        NodeSpec::Source(_)
        | NodeSpec::Values(_)
        | NodeSpec::Project(_)
        | NodeSpec::Filter(_)
        | NodeSpec::Window { .. }
        | NodeSpec::Expand { .. }
        | NodeSpec::LocalWindowAggregate(_)
        | NodeSpec::Union
        | NodeSpec::DeadLetters(_)
        | NodeSpec::Collect => false,
    }
}
