//! One instance of a task: heads that take input, a chain of fused nodes, and the alignment of barriers between them.

use crate::chain::{Chain, PreCommit, Then, Work};
use crate::channel::{Channel, Message};
use crate::combined::Combined;
use crate::constants::STEP_WORKS;
use crate::source_head::{Emitted, SourceHead};
use futures::channel::mpsc::UnboundedSender;
use millstream_dataflow::{Barrier, Epoch, Error, Output, Result, Snapshot, Split};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Something; step again soon.
    Worked,
    /// Nothing: no input, or no room for output.
    Waiting,
}

/// What the coordinator tells all subtasks. Control never waits behind data.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// Epoch of the newest barrier that sources inject.
    barrier: AtomicU64,
    /// The next barrier is the last one: what comes behind it would be read for nothing, and sent twice by sinks that send at once.
    stopping: AtomicBool,
}

impl Orders {
    pub(crate) fn inject(&self, epoch: Epoch) {
        self.barrier.store(epoch, Ordering::Release);
    }
    /// To be said before the last barrier.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

/// What a subtask reports.
pub(crate) enum Report {
    /// Everything before the barrier is done, and this is the state.
    Acknowledged(Acknowledgement),
    /// All input is processed to its end.
    Ended,
    /// A worker has stopped.
    Failed(Error),
}

/// A subtask's part of a checkpoint.
pub(crate) struct Acknowledgement {
    pub(crate) epoch: Epoch,
    pub(crate) subtask: u32,
    /// Per source node its splits with their watermarks.
    pub(crate) sources: Vec<(usize, Vec<(Split, i64)>)>,
    /// Per operator node with state.
    pub(crate) snapshots: Vec<(usize, Snapshot)>,
    /// Per sink node.
    pub(crate) pre_commits: Vec<(usize, PreCommit)>,
}

/// Where a subtask's input comes from.
pub(crate) enum HeadKind {
    Source(Box<SourceHead>),
    /// One channel per sending subtask.
    Exchange(Vec<Inlet>),
}

/// The receiving end of a channel.
pub(crate) struct Inlet {
    pub(crate) channel: Arc<Channel>,
    watermark: i64,
    idle: bool,
    ended: bool,
    /// Delivered the current barrier; takes no more until all have.
    aligned: bool,
}

impl Inlet {
    pub(crate) fn new(channel: Arc<Channel>) -> Self {
        Inlet {
            channel,
            watermark: millstream_dataflow::Watermark::NONE,
            idle: false,
            ended: false,
            aligned: false,
        }
    }
}

pub(crate) struct Head {
    /// The node of the chain it feeds, and its input there (unused for a source: the node is the source itself).
    pub(crate) node: usize,
    pub(crate) input: usize,
    pub(crate) kind: HeadKind,
    /// Index of the source node in the graph, for reports.
    pub(crate) graph_node: usize,
    /// The watermark passed on so far.
    watermark: i64,
    idle: bool,
    ended: bool,
    next_inlet: usize,
}

impl Head {
    pub(crate) fn new(node: usize, input: usize, kind: HeadKind, graph_node: usize) -> Self {
        Head {
            node,
            input,
            kind,
            graph_node,
            watermark: millstream_dataflow::Watermark::NONE,
            idle: false,
            ended: false,
            next_inlet: 0,
        }
    }
    /// Whether this head has come to the barrier.
    fn is_aligned(&self) -> bool {
        match &self.kind {
            HeadKind::Source(_) => true,
            HeadKind::Exchange(inlets) => inlets.iter().all(|i| i.aligned),
        }
    }
}

/// A state machine that a worker steps.
pub struct Subtask {
    task: usize,
    index: u32,
    heads: Vec<Head>,
    chain: Chain,
    /// Graph index of each node of the chain.
    graph_nodes: Vec<usize>,
    orders: Arc<Orders>,
    reports: UnboundedSender<Report>,
    /// The last barrier that went through.
    epoch: Epoch,
    /// The barrier that heads are being aligned for.
    aligning: Option<Barrier>,
    /// The barrier that is on its way through the chain.
    passing: Option<Barrier>,
    /// Sources read no more.
    stopped: bool,
    next_head: usize,
    reported_end: bool,
    /// Since when there is nothing to do, if so, and whether that is for want of room rather than of input.
    waiting: Option<(Duration, bool)>,
}

impl Subtask {
    #[allow(clippy::too_many_arguments, reason = "one call site, where the topology names each of them")]
    pub(crate) fn new(
        task: usize,
        index: u32,
        heads: Vec<Head>,
        chain: Chain,
        graph_nodes: Vec<usize>,
        orders: Arc<Orders>,
        reports: UnboundedSender<Report>,
        epoch: Epoch,
    ) -> Self {
        Subtask {
            task,
            index,
            heads,
            chain,
            graph_nodes,
            orders,
            reports,
            epoch,
            aligning: None,
            passing: None,
            stopped: false,
            next_head: 0,
            reported_end: false,
            waiting: None,
        }
    }

    /// A name for messages.
    pub fn name(&self) -> String {
        format!("task {} subtask {}", self.task, self.index)
    }

    /// Does a bounded amount of work. After an error the subtask is discarded.
    pub fn step(&mut self) -> Result<Progress> {
        if let Some((since, blocked)) = self.waiting.take() {
            self.chain.waited(blocked, self.chain.now().saturating_sub(since));
        }
        let progress = self.work()?;
        if progress == Progress::Waiting {
            self.waiting = Some((self.chain.now(), !self.chain.is_settled()));
        }
        Ok(progress)
    }

    fn work(&mut self) -> Result<Progress> {
        let mut progress = Progress::Waiting;
        for _ in 0..STEP_WORKS {
            if self.chain.is_settled() {
                self.report_barrier();
                if !self.take_input()? {
                    return Ok(progress);
                }
            } else if self.chain.is_blocked() {
                return Ok(progress);
            } else {
                self.chain.step()?;
            }
            progress = Progress::Worked;
        }
        Ok(progress)
    }

    /// What the sinks of this subtask have written.
    pub(crate) fn summarise(&self) {
        for node in &self.chain.nodes {
            if let crate::chain::Body::Sink(writer) = &node.body
                && let Some(written) = writer.written()
            {
                node.metrics.written.lock().unwrap_or_else(PoisonError::into_inner).insert(self.index, written);
            }
        }
    }

    /// Puts the next input on the stack; false if there is none.
    fn take_input(&mut self) -> Result<bool> {
        self.see_barrier_order();
        if let Some(barrier) = self.aligning
            && self.heads.iter().all(Head::is_aligned)
        {
            self.start_barrier(barrier);
            return Ok(true);
        }
        for _ in 0..self.heads.len() {
            let head = self.next_head;
            self.next_head = (head + 1) % self.heads.len();
            if self.poll_head(head)? {
                return Ok(true);
            }
        }
        self.report_end();
        Ok(false)
    }

    /// Sources inject the barrier the coordinator ordered. Only tasks with a source look at the order: in others barriers arrive by channel.
    fn see_barrier_order(&mut self) {
        let has_source = self.heads.iter().any(|h| matches!(h.kind, HeadKind::Source(_)));
        let epoch = self.orders.barrier.load(Ordering::Acquire);
        if has_source && self.aligning.is_none() && epoch > self.epoch {
            self.aligning = Some(Barrier { epoch });
        }
    }

    fn start_barrier(&mut self, barrier: Barrier) {
        self.aligning = None;
        self.passing = Some(barrier);
        self.epoch = barrier.epoch;
        self.stopped = self.orders.stopping.load(Ordering::Acquire);
        for head in self.heads.iter_mut().rev() {
            match &mut head.kind {
                HeadKind::Source(_) => self.chain.emit_control(head.node, Then::Snapshot(barrier)),
                HeadKind::Exchange(inlets) => {
                    inlets.iter_mut().for_each(|i| i.aligned = false);
                    self.chain.push(Work::Barrier {
                        node: head.node,
                        input: head.input,
                        barrier,
                    });
                }
            }
        }
    }

    /// Once the barrier has left the chain, hands the state over.
    fn report_barrier(&mut self) {
        let Some(barrier) = self.passing.take() else { return };
        let harvest = self.chain.take_harvest();
        let node = |i: usize| self.graph_nodes[i];
        let sources = self.heads.iter().filter_map(|h| match &h.kind {
            HeadKind::Source(s) => Some((h.graph_node, s.snapshot())),
            HeadKind::Exchange(_) => None,
        });
        let acknowledgement = Acknowledgement {
            epoch: barrier.epoch,
            subtask: self.index,
            sources: sources.collect(),
            snapshots: harvest.snapshots.into_iter().map(|(i, s)| (node(i), s)).collect(),
            pre_commits: harvest.pre_commits.into_iter().map(|(i, p)| (node(i), p)).collect(),
        };
        // The coordinator may be gone: then this attempt is over anyway.
        let _ = self.reports.unbounded_send(Report::Acknowledged(acknowledgement));
    }

    fn report_end(&mut self) {
        if !self.reported_end && self.heads.iter().all(|h| h.ended) && self.chain.is_settled() {
            self.reported_end = true;
            self.summarise();
            let _ = self.reports.unbounded_send(Report::Ended);
        }
    }

    fn poll_head(&mut self, index: usize) -> Result<bool> {
        let head = &mut self.heads[index];
        match &mut head.kind {
            HeadKind::Source(source) => {
                // A source that waits for the other heads of its task to align delivers nothing, nor does one behind the last barrier.
                if self.aligning.is_some() || self.stopped {
                    return Ok(false);
                }
                let Some(emitted) = source.step()? else { return Ok(false) };
                match emitted {
                    Emitted::Chunk { rows, rejected } => {
                        if let Some(rejected) = rejected {
                            self.chain.emit(head.node, Output::REJECTED, rejected);
                        }
                        self.chain.emit(head.node, Output::MAIN, rows);
                    }
                    Emitted::Watermark(time) => self.chain.emit_control(head.node, Then::Watermark(time)),
                    Emitted::Idle => self.chain.emit_control(head.node, Then::Idle),
                    Emitted::End => {
                        head.ended = source.ended();
                        self.chain.emit_control(head.node, Then::End);
                    }
                }
                Ok(true)
            }
            HeadKind::Exchange(inlets) => {
                for _ in 0..inlets.len() {
                    let i = head.next_inlet;
                    head.next_inlet = (i + 1) % inlets.len();
                    if inlets[i].aligned {
                        continue;
                    }
                    let Some(message) = inlets[i].channel.pop() else { continue };
                    match message {
                        Message::Batch(batch) => {
                            self.chain.push(Work::Batch {
                                node: head.node,
                                input: head.input,
                                batch,
                            });
                            return Ok(true);
                        }
                        Message::Watermark(time) => {
                            inlets[i].watermark = time;
                            inlets[i].idle = false;
                        }
                        Message::Idle => inlets[i].idle = true,
                        Message::Barrier(barrier) => {
                            inlets[i].aligned = true;
                            self.aligning = Some(barrier);
                            return Ok(true);
                        }
                        Message::End => {
                            inlets[i].ended = true;
                            if inlets.iter().all(|i| i.ended) {
                                head.ended = true;
                                self.chain.push(Work::End {
                                    node: head.node,
                                    input: head.input,
                                });
                            }
                            return Ok(true);
                        }
                    }
                    let Some(combined) = Combined::of(inlets.iter().map(|i| (i.watermark, i.idle))) else {
                        continue;
                    };
                    let (node, input) = (head.node, head.input);
                    let (was_idle, before) = (std::mem::replace(&mut head.idle, combined.idle), head.watermark);
                    head.watermark = before.max(combined.watermark);
                    // The stack is worked from its top: the watermark goes before the idleness.
                    if combined.idle && !was_idle {
                        self.chain.push(Work::Idle { node, input });
                    }
                    if head.watermark > before || (was_idle && !combined.idle) {
                        let time = head.watermark;
                        self.chain.push(Work::Watermark { node, input, time });
                    }
                    return Ok(true);
                }
                Ok(false)
            }
        }
    }
}
