//! Whether a job starts fresh, goes on, has finished, or must not run (design §5, "Running again").

use millstream_dataflow::{Error, Result};
use millstream_plan::{Job, differences};
use millstream_state::checkpoint::Checkpoints;

/// What to do with what an earlier run left.
#[derive(Debug, PartialEq, Eq)]
pub enum Resume {
    /// Nothing is there, or a new life was asked for: it ends that of this generation.
    Fresh { after: Option<u64> },
    /// Go on from this incarnation's last checkpoint.
    Continue { incarnation: String, epoch: u64 },
    /// The job has processed all its bounded input; epoch ms.
    Finished { at_ms: i64 },
}

/// Which life of its state a job is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// The last one.
    Same,
    /// The last one; after the end of that, whatever job it was of, a new one.
    SameUnlessFinished,
    New,
}

/// Looks at what an earlier run left.
///
/// # Errors
/// `Config` if it belongs to another plan; those of the store.
pub async fn decide(checkpoints: &Checkpoints, job: &Job, max_parallelism: u32, life: Life) -> Result<Resume> {
    // Looked at first: whoever comes later is found when the job is taken over.
    let after = checkpoints.generation().await?;
    if life == Life::New {
        return Ok(Resume::Fresh { after });
    }
    let Some(manifest) = checkpoints.latest().await? else {
        return Ok(Resume::Fresh { after });
    };
    // The last epoch may have been decided, and its rows not be shown yet: then there is something left to do.
    let finished = match &manifest.finished {
        Some(finished) if checkpoints.is_committed(manifest.epoch, &manifest.incarnation).await? => Some(finished.at_ms),
        _ => None,
    };
    if life == Life::SameUnlessFinished && finished.is_some() {
        return Ok(Resume::Fresh { after });
    }
    let name = &job.name;
    let differences = differences(&Job::from_text(&manifest.plan)?, job);
    if !differences.is_empty() {
        return Err(Error::config(format!("the state of job \"{name}\" belongs to another plan"))
            .code("E0602")
            .detail(differences.join("; "))
            .hint("run the file it was made with, give this one another name (SET 'pipeline.name' = '…'), or start a new life with --fresh: its output is then added to what is there"));
    }
    if manifest.max_parallelism != max_parallelism {
        return Err(Error::config(format!(
            "the state of job \"{name}\" has {} key groups, the settings say {max_parallelism}",
            manifest.max_parallelism
        ))
        .code("E0606")
        .hint("'pipeline.max-parallelism' is fixed for the life of a job: set it back, or start a new life with --fresh"));
    }
    Ok(match finished {
        Some(at_ms) => Resume::Finished { at_ms },
        None => Resume::Continue {
            incarnation: manifest.incarnation.clone(),
            epoch: manifest.epoch,
        },
    })
}
