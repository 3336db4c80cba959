//! Deletes what no checkpoint needs any more.

use super::manifest::Manifest;
use super::names::{self, Object};
use super::{Checkpoints, generation};
use millstream_dataflow::{ObjectMeta, Result};
use std::collections::HashSet;

/// Everything is classified before anything is deleted. Manifests go oldest first, so what is left is always the newest ones, and
/// state files go last, so no manifest ever refers to a missing one.
pub(super) async fn retain(checkpoints: &Checkpoints, incarnation: &str, generation: u64, published: u64, keep: usize) -> Result<()> {
    let objects = checkpoints.store.list(incarnation).await?;
    let mut manifests = epochs(&objects, |o| match names::parse(&o.path, incarnation) {
        Object::Manifest(epoch) => Some(epoch),
        _ => None,
    });
    manifests.sort_unstable();
    let kept = manifests.split_off(manifests.len().saturating_sub(keep));
    let mut referenced = HashSet::new();
    for epoch in &kept {
        let path = names::manifest(incarnation, *epoch);
        // A manifest that vanished refers to nothing; only the next owner deletes, and then we are fenced.
        if let Some(bytes) = checkpoints.store.get(&path, None).await? {
            let manifest = Manifest::decode(&bytes).map_err(|e| e.detail(checkpoints.object(&path)))?;
            referenced.extend(manifest.chunks().map(|c| c.file.clone()));
        }
    }
    let oldest = kept.first().copied().unwrap_or(published).min(published);
    let paths = |wanted: &dyn Fn(&ObjectMeta) -> bool| objects.iter().filter(|o| wanted(o)).map(|o| o.path.clone()).collect::<Vec<_>>();
    let markers = paths(&|o| matches!(names::parse(&o.path, incarnation), Object::Committed(epoch) if epoch < oldest));
    // A file of a later epoch may belong to a checkpoint in flight.
    let files = paths(&|o| matches!(names::parse(&o.path, incarnation), Object::State(epoch) if epoch <= published) && !referenced.contains(&o.path));
    let generations = generation::list(checkpoints)
        .await?
        .into_iter()
        .filter(|g| *g < generation)
        .map(names::generation);
    let manifests = manifests.into_iter().map(|epoch| names::manifest(incarnation, epoch));
    for path in manifests.chain(markers).chain(files).chain(generations) {
        checkpoints.store.delete(&path).await?;
    }
    Ok(())
}

fn epochs(objects: &[ObjectMeta], epoch: impl Fn(&ObjectMeta) -> Option<u64>) -> Vec<u64> {
    objects.iter().filter_map(epoch).collect()
}
