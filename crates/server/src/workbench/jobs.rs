//! The jobs of a session, and what is told of them.

use super::Placed;
use crate::runner::{Output, Prepared};
use millstream_dataflow::option::nearest;
use millstream_dataflow::{Error, Result};
use millstream_runtime::{Control, JobMetrics, Outcome, Rim};
use millstream_sql::Sources;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often jobs are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A job of a session.
#[derive(Debug, Clone)]
pub struct JobInfo {
    pub name: String,
    pub status: JobStatus,
    pub metrics: Arc<JobMetrics>,
    /// Wall time, epoch ms.
    pub started_at_ms: i64,
    /// The checkpoint it went on from.
    pub resumed: Option<u64>,
    /// Where its state is.
    pub state: String,
    /// What its operators give, in the order of the plan.
    pub outputs: Arc<[Output]>,
}

#[derive(Debug, Clone)]
pub enum JobStatus {
    Running,
    /// Asked to stop: its final checkpoint is on the way.
    Stopping,
    /// All bounded input is processed.
    Finished,
    /// After a final checkpoint.
    Stopped,
    Failed(Arc<Error>),
}

impl JobStatus {
    pub fn is_running(&self) -> bool {
        matches!(self, JobStatus::Running | JobStatus::Stopping)
    }
}

/// What happens in the background.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A job has finished or is stopped.
    Ended {
        name: String,
        metrics: Arc<JobMetrics>,
        outcome: Outcome,
        seconds: f64,
    },
    /// A job has failed; `files` are what its places are in.
    Failed { name: String, error: Arc<Error>, files: Arc<Sources> },
    /// Checkpoints have failed, so many in all.
    CheckpointFailed { name: String, failed: u64 },
    /// A job goes on from its last checkpoint after an error that waiting may mend, for the n-th time.
    Restarting { name: String, restarts: u64 },
    /// Rows have come too late, so many in all.
    LateRows { name: String, late: u64 },
}

/// Hears what happens in the background at once, one notice after the other: it must not wait for anything long.
pub type Listener = Arc<dyn Fn(Notice) + Send + Sync>;

struct Entry {
    info: JobInfo,
    control: Control,
}

#[derive(Clone)]
pub(super) struct Jobs {
    // A std mutex: held to look and to change.
    all: Arc<Mutex<Vec<Entry>>>,
    /// How many have ended.
    ended: watch::Sender<usize>,
    listener: Listener,
    /// Notices come one after the other.
    // A std mutex: held while one is told.
    turn: Arc<Mutex<()>>,
    rim: Rim,
}

impl Jobs {
    pub(super) fn new(listener: Listener, rim: Rim) -> Jobs {
        Jobs {
            all: Arc::default(),
            ended: watch::Sender::new(0),
            listener,
            turn: Arc::default(),
            rim,
        }
    }

    /// Runs a job beside its caller. An earlier one of its name is forgotten.
    pub(super) fn start(&self, name: &str, job: Prepared, text: &Placed) {
        let (places, declared) = (Arc::clone(&text.places), Arc::clone(&text.declared));
        let (control, files) = (Control::default(), Arc::clone(&text.files));
        let metrics = Arc::clone(&job.metrics);
        let info = JobInfo {
            name: name.to_string(),
            status: JobStatus::Running,
            metrics: Arc::clone(&metrics),
            started_at_ms: self.rim.clock.now_ms(),
            resumed: job.resumed,
            state: job.state.clone(),
            outputs: Arc::clone(&job.outputs),
        };
        let mut all = self.lock();
        all.retain(|e| e.info.name != name);
        all.push(Entry {
            info,
            control: control.clone(),
        });
        drop(all);
        let (jobs, name) = (self.clone(), name.to_string());
        tokio::spawn(async move {
            let watching = tokio::spawn(jobs.clone().watch(name.clone(), Arc::clone(&metrics)));
            // A task of its own, so that a panic in it is an error here.
            let running = tokio::spawn(async move { job.run(&control).await });
            let result = running.await.unwrap_or_else(|e| Err(Error::bug("the job ended early").source(e)));
            watching.abort();
            let (status, notice) = match result {
                Ok((outcome, seconds)) => {
                    let status = match outcome {
                        Outcome::Finished => JobStatus::Finished,
                        Outcome::Stopped => JobStatus::Stopped,
                    };
                    let name = name.clone();
                    (
                        status,
                        Notice::Ended {
                            name,
                            metrics,
                            outcome,
                            seconds,
                        },
                    )
                }
                Err(e) => {
                    let (error, name) = (Arc::new(places.of(e, &declared)), name.clone());
                    (JobStatus::Failed(Arc::clone(&error)), Notice::Failed { name, error, files })
                }
            };
            // Told before it counts as ended: whoever waits for that has heard of it.
            jobs.tell(notice);
            if let Some(entry) = jobs.lock().iter_mut().find(|e| e.info.name == name) {
                entry.info.status = status;
            }
            jobs.ended.send_modify(|ended| *ended += 1);
        });
    }

    /// Tells what a running job would not stop for.
    async fn watch(self, name: String, metrics: Arc<JobMetrics>) {
        let (mut failed, mut restarts, mut late) = (0, 0, 0);
        loop {
            self.rim.timer.sleep(LOOK).await;
            let now = metrics.checkpoints.failed.load(Relaxed);
            if now > std::mem::replace(&mut failed, now) {
                self.tell(Notice::CheckpointFailed { name: name.clone(), failed });
            }
            let now = metrics.restarts.load(Relaxed);
            if now > std::mem::replace(&mut restarts, now) {
                self.tell(Notice::Restarting { name: name.clone(), restarts });
            }
            let now = metrics.late();
            // Each time they have doubled: not with every row.
            if now >= (late * 2).max(1) {
                late = now;
                self.tell(Notice::LateRows { name: name.clone(), late });
            }
        }
    }

    fn tell(&self, notice: Notice) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        (self.listener)(notice);
    }

    pub(super) fn list(&self) -> Vec<JobInfo> {
        self.lock().iter().map(|e| e.info.clone()).collect()
    }
    pub(super) fn is_running(&self, name: &str) -> bool {
        self.lock().iter().any(|e| e.info.name == name && e.info.status.is_running())
    }
    pub(super) fn stop(&self, name: &str) -> Result<()> {
        let mut all = self.lock();
        let running = |e: &&mut Entry| e.info.status.is_running();
        if let Some(entry) = all.iter_mut().filter(running).find(|e| e.info.name == name) {
            entry.stop();
            return Ok(());
        }
        let e = Error::config(format!("no job \"{name}\" is running")).code("E0609");
        let names: Vec<&str> = all.iter_mut().filter(running).map(|e| e.info.name.as_str()).collect();
        Err(match nearest(name, names.iter().copied()) {
            Some(near) => e.hint(format!("did you mean \"{near}\"?")),
            None if names.is_empty() => e,
            None => e.hint(format!("there is {}", names.join(", "))),
        })
    }
    pub(super) fn stop_all(&self) {
        self.lock().iter_mut().filter(|e| e.info.status.is_running()).for_each(Entry::stop);
    }
    /// Waits until a job is not running any more.
    pub(super) async fn ended(&self, name: &str) {
        let mut ended = self.ended.subscribe();
        // The sender is ours: it is there.
        let _ended = ended.wait_for(|_| !self.is_running(name)).await;
    }
    pub(super) async fn all_ended(&self) {
        let mut ended = self.ended.subscribe();
        let _ended = ended.wait_for(|_| !self.lock().iter().any(|e| e.info.status.is_running())).await;
    }
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn stop(&mut self) {
        self.info.status = JobStatus::Stopping;
        self.control.stop();
    }
}
