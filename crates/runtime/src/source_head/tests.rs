use super::*;

fn stamps(candidates: &[Option<i64>], start: i64) -> (Vec<i64>, i64) {
    let mut watermark = start;
    let stamp = stamp(&Int64Array::from(candidates.to_vec()), &mut watermark);
    ((0..candidates.len()).map(|i| stamp.at(i)).collect(), watermark)
}

#[test]
fn a_row_is_stamped_with_the_watermark_before_it() {
    assert_eq!(stamps(&[Some(5), Some(3), None, Some(9), Some(7)], 4), (vec![4, 5, 5, 5, 9], 9));
    assert_eq!(stamps(&[Some(1), Some(2)], 4), (vec![4, 4], 4));
    assert_eq!(stamps(&[Some(9)], 4), (vec![4], 9));
    assert_eq!(stamps(&[], 4), (vec![], 4));
}

#[test]
fn stamps_do_not_depend_on_batch_cuts() {
    let all = [Some(5), Some(3), None, Some(9), Some(7), Some(10), Some(2)];
    let whole = stamps(&all, Watermark::NONE);
    for cut in 0..all.len() {
        let (mut left, middle) = stamps(&all[..cut], Watermark::NONE);
        let (right, end) = stamps(&all[cut..], middle);
        left.extend(right);
        assert_eq!((left, end), whole, "cut at {cut}");
    }
}
