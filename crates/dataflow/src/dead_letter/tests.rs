use super::*;
use crate::testing::texts;
use crate::{BadRecord, Batch};

fn places() -> Places {
    let mut places = Places::of_partition("clicks", 3);
    [(7, 1), (9, 2), (10, 1)].into_iter().for_each(|(number, rows)| places.push(number, rows));
    places
}

#[test]
fn records_that_are_no_rows_become_letters() {
    let places = places();
    let origin = ChunkOrigin {
        table: "t",
        split: "clicks/3",
        places: &places,
    };
    let rejected = |number, record: Option<&str>, event_time| Rejected {
        number,
        record: record.map(|r| r.as_bytes().to_vec()),
        event_time,
        why: BadRecord {
            reason: "malformed",
            message: "no JSON".into(),
        },
    };
    let letters = origin
        .letters(&[rejected(8, Some("{"), None), rejected(11, None, Some(5))], &[crate::Watermark::NONE, 4])
        .unwrap();
    assert_eq!(
        texts(&Batch::new(letters)),
        [
            "malformed | no JSON | t | x'7b' | clicks/3 | clicks | 3 | 8 | NULL | NULL",
            "malformed | no JSON | t | NULL | clicks/3 | clicks | 3 | 11 | 5 | 4"
        ]
    );
}

#[test]
fn rows_keep_where_they_came_from_until_they_are_late() {
    let places = places();
    let chunk = |table| ChunkOrigin {
        table,
        split: "clicks/3",
        places: &places,
    };
    let times = Int64Array::from(vec![10, 30]);
    let rows = UInt32Array::from(vec![1, 3]);
    let records: ArrayRef = Arc::new(arrow_array::BinaryViewArray::from_iter_values(["a", "b", "b", "d"].map(str::as_bytes)));
    let stamp = Stamp::Rows(vec![crate::Watermark::NONE, 20].into());
    let origins = chunk("t").of_rows(&rows, Some(&records), &times, &stamp).unwrap();
    let back = origins.take(&UInt32Array::from(vec![1, 0])).unwrap();
    assert_eq!(
        texts(&Batch::new(back.late_letters("t").unwrap())),
        [
            "late | NULL | t | x'64' | clicks/3 | clicks | 3 | 10 | 30 | 20",
            "late | NULL | t | x'62' | clicks/3 | clicks | 3 | 9 | 10 | NULL"
        ]
    );
    assert_eq!(origins.late_letters("other").unwrap().num_rows(), 0);
    let second = origins.filter(&BooleanArray::from(vec![false, true])).unwrap();
    assert_eq!(
        texts(&Batch::new(second.late_letters("t").unwrap())),
        texts(&Batch::new(origins.slice(1, 1).late_letters("t").unwrap()))
    );
}
