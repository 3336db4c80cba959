//! Any bytes as records of the format `json`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use tests::hostile::Records;

thread_local! {
    static DECODERS: RefCell<Vec<Records>> =
        RefCell::new([false, true].map(|ignores| Records::new("json", ignores).expect("a decoder")).into());
}

fuzz_target!(|record: &[u8]| {
    DECODERS.with_borrow_mut(|decoders| {
        for decoder in decoders {
            if let Err(e) = decoder.check(record).and_then(|_| decoder.finish()) {
                panic!("{e:#}");
            }
        }
    });
});
