//! Keys that stand in an object more than once: the last value counts, as in Flink.

use arrow_array::{Int32Array, StringViewArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use std::collections::{HashMap, HashSet};

/// Keys of an object up to which each is compared with each.
const FEW: usize = 16;

/// Where the objects of maps begin without keys that come again, and the entries that are kept; none if no key comes again.
///
/// - `offsets`: of one more than there are objects; `keys`: of all their entries
pub(super) fn last_of_each(offsets: &OffsetBuffer<i32>, keys: &StringViewArray) -> Option<(OffsetBuffer<i32>, Int32Array)> {
    let objects = || offsets.windows(2).map(|w| w[0]..w[1]);
    let key = |entry: i32| keys.value(entry as usize);
    let repeats = |object: std::ops::Range<i32>| match object.len() {
        0 | 1 => false,
        2..=FEW => object.clone().any(|entry| (entry + 1..object.end).any(|later| key(entry) == key(later))),
        n => object.map(key).collect::<HashSet<_>>().len() < n,
    };
    if !objects().any(repeats) {
        return None;
    }
    let (mut begins, mut kept) = (vec![0], Vec::<i32>::new());
    for object in objects() {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for entry in object {
            // The place is that of the first, the value that of the last.
            let place = *places.entry(key(entry)).or_insert(kept.len());
            match kept.get_mut(place) {
                Some(former) => *former = entry,
                None => kept.push(entry),
            }
        }
        begins.push(kept.len() as i32);
    }
    Some((OffsetBuffer::new(ScalarBuffer::from(begins)), Int32Array::from(kept)))
}
