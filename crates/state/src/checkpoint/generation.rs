//! Who owns the job: the process that created the highest generation object.

use super::{CREATE_ATTEMPTS_MAX, Checkpoints, damaged, names, sealed};
use bytes::Bytes;
use millstream_dataflow::{Error, Put, PutMode, Result};
use serde::{Deserialize, Serialize};

/// Processes that may start at the same moment before one gives up.
const RACES_MAX: usize = 16;

/// Body of a generation object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) job: String,
    pub(super) incarnation: String,
    nonce: String,
    started_ms: i64,
}

/// The current owner.
pub(super) async fn current(checkpoints: &Checkpoints) -> Result<Option<Owner>> {
    let Some(highest) = highest(checkpoints).await? else {
        return Ok(None);
    };
    match read(checkpoints, highest).await? {
        Some(owner) => Ok(Some(owner)),
        None => Err(Error::unavailable("a new owner took the job over while it was read").detail(checkpoints.location())),
    }
}

pub(super) async fn highest(checkpoints: &Checkpoints) -> Result<Option<u64>> {
    Ok(list(checkpoints).await?.into_iter().max())
}

/// All generations there are.
pub(super) async fn list(checkpoints: &Checkpoints) -> Result<Vec<u64>> {
    let objects = checkpoints.store.list(names::GENERATIONS).await?;
    let name = |path: &str| path.strip_prefix(names::GENERATIONS)?.strip_prefix('/').and_then(names::number);
    Ok(objects.iter().filter_map(|o| name(&o.path)).collect())
}

/// Creates the next generation.
pub(super) async fn take(checkpoints: &Checkpoints, incarnation: &str, nonce: &str, now_ms: i64) -> Result<u64> {
    let owner = Owner {
        job: checkpoints.job.clone(),
        incarnation: incarnation.to_string(),
        nonce: nonce.to_string(),
        started_ms: now_ms,
    };
    let body = Bytes::from(sealed::seal("generation", &owner)?);
    let mut number = match highest(checkpoints).await? {
        None => 1,
        Some(highest) => {
            read(checkpoints, highest).await?; // Refuses a store that holds another job.
            highest + 1
        }
    };
    for _ in 0..RACES_MAX {
        if create(checkpoints, number, &owner, &body).await? {
            probe(checkpoints, number, &body).await?;
            return Ok(number);
        }
        number += 1;
    }
    Err(Error::fenced("other processes keep taking the job over")
        .code("E0603")
        .detail(checkpoints.location())
        .hint("run one process per state directory"))
}

/// Whether the generation is ours now; false if somebody else's.
async fn create(checkpoints: &Checkpoints, number: u64, owner: &Owner, body: &Bytes) -> Result<bool> {
    let path = names::generation(number);
    let mut failure = None;
    for _ in 0..CREATE_ATTEMPTS_MAX {
        match checkpoints.store.put(&path, body.clone(), PutMode::Create).await {
            Ok(Put::Done) => return Ok(true),
            Ok(Put::Exists) => {}
            Err(e) if e.is_transient() => failure = Some(e),
            Err(e) => return Err(e),
        }
        if let Some(found) = read(checkpoints, number).await? {
            return Ok(found.nonce == owner.nonce);
        }
    }
    Err(failure
        .unwrap_or_else(|| Error::unavailable("the checkpoint store says that an object exists, but does not show it").detail(checkpoints.object(&path))))
}

/// A store that overwrites what it should only create would let two processes believe they own the job. Creating our own object
/// again, with the same bytes, tells.
async fn probe(checkpoints: &Checkpoints, number: u64, body: &Bytes) -> Result<()> {
    match checkpoints.store.put(&names::generation(number), body.clone(), PutMode::Create).await? {
        Put::Exists => Ok(()),
        Put::Done => Err(Error::config("the checkpoint store does not support conditional creation")
            .code("E0605")
            .detail(checkpoints.location())
            .hint("use a store that honours If-None-Match on PUT, or a local directory")),
    }
}

async fn read(checkpoints: &Checkpoints, number: u64) -> Result<Option<Owner>> {
    let path = names::generation(number);
    let Some(bytes) = checkpoints.store.get(&path, None).await? else {
        return Ok(None);
    };
    let owner: Owner = sealed::open("generation", &bytes).map_err(|e| damaged(&e.message, checkpoints.object(&path)))?;
    names::check_incarnation(&owner.incarnation).map_err(|e| damaged(&e.message, checkpoints.object(&path)))?;
    if owner.job != checkpoints.job {
        return Err(Error::config(format!(
            "the state directory belongs to the job \"{}\", not to \"{}\"",
            owner.job, checkpoints.job
        ))
        .code("E0604")
        .detail(checkpoints.location())
        .hint("give each job a state directory of its own, or set 'pipeline.name' to the job's former name"));
    }
    Ok(Some(owner))
}
