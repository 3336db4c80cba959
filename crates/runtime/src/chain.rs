//! The fused nodes of a subtask: batches, watermarks and barriers go from node to node by plain calls.
//!
//! Work lies on a stack, deepest consumer on top, so everything a batch causes is done before the next batch, and the chain can
//! stop at any point when an outgoing channel is full.

use crate::channel::Message;
use crate::combined::Combined;
use crate::constants::OUTPUT_ROWS;
use crate::exchange::Sender;
use crate::metrics::NodeMetrics;
use crate::rim::Rim;
use millstream_dataflow::{Barrier, Batch, BoxFuture, Clock, Committable, Operator, Output, Port, Result, SinkWriter, Snapshot, Step, Watermark};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tracing::warn;

/// How often the size of a node's state is told between checkpoints.
const WEIGH: Duration = Duration::from_millis(500);

/// What a node of the chain is.
pub(crate) enum Body {
    /// Only passes on what its head emits.
    Source,
    Operator(Box<dyn Operator>),
    Sink(Box<dyn SinkWriter>),
}

/// Where a node's output goes.
pub(crate) enum Consumer {
    /// Another node of this chain, by index.
    Node { port: Port, to: usize, input: usize },
    /// Another task, by index into the senders.
    Sender { port: Port, sender: usize },
}

#[derive(Debug, Clone, Copy)]
struct Input {
    watermark: i64,
    idle: bool,
    ended: bool,
    barrier: bool,
}

pub(crate) struct ChainNode {
    pub(crate) body: Body,
    pub(crate) consumers: Vec<Consumer>,
    inputs: Vec<Input>,
    watermark: i64,
    idle: bool,
    /// When its state was last looked at.
    weighed: Duration,
    pub(crate) metrics: Arc<NodeMetrics>,
}

impl ChainNode {
    pub(crate) fn new(body: Body, inputs: usize, consumers: Vec<Consumer>, metrics: Arc<NodeMetrics>) -> Self {
        let input = Input {
            watermark: Watermark::NONE,
            idle: false,
            ended: false,
            barrier: false,
        };
        ChainNode {
            body,
            consumers,
            inputs: vec![input; inputs],
            watermark: Watermark::NONE,
            idle: false,
            weighed: Duration::ZERO,
            metrics,
        }
    }
    /// Whether somebody listens to a port.
    fn takes(&self, port: Port) -> bool {
        let listens = |consumer: &Consumer| match consumer {
            Consumer::Node { port: p, .. } | Consumer::Sender { port: p, .. } => *p == port,
        };
        self.consumers.iter().any(listens)
    }
}

/// What happens to a node next.
#[derive(Debug)]
pub(crate) enum Work {
    Batch {
        node: usize,
        input: usize,
        batch: Batch,
    },
    Watermark {
        node: usize,
        input: usize,
        time: i64,
    },
    Idle {
        node: usize,
        input: usize,
    },
    Barrier {
        node: usize,
        input: usize,
        barrier: Barrier,
    },
    End {
        node: usize,
        input: usize,
    },
    /// Call `resume`, then do this.
    Resume {
        node: usize,
        then: Then,
    },
    /// The node's call is done; what is to follow its output.
    After {
        node: usize,
        then: Then,
    },
    Send {
        sender: usize,
        batch: Batch,
    },
}

/// What follows a node's output.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    Nothing,
    Watermark(i64),
    Idle,
    Snapshot(Barrier),
    End,
}

/// A writer's part of an epoch.
pub(crate) struct PreCommit {
    /// At the barrier.
    pub(crate) watermark: i64,
    pub(crate) idle: bool,
    /// The promise to finish the epoch.
    pub(crate) committables: BoxFuture<'static, Result<Vec<Committable>>>,
}

/// What the nodes handed over at a barrier, by index in the chain.
#[derive(Default)]
pub(crate) struct Harvest {
    pub(crate) snapshots: Vec<(usize, Snapshot)>,
    pub(crate) pre_commits: Vec<(usize, PreCommit)>,
}

pub(crate) struct Chain {
    pub(crate) nodes: Vec<ChainNode>,
    pub(crate) senders: Vec<Sender>,
    stack: Vec<Work>,
    output: Output,
    harvest: Harvest,
    clock: Arc<dyn Clock>,
    show: fn(&Batch, usize) -> String,
    subtask: u32,
}

impl Chain {
    pub(crate) fn new(nodes: Vec<ChainNode>, senders: Vec<Sender>, rim: &Rim, subtask: u32) -> Self {
        Chain {
            nodes,
            senders,
            stack: Vec::new(),
            output: Output::new(OUTPUT_ROWS),
            harvest: Harvest::default(),
            clock: Arc::clone(&rim.clock),
            show: rim.show,
            subtask,
        }
    }
    pub(crate) fn is_settled(&self) -> bool {
        self.stack.is_empty()
    }
    /// True while an outgoing channel or a sink takes no more.
    pub(crate) fn is_blocked(&self) -> bool {
        self.senders.iter().any(Sender::is_full)
            || self.nodes.iter().any(|n| match &n.body {
                Body::Sink(writer) => !writer.is_ready(),
                _ => false,
            })
    }
    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }
    /// Counts time in which no node of the chain did anything.
    pub(crate) fn waited(&self, blocked: bool, time: Duration) {
        for node in &self.nodes {
            let counter = if blocked { &node.metrics.backpressured_ns } else { &node.metrics.idle_ns };
            counter.fetch_add(time.as_nanos() as u64, Relaxed);
        }
    }
    pub(crate) fn push(&mut self, work: Work) {
        self.stack.push(work);
    }
    pub(crate) fn take_harvest(&mut self) -> Harvest {
        std::mem::take(&mut self.harvest)
    }
    /// Hands the output of a source node to its consumers.
    pub(crate) fn emit(&mut self, node: usize, port: Port, batch: Batch) {
        if port == Output::MAIN {
            self.nodes[node].metrics.tap.pass(&batch);
        }
        self.forward_batch(node, port, batch);
    }
    pub(crate) fn emit_control(&mut self, node: usize, then: Then) {
        self.stack.push(Work::After { node, then });
    }

    /// Does the work on top of the stack.
    pub(crate) fn step(&mut self) -> Result<()> {
        let Some(work) = self.stack.pop() else { return Ok(()) };
        match work {
            Work::Batch { node, input, batch } => self.batch(node, input, batch),
            Work::Watermark { node, input, time } => {
                self.nodes[node].inputs[input].watermark = time;
                self.nodes[node].inputs[input].idle = false;
                self.advance(node)
            }
            Work::Idle { node, input } => {
                self.nodes[node].inputs[input].idle = true;
                self.advance(node)
            }
            Work::Barrier { node, input, barrier } => self.barrier(node, input, barrier),
            Work::End { node, input } => {
                let n = &mut self.nodes[node];
                n.inputs[input].ended = true;
                if !n.inputs.iter().all(|i| i.ended) {
                    return Ok(());
                }
                self.call(node, Then::End, |op, out| op.on_end(out))
            }
            Work::Resume { node, then } => self.call(node, then, |op, out| op.resume(out)),
            Work::After { node, then } => self.after(node, then),
            Work::Send { sender, batch } => self.senders[sender].send(batch),
        }
    }

    fn batch(&mut self, node: usize, input: usize, batch: Batch) -> Result<()> {
        let rows = batch.num_rows() as u64;
        let n = &mut self.nodes[node];
        n.metrics.records_in.fetch_add(rows, Relaxed);
        if let Body::Sink(writer) = &mut n.body {
            n.metrics.tap.pass(&batch);
            let start = self.clock.monotonic();
            writer.write(batch)?;
            n.metrics.busy_ns.fetch_add((self.clock.monotonic() - start).as_nanos() as u64, Relaxed);
            n.metrics.records_out.fetch_add(rows, Relaxed);
            return Ok(());
        }
        self.call(node, Then::Nothing, |op, out| op.on_batch(input, batch, out))
    }

    /// Calls an operator and puts what it emitted on the stack, what follows below it.
    fn call(&mut self, node: usize, then: Then, f: impl FnOnce(&mut dyn Operator, &mut Output) -> Result<Step>) -> Result<()> {
        let n = &mut self.nodes[node];
        let Body::Operator(op) = &mut n.body else {
            self.stack.push(Work::After { node, then });
            return Ok(());
        };
        let start = self.clock.monotonic();
        let step = f(op.as_mut(), &mut self.output).map_err(|e| e.of_operator(&n.metrics.id))?;
        let now = self.clock.monotonic();
        n.metrics.busy_ns.fetch_add((now - start).as_nanos() as u64, Relaxed);
        // A query without checkpoints has state, too.
        if now >= n.weighed + WEIGH {
            n.weighed = now;
            n.metrics.state_bytes.store(op.state_bytes() as u64, Relaxed);
        }
        let mut samples = 0;
        for (reason, rows) in self.output.drain_counts() {
            samples = samples.max(n.metrics.count(reason, rows));
        }
        self.stack.push(match step {
            Step::Done => Work::After { node, then },
            Step::More => Work::Resume { node, then },
        });
        let batches: Vec<(Port, Batch)> = self.output.drain().collect();
        for (port, batch) in batches.into_iter().rev() {
            let metrics = &self.nodes[node].metrics;
            if port == Output::MAIN {
                metrics.records_out.fetch_add(batch.num_rows() as u64, Relaxed);
                metrics.tap.pass(&batch);
            }
            // Those that nobody takes.
            if port == Output::LATE && !self.nodes[node].takes(port) {
                for row in 0..batch.num_rows().min(samples as usize) {
                    warn!(job = %metrics.job, operator = %metrics.id, row = %(self.show)(&batch, row), "late row left out");
                }
            }
            self.forward_batch(node, port, batch);
        }
        Ok(())
    }

    fn forward_batch(&mut self, node: usize, port: Port, batch: Batch) {
        for consumer in self.nodes[node].consumers.iter().rev() {
            match consumer {
                Consumer::Node { port: p, to, input } if *p == port => self.stack.push(Work::Batch {
                    node: *to,
                    input: *input,
                    batch: batch.clone(),
                }),
                Consumer::Sender { port: p, sender } if *p == port => self.stack.push(Work::Send {
                    sender: *sender,
                    batch: batch.clone(),
                }),
                _ => {}
            }
        }
    }

    /// The minimum over the active inputs; an operator hears of it only when it moves.
    fn advance(&mut self, node: usize) -> Result<()> {
        let n = &mut self.nodes[node];
        let Some(Combined { watermark: time, idle }) = Combined::of(n.inputs.iter().map(|i| (i.watermark, i.idle))) else {
            return Ok(());
        };
        let was_idle = std::mem::replace(&mut n.idle, idle);
        if time > n.watermark {
            n.watermark = time;
            n.metrics.set_watermark(self.subtask, time);
            if idle {
                // Comes after the watermark: the stack is worked from its top.
                self.stack.push(Work::After { node, then: Then::Idle });
            }
            return self.call(node, Then::Watermark(time), |op, out| op.on_watermark(Watermark::event(time), out));
        }
        if idle {
            return if was_idle { Ok(()) } else { self.after(node, Then::Idle) };
        }
        if was_idle {
            // Consumers must count this input again, at the watermark they know.
            let time = n.watermark;
            return self.after(node, Then::Watermark(time));
        }
        Ok(())
    }

    fn barrier(&mut self, node: usize, input: usize, barrier: Barrier) -> Result<()> {
        let n = &mut self.nodes[node];
        n.inputs[input].barrier = true;
        if !n.inputs.iter().all(|i| i.barrier) {
            return Ok(());
        }
        n.inputs.iter_mut().for_each(|i| i.barrier = false);
        self.call(node, Then::Snapshot(barrier), |op, out| op.before_barrier(out))
    }

    fn after(&mut self, node: usize, then: Then) -> Result<()> {
        match then {
            Then::Nothing => {}
            Then::Watermark(time) => {
                let out = match &self.nodes[node].body {
                    Body::Operator(op) => op.output_watermark(time),
                    _ => time,
                };
                self.forward(node, |node, input| Work::Watermark { node, input, time: out }, &Message::Watermark(out));
            }
            Then::Idle => {
                self.nodes[node].metrics.set_idle(self.subtask);
                self.forward(node, |node, input| Work::Idle { node, input }, &Message::Idle);
            }
            Then::Snapshot(barrier) => {
                let n = &mut self.nodes[node];
                match &mut n.body {
                    Body::Source => {}
                    Body::Operator(op) => {
                        n.metrics.state_bytes.store(op.state_bytes() as u64, Relaxed);
                        let snapshot = op.snapshot();
                        if !snapshot.tables.is_empty() {
                            self.harvest.snapshots.push((node, snapshot));
                        }
                    }
                    Body::Sink(writer) => {
                        let (watermark, idle) = (n.watermark, n.idle);
                        let committables = writer.pre_commit(barrier.epoch)?;
                        self.harvest.pre_commits.push((node, PreCommit { watermark, idle, committables }));
                    }
                }
                self.forward(node, |node, input| Work::Barrier { node, input, barrier }, &Message::Barrier(barrier));
            }
            Then::End => self.forward(node, |node, input| Work::End { node, input }, &Message::End),
        }
        Ok(())
    }

    /// Sends a control event to every consumer of a node, each once however many ports it listens to.
    fn forward(&mut self, node: usize, work: impl Fn(usize, usize) -> Work, message: &Message) {
        let mut sent: Vec<usize> = Vec::new();
        let mut works = Vec::new();
        for consumer in &self.nodes[node].consumers {
            match consumer {
                Consumer::Node { to, input, .. } => works.push(work(*to, *input)),
                Consumer::Sender { sender, .. } if !sent.contains(sender) => {
                    sent.push(*sender);
                    self.senders[*sender].broadcast(message);
                }
                Consumer::Sender { .. } => {}
            }
        }
        self.stack.extend(works.into_iter().rev());
    }
}
