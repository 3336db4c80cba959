//! Interning keys: time per row for few and many distinct keys, after checking that the ids are right.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark has no users, and a wrong result ends it"
)]

use arrow_array::{Array, ArrayRef, Int64Array, StringViewArray};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use millstream_dataflow::SqlType;
use millstream_state::KeyIndex;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const ROWS: usize = 8192;
const BATCHES: usize = 256;

/// Name, key types, batches of key columns.
type Case = (&'static str, Vec<SqlType>, Vec<Vec<ArrayRef>>);

/// A reproducible sequence (SplitMix64).
fn numbers(distinct: u64) -> impl Iterator<Item = i64> {
    let mut state = 7u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 31)) % distinct) as i64
    })
}

fn intern(index: &mut KeyIndex, batches: &[Vec<ArrayRef>], ids: &mut Vec<u32>) -> u64 {
    let sum = batches.iter().map(|keys| match index.intern(keys, ROWS, ids) {
        Ok(()) => ids.iter().map(|id| u64::from(*id)).sum::<u64>(),
        Err(e) => panic!("{e}"),
    });
    sum.sum()
}

/// The keys of the ids are the keys that went in.
fn check(types: &[SqlType], batches: &[Vec<ArrayRef>]) -> KeyIndex {
    let mut index = KeyIndex::new(types).unwrap();
    let mut ids = Vec::new();
    intern(&mut index, batches, &mut ids);
    for keys in batches {
        index.intern(keys, ROWS, &mut ids).unwrap();
        let stored = index.keys(0..index.len()).unwrap();
        for row in (0..ROWS).step_by(ROWS / 16) {
            let id = ids[row] as usize;
            assert!(keys.iter().zip(&stored).all(|(k, s)| k.slice(row, 1) == s.slice(id, 1)));
        }
    }
    index
}

fn bench(c: &mut Criterion) {
    for distinct in [10_000u64, 1_000_000] {
        let ints = |seed: i64| -> Vec<ArrayRef> {
            let mut all = numbers(distinct).map(move |n| n.wrapping_mul(seed));
            (0..BATCHES)
                .map(|_| Arc::new(Int64Array::from_iter_values(all.by_ref().take(ROWS))) as ArrayRef)
                .collect()
        };
        let texts = || -> Vec<ArrayRef> {
            let mut all = numbers(distinct).map(|n| format!("/page/{n}/index"));
            (0..BATCHES)
                .map(|_| Arc::new(StringViewArray::from_iter_values(all.by_ref().take(ROWS))) as ArrayRef)
                .collect()
        };
        let cases: [Case; 3] = [
            ("i64", vec![SqlType::BigInt], ints(1).into_iter().map(|a| vec![a]).collect()),
            ("text", vec![SqlType::STRING], texts().into_iter().map(|a| vec![a]).collect()),
            (
                "i64, i64",
                vec![SqlType::BigInt, SqlType::BigInt],
                ints(1).into_iter().zip(ints(3)).map(|(a, b)| vec![a, b]).collect(),
            ),
        ];
        for (name, types, batches) in &cases {
            let mut full = check(types, batches);
            let mut group = c.benchmark_group(format!("intern {name}, {distinct} keys"));
            group
                .throughput(Throughput::Elements((ROWS * BATCHES) as u64))
                .sample_size(10)
                .warm_up_time(Duration::from_millis(300))
                .measurement_time(Duration::from_secs(2));
            let mut ids = Vec::new();
            let expected = intern(&mut full, batches, &mut ids);
            group.bench_function("known", |b| b.iter(|| assert_eq!(intern(&mut full, batches, &mut ids), expected)));
            group.bench_function("from empty", |b| {
                b.iter_batched(
                    || KeyIndex::new(types),
                    |index| black_box(intern(&mut index.unwrap(), batches, &mut Vec::new())),
                    BatchSize::PerIteration,
                );
            });
            group.finish();
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
