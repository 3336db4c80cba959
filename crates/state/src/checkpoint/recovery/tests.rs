use super::*;
use crate::checkpoint::{ChunkRef, OperatorState, TableState};

fn manifest(epoch: u64, files: &[u64]) -> Manifest {
    let chunk = |f: &u64| ChunkRef {
        id: *f,
        version: 1,
        file: names::state("life", *f, 1, 0),
        offset: 4,
        length: 6,
        crc32c: 0,
    };
    Manifest {
        incarnation: "life".into(),
        epoch,
        operators: vec![OperatorState {
            node: "n".into(),
            subtask: 0,
            key_group_start: 0,
            key_group_end: 128,
            tables: vec![TableState {
                name: "t".into(),
                chunks: files.iter().map(chunk).collect(),
            }],
        }],
        ..Manifest::default()
    }
}

/// Every subset of the objects of two epochs, with the newest manifest whole or damaged. Epoch 2 refers to both state files.
#[test]
fn all_subsets_of_objects_are_decided_safely() {
    let all = [
        names::manifest("life", 1),
        names::manifest("life", 2),
        names::committed("life", 1),
        names::committed("life", 2),
        names::state("life", 1, 1, 0),
        names::state("life", 2, 1, 0),
        "life/manifest/.tmp-1".to_string(),
    ];
    for (subset, damaged) in (0..1 << all.len()).flat_map(|s| [(s, false), (s, true)]) {
        let there = |i: usize| subset & 1 << i != 0;
        let object = |i: usize| ObjectMeta {
            path: all[i].clone(),
            bytes: 10,
            modified_ms: 0,
        };
        let objects: Vec<_> = (0..all.len()).filter(|i| there(*i)).map(object).collect();
        let newest = newest(&objects, "life");
        assert_eq!(newest, if there(1) { Some(2) } else { there(0).then_some(1) });
        let read = |epoch| match damaged {
            true => Err(Error::corrupt("damaged")),
            false => Ok(manifest(epoch, &(1..=epoch).collect::<Vec<_>>())),
        };
        let action = decide("test://job", "life", &objects, newest.map(|n| (n, read(n))));
        let whole = |epoch| !damaged && there(4) && (epoch == 1 || there(5));
        let expected = match (newest, there(2), there(3)) {
            (None, false, false) => "fresh",
            (Some(2), _, true) if whole(2) => "restore 2",
            (Some(2), _, false) if whole(2) => "roll 2",
            (Some(1), true, false) if whole(1) => "restore 1",
            (Some(1), false, false) if whole(1) => "roll 1",
            _ => "refuse",
        };
        let found = match &action {
            Action::Fresh => "fresh".to_string(),
            Action::Restore(m) => format!("restore {}", m.epoch),
            Action::RollForward(m) => format!("roll {}", m.epoch),
            Action::Refuse(e) => {
                assert!(e.hint.is_some() && e.detail.as_ref().is_some_and(|d| d.starts_with("test://job/life/")), "{e}");
                "refuse".into()
            }
        };
        assert_eq!(found, expected, "{:?} damaged: {damaged}", objects.iter().map(|o| &o.path).collect::<Vec<_>>());
    }
}

#[test]
fn a_short_state_file_or_a_manifest_of_elsewhere_is_refused() {
    let object = |path: String, bytes| ObjectMeta { path, bytes, modified_ms: 0 };
    let name = names::manifest("life", 1);
    for (bytes, found, restores) in [(10, manifest(1, &[1]), true), (9, manifest(1, &[1]), false), (10, manifest(2, &[1]), false)] {
        let objects = [object(name.clone(), 1), object(names::state("life", 1, 1, 0), bytes)];
        let action = decide("test://job", "life", &objects, Some((1, Ok(found))));
        assert_eq!(matches!(action, Action::RollForward(_)), restores, "{action:?}");
    }
}
