use super::*;

#[test]
fn widths_grow_with_a_new_head() {
    let mut table = Table::new(vec!["a".to_string(), "b".to_string()], false, false);
    let row = |a: &str, b: &str| vec![Some(a.to_string()), Some(b.to_string())];
    assert_eq!(table.rows(&[row("1", "x")]), "+---+---+\n| a | b |\n+---+---+\n| 1 | x |\n");
    assert_eq!(table.rows(&[row("2", "y")]), "| 2 | y |\n");
    assert_eq!(
        table.rows(&[row("3", "日本")]),
        "+---+---+\n+---+------+\n| a | b    |\n+---+------+\n| 3 | 日本 |\n"
    );
    assert_eq!(table.end(), "+---+------+\n3 rows\n");
}

#[test]
fn what_ends_is_one_table() {
    let row = |a: &str| vec![Some(a.to_string())];
    let mut table = Table::new(vec!["a".to_string()], false, true);
    assert_eq!(table.rows(&[row("1")]) + &table.rows(&[row("long")]), "");
    assert_eq!(table.end(), "+------+\n| a    |\n+------+\n| 1    |\n| long |\n+------+\n2 rows\n");
    // Rows without end are not kept.
    let mut table = Table::new(vec!["a".to_string()], false, true);
    let text = table.rows(&vec![row("1"); HELD_MAX]);
    assert_eq!(text.lines().count(), HELD_MAX + 3);
    assert_eq!(table.rows(&[row("2")]), "| 2 |\n");
    assert_eq!(Table::new(vec!["a".to_string()], false, true).end(), "0 rows\n");
}

#[test]
fn null_is_no_text() {
    let text = |color| Table::new(vec!["a".to_string()], color, false).rows(&[vec![None], vec![Some("NULL".to_string())]]);
    assert_eq!(text(false), "+--------+\n| a      |\n+--------+\n| <NULL> |\n| NULL   |\n");
    assert_eq!(
        text(true),
        "+--------+\n| \u{1b}[1ma\u{1b}[0m      |\n+--------+\n| \u{1b}[2m<NULL>\u{1b}[0m |\n| NULL   |\n"
    );
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    assert_eq!(shorten("a\u{1b}[2Jb"), "a␛[2Jb");
    assert_eq!(shorten(&"x".repeat(100)).width(), CELL_WIDTH_MAX);
}
