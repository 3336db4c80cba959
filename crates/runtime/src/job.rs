//! A job: attempts, restarts, and the end.

use crate::attempt::attempt;
use crate::config::JobConfig;
use crate::constants::SOURCE_CLOSE_WAIT;
use crate::coordinator::{End, backoff};
use crate::metrics::JobMetrics;
use crate::rim::Rim;
use futures::future::{Either, join_all, select};
use millstream_dataflow::{Graph, NodeKind, Result};
use millstream_state::checkpoint::Checkpoints;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::watch;
use tracing::warn;

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All bounded input is processed and committed.
    Finished,
    /// Stopped on request after a final checkpoint, windows not fired.
    Stopped,
}

/// What a running job is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    pub(crate) stop: bool,
    /// How often a checkpoint was.
    pub(crate) checkpoints: u64,
}

/// Asks a running job to stop, or for a checkpoint.
#[derive(Debug, Clone)]
pub struct Control(Arc<watch::Sender<Asked>>);

impl Default for Control {
    fn default() -> Self {
        Control(Arc::new(watch::channel(Asked::default()).0))
    }
}

impl Control {
    /// Final checkpoint, then the end.
    pub fn stop(&self) {
        self.0.send_modify(|asked| asked.stop = true);
    }
    /// A checkpoint now, whatever the interval; its end can be told by [`JobMetrics`].
    pub fn checkpoint(&self) {
        self.0.send_modify(|asked| asked.checkpoints += 1);
    }
    /// The result of a future, or `None` if a stop is asked for first: what starts a job can be given up at any point, as in a crash.
    pub async fn unless_stopped<T>(&self, future: impl Future<Output = Result<T>>) -> Result<Option<T>> {
        unless_stopped(self.0.subscribe(), future).await
    }
}

pub(crate) async fn unless_stopped<T>(mut asked: watch::Receiver<Asked>, future: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    let stopped = async {
        // A sender that is gone asks for nothing any more.
        if asked.wait_for(|a| a.stop).await.is_err() {
            futures::future::pending::<()>().await;
        }
    };
    match select(std::pin::pin!(future), std::pin::pin!(stopped)).await {
        Either::Left((result, _)) => result.map(Some),
        Either::Right(_) => Ok(None),
    }
}

/// A graph with everything it needs to run.
pub struct Job {
    pub graph: Graph,
    pub config: JobConfig,
    pub rim: Rim,
    /// Where checkpoints are; `None` for a job that keeps no state.
    pub checkpoints: Option<Checkpoints>,
    /// The life of the job's state that this run belongs to: that of the checkpoint it goes on from, or a new one.
    pub incarnation: String,
    /// For a new life the generation whose life it ends, as it was when that was decided.
    pub after: Option<u64>,
    pub metrics: Arc<JobMetrics>,
}

impl Job {
    /// Runs the job to its end. Transient errors restart it from its last checkpoint, with backoff; others end it.
    pub async fn run(self, control: &Control) -> Result<Outcome> {
        let outcome = self.attempts(control).await;
        self.metrics.set_failure(None);
        let closing = join_all(self.graph.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Source(s) => Some(s.source.close()),
            _ => None,
        }));
        select(closing, self.rim.timer.sleep(SOURCE_CLOSE_WAIT)).await;
        outcome
    }

    async fn attempts(&self, control: &Control) -> Result<Outcome> {
        let mut failures = 0;
        let mut completed = 0;
        loop {
            let error = match attempt(self, control.0.subscribe()).await {
                Ok(End::Finished) => return Ok(Outcome::Finished),
                Ok(End::Stopped) => return Ok(Outcome::Stopped),
                Ok(End::Grown) => {
                    self.metrics.keep_written();
                    continue;
                }
                Err(e) => e,
            };
            let now_completed = self.metrics.checkpoints.completed.load(Relaxed);
            if now_completed > completed {
                completed = now_completed;
                failures = 0;
            }
            if !error.is_transient() || failures >= self.config.restart_attempts {
                return Err(error);
            }
            let pause = backoff(&self.config, failures);
            failures += 1;
            self.metrics.restarts.fetch_add(1, Relaxed);
            self.metrics.set_failure(Some(error.to_string()));
            warn!(job = %self.config.name, error = %error, attempt = failures, pause_ms = pause.as_millis() as u64, "restarting from the last checkpoint");
            let mut stop = control.0.subscribe();
            let stopped = async {
                let _ = stop.wait_for(|a| a.stop).await;
            };
            if let Either::Right(_) = select(self.rim.timer.sleep(pause), std::pin::pin!(stopped)).await {
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests;
