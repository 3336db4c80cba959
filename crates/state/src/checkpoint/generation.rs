//! Who owns the job: the process that created the highest generation object.

use super::{CREATE_ATTEMPTS_MAX, Checkpoints, damaged, names, sealed};
use bytes::Bytes;
use millstream_dataflow::{Error, ErrorKind, Put, PutMode, Result};
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

/// Creates the next generation: of the same incarnation as the last one, or after the one given.
pub(super) async fn take(checkpoints: &Checkpoints, incarnation: &str, after: Option<u64>, nonce: &str, now_ms: i64) -> Result<u64> {
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
            // Refuses a store that holds another job.
            let last = match read(checkpoints, highest).await {
                // A new life is begun although, or because, the last one is damaged.
                Err(e) if e.kind == ErrorKind::Corrupt && Some(highest) == after => None,
                last => last?,
            };
            if Some(highest) != after && last.is_none_or(|last| last.incarnation != incarnation) {
                return Err(another_life(checkpoints));
            }
            next(checkpoints, highest)?
        }
    };
    for _ in 0..RACES_MAX {
        let found = create(checkpoints, number, &owner, &body).await?;
        if found.nonce == owner.nonce {
            probe(checkpoints, number, &body).await?;
            return Ok(number);
        }
        if found.incarnation != owner.incarnation {
            return Err(another_life(checkpoints));
        }
        number = next(checkpoints, number)?;
    }
    Err(taken_over(checkpoints))
}

fn next(checkpoints: &Checkpoints, number: u64) -> Result<u64> {
    let path = names::generation(number);
    number.checked_add(1).ok_or_else(|| {
        Error::corrupt("a generation object has a name that no process gives")
            .code("E0601")
            .detail(format!("{path}, {}", checkpoints.location()))
            .hint("remove it")
    })
}

/// What this process decided to go on from is not the job's last life: going on would show rows twice.
fn another_life(checkpoints: &Checkpoints) -> Error {
    Error::fenced("another process has begun a new life of the job")
        .code("E0603")
        .detail(checkpoints.location())
        .hint("run one process per state directory; start again to go on from what it left")
}

fn taken_over(checkpoints: &Checkpoints) -> Error {
    Error::fenced("other processes keep taking the job over")
        .code("E0603")
        .detail(checkpoints.location())
        .hint("run one process per state directory")
}

/// Whether there is an object of a generation, whatever a listing shows.
pub(super) async fn exists(checkpoints: &Checkpoints, number: u64) -> Result<bool> {
    Ok(checkpoints.store.head(&names::generation(number)).await?.is_some())
}

/// Whose the generation is now.
async fn create(checkpoints: &Checkpoints, number: u64, owner: &Owner, body: &Bytes) -> Result<Owner> {
    let path = names::generation(number);
    let mut failure = None;
    for _ in 0..CREATE_ATTEMPTS_MAX {
        match checkpoints.store.put(&path, body.clone(), PutMode::Create).await {
            Ok(Put::Done) => return Ok(owner.clone()),
            Ok(Put::Exists) => {}
            Err(e) if e.is_transient() => failure = Some(e),
            Err(e) => return Err(e),
        }
        if let Some(found) = read(checkpoints, number).await? {
            return Ok(found);
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
        // A process that was paused in between finds its object removed by whoever took over.
        Put::Done if highest(checkpoints).await? > Some(number) => Err(taken_over(checkpoints)),
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
