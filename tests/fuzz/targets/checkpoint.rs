//! Any bytes as manifests and chunks of state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use tests::hostile::Checkpoint;

static CHECKPOINT: OnceLock<Checkpoint> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let checkpoint = CHECKPOINT.get_or_init(|| Checkpoint::new().expect("golden checkpoints"));
    if let Err(e) = checkpoint.check(bytes) {
        panic!("{e:#}");
    }
});
