//! The checkpoint coordinator: orders barriers, gathers state, publishes the manifest, commits the sinks.
//!
//! The manifest's publication is the decision: before it an epoch never happened, after it the epoch is rolled forward, by this
//! process or the next (design §7).

use crate::chain::PreCommit;
use crate::combined::Combined;
use crate::config::JobConfig;
use crate::constants::SOURCE_COMMIT_WAIT;
use crate::job::Asked;
use crate::metrics::JobMetrics;
use crate::rim::{Rim, Timer};
use crate::subtask::{Acknowledgement, Orders, Report};
use crate::wake::Wake;
use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;
use futures::future::{Either, select, select_all, try_join_all};
use millstream_dataflow::{
    BoxFuture, Committable, Epoch, EpochCommit, Error, ErrorKind, KeyGroupRange, Result, SinkCommitter, Snapshot, Source, Split, UndecidedEpoch, Watermark,
};
use millstream_state::checkpoint::{FinishedJob, Manifest, OperatorState, SinkState, SourceState, Writer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{debug, info, warn};

/// How an attempt ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All bounded input is processed and committed.
    Finished,
    /// Asked to stop; the last checkpoint holds everything.
    Stopped,
    /// A source has a new split; the last checkpoint holds everything.
    Grown,
}

pub(crate) struct Coordinator {
    pub(crate) config: JobConfig,
    pub(crate) rim: Rim,
    pub(crate) metrics: Arc<JobMetrics>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) wakes: Vec<Arc<Wake>>,
    pub(crate) reports: UnboundedReceiver<Report>,
    /// Number of subtasks that acknowledge each barrier.
    pub(crate) subtasks: usize,
    /// Ids of the graph's nodes.
    pub(crate) node_ids: Vec<String>,
    /// Parallelism of the graph's nodes.
    pub(crate) parallelism: Vec<u32>,
    /// `None` for a job that keeps no state: a bare SELECT.
    pub(crate) writer: Option<Writer>,
    pub(crate) committers: BTreeMap<usize, Box<dyn SinkCommitter>>,
    pub(crate) sources: BTreeMap<usize, Arc<dyn Source>>,
    /// The splits that the sources were started with, by node.
    pub(crate) splits: BTreeMap<usize, Vec<Split>>,
    /// The last published epoch.
    pub(crate) epoch: Epoch,
    pub(crate) incarnation: String,
    /// Committables of epochs whose checkpoint failed: they belong to the next one.
    pub(crate) carried: BTreeMap<usize, Vec<Committable>>,
    /// When the first row that is not committed may have been read.
    pub(crate) uncommitted_since: Duration,
    /// What the processes before left undecided is removed.
    pub(crate) cleared: bool,
    pub(crate) ended: usize,
    pub(crate) failed_in_row: u32,
}

impl Coordinator {
    /// Runs until the input ends, a stop is asked for, or something fails.
    pub(crate) async fn run(&mut self, mut asked: watch::Receiver<Asked>) -> Result<End> {
        let mut wait = self.config.checkpoint_interval;
        let mut growth = self.growth();
        let mut grown = false;
        // One that was asked for before the start is answered after it.
        let mut answered = 0;
        loop {
            let finished = self.ended == self.subtasks;
            let Asked { stop: stopped, checkpoints } = *asked.borrow_and_update();
            if finished || stopped || grown {
                self.orders.stop();
                // A failed checkpoint is tried again: nothing may be left uncommitted at the end.
                while self.writer.is_some() && !self.checkpoint(finished).await? {
                    self.rim.timer.sleep(self.config.restart_backoff).await;
                }
                return Ok(match (finished, stopped) {
                    (true, _) => End::Finished,
                    (_, true) => End::Stopped,
                    _ => End::Grown,
                });
            }
            if checkpoints > answered && self.writer.is_some() {
                answered = checkpoints;
                wait = self.timed_checkpoint().await?;
                continue;
            }
            let timer = match self.writer {
                Some(_) => self.rim.timer.sleep(wait),
                None => Box::pin(futures::future::pending()),
            };
            let changed = std::pin::pin!(asked.changed());
            let report = match select(select(self.reports.next(), changed), select(timer, growth.as_mut())).await {
                Either::Left((Either::Left((report, _)), _)) => report,
                Either::Left((Either::Right(_), _)) => continue,
                Either::Right((Either::Right((found, _)), _)) => {
                    found?;
                    growth = Box::pin(futures::future::pending());
                    // Without checkpoints there is nothing to go on from.
                    grown = self.writer.is_some();
                    if !grown {
                        warn!("a query without INSERT reads what there was at its start; what is new is left out");
                    }
                    continue;
                }
                Either::Right((Either::Left(_), _)) => {
                    wait = self.timed_checkpoint().await?;
                    continue;
                }
            };
            self.note(report)?;
        }
    }

    /// A checkpoint, and how long it is from its end to the next.
    async fn timed_checkpoint(&mut self) -> Result<Duration> {
        let start = self.rim.clock.monotonic();
        self.checkpoint(false).await?;
        Ok(self.config.checkpoint_interval.saturating_sub(self.rim.clock.monotonic() - start))
    }

    /// Ends when a source has a split that it did not have at the start, or an error that waiting does not mend.
    fn growth(&self) -> BoxFuture<'static, Result<()>> {
        let watched = self.sources.iter().filter_map(|(node, source)| {
            let known = self.splits.get(node).cloned().unwrap_or_default();
            Some(new_split(
                self.config.name.clone(),
                Arc::clone(source),
                source.discovery_interval()?,
                known,
                Arc::clone(&self.rim.timer),
            ))
        });
        let watched: Vec<_> = watched.map(Box::pin).collect();
        match watched.is_empty() {
            true => Box::pin(futures::future::pending()),
            false => Box::pin(async move { select_all(watched).await.0 }),
        }
    }

    /// Tells the sources what is committed; they get a moment for it, and no say.
    async fn tell_sources(&mut self, positions: BTreeMap<usize, Vec<Split>>) {
        for (node, splits) in positions {
            let Some(source) = self.sources.get(&node) else { continue };
            let told = source.committed(&splits);
            if let Either::Left((Err(e), _)) = select(told, self.rim.timer.sleep(SOURCE_COMMIT_WAIT)).await {
                warn!(job = %self.config.name, source = %self.node_ids[node], error = %e, "a source could not take note of a checkpoint");
            }
        }
    }

    /// Takes in a report that is not an acknowledgement.
    fn note(&mut self, report: Option<Report>) -> Result<()> {
        match report {
            Some(Report::Ended) => self.ended += 1,
            Some(Report::Failed(e)) => return Err(e),
            Some(Report::Acknowledged(_)) => return Err(Error::bug("a subtask acknowledged a checkpoint that was not ordered")),
            None => return Err(Error::bug("all workers are gone")),
        }
        Ok(())
    }

    /// One checkpoint; false if it failed in a way that costs nothing but time.
    async fn checkpoint(&mut self, finished: bool) -> Result<bool> {
        let start = self.rim.clock.monotonic();
        let epoch = self.epoch + 1;
        let acknowledged = self.barrier(epoch).await?;
        // A failed epoch's number is not used again in this run: sinks and chunks have seen it.
        self.epoch = epoch;
        let (sources, snapshots, pre_commits) = sort(acknowledged);
        let mut committables = self.pre_commit(epoch, pre_commits).await?;
        let now_ms = self.rim.clock.now_ms();
        let result = self.publish(epoch, &sources, snapshots, &committables, finished.then_some(now_ms)).await;
        let bytes = match result {
            Ok(bytes) => bytes,
            Err(PublishError::Undecided(e)) => return Err(e),
            Err(PublishError::NotPublished(e)) => {
                self.metrics.checkpoints.failed.fetch_add(1, Relaxed);
                self.failed_in_row += 1;
                warn!(job = %self.config.name, epoch, error = %e, "checkpoint failed");
                if self.failed_in_row > self.config.tolerable_failed_checkpoints {
                    // A restart helps only where waiting does: it makes no disk larger.
                    let failed = Error::new(e.kind, format!("{} checkpoints in a row have failed", self.failed_in_row));
                    return Err(match e.hint.clone() {
                        Some(hint) => failed.hint(hint).source(e),
                        None => failed.source(e),
                    });
                }
                self.carried = committables;
                return Ok(false);
            }
        };
        for (node, committer) in &mut self.committers {
            let commit = EpochCommit {
                epoch,
                committables: committables.remove(node).unwrap_or_default(),
            };
            committer.commit(commit).await?;
            if !self.cleared {
                committer.clear().await?;
            }
        }
        self.cleared = true;
        let Some(writer) = &mut self.writer else { return Ok(true) };
        writer.committed(epoch).await?;
        self.failed_in_row = 0;
        if let Err(e) = writer.retain(self.config.checkpoints_retained).await {
            // Old files left behind cost space, not correctness; the next checkpoint tries again.
            if e.kind == ErrorKind::Fenced {
                return Err(e);
            }
            warn!(job = %self.config.name, error = %e, "old checkpoints could not be removed");
        }
        let mut positions: BTreeMap<usize, Vec<Split>> = BTreeMap::new();
        for (node, splits) in sources {
            positions.entry(node).or_default().extend(splits.into_iter().map(|(s, _)| s));
        }
        self.tell_sources(positions).await;
        let m = &self.metrics.checkpoints;
        let now = self.rim.clock.monotonic();
        let (duration, latency) = (now - start, now - std::mem::replace(&mut self.uncommitted_since, start));
        m.completed.fetch_add(1, Relaxed);
        m.last_epoch.store(epoch, Relaxed);
        m.last_duration_ms.store(duration.as_millis() as u64, Relaxed);
        m.last_bytes.store(bytes, Relaxed);
        m.last_latency_ms.store(latency.as_millis() as u64, Relaxed);
        m.last_at_ms.store(self.rim.clock.now_ms(), Relaxed);
        debug!(job = %self.config.name, epoch, bytes, duration_ms = duration.as_millis() as u64, "checkpoint completed");
        Ok(true)
    }

    /// Sends the barrier through the job and waits for every subtask's part.
    async fn barrier(&mut self, epoch: Epoch) -> Result<Vec<Acknowledgement>> {
        self.orders.inject(epoch);
        self.wakes.iter().for_each(|w| w.signal());
        let mut timeout = self.rim.timer.sleep(self.config.checkpoint_timeout);
        let mut acknowledged = Vec::with_capacity(self.subtasks);
        while acknowledged.len() < self.subtasks {
            match select(self.reports.next(), timeout.as_mut()).await {
                Either::Left((Some(Report::Acknowledged(a)), _)) if a.epoch == epoch => acknowledged.push(a),
                Either::Left((report, _)) => self.note(report)?,
                Either::Right(_) => {
                    let e = Error::unavailable(format!(
                        "checkpoint {epoch} got {} of {} acknowledgements in time",
                        acknowledged.len(),
                        self.subtasks
                    ));
                    return Err(e.hint("raise 'execution.checkpointing.timeout', or find the slow sink"));
                }
            }
        }
        Ok(acknowledged)
    }

    /// Finishes the sinks' uploads, and prepares their commits. An error here loses rows of this run, so it ends the attempt.
    async fn pre_commit(&mut self, epoch: Epoch, pre_commits: BTreeMap<usize, Vec<PreCommit>>) -> Result<BTreeMap<usize, Vec<Committable>>> {
        let mut all = std::mem::take(&mut self.carried);
        for (node, writers) in pre_commits {
            let combined = Combined::of(writers.iter().map(|w| (w.watermark, w.idle)));
            let parts = try_join_all(writers.into_iter().map(|w| w.committables)).await?;
            let committables = all.entry(node).or_default();
            committables.extend(parts.into_iter().flatten());
            if let Some(committer) = self.committers.get_mut(&node) {
                let undecided = UndecidedEpoch {
                    epoch,
                    watermark: combined.map_or(Watermark::NONE, |c| c.watermark),
                    committables: std::mem::take(committables),
                };
                *committables = committer.prepare(undecided).await?;
            }
        }
        Ok(all)
    }

    /// Uploads state and creates the manifest. Returns the bytes uploaded.
    async fn publish(
        &mut self,
        epoch: Epoch,
        sources: &[(usize, Vec<(Split, i64)>)],
        snapshots: Vec<(usize, u32, Snapshot)>,
        committables: &BTreeMap<usize, Vec<Committable>>,
        finished: Option<i64>,
    ) -> std::result::Result<u64, PublishError> {
        let Some(writer) = &mut self.writer else { return Ok(0) };
        let mut operators: Vec<OperatorState> = Vec::with_capacity(snapshots.len());
        for (node, subtask, snapshot) in snapshots {
            let id = &self.node_ids[node];
            let range = KeyGroupRange::of(subtask, self.parallelism[node], self.config.max_parallelism);
            let state = writer
                .write_state(epoch, id, subtask, range, &snapshot)
                .await
                .map_err(PublishError::NotPublished)?;
            operators.push(state);
        }
        let source_states = sources.iter().flat_map(|(node, splits)| {
            let id = &self.node_ids[*node];
            splits.iter().map(move |(s, watermark)| SourceState {
                node: id.clone(),
                split: s.id.clone(),
                position: s.position.clone(),
                watermark: *watermark,
                idle: false,
                finished: false,
            })
        });
        let manifest = Manifest {
            job: self.config.name.clone(),
            incarnation: self.incarnation.clone(),
            generation: writer.generation(),
            nonce: (self.rim.unique)(),
            epoch,
            number: 0,
            created_ms: self.rim.clock.now_ms(),
            engine: env!("CARGO_PKG_VERSION").to_string(),
            plan: self.config.plan.clone(),
            max_parallelism: self.config.max_parallelism,
            parallelism: self.config.parallelism,
            sources: source_states.collect(),
            operators,
            sinks: committables
                .iter()
                .map(|(node, c)| SinkState {
                    node: self.node_ids[*node].clone(),
                    committables: c.iter().map(|c| c.0.clone()).collect(),
                })
                .collect(),
            finished: finished.map(|at_ms| FinishedJob { at_ms, summary: Vec::new() }),
        };
        // Chunks of earlier epochs are only referred to.
        let uploaded = format!("/{epoch:020}-");
        let chunks = manifest.operators.iter().flat_map(|o| &o.tables).flat_map(|t| &t.chunks);
        let bytes = chunks.filter(|c| c.file.contains(&uploaded)).map(|c| c.length).sum();
        writer.publish(manifest).await.map_err(PublishError::Undecided)?;
        Ok(bytes)
    }
}

/// Asks a source again and again for its splits, until there is one that is not known.
async fn new_split(job: String, source: Arc<dyn Source>, interval: Duration, known: Vec<Split>, timer: Arc<dyn Timer>) -> Result<()> {
    // A broker that has just started may not know of a topic yet: only what is said twice in a row is so.
    let mut said = false;
    loop {
        timer.sleep(interval).await;
        match source.discover(&known).await {
            Ok(found) => {
                if let Some(new) = found.iter().find(|f| !known.iter().any(|k| k.id == f.id)) {
                    info!(%job, split = %new.id, "a new split is taken in");
                    return Ok(());
                }
                said = false;
            }
            // Who reads tells more of it.
            Err(e) if e.is_transient() => debug!(%job, error = %e, "new splits could not be looked for"),
            Err(e) if said => return Err(e),
            Err(e) => {
                warn!(%job, error = %e, "new splits could not be looked for");
                said = true;
            }
        }
    }
}

/// Whether an epoch may have been decided although publishing failed.
enum PublishError {
    /// Nothing refers to the epoch: its rows go into the next one.
    NotPublished(Error),
    /// The manifest may exist: only a restart, which reads it, can tell.
    Undecided(Error),
}

type Sorted = (Vec<(usize, Vec<(Split, i64)>)>, Vec<(usize, u32, Snapshot)>, BTreeMap<usize, Vec<PreCommit>>);

/// The parts of all subtasks in an order that does not depend on who was first.
fn sort(mut acknowledged: Vec<Acknowledgement>) -> Sorted {
    acknowledged.sort_by_key(|a| a.subtask);
    let (mut sources, mut snapshots, mut pre_commits) = (Vec::new(), Vec::new(), BTreeMap::<usize, Vec<PreCommit>>::new());
    for a in acknowledged {
        sources.extend(a.sources);
        snapshots.extend(a.snapshots.into_iter().map(|(node, s)| (node, a.subtask, s)));
        for (node, future) in a.pre_commits {
            pre_commits.entry(node).or_default().push(future);
        }
    }
    sources.sort_by_key(|s| s.0);
    snapshots.sort_by_key(|s| (s.0, s.1));
    (sources, snapshots, pre_commits)
}

/// Brings a decided but uncommitted epoch to its end, then notes what undecided ones left.
pub(crate) async fn roll_forward(
    job: &str,
    manifest: &Manifest,
    committed: bool,
    node_ids: &[String],
    committers: &mut BTreeMap<usize, Box<dyn SinkCommitter>>,
    writer: &mut Writer,
) -> Result<()> {
    for (node, committer) in committers.iter_mut() {
        let nothing = EpochCommit {
            epoch: manifest.epoch,
            committables: Vec::new(),
        };
        let last = manifest.commit_of(&node_ids[*node]).unwrap_or(nothing);
        committer.restore(&last)?;
        if !committed {
            committer.commit(last).await?;
        }
        committer.survey().await?;
    }
    if !committed {
        info!(job, epoch = manifest.epoch, "rolled forward");
        writer.committed(manifest.epoch).await?;
    }
    Ok(())
}

/// A pause that doubles with each attempt, bounded.
pub(crate) fn backoff(config: &JobConfig, attempt: u32) -> Duration {
    config.restart_backoff.saturating_mul(1 << attempt.min(16)).min(config.restart_backoff_max)
}
