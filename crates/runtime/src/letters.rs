//! What a source needs to know of its rows to write dead letters.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, UInt32Array};
use millstream_dataflow::{BadRow, Places, Rejected, Stamp, Watermark};

/// Rows that a scan left out, as the records that they were.
pub(crate) fn left_out(bad: &[BadRow], places: &Places, raw: Option<&ArrayRef>) -> Vec<Rejected> {
    let raw = raw.and_then(|r| r.as_binary_view_opt());
    let rejected = |b: &BadRow| Rejected {
        number: places.number(b.row),
        record: raw.filter(|r| r.is_valid(b.row)).map(|r| r.value(b.row).to_vec()),
        event_time: b.event_time,
        why: b.why.clone(),
    };
    bad.iter().map(rejected).collect()
}

/// The numbers in the chunk of the rows that a scan kept.
///
/// - `rows`: how many it kept
pub(crate) fn kept(rows: usize, bad: &[BadRow]) -> UInt32Array {
    let mut bad = bad.iter().map(|b| b.row).peekable();
    let all = 0..rows + bad.len();
    all.filter(|row| bad.next_if_eq(row).is_none()).map(|row| row as u32).collect()
}

/// The watermark just before each rejected record, however the records were cut into chunks.
///
/// - `kept`: the rows between them
/// - `stamp`: of these rows
/// - `after`: the watermark behind the chunk
pub(crate) fn watermarks(rejected: &[Rejected], kept: &UInt32Array, places: &Places, stamp: Option<&Stamp>, after: i64) -> Vec<i64> {
    let before = |r: &Rejected| {
        let next = kept.values().partition_point(|row| places.number(*row as usize) < r.number);
        match stamp {
            None => Watermark::NONE,
            Some(stamp) if next < kept.len() => stamp.at(next),
            Some(_) => after,
        }
    };
    rejected.iter().map(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_dataflow::BadRecord;

    fn rejected(number: u64) -> Rejected {
        Rejected {
            number,
            record: None,
            event_time: None,
            why: BadRecord {
                reason: "malformed",
                message: String::new(),
            },
        }
    }

    #[test]
    fn a_rejected_record_has_the_watermark_before_it() {
        let mut places = Places::new("offset");
        [(10, 1), (11, 2), (14, 1)].into_iter().for_each(|(number, rows)| places.push(number, rows));
        let bad = BadRow {
            row: 2,
            event_time: None,
            why: rejected(0).why,
        };
        let kept = kept(3, std::slice::from_ref(&bad));
        assert_eq!(kept.values(), &[0, 1, 3]);
        let numbers = [9, 10, 11, 12, 14, 15].map(rejected);
        let stamp = Stamp::Rows(vec![Watermark::NONE, 1, 2].into());
        assert_eq!(
            watermarks(&numbers, &kept, &places, Some(&stamp), 3),
            [Watermark::NONE, Watermark::NONE, 1, 2, 2, 3]
        );
        assert_eq!(watermarks(&numbers[..1], &kept, &places, None, 3), [Watermark::NONE]);
        assert_eq!(left_out(&[bad], &places, None)[0].number, 11);
    }
}
