use super::*;

fn bad(rows: &[usize]) -> Vec<BadRow> {
    let row = |row: &usize| BadRow {
        row: *row,
        event_time: None,
        why: BadRecord {
            reason: "computed",
            message: String::new(),
        },
    };
    rows.iter().map(row).collect()
}

#[test]
fn rows_found_among_the_rest_have_their_numbers_in_the_whole() {
    for (first, among_rest, all) in [
        (vec![], vec![0, 2], vec![0, 2]),
        (vec![0, 1], vec![0], vec![0, 1, 2]),
        (vec![1, 3], vec![0, 1, 2, 3], vec![0, 1, 2, 3, 4, 5]),
        (vec![5], vec![4, 5], vec![4, 5, 6]),
        (vec![0, 2], vec![], vec![0, 2]),
    ] {
        let numbers: Vec<usize> = both(bad(&first), bad(&among_rest)).iter().map(|b| b.row).collect();
        assert_eq!(numbers, all, "{first:?} and {among_rest:?}");
    }
}
