//! What to do at a start, as a pure function of what lies in the store.

use super::manifest::Manifest;
use super::names::{self, Object};
use millstream_dataflow::{Error, ObjectMeta, Result};
use std::collections::HashMap;

/// What a start begins with.
#[derive(Debug)]
pub enum Action {
    /// There is no checkpoint: start without state.
    Fresh,
    /// The sinks show all of this checkpoint: restore it.
    Restore(Box<Manifest>),
    /// The checkpoint is decided, but its sinks may not have committed: commit it (they do so once), mark it, then restore it.
    RollForward(Box<Manifest>),
    /// Going on would lose or double rows. Someone has to decide; the error says what the choices are.
    Refuse(Error),
}

/// The epoch of the newest manifest among an incarnation's objects.
pub(super) fn newest(objects: &[ObjectMeta], incarnation: &str) -> Option<u64> {
    let manifests = objects.iter().filter_map(|o| match names::parse(&o.path, incarnation) {
        Object::Manifest(epoch) => Some(epoch),
        _ => None,
    });
    manifests.max()
}

/// Decides from the objects of an incarnation and the content of its newest manifest.
///
/// An older manifest is never taken in place of a damaged one: the damaged one was decided, so its sinks may show its rows, and
/// going back would show them again.
pub fn decide(location: &str, incarnation: &str, objects: &[ObjectMeta], manifest: Option<Result<Manifest>>) -> Action {
    let committed = objects.iter().filter_map(|o| match names::parse(&o.path, incarnation) {
        Object::Committed(epoch) => Some(epoch),
        _ => None,
    });
    let committed = committed.max();
    let newest = newest(objects, incarnation);
    let (epoch, manifest) = match (newest, manifest, committed) {
        (None, _, None) => return Action::Fresh,
        (Some(epoch), Some(manifest), committed) if committed.is_none_or(|c| c <= epoch) => (epoch, manifest),
        (newest, _, committed) => {
            let missing = names::manifest(incarnation, committed.or(newest).unwrap_or_default());
            return refuse("the newest checkpoint is missing, though its output was committed".into(), location, &missing);
        }
    };
    let path = names::manifest(incarnation, epoch);
    let manifest = match manifest {
        Ok(manifest) if manifest.epoch == epoch && manifest.incarnation == incarnation => manifest,
        Ok(manifest) => {
            let other = format!("a manifest is of epoch {} of {}", manifest.epoch, manifest.incarnation);
            return refuse(other, location, &path);
        }
        Err(e) => return refuse(e.message.clone(), location, &path),
    };
    let sizes: HashMap<&str, u64> = objects.iter().map(|o| (o.path.as_str(), o.bytes)).collect();
    let holds = |c: &super::ChunkRef| {
        sizes
            .get(c.file.as_str())
            .is_some_and(|bytes| c.offset.checked_add(c.length).is_some_and(|end| end <= *bytes))
    };
    if let Some(lost) = manifest.chunks().find(|c| !holds(c)) {
        return refuse("a state file is missing or too short".into(), location, &lost.file);
    }
    match committed == Some(epoch) {
        true => Action::Restore(Box::new(manifest)),
        false => Action::RollForward(Box::new(manifest)),
    }
}

pub(super) fn refuse(why: String, location: &str, path: &str) -> Action {
    let error = Error::corrupt(why).code("E0601").detail(format!("{}/{path}", location.trim_end_matches('/')));
    Action::Refuse(error.hint(
        "restore the file from a backup; or start with --fresh, which leaves this state behind and keeps what the sinks show. \
         Going back to an older checkpoint would show rows twice",
    ))
}

#[cfg(test)]
mod tests;
