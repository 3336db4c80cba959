//! One run of a job from its last checkpoint: restore, wire, step, until it ends or fails.

use crate::alignment::{AlignmentGroup, Member};
use crate::chain::{Body, Chain, ChainNode, Consumer};
use crate::channel::Channel;
use crate::constants::{PARK, PARK_MAX};
use crate::coordinator::{Coordinator, End, roll_forward};
use crate::exchange::Sender;
use crate::feed::{Feed, FeedQueue};
use crate::job::{Asked, Job, unless_stopped};
use crate::metrics::{JobMetrics, NodeMetrics, NodeRole};
use crate::source_head::{SourceHead, SourceHeadParts};
use crate::source_time::SourceTime;
use crate::subtask::{Head, HeadKind, Inlet, Orders, Progress, Report, Subtask};
use crate::topology::{Task, tasks};
use crate::wake::Wake;
use crate::worker;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::future::{Either, select};
use millstream_dataflow::{
    Error, ErrorKind, Exchange, KeyGroupRange, Node, NodeKind, Output, Result, SinkCommitter, SnapshotPart, Source, Split, SubtaskContext, Watermark,
};
use millstream_state::checkpoint::{Checkpoints, Manifest, Writer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tracing::info;

/// Runs the job once.
pub(crate) async fn attempt(job: &Job, asked: watch::Receiver<Asked>) -> Result<End> {
    let node_ids: Vec<String> = job.graph.nodes.iter().map(|n| n.id.clone()).collect();
    let Some(opened) = unless_stopped(asked.clone(), open(job, &node_ids)).await? else {
        return Ok(End::Stopped);
    };
    let Opened { committers, writer, manifest } = opened;
    if manifest.as_ref().is_some_and(|m| m.finished.is_some()) {
        return Ok(End::Finished);
    }

    let (tasks, task_of) = tasks(&job.graph, job.config.parallelism)?;
    let wakes: Vec<Arc<Wake>> = (0..job.config.workers.max(1)).map(|_| Arc::default()).collect();
    let (report, reports) = unbounded();
    let orders = Arc::new(Orders::default());
    let epoch = manifest.as_ref().map_or(0, |m| m.epoch);
    let mut wiring = Wiring {
        job,
        tasks: &tasks,
        task_of: &task_of,
        wakes: &wakes,
        channels: BTreeMap::new(),
        metrics: Vec::new(),
        times: source_times(job),
        groups: alignment_groups(job),
        manifest: manifest.as_ref(),
    };
    wiring.make_channels();
    wiring.make_metrics();
    let Some(splits) = unless_stopped(asked.clone(), wiring.discover()).await? else {
        return Ok(End::Stopped);
    };
    let restored = async {
        let mut subtasks: Vec<(usize, Subtask)> = Vec::new();
        for (t, task) in tasks.iter().enumerate() {
            for index in 0..task.parallelism {
                let subtask = wiring.subtask(t, index, &splits, job.checkpoints.as_ref(), &orders, &report, epoch).await?;
                subtasks.push((index as usize % wakes.len(), subtask));
            }
        }
        Ok(subtasks)
    };
    let subtasks = unless_taken_over(restored.await, writer.as_ref()).await?;
    let mut coordinator = Coordinator {
        config: job.config.clone(),
        rim: job.rim.clone(),
        metrics: Arc::clone(&job.metrics),
        orders,
        wakes: wakes.clone(),
        reports,
        subtasks: subtasks.len(),
        parallelism: task_of.iter().map(|t| tasks[*t].parallelism).collect(),
        node_ids,
        writer,
        committers,
        sources: sources(job),
        splits: splits.iter().map(|(node, s)| (*node, s.iter().map(|(s, _)| s.clone()).collect())).collect(),
        epoch,
        incarnation: job.incarnation.clone(),
        carried: BTreeMap::new(),
        cleared: false,
        uncommitted_since: job.rim.clock.monotonic(),
        ended: 0,
        failed_in_row: 0,
    };
    job.metrics.running.store(true, Ordering::Relaxed);
    let _stops = StopsRunning(&job.metrics);
    if job.config.workers == 0 {
        let end = step_here(job, subtasks.into_iter().map(|(_, s)| s).collect(), &mut coordinator, asked).await;
        return unless_taken_over(end, coordinator.writer.as_ref()).await;
    }
    let threads = Threads::start(subtasks, &wakes, &report)?;
    let end = coordinator.run(asked).await;
    threads.join().await;
    unless_taken_over(end, coordinator.writer.as_ref()).await
}

/// However an attempt ends.
struct StopsRunning<'a>(&'a JobMetrics);

impl Drop for StopsRunning<'_> {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Relaxed);
    }
}

/// A process that took the job over also takes away what this one has staged or would restore: that is then what is told, and no restart
/// takes it back.
async fn unless_taken_over<T>(result: Result<T>, writer: Option<&Writer>) -> Result<T> {
    if let (Err(_), Some(writer)) = (&result, writer)
        && let Err(taken) = writer.check().await
        && taken.kind == ErrorKind::Fenced
    {
        return Err(taken);
    }
    result
}

/// What an attempt finds and takes over.
struct Opened {
    committers: BTreeMap<usize, Box<dyn SinkCommitter>>,
    writer: Option<Writer>,
    manifest: Option<Manifest>,
}

/// Takes the job over from whoever ran it before, and brings what that one decided to its end.
async fn open(job: &Job, node_ids: &[String]) -> Result<Opened> {
    let mut committers = BTreeMap::new();
    for (i, node) in job.graph.nodes.iter().enumerate() {
        if let NodeKind::Sink(sink) = &node.kind
            && let Some(committer) = sink.committer(&job.incarnation)?
        {
            committers.insert(i, committer);
        }
    }
    let Some(checkpoints) = &job.checkpoints else {
        return Ok(Opened {
            committers,
            writer: None,
            manifest: None,
        });
    };
    // Fence first, then read: whoever ran before cannot publish any more.
    let mut writer = checkpoints
        .start(&job.incarnation, job.after, &(job.rim.unique)(), job.rim.clock.now_ms())
        .await?;
    let brought_forward = async {
        let manifest = checkpoints.latest().await?.filter(|m| m.incarnation == job.incarnation);
        if let Some(m) = &manifest {
            writer.after(m);
            let committed = checkpoints.is_committed(m.epoch, &m.incarnation).await?;
            roll_forward(&job.config.name, m, committed, node_ids, &mut committers, &mut writer).await?;
            if m.finished.is_none() {
                info!(job = %job.config.name, epoch = m.epoch, "restoring");
            }
        } else {
            for committer in committers.values_mut() {
                committer.survey().await?;
            }
        }
        Ok(manifest)
    };
    let brought_forward = brought_forward.await;
    let manifest = unless_taken_over(brought_forward, Some(&writer)).await?;
    Ok(Opened {
        committers,
        writer: Some(writer),
        manifest,
    })
}

fn source_times(job: &Job) -> BTreeMap<usize, Arc<SourceTime>> {
    let sources = sources(job);
    let alone = sources.len() == 1;
    sources.into_keys().map(|node| (node, Arc::new(SourceTime::new(alone)))).collect()
}

fn alignment_groups(job: &Job) -> BTreeMap<String, Arc<AlignmentGroup>> {
    let group = |node: &Node| match &node.kind {
        NodeKind::Source(s) => s.alignment.as_ref().map(|a| (a.group.clone(), Arc::default())),
        _ => None,
    };
    job.graph.nodes.iter().filter_map(group).collect()
}

fn sources(job: &Job) -> BTreeMap<usize, Arc<dyn Source>> {
    let source = |(i, node): (usize, &Node)| match &node.kind {
        NodeKind::Source(s) => Some((i, Arc::clone(&s.source))),
        _ => None,
    };
    job.graph.nodes.iter().enumerate().filter_map(source).collect()
}

/// Steps everything on the calling thread, for tests and simulation.
async fn step_here(job: &Job, mut subtasks: Vec<Subtask>, coordinator: &mut Coordinator, asked: watch::Receiver<Asked>) -> Result<End> {
    let stepping = async {
        let (mut next, mut waiting, mut rest) = (0, 0, PARK);
        loop {
            match worker::guarded(&mut subtasks[next]) {
                Ok(Progress::Worked) => {
                    (next, waiting, rest) = ((job.rim.pick)(subtasks.len()), 0, PARK);
                    job.rim.timer.sleep(Duration::ZERO).await;
                }
                Ok(Progress::Waiting) => (next, waiting) = ((next + 1) % subtasks.len(), waiting + 1),
                Err(e) => return e,
            }
            if waiting == subtasks.len() {
                job.rim.timer.sleep(rest).await;
                (waiting, rest) = (0, (rest * 2).min(PARK_MAX));
            }
        }
    };
    match select(std::pin::pin!(coordinator.run(asked)), std::pin::pin!(stepping)).await {
        Either::Left((end, _)) => end,
        Either::Right((e, _)) => Err(e),
    }
}

/// The worker threads of an attempt.
struct Threads {
    stop: Arc<AtomicBool>,
    wakes: Vec<Arc<Wake>>,
    handles: Vec<std::thread::JoinHandle<()>>,
}

impl Threads {
    fn start(subtasks: Vec<(usize, Subtask)>, wakes: &[Arc<Wake>], report: &UnboundedSender<Report>) -> Result<Threads> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut per_worker: Vec<Vec<Subtask>> = wakes.iter().map(|_| Vec::new()).collect();
        for (worker, subtask) in subtasks {
            per_worker[worker].push(subtask);
        }
        let mut threads = Threads {
            stop,
            wakes: wakes.to_vec(),
            handles: Vec::new(),
        };
        for (i, subtasks) in per_worker.into_iter().enumerate() {
            let (wake, stop, report) = (Arc::clone(&wakes[i]), Arc::clone(&threads.stop), report.clone());
            let run = move || {
                if let Err(e) = worker::run(subtasks, &wake, &stop) {
                    let _ = report.unbounded_send(Report::Failed(e));
                }
            };
            let handle = std::thread::Builder::new().name(format!("worker-{i}")).spawn(run);
            threads
                .handles
                .push(handle.map_err(|e| Error::unavailable("could not start a worker thread").source(e))?);
        }
        Ok(threads)
    }
    async fn join(mut self) {
        self.order_stop();
        for handle in std::mem::take(&mut self.handles) {
            let _ = tokio::task::spawn_blocking(move || handle.join()).await;
        }
    }
    fn order_stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wakes.iter().for_each(|w| w.signal());
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.order_stop();
    }
}

/// Makes the subtasks of an attempt.
struct Wiring<'a> {
    job: &'a Job,
    tasks: &'a [Task],
    task_of: &'a [usize],
    wakes: &'a [Arc<Wake>],
    /// Per edge that is an exchange: channels by sending, then receiving subtask.
    channels: BTreeMap<usize, Vec<Vec<Arc<Channel>>>>,
    /// Of the sources.
    times: BTreeMap<usize, Arc<SourceTime>>,
    groups: BTreeMap<String, Arc<AlignmentGroup>>,
    /// Per node.
    metrics: Vec<Arc<NodeMetrics>>,
    manifest: Option<&'a Manifest>,
}

impl Wiring<'_> {
    fn parallelism(&self, node: usize) -> u32 {
        self.tasks[self.task_of[node]].parallelism
    }
    fn wake(&self, subtask: u32) -> &Arc<Wake> {
        &self.wakes[subtask as usize % self.wakes.len()]
    }
    fn make_channels(&mut self) {
        for (i, edge) in self.job.graph.edges.iter().enumerate().filter(|(_, e)| e.exchange != Exchange::Forward) {
            let channels = (0..self.parallelism(edge.from)).map(|from| {
                (0..self.parallelism(edge.to))
                    .map(|to| {
                        Arc::new(Channel::new(
                            self.job.config.channel_rows,
                            Arc::clone(self.wake(from)),
                            Arc::clone(self.wake(to)),
                        ))
                    })
                    .collect()
            });
            let channels = channels.collect();
            self.channels.insert(i, channels);
        }
    }
    fn make_metrics(&mut self) {
        for (i, node) in self.job.graph.nodes.iter().enumerate() {
            let role = match &node.kind {
                NodeKind::Source(_) => NodeRole::Source,
                NodeKind::Operator(_) => NodeRole::Operator,
                NodeKind::Sink(_) => NodeRole::Sink,
            };
            self.metrics
                .push(self.job.metrics.node(&self.job.config.name, &node.id, &node.name, role, self.parallelism(i)));
        }
    }

    /// The splits of each source node with their watermarks, in a fixed order.
    async fn discover(&self) -> Result<BTreeMap<usize, Vec<(Split, i64)>>> {
        let mut all = BTreeMap::new();
        for (i, node) in self.job.graph.nodes.iter().enumerate() {
            let NodeKind::Source(source) = &node.kind else { continue };
            let states = self.manifest.map_or(&[][..], |m| &m.sources).iter().filter(|s| s.node == node.id);
            let known: Vec<Split> = states
                .clone()
                .map(|s| Split {
                    id: s.split.clone(),
                    position: s.position.clone(),
                })
                .collect();
            let watermarks: BTreeMap<&str, i64> = states.map(|s| (s.split.as_str(), s.watermark)).collect();
            // A split that joins starts at the source's current watermark.
            let current = watermarks.values().min().copied().unwrap_or(Watermark::NONE);
            let mut splits = source.source.discover(&known).await?;
            splits.sort_by(|a, b| a.id.cmp(&b.id));
            let with_watermark = splits.into_iter().map(|s| {
                let watermark = watermarks.get(s.id.as_str()).copied().unwrap_or(current);
                (s, watermark)
            });
            all.insert(i, with_watermark.collect());
        }
        Ok(all)
    }

    #[allow(clippy::too_many_arguments, reason = "one call site")]
    async fn subtask(
        &self,
        task: usize,
        index: u32,
        splits: &BTreeMap<usize, Vec<(Split, i64)>>,
        checkpoints: Option<&Checkpoints>,
        orders: &Arc<Orders>,
        report: &UnboundedSender<Report>,
        epoch: u64,
    ) -> Result<Subtask> {
        let (job, graph) = (self.job, &self.job.graph);
        let nodes = &self.tasks[task].nodes;
        let local = |node: usize| nodes.iter().position(|n| *n == node);
        let context = SubtaskContext {
            subtask: index,
            parallelism: self.tasks[task].parallelism,
            key_groups: KeyGroupRange::of(index, self.tasks[task].parallelism, job.config.max_parallelism),
            max_parallelism: job.config.max_parallelism,
        };
        let (mut chain_nodes, mut heads, mut senders) = (Vec::new(), Vec::new(), Vec::new());
        for (at, node) in nodes.iter().enumerate() {
            let definition = &graph.nodes[*node];
            let mut consumers = Vec::new();
            for (e, edge) in graph.edges.iter().enumerate().filter(|(_, e)| e.from == *node) {
                match self.channels.get(&e) {
                    None => consumers.extend(local(edge.to).map(|to| Consumer::Node {
                        port: edge.port,
                        to,
                        input: edge.input,
                    })),
                    Some(channels) => {
                        consumers.push(Consumer::Sender {
                            port: edge.port,
                            sender: senders.len(),
                        });
                        senders.push(Sender::new(edge.exchange.clone(), channels[index as usize].clone(), job.config.max_parallelism));
                    }
                }
            }
            let routes = graph.edges.iter().any(|e| e.from == *node && e.port != Output::MAIN);
            self.metrics[*node].routes.store(routes, Ordering::Relaxed);
            let mut inputs = 0;
            for (e, edge) in graph.edges.iter().enumerate().filter(|(_, e)| e.to == *node) {
                inputs = inputs.max(edge.input + 1);
                if let Some(channels) = self.channels.get(&e) {
                    let inlets = channels.iter().map(|to| Inlet::new(Arc::clone(&to[index as usize]))).collect();
                    heads.push(Head::new(at, edge.input, HeadKind::Exchange(inlets), *node));
                }
            }
            let body = match &definition.kind {
                NodeKind::Source(source) => {
                    let mine: Vec<(Split, i64)> = splits
                        .get(node)
                        .into_iter()
                        .flatten()
                        .skip(index as usize)
                        .step_by(context.parallelism as usize)
                        .cloned()
                        .collect();
                    let reader = source.source.reader(mine.iter().map(|(s, _)| s.clone()).collect())?;
                    let time = self.times.get(node).cloned().ok_or_else(|| Error::bug("a source has no time"))?;
                    let feed = if job.config.workers == 0 {
                        Feed::Inline(reader, Arc::clone(&time))
                    } else {
                        let wake = Arc::clone(self.wake(index));
                        let connected = self.metrics[*node].connected(index);
                        let queue = FeedQueue::start(format!("reader-{index}"), reader, Arc::clone(&time), wake, connected);
                        Feed::Thread(queue?)
                    };
                    let head = SourceHead::new(SourceHeadParts {
                        feed,
                        decoder: source.source.decoder()?,
                        scan: (source.scan)()?,
                        splits: mine,
                        bounded: source.source.bounded(),
                        bad_records: source.bad_records,
                        keep_origins: source.keep_origins,
                        idle_timeout: source.idle_timeout_ms.map(Duration::from_millis),
                        processing_time: source.processing_time,
                        alignment: source.alignment.as_ref().and_then(|a| Some(Member::new(self.groups.get(&a.group)?, a))),
                        clock: Arc::clone(&job.rim.clock),
                        metrics: Arc::clone(&self.metrics[*node]),
                        time,
                        table: source.table.clone(),
                        subtask: index,
                    });
                    heads.push(Head::new(at, 0, HeadKind::Source(Box::new(head)), *node));
                    Body::Source
                }
                NodeKind::Operator(make) => {
                    let mut operator = make(&context)?;
                    let parts = self.state_of(&definition.id, &context, checkpoints).await?;
                    if !parts.is_empty() {
                        operator.restore(&parts)?;
                    }
                    Body::Operator(operator)
                }
                NodeKind::Sink(sink) => Body::Sink(sink.writer(&context, &job.incarnation)?),
            };
            chain_nodes.push(ChainNode::new(body, inputs, consumers, Arc::clone(&self.metrics[*node])));
        }
        let chain = Chain::new(chain_nodes, senders, &job.rim, index);
        Ok(Subtask::new(
            task,
            index,
            heads,
            chain,
            nodes.clone(),
            Arc::clone(orders),
            report.clone(),
            epoch,
        ))
    }

    /// Every chunk of the node's subtasks whose key groups overlap this one's.
    async fn state_of(&self, id: &str, context: &SubtaskContext, checkpoints: Option<&Checkpoints>) -> Result<Vec<SnapshotPart>> {
        match (self.manifest, checkpoints) {
            (Some(manifest), Some(checkpoints)) => checkpoints.read_parts(manifest, id, context.key_groups).await,
            _ => Ok(Vec::new()),
        }
    }
}
