use super::*;

fn members<const N: usize>(max_drift_ms: u64, update_interval_ms: u64) -> [Member; N] {
    let group = Arc::default();
    let alignment = Alignment {
        group: "g".to_string(),
        max_drift_ms,
        update_interval_ms,
    };
    std::array::from_fn(|_| Member::new(&group, &alignment))
}

const fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn nobody_goes_far_before_the_last_has_begun() {
    let [mut a, mut b] = members(10, 1_000);
    assert!(a.limit(500, at(0)) < 500);
    assert_eq!(b.limit(100, at(0)), 110);
    assert_eq!(a.limit(500, at(0)), 110, "the first watermark of the last is not waited for");
}

#[test]
fn the_limit_goes_up_by_the_interval_or_by_half_the_drift() {
    let [mut a, mut b] = members(10, 1_000);
    a.limit(500, at(0));
    b.limit(100, at(0));
    assert_eq!(a.limit(500, at(0)), 110);
    b.limit(104, at(10));
    assert_eq!(a.limit(500, at(10)), 110);
    b.limit(105, at(10));
    assert_eq!(a.limit(500, at(10)), 115);
    b.limit(106, at(10));
    assert_eq!((a.limit(500, at(1_009)), a.limit(500, at(1_010))), (115, 116));
}

#[test]
fn the_last_is_never_held_and_an_older_one_that_wakes_counts_at_once() {
    let [mut a, mut b] = members(0, 1_000);
    for time in [5, 6, 900, 901] {
        b.limit(NOBODY, at(0));
        assert_eq!(a.limit(time, at(0)), time);
    }
    assert_eq!(a.limit(NOBODY, at(0)), NOBODY, "all are idle");
    b.limit(7, at(0));
    assert_eq!(a.limit(901, at(0)), 7);
}
