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

/// The number of the newest manifest among an incarnation's objects.
pub(super) fn newest(objects: &[ObjectMeta], incarnation: &str) -> Option<u64> {
    let manifests = objects.iter().filter_map(|o| match names::parse(&o.path, incarnation) {
        Object::Manifest(number) => Some(number),
        _ => None,
    });
    manifests.max()
}

/// Decides from the objects of an incarnation and its newest manifest, with its number.
///
/// An older manifest is never taken in place of a damaged one: the damaged one was decided, so its sinks may show its rows, and
/// going back would show them again.
pub fn decide(location: &str, incarnation: &str, objects: &[ObjectMeta], manifest: Option<(u64, Result<Manifest>)>) -> Action {
    let committed = objects.iter().filter_map(|o| match names::parse(&o.path, incarnation) {
        Object::Committed(epoch) => Some(epoch),
        _ => None,
    });
    let committed = committed.max();
    let missing = |epoch| {
        let why = "the newest checkpoint is missing, though its output was committed";
        refuse(why.into(), location, &names::committed(incarnation, epoch))
    };
    let Some((number, manifest)) = manifest else {
        return committed.map_or(Action::Fresh, missing);
    };
    let path = names::manifest(incarnation, number);
    let manifest = match manifest {
        Ok(manifest) if manifest.number() == number && manifest.incarnation == incarnation => manifest,
        Ok(manifest) => {
            let other = format!("a manifest is number {} of {}", manifest.number(), manifest.incarnation);
            return refuse(other, location, &path);
        }
        Err(e) => return refuse(e.message.clone(), location, &path),
    };
    if let Some(later) = committed.filter(|c| *c > manifest.epoch) {
        return missing(later);
    }
    let sizes: HashMap<&str, u64> = objects.iter().map(|o| (o.path.as_str(), o.bytes)).collect();
    let holds = |c: &super::ChunkRef| {
        sizes
            .get(c.file.as_str())
            .is_some_and(|bytes| c.offset.checked_add(c.length).is_some_and(|end| end <= *bytes))
    };
    if let Some(lost) = manifest.chunks().find(|c| !holds(c)) {
        return refuse("a state file is missing or too short".into(), location, &lost.file);
    }
    match committed == Some(manifest.epoch) {
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
