//! Where objects lie, relative to the store's root.

use millstream_dataflow::{Error, Result};

pub(super) const GENERATIONS: &str = "generation";

pub(super) fn generation(number: u64) -> String {
    format!("{GENERATIONS}/{number:020}")
}
pub(super) fn manifest(incarnation: &str, number: u64) -> String {
    format!("{incarnation}/manifest/{number:020}")
}
/// There is, or was, a manifest. Beside the incarnation's own directory, which may be gone as a whole.
pub(super) fn began(incarnation: &str) -> String {
    format!("began/{incarnation}")
}
pub(super) fn committed(incarnation: &str, epoch: u64) -> String {
    format!("{incarnation}/committed/{epoch:020}")
}
/// Never used twice: a generation has one writer, which counts its files.
pub(super) fn state(incarnation: &str, epoch: u64, generation: u64, count: u64) -> String {
    format!("{incarnation}/state/{epoch:020}-{generation}-{count}")
}

/// What an object below an incarnation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// With its number.
    Manifest(u64),
    /// With its epoch.
    Committed(u64),
    /// With the epoch it was written in.
    State(u64),
    /// A temporary file of the store, something a user put there: not ours to read or delete.
    Other,
}

pub(super) fn parse(path: &str, incarnation: &str) -> Object {
    let rest = path.strip_prefix(incarnation).and_then(|r| r.strip_prefix('/')).and_then(|r| r.split_once('/'));
    match rest {
        Some(("manifest", name)) => number(name).map_or(Object::Other, Object::Manifest),
        Some(("committed", name)) => number(name).map_or(Object::Other, Object::Committed),
        Some(("state", name)) => name.split_once('-').and_then(|(epoch, _)| number(epoch)).map_or(Object::Other, Object::State),
        _ => Object::Other,
    }
}

/// Whether a path is a manifest or a commit marker of any incarnation.
pub(super) fn is_decision(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(incarnation, _)| matches!(parse(path, incarnation), Object::Manifest(_) | Object::Committed(_)))
}

/// Whether a path is a manifest of any incarnation.
pub(super) fn is_manifest(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(incarnation, _)| matches!(parse(path, incarnation), Object::Manifest(_)))
}

/// The number of a 20-digit name.
pub(super) fn number(name: &str) -> Option<u64> {
    (name.len() == 20 && name.bytes().all(|b| b.is_ascii_digit())).then(|| name.parse().ok())?
}

/// # Errors
/// `Bug` for a name that is not one plain path segment.
pub(super) fn check_incarnation(incarnation: &str) -> Result<()> {
    let plain = incarnation.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain && !incarnation.is_empty() && incarnation != GENERATIONS {
        return Ok(());
    }
    Err(Error::bug(format!("\"{incarnation}\" is no incarnation")))
}
