use super::*;

fn row(text: &str) -> Row {
    let (kind, cells) = match text.split_once(' ') {
        Some(("-D", rest)) => (RowKind::Delete, rest),
        Some(("-U", rest)) => (RowKind::UpdateBefore, rest),
        Some(("+U", rest)) => (RowKind::UpdateAfter, rest),
        _ => (RowKind::Insert, text),
    };
    let value = |text: &str| Value {
        text: (text != "NULL").then(|| text.to_string()),
        literal: text.to_string(),
    };
    Row {
        kind,
        cells: cells.split('|').map(value).collect(),
        key: None,
    }
}

fn rows(texts: &[&str]) -> Vec<Row> {
    texts.iter().map(|t| row(t)).collect()
}

fn shown(expected: &[&str], actual: &[&str], ordered: bool, tolerance: Option<Tolerance>) -> String {
    let columns = [
        Column::new("page", SqlType::STRING, true),
        Column::new("n", SqlType::BigInt, true),
        Column::new("avg", SqlType::Double, true),
    ];
    let same = Same {
        columns: &columns,
        tolerance,
        kinds: false,
    };
    same.compare(&rows(expected), &rows(actual), ordered)
        .map_or(String::new(), |d| format!("\n{d}"))
}

#[test]
fn rows_are_compared_as_a_bag_and_what_is_most_alike_stands_together() {
    assert_eq!(shown(&["a|1|1.0", "a|1|1.0", "b|2|NULL"], &["b|2|NULL", "a|1|1.0", "a|1|1.0"], false, None), "");
    assert_eq!(
        shown(
            &["home|1|1.0", "cart|2|2.5", "x|3|1.0"],
            &["x|3|1.0", "cart|20|2.5", "home|1|1.0", "home|1|1.0"],
            false,
            None
        ),
        "
   page  n   avg
   home  1   1.0
 - cart  2   2.5
 + cart  20  2.5
         ^^
   x     3   1.0
 + home  1   1.0
"
    );
    assert_eq!(shown(&["a|1|NULL"], &[], false, None), "\n   page  n  avg\n - a     1  NULL\n");
}

#[test]
fn a_row_that_only_goes_away_is_none_that_came() {
    assert_eq!(
        shown(&["a|1|1.0"], &["-D a|1|1.0"], false, None),
        "\n   op  page  n  avg\n - +I  a     1  1.0\n + -D  a     1  1.0\n   ^^\n"
    );
}

#[test]
fn order_counts_where_it_is_asked_for() {
    assert_eq!(shown(&["a|1|1.0", "b|2|2.0"], &["b|2|2.0", "a|1|1.0"], false, None), "");
    assert_eq!(
        shown(&["a|1|1.0", "b|2|2.0"], &["b|2|2.0", "a|1|1.0"], true, None),
        "\n   page  n  avg\n - a     1  1.0\n + a     1  1.0\n   b     2  2.0\n"
    );
}

#[test]
fn numbers_may_be_off_by_a_tolerance() {
    let absolute = Some(Tolerance::Absolute(0.5));
    assert_eq!(shown(&["a|1|1.0"], &["a|1|1.4"], false, absolute), "");
    assert_ne!(shown(&["a|1|1.0"], &["a|1|1.6"], false, absolute), "");
    assert_eq!(shown(&["a|100|1.0"], &["a|102|1.0"], false, Some(Tolerance::Percent(2.0))), "");
    assert_ne!(shown(&["a|100|1.0"], &["a|103|1.0"], false, Some(Tolerance::Percent(2.0))), "");
    // A DOUBLE in its last digits; nothing else.
    assert_eq!(shown(&["a|1|0.3"], &["a|1|0.30000000000000004"], false, None), "");
    assert_ne!(shown(&["0.3|1|1.0"], &["0.30000000000000004|1|1.0"], false, None), "");
}

#[test]
fn changes_fold_to_what_is_left_of_them() {
    let left = |texts: &[&str]| folded(&rows(texts));
    assert_eq!(left(&["a|1", "-U a|1", "+U a|2", "b|1", "-D b|1"]), rows(&["a|2"]));
    assert_eq!(left(&["-D a|1", "a|1"]), rows(&["-D a|1", "a|1"]));
}

#[test]
fn long_diffs_show_what_is_near() {
    let many: Vec<String> = (0..100).map(|n| format!("k{n}|{n}|1.0")).collect();
    let mut expected: Vec<&str> = many.iter().map(String::as_str).collect();
    let actual = expected.clone();
    expected[50] = "k50|50|2.0";
    let text = shown(&expected, &actual, false, None);
    assert!(
        text.contains("   … 48 rows are right\n   k48") && text.contains(" - k50   50  2.0\n + k50   50  1.0\n             ^^^\n"),
        "{text}"
    );
    assert!(text.ends_with("   … 47 rows are right\n"), "{text}");
}
