//! Deletes what no checkpoint needs any more.

use super::manifest::Manifest;
use super::names::{self, Object};
use super::{Checkpoints, generation};
use millstream_dataflow::{ObjectMeta, Result};
use std::collections::HashSet;

/// Everything is classified before anything is deleted. Manifests go oldest first, so what is left is always the newest ones, and
/// state files go last, so no manifest ever refers to a missing one.
///
/// - `published`: the newest epoch
/// - `needed`: what its manifest refers to: a listing may not show it yet
pub(super) async fn retain(checkpoints: &Checkpoints, incarnation: &str, generation: u64, published: u64, needed: &HashSet<&str>, keep: usize) -> Result<()> {
    let objects = checkpoints.store.list(incarnation).await?;
    let mut manifests: Vec<u64> = objects
        .iter()
        .filter_map(|o| match names::parse(&o.path, incarnation) {
            Object::Manifest(number) => Some(number),
            _ => None,
        })
        .collect();
    manifests.sort_unstable();
    let kept = manifests.split_off(manifests.len().saturating_sub(keep));
    let (mut referenced, mut oldest) = (HashSet::new(), published);
    for number in &kept {
        let path = names::manifest(incarnation, *number);
        // A manifest that vanished refers to nothing; only the next owner deletes, and then we are fenced.
        if let Some(bytes) = checkpoints.store.get(&path, None).await? {
            let manifest = Manifest::decode(&bytes).map_err(|e| e.detail(checkpoints.object(&path)))?;
            referenced.extend(manifest.chunks().map(|c| c.file.clone()));
            oldest = oldest.min(manifest.epoch);
        }
    }
    let paths = |wanted: &dyn Fn(&ObjectMeta) -> bool| objects.iter().filter(|o| wanted(o)).map(|o| o.path.clone()).collect::<Vec<_>>();
    let markers = paths(&|o| matches!(names::parse(&o.path, incarnation), Object::Committed(epoch) if epoch < oldest));
    // A file of a later epoch may belong to a checkpoint in flight.
    let unneeded = |o: &ObjectMeta| !referenced.contains(&o.path) && !needed.contains(o.path.as_str());
    let files = paths(&|o| matches!(names::parse(&o.path, incarnation), Object::State(epoch) if epoch <= published) && unneeded(o));
    let generations = generation::list(checkpoints)
        .await?
        .into_iter()
        .filter(|g| *g < generation)
        .map(names::generation);
    let manifests = manifests.into_iter().map(|number| names::manifest(incarnation, number));
    for path in manifests.chain(markers).chain(files).chain(generations) {
        checkpoints.store.delete(&path).await?;
    }
    Ok(())
}
